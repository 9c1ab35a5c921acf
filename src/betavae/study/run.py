"""Running a study: what is missing, done in a sensible order, with live progress; and what it all came to.

Resuming is calling ``run`` again: what has a record is done, the rest is a set difference.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from betavae.errors import Misuse
from betavae.study import cost, machine
from betavae.study.cells import Job, Study
from betavae.study.executors import local
from betavae.study.progress import Progress
from betavae.study.records import SCHEMA
from betavae.study.store import Store
from betavae.types import Json


class Executor(Protocol):
    """Where groups of jobs are done: how many at once, and doing them all (see ``executors.local.execute``)."""

    def slots(self, device: str) -> int: ...
    def execute(
        self,
        groups: Sequence[local.Group],
        *,
        store: Path,
        study: dict[str, Json],
        device: str,
        workers: int,
        threads: int,
        every: float,
        hear: local.Hear,
        checkpoints: int,
    ) -> dict[str, str]: ...


class Outcome(NamedTuple):
    """What a run came to: wall and predicted seconds, and the reason of each failure by cell id."""

    seconds: float
    predicted: float
    failures: dict[str, str]


def pending(study: Study, store: Store) -> tuple[Job, ...]:
    """The jobs of a study with something left to do, each with the questions (and times) that have no record."""
    done, left = store.done(), []
    for job in study.jobs:
        key = job.cell.id
        questions = []
        for q in job.questions:
            missing = tuple(at for at in q.at if (key, q.id, at) not in done)
            if missing:
                questions.append(replace(q, at=missing))
        if questions or (key, None, 1.0) not in done:
            left.append(Job(job.cell, tuple(questions)))
    return tuple(left)


def select(study: Study, only: Sequence[str] = (), shard: tuple[int, int] | None = None) -> Study:
    """The jobs whose cell id begins with one of ``only``, or the i-th of n shards: a cell's id
    alone says which it is in, so that machines that have different datasets at hand still agree.
    """
    jobs = study.jobs
    if only:
        jobs = tuple(job for job in jobs if job.cell.id.startswith(tuple(only)))
        if not jobs:
            raise Misuse(
                f"no cell of {study.name!r} has an id that begins with {', '.join(only)}; see `betavae status`"
            )
    if shard:
        i, n = shard
        if not 0 <= i < n:
            raise Misuse(f"shard {i}/{n} does not exist; shards of {n} run from 0/{n} to {n - 1}/{n}")
        jobs = tuple(job for job in jobs if int(job.cell.id, 16) % n == i)
    return replace(study, jobs=jobs)


def groups(jobs: Iterable[Job], device: str) -> list[local.Group]:
    """Jobs as they are handed out: one by one on a CPU, longest first; members of one program together on a GPU, which
    takes as many at once as its memory holds.
    """
    ranked = sorted(jobs, key=lambda job: -cost.cost(job).seconds)
    if device == "cpu":
        return [(job,) for job in ranked]
    alike: dict[object, list[Job]] = {}
    for job in ranked:
        c = job.cell
        # What is trained alike but for seed, knobs and learning-rate drop is one program; a baseline is its own.
        program = replace(c.recipe, drop_at=0.0, drop_to=0.0) if c.recipe else c.id
        alike.setdefault((c.dataset, c.method, c.codes, c.objective, program, tuple(dict(c.knobs))), []).append(job)
    return [tuple(jobs) for jobs in alike.values()]


def run(
    study: Study,
    store: Store,
    *,
    workers: int | None = None,
    device: str = "cpu",
    every: float = 60.0,
    checkpoints: int = 2,
    quiet: bool = False,
    executor: Executor = local,
    listen: local.Hear = lambda worker, message: None,
) -> Outcome:
    """Do what is missing of a study. Numbers do not depend on the workers or the executor; errors are recorded and end
    in ``failures``. ``every`` so many seconds of training a checkpoint is written, the newest ``checkpoints`` are kept.
    ``listen`` hears every message of every worker.
    """
    jobs = pending(study, store)
    begun = time.perf_counter()
    if not jobs:
        return Outcome(0.0, 0.0, {})
    workers = workers or executor.slots(device)
    work = groups(jobs, device)
    predicted = predict(jobs, workers)
    errors: dict[str, str] = {}
    with Progress(jobs, workers, predicted, quiet=quiet) as progress:

        def hear(worker: int, message: dict[str, object]) -> None:
            if message.get("status") == "error":
                errors[str(message["cell"])] = str(message["message"])
            progress.hear(worker, message)
            listen(worker, message)

        failures = executor.execute(
            work,
            store=store.path,
            study={"name": study.name, "scale": study.scale},
            device=device,
            workers=workers,
            threads=1 if device == "cpu" else machine.cores(),
            every=every,
            hear=hear,
            checkpoints=checkpoints,
        )
    seconds = time.perf_counter() - begun
    plain = {"name": study.name, "scale": study.scale}
    done = store.done()
    for job in pending(study, store):
        if job.cell.id in failures and job.cell.id not in errors:  # it failed before it could leave a record itself
            cell = {"cell": job.cell.plain(), "cell_id": job.cell.id}
            asked = [{"question": q.plain(), "question_id": q.id, "at": at} for q in job.questions for at in q.at]
            fitted = (job.cell.id, None, 1.0) in done
            for what in [{"kind": "answer", **a} for a in asked] if fitted else [{"kind": "fit"}]:
                message = failures[job.cell.id]
                store.append(_record(plain, device, workers, status="error", message=message, **cell, **what))
    scores = {"wall": seconds, "predicted": predicted}
    notes = {"workers": workers, "jobs": len(jobs)}
    store.append(_record(plain, device, workers, kind="run", scores=scores, notes=notes, seconds=seconds))
    return Outcome(seconds, predicted, {**errors, **failures})


def predict(jobs: Sequence[Job], workers: int) -> float:
    """Wall seconds the jobs should take: datasets are drawn, then each worker takes the longest job left."""
    clocks = [0.0] * max(1, min(workers, len(jobs)))
    for seconds in cost.drawing(jobs) + sorted((cost.cost(job).seconds for job in jobs), reverse=True):
        clocks[clocks.index(min(clocks))] += seconds
    return 6.0 + max(clocks)


def _record(study: dict[str, str], device: str, workers: int, **fields: object) -> dict[str, object]:
    """A record that the driver itself leaves: what a run took against what was predicted, or a cell that could not
    begin.
    """
    return {
        "schema": SCHEMA,
        "study": study,
        "cell": None,
        "cell_id": None,
        "question": None,
        "question_id": None,
        "at": 1.0,
        "status": "ok",
        "message": "",
        "scores": {},
        "notes": {},
        "arrays": None,
        "seconds": 0.0,
        "images": 0,
        **fields,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine.describe(device, workers, "float32"),
        "data": None,
    }

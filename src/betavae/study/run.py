"""Running a study: what is missing, done in a sensible order, with live progress; and what it all came to.

Resuming is calling ``run`` again: what has a record is done, the rest is a set difference.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec

from betavae import trust
from betavae.datasets import rules
from betavae.errors import Misuse, unknown
from betavae.study import machine
from betavae.study.cells import Cell, Job, Study
from betavae.study.claims import asks
from betavae.study.executors.base import Executor
from betavae.study.executors.local import Local
from betavae.study.jobs.messages import Hear, Kept, Said
from betavae.study.monitor.forecast import groups, predict
from betavae.study.monitor.progress import Progress
from betavae.study.records import Record, asked, blank, of
from betavae.study.settings import Settings
from betavae.study.store import Store
from betavae.training import checkpoint


class Outcome(NamedTuple):
    """What a run came to: wall seconds, those predicted of all that was open, the reason of each failure by cell id,
    how many cells a sitting left, and how many were done.
    """

    seconds: float
    predicted: float
    failures: dict[str, str]
    left: int = 0
    done: int = 0


def diverged(study: Study, store: Store) -> dict[str, str]:
    """The cells of a study whose training left the finite numbers, by id, and what is said of each."""
    mine = {job.cell.id for job in study.jobs}
    fits = (r for r in store.records() if r["kind"] == "fit" and r["status"] == "diverged")
    return {r["cell_id"]: r["message"] for r in fits if r["cell_id"] in mine}


def failures(study: Study, store: Store) -> list[Record]:
    """The errors among the answers to what a study asks; those to what it no longer asks are none of its own."""
    wanted = asks(study)
    wrong = (r for r in store.records() if r["status"] == "error")
    return [r for r in wrong if (r["cell_id"], r["question_id"], r["at"]) in wanted]


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


def remaining(job: Job, store: Store) -> Job:
    """A job as long as it still takes: what its newest checkpoint holds of its training is left out. For forecasts."""
    recipe = job.cell.recipe
    step = checkpoint.newest(store.path / "checkpoints" / job.cell.id) if recipe else None
    if not recipe or not step:
        return job
    left = replace(recipe, images=max(0, recipe.steps - step) * recipe.batch)
    return Job(replace(job.cell, recipe=left), job.questions)


def select(study: Study, only: Sequence[str] = (), shard: tuple[int, int] | None = None) -> Study:
    """The jobs whose cell any of ``only`` names, or the i-th of n shards: a cell's id alone says which it is in, so
    that machines that have different datasets at hand still agree.

    A name is the beginning of an id, or settings as study files call them, which must all hold:
    ``dataset=dsprites,beta=4``. Raises Misuse where a name is of no cell.
    """
    jobs = study.jobs
    if only:
        named = {cell.id for name in only for cell in _named(study, name)}
        jobs = tuple(job for job in jobs if job.cell.id in named)
    if shard:
        i, n = shard
        if not 0 <= i < n:
            raise Misuse(f"shard {i}/{n} does not exist; shards of {n} run from 0/{n} to {n - 1}/{n}")
        jobs = tuple(job for job in jobs if int(job.cell.id, 16) % n == i)
    return replace(study, jobs=jobs)


def _named(study: Study, name: str) -> list[Cell]:
    cells = list(study.cells)
    if "=" not in name:
        found = [cell for cell in cells if cell.id.startswith(name)]
        if not found:
            raise Misuse(f"no cell of {study.name!r} has an id that begins with {name}; see `betavae status`")
        return found
    known = {"seed", "train_on"}.union(*(cell.settings for cell in cells))
    for part in re.split(r",(?=\w+=)", name):  # a rule on factor values may hold commas
        key, _, value = part.partition("=")
        value = rules.read(value).text if key == "train_on" and value != "all" else value
        if key not in known:
            raise unknown("setting in --only", key, known)
        found = [cell for cell in cells if _is(_held(cell, key), value)]
        if not found:
            have = dict.fromkeys(_shown(_held(cell, key)) for cell in cells)
            raise Misuse(
                f"--only {name}: no cell of {study.name!r} has {part}; those to choose from have "
                f"{', '.join(list(have)[:8])}{', …' if len(have) > 8 else ''}"
            )
        cells = found
    return cells


def _held(cell: Cell, key: str) -> Any:
    if key == "seed":
        return cell.seed
    return cell.settings.get(key, "all" if key == "train_on" else None)


def _is(held: Any, value: str) -> bool:
    """Whether a setting is what was typed: numbers by value, all else by its letters."""
    if isinstance(held, int | float) and not isinstance(held, bool):
        for read in (int, float):  # a float would round a large seed
            with contextlib.suppress(ValueError):
                return read(value) == held
        return False
    return _shown(held) == value


def _shown(held: Any) -> str:
    if held is None:
        return "none"
    if isinstance(held, tuple):
        return "+".join(map(str, held))
    return f"{held:g}" if isinstance(held, float) else str(held)


def run(
    study: Study,
    store: Store,
    settings: Settings = Settings(),  # noqa: B008  (it is frozen)
    *,
    quiet: bool = False,
    executor: Executor | None = None,
    listen: Hear = lambda worker, message: None,
) -> Outcome:
    """Do what is missing of a study. Numbers do not depend on the workers or the executor; errors are recorded and end
    in ``failures``. ``listen`` hears every message of every worker. Raises Misuse where the device has no such
    precision.
    """
    device = settings.device
    study = replace(study, sources=trust.current(study.sources))
    machine.suits(device, settings.precision)
    jobs = pending(study, store)
    begun = time.perf_counter()
    if not jobs:
        return Outcome(0.0, 0.0, {})
    executor = executor or Local()
    workers = settings.workers or executor.slots(device)
    settings = msgspec.structs.replace(settings, workers=workers, sources=study.sources)
    work = groups(jobs, device)
    left = [remaining(job, store) for job in jobs]
    predicted = predict(left, workers, device if isinstance(executor, Local) else "cpu")
    errors: dict[str, str] = {}
    with Progress(jobs, workers, predicted, quiet=quiet, left=left) as progress:

        def hear(worker: int, message: Said) -> None:
            if isinstance(message, Kept) and message.status == "error":
                errors[message.cell] = message.message
            progress.hear(worker, message)
            listen(worker, message)

        failures = executor.execute(
            work,
            store=store.path,
            study={"name": study.name, "scale": study.scale},
            settings=settings,
            hear=hear,
        )
    seconds = time.perf_counter() - begun
    here = machine.describe(device, workers, settings.precision)
    common: dict[str, Any] = {"study": {"name": study.name, "scale": study.scale}, "machine": here}
    done, open_ = store.done(), pending(study, store)
    for job in open_:
        if job.cell.id in failures and job.cell.id not in errors:  # it failed before it could leave a record itself
            error = {**common, "status": "error", "message": failures[job.cell.id], **of(job.cell)}
            answers = [asked(q, at) for q in job.questions for at in q.at]
            for what in answers if (job.cell.id, None, 1.0) in done else [{}]:
                store.append(blank(**error, **what))
    failed = {**errors, **failures}
    put_off = sum(job.cell.id not in failed for job in open_)
    outcome = Outcome(seconds, predicted, failed, put_off, len(jobs) - len(open_))
    scores = {"wall": seconds, "predicted": predicted}
    notes = {"workers": workers, "jobs": len(jobs), "done": outcome.done, "left": outcome.left}
    store.append(blank(**common, kind="run", scores=scores, notes=notes, seconds=seconds))
    return outcome

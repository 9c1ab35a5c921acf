"""The local executor: one worker process per core, one thread each, jobs spread over them as they come free.

With a GPU one worker trains its populations, and as soon as one is trained the others, on the CPU, put its questions
while the GPU goes on with the next. A worker that dies hands its jobs back; they go on from their checkpoints in a new
worker, at most ``TRIES`` times. A cell that another run of this machine is doing is waited for, so that a run ends when
its study has.
"""

from __future__ import annotations

import json
import queue
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from betavae.disk import Unwritable
from betavae.errors import Fault
from betavae.study import machine
from betavae.study.cells import Job
from betavae.study.executors.process import Group, Order, Post, Worker
from betavae.study.settings import Settings
from betavae.study.store import Store
from betavae.training import checkpoint
from betavae.types import Json

TRIES = 3
"""How often a job is begun before it counts as failed."""
COMMAND = (sys.executable, "-m", "betavae.study.executors.worker")

Hear = Callable[[int, dict[str, Any]], None]
Done = set[tuple[str, str | None, float]]


def slots(device: str) -> int:
    """How many workers this machine takes: one per core, and with a GPU at least one beside the one that trains."""
    return machine.cores() if device == "cpu" else max(2, machine.cores())


def posts(device: str, workers: int) -> list[Post]:
    """One per worker, and at least two where a GPU is to be kept busy: the first trains on it."""
    if device == "cpu":
        return [Post(device)] * workers
    return [Post(device, rests=False), *[Post("cpu", trains=False)] * max(1, workers - 1)]


def orders(groups: Sequence[Group], crew: Sequence[Post], store: Store | None) -> list[Order]:
    """What is to be done first for each group: all of it by a crew that does all, or where labour is divided the
    trainings with the questions on their way, and the rest of what is trained and saved in the store.
    """
    if store is None or all(post.trains and post.rests for post in crew):
        return [Order(group) for group in groups]
    found, done = [], store.done()
    fell = {r["cell_id"] for r in store.records() if r["kind"] == "fit" and r["status"] == "diverged"}
    for group in groups:
        train = []
        for job in group:
            key, recipe = job.cell.id, job.cell.recipe
            if recipe is None:
                continue
            fitted, saved = (key, None, 1.0) in done, checkpoint.newest(store.path / "checkpoints" / key)
            if fitted and (saved is None or (saved < recipe.steps and key not in fell)):
                train.append(job)  # its parameters are gone: trained again where trainings are quick, and asked there
            elif job.early.questions or not fitted:
                train.append(job.early)
        found += [Order(tuple(train), rests=False)] if train else []
        mine = {job.cell.id for job in train}
        rest = [job for job in group if job.cell.id not in mine and (job.questions or not job.cell.recipe)]
        found += [Order((job,), trains=False) for job in rest]
    return found


def name(order: Order) -> tuple[str, bool]:
    """What an order goes by where its tries are counted: its first cell, and which part of the work it is."""
    return order.group[0].cell.id, order.trains


def open_of(job: Job, done: Done) -> Job:
    """A job with the questions, and times, that have no answer."""
    asked = [replace(q, at=tuple(at for at in q.at if (job.cell.id, q.id, at) not in done)) for q in job.questions]
    return Job(job.cell, tuple(q for q in asked if q.at))


def execute(
    groups: Sequence[Group],
    *,
    store: Path,
    study: dict[str, Json],
    settings: Settings,
    hear: Hear,
) -> dict[str, str]:
    """Do all groups; ``hear(worker, message)`` is told what happens. Returns the failures: cell id -> reason.
    Raises Unwritable where the disk refuses: nothing that is done then could be kept.

    A dataset is prepared (drawn, converted, checked) once, by one worker, before any of its groups begins.
    """
    logs = store / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    common = {"store": str(store), "study": study}
    inbox: queue.Queue[Any] = queue.Queue()
    workers = settings.workers or slots(settings.device)
    manned = posts(settings.device, max(1, min(workers, sum(map(len, groups)))))
    if not any(job.questions or not job.cell.recipe for group in groups for job in group):
        manned = [post for post in manned if post.trains]
    kept = None if all(post.rests for post in manned) else Store(store)
    waiting, failures, tries = orders(groups, manned, kept), dict[str, str](), Counter[object]()
    asked = {job.cell.id: job for group in groups for job in group}
    elsewhere: set[object] = set()
    unprepared = list(dict.fromkeys(job.cell.dataset for group in groups for job in group))
    prepared: set[str] = set()
    crew: list[Worker] = []

    def hire(number: int) -> Worker:
        post = manned[number]
        context = {**common, "settings": msgspec.to_builtins(settings.on(post.device))}
        return Worker(number, post, [*COMMAND, json.dumps(context)], logs / f"worker-{number}.log", inbox)

    def assign(worker: Worker) -> None:
        if not worker.idle:
            return
        ready = next((o for o in waiting if o.group[0].cell.dataset in prepared and worker.takes(o)), None)
        if ready:
            waiting.remove(ready)
            worker.order = ready
            plain = [{"cell": j.cell.plain(), "questions": [q.plain() for q in j.questions]} for j in ready.group]
            worker.send({"jobs": plain, "wait": name(ready) in elsewhere, "trains": ready.trains,
                         "cautious": tries[name(ready)] == TRIES - 1})  # fmt: skip
        elif unprepared:
            worker.prepares = unprepared.pop(0)
            hear(worker.number, {"preparing": worker.prepares})
            worker.send({"prepare": worker.prepares})

    def fail(group: Group, reason: str) -> None:
        failures.update({job.cell.id: reason for job in group})

    def without(dataset: str, reason: str) -> None:
        for order in [o for o in waiting if o.group[0].cell.dataset == dataset]:
            waiting.remove(order)
            fail(order.group, reason)

    def bury(worker: Worker) -> None:
        lost, worker.order = worker.order, None
        if lost:
            tries[name(lost)] += 1
            hear(worker.number, {"lost": lost.group[0].cell.id, "tries": tries[name(lost)]})
            if tries[name(lost)] < TRIES:
                waiting.insert(0, lost)
            else:
                reason = f"its worker died {TRIES} times, at last {worker.fall()}; see {worker.log.name}"
                fates = hand_over(lost, dict.fromkeys((job.cell.id for job in lost.group), reason))
                failures.update({k: v for k, v in fates.items() if v == reason})
        elif worker.prepares:
            tries[worker.prepares] += 1
            if tries[worker.prepares] < TRIES:
                unprepared.insert(0, worker.prepares)
            else:
                reason = f"preparing {worker.prepares} killed its worker {TRIES} times, at last {worker.fall()}"
                without(worker.prepares, f"{reason}; see {worker.log.name}")
        else:
            tries["idle"] += 1
            if tries["idle"] >= TRIES:
                raise Fault(f"workers die before they begin, {worker.fall()}; see {worker.log.name}")
        worker.stop()
        crew[crew.index(worker)] = hire(worker.number)

    def hand_over(order: Order, fates: dict[str, str]) -> dict[str, str]:
        """Send on the questions that can be put now of what an order has trained, whatever became of its neighbours;
        the fates as they are then: a cell whose part of the work is done is "done", or "trained" where more is to come.
        """
        if order.rests or kept is None:
            return fates
        done, found = kept.done(), dict(fates)
        for job in order.group:
            key, mine = job.cell.id, {q.id for q in job.late.questions}
            complete = (key, None, 1.0) in done and not open_of(job, done).questions
            if not complete and (fates[key] != "done" or (key, None, 1.0) not in done):
                continue
            late = [q for q in open_of(asked[key].late, done).questions if q.id not in mine]
            waiting.extend([Order((Job(job.cell, tuple(late)),), trains=False)] if late else [])
            found[key] = "trained" if late else "done"
        return found

    def finish(worker: Worker, fates: dict[str, str]) -> dict[str, str]:
        """Take the fates of a worker's jobs, and say what they are when what can go on is sent on."""
        tried, worker.order = worker.order, None
        assert tried is not None
        fates = hand_over(tried, fates)
        failures.update({k: v for k, v in fates.items() if v not in ("done", "elsewhere", "trained")})
        # Alone and after all else: who waits holds no lease that others could wait for.
        others = [tried._replace(group=(job,)) for job in tried.group if fates[job.cell.id] == "elsewhere"]
        waiting.extend(others)
        elsewhere.update(map(name, others))
        return fates

    try:
        crew.extend(hire(k) for k in range(len(manned)))
        while waiting or any(not w.idle for w in crew):
            for worker in crew:
                assign(worker)
            worker, message = inbox.get()
            if message is None:
                bury(worker)
                continue
            if "finished" in message:
                message = {"finished": finish(worker, message["finished"])}
            hear(worker.number, message)
            if "prepared" in message:
                worker.prepares = ""
                prepared.add(message["prepared"])
                if message["failure"]:
                    without(message["prepared"], message["failure"])
            elif "refused" in message:
                raise Unwritable(message["refused"])
    finally:
        for worker in crew:
            worker.stop()
    return failures

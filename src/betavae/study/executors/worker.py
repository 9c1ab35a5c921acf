"""A worker process: jobs come in as JSON lines, messages go out as JSON lines, records go to the store.

Run by the local executor as ``python -m betavae.study.executors.worker CONTEXT``, the context as JSON. Plain pipes and
plain JSON: nothing is pickled, a killed worker cannot wedge a shared lock, and a worker whose driver is gone ends at
once, whatever it is doing.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import torch

from betavae import datasets, trust
from betavae.disk import Unwritable
from betavae.study import machine
from betavae.study.cells import Cell, Job, Question
from betavae.study.jobs.context import failed, reason
from betavae.study.jobs.perform import perform
from betavae.study.leases import try_lease
from betavae.study.settings import Settings
from betavae.study.store import Store
from betavae.types import Json


class StoreContext:
    """The context of a process that writes to the store itself: a record file of its own, arrays, checkpoints."""

    def __init__(self, store: Store, study: dict[str, Json], settings: Settings, say: Any) -> None:
        self.store, self.study, self.settings, self._say = store, study, settings, say
        self._done = store.done()

    def refresh(self) -> None:
        """Read again what is done, by whomever."""
        self._done = self.store.done()

    def done(self, cell: str, question: str | None, at: float) -> bool:
        return (cell, question, at) in self._done

    def keep(self, record: dict[str, Any], arrays: Mapping[str, Any]) -> None:
        record["arrays"] = self.store.put(dict(arrays)) if arrays else None
        self.store.append(record)
        if record["status"] != "error":
            self._done.add((record["cell_id"], record["question_id"], record["at"]))
        self.say({"cell": record["cell_id"], "kept": record["kind"], "status": record["status"],
                  "measure": (record["question"] or {}).get("measure"), "message": record["message"]})  # fmt: skip

    def folder(self, cell: str) -> Path:
        return self.store.path / "checkpoints" / cell

    def say(self, message: dict[str, Any]) -> None:
        self._say(message)


def _tasks() -> Iterator[dict[str, Any]]:
    """The tasks that come in. When standard input closes, the driver is done or dead, and this process ends there."""
    inbox: queue.SimpleQueue[str] = queue.SimpleQueue()

    def listen() -> None:
        for line in sys.stdin:
            inbox.put(line)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        yield json.loads(inbox.get())


def main(arguments: list[str]) -> int:
    """Serve jobs until standard input closes."""
    given = json.loads(arguments[0])
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints must not break the protocol
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    machine.hold_memory()

    def say(message: dict[str, Any]) -> None:
        try:
            out.write(json.dumps(message) + "\n")
            out.flush()
        except BrokenPipeError:
            os._exit(0)

    settings = msgspec.convert(given["settings"], Settings)
    trust.permit(settings.sources)
    trust.use(settings.sources)
    context = StoreContext(Store(Path(given["store"])), given["study"], settings, say)
    say({"ready": os.getpid()})
    for task in _tasks():
        if "prepare" in task:
            begun = time.perf_counter()
            failure = ""
            try:
                datasets.load(task["prepare"], device="cpu")
            except Exception as error:
                failure = reason(error)
            say({"prepared": task["prepare"], "seconds": time.perf_counter() - begun, "failure": failure})
            continue
        jobs = [
            Job(Cell.from_plain(j["cell"]), tuple(Question.from_plain(q) for q in j["questions"])) for j in task["jobs"]
        ]
        try:
            say({"finished": _together(jobs, context, task["wait"], task["trains"], task["cautious"])})
        except Unwritable as error:
            say({"refused": str(error)})
    return 0


def _together(jobs: list[Job], context: StoreContext, wait: bool, trains: bool, cautious: bool) -> dict[str, str]:
    """Do the jobs whose lease is free; the rest belong to another process. Returns each cell's fate. Raises
    Unwritable. A lost CUDA context ends the process: another one goes on from the checkpoints.
    """
    held, fate = [], {}
    with contextlib.ExitStack() as stack:
        for job in jobs:
            lease = try_lease(context.store, job.cell.id, wait=wait)
            fate[job.cell.id] = "done" if lease else "elsewhere"
            if lease:
                stack.enter_context(lease)
                held.append(job)
        context.refresh()
        if held:
            try:
                perform(held, context, trains, cautious)
            except Unwritable:
                raise
            except Exception as error:
                if machine.lost(context.settings.device):
                    said = f"CUDA context lost on {context.settings.device} ({reason(error)}); its worker begins again"
                    context.say({"note": said})
                    os._exit(machine.LOST)
                for job in held:
                    fate[job.cell.id] = reason(error)
                    failed(job, context, reason(error))
    return fate


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""A worker process: jobs come in as JSON lines, messages go out as JSON lines, records go to the store.

Run by the local executor as ``python -m betavae.study.executors.worker STORE DEVICE STUDY``. Plain pipes and plain
JSON: nothing is pickled, a killed worker cannot wedge a shared lock, and a worker whose driver is gone ends at its
next message.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from betavae import datasets
from betavae.study.cells import Cell, Job, Question
from betavae.study.leases import try_lease
from betavae.study.perform import perform
from betavae.study.store import Store
from betavae.types import Json

STALE = 30.0
"""Seconds after which a worker reads again what others have done."""


class StoreDesk:
    """The desk of a process that writes to the store itself: its own record file, the shared arrays and checkpoints."""

    def __init__(self, store: Store, study: dict[str, Json], device: str, every: float, say: Any) -> None:
        self.store, self.study, self.device, self.every, self._say = store, study, device, every, say
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


def main(arguments: list[str]) -> int:
    """Serve jobs until standard input closes."""
    path, device, every, study = arguments[0], arguments[1], float(arguments[2]), json.loads(arguments[3])
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints must not break the protocol
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))

    def say(message: dict[str, Any]) -> None:
        out.write(json.dumps(message) + "\n")
        out.flush()

    desk = StoreDesk(Store(Path(path)), study, device, every, say)
    say({"ready": os.getpid()})
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        for line in sys.stdin:
            task = json.loads(line)
            if "prepare" in task:
                begun = time.perf_counter()
                failure = ""
                try:
                    datasets.load(task["prepare"], device="cpu")
                except Exception as error:
                    failure = str(error)
                say({"prepared": task["prepare"], "seconds": time.perf_counter() - begun, "failure": failure})
                continue
            jobs = [
                Job(Cell.from_plain(j["cell"]), tuple(Question.from_plain(q) for q in j["questions"]))
                for j in task["jobs"]
            ]
            say({"finished": _together(jobs, desk)})
    return 0


def _together(jobs: list[Job], desk: StoreDesk) -> dict[str, str]:
    """Do the jobs whose lease is free; the rest belong to another process. Returns each cell's fate."""
    held, fate = [], {}
    with contextlib.ExitStack() as stack:
        for job in jobs:
            lease = try_lease(desk.store, job.cell.id)
            fate[job.cell.id] = "done" if lease else "elsewhere"
            if lease:
                stack.enter_context(lease)
                held.append(job)
        desk.refresh()
        if held:
            try:
                perform(held, desk)
            except Exception as error:
                for job in held:
                    fate[job.cell.id] = f"{type(error).__name__}: {error}"
    return fate


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

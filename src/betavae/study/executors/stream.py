"""What a task of a cluster does: its jobs, with everything it finds sent back as a stream of lines while it works.

A node that dies takes with it only what it had not yet sent.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from betavae import trust
from betavae.disk import Unwritable
from betavae.study.cells import Job, canonical
from betavae.study.jobs.messages import (
    Begun,
    Done,
    Finished,
    Found,
    Message,
    Perform,
    Prepare,
    Refused,
    Step,
    line,
    told,
)
from betavae.types import Json

if TYPE_CHECKING:
    from betavae.types import Array

SAY_EVERY = 1.0
"""Seconds between lines of mere progress: a population of 64 has 64 steps to tell of, together."""


class StreamContext:
    """The context of a task: records and arrays go out, progress once in a while; only checkpoints touch a disk."""

    def __init__(self, task: Perform) -> None:
        self.study: dict[str, Json] = task.study
        self.settings, self.store = task.settings, Path(task.store)
        self.lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._done: Done = set(task.done)
        self._weights = task.weights
        self._steps: dict[str, Step] = {}
        self._said = 0.0

    def done(self, cell: str, question: str | None, at: float) -> bool:
        return (cell, question, at) in self._done

    def weights(self, cell: str) -> str:
        return self._weights.get(cell, "")

    def keep(self, record: dict[str, Any], arrays: Mapping[str, Array]) -> None:
        self.say(Found(msgspec.Raw(canonical(record).encode()), frozen(arrays)))
        if record["status"] != "error":
            self._done.add((record["cell_id"], record["question_id"], record["at"]))

    def folder(self, cell: str) -> Path:
        return self.store / "checkpoints" / cell

    def say(self, message: Message) -> None:
        if not isinstance(message, Step):
            self.lines.put(line(message))
            return
        self._steps[message.cell] = message
        if time.perf_counter() - self._said > SAY_EVERY:
            self.lines.put(b"".join(map(line, self._steps.values())))
            self._steps, self._said = {}, time.perf_counter()


def frozen(arrays: Mapping[str, Array]) -> bytes:
    """Arrays as the bytes of a safetensors file, nothing for none."""
    import numpy as np
    from safetensors.numpy import save

    return save({key: np.ascontiguousarray(value) for key, value in arrays.items()}) if arrays else b""


def work(text: bytes, node: str) -> Iterator[bytes]:
    """Do what a line asks on this node; lines come as things are found, the fate of each cell in the last one.

    The jobs run in a thread of their own, so that a line leaves the moment it is there.
    """
    task = told(text)
    assert not isinstance(task, Prepare)
    if task.data:
        os.environ.setdefault("BETAVAE_DATA", task.data)
    jobs, context = task.opened(), StreamContext(task)
    shared = (context.store / "checkpoints").is_dir()
    yield line(Begun([job.cell.id for job in jobs], node, os.getpid(), shared))
    if shared:
        threading.Thread(target=_perform, args=(task, jobs, context), daemon=True).start()
        while lines := context.lines.get():
            yield lines


def _perform(task: Perform, jobs: Sequence[Job], context: StreamContext) -> None:
    from threadpoolctl import threadpool_limits

    from betavae.study.jobs.attempt import DeviceLost, attempt, leave, prepare_process

    said = "done"
    trust.use(task.settings.sources)
    trust.permit(task.settings.sources)
    prepare_process(task.threads)
    try:
        with threadpool_limits(task.threads):
            said = attempt(jobs, context, task.trains, task.cautious)
    except Unwritable as error:
        context.say(Refused(str(error)))
    except DeviceLost:
        leave()  # the driver sees a lost task, and gives it to another process
    finally:  # whatever happens here, the driver hears of it
        context.say(Finished({job.cell.id: said for job in jobs}))
        context.lines.put(None)

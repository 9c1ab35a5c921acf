"""What a task of a cluster does: its jobs, with everything it finds sent back as a stream of frames while it works.

A frame is plain bytes: the length of a JSON text (8 bytes, little-endian), the text (a list of messages), and the
arrays of the one record among them, as safetensors. A node that dies takes with it only what it had not yet sent.
"""

from __future__ import annotations

import json
import os
import queue
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from betavae import trust
from betavae.study.cells import Cell, Job, Question, canonical
from betavae.study.settings import Settings

if TYPE_CHECKING:
    from betavae.types import Array, Json

SAY_EVERY = 1.0
"""Seconds between frames of mere progress: a population of 64 has 64 steps to tell of, in one frame."""

Done = set[tuple[str, str | None, float]]


def pack(messages: Sequence[Mapping[str, Any]], blob: bytes = b"") -> bytes:
    """Messages and the arrays of the record among them as one frame."""
    text = canonical(list(messages)).encode()
    return len(text).to_bytes(8, "little") + text + blob


def unpack(frame: bytes) -> tuple[list[dict[str, Any]], bytes]:
    """The messages and the arrays of a frame."""
    end = 8 + int.from_bytes(frame[:8], "little")
    return json.loads(frame[8:end]), frame[end:]


class Terms(NamedTuple):
    """What all tasks of a run share."""

    store: str
    study: dict[str, Json]
    settings: Settings


def order(jobs: Sequence[Job], terms: Terms, threads: int, done: Done, cautious: bool = False) -> bytes:
    """All that a node must know to do these jobs, as JSON; ``done`` is what has a record already, ``cautious`` as in
    ``perform``.
    """
    cells = {job.cell.id for job in jobs}
    plain = {
        "store": terms.store,
        "study": terms.study,
        "settings": msgspec.to_builtins(terms.settings),
        "jobs": [{"cell": j.cell.plain(), "questions": [q.plain() for q in j.questions]} for j in jobs],
        "threads": threads,
        "cautious": cautious,
        "done": [list(key) for key in sorted(done, key=str) if key[0] in cells],
        "data": os.environ.get("BETAVAE_DATA"),
    }
    return canonical(plain).encode()


class StreamContext:
    """The context of a task: records and arrays go out, progress once in a while; only checkpoints touch a disk."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        self.study: dict[str, Json] = task["study"]
        self.settings, self.store = msgspec.convert(task["settings"], Settings), Path(task["store"])
        self.frames: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._done: Done = {(cell, question, at) for cell, question, at in task["done"]}
        self._steps: dict[str, dict[str, Any]] = {}
        self._said = 0.0

    def done(self, cell: str, question: str | None, at: float) -> bool:
        return (cell, question, at) in self._done

    def keep(self, record: dict[str, Any], arrays: Mapping[str, Array]) -> None:
        self.frames.put(pack([{"record": record}], frozen(arrays)))
        if record["status"] != "error":
            self._done.add((record["cell_id"], record["question_id"], record["at"]))

    def folder(self, cell: str) -> Path:
        return self.store / "checkpoints" / cell

    def say(self, message: dict[str, Any]) -> None:
        if "step" not in message:
            self.frames.put(pack([message]))
            return
        self._steps[message["cell"]] = message
        if time.perf_counter() - self._said > SAY_EVERY:
            self.frames.put(pack(list(self._steps.values())))
            self._steps, self._said = {}, time.perf_counter()


def frozen(arrays: Mapping[str, Array]) -> bytes:
    """Arrays as the bytes of a safetensors file, nothing for none."""
    import numpy as np
    from safetensors.numpy import save

    return save({key: np.ascontiguousarray(value) for key, value in arrays.items()}) if arrays else b""


def work(text: bytes, node: str) -> Iterator[bytes]:
    """Do what an ``order`` asks on this node; frames come as things are found, the fate of each cell in the last one.

    The jobs run in a thread of their own, so that a frame leaves the moment it is there.
    """
    task = json.loads(text)
    if task["data"]:
        os.environ.setdefault("BETAVAE_DATA", task["data"])
    jobs = [Job(Cell.from_plain(j["cell"]), tuple(map(Question.from_plain, j["questions"]))) for j in task["jobs"]]
    context = StreamContext(task)
    trust.permit(context.settings.sources)
    trust.use(context.settings.sources)
    shared = (context.store / "checkpoints").is_dir()
    yield pack([{"begun": [job.cell.id for job in jobs], "node": node, "process": os.getpid(), "shared": shared}])
    if shared:
        threading.Thread(
            target=_perform, args=(jobs, context, int(task["threads"]), task["cautious"]), daemon=True
        ).start()
        while frame := context.frames.get():
            yield frame


def _perform(jobs: Sequence[Job], context: StreamContext, threads: int, cautious: bool) -> None:
    import torch
    from threadpoolctl import threadpool_limits

    from betavae.disk import Unwritable
    from betavae.study import machine
    from betavae.study.jobs.context import failed, reason
    from betavae.study.jobs.perform import perform

    said = "done"
    torch.set_num_threads(threads)
    machine.hold_memory()
    try:
        with threadpool_limits(threads):
            perform(jobs, context, cautious=cautious)
    except Unwritable as error:
        context.say({"refused": str(error)})
    except Exception as error:
        if machine.lost(context.settings.device):
            os._exit(machine.LOST)  # the driver sees a lost task, and gives it to another process
        said = reason(error)
        for job in jobs:
            failed(job, context, said)
    finally:  # whatever happens here, the driver hears of it
        context.say({"finished": {job.cell.id: said for job in jobs}})
        context.frames.put(None)

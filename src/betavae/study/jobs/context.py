"""What a job needs from the study around it, and what its records say, whoever keeps them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from betavae.datasets.base import Dataset
from betavae.errors import BetavaeError
from betavae.metrics.base import Answer
from betavae.study import machine, records
from betavae.study.cells import Cell, Job, canonical
from betavae.study.jobs.messages import Done, Kept, Message
from betavae.study.settings import Settings
from betavae.study.store import Store
from betavae.types import Json


class Paused(Exception):
    """The sitting is over: what was begun is put down, and goes on when the same command is given again."""


class Context(Protocol):
    """What a job needs from the study around it; every executor has one."""

    study: dict[str, Json]
    settings: Settings

    def done(self, cell: str, question: str | None, at: float) -> bool: ...
    def weights(self, cell: str) -> str: ...
    def keep(self, record: dict[str, Any], arrays: Mapping[str, Any]) -> None: ...
    def folder(self, cell: str) -> Any: ...
    def say(self, message: Message) -> None: ...


class StoreContext:
    """The context of a process that writes to the store itself: a record file of its own, arrays, checkpoints."""

    def __init__(
        self, store: Store, study: dict[str, Json], settings: Settings, say: Callable[[Message], None]
    ) -> None:
        self.store, self.study, self.settings, self.say = store, study, settings, say
        self._done: Done | None = None

    def refresh(self) -> None:
        """Read again what is done, by whomever."""
        self._done = self.store.done()

    def done(self, cell: str, question: str | None, at: float) -> bool:
        if self._done is None:
            self.refresh()
        return (cell, question, at) in (self._done or ())

    def weights(self, cell: str) -> str:
        """Which weights the record of a fit tells of; "" where none does."""
        return weights(self.store.records()).get(cell, "")

    def keep(self, record: dict[str, Any], arrays: Mapping[str, Any]) -> None:
        record["arrays"] = self.store.put(dict(arrays)) if arrays else None
        self.store.append(record)
        if record["status"] != "error" and self._done is not None:
            self._done.add((record["cell_id"], record["question_id"], record["at"]))
        self.say(kept(record))

    def folder(self, cell: str) -> Path:
        return self.store.path / "checkpoints" / cell


def weights(records: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The digest of the weights that each fit ended with, by cell, where its record tells of it."""
    fits = ((r["cell_id"], r["notes"].get("weights")) for r in records if r["kind"] == "fit")
    return {cell: told for cell, told in fits if isinstance(told, str)}


def kept(record: Mapping[str, Any]) -> Kept:
    """What is said of a record that is in the store."""
    measure = (record["question"] or {}).get("measure")
    return Kept(record["cell_id"], record["kind"], record["status"], measure, record["message"])


def failed(job: Job, context: Context, message: str) -> None:
    """Leave a record of a job that could not go on: of its fit, or where that is done of each question still open."""
    if not context.done(job.cell.id, None, 1.0):
        context.keep(record(context, None, job.cell, status="error", message=message), {})
        return
    for question in job.questions:
        for at in question.at:
            if not context.done(job.cell.id, question.id, at):
                told = record(context, None, job.cell, status="error", message=message, **records.asked(question, at))
                context.keep(told, {})


def record(
    context: Context,
    dataset: Dataset | None,
    cell: Cell,
    *,
    precision: str = "float32",
    stepped: str = "",
    **fields: Any,
) -> dict[str, Any]:
    """A record of a cell, of its fit unless ``fields`` say otherwise.

    ``precision`` is what it was made in, ``stepped`` by which kernels a CPU trained it, or in which way and
    with how many others a GPU did.
    """
    here = machine.describe(_device_name(context.settings.device), torch.get_num_threads(), precision)
    here |= {"stepped": stepped} if stepped else {}
    data: dict[str, Json] | None = {"source": dataset.source, "digest": dataset.digest} if dataset else None
    return records.blank(context.study, **records.of(cell), machine=here, data=data, **fields)


def _device_name(device: str) -> str:
    if not device.startswith("cuda"):
        return "cpu"
    try:
        return torch.cuda.get_device_name(device)
    except (AssertionError, RuntimeError):  # a record of what went wrong with it must not go wrong with it
        return device


def reason(error: BaseException) -> str:
    """An error in words, for a record."""
    return str(error) if isinstance(error, BetavaeError) else f"{type(error).__name__}: {error}"


def sound(answer: Answer) -> Answer:
    """An answer that a record can hold, or ValueError says what is wrong with it."""
    wrong = {k: value for k, value in answer.scores.items() if isinstance(value, bool) or not math.isfinite(value)}
    if wrong:
        raise ValueError("; ".join(f"the score {key} is {value}" for key, value in wrong.items()))
    canonical({"scores": answer.scores, "notes": answer.notes})
    for key, array in answer.arrays.items():
        if np.asarray(array).dtype.kind not in "biuf":
            raise ValueError(f"the array {key} holds {np.asarray(array).dtype}, wanted numbers")
    return answer

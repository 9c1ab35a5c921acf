"""What a job needs from the study around it, and what its records say, whoever keeps them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import torch

from betavae.datasets.base import Dataset
from betavae.errors import BetavaeError
from betavae.metrics.base import Answer
from betavae.study import machine, records
from betavae.study.cells import Cell, Job, canonical
from betavae.study.settings import Settings
from betavae.types import Json


class Context(Protocol):
    """What a job needs from the study around it; every executor has one."""

    study: dict[str, Json]
    settings: Settings

    def done(self, cell: str, question: str | None, at: float) -> bool: ...
    def keep(self, record: dict[str, Any], arrays: Mapping[str, Any]) -> None: ...
    def folder(self, cell: str) -> Any: ...
    def say(self, message: dict[str, Any]) -> None: ...


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

    ``precision`` is what it was made in, ``stepped`` in which way and with how many others a GPU trained it.
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
    wrong = {key: value for key, value in answer.scores.items() if not math.isfinite(value)}
    if wrong:
        raise ValueError("; ".join(f"the score {key} is {value}" for key, value in wrong.items()))
    canonical({"scores": answer.scores, "notes": answer.notes})
    for key, array in answer.arrays.items():
        if np.asarray(array).dtype.kind not in "biuf":
            raise ValueError(f"the array {key} holds {np.asarray(array).dtype}, wanted numbers")
    return answer

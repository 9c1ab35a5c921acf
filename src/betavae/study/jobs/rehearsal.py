"""What is known of jobs before they are done: each cell and each question is tried on its dataset without images.

What is refused there, before the first image is wanted, would be refused after hours of training too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import torch

from betavae import datasets, metrics, objectives
from betavae.datasets.base import Dataset, Unrendered
from betavae.errors import BetavaeError, Fault, Misuse
from betavae.metrics.base import Metric, Subject, ask
from betavae.names import foreign
from betavae.names import knobs as knobs_of
from betavae.representation.base import Codec
from betavae.study.cells import Cell, Job, Question
from betavae.study.jobs.tasks import baseline_of, task_of
from betavae.study.monitor import cost
from betavae.training import batches

if TYPE_CHECKING:
    from betavae.study.reader import Reader

DECODED = ("pca", "ica")
"""What is fitted and has a way back to images."""
FEWEST = {"pairs": 1}
"""A question is refused or not whatever these knobs are, which make its draw long."""


def rehearse(jobs: Iterable[Job], places: Mapping[str, Reader] | None = None, files: bool = True) -> None:
    """Raises Misuse, or Fault for a file that is absent, where it is known that one of these jobs cannot be done; the
    message begins with the line of the study file, where ``places`` tell of one.

    ``files``: the work is done on this machine, and what it reads must be here. Nothing is said of a dataset that has
    no card.
    """
    where, tried = places or {}, set[object]()
    for job in jobs:
        cell = job.cell
        alike = (cell.dataset, cell.method, cell.objective)
        here = (*alike, cell.codes, cell.train_on, cell.knobs, cell.fit, cell.recipe and cell.recipe.batch)
        left = [q for q in job.questions if not tried & {(*alike, q.id), (cell.dataset, q.id)}]
        if here in tried and not left:
            continue
        tried |= {here, *((*alike, q.id) for q in left)}
        try:
            if files and (missing := datasets.absent(cell.dataset)):
                raise missing
            dataset = datasets.unloaded(cell.dataset)
            if dataset is None:
                continue
            codec = _codec(cell, dataset)
        except BetavaeError as error:
            raise _placed(error, where.get(cell.id), cell.settings) from None
        for question in left:
            try:
                if _asked(question, Subject(dataset, codec, _unseen)):
                    tried.add((cell.dataset, question.id))
            except BetavaeError as error:
                if files or not isinstance(error, Fault):
                    raise _placed(error, where.get(question.id), dict(question.knobs), cell, where) from None


def same_images(names: Iterable[str], records: Iterable[Mapping[str, Any]], where: str) -> None:
    """Raises Misuse where a stranger's dataset gives other images or labels now than those that records of today's code
    are of: a store ``where`` some are of the one and some of the other holds no study.
    """
    before: dict[str, set[str]] = {}
    for record in records:
        if record["cell"] and record["data"] and foreign(record["cell"]["dataset"]):
            before.setdefault(record["cell"]["dataset"], set()).add(record["data"]["digest"])
    for name in sorted(before.keys() & set(names)):
        dataset = datasets.unloaded(name)
        if dataset is not None and dataset.digest not in before[name]:
            raise Misuse(
                f"{name} gives other images or labels than the records of {where} are of: sha256 "
                f"{dataset.digest[:12]}, then {sorted(before[name])[0][:12]}; give another folder as --store, "
                "or take the images back"
            )


def _asked(question: Question, subject: Subject) -> bool:
    """Ask as far as it goes without images; whether the answer would be the same for every cell of the dataset."""
    knobs = dict(question.knobs)
    if not foreign(question.measure):
        knobs |= {
            key: least for key, least in FEWEST.items() if key in knobs_of(metrics.METRICS, question.measure, "measure")
        }
    measure = metrics.named(question.measure, **knobs)
    plain = isinstance(measure, Metric)
    if plain or not foreign(question.measure):  # a stranger's measure may do anything before it wants an image
        try:
            ask(measure, question.measure, subject, question.seed)
        except BetavaeError:
            raise
        except (Unrendered, Exception):  # what a stand-in is no good for says nothing of the real thing
            pass
    return plain


def _codec(cell: Cell, dataset: Dataset) -> Codec:
    """What a cell will be, as far as it can be told: a codec that encodes nothing. Raises Misuse."""
    if cell.recipe is None:
        if not foreign(cell.method):
            try:
                return baseline_of(cell, dataset)
            except Unrendered:
                pass
        return Codec(cell.codes, _unseen, _unseen if cell.method in DECODED or foreign(cell.method) else None)
    task = task_of(cell, dataset)
    knobs = task.settled(dict(cell.knobs))
    assert task.columns
    if partner := batches.Drawn.of(task, knobs).partner:
        partner(torch.Generator(), torch.arange(2))
    params = _Unmade(objectives.likelihood(task.objective, knobs).init())
    return Codec(cell.codes, _unseen, _unseen, _unseen, task.model, params)


class _Unmade(dict[str, torch.Tensor]):
    """Parameters of which only the names of a likelihood's own are known."""

    def __getitem__(self, key: str) -> NoReturn:
        raise Unrendered

    def items(self) -> NoReturn:
        raise Unrendered

    def values(self) -> NoReturn:
        raise Unrendered


def _unseen(given: Any) -> NoReturn:
    raise Unrendered


def _placed(
    error: BetavaeError,
    place: Reader | None,
    settings: Mapping[str, Any],
    asked: Cell | None = None,
    where: Mapping[str, Reader] | None = None,
) -> BetavaeError:
    """The same error with its line: that of the key, or of the value, which its message speaks of."""
    said = str(error)
    if asked is not None:
        grid = (where or {}).get(asked.id)
        said += f" (asked of {cost.label(asked)}{f', {grid.line(asked.method)}' if grid else ''})"
    if place is None:
        return type(error)(said)
    values = [w for v in settings.values() for w in (v if isinstance(v, tuple) else (v,)) if isinstance(w, str)]
    words = [*(key for key in settings if said.startswith(f"{key} is ")), *values, *settings]
    near = (word for word in words if re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", str(error)))
    return type(error)(f"{place.line(next(near, 'method' if asked is None else 'measure'))}: {said}")

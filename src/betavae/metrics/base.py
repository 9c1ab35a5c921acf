"""What a question to a representation is: a metric (plan + score) or, more generally, a measure; and how one is asked.

A metric never sees an image: ``plan`` says which images to look at and what to hold against their codes, ``score``
judges the codes. So every representation answers the same draw, and codes are made once and shared by every question.
A measure may decode or stream; it is given the whole subject.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import torch
from torch import Tensor

from betavae import rng
from betavae.datasets.base import Dataset
from betavae.representation import encoders
from betavae.representation.base import Codec
from betavae.types import Json, Scores

if TYPE_CHECKING:
    from betavae.types import Array


@dataclass(frozen=True)
class Draw:
    """Which images to look at, ``index`` of any shape, and the ``answer`` to hold against their codes, ``[P]``."""

    index: Tensor
    answer: Tensor


class Metric(NamedTuple):
    """A score of codes alone: ``plan(generator, dataset)`` draws, ``score(generator, draw, codes [*index, Z])``
    judges.
    """

    name: str
    plan: Callable[[torch.Generator, Dataset], Draw]
    score: Callable[[torch.Generator, Draw, Tensor], Scores]


@dataclass(frozen=True)
class Answer:
    """What a question brings back: numbers, arrays for pictures, and plain notes (labels, settings, what was looked
    at).
    """

    scores: Scores = field(default_factory=dict)
    arrays: dict[str, Array] = field(default_factory=dict)
    notes: dict[str, Json] = field(default_factory=dict)


class Subject(NamedTuple):
    """A representation on trial: its dataset, its codec, and ``codes(index [*n]) -> [*n, Z]`` on the CPU,
    remembered.
    """

    dataset: Dataset
    codec: Codec
    codes: Callable[[Tensor], Tensor]


Measure = Callable[[torch.Generator, Subject], Answer]
"""The general kind of question: a function of named randomness and the subject."""


class Transformer(Protocol):
    """What scikit-learn's transformers have: rows of numbers ``[n, D]`` to rows of numbers ``[n, Z]``."""

    def transform(self, X: Any, /) -> Any: ...


class Codes:
    """Codes of a dataset's images, made once each and remembered: ``codes(index [*n]) -> [*n, Z]`` float32 on the
    CPU.
    """

    def __init__(self, dataset: Dataset, codec: Codec, batch: int = 256) -> None:
        self._dataset, self._codec, self._batch = dataset, codec, batch
        self._known = torch.zeros(dataset.size, dtype=torch.bool)
        self._store: Tensor | None = None

    def __call__(self, index: Tensor) -> Tensor:
        index = torch.as_tensor(index).long()
        flat = index.reshape(-1)
        wanted = torch.zeros(self._dataset.size, dtype=torch.bool)
        wanted[flat] = True
        missing = torch.nonzero(wanted & ~self._known).squeeze(-1)
        for part in missing.split(self._batch):
            codes = self.encode(part)
            if self._store is None:
                self._store = torch.empty(self._dataset.size, codes.shape[-1])
            self._store[part] = codes
        self._known[missing] = True
        if self._store is None:
            raise ValueError("codes of no images were asked for")
        return self._store[flat].reshape(*index.shape, -1)

    def encode(self, index: Tensor) -> Tensor:
        """Codes of one batch of images ``[n]``, checked: real and finite ``[n, Z]``, or Misuse or Fault says what
        came.
        """
        with torch.no_grad():
            given: Any = (
                self._codec.told(index) if self._codec.told else self._codec.encode(self._dataset.render(index))
            )
        return encoders.checked(given, len(index))


def ask(measure: Metric | Measure, name: str, subject: Subject, seed: int) -> Answer:
    """Put one question to one subject. The draw depends on the seed, the question and the dataset, never on the
    subject; a metric's is its own name's, so that a score and the same on rotated codes meet the same votes.
    """
    if not isinstance(measure, Metric):
        return measure(rng.generator(seed, name, subject.dataset.name), subject)
    draw = measure.plan(rng.generator(seed, measure.name, "plan", subject.dataset.name), subject.dataset)
    scores = measure.score(rng.generator(seed, measure.name, "score"), draw, subject.codes(draw.index))
    return Answer(scores=scores)


def evaluate(
    metric: Metric | Measure,
    dataset: Dataset,
    encode: Callable[[Tensor], Any] | Codec | Array | Transformer,
    *,
    seed: int,
    batch: int = 256,
) -> Scores:
    """Score any encoder: ``encode`` maps images ``[n, C, H, W]`` in [0, 1] to codes ``[n, Z]``, tensor or array.

    It may also be an array of codes ``[N, Z]``, row i for image i of the whole dataset, or an object with
    ``transform``, as scikit-learn's are, which is given images as NumPy ``[n, C * H * W]``. The result's first key is
    the metric's own score. The batch size changes nothing but speed. Raises Misuse where it gives no codes.
    """
    codec = encoders.codec(encode, dataset)
    codes = Codes(dataset, codec, batch)
    name = metric.name if isinstance(metric, Metric) else "measure"
    return ask(metric, name, Subject(dataset, codec, codes), seed).scores

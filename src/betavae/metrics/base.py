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
from betavae.errors import BetavaeError, Fault, Misuse, shown
from betavae.representation import encoders
from betavae.representation.base import Codec
from betavae.types import Json, Knobs, Scores

if TYPE_CHECKING:
    from betavae.types import Array


@dataclass(frozen=True, eq=False)
class Draw:
    """Which images to look at, ``index`` of any shape, and the ``answer`` to hold against their codes: ``[P]`` for
    votes, of the factors ``names``.

    Where the answer is the classes of K factors ``[N, K]``, ``names`` are theirs, ``values [N, K]`` the numbers they
    stand for, and the first ``fitted`` rows are those to fit on.
    """

    index: Tensor
    answer: Tensor
    names: tuple[str, ...] = ()
    fitted: int = 0
    values: Tensor | None = None


class Reads(NamedTuple):
    """How a score is read: its ``unit`` ("" for a number without one), what ``chance(knobs, factor sizes)`` gives where
    that is known, and whether the ``higher`` is the better.
    """

    unit: str = ""
    chance: Callable[[Knobs, tuple[int, ...]], float] | None = None
    higher: bool = True


Looks = int | Callable[[int], int]
"""How many different images a question has encoded; a function is given the number of images there are."""


class Metric(NamedTuple):
    """A score of codes alone: ``plan(generator, dataset)`` draws, ``score(generator, draw, codes)`` judges.

    ``looks`` and ``seconds`` (of one core, beside encoding) are what a forecast asks; ``cites`` names works of the
    bibliography. Metrics of one ``stream`` ("": its own name) draw alike, so that those of one seed share their codes.
    ``beside`` gives the arrays and notes that a record keeps beside the scores; its note "floor" is the score of codes
    that say nothing.
    """

    name: str
    plan: Callable[[torch.Generator, Dataset], Draw]
    score: Callable[[torch.Generator, Draw, Tensor], Scores]
    reads: Reads = Reads()
    looks: Looks = 0
    seconds: float = 0.05
    cites: tuple[str, ...] = ()
    stream: str = ""
    beside: Callable[[torch.Generator, Draw, Tensor], Answer] | None = None

    @property
    def draws(self) -> str:
        """The name of the stream that its draw comes from."""
        return self.stream or self.name


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


@dataclass(frozen=True)
class Probe:
    """A measure that says of itself what a ``Metric`` says: how it is read, what it costs, whom it cites; ``pictures``
    is the number of images it keeps. ``shared`` is for what compares cells of different training seeds image by image:
    one draw then serves all of them.
    """

    measure: Measure
    reads: Reads = field(default_factory=Reads)
    looks: Looks = 0
    seconds: float = 0.05
    cites: tuple[str, ...] = ()
    pictures: int = 0
    shared: bool = False

    def __call__(self, generator: torch.Generator, subject: Subject) -> Answer:
        return self.measure(generator, subject)


def told(measure: Metric | Probe, knobs: Knobs, dataset: Dataset) -> dict[str, Json]:
    """How the answers of a question are read, as a record keeps it, so that a report need not open the measure."""
    chance = measure.reads.chance
    sizes = dataset.factors.sizes if dataset.factors else ()
    return {
        "unit": measure.reads.unit,
        "chance": float(chance(knobs, sizes)) if chance and sizes else None,
        "higher": measure.reads.higher,
        "cites": list(measure.cites),
    }


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
        self._last: tuple[Tensor, Tensor] | None = None

    def __call__(self, index: Tensor) -> Tensor:
        if self._last is not None and self._last[0] is index:  # questions of one draw: theirs are the very same codes
            return self._last[1]
        asked, index = index, torch.as_tensor(index).long()
        flat = index.reshape(-1)
        wanted = torch.zeros(self._dataset.size, dtype=torch.bool)
        wanted[flat] = True
        missing = torch.nonzero(wanted & ~self._known).squeeze(-1)
        for part in missing.split(self._batch) if len(missing) else ():  # of nothing, torch gives one empty part
            codes = self.encode(part)
            if self._store is None:
                self._store = torch.empty(self._dataset.size, codes.shape[-1])
            self._store[part] = codes
        self._known[missing] = True
        if self._store is None:
            raise ValueError("codes of no images were asked for")
        self._last = (asked, self._store[flat].reshape(*index.shape, -1))
        return self._last[1]

    def encode(self, index: Tensor) -> Tensor:
        """Codes of one batch of images ``[n]``: real and finite ``[n, Z]``, or Misuse or Fault says what came."""
        with torch.no_grad():
            if self._codec.told:
                return encoders.checked(self._codec.told(index), len(index))
            # Of one length: libraries round few rows otherwise, and what is left hangs on what was asked before.
            whole = max(len(index), min(self._batch, self._dataset.size))
            padded = torch.cat([index, index[-1:].expand(whole - len(index))])
            return encoders.checked(self._codec.encode(self._dataset.render(padded)), whole)[: len(index)]


def ask(measure: Metric | Measure, name: str, subject: Subject, *seeds: int) -> Answer:
    """Put one question to one subject. The draw depends on the seeds, the question and the dataset, never on the
    subject; a metric's is its own name's, so that a score and the same on rotated codes meet the same votes.

    A study gives the question's seed and the cell's: what is compared within a training seed meets the same draw, and
    over training seeds the error of the draw averages out with everything else.
    """
    if isinstance(measure, Probe) and measure.shared:
        seeds = seeds[:1]
    if not isinstance(measure, Metric):
        return measure(rng.generator(*seeds, name, subject.dataset.name), subject)
    draw = measure.plan(rng.generator(*seeds, measure.draws, "plan", subject.dataset.name), subject.dataset)
    codes = subject.codes(draw.index)
    scores = measure.score(rng.generator(*seeds, measure.name, "score"), draw, codes)
    if measure.beside is None:
        return Answer(scores)
    kept = measure.beside(rng.generator(*seeds, measure.name, "beside"), draw, codes)
    return Answer(scores, kept.arrays, kept.notes)


def evaluate(
    metric: str | Metric | Measure,
    dataset: Dataset,
    encode: Callable[[Tensor], Any] | Codec | Array | Transformer,
    *,
    seed: int,
    batch: int = 256,
    output: str | None = None,
    **knobs: Any,
) -> Scores:
    """Score any encoder: ``encode`` maps images ``[n, C, H, W]`` in [0, 1] to codes ``[n, Z]``, tensor or array.

    ``metric`` is one, or the name of one with its ``knobs`` (``named`` takes those called as an argument here).
    ``encode`` may also be an array of codes ``[N, Z]``, row i for image i of the whole dataset, or an object with
    ``transform``, as scikit-learn's are, which is given images as NumPy ``[n, C * H * W]``. A module is run in
    evaluation mode and given back in its own. ``output`` names the part that is the codes where it gives several. The
    result's first key is the metric's own score. Raises Misuse where it gives no codes, Fault where it fails.
    """
    if not isinstance(dataset, Dataset):
        raise Misuse(f"dataset is {shown(dataset)}; wanted one of betavae.load, from_array or from_table")
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise Misuse(f"batch is {shown(batch)}; wanted a whole number from 1 on")
    seed = rng.whole(seed)
    name = metric if isinstance(metric, str) else metric.name if isinstance(metric, Metric) else "measure"
    if isinstance(metric, str):
        from betavae.metrics import named

        metric = named(metric, **knobs)
    elif knobs:
        raise Misuse(f"knobs ({', '.join(knobs)}) go with the name of a metric; this one is made already")
    if not callable(metric.score if isinstance(metric, Metric) else metric):
        raise Misuse(f"metric is {shown(metric)}; wanted a name, or what a function of betavae.metrics gives")
    codec = encoders.codec(encode, dataset, output=output)
    subject = Subject(dataset, codec, Codes(dataset, codec, min(batch, dataset.size)))
    if isinstance(metric, Metric | Probe):
        return ask(metric, name, subject, seed).scores
    try:
        answer = ask(metric, name, subject, seed)
    except BetavaeError:
        raise
    except Exception as error:
        raise Fault(f"the metric failed: {encoders.told(error)}") from error
    if not isinstance(answer, Answer):
        raise Misuse(f"the metric gave {shown(answer)}; wanted an Answer: a measure is given a generator and a Subject")
    return answer.scores

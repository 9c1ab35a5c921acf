"""Many metrics put to one representation, each beside what noise scores and what the same codes score when rotated."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from betavae import rng
from betavae.datasets.base import Dataset
from betavae.errors import BetavaeError
from betavae.metrics.base import Codes, Measure, Metric, Probe, Subject, ask
from betavae.metrics.comparison import Row, shares
from betavae.metrics.rotations import turned
from betavae.representation.base import Codec
from betavae.types import Json


class Line(NamedTuple):
    """One metric's answers: its scores over redraws, that of noise and of the rotated codes (None where there is none,
    with the reason in ``refused``), notes of the first, and the seconds of one redraw.
    """

    metric: str
    row: Row
    noise: float | None
    rotated: float | None
    notes: Mapping[str, Json]
    seconds: float


def suite(
    asked: Mapping[str, Metric | Probe],
    dataset: Dataset,
    codec: Codec,
    seeds: Sequence[int],
    within: Sequence[int] = (),
) -> Iterator[Line]:
    """Put metrics to a codec, a line as each is done; codes are made once for all. Each meets the draws that it would
    meet alone; ``within`` is a training seed, whose cell then meets those of its record. What cannot be asked gives a
    line with the reason.
    """
    codes = Codes(dataset, codec)
    plain = Subject(dataset, codec, codes)
    beside = [plain._replace(codes=_Remembered(made)) for made in (_noise(dataset, codec), _turned(codes))]
    for name, metric in asked.items():
        begun = time.perf_counter()
        try:
            answers = [ask(metric, name, plain, seed, *within) for seed in seeds]
        except BetavaeError as error:
            yield Line(name, Row(name, codec.codes, (), str(error)), None, None, {}, time.perf_counter() - begun)
            continue
        spent = (time.perf_counter() - begun) / len(seeds)
        row = Row(name, codec.codes, tuple(answer.scores for answer in answers), share=shares(name, metric))
        floors = [_first(metric, name, subject, seeds[0], *within) for subject in beside]
        yield Line(name, row, floors[0], floors[1], answers[0].notes, spent)


def _first(metric: Measure | Metric, name: str, subject: Subject, *seeds: int) -> float | None:
    if not isinstance(metric, Metric):
        return None
    try:
        scores = ask(metric._replace(beside=None), name, subject, *seeds).scores
    except BetavaeError:
        return None
    return next(iter(scores.values()))


class _Remembered:
    """Codes that are the same object for the same draw, so that what is counted of them is counted once."""

    def __init__(self, made: Callable[[Tensor], Tensor]) -> None:
        self._made = made
        self._last: list[tuple[Tensor, Tensor]] = []

    def __call__(self, index: Tensor) -> Tensor:
        for asked, codes in self._last:
            if asked is index:
                return codes
        codes = self._made(index)
        self._last = [(index, codes), *self._last[:1]]
        return codes


def _noise(dataset: Dataset, codec: Codec) -> Callable[[Tensor], Tensor]:
    """Independent standard normal codes of every image, as many as the codec's."""
    table = torch.randn(dataset.size, codec.codes, generator=rng.generator("noise", codec.codes))
    return lambda index: table[index]


def _turned(codes: Codes) -> Callable[[Tensor], Tensor]:
    """The codes of a draw, standardised and rotated: every time by the same rotation."""
    return lambda index: turned(rng.generator("rotation"), codes(index))

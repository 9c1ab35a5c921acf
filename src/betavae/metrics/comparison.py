"""One metric put to several representations over several draws: the numbers of a table, with their vote noise."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from betavae.datasets.base import Dataset
from betavae.errors import Misuse
from betavae.metrics import METRICS
from betavae.metrics.base import Codes, Measure, Metric, Probe, Subject, ask
from betavae.names import knobs
from betavae.representation.base import Codec
from betavae.types import Scores

POOL, FEWER = 4000, 10_000
LEVEL = 0.95
NO_SHARES = ("frechet", "reconstruction", "gaussian_tc", "wasserstein", "mutual_information", "equivalence",
             "calibration")  # fmt: skip
"""Measures of the house whose scores are no shares: they may leave [0, 1]."""
LIGHT: dict[str, dict[str, object]] = {"dci": {"model": "lasso"}}
"""Knobs of a metric asked among others, unless others are given: a fit of boosted trees takes most of a minute."""
KIND = "95 % t interval of the mean over redrawn questions; training seeds are not in it"


def quick(name: str) -> dict[str, object]:
    """Knobs of a metric unless others are given, for tens of times fewer encodings: votes from a pool of images, and
    10,000 images where it would look at a whole grid.
    """
    if name == "higgins":
        return {"pool": POOL}
    whole = name in METRICS and knobs(METRICS, name, "measure").get("images")
    return {"images": FEWER} if whole and whole.default is None else {}


class Spread(NamedTuple):
    """A score over redrawn questions: the mean, its interval (None of one draw, and where draws change nothing), and
    the standard deviation of one draw (None for one).
    """

    mean: float
    low: float | None
    high: float | None
    sd: float | None


class Row(NamedTuple):
    """One representation's scores: its name, its number of codes, the scores of each draw, or why there are none;
    ``share`` where they are shares, so that no interval leaves [0, 1].
    """

    name: str
    codes: int
    scores: tuple[Scores, ...]
    refused: str = ""
    share: bool = False

    def spread(self, key: str) -> Spread | None:
        """What the draws say of one score; None where it was not given."""
        return spread([scores[key] for scores in self.scores if key in scores], self.share)


def shares(name: str, measure: Metric | Measure) -> bool:
    """Whether a measure's scores are shares, in [0, 1]: of a stranger's that is known where chance is."""
    if name in METRICS or (isinstance(measure, Metric) and measure.stream == "field"):  # "dci_lasso" is one too
        return name not in NO_SHARES
    return isinstance(measure, Metric | Probe) and measure.reads.chance is not None


def spread(values: Sequence[float], share: bool = False) -> Spread | None:
    """Mean and 95 % t interval of independent draws, cut to [0, 1] for shares; None of no draws. Draws that all give
    the same number redrew nothing that it depends on, or met its ceiling: they have no interval.
    """
    if not values:
        return None
    mean = statistics.fmean(values)
    if len(values) == 1:
        return Spread(mean, None, None, None)
    from scipy.stats import t

    sd = statistics.stdev(values)
    if sd == 0 or min(values) == max(values):
        return Spread(mean, None, None, 0.0)
    half = float(t.ppf((1 + LEVEL) / 2, len(values) - 1)) * sd / math.sqrt(len(values))
    low, high = mean - half, mean + half
    if share and min(values) >= 0 and max(values) <= 1:
        low, high = max(0.0, low), min(1.0, high)
    return Spread(mean, low, high, sd)


def compare(
    metric: Metric | Measure,
    name: str,
    dataset: Dataset,
    codecs: Mapping[str, Codec],
    seeds: Sequence[int],
    within: Sequence[int] = (),
) -> Iterator[Row]:
    """Put the metric to each codec once per seed, a row at a time. All codecs answer the same draws: those of a study
    where ``within`` holds the training seed.

    A codec that the metric cannot be asked of (no way back to images, say) gives a row with the reason.
    """
    for label, codec in codecs.items():
        subject = Subject(dataset, codec, Codes(dataset, codec))
        try:
            scores = tuple(ask(metric, name, subject, seed, *within).scores for seed in seeds)
        except Misuse as error:
            yield Row(label, codec.codes, (), str(error))
            continue
        yield Row(label, codec.codes, scores, share=shares(name, metric))

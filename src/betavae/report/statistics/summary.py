"""Statistics over seeds: what n values can say, and no more.

Every function takes plain sequences of numbers, one per training seed. Two-sided throughout; α is 0.05 unless said.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

ALPHA = 0.05
FEW = 6
"""Below this many values no order-statistic interval of the median reaches 95 %."""
MANY = 10
"""From this many values on, a bootstrap interval is worth printing beside the exact one."""
BCA_COVERAGE = {10: 0.937, 15: 0.942, 30: 0.945}
"""How often the BCa interval holds the mean of normal values, by n: 3,000 simulated samples each."""


class Interval(NamedTuple):
    """Two ends, the chance that such an interval holds the true value, and how it was made."""

    low: float
    high: float
    coverage: float
    kind: str

    def __contains__(self, value: object) -> bool:
        return isinstance(value, (int, float)) and self.low <= value <= self.high


class Summary(NamedTuple):
    """What n values say: ``sd`` is the sample's (n - 1), None for one value; ``iqm`` and ``bca`` from n = 10 on."""

    n: int
    mean: float
    sd: float | None
    median: float
    interval: Interval | None
    iqm: float | None
    bca: Interval | None


def rank_correlation(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Spearman's ρ, ties at their mean rank; None where either side has no order."""
    ranks = [stats.rankdata(values) for values in (one, other)]
    if any(len(set(rank)) < 2 for rank in ranks):
        return None
    return float(np.corrcoef(*ranks)[0, 1])


def summarise(values: Sequence[float]) -> Summary | None:
    """The summary of a non-empty sample of finite values, or None of an empty one."""
    if not values:
        return None
    n, many = len(values), len(values) >= MANY
    return Summary(
        n=n,
        mean=statistics.fmean(values),
        sd=statistics.stdev(values) if n > 1 else None,
        median=statistics.median(values),
        interval=median_interval(values),
        iqm=iqm(values) if many else None,
        bca=bca(values) if many else None,
    )


def median_interval(values: Sequence[float], coverage: float = 1 - ALPHA) -> Interval | None:
    """The exact order-statistic interval of the median, for any continuous distribution.

    The k-th smallest and k-th largest of n values miss the median with probability 2·P(Binomial(n, 1/2) < k). The
    largest k that still covers ``coverage`` is taken; below n = 6 there is none, k is 1, and the true coverage
    1 - 2·(1/2)^n is what it is. One value has no interval.
    """
    n = len(values)
    if n < 2:
        return None
    k = 1
    while 2 * stats.binom.cdf(k, n, 0.5) <= 1 - coverage:
        k += 1
    ordered = sorted(values)
    kind = "min–max" if k == 1 else f"order statistics {k} and {n + 1 - k}"
    return Interval(ordered[k - 1], ordered[n - k], 1 - 2 * float(stats.binom.cdf(k - 1, n, 0.5)), kind)


def iqm(values: Sequence[float]) -> float:
    """The interquartile mean: the mean of the middle half."""
    return float(stats.trim_mean(values, 0.25))


def bca(values: Sequence[float], resamples: int = 9999) -> Interval:
    """The nominal 95 % BCa bootstrap interval (Efron 1987) of the interquartile mean, drawn from a fixed seed.

    Its coverage is what normal values get at the next smaller n of BCA_COVERAGE: short of 95 % where n is small.
    """
    coverage = BCA_COVERAGE[max((n for n in BCA_COVERAGE if n <= len(values)), default=min(BCA_COVERAGE))]
    if max(values) == min(values):
        return Interval(values[0], values[0], coverage, "BCa bootstrap")
    done = stats.bootstrap(
        (np.asarray(values),),
        lambda x, axis: stats.trim_mean(x, 0.25, axis=axis),
        method="BCa",
        n_resamples=resamples,
        rng=np.random.default_rng(len(values)),
    )
    low, high = done.confidence_interval
    return Interval(float(low), float(high), coverage, "BCa bootstrap")


def worst_half_dropped(values: Sequence[float]) -> list[float]:
    """The better half of the values, ⌈n/2⌉ of them, as Higgins et al. (2016) select their runs."""
    return sorted(values, reverse=True)[: math.ceil(len(values) / 2)]


def limit(scores: Mapping[int, Sequence[float]]) -> float | None:
    """The score at L → ∞ from scores by L: a least-squares line through all seeds' scores against 1/√L, cut to [0, 1].

    Vote noise falls as 1/√L; the line is a description of four points, not a law, and needs two values of L.
    """
    points = [(1 / math.sqrt(pairs), value) for pairs, values in scores.items() for value in values]
    if len({x for x, _ in points}) < 2:
        return None
    x, y = np.array(points).T
    return float(np.clip(np.polynomial.Polynomial.fit(x, y, 1)(0.0), 0.0, 1.0))


class Noise(NamedTuple):
    """Standard deviations by source: training seed, draw of votes, choice of classifier; None where unseen."""

    training: float | None
    votes: float | None
    classifier: float | None


def noise(scores: Mapping[tuple[int, int, str], float]) -> Noise:
    """Noise by source, from scores keyed by (training seed, question seed, classifier).

    ``votes`` is the pooled sd over question seeds within one run and classifier; ``classifier`` the pooled sd over
    classifiers within one run and question seed, which share their votes; ``training`` the sd over runs of the runs'
    mean score, less what the votes add to it (never below 0).
    """
    votes = _pooled(scores, lambda k: (k[0], k[2]))
    classifier = _pooled(scores, lambda k: (k[0], k[1]))
    squares, free = 0.0, 0
    for kind in sorted({k[2] for k in scores}):
        runs = [
            [v for k, v in scores.items() if k[2] == kind and k[0] == run]
            for run in sorted({k[0] for k in scores if k[2] == kind})
        ]
        if len(runs) > 1:  # each classifier's own, as some are asked of fewer runs and draws than others
            added = (votes or 0.0) ** 2 * statistics.fmean(1 / len(found) for found in runs)
            squares += (len(runs) - 1) * (statistics.variance([statistics.fmean(found) for found in runs]) - added)
            free += len(runs) - 1
    training = math.sqrt(max(0.0, squares / free)) if free else None
    return Noise(training, votes, classifier)


def _pooled(
    scores: Mapping[tuple[int, int, str], float], within: Callable[[tuple[int, int, str]], Hashable]
) -> float | None:
    groups: dict[Hashable, list[float]] = {}
    for key, value in scores.items():
        groups.setdefault(within(key), []).append(value)
    several = [v for v in groups.values() if len(v) > 1]
    if not several:
        return None
    squares = sum(statistics.variance(v) * (len(v) - 1) for v in several)
    return math.sqrt(squares / sum(len(v) - 1 for v in several))

"""Statistics over seeds: what n values can say, and no more.

Every function takes plain sequences of numbers, one per training seed. Two-sided throughout; α is 0.05 unless said.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from scipy import stats

ALPHA = 0.05
POWER = 0.80
FEW = 6
"""Below this many values no order-statistic interval of the median reaches 95 %."""
MANY = 10
"""From this many values on, a bootstrap interval is worth printing beside the exact one."""
MOST = 1000
"""Needs above this many seeds are printed as "more than"."""

Key = TypeVar("Key", bound=Hashable)


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


def bca(values: Sequence[float]) -> Interval:
    """The 95 % BCa bootstrap interval (Efron 1987) of the interquartile mean, drawn from a fixed seed."""
    if max(values) == min(values):
        return Interval(values[0], values[0], 1 - ALPHA, "BCa bootstrap")
    done = stats.bootstrap(
        (np.asarray(values),),
        lambda x, axis: stats.trim_mean(x, 0.25, axis=axis),
        method="BCa",
        n_resamples=9999,
        rng=np.random.default_rng(len(values)),
    )
    low, high = done.confidence_interval
    return Interval(float(low), float(high), 1 - ALPHA, "BCa bootstrap")


def probability_of_more(a: Sequence[float], b: Sequence[float]) -> float:
    """P(A > B) = U / (n·m), ties counted half: 1 where every value of a is above every value of b."""
    wins = sum((x > y) + 0.5 * (x == y) for x in a for y in b)
    return wins / (len(a) * len(b))


def permutation_p(a: Sequence[float], b: Sequence[float]) -> float:
    """The exact two-sided p of the rank-sum test over all ways to split the n + m values, ties included.

    Subsets of the doubled mid-ranks are counted by their sum, so nothing is sampled and no normal curve is used.
    """
    n, m = len(a), len(b)
    doubled = np.rint(2 * stats.rankdata([*a, *b])).astype(int)
    ways = np.zeros((n + 1, int(doubled.sum()) + 1))
    ways[0, 0] = 1.0
    for rank in doubled:
        ways[1:, rank:] += ways[:-1, : ways.shape[1] - rank].copy()
    sums = np.arange(ways.shape[1])
    middle = n * (n + m + 1)
    far = np.abs(sums - middle) >= abs(int(doubled[:n].sum()) - middle)
    return float(min(1.0, ways[n, far].sum() / ways[n].sum()))


def holm(ps: Mapping[Key, float]) -> dict[Key, float]:
    """Holm's step-down adjusted p values over one table (Holm 1979)."""
    adjusted: dict[Key, float] = {}
    worst = 0.0
    for place, key in enumerate(sorted(ps, key=lambda k: ps[k])):
        worst = max(worst, min(1.0, (len(ps) - place) * ps[key]))
        adjusted[key] = worst
    return adjusted


def fewest_for_p(alpha: float = ALPHA) -> int:
    """The fewest seeds per group at which a perfect separation passes the exact rank-sum test."""
    n = 1
    while 2 / math.comb(2 * n, n) > alpha:
        n += 1
    return n


def fewest_for_sign(alpha: float = ALPHA) -> int:
    """The fewest pairs at which unanimous signs pass the two-sided sign test."""
    n = 1
    while 2 * 0.5**n > alpha:
        n += 1
    return n


def seeds_needed(a: Sequence[float], b: Sequence[float], alpha: float = ALPHA) -> int | None:
    """Seeds per group for 80 % power at the effect and spread seen: at least what the exact test can pass at all.

    n = (π/3)·2·((z₁₋α/₂ + z₀.₈)/d)² with d the difference of means in pooled sds; π/3 is the rank-sum test's loss on
    normal scores. None where there is no effect to find or more than 1000 would be needed. With one value in a group
    the spread is unknown and only the lower bound is given.
    """
    least = fewest_for_p(alpha)
    difference = abs(statistics.fmean(a) - statistics.fmean(b)) if a and b else 0.0
    if min(len(a), len(b)) < 2:
        return least
    spread = math.sqrt((statistics.variance(a) + statistics.variance(b)) / 2)
    if spread == 0.0:
        return least if difference else None
    if difference == 0.0:
        return None
    z = float(stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(POWER))
    n = math.ceil(math.pi / 3 * 2 * (z * spread / difference) ** 2)
    return max(least, n) if n <= MOST else None


def pairs_needed(differences: Sequence[float], alpha: float = ALPHA) -> int | None:
    """Pairs for 80 % power of the sign test at the share of signs seen, at least what unanimous signs need to pass.

    n = ((z₁₋α/₂/2 + z₀.₈·√(p(1-p))) / (p - 1/2))², p the share of the more common sign, half a count pulled inward.
    """
    least = fewest_for_sign(alpha)
    signs = [d > 0 for d in differences if d != 0.0]
    if not signs:
        return None if differences else least
    p = (max(sum(signs), len(signs) - sum(signs)) + 0.5) / (len(signs) + 1)
    if p <= 0.5:
        return None
    z = stats.norm.ppf(1 - alpha / 2) / 2 + stats.norm.ppf(POWER) * math.sqrt(p * (1 - p))
    n = math.ceil(float(z / (p - 0.5)) ** 2)
    return max(least, n) if n <= MOST else None


def sign_p(differences: Sequence[float]) -> float:
    """The exact two-sided p of the sign test on paired differences; zero differences say nothing and are left out."""
    signs = [d > 0 for d in differences if d != 0.0]
    return float(stats.binomtest(sum(signs), len(signs)).pvalue) if signs else 1.0


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
    per_run: dict[str, list[float]] = {}
    asked: list[int] = []
    for kind in sorted({k[2] for k in scores}):
        for run in sorted({k[0] for k in scores if k[2] == kind}):
            found = [v for k, v in scores.items() if k[2] == kind and k[0] == run]
            per_run.setdefault(kind, []).append(statistics.fmean(found))
            asked.append(len(found))
    spread = [statistics.variance(v) for v in per_run.values() if len(v) > 1]
    training = None
    if spread:
        added = votes**2 / statistics.fmean(asked) if votes is not None else 0.0
        training = math.sqrt(max(0.0, statistics.fmean(spread) - added))
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

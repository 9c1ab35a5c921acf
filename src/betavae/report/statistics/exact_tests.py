"""Exact tests of small samples: two groups, blocks, and many tests at once. SciPy alone; nothing is sampled."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from itertools import permutations
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from betavae.report.statistics.summary import ALPHA, Interval

POWER = 0.80
MOST = 1000
"""Needs above this many seeds are printed as "more than"."""
LISTED = 7
"""Up to so many values of a block all their orders are listed; of longer blocks they are counted by their sum."""
DIGITS = 9
"""Sums of ranks and weights are compared after rounding to so many decimals."""

Key = TypeVar("Key", bound=Hashable)


def probability_of_more(a: Sequence[float], b: Sequence[float]) -> float:
    """P(A > B) = U / (n·m), ties counted half: 1 where every value of a is above every value of b."""
    wins = sum((x > y) + 0.5 * (x == y) for x in a for y in b)
    return wins / (len(a) * len(b))


def permutation_p(a: Sequence[float], b: Sequence[float]) -> float:
    """The exact two-sided p of the rank-sum test over all ways to split the n + m values, ties included.

    Subsets of the doubled mid-ranks are counted by their sum, so nothing is sampled and no normal curve is used. With
    ties the sums may lie askew: p is twice the smaller tail, so that no skew decides with fewer seeds than could
    without ties.
    """
    n = len(a)
    doubled = np.rint(2 * stats.rankdata([*a, *b])).astype(int)
    counts = _subsets(doubled.tolist(), n)[n]
    seen = int(doubled[:n].sum())
    return float(min(1.0, 2 * min(counts[seen:].sum(), counts[: seen + 1].sum()) / counts.sum()))


def _subsets(ranks: Sequence[int], most: int) -> NDArray[np.float64]:
    """How many subsets of so many ranks have a sum, ``[most + 1, sum of all + 1]``."""
    ways = np.zeros((most + 1, sum(ranks) + 1))
    ways[0, 0] = 1.0
    for rank in ranks:
        ways[1:, rank:] += ways[:-1, : ways.shape[1] - rank].copy()
    return ways


def holm(ps: Mapping[Key, float]) -> dict[Key, float]:
    """Holm's step-down adjusted p values over one table (Holm 1979)."""
    adjusted: dict[Key, float] = {}
    worst = 0.0
    for place, key in enumerate(sorted(ps, key=lambda k: ps[k])):
        worst = max(worst, min(1.0, (len(ps) - place) * ps[key]))
        adjusted[key] = worst
    return adjusted


class Block(NamedTuple):
    """Values that one seed (or pair of seeds) gave under several conditions; weights rise where a claim says more."""

    weights: tuple[float, ...]
    values: tuple[float, ...]


class Tested(NamedTuple):
    """An exact two-sided p, and the statistic in standard deviations of its null distribution."""

    p: float
    z: float


def block_test(blocks: Sequence[Block]) -> Tested:
    """The sum over blocks of weights times mid-ranks against all orders of the values within each block.

    Under the null every order within a block is equally likely, whatever the values' distribution and however they
    depend on the seed. With two values this is the sign test, with evenly rising weights Page's trend test. p is twice
    the smaller tail, as sums of other weights may lie askew.
    """
    if any(len(block.values) > LISTED for block in blocks):
        return _long_test(blocks)
    total, variance, chances = 0.0, 0.0, {0.0: 1.0}
    for block in blocks:
        ranks = tuple(float(r) for r in stats.rankdata(block.values))
        centre = statistics.fmean(block.weights)
        weights = tuple(w - centre for w in block.weights)
        total += sum(w * r for w, r in zip(weights, ranks, strict=True))
        each = _orders(weights, tuple(sorted(ranks)))
        variance += sum(share * s * s for s, share in each)
        sums: dict[float, float] = defaultdict(float)
        for s, share in chances.items():
            for t, other in each:
                sums[round(s + t, DIGITS)] += share * other
        chances = sums
    near = 10.0 ** (1 - DIGITS)
    above = sum(share for s, share in chances.items() if s >= total - near)
    below = sum(share for s, share in chances.items() if s <= total + near)
    p = min(1.0, 2 * min(above, below))
    return Tested(p, total / math.sqrt(variance) if variance else 0.0)


@lru_cache(maxsize=4096)
def _orders(weights: tuple[float, ...], ranks: tuple[float, ...]) -> tuple[tuple[float, float], ...]:
    """The null distribution of one block's sum, over all orders of its ranks: pairs (value, probability)."""
    counts: dict[float, int] = defaultdict(int)
    for order in permutations(ranks):
        counts[round(sum(w * r for w, r in zip(weights, order, strict=True)), DIGITS)] += 1
    whole = math.factorial(len(ranks))
    return tuple((value, count / whole) for value, count in sorted(counts.items()))


def _long_test(blocks: Sequence[Block]) -> Tested:
    """``block_test`` of long blocks. Raises ValueError where weights less their mean are no multiples of 1/2."""
    total, variance, nulls = 0, 0.0, []
    for block in blocks:
        ranks = np.rint(2 * stats.rankdata(block.values)).astype(int)
        exact = 2 * (np.array(block.weights) - statistics.fmean(block.weights))
        weights = np.rint(exact).astype(int)
        if not np.allclose(exact, weights):
            raise ValueError(f"weights {block.weights} are no multiples of 1/2 around their mean")
        total += int(weights @ ranks)
        nulls.append(_counted(tuple(weights.tolist()), tuple(sorted(ranks.tolist()))))
        values, shares = nulls[-1]
        variance += float(shares @ values.astype(float) ** 2)
    unit = math.gcd(total, *(int(v) for values, _ in nulls for v in values)) or 1
    whole, low = np.ones(1), 0
    for values, shares in nulls:
        steps = values // unit
        dense = np.zeros(int(steps[-1] - steps[0]) + 1)
        dense[steps - steps[0]] = shares
        whole, low = np.convolve(whole, dense), low + int(steps[0])
    place = total // unit - low
    p = float(min(1.0, 2 * min(whole[place:].sum(), whole[: place + 1].sum())))
    return Tested(p, total / math.sqrt(variance) if variance else 0.0)


@lru_cache(maxsize=256)
def _counted(weights: tuple[int, ...], ranks: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """``_orders`` of whole numbers: the values ascending and their probabilities, by the set of ranks already given."""
    reach = sum(abs(w) for w in weights) * max(ranks)
    if len(set(weights)) == 2:
        return _split(weights, ranks)
    layer = {0: np.zeros(2 * reach + 1)}
    layer[0][reach] = 1.0
    for weight in weights:
        longer: dict[int, NDArray[np.float64]] = {}
        for given, sums in layer.items():
            for k, rank in enumerate(ranks):
                if not given >> k & 1:
                    held = longer.setdefault(given | 1 << k, np.zeros(2 * reach + 1))
                    held += np.roll(sums, weight * rank)  # nothing reaches the ends: reach holds every sum
        layer = longer
    [counts] = layer.values()
    met = np.flatnonzero(counts)
    return met - reach, counts[met] / counts.sum()


def _split(weights: tuple[int, ...], ranks: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The same of two weights: the ranks that the larger gets are counted by their sum, as in ``permutation_p``."""
    high, low = max(weights), min(weights)
    ways = _subsets(ranks, weights.count(high))
    met = np.flatnonzero(ways[-1])
    return high * met + low * (sum(ranks) - met), ways[-1, met] / ways[-1].sum()


def less(a: float, b: float) -> float:
    """``a - b``, where two diverged runs, infinite on one side, are as bad as each other."""
    return 0.0 if a == b else a - b


def within_test(above: Tested, below: Tested) -> Tested:
    """Two one-sided tests of an equivalence as one: that a difference lies above the lower margin, and below the upper.

    Where both point inside, the larger p: each must be shown. Otherwise twice that of the margin that is passed.
    """
    outside = [tested.p for tested in (above, below) if tested.z < 0]
    p = min(1.0, 2 * min(outside)) if outside else max(above.p, below.p)
    return Tested(p, min(above.z, below.z))


def rank_sum_test(a: Sequence[float], b: Sequence[float]) -> Tested:
    """The exact rank-sum test of two groups whose seeds share nothing."""
    n, m = len(a), len(b)
    z = (probability_of_more(a, b) - 0.5) / math.sqrt((n + m + 1) / (12 * n * m))
    return Tested(permutation_p(a, b), z)


def shift_interval(a: Sequence[float], b: Sequence[float], coverage: float = 1 - ALPHA) -> Interval | None:
    """The interval of the shift between two groups from their pairwise differences (Hodges & Lehmann 1963).

    The k-th smallest and largest of the n·m differences miss the shift with probability 2·P(U < k), exact for
    continuous values; where no k reaches ``coverage``, all differences are spanned and the true coverage is what it is.
    """
    n, m = len(a), len(b)
    if n + m < 3:
        return None
    ways = np.zeros((n + 1, n * m + 1))  # ways[i, u]: choices of i of the values seen so far with sum of excesses u
    ways[0, 0] = 1.0
    for j in range(n + m):
        for i in range(min(j + 1, n), 0, -1):
            below = j - (i - 1)  # values of b that this value of a exceeds
            if 0 <= below <= m:
                ways[i, below:] += ways[i - 1, : n * m + 1 - below]
    tail = np.cumsum(ways[n]) / ways[n].sum()
    k = 1
    while k < n * m / 2 and 2 * tail[k] <= 1 - coverage:
        k += 1
    ordered = sorted(less(x, y) for x in a for y in b)
    kind = "differences spanned" if k == 1 else f"ordered differences {k} and {n * m + 1 - k}"
    return Interval(ordered[k - 1], ordered[n * m - k], 1 - 2 * float(tail[k - 1]), kind)

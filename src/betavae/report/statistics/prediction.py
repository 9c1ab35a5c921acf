"""Where a published median of m runs should lie if its runs were of the kind that n values of ours are of.

The interval's ends are two of our values, so it holds for any continuous distribution; both samples' noise counts, ours
and the published one's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from betavae.report.statistics.summary import ALPHA, Interval


def misses(n: int, m: int, k: int) -> float:
    """An upper bound of P(median of m further values < the k-th smallest of n), exact for odd m.

    All n + m ranks are equally likely to be theirs. The median of an even m lies above its lower middle value, so that
    value stands for it: the bound errs to the safe side.
    """
    middle = (m + 1) // 2
    ways = sum(math.comb(k - 1 + i, i) * math.comb(n - k + m - i, m - i) for i in range(middle, m + 1))
    return ways / math.comb(n + m, m)


def median_prediction(values: Sequence[float], m: int, coverage: float = 1 - ALPHA) -> Interval | None:
    """The interval that holds the median of m further runs with at least its stated chance.

    The k-th smallest and largest of our n values, with the largest k that keeps ``coverage``; where even k = 1 does not
    reach it the whole range is given with the chance that it has. None of fewer than two values.
    """
    n = len(values)
    if n < 2:
        return None
    k = 1
    while k < (n + 1) // 2 and 2 * misses(n, m, k + 1) <= 1 - coverage:
        k += 1
    ordered = sorted(values)
    kind = "min–max" if k == 1 else f"order statistics {k} and {n + 1 - k}"
    return Interval(ordered[k - 1], ordered[n - k], max(0.0, 1 - 2 * misses(n, m, k)), kind)


def least_for_prediction(m: int, coverage: float = 1 - ALPHA) -> int:
    """The fewest of our runs whose range holds the median of m further ones with this chance: 19 for four."""
    n = 2
    while 2 * misses(n, m, 1) > 1 - coverage:
        n += 1
    return n

"""What one comparison of a claim found: its effect, interval over seeds, exact p, and whether it lies in a margin."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from betavae.report.statistics.comparisons import Arm, Comparison, Groups, Identity, Within, against_line
from betavae.report.statistics.contrasts import contrast_test
from betavae.report.statistics.exact_tests import (
    Block,
    Tested,
    block_test,
    less,
    probability_of_more,
    rank_sum_test,
    shift_interval,
    within_test,
)
from betavae.report.statistics.summary import Interval, median_interval


class Finding(NamedTuple):
    """One comparison: effect in the claim's direction, its interval over seeds, P(the claim's side is more), exact p.

    ``n`` counts blocks (seeds, or pairs of seeds; the smaller group of two); ``z`` is the statistic in standard
    deviations of its null distribution, positive where the claim points. ``equal`` is the p of two one-sided tests
    that the effect lies within the claim's margin to either side.
    """

    label: str
    n: int
    effect: float
    interval: Interval | None
    chance: float
    p: float
    z: float
    equal: float = 1.0


def finding(arm: Comparison, margin: float | None = None) -> Finding:
    """What one comparison found; where there is a ``margin``, also whether its effect lies within."""
    match arm:
        case Arm(label, blocks, exchangeable, fell):
            gaps = [_gap(block) for block in blocks]
            chance = statistics.fmean(probability_of_more(*_ends(block)) for block in blocks)
            tested = contrast_test(blocks) if exchangeable else block_test(blocks)
            equal = _shown(_inside(gaps, margin)) if margin and not fell else 1.0
            return Finding(label, len(blocks), _middle(gaps), median_interval(gaps), chance, *tested, equal)
        case Groups(label, a, b, fell):
            shift = _middle(less(x, y) for x in a for y in b)
            tested = rank_sum_test(a, b)
            chance = probability_of_more(a, b)
            equal = _shown(_near(a, b, margin)) if margin and not fell else 1.0
            return Finding(label, min(len(a), len(b)), shift, shift_interval(a, b), chance, *tested, equal)
        case Within():
            return _within(arm)
        case Identity(label, error, tolerance):
            holds = error <= tolerance
            return Finding(label, 1, error, None, float(holds), 0.0, 1.0 if holds else -1.0)


def _middle(gaps: Iterable[float]) -> float:
    """The median; nothing where it lies between the two infinities, one to each side."""
    found = statistics.median(gaps)
    return 0.0 if math.isnan(found) else found


def _within(arm: Within) -> Finding:
    """An equivalence: the effect is the plain difference, ``chance`` that of a difference within the margin.

    A run that fell (no number) stands against nearness in both of its tests, and tells of no side: it neither moves the
    effect nor shows a difference.
    """
    label, a, b, margin, paired = arm
    pairs = list(zip(a, b, strict=True) if paired else itertools.product(a, b))
    gaps = [less(one, two) for one, two in pairs if not math.isnan(one + two)]
    inside, n = sum(abs(gap) <= margin for gap in gaps) / len(pairs), min(len(a), len(b))
    if not gaps:
        return Finding(label, n, math.inf, None, inside, 1.0, -1.0)
    x, y = ([v for v in side if not math.isnan(v)] for side in (a, b))
    near = _inside(gaps, margin, len(pairs) - len(gaps)) if paired else _near(a, b, margin)
    apart = _inside(gaps, margin) if paired else _near(x, y, margin)
    tested = near if near.z > 0 else apart if apart.z < 0 else Tested(1.0, near.z)
    interval = median_interval(gaps) if paired else shift_interval(x, y)
    return Finding(label, n, _middle(gaps), interval, inside, *tested)


def _inside(gaps: Sequence[float], margin: float, fell: int = 0) -> Tested:
    """Whether the median of differences, one a seed, lies within a margin; ``fell`` more lie beyond either."""
    ends = ((-margin, -math.inf), (margin, math.inf))
    return within_test(*(block_test(against_line("", [*gaps, *[far] * fell], line, line < 0).blocks)
                         for line, far in ends))  # fmt: skip


def _near(a: Sequence[float], b: Sequence[float], margin: float) -> Tested:
    """Whether two groups lie within a margin of each other; what is no number lies beyond either."""
    both = ((a, b), (b, a))
    return within_test(*(rank_sum_test(_or(one, -math.inf, margin), _or(two, math.inf)) for one, two in both))


def _or(values: Sequence[float], far: float, shift: float = 0.0) -> list[float]:
    return [far if math.isnan(v) else v + shift for v in values]


def _shown(within: Tested) -> float:
    return within.p if within.z > 0 else 1.0  # else its p is of lying beyond the margin


def _ends(block: Block) -> tuple[list[float], list[float]]:
    """The values under the highest and under the lowest weight of a block."""
    top, bottom = max(block.weights), min(block.weights)
    pairs = list(zip(block.weights, block.values, strict=True))
    return [v for w, v in pairs if w == top], [v for w, v in pairs if w == bottom]


def _gap(block: Block) -> float:
    return less(*map(statistics.fmean, _ends(block)))

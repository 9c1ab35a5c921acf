"""How many seeds a claim needs, from what a pilot of a few seeds saw: its seeds are drawn again and again, as many as
planned, and judged by the tests that will judge the study.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import numpy as np

from betavae.report.statistics.comparisons import Arm, Claim, Comparison, Groups, Within
from betavae.report.statistics.exact_tests import less
from betavae.report.statistics.findings import finding
from betavae.report.statistics.summary import ALPHA
from betavae.report.statistics.verdicts import Found, joint_p


def power(claim: Claim, pilot: Sequence[Comparison], seeds: int, alpha: float = ALPHA, draws: int = 200) -> float:
    """The share of studies of so many seeds, each drawn with replacement from the ``pilot``'s, that decide a claim.

    Seeds are drawn together for all comparisons that have as many. A pilot of few seeds says little: what it never saw
    is never drawn.
    """
    rng = np.random.default_rng(len(pilot))
    decided = 0
    for _ in range(draws):
        drawn = {n: rng.integers(0, n, max(1, seeds // claim.seeds)) for n in _sizes(pilot)}
        found = Found(tuple(finding(_drawn(arm, drawn, rng), claim.margin) for arm in pilot))
        decided += min(joint_p(found.findings), found.equal if claim.margin else 1.0) <= alpha
    return decided / draws


def seeds_for(
    claim: Claim,
    pilot: Sequence[Comparison],
    fewest: int,
    alpha: float = ALPHA,
    wanted: float = 0.8,
    most: int = 100,
    draws: int = 200,
) -> int | None:
    """The fewest seeds from ``fewest`` on that reach a power, found by halving; None where ``most`` do not."""
    low, high = fewest, most
    if power(claim, pilot, most, alpha, draws) < wanted:
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if power(claim, pilot, middle, alpha, draws) >= wanted else (middle + 1, high)
    return -(-low // claim.seeds) * claim.seeds


def spread(pilot: Sequence[Comparison]) -> list[tuple[str, int, float, float]]:
    """Each comparison of a pilot: its label, its seeds, the mean of its finite effects and their sample sd."""
    told = []
    for arm in pilot:
        match arm:
            case Arm(label, blocks, _):
                gaps = [finding(Arm(label, (block,))).effect for block in blocks]
            case Groups(label, a, b) | Within(label, a, b):
                gaps = [less(x, y) for x in a for y in b]
            case _:
                continue
        if finite := [gap for gap in gaps if math.isfinite(gap)]:  # without runs that diverged
            sd = statistics.stdev(finite) if len(finite) > 1 else math.nan
            told.append((label, min(_sizes([arm])), statistics.fmean(finite), sd))
    return told


def _sizes(pilot: Sequence[Comparison]) -> set[int]:
    found = set[int]()
    for arm in pilot:
        match arm:
            case Arm(_, blocks, _):
                found.add(len(blocks))
            case Groups(_, a, b) | Within(_, a, b):
                found |= {len(a), len(b)}
            case _:
                pass
    return found


def _drawn(arm: Comparison, drawn: dict[int, np.ndarray], rng: np.random.Generator) -> Comparison:
    """A comparison on seeds drawn from its own; two groups that share no seed are drawn apart."""
    match arm:
        case Arm(_, blocks, _):
            return arm._replace(blocks=tuple(blocks[k] for k in drawn[len(blocks)]))
        case Groups(_, a, b):
            again = rng.integers(0, len(b), len(drawn[len(b)]))
            return arm._replace(a=tuple(a[k] for k in drawn[len(a)]), b=tuple(b[k] for k in again))
        case Within(_, a, b, _, paired):
            again = drawn[len(a)] if paired else rng.integers(0, len(b), len(drawn[len(b)]))
            return arm._replace(a=tuple(a[k] for k in drawn[len(a)]), b=tuple(b[k] for k in again))
    return arm

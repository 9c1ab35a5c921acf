"""What a claim's records say of it: supports, contradicts, or undecided with the seeds it needs.

All tests are exact, two-sided, and count by training seed: a seed is one block, and nothing inside a run (votes,
images, moments of training) ever counts as another observation. A diverged run stays in, at chance or as the worst.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from scipy import stats

from betavae.report.evidence import Evidence
from betavae.report.statistics.comparisons import Arm, Claim, Comparison, Groups, Identity, Within, against_line
from betavae.report.statistics.contrasts import contrast_test
from betavae.report.statistics.exact_tests import (
    MOST,
    POWER,
    Block,
    block_test,
    holm,
    probability_of_more,
    rank_sum_test,
    shift_interval,
    within_test,
)
from betavae.report.statistics.summary import ALPHA, Interval, median_interval

FEW = 4
"""Comparisons below which nothing is said of power."""
SUPPORTS, CONTRADICTS, UNDECIDED, NOT_RUN = "supports", "contradicts", "undecided", "not run"


class Finding(NamedTuple):
    """One comparison: effect in the claim's direction, its interval over seeds, P(the claim's side is more), exact p.

    ``n`` counts blocks (seeds, or pairs of seeds; the smaller group of two); ``z`` is the statistic in standard
    deviations of its null distribution, positive where the claim points.
    """

    label: str
    n: int
    effect: float
    interval: Interval | None
    chance: float
    p: float
    z: float


class Verdict(NamedTuple):
    """A claim judged: the word, its p after Holm, and what was found.

    ``least`` is the fewest seeds at which a unanimous outcome decides it; ``likely`` those for 80 % power at the effect
    and spread seen, None where it is decided or too few seeds say anything of that. ``lacking`` names the comparisons
    whose records are not there: a claim on all of them is not judged on some.
    """

    claim: Claim
    word: str
    p: float | None
    least: int
    likely: int | None
    findings: tuple[Finding, ...]
    lacking: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Seeds behind the comparison that has fewest."""
        return min((f.n for f in self.findings), default=0) * self.claim.seeds


def verdicts(evidence: Evidence, claims: Sequence[Claim]) -> list[Verdict]:
    """Every claim judged, p values adjusted by Holm over these claims: one that was not run counts with p = 1.

    A claim speaks of all its comparisons: where records of one are missing, it was not run.
    """
    found, lacking = dict[str, tuple[Finding, ...]](), dict[str, tuple[str, ...]]()
    for claim in claims:
        compared = claim.gather(evidence)
        lacking[claim.name] = tuple(c.label for c in compared if not _filled(c))
        found[claim.name] = () if lacking[claim.name] else tuple(map(finding, compared))
    ps = holm({c.name: joint_p(found[c.name]) for c in claims if c.orders != 0})
    return [judge(c, found[c.name], ps.get(c.name, 0.0), len(ps), lacking[c.name]) for c in claims]


def judge(claim: Claim, findings: tuple[Finding, ...], p: float, tests: int, lacking: tuple[str, ...] = ()) -> Verdict:
    """The word for one claim from its adjusted p, in a table of so many tests."""
    fewest = least(claim, tests)
    if not findings:
        return Verdict(claim, NOT_RUN, None, fewest, None, (), lacking)
    if p <= ALPHA:
        word = CONTRADICTS if any(f.z < 0 for f in findings) else SUPPORTS
        return Verdict(claim, word, p, fewest, None, findings)
    each = [likely(f, claim, fewest, tests) for f in findings]
    known = [n for n in each if n is not None]
    return Verdict(claim, UNDECIDED, p, fewest, max(known) if len(known) == len(each) else None, findings)


def joint_p(findings: Sequence[Finding]) -> float:
    """One p of several comparisons that must all hold.

    Where all point the claim's way, the largest: each must be shown. Otherwise the smallest of those that point the
    other way times the number of comparisons: one of them is enough to contradict.
    """
    if not findings:
        return 1.0
    against = [f.p for f in findings if f.z < 0]
    return min(1.0, len(findings) * min(against)) if against else max(f.p for f in findings)


def least(claim: Claim, tests: int) -> int:
    """The fewest seeds at which a perfect outcome decides the claim, in the worst place of Holm's table."""
    n = claim.seeds
    while claim.orders != 0 and claim.smallest_p(n) > ALPHA / tests:
        n += claim.seeds
    return n


def likely(found: Finding, claim: Claim, fewest: int, tests: int) -> int | None:
    """Seeds for 80 % power at the effect and spread seen, at least ``fewest`` and more than there are.

    n·((z₁₋α/₂ + z₀.₈)/z)² with α shared by the table, at most MOST + 1. None below FEW comparisons: they know neither.
    """
    n = found.n * claim.seeds
    if found.n < FEW:
        return None
    wanted = float(stats.norm.ppf(1 - ALPHA / tests / 2) + stats.norm.ppf(POWER))
    more = math.ceil(n * (wanted / found.z) ** 2) if abs(found.z) > wanted * math.sqrt(n / MOST) else MOST + 1
    return max(fewest, n + claim.seeds, more)


def _filled(arm: Comparison) -> bool:
    match arm:
        case Arm(_, blocks, _):
            return bool(blocks)
        case Groups(_, a, b) | Within(_, a, b):
            return bool(a and b)
        case Identity():
            return True


def finding(arm: Comparison) -> Finding:
    """What one comparison found."""
    match arm:
        case Arm(label, blocks, exchangeable):
            gaps = [_gap(block) for block in blocks]
            chance = statistics.fmean(probability_of_more(*_ends(block)) for block in blocks)
            tested = contrast_test(blocks) if exchangeable else block_test(blocks)
            return Finding(label, len(blocks), statistics.median(gaps), median_interval(gaps), chance, *tested)
        case Groups(label, a, b):
            shift = statistics.median(x - y for x in a for y in b)
            tested = rank_sum_test(a, b)
            chance = probability_of_more(a, b)
            return Finding(label, min(len(a), len(b)), shift, shift_interval(a, b), chance, *tested)
        case Within():
            return _within(arm)
        case Identity(label, error, tolerance):
            holds = error <= tolerance
            return Finding(label, 1, error, None, float(holds), 0.0, 1.0 if holds else -1.0)


def _within(arm: Within) -> Finding:
    """An equivalence: the effect is the plain difference, ``chance`` that of a difference within the margin."""
    label, a, b, margin, paired = arm
    gaps = [_less(x, y) for x, y in (zip(a, b, strict=True) if paired else itertools.product(a, b))]
    if paired:
        above, below = (block_test(against_line("", gaps, line, line < 0).blocks) for line in (-margin, margin))
        interval = median_interval(gaps)
    else:
        above = rank_sum_test([x + margin for x in a], b)
        below = rank_sum_test([y + margin for y in b], a)
        interval = shift_interval(a, b)
    inside = statistics.fmean(abs(gap) <= margin for gap in gaps)
    tested = within_test(above, below)
    return Finding(label, min(len(a), len(b)), statistics.median(gaps), interval, inside, *tested)


def _less(a: float, b: float) -> float:
    return 0.0 if a == b else a - b  # two diverged runs are as bad as each other


def _ends(block: Block) -> tuple[list[float], list[float]]:
    """The values under the highest and under the lowest weight of a block."""
    top, bottom = max(block.weights), min(block.weights)
    pairs = list(zip(block.weights, block.values, strict=True))
    return [v for w, v in pairs if w == top], [v for w, v in pairs if w == bottom]


def _gap(block: Block) -> float:
    return _less(*map(statistics.fmean, _ends(block)))

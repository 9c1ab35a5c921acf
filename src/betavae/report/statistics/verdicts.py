"""What a claim's records say of it: supports, contradicts, or undecided with the seeds it needs.

All tests are exact, two-sided, and count by training seed: a seed is one block, and nothing inside a run (votes,
images, moments of training) ever counts as another observation. A diverged run stays in, at chance or as the worst.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from scipy import stats

from betavae.report.evidence import Evidence
from betavae.report.statistics.comparisons import Arm, Claim, Comparison, Groups, Identity, Within
from betavae.report.statistics.exact_tests import MOST, POWER, holm
from betavae.report.statistics.findings import Finding, finding
from betavae.report.statistics.summary import ALPHA

FEW = 4
"""Comparisons below which nothing is said of power."""
FEWEST = 2
"""Seeds below which nothing is decided, however many levels a trend has: another seed may turn their order round."""
SUPPORTS, CONTRADICTS, UNDECIDED, NOT_RUN = "supports", "contradicts", "undecided", "not run"
EQUAL = "equal"
"""There is no effect as large as the claim's margin."""
NOT_YET = "not judged yet"
"""Some of the seeds that were planned are there. Who judged now and again on all would look twice."""


class Look(NamedTuple):
    """The look at which a claim was judged: its number, how many are planned, and the seeds of the study at it."""

    number: int
    of: int
    seeds: int


class Verdict(NamedTuple):
    """A claim judged: the word, its p after Holm (or over looks), and what was found.

    ``least`` is the fewest seeds at which a unanimous outcome decides it; ``likely`` those for 80 % power at the effect
    and spread seen, None where it is decided or too few seeds say anything of that. ``lacking`` names the comparisons
    whose records are not there: a claim on all of them is not judged on some. ``planned`` are the seeds that a claim
    waits for which is not judged yet.
    """

    claim: Claim
    word: str
    p: float | None
    least: int
    likely: int | None
    findings: tuple[Finding, ...]
    lacking: tuple[str, ...] = ()
    look: Look | None = None
    planned: int = 0

    @property
    def n(self) -> int:
        """Seeds behind the comparison that has fewest."""
        return min((f.n for f in self.findings), default=0) * self.claim.seeds


def verdicts(
    evidence: Evidence, claims: Sequence[Claim], waiting: Mapping[str, int] = MappingProxyType({})
) -> list[Verdict]:
    """Every claim judged, p values adjusted by Holm over these claims: one that was not run counts with p = 1, and so
    does one that is ``waiting`` (by name) for so many seeds.

    That there is no effect is adjusted among the claims that have a margin: of one claim either an effect or its
    absence can be found falsely, never both, so each kind of error keeps the level of the table.
    """
    found = {claim.name: look_at(claim, evidence) for claim in claims}
    late = {name for name in waiting if name in found and found[name].findings}
    ps = holm({c.name: 1.0 if c.name in late else _counted(c, found[c.name]) for c in claims if c.orders != 0})
    equal = holm({c.name: 1.0 if c.name in late else found[c.name].equal for c in claims if c.margin is not None})
    judged = [judge(c, found[c.name], ps.get(c.name, 0.0), len(ps), equal.get(c.name, 1.0)) for c in claims]
    return [
        v._replace(word=NOT_YET, p=None, likely=None, planned=waiting[v.claim.name]) if v.claim.name in late else v
        for v in judged
    ]


def _counted(claim: Claim, found: Found) -> float:
    """A claim's p in Holm's table: 1 where it has too few seeds to be decided, so that none is passed on from it."""
    return 1.0 if _alone(claim, found.findings) else found.p


def _alone(claim: Claim, findings: Sequence[Finding]) -> bool:
    return claim.orders != 0 and min((f.n for f in findings), default=0) * claim.seeds < FEWEST


class Found(NamedTuple):
    """What the comparisons of a claim found; or, as it speaks of all of them, nothing where records of some are
    ``lacking``. ``sizes`` are the seeds (or pairs of them) in each arm, ``signs`` those of a lone sign test; no p of so
    many seeds is below ``smallest``.
    """

    findings: tuple[Finding, ...] = ()
    lacking: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()
    signs: int = 0
    smallest: float = 1.0

    @property
    def p(self) -> float:
        """One p of all comparisons."""
        return joint_p(self.findings)

    @property
    def equal(self) -> float:
        """One p that no comparison has an effect as large as the margin: the largest, each must be shown."""
        return max((f.equal for f in self.findings), default=1.0)


def look_at(claim: Claim, evidence: Evidence) -> Found:
    """What the records hold for a claim."""
    compared = claim.gather(evidence)
    sizes = tuple(size for c in compared for size in _sizes(c))
    if lacking := tuple(c.label for c in compared if not all(_sizes(c))):
        return Found((), lacking, sizes)
    lone = [c for c in compared if isinstance(c, Arm) and not c.exchangeable] if len(compared) == 1 else []
    untied = bool(lone) and all(len(set(block.values)) == 2 for block in lone[0].blocks)
    smallest = min((_smallest(claim, c) for c in compared), default=1.0)
    return Found(tuple(finding(c, claim.margin) for c in compared), (), sizes, sizes[0] if untied else 0, smallest)


def _smallest(claim: Claim, arm: Comparison) -> float:
    """The smallest two-sided p that a comparison of so many seeds can give."""
    match arm:
        case Groups(_, a, b):
            return min(1.0, 2 / math.comb(len(a) + len(b), len(a)))
        case Within(_, a, b, _, paired):
            return min(1.0, 2 / (2 ** len(a) if paired else math.comb(len(a) + len(b), len(a))))
        case Arm(_, blocks, _):
            return claim.smallest_p(len(blocks) * claim.seeds)
    return 0.0


def judge(claim: Claim, found: Found, p: float, tests: int, equal: float = 1.0) -> Verdict:
    """The word for one claim from its adjusted p, and from that of no effect, in a table of so many tests."""
    fewest, findings, lacking = least(claim, tests), found.findings, found.lacking
    if not findings:
        return Verdict(claim, NOT_RUN, None, fewest, None, (), lacking)
    if p <= ALPHA and not _alone(claim, findings):
        word = CONTRADICTS if any(f.z < 0 for f in findings) else SUPPORTS
        return Verdict(claim, word, p, fewest, None, findings)
    if equal <= ALPHA:
        return Verdict(claim, EQUAL, equal, fewest, None, findings)
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
    n = max(claim.seeds, FEWEST)
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


def _sizes(arm: Comparison) -> tuple[int, ...]:
    match arm:
        case Arm(_, blocks, _):
            return (len(blocks),)
        case Groups(_, a, b) | Within(_, a, b):
            return len(a), len(b)
        case Identity():
            return (1,)

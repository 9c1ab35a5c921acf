"""Looking more than once: how a claim's α is spent over the numbers of seeds at which it is judged.

A claim that is judged after 6, 10 and 20 seeds and called decided at the first p below .05 is called decided too often.
Here every claim of a table has the same part of α, fixed before the first look and never passed on, and every look a
share of that: they add up, so whatever exact test gives the p's, and however they depend on each other, the chance of a
false decision at any look is at most the claim's part. The shares follow O'Brien and Fleming's boundary as Lan and
DeMets (1983) spend it: next to nothing early, almost all at the last look, which therefore costs little power. Exact
tests of few seeds have few p's: what a look cannot use of its share, the claim's next look has.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from betavae.errors import Misuse
from betavae.report.evidence import Evidence
from betavae.report.statistics.comparisons import Claim
from betavae.report.statistics.summary import ALPHA
from betavae.report.statistics.verdicts import (
    CONTRADICTS,
    EQUAL,
    FEWEST,
    NOT_RUN,
    SUPPORTS,
    UNDECIDED,
    Found,
    Look,
    Verdict,
    judge,
    look_at,
)


def shares(looks: Sequence[int], alpha: float = ALPHA) -> tuple[float, ...]:
    """The α of each look; ``looks`` are rising numbers of seeds, the last of them all that are planned.

    Up to the share t of the seeds 2 - 2·Φ(z₁₋α/₂ / √t) has been spent. Raises Misuse for looks that do not rise.
    """
    if not looks or any(n < 1 for n in looks) or any(a >= b for a, b in itertools.pairwise(looks)):
        raise Misuse(f"looks are {list(looks)}; wanted numbers of seeds that rise, such as [6, 10, 20]")
    if len(looks) == 1:
        return (alpha,)
    z = float(stats.norm.ppf(1 - alpha / 2))
    spent = [2 * float(stats.norm.sf(z / math.sqrt(n / looks[-1]))) for n in looks]
    return tuple(b - a for a, b in itertools.pairwise([0.0, *spent]))


class Seen(NamedTuple):
    """What one claim has at one look: the seeds in each of its arms, the smallest p that so many can give, and where it
    is one sign test the number of its signs.
    """

    sizes: tuple[int, ...]
    smallest: float
    signs: int = 0

    def spends(self, level: float) -> float:
        """The chance of a false decision at a level: nothing where no p is so small, of signs what they can reach."""
        if self.smallest > level:
            return 0.0
        if not self.signs:
            return level
        ps = 2 * stats.binom.cdf(np.arange(self.signs // 2 + 1), self.signs, 0.5)
        return float(ps[ps <= level].max(initial=0.0))


def levels(seen: Sequence[Seen], looks: Sequence[int], alpha: float = ALPHA) -> list[float]:
    """The level at which a claim is judged at each look that was had.

    What a look cannot use, since its p's are few, the claim's next has too; a look without a new seed is the same test
    again, at both shares together. Seeds and possible p's are the plan's, not the outcome's: levels are fixed before.
    """
    found: list[float] = []
    given = spent = 0.0
    for k, (each, share) in enumerate(zip(seen, shares(looks, alpha), strict=False)):
        if k and seen[k - 1].sizes != each.sizes:
            spent += seen[k - 1].spends(found[-1])
        given += share
        found.append(given - spent)
    return found


def first_look(claim: Claim, looks: Sequence[int], tests: int, has: int | None = None) -> int | None:
    """The seeds of the first look at which a unanimous outcome decides a claim, which ``has`` so many of its own (None:
    as many as the last look); None where no look can.
    """
    counts = [n if has is None else min(n, has) for n in looks]
    smallest = [claim.smallest_p(n) for n in counts]
    signs = [n // claim.seeds if claim.orders == 2 else 0 for n in counts]
    seen = [Seen((n,), least, count) for n, least, count in zip(counts, smallest, signs, strict=True)]
    reached = zip(counts, smallest, levels(seen, looks, ALPHA / tests), strict=True)
    return next((n for n, least, level in reached if least <= level and n >= FEWEST), None)


class Part(NamedTuple):
    """What is looked at: the evidence of the first seeds, and the claims on it in their order."""

    evidence: Evidence
    claims: Sequence[Claim]


def verdicts_at(looks: Sequence[int], parts: Sequence[Part], whole: Part) -> list[Verdict]:
    """Every claim as judged at the first look that decides it, else at the last that was had.

    ``parts`` are those of the looks that are complete; without one the claims of the ``whole`` are not run. Verdicts
    carry p times α over the level of the look, so that .05 decides as in a table that is judged once.
    """
    tests = max(1, sum(claim.orders != 0 for claim in whole.claims))
    judged = []
    for place, claim in enumerate(whole.claims):
        seen: list[Seen] = []
        verdict = judge(claim, Found(), 1.0, tests)
        for k, part in enumerate(parts):
            here = part.claims[place]
            found = look_at(here, part.evidence)
            seen.append(Seen(found.sizes, found.smallest, found.signs))
            p, equal = found.p, found.equal
            if here.orders != 0:
                level = levels(seen, looks, ALPHA / tests)[-1]
                p, equal = (min(1.0, one * ALPHA / level) if level else 1.0 for one in (p, equal))
            verdict = judge(here, found, p, tests, equal)
            verdict = verdict._replace(look=Look(k + 1, len(looks), looks[k]))
            if verdict.word in (SUPPORTS, CONTRADICTS, EQUAL):
                break
        needs = first_look(claim, looks, tests) or verdict.least
        judged.append(verdict._replace(least=needs, likely=verdict.likely and max(verdict.likely, needs)))
    return judged


def still_open(judged: Sequence[Verdict], coming: bool = False) -> list[Verdict]:
    """The claims that further seeds may decide: the undecided, and where what claims lack may be ``coming`` with later
    seeds, those that lack some.
    """
    return [v for v in judged if v.word == UNDECIDED or (coming and v.word == NOT_RUN and v.lacking)]

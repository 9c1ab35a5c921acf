"""What a pilot of six seeds saw of the paper's claims, and the seeds that they need at that: so the scale ``overnight``
was chosen (docs/overnight.md). The pilot's seeds, 31 to 36, are none of those that are judged.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

from betavae.paper.claims.models import seeds_here
from betavae.paper.claims.table import CLAIMS, CONTRIBUTIONS
from betavae.report.statistics.comparisons import Claim
from betavae.report.statistics.exact_tests import POWER
from betavae.report.statistics.summary import ALPHA
from betavae.report.statistics.verdicts import least
from betavae.study.cells import Study


class Effect(NamedTuple):
    """What the pilot saw of a claim, per seed or pair of seeds: the share that ``agrees``, lying on one side of a line;
    or the effect in standard deviations, ``within`` seeds or ``between`` two groups.
    """

    agrees: float | None = None
    within: float | None = None
    between: float | None = None


PILOT: dict[str, Effect] = {
    "higgins-not-reached": Effect(agrees=0.91),  # MLP, β = 4, four factors: .872 ± .089 against .9923
    "gain-below-higgins": Effect(agrees=0.999),  # −.021, sd at most .107, against .3765
    "five-below-four": Effect(agrees=0.99),  # .18 to .20 in every row
    "spread-grows": Effect(within=0.87),  # sd .083 and .070 against .023 and .049
    "worst-half": Effect(agrees=0.83),  # the better of two of .872 ± .089
    "beta-above-one": Effect(within=0.44),  # +.035, sd about .08
    "conv-above-mlp": Effect(between=0.47),  # .737 and .718, sd of a seed's mean .048 and .030
    "conv-around-ninety": Effect(agrees=0.99),  # .737 ± .048 against .85
}
"""Effects of the claims that the pilot speaks of, of normal values with the mean and sd of its table in
docs/overnight.md. Of the others it knows nothing.
"""


def seeds_for_power(claim: Claim, effect: Effect, tests: int) -> int:
    """The seeds that decide a claim in four studies of five at a pilot's effect, in the worst place of its table."""
    fewest, alpha = least(claim, tests), ALPHA / tests
    wanted = NormalDist().inv_cdf(1 - alpha / 2) + NormalDist().inv_cdf(POWER)
    if effect.within is not None:
        return max(fewest, claim.seeds * math.ceil((wanted / effect.within) ** 2))
    if effect.between is not None:  # the rank-sum test has 3/π of the efficiency of a difference of normal means
        return max(fewest, math.ceil(2 * (wanted / effect.between) ** 2 * math.pi / 3))
    assert effect.agrees is not None
    n = 1
    while _sign_power(n, effect.agrees, alpha) < POWER:
        n += 1
    return claim.seeds * n


def _sign_power(n: int, agrees: float, alpha: float) -> float:
    """How often a two-sided sign test of n decides for the side on which a share of seeds lies."""
    tail, power = 0.0, 0.0
    for k in range(n + 1):  # so many that disagree
        tail += math.comb(n, k) / 2**n
        if 2 * tail > alpha:
            break
        power += math.comb(n, k) * (1 - agrees) ** k * agrees ** (n - k)
    return power


def seeds_needed(study: Study) -> list[str]:
    """Per claim of the paper, the contributions first: the seeds that a study has, those without which nothing decides
    it, and those for 80 % power at what the pilot saw.
    """
    lines = []
    for title, family in (("contributions", CONTRIBUTIONS), ("other claims", CLAIMS)):
        tests = sum(claim.orders != 0 for claim in family)
        lines.append(f"the paper's {title}, α = .05 after Holm over {tests}: seeds here; decided at the earliest; 80 %")
        for claim in (claim for claim in family if claim.orders != 0):
            has, fewest = seeds_here(study, claim), least(claim, tests)
            effect = PILOT.get(claim.name)
            likely = f"{seeds_for_power(claim, effect, tests)} at the pilot's effect" if effect else "not piloted"
            lines.append(f"  {claim.name:26} {has:3}; from {fewest} on; {likely}{' (too few)' if has < fewest else ''}")
    return lines

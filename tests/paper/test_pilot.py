"""The scale ``overnight`` beside its pilot: disjoint seeds, enough of them for every claim that it speaks of; powers by
hand, and from records.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from betavae.paper.claims.table import CLAIMS, CONTRIBUTIONS
from betavae.paper.pilot import PILOT, SPEAKS_OF, Effect, seeds_for_power, seeds_here, seeds_needed
from betavae.paper.study import paper
from betavae.report.statistics.comparisons import Arm, Claim, Groups, against_line
from betavae.report.statistics.exact_tests import Block
from betavae.report.statistics.power import power, seeds_for, spread
from betavae.report.statistics.verdicts import least
from betavae.study.claims import seeds_of

NAMES = {claim.name: claim for claim in (*CONTRIBUTIONS, *CLAIMS)}
LINE = Claim("line", "Says.", "", "", "", lambda _: [], 2)
GROUPS = Claim("groups", "Says.", "", "", "", lambda _: [], None)


def test_the_pilots_seeds_are_never_judged_and_every_claim_has_enough() -> None:
    night = paper("overnight", have=["cifar10-jpeg"], features="efficientnet_lite0_96")
    assert not {cell.seed for cell in night.cells} & set(range(31, 37))
    assert set(PILOT) | set(SPEAKS_OF) <= set(NAMES)
    for family in (CONTRIBUTIONS, CLAIMS):
        tests = sum(claim.orders != 0 for claim in family)
        for claim in family:
            assert seeds_here(night, claim) >= least(claim, tests) or claim.name == "cifar100-below-cifar10"
    page = "\n".join(seeds_needed(night))
    assert "higgins-not-reached         20; from 8 on; 15 at the pilot's effect" in page
    assert "low-beta-mpi3d              10; from 5 on; not piloted" in page
    assert page.count("(too few)") == 1


def test_a_scale_may_declare_looks() -> None:
    assert paper("overnight").looks == paper("laptop").looks == ()
    beyond = paper("beyond")
    assert beyond.looks == (10, 20, 30)
    assert beyond.looks[-1] == seeds_of(beyond)


@pytest.mark.parametrize(
    ("claim", "effect", "tests", "wanted"),
    [
        (LINE, Effect(agrees=1.0), 1, 6),  # 2/2⁶ is the first below .05
        (LINE, Effect(agrees=0.9), 1, 12),  # of 12 signs two may differ (p = .039): .28 + .38 + .23 = .89
        (LINE, Effect(within=0.5), 1, 32),  # ((1.960 + .842) / .5)² = 31.4
        (GROUPS, Effect(between=0.5), 1, 66),  # 2·31.4·π/3 = 65.8
    ],
)
def test_seeds_for_power_by_hand(claim: Claim, effect: Effect, tests: int, wanted: int) -> None:
    assert seeds_for_power(claim, effect, tests) == wanted
    assert seeds_for_power(claim, effect, 10 * tests) > wanted


def test_the_power_of_signs_is_that_of_drawn_studies() -> None:
    """Of ten seeds nine lie below the line: what a sign test of 12 makes of it, two ways."""
    pilot = [against_line("l", [0.0] * 9 + [1.0], 0.5)]
    exact = sum(math.comb(12, k) * 0.1**k * 0.9 ** (12 - k) for k in range(3))
    assert power(LINE, pilot, 12, draws=400) == pytest.approx(exact, abs=0.06)
    assert seeds_for(LINE, pilot, 6, draws=200) in range(9, 14)


def test_no_effect_has_the_power_of_its_level_and_a_clear_one_is_always_found() -> None:
    gaps = np.linspace(-1, 1, 20)
    null = [Arm("a", tuple(Block((1.0, -1.0), (float(g), 0.0)) for g in gaps))]
    assert power(LINE, null, 20) < 0.12
    assert seeds_for(LINE, null, 6, most=20, draws=50) is None
    clear = [Groups("g", (2.0, 3.0, 4.0), (0.0, 1.0))]
    assert power(GROUPS, clear, 4, draws=50) == 1.0
    assert seeds_for(GROUPS, clear, 4, draws=50) == 4
    assert spread(clear) == [("g", 2, pytest.approx(2.5), pytest.approx(math.sqrt(11 / 12)))]

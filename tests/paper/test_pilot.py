"""The scale ``overnight`` beside its pilot: disjoint seeds, enough of them for every claim that it speaks of; powers by
hand, and from records.
"""

from __future__ import annotations

import math
from functools import partial

import pytest
from factory import baseline, vae

from betavae.paper.claims.models import SPEAKS_OF, seeds_here
from betavae.paper.claims.table import CLAIMS, CONTRIBUTIONS
from betavae.paper.pilot import PILOT, Effect, seeds_for_power, seeds_needed
from betavae.paper.scales import SCALES
from betavae.paper.study import paper
from betavae.report.statistics.comparisons import Claim, Groups, against_line
from betavae.report.statistics.power import power, seeds_for, spread
from betavae.report.statistics.verdicts import least
from betavae.study.cells import Job, Study
from betavae.study.study_file import PAPERS

NAMES = {claim.name: claim for claim in (*CONTRIBUTIONS, *CLAIMS)}
LINE = Claim("line", "Says.", "", "", "", lambda _: [], 2)
GROUPS = Claim("groups", "Says.", "", "", "", lambda _: [], None)


def night(cifar: bool) -> Study:
    """One cell for each model and seed of the scale."""
    names = {"dsprites": "dsprites", "shapes3d": "shapes3d-drawn", "mpi3d": "mpi3d-drawn"}
    names |= {"cifar": "cifar10-jpeg"} if cifar else {}
    cells = [
        make(dataset=names[family], seed=seed)
        for family, seeds in SCALES["overnight"].seeds.items()
        if family in names
        for seed in seeds
        for make in (vae, partial(vae, method="mlp"), partial(baseline, "pca"), partial(baseline, "ica"))
    ]
    return Study("paper", "overnight", tuple(Job(cell, ()) for cell in cells))


def test_the_pilots_seeds_are_never_judged_and_every_claim_has_enough() -> None:
    study = night(cifar=True)
    assert not {cell.seed for cell in study.cells} & set(range(31, 37))
    assert set(PILOT) | set(SPEAKS_OF) <= set(NAMES)
    for family in (CONTRIBUTIONS, CLAIMS):
        tests = sum(claim.orders != 0 for claim in family)
        for claim in family:
            assert seeds_here(study, claim) >= least(claim, tests) or claim.name == "cifar100-below-cifar10"
    page = "\n".join(seeds_needed(study))
    assert "higgins-not-reached         20; from 8 on; 15 at the pilot's effect" in page
    assert "low-beta-mpi3d              10; from 8 on; not piloted" in page
    assert page.count("(too few)") == 1
    assert "low-beta-reconstructs       12;" in page
    assert "low-beta-reconstructs       10;" in "\n".join(seeds_needed(night(cifar=False)))  # MPI3D stands in


def test_the_laptop_scale_has_the_seeds_of_the_claims_that_cost_it_seconds() -> None:
    study, enough = paper("laptop", have=["cifar10-jpeg"]), set[str]()
    for family in (CONTRIBUTIONS, CLAIMS):
        judged = [claim for claim in family if claim.orders != 0]
        enough |= {claim.name for claim in judged if seeds_here(study, claim) >= least(claim, len(judged))}
    assert enough == {
        "low-beta-reconstructs", "ica-above-higgins", "too-easy", "baselines-fall", "larger-l-raises"
    }  # fmt: skip


def test_no_study_of_ones_own_has_the_papers_name_at_one_of_its_scales() -> None:
    assert tuple(SCALES) == PAPERS


def test_a_scale_may_declare_looks() -> None:
    assert [name for name, scale in SCALES.items() if scale.looks] == ["beyond"]
    assert SCALES["beyond"].looks[-1] == max(map(len, SCALES["beyond"].seeds.values()))


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
    assert power(LINE, pilot, 12, draws=60) == pytest.approx(exact, abs=0.13)


def test_no_effect_has_the_power_of_its_level_and_a_clear_one_is_always_found() -> None:
    null = [against_line("l", [-1.0, 1.0], 0.0)]
    assert power(LINE, null, 8, draws=60) < 0.1
    assert seeds_for(LINE, null, 6, most=8, draws=10) is None
    clear = [Groups("g", (2.0, 3.0, 4.0), (0.0, 1.0))]
    assert seeds_for(GROUPS, clear, 4, most=5, draws=10) == 4
    assert spread(clear) == [("g", 2, pytest.approx(2.5), pytest.approx(math.sqrt(11 / 10)))]
    fell = against_line("l", [-1.0, 0.5, -math.inf], 0.0)
    assert spread([fell]) == [("l", 3, pytest.approx(0.25), pytest.approx(math.sqrt(9 / 8)))]  # of the other two

"""Stated levels and coverages hold where every training seed has votes of its own, and did not where one draw served
all.

Scores are simulated as they were measured on 2Dshapes (sd in points): 2.4 between training seeds, 1.0 of a draw of
votes that all seeds share or that each has alone, .9 of the rest.
"""

from __future__ import annotations

import numpy as np
import pytest

from betavae.report.statistics.exact_tests import Block, block_test
from betavae.report.statistics.summary import median_interval

TRAINING, VOTES, REST = 2.4, 1.0, 0.9
TREND = (-3.0, -1.0, 1.0, 3.0)
STUDIES, SEEDS = 600, 8


def scores(rng: np.random.Generator, draws: int, shared: bool, seeds: int = SEEDS) -> np.ndarray:
    """Scores ``[seeds, draws]`` of models that are all alike, in as many draws of votes of the same L."""
    votes = rng.normal(0, VOTES, (1 if shared else seeds, draws))
    return rng.normal(70, TRAINING, (seeds, 1)) + votes + rng.normal(0, REST, (seeds, draws))


def rejected(shared: bool) -> float:
    """How often a trend over four draws of the same L, which has none, is found at 5 %."""
    rng = np.random.default_rng(11)
    found = 0
    for _ in range(STUDIES):
        found += block_test([Block(TREND, tuple(row)) for row in scores(rng, 4, shared)]).p <= 0.05
    return found / STUDIES


def covered(shared: bool, seeds: int = 4) -> tuple[float, float]:
    """How often the interval of the median holds 70, and the coverage that it states."""
    rng = np.random.default_rng(12)
    holds, stated = 0, 0.0
    for _ in range(4000):
        found = median_interval(scores(rng, 1, shared, seeds)[:, 0].tolist())
        assert found is not None
        holds, stated = holds + (70.0 in found), found.coverage
    return holds / 4000, stated


def test_the_trend_test_keeps_its_level_with_votes_of_each_seed() -> None:
    assert rejected(shared=False) <= 0.05 + 3 * (0.05 * 0.95 / STUDIES) ** 0.5


def test_one_draw_for_all_seeds_would_break_it() -> None:
    """The anti-oracle: the error of a shared draw is a trend that every seed shows."""
    assert rejected(shared=True) > 0.15


@pytest.mark.parametrize("seeds", [4, 6])
def test_the_interval_of_the_median_holds_as_often_as_it_says(seeds: int) -> None:
    holds, stated = covered(shared=False, seeds=seeds)
    assert holds == pytest.approx(stated, abs=4 * (stated * (1 - stated) / 4000) ** 0.5)


def test_with_a_shared_draw_it_holds_less_often() -> None:
    holds, stated = covered(shared=True)
    assert holds < stated - 0.01

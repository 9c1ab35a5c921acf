"""The permutation test of a contrast: equal to counting by hand, exact in its level, stronger than ranks."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from betavae.report.statistics.contrasts import contrast_test
from betavae.report.statistics.exact_tests import Block, block_test

TWO, THREE, FOUR = (-1.0, 1.0), (-2.0, 1.0, 1.0), (-3.0, -1.0, 1.0, 3.0)


def test_three_pairs_by_hand() -> None:
    """Differences 1, 2 and 4: of the eight signs only +++ and --- reach 7; with -1 instead four reach 5."""
    assert contrast_test([Block(TWO, (0.0, d)) for d in (1.0, 2.0, 4.0)]).p == pytest.approx(2 / 8)
    assert contrast_test([Block(TWO, (0.0, d)) for d in (-1.0, 2.0, 4.0)]).p == pytest.approx(4 / 8)


@pytest.mark.parametrize("weights", [TWO, THREE, FOUR])
def test_every_order_counted_one_by_one(weights: tuple[float, ...]) -> None:
    """On values that are whole steps already, so that no rounding stands between the two ways."""
    rng = np.random.default_rng(1)
    ends = Block(weights, (0.0, 1024.0, *[17.0] * (len(weights) - 2)))  # its range is the grid's
    blocks = [ends, *(Block(weights, tuple(map(float, rng.integers(0, 1025, len(weights))))) for _ in range(3))]
    above = below = count = 0
    seen = sum(float(np.dot(b.weights, b.values)) for b in blocks)
    for orders in itertools.product(*(itertools.permutations(b.values) for b in blocks)):
        total = sum(float(np.dot(weights, order)) for order in orders)
        above, below = above + (total >= seen - 1e-6), below + (total <= seen + 1e-6)
        count += 1
    assert contrast_test(blocks).p == pytest.approx(min(1.0, 2 * min(above, below) / count), rel=1e-6)


def test_what_does_not_matter() -> None:
    """A shift of each seed, the unit of all values, weights in proportion; and the other direction has the same p."""
    rng = np.random.default_rng(2)
    values = rng.normal(size=(8, 4))
    p, z = contrast_test([Block(FOUR, tuple(v)) for v in values])
    shifted = contrast_test([Block(FOUR, tuple(1e-3 * v + k)) for k, v in enumerate(values)])
    assert shifted == pytest.approx((p, z), abs=5e-3)
    half = contrast_test([Block(tuple(w / 2 for w in FOUR), tuple(7 * v)) for v in values])
    assert half == pytest.approx((p, z))
    turned = contrast_test([Block(FOUR, tuple(-v)) for v in values])
    assert (turned.p, turned.z) == pytest.approx((p, -z), abs=2e-3)


def test_a_diverged_run_is_judged_on_ranks() -> None:
    blocks = [Block(TWO, (0.0, math.inf)), Block(TWO, (0.0, 1.0)), Block(TWO, (0.0, 2.0))]
    assert contrast_test(blocks) == block_test(blocks)
    assert contrast_test([Block(TWO, (1.0, 1.0))] * 5) == (1.0, 0.0)


def test_one_outlier_does_not_erase_the_others() -> None:
    """Eight seeds agree by 10, one of them by a million: less than a step of the widest, so ranks judge."""
    blocks = [Block(TWO, (0.0, 10.0 + k)) for k in range(7)] + [Block(TWO, (0.0, 1e6))]
    assert contrast_test(blocks).p == pytest.approx(2 / 2**8)
    assert contrast_test(blocks[:6] + [Block(TWO, (0.0, 0.0))] * 2).p == pytest.approx(2 / 2**6)


@pytest.mark.parametrize("kind", ["normal", "bimodal", "skewed"])
def test_its_level_holds_and_its_power_is_above_that_of_ranks(kind: str) -> None:
    """400 studies of eight seeds at two β: under the null at most 5 % (up to simulation), else more than the signs."""
    rng = np.random.default_rng(5)
    draw = {
        "normal": lambda: rng.normal(size=(8, 2)),
        "skewed": lambda: rng.exponential(size=(8, 2)),
        "bimodal": lambda: np.where(rng.random((8, 2)) < 0.4, 0.5, 0.9) + rng.normal(0, 0.03, (8, 2)),
    }[kind]
    effect = np.array([0.0, {"normal": 1.3, "skewed": 1.2, "bimodal": 0.25}[kind]])
    false = found = by_rank = 0
    for _ in range(400):
        values = draw()
        false += contrast_test([Block(TWO, tuple(v)) for v in values]).p <= 0.05
        moved = [Block(TWO, tuple(v)) for v in values + effect]
        found += contrast_test(moved).p <= 0.05
        by_rank += block_test(moved).p <= 0.05
    assert false / 400 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)
    assert found > by_rank * 1.1


def test_skewed_values_decide_with_no_fewer_seeds_than_ranks() -> None:
    """One value far below two equal ones: only one order of three reaches so far up, and p is 2/3 to the power of n."""
    blocks = [Block((1.0, 1.0, -2.0), (1.0, 1.001, 0.0))] * 3
    assert contrast_test(blocks).p == pytest.approx(2 / 27)

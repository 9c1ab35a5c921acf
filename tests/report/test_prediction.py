"""The interval for a published median: its bound is right for ranks, and its chance holds whatever the values are."""

from __future__ import annotations

from itertools import combinations
from statistics import median

import numpy as np
import pytest

from betavae.report.statistics.prediction import least_for_prediction, median_prediction, misses


@pytest.mark.parametrize(("n", "m", "k"), [(4, 3, 1), (5, 3, 2), (4, 4, 1), (5, 2, 2), (6, 4, 2)])
def test_the_bound_is_the_count_of_all_orders(n: int, m: int, k: int) -> None:
    """Every way to give m of n + m ranks to the further runs, counted one by one."""
    below = exact = total = 0
    for theirs in combinations(range(n + m), m):
        ours = sorted(set(range(n + m)) - set(theirs))
        total += 1
        below += theirs[(m + 1) // 2 - 1] < ours[k - 1]
        exact += median(theirs) < ours[k - 1]
    assert misses(n, m, k) == pytest.approx(below / total)
    assert misses(n, m, k) >= exact / total - 1e-12
    if m % 2:
        assert misses(n, m, k) == pytest.approx(exact / total)


def test_what_a_few_seeds_can_say_by_hand() -> None:
    """Two of the two smallest of eight ranks both theirs: 4/8 · 3/7; the range of 19 is the first that suffices."""
    found = median_prediction([3.0, 1.0, 4.0, 2.0], 4)
    assert found is not None
    assert (found.low, found.high) == (1.0, 4.0)
    assert found.coverage == pytest.approx(1 - 2 * (4 / 8) * (3 / 7))
    assert least_for_prediction(4) == 19
    assert 2 * misses(19, 4, 1) <= 0.05 < 2 * misses(18, 4, 1)
    assert median_prediction([1.0], 4) is None


def draws(kind: str, rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    if kind == "normal":
        return rng.normal(size=size)
    if kind == "skewed":
        return rng.exponential(size=size)
    return np.where(rng.random(size) < 0.4, rng.normal(0.5, 0.03, size), rng.normal(0.9, 0.03, size))


@pytest.mark.parametrize("kind", ["normal", "bimodal", "skewed"])
def test_false_alarms_stay_below_one_in_twenty(kind: str) -> None:
    """20,000 studies of 20 of our seeds and four published ones of the same kind."""
    rng = np.random.default_rng(7)
    ours, theirs = np.sort(draws(kind, rng, (20_000, 20)), 1), draws(kind, rng, (20_000, 4))
    one = median_prediction(ours[0].tolist(), 4)
    assert one is not None
    k = ours[0].tolist().index(one.low)
    target = np.median(theirs, 1)
    outside = ((target < ours[:, k]) | (target > ours[:, 19 - k])).mean()
    assert outside <= 1 - one.coverage + 0.004
    assert one.coverage >= 0.95


def test_a_published_median_of_another_kind_is_found_out() -> None:
    """The anti-oracle: four runs two standard deviations off lie outside nearly always."""
    rng = np.random.default_rng(8)
    alarms = 0
    for _ in range(300):
        found = median_prediction(rng.normal(size=24).tolist(), 4)
        assert found is not None
        alarms += float(np.median(rng.normal(3.0, 1.0, 4))) not in found
    assert alarms > 250

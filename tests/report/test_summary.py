"""Laws of the statistics: printed coverages are true coverages, tests are exact, and hand-derived numbers come out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats

from betavae.report.statistics.comparisons import Arm, Groups, blocks
from betavae.report.statistics.exact_tests import (
    Block,
    block_test,
    holm,
    permutation_p,
    probability_of_more,
    rank_sum_test,
    shift_interval,
)
from betavae.report.statistics.findings import finding
from betavae.report.statistics.power import spread
from betavae.report.statistics.summary import (
    BCA_COVERAGE,
    Interval,
    bca,
    iqm,
    limit,
    median_interval,
    noise,
    summarise,
    worst_half_dropped,
)

TRIALS = 4000
SKEWED_MEDIAN = math.log(2.0)


def within(share: float, of: int, expected: float) -> bool:
    """Whether a simulated share is within four standard errors of what is expected."""
    return abs(share - expected) < 4 * math.sqrt(expected * (1 - expected) / of)


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6, 10, 30])
def test_the_medians_interval_covers_as_often_as_it_says(n: int) -> None:
    """For a skewed distribution too: the coverage that is printed depends on n alone."""
    values = np.random.default_rng(n).exponential(size=(TRIALS, n))
    found = [median_interval(list(row)) for row in values]
    hits = sum(i is not None and SKEWED_MEDIAN in i for i in found)
    printed = found[0].coverage if found[0] else 0.0
    assert within(hits / TRIALS, TRIALS, printed)
    assert printed >= 0.95 or n < 6


def test_known_coverages_of_min_and_max() -> None:
    """1 - 2·2^-n: the numbers of the binomial table."""
    known = {2: 0.5, 3: 0.75, 4: 0.875, 5: 0.9375, 6: 0.96875}
    for n, expected in known.items():
        given = median_interval(list(range(n)))
        assert given == Interval(0, n - 1, expected, "min–max")


def test_order_statistics_of_ten_are_the_second_and_the_ninth() -> None:
    given = median_interval([float(v) for v in range(10)])
    assert given is not None
    assert (given.low, given.high) == (1.0, 8.0)
    assert given.coverage == pytest.approx(1 - 2 * (1 + 10) / 2**10)


def test_one_value_has_no_interval_and_no_spread() -> None:
    assert median_interval([0.5]) is None
    found = summarise([0.5])
    assert found is not None
    assert (found.sd, found.interval, found.bca) == (None, None, None)
    assert summarise([]) is None


def test_iqm_of_four_is_the_median() -> None:
    assert iqm([1.0, 2.0, 4.0, 100.0]) == 3.0


@pytest.mark.parametrize("n", [10, 30])
def test_the_bootstraps_interval_covers_as_often_as_it_says(n: int) -> None:
    """BCa falls short of 95 % at small n; what is printed is what normal scores get."""
    trials = 400
    rng = np.random.default_rng(n)
    hits = sum(0.0 in bca(list(rng.normal(size=n)), resamples=999) for _ in range(trials))
    assert within(hits / trials, trials, bca(list(rng.normal(size=n)), resamples=99).coverage)
    assert bca([1.0] * n).low == bca([1.0] * n).high == 1.0
    assert max(BCA_COVERAGE.values()) < 0.96


@pytest.mark.parametrize(("n", "m"), [(1, 2), (2, 2), (3, 4), (4, 4), (6, 6), (10, 8)])
def test_the_shifts_interval_covers_as_often_as_it_says(n: int, m: int) -> None:
    rng = np.random.default_rng(n + m)
    hits, printed = 0, 0.0
    for _ in range(TRIALS):
        found = shift_interval(list(0.7 + rng.normal(size=n)), list(rng.normal(size=m)))
        assert found is not None
        hits, printed = hits + (0.7 in found), found.coverage
    assert within(hits / TRIALS, TRIALS, printed)


def test_the_shifts_interval_is_the_dual_of_the_rank_sum_test() -> None:
    """A shift is inside the interval where the exact test, that shift taken off, does not reject."""
    a, b = [3.1, 4.5, 5.2, 6.9, 7.7], [1.0, 2.2, 3.6, 4.1, 5.0]
    found = shift_interval(a, b)
    assert found is not None
    for shift in np.linspace(found.low - 1, found.high + 1, 41):
        rejected = permutation_p([x - shift for x in a], b) <= 1 - found.coverage + 1e-12
        assert rejected == (shift < found.low or shift > found.high)


def brute_force(a: Sequence[float], b: Sequence[float]) -> float:
    """The rank-sum p by listing every split: twice the smaller tail."""
    ranks = stats.rankdata([*a, *b])
    n, whole = len(a), len(a) + len(b)
    sums = np.array([ranks[list(c)].sum() for c in itertools.combinations(range(whole), n)])
    seen = ranks[:n].sum()
    return float(min(1.0, 2 * min((sums >= seen - 1e-9).mean(), (sums <= seen + 1e-9).mean())))


def test_permutation_p_equals_brute_force_ties_included() -> None:
    rng = np.random.default_rng(3)
    for n, m in [(2, 2), (3, 5), (4, 4), (5, 3)]:
        for values in (rng.normal(size=n + m), rng.integers(0, 4, n + m).astype(float)):
            a, b = list(values[:n]), list(values[n:])
            assert permutation_p(a, b) == pytest.approx(brute_force(a, b))


def test_permutation_p_equals_scipys_exact_test() -> None:
    rng = np.random.default_rng(4)
    for n, m in [(4, 4), (6, 7), (12, 10)]:
        a, b = rng.normal(0.8, 1, n), rng.normal(size=m)
        assert permutation_p(list(a), list(b)) == pytest.approx(stats.mannwhitneyu(a, b, method="exact").pvalue)


def test_four_against_four_apart_give_two_in_seventy() -> None:
    tested = rank_sum_test([5, 6, 7, 8], [1, 2, 3, 4])
    assert tested.p == pytest.approx(2 / 70)
    assert tested.z == pytest.approx(0.5 / math.sqrt(9 / (12 * 16)))


def test_probability_of_more_is_u_over_nm() -> None:
    rng = np.random.default_rng(5)
    a, b = rng.integers(0, 6, 9).astype(float), rng.integers(0, 6, 7).astype(float)
    assert probability_of_more(a, b) == pytest.approx(stats.mannwhitneyu(a, b).statistic / 63)
    assert probability_of_more([2, 3], [1]) == 1.0
    assert probability_of_more([1], [1]) == 0.5


def test_holm_by_hand() -> None:
    """Sorted .01 .02 .04: ×3, ×2, ×1, then never falling."""
    assert holm({"a": 0.04, "b": 0.01, "c": 0.02}) == pytest.approx({"b": 0.03, "c": 0.04, "a": 0.04})
    assert holm({"a": 0.9, "b": 0.8}) == {"a": 1.0, "b": 1.0}
    assert holm({}) == {}


def test_two_values_in_a_block_are_the_sign_test() -> None:
    for ups, downs in [(5, 1), (6, 0), (4, 4)]:
        pairs = [Block((-1.0, 1.0), (0.0, 1.0))] * ups + [Block((-1.0, 1.0), (1.0, 0.0))] * downs
        tested = block_test(pairs)
        assert tested.p == pytest.approx(stats.binomtest(ups, ups + downs).pvalue)
        assert np.sign(tested.z) == np.sign(ups - downs)


def test_rising_weights_are_pages_trend_test() -> None:
    """SciPy's Page test is one-sided; ours is two-sided and symmetric."""
    table = np.random.default_rng(6).normal(size=(5, 4)) + np.arange(4) * 0.5
    ours = block_test([Block((-3.0, -1.0, 1.0, 3.0), tuple(row)) for row in table])
    theirs = stats.page_trend_test(table, method="exact")
    assert ours.z > 0
    assert ours.p == pytest.approx(2 * theirs.pvalue)


def test_a_blocks_p_equals_brute_force() -> None:
    """Three values in each of two blocks: all 36 orders, ties included."""
    blocks = [Block((-2.0, 1.0, 1.0), (1.0, 5.0, 5.0)), Block((-2.0, 1.0, 1.0), (2.0, 9.0, 4.0))]
    ranks = [stats.rankdata(b.values) for b in blocks]
    sums = [
        sum(float(np.dot(b.weights, order)) for b, order in zip(blocks, orders, strict=True))
        for orders in itertools.product(*(itertools.permutations(r) for r in ranks))
    ]
    seen = sum(float(np.dot(b.weights, r)) for b, r in zip(blocks, ranks, strict=True))
    tails = [np.mean([sign * (s - seen) >= -1e-9 for s in sums]) for sign in (1, -1)]
    assert block_test(blocks).p == pytest.approx(min(1.0, 2 * min(tails)))


def test_no_skew_decides_with_fewer_seeds_than_could_without_ties() -> None:
    """Two above five that are all equal: one split of 21, and as few on the other side; of three infinite seeds whose
    first value is the worst of three, one order of 27.
    """
    assert permutation_p([1.0, 1.0], [0.0] * 5) == pytest.approx(2 / 21)
    worst = Block((2.0, -1.0, -1.0), (math.inf, 0.0, 0.0))
    assert block_test([worst] * 3).p == pytest.approx(2 / 27)


@pytest.mark.parametrize("sizes", [(4, 4), (6, 3), (10, 10)])
def test_long_blocks_of_two_sides_are_the_rank_sum_test(sizes: tuple[int, int]) -> None:
    """Twenty values in one block, of which subsets cannot be listed."""
    n, m = sizes
    values = np.random.default_rng(8).integers(0, 12, n + m).astype(float)
    block = Block((m / 2,) * n + (-n / 2,) * m, tuple(values))
    assert block_test([block]).p == pytest.approx(permutation_p(values[:n].tolist(), values[n:].tolist()))


def test_two_diverged_runs_are_as_bad_as_each_other() -> None:
    worst = float("-inf")
    found = finding(Groups("g", (worst, 1.0, 2.0), (worst, 0.0, 0.5)))
    assert found.effect == 1.0
    assert found.interval is not None
    assert not math.isnan(found.interval.low + found.interval.high) or found.interval.low == worst
    assert spread([Groups("g", (worst,), (worst,))])[0][2] == 0.0


def test_a_block_test_keeps_its_level() -> None:
    """Under the null, p ≤ α happens no more often than α, whatever the seed adds to all values of its block."""
    rng = np.random.default_rng(7)
    trials, alpha, low = 2000, 0.05, 0
    for _ in range(trials):
        table = rng.normal(size=(4, 4)) + 10 * rng.normal(size=(4, 1))
        low += block_test([Block((-1.0, -1.0, 1.0, 1.0), tuple(row)) for row in table]).p <= alpha
    assert low / trials < alpha + 4 * math.sqrt(alpha * (1 - alpha) / trials)
    assert low > 0


def test_all_equal_values_say_nothing() -> None:
    assert block_test([Block((-1.0, 1.0), (2.0, 2.0))] * 9) == (1.0, 0.0)


def test_the_better_half_is_kept() -> None:
    assert worst_half_dropped([3.0, 1.0, 2.0]) == [3.0, 2.0]
    assert worst_half_dropped([0.1, 0.4, 0.2, 0.3]) == [0.4, 0.3]


def test_the_limit_of_a_line_in_one_over_root_l() -> None:
    assert limit({pairs: [0.9 - 0.8 / math.sqrt(pairs)] for pairs in (16, 64, 256)}) == pytest.approx(0.9)
    assert limit({64: [0.5]}) is None


def test_noise_is_split_by_source() -> None:
    """Planted standard deviations come back: seeds .06, votes .02, classifiers .03."""
    rng = np.random.default_rng(8)
    seeds, draws, kinds = rng.normal(0, 0.06, 200), rng.normal(0, 0.02, (200, 8)), rng.normal(0, 0.03, (200, 4))
    scores = {
        (s, d, str(k)): 0.7 + seeds[s] + draws[s, d] + kinds[s, k]
        for s in range(200) for d in range(8) for k in range(4)
    }  # fmt: skip
    found = noise(scores)
    assert found.votes == pytest.approx(0.02, rel=0.05)
    assert found.classifier == pytest.approx(0.03, rel=0.1)
    assert found.training == pytest.approx(math.hypot(0.06, 0.03), rel=0.1)  # a classifier's taste is its seed's
    assert noise({(1, 0, "linear"): 0.5}) == (None, None, None)


def test_noise_of_classifiers_asked_of_unlike_numbers_of_runs_and_draws() -> None:
    """By hand: votes' variance .005; the linear classifier's runs vary by .01 with one draw each, logistic regression's
    by .02 with two, so that .005 and .0025 of it are the votes'; two differences of runs against one.
    """
    linear = {(run, 0, "linear"): 0.5 + 0.1 * run for run in range(3)}
    logistic = {(run, draw, "logistic"): 0.5 + 0.2 * run + 0.1 * draw for run in range(2) for draw in range(2)}
    found = noise(linear | logistic)
    assert found.votes == pytest.approx(math.sqrt(0.005))
    assert found.training == pytest.approx(math.sqrt((2 * 0.005 + 0.0175) / 3))


def test_the_middle_of_gaps_that_are_infinite_to_both_sides_is_nothing() -> None:
    """Two seeds, one diverged at the lowest β, the other at the highest: no effect is known, and none is nan."""
    far = [{0.1: math.inf, 10.0: 1.0}, {0.1: 1.0, 10.0: math.inf}]
    found = finding(Arm("loss", blocks(dict(enumerate(far)), {0.1: -1.0, 10.0: 1.0})))
    assert found.effect == 0.0

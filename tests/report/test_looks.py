"""α over several looks: it adds up, keeps its level in simulation where naive looking does not, and costs little."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from betavae.errors import Misuse
from betavae.report.statistics.exact_tests import Block, block_test
from betavae.report.statistics.looks import first_decided, shares

LOOKS = (6, 10, 20)


@pytest.mark.parametrize("alpha", [0.05, 0.05 / 4, 0.05 / 18])
@pytest.mark.parametrize("looks", [LOOKS, (5, 10), (20,), (4, 8, 12, 16, 20, 24)])
def test_the_shares_add_up_to_alpha(looks: tuple[int, ...], alpha: float) -> None:
    given = shares(looks, alpha)
    assert sum(given) == pytest.approx(alpha)
    assert list(given) == sorted(given)
    assert len(given) == len(looks)


def test_half_way_is_obriens_and_flemings() -> None:
    """At half of the seeds z must exceed 1.96·√2 = 2.772: .0056, as their table has it."""
    assert shares((10, 20))[0] == pytest.approx(0.00557, abs=5e-5)


@pytest.mark.parametrize("looks", [(), (0, 5), (5, 5), (9, 4)])
def test_looks_must_rise(looks: tuple[int, ...]) -> None:
    with pytest.raises(Misuse, match="rise"):
        shares(looks)


def sign_ps(effect: float, studies: int, seed: int) -> np.ndarray:
    """Exact two-sided p's of the sign test at every look, ``[studies, looks]``."""
    wins = (np.random.default_rng(seed).normal(effect, 1.0, (studies, LOOKS[-1])) > 0).cumsum(1)
    each = []
    for n in LOOKS:
        k = np.arange(n + 1)
        p = np.minimum(1.0, 2 * stats.binom.cdf(np.minimum(k, n - k), n, 0.5))
        each.append(p[wins[:, n - 1]])
    return np.stack(each, 1)


def test_the_simulated_p_is_the_engines() -> None:
    rng = np.random.default_rng(3)
    for _ in range(5):
        values = rng.normal(size=10)
        blocks = [Block((-1.0, 1.0), (0.0, float(v))) for v in values]
        wins = int((values > 0).sum())
        wanted = min(1.0, 2 * float(stats.binom.cdf(min(wins, 10 - wins), 10, 0.5)))
        assert block_test(blocks).p == pytest.approx(wanted)


def test_the_level_holds_and_naive_looking_does_not() -> None:
    """10,000 studies without an effect."""
    ps = sign_ps(0.0, 10_000, 1)
    ours = (ps <= np.array(shares(LOOKS))).any(1).mean()
    naive = (ps <= 0.05).any(1).mean()
    assert ours <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 10_000)
    assert naive > 0.06


def test_looking_costs_little_power() -> None:
    """At an effect that one look at 20 seeds finds in about nine studies of ten."""
    ps = sign_ps(0.9, 10_000, 2)
    one, several = (ps[:, -1] <= 0.05).mean(), (ps <= np.array(shares(LOOKS))).any(1).mean()
    assert one > 0.85
    assert several > one - 0.03
    assert (ps[:, :-1] <= np.array(shares(LOOKS))[:-1]).any(1).mean() > 0.05  # and some are decided early


def test_the_first_look_within_its_share_decides() -> None:
    a = shares(LOOKS)
    assert first_decided([a[0], a[1], 1.0], LOOKS) == 0
    assert first_decided([a[0] * 1.01, a[1], None], LOOKS) == 1
    assert first_decided([1.0, a[1] * 1.01, a[2]], LOOKS) == 2
    assert first_decided([0.04, 0.04], LOOKS) is None

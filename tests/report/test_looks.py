"""α over several looks: it adds up, keeps its level in simulation where naive looking does not, and costs little; and a
study that declares looks is judged by them, whichever way its seeds came.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from test_own_claims import answered, study_of

from betavae.errors import Misuse
from betavae.report.evidence import Evidence
from betavae.report.judged import claims, looked
from betavae.report.markdown import markdown
from betavae.report.statistics.claims import Answers, own_verdicts
from betavae.report.statistics.comparisons import Arm, Claim, Groups, Within, against_line
from betavae.report.statistics.exact_tests import Block, block_test
from betavae.report.statistics.findings import finding
from betavae.report.statistics.looks import Part, Seen, first_look, levels, shares, still_open, verdicts_at
from betavae.report.statistics.verdicts import (
    CONTRADICTS,
    EQUAL,
    NOT_RUN,
    SUPPORTS,
    UNDECIDED,
    Look,
    Verdict,
    look_at,
    verdicts,
)
from betavae.study.cells import Cell, Study
from betavae.study.claims import asks, first, had

LOOKS = (6, 10, 20)


def signs(looks: tuple[int, ...] = LOOKS) -> list[Seen]:
    """What a sign test has at its looks."""
    return [Seen((n,), 2 / 2**n, n) for n in looks]


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


def test_a_look_hands_on_what_it_cannot_use_and_one_without_new_seeds_adds_it() -> None:
    a, b, c = shares(LOOKS)
    # 2/2⁶ is more than the first share; 2/2¹⁰ is all that ten signs can reach below .0056, one that differs has .021.
    assert levels(signs(), LOOKS) == pytest.approx([a, a + b, 0.05 - 2 / 2**10])
    few = [Seen((n,), 2 / 2**n) for n in LOOKS]
    assert levels(few, LOOKS) == pytest.approx([a, a + b, c])
    many = [Seen((n,), 2 / 24**n) for n in LOOKS]
    assert levels(many, LOOKS) == pytest.approx([a, b, c])
    ended = [Seen((6, 10), 2 / 24**6), Seen((10, 10), 2 / 24**10), Seen((10, 10), 2 / 24**10)]
    assert levels(ended, LOOKS) == pytest.approx([a, b, b + c])
    assert levels(many[:1], LOOKS) == pytest.approx([a])


def sign_ps(effect: float, studies: int, seed: int) -> np.ndarray:
    """Exact two-sided p's of the sign test at every look, ``[studies, looks]``."""
    wins = (np.random.default_rng(seed).normal(effect, 1.0, (studies, LOOKS[-1])) > 0).cumsum(1)
    each = []
    for n in LOOKS:
        k = np.arange(n + 1)
        p = np.minimum(1.0, 2 * stats.binom.cdf(np.minimum(k, n - k), n, 0.5))
        each.append(p[wins[:, n - 1]])
    return np.stack(each, 1)


SIGN = levels(signs(), LOOKS)
"""The levels of the looks of a sign test."""


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
    ours = (ps <= np.array(SIGN)).any(1).mean()
    naive = (ps <= 0.05).any(1).mean()
    assert ours <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 10_000)
    assert naive > 0.06


def test_looking_costs_little_power() -> None:
    """At an effect that one look at 20 seeds finds in about nine studies of ten."""
    ps = sign_ps(0.9, 10_000, 2)
    one, several = (ps[:, -1] <= 0.05).mean(), (ps <= np.array(SIGN)).any(1).mean()
    assert one > 0.85
    assert several > one - 0.03
    assert (ps[:, :-1] <= np.array(SIGN)[:-1]).any(1).mean() > 0.05  # and some are decided early


def line_claim(values: np.ndarray) -> Claim:
    return Claim("c", "Says.", "", "", "", lambda _: [against_line("l", values.tolist(), 0.0, above=True)], 2)


def by_looks(values: np.ndarray, done: int = len(LOOKS)) -> Verdict:
    """One claim against a line, on a value a seed."""
    nothing = Evidence([])
    parts = [Part(nothing, [line_claim(values[:n])]) for n in LOOKS[:done]]
    return verdicts_at(LOOKS, parts, Part(nothing, [line_claim(values)]))[0]


def test_the_engine_decides_as_the_simulation_does() -> None:
    """The same studies through the verdicts themselves, and their level; an effect is found at the same look."""
    for effect, seed in ((0.0, 5), (0.9, 6)):
        ps = sign_ps(effect, 150, seed)
        values = np.random.default_rng(seed).normal(effect, 1.0, (150, LOOKS[-1]))
        for p, value in zip(ps, values, strict=True):
            hit = next((k for k in range(3) if p[k] <= SIGN[k]), None)
            found = by_looks(value)
            assert found.word == (UNDECIDED if hit is None else found.word)
            assert (found.word in (SUPPORTS, CONTRADICTS)) == (hit is not None)
            assert found.look == Look((2 if hit is None else hit) + 1, 3, LOOKS[2 if hit is None else hit])
            assert found.p is not None
            assert (found.p <= 0.05) == (hit is not None)


def test_groups_of_unequal_size_spend_what_they_can_reach() -> None:
    """Twenty seeds against five have p's down to 2/53,130, where five against five would have none below .0079: a look
    that could decide has spent its share.
    """

    def claim(n: int) -> Claim:
        groups = Groups("g", tuple(map(float, range(n))), tuple(float(k) + 0.5 for k in range(min(n, 5))))
        return Claim("c", "Says.", "", "", "", lambda _: [groups], None)

    found = [look_at(claim(n), Evidence([])) for n in LOOKS]
    assert [f.smallest for f in found] == pytest.approx([2 / math.comb(n + 5, 5) for n in LOOKS])
    seen = [Seen(f.sizes, f.smallest, f.signs) for f in found]
    a, b, c = shares(LOOKS)
    assert levels(seen, LOOKS) == pytest.approx([a, a + b, c])


def test_what_comes_after_a_decision_does_not_undo_it() -> None:
    values = np.concatenate([np.ones(10), -np.ones(10)])
    assert by_looks(values).word == SUPPORTS
    assert by_looks(values).look == Look(2, 3, 10)
    assert by_looks(values, done=1).word == UNDECIDED
    assert by_looks(values, done=0).word == NOT_RUN


def planted(cell: Cell) -> float:
    return 0.3 + 0.02 * cell.seed + (0.3 if cell.knobs == (("beta", 4),) else 0.0)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Twelve seeds, two looks, two claims: an effect, and one on a grid of two seeds less."""
    return replace(study_of(tmp_path, "trend", seeds=12), looks=(6, 12))


def judged(study: Study, answers: Answers) -> list[Verdict]:
    return own_verdicts(study, Evidence([]), answers)


def test_a_study_is_judged_by_its_looks(study: Study) -> None:
    answers = answered(study, planted)
    seeds = {cell.id: cell.seed for cell in study.cells}
    answers |= {(cell.id, None, 1.0): {"status": "ok", "cell_id": cell.id, "scores": {}} for cell in study.cells}
    early = {key: record for key, record in answers.items() if seeds[key[0]] < 6}
    some = {key: record for key, record in answers.items() if seeds[key[0]] < 9}
    assert [len(had(study, a)) for a in ({}, early, some, answers)] == [0, 1, 1, 2]
    assert asks(first(study, 6)) == set(early)
    [none], [one], [between], [both] = (judged(study, a) for a in ({}, early, some, answers))
    assert none.word == NOT_RUN
    assert (one.word, one.look, one.n) == (SUPPORTS, Look(1, 2, 6), 6)
    assert one[1:] == between[1:] == both[1:]  # what came later is not looked at again
    page = markdown(claims([one], "The study's", looked(study)))
    assert "**supports** at look 1 of 2" in page
    assert "after stopping early" in page
    assert all(said in page for said in ("p, over looks", "after 6 and 12 seeds"))
    assert "Holm over the table" not in page


def test_without_looks_nothing_is_said_of_them(study: Study) -> None:
    plain = replace(study, looks=())
    page = markdown(claims(judged(plain, answered(plain, planted)), "The study's", looked(plain)))
    assert "look" not in page
    assert "p, Holm" in page
    assert "one look at all seeds" in " ".join(looked(replace(plain, grown=(6,))))


def test_seeds_are_counted_within_each_setting(study: Study) -> None:
    part = first(study, 3)
    assert {cell.seed for cell in part.cells} == {0, 1, 2}
    assert [len(arm) for arm in part.claims[0].arms] == [3, 3, 3]
    assert first(study, 12) == study


def margins(gaps: np.ndarray, margin: float | None) -> Claim:
    arm = Arm("a − b", tuple(Block((1.0, -1.0), (0.5 + float(g), 0.5)) for g in gaps))
    return Claim("c", "Says.", "", "", "", lambda _: [arm], 2, margin=margin)


def test_no_effect_can_be_a_verdict() -> None:
    """Where differences of both signs all lie within the margin; without a margin they decide nothing."""
    gaps = np.array([0.01, -0.01] * 6)
    assert [verdicts(Evidence([]), [margins(gaps, m)])[0].word for m in (None, 0.05, 0.005)] == [
        UNDECIDED, EQUAL, UNDECIDED,
    ]  # fmt: skip
    assert verdicts(Evidence([]), [margins(gaps + 0.02, 0.05)])[0].word == SUPPORTS  # an effect is told first
    assert verdicts(Evidence([]), [margins(gaps + 0.2, 0.05)])[0].findings[0].equal == 1.0
    page = markdown(claims(verdicts(Evidence([]), [margins(gaps, 0.05)]), "The"))
    assert "**equal** within 5 points" in page
    assert not still_open(verdicts(Evidence([]), [margins(gaps, 0.05)]))
    assert len(still_open(verdicts(Evidence([]), [margins(gaps, None)]))) == 1


def test_an_equivalence_of_ones_own_is_a_decision_too() -> None:
    gaps = [0.01, -0.01] * 6
    within = Within("w", tuple(gaps), (0.0,) * 12, 0.05, True)
    claim = Claim("c", "Says.", "", "", "", lambda _: [within], 2)
    assert finding(within).p <= 0.05
    assert not still_open(verdicts(Evidence([]), [claim]))


def test_equality_is_found_falsely_at_most_at_its_level() -> None:
    """The true effect is the margin itself: each one-sided test errs with α/2 at most."""
    rng = np.random.default_rng(9)
    found = [
        verdicts(Evidence([]), [margins(rng.normal(0.05, 0.02, 12), 0.05)])[0].findings[0].equal <= 0.05
        for _ in range(300)
    ]
    assert np.mean(found) <= 0.05


@pytest.mark.parametrize(
    ("looks", "tests", "seeds"),
    [(LOOKS, 1, 10), ((10, 20, 30), 4, 20), ((20,), 1, 20), ((6, 8), 1000, None)],
)
def test_the_first_look_that_can_decide_is_said_by_the_levels(
    looks: tuple[int, ...], tests: int, seeds: int | None
) -> None:
    """At 6 of 20 seeds a sign test has .00035 to spend, and 2/2^6 = .031 at the least."""
    claim = Claim("", "", "", "", "", lambda evidence: [], 2)
    assert first_look(claim, looks, tests) == seeds
    assert first_look(replace(claim, orders=720), (1, 2), 1) == 2  # one seed decides nothing
    assert first_look(claim, LOOKS, 1, has=6) == 6  # a claim of six seeds has all of its α by the last look


def test_what_a_claim_lacks_may_come_with_a_later_look() -> None:
    """A study of one's own goes on for it; the paper's runs what it has, and CIFAR-100 never comes."""
    lacks = Claim("c", "Says.", "", "", "", lambda _: [Arm("both", ())], 2)
    found = verdicts(Evidence([]), [lacks])
    assert (found[0].word, found[0].lacking) == (NOT_RUN, ("both",))
    assert (len(still_open(found)), len(still_open(found, coming=True))) == (0, 1)


def test_many_levels_and_seeds_and_an_early_look_overflow_nothing() -> None:
    """Of twelve levels 36 seeds have more orders than a float holds; of 400 seeds the first has no share at all."""
    trend = replace(line_claim(np.ones(1)), orders=math.factorial(12))
    assert trend.smallest_p(35) > 0
    assert trend.smallest_p(400) == 0.0
    parts = [Part(Evidence([]), [line_claim(np.ones(1))])]
    [found] = verdicts_at((1, 400), parts, parts[0])
    assert (found.word, found.p) == (UNDECIDED, 1.0)


def test_one_seed_passes_nothing_on_to_the_other_claims() -> None:
    """Holm's table of two: a trend of one seed counts with p = 1, so that the other is judged at half of α."""
    one = Claim(
        "one", "", "", "", "", lambda _: [Arm("a", (Block((2.0, 1.0, 0.0, -1.0, -2.0), (5, 4, 3, 2, 1)),))], 120
    )
    six = Claim("six", "", "", "", "", lambda _: [against_line("l", [1.0] * 6, 0.0, above=True)], 2)
    found = {v.claim.name: v for v in verdicts(Evidence([]), [one, six])}
    assert (found["one"].word, found["one"].p) == (UNDECIDED, 1.0)
    assert (found["six"].word, found["six"].p) == (UNDECIDED, pytest.approx(4 / 2**6))

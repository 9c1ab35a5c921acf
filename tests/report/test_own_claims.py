"""Laws of claims of one's own: what is planted is found, the level holds in every form, nothing is judged in part."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from betavae.report.evidence import Evidence
from betavae.report.statistics.claims import Answers, own_claims, seeds_needed
from betavae.report.statistics.comparisons import Arm, Within
from betavae.report.statistics.exact_tests import Block, _long_test, block_test
from betavae.report.statistics.findings import finding
from betavae.report.statistics.verdicts import CONTRADICTS, NOT_RUN, SUPPORTS, UNDECIDED, Verdict, verdicts
from betavae.study.cells import Cell, Study
from betavae.study.study_file import read

STUDY = """name = "mine"
[questions.five]
measure = "higgins"
[[grid]]
dataset = "dsprites"
method = ["conv", "mlp"]
seed = {seeds}
beta = [1, 2, 4]
recipe = {{ optimiser = "adam", learning_rate = 5e-4, batch = 16, images = 320 }}
questions = ["five"]
[[grid]]
dataset = "dsprites"
method = ["pixels"]
seed = {seeds}
questions = ["five"]
[[claims]]
says = "a claim"
score = "five"
"""
FORMS = {
    "more": 'more = { beta = 4 }\nless = { beta = 1 }\nwhere = { method = "conv" }',
    "groups": 'more = { method = "conv" }\nless = { method = "mlp" }\nwhere = { beta = 1 }',
    "list": 'more = { beta = [2, 4] }\nless = { beta = 1 }\nwhere = { method = "conv" }',
    "line": 'more = { method = "conv", beta = 1 }\nless = { method = "pixels" }',
    "at_least": 'at_least = 0.5\nof = { beta = 1 }\nwhere = { method = "conv" }',
    "at_most": 'at_most = 0.5\nmore = { beta = 1 }\nwhere = { method = "conv" }',
    "trend": 'trend = "beta"\nwhere = { method = "conv" }',
    "falls": 'trend = "-beta"\nwhere = { method = "conv" }',
    "equal": 'more = { beta = 4 }\nless = { beta = 1 }\nequal_within = 0.1\nwhere = { method = "conv" }',
    "equal groups": 'more = { method = "conv" }\nless = { method = "mlp" }\nequal_within = 0.1\nwhere = { beta = 1 }',
    "equal line": 'more = { method = "conv", beta = 1 }\nless = { method = "pixels" }\nequal_within = 0.1',
}
Value = Callable[[Cell], float | None]
READS = {"unit": "", "chance": 0.2, "higher": True, "main": "higgins"}


def study_of(folder: Path, form: str, seeds: int = 8, more: str = "") -> Study:
    path = folder / "mine.toml"
    path.write_text(STUDY.format(seeds=list(range(seeds))) + FORMS[form] + "\n" + more, encoding="utf-8")
    return read(path)


@lru_cache(maxsize=2)
def questions(study: Study) -> list[tuple[Cell, str, str]]:
    """Every cell with its id and that of its question: hashing them is most of the time that these tests take."""
    return [(job.cell, job.cell.id, q.id) for job in study.jobs for q in job.questions]


def answered(study: Study, value: Value, reads: dict[str, Any] | None = READS) -> Answers:
    """An answer for every cell; None is a run that diverged."""
    made: dict[tuple[str, str | None, float], dict[str, Any]] = {}
    for cell, name, question in questions(study):
        score = value(cell)
        made[name, question, 1.0] = {
            "cell_id": name, "question": {"measure": "higgins"}, "status": "diverged" if score is None else "ok",
            "scores": {} if score is None else {"higgins": score}, "reads": None if score is None else reads,
        }  # fmt: skip
    return made


def judged(study: Study, answers: Answers) -> Verdict:
    [found] = verdicts(Evidence([]), own_claims(study, answers))[:1]
    return found


def noisy(rng: np.random.Generator, effect: Callable[[Cell], float], spread: float = 0.02) -> Value:
    """Scores about .5 with an effect; a seed's own level is shared by all its cells of one method."""
    level: dict[tuple[str, int], float] = {}

    def value(cell: Cell) -> float:
        if cell.method == "pixels":  # no seed changes it, but votes are drawn for every seed
            return 0.5 + effect(cell) + float(rng.normal(0, 0.05))
        own = level.setdefault((cell.method, cell.seed), float(rng.normal(0, 0.05)))
        return 0.5 + own + effect(cell) + float(rng.normal(0, spread))

    return value


SHIFT: dict[str, Callable[[Cell], float]] = {
    "more": lambda c: 0.3 * (c.beta == 4),
    "groups": lambda c: 0.4 * (c.method == "conv"),
    "list": lambda c: 0.3 * (c.beta != 1),
    "line": lambda c: 0.4 * (c.method == "conv") - 0.4 * (c.method == "pixels"),
    "at_least": lambda c: 0.4,
    "at_most": lambda c: -0.4,
    "trend": lambda c: 0.1 * (c.beta or 0),
    "falls": lambda c: -0.1 * (c.beta or 0),
    "equal": lambda c: 0.0,
    "equal groups": lambda c: 0.0,
    "equal line": lambda c: 0.0,
}
"""What makes each claim true by far."""
AWAY: dict[str, Callable[[Cell], float]] = {
    **{form: (lambda c, f=shift: -f(c)) for form, shift in SHIFT.items()},  # type: ignore[misc]
    **{form: SHIFT[other] for form, other in (("equal", "more"), ("equal groups", "groups"), ("equal line", "line"))},
}
"""What makes each claim false by far."""
PINNED = {"equal": 0.02, "equal groups": 0.02, "equal line": 0.02}
"""Forms that say "equal" are shown where a seed's own level varies little."""


def quiet(rng: np.random.Generator, form: str, effect: Callable[[Cell], float]) -> Value:
    """As ``noisy``, with levels as narrow as the form needs."""
    if form not in PINNED:
        return noisy(rng, effect)
    return lambda cell: 0.5 + effect(cell) + float(rng.normal(0, 0.02))


@pytest.mark.parametrize("form", FORMS)
def test_a_planted_truth_is_supported_and_a_planted_falsehood_contradicted(form: str, tmp_path: Path) -> None:
    study, rng = study_of(tmp_path, form), np.random.default_rng(1)
    assert judged(study, answered(study, quiet(rng, form, SHIFT[form]))).word == SUPPORTS
    assert judged(study, answered(study, quiet(rng, form, AWAY[form]))).word == CONTRADICTS


@pytest.mark.parametrize("form", [form for form in FORMS if not form.startswith("equal")])
def test_the_level_holds(form: str, tmp_path: Path) -> None:
    """Under the null of each form a verdict is as rare as α says, whatever a seed's own level."""
    study, rng, wrong = study_of(tmp_path, form, 7), np.random.default_rng(2), 0
    times = 100
    for _ in range(times):
        wrong += judged(study, answered(study, noisy(rng, lambda c: 0.0))).word in (SUPPORTS, CONTRADICTS)
    assert wrong / times <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / times)


@pytest.mark.parametrize("form", ["equal", "equal groups", "equal line"])
@pytest.mark.parametrize("side", [-1, 1])
def test_an_equivalence_at_its_margin_is_seldom_supported_or_contradicted(form: str, side: int, tmp_path: Path) -> None:
    """The true difference is the margin itself: the worst place of both errors."""
    study, rng, found = study_of(tmp_path, form, 7), np.random.default_rng(3), []
    high = {"equal": lambda c: c.beta == 4, "equal groups": lambda c: c.method == "conv",
            "equal line": lambda c: c.method == "conv"}[form]  # fmt: skip
    times = 100
    value = quiet(rng, form, lambda c: side * 0.1 * high(c))
    for _ in range(times):
        found.append(judged(study, answered(study, value)).word)
    for word in (SUPPORTS, CONTRADICTS):
        assert found.count(word) / times <= 0.025 + 3 * math.sqrt(0.025 * 0.975 / times), word


@pytest.mark.parametrize(("seeds", "word"), [(1, UNDECIDED), (2, SUPPORTS)])
def test_one_seed_decides_nothing_however_many_levels_a_trend_has(seeds: int, word: str, tmp_path: Path) -> None:
    """Of five levels one seed's order is one of 120: another seed may turn it round."""
    path = tmp_path / "mine.toml"
    text = STUDY.format(seeds=list(range(seeds))).replace("beta = [1, 2, 4]", "beta = [1, 2, 4, 8, 16]")
    path.write_text(text + FORMS["trend"], encoding="utf-8")
    study = read(path)
    found = judged(study, answered(study, lambda cell: 0.01 * (cell.beta or 0)))
    assert (found.word, found.least) == (word, 2)


@pytest.mark.parametrize(
    ("lines", "pairs"),
    [
        ([0], [(0.1, 0.6), (0.1, 0.7), (0.1, 0.8), (0.1, 0.9)]),  # one score: the line of all
        ([0, 2], [(0.1, 0.6), (0.3, 0.8)]),  # of several each stands beside its own seed, and no other
        ([0, 1, 2, 3], [(0.1, 0.6), (0.2, 0.7), (0.3, 0.8), (0.4, 0.9)]),
    ],
)
def test_what_no_seed_changes_is_held_against_the_same_seed(
    lines: list[int], pairs: list[tuple[float, float]], tmp_path: Path
) -> None:
    path = tmp_path / "mine.toml"
    grid, pixels = STUDY.format(seeds=[0, 1, 2, 3]).split('method = ["pixels"]')
    path.write_text(f'{grid}method = ["pixels"]{pixels.replace("[0, 1, 2, 3]", str(lines))}{FORMS["line"]}', "utf-8")
    study = read(path)
    answers = answered(study, lambda cell: (0.6 if cell.method == "conv" else 0.1) + 0.1 * cell.seed)
    [claim] = own_claims(study, answers)
    [arm] = claim.gather(Evidence([]))
    assert isinstance(arm, Arm)
    assert [block.values for block in arm.blocks] == [pytest.approx(pair) for pair in pairs]
    assert f"here {len(pairs)} " in seeds_needed(study)[1]


def test_an_equivalence_is_two_tests_that_must_both_hold() -> None:
    """Seven differences inside the margin: 2/2^7, one outside: the sign test of the nearer margin alone."""
    a = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
    inside = finding(Within("", a, tuple(v + 0.01 for v in a), 0.02, True))
    assert inside.p == pytest.approx(2 / 2**7)
    assert (inside.z > 0, inside.effect, inside.chance) == (True, pytest.approx(-0.01), 1.0)
    one = finding(Within("", (*a[:6], 0.9), tuple(v + 0.01 for v in a), 0.02, True))
    assert one.p == pytest.approx(2 * 8 / 2**7)  # 6 of 7 on one side: 1 + 7 of the 128 outcomes a tail
    beyond = finding(Within("", tuple(v + 0.5 for v in a), a, 0.02, True))
    assert (beyond.z < 0, beyond.p) == (True, pytest.approx(4 / 2**7))  # twice: either margin may be passed


def test_seeds_pair_where_arms_share_their_first_weights(tmp_path: Path) -> None:
    """Levels a tenth apart drown an effect of half of that between seeds, and not within them."""
    ups: dict[str, Callable[[Cell], bool]] = {"more": lambda c: c.beta == 4, "groups": lambda c: c.method == "conv"}
    for (form, up), word in zip(ups.items(), (SUPPORTS, UNDECIDED), strict=True):
        study = study_of(tmp_path, form)
        found = judged(study, answered(study, lambda c, up=up: 0.1 * c.seed + 0.05 * up(c)))  # type: ignore[misc]
        assert found.word == word


@pytest.mark.parametrize("form", FORMS)
def test_a_claim_is_judged_when_all_its_cells_have_answered(form: str, tmp_path: Path) -> None:
    study, rng = study_of(tmp_path, form), np.random.default_rng(1)
    answers = dict(answered(study, quiet(rng, form, SHIFT[form])))
    [claim] = study.claims
    for arm in claim.arms:
        held = answers.pop((arm[0], claim.question, 1.0))
        found = judged(study, answers)
        assert (found.word, found.findings) == (NOT_RUN, ())
        answers[arm[0], claim.question, 1.0] = {**held, "status": "error"}
        assert judged(study, answers).word == NOT_RUN
        assert "cells have it" in judged(study, answers).claim.records
        answers[arm[0], claim.question, 1.0] = held
    assert judged(study, {}).word == NOT_RUN


def test_a_diverged_run_counts_at_chance_else_as_the_worst_else_no_verdict(tmp_path: Path) -> None:
    study = study_of(tmp_path, "more", 3)
    value = lambda c: None if (c.beta, c.seed) == (4, 0) else 0.7 + 0.1 * (c.beta == 4)  # noqa: E731
    lows = {}
    for chance, higher in ((0.2, True), (None, True), (None, False)):
        told = {**READS, "chance": chance, "higher": higher}
        [found] = judged(study, answered(study, value, told)).findings
        assert found.n == 3
        assert found.interval is not None
        lows[chance, higher] = found.interval.low if higher else found.interval.high
    assert lows == {(0.2, True): pytest.approx(-0.5), (None, True): -math.inf, (None, False): math.inf}
    assert judged(study, answered(study, value, None)).word == NOT_RUN


@pytest.mark.parametrize("form", ["equal", "equal groups"])
def test_two_runs_that_diverged_are_not_alike(form: str, tmp_path: Path) -> None:
    """One seed of seven is well in both arms: that both fell in the others shows nothing to be equal."""
    study = study_of(tmp_path, form, 7)
    high = {"equal": lambda c: c.beta == 4, "equal groups": lambda c: c.method == "conv"}[form]
    found = judged(study, answered(study, lambda c: 0.5 if c.seed == 0 else None))
    assert found.word == UNDECIDED
    assert found.findings[0].chance <= 1 / 7
    # One arm falls in the first seeds, the other in the last: nothing is equal, and nothing shown to be apart.
    for value in (lambda c: None if (c.seed < 4) == high(c) else 0.5, lambda c: None):
        assert judged(study, answered(study, value)).word == UNDECIDED
    away = judged(study, answered(study, lambda c: None if c.seed == 0 and high(c) else 0.5 + 0.4 * high(c)))
    assert (away.word, away.n) == (UNDECIDED if form == "equal" else CONTRADICTS, 7)  # six signs are 4/2⁶ twice
    assert judged(study, answered(study, lambda c: 0.5 if c.seed else None, None)).findings  # whatever side is better


def test_no_setting_of_a_claim_is_left_out_without_a_word(tmp_path: Path) -> None:
    """β = 2 has other seeds than β = 4 and 1: a verdict on "2 or 4" would be one on 4 alone."""
    study = study_of(tmp_path, "list", 8)
    shifted = tuple(
        replace(job, cell=replace(job.cell, seed=job.cell.seed + 20)) if job.cell.beta == 2 else job
        for job in study.jobs
    )
    moved = {old.cell.id: new.cell.id for old, new in zip(study.jobs, shifted, strict=True)}
    claim = replace(study.claims[0], arms=tuple(tuple(moved[k] for k in arm) for arm in study.claims[0].arms))
    study = replace(study, jobs=shifted, claims=(claim,))
    found = judged(study, answered(study, lambda c: 0.1 * (c.beta or 0)))
    assert (found.word, found.lacking) == (NOT_RUN, ("the settings of both sides",))
    assert "here 0 (too few)" in seeds_needed(study)[1]


def test_holm_is_over_the_claims_of_the_file(tmp_path: Path) -> None:
    study, rng = study_of(tmp_path, "more", 7), np.random.default_rng(0)
    answers = answered(study, noisy(rng, SHIFT["more"]))
    alone = judged(study, answers)
    assert (alone.word, alone.p) == (SUPPORTS, pytest.approx(2 / 2**7))
    many = replace(study, claims=study.claims * 4)
    found = judged(many, answers)
    assert (found.word, found.p, found.least) == (UNDECIDED, pytest.approx(8 / 2**7), 8)


def test_the_seeds_a_unanimous_outcome_needs_are_told_beforehand(tmp_path: Path) -> None:
    """Of each form, and they are the fewest at which it decides."""
    wanted = {"more": 6, "groups": 4, "list": 4, "line": 6, "at_least": 6, "trend": 3, "equal": 6, "equal groups": 4}
    for form, needs in wanted.items():
        study = study_of(tmp_path, form, 5)
        line = seeds_needed(study)[1]
        assert line.strip().startswith(f"{needs} seeds on, here 5"), (form, line)
        assert ("too few" in line) == (needs > 5)
        for seeds in (needs - 1, needs):
            larger = study_of(tmp_path, form, seeds)
            found = judged(larger, answered(larger, quiet(np.random.default_rng(0), form, SHIFT[form])))
            assert (found.word == SUPPORTS) == (seeds >= needs), (form, seeds)
    assert seeds_needed(replace(study, claims=())) == []


def test_long_blocks_are_tested_as_short_ones_are() -> None:
    """All orders listed, or counted by their sum: the same p, ties included."""
    rng = np.random.default_rng(0)
    for k in (2, 3, 5, 6):
        for ties in (0, 1, 3):
            weights = tuple(float(k - 1 - 2 * i) for i in range(k))
            blocks = [Block(weights, tuple(np.round(rng.normal(size=k), ties).tolist())) for _ in range(3)]
            assert _long_test(blocks) == pytest.approx(block_test(blocks))
    ordered = Block(tuple(11.0 - 2 * i for i in range(12)), tuple(float(-i) for i in range(12)))
    assert block_test([ordered] * 2).p == pytest.approx(2 / math.factorial(12) ** 2)
    with pytest.raises(ValueError, match="no multiples"):
        block_test([Block((0.3, *(float(i) for i in range(7))), tuple(map(float, range(8))))])

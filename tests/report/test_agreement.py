"""Between runs: UDR and the order that metrics put runs in are what the records say, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from factory import FakeStore

from betavae.report import gallery
from betavae.report.document import Heading, Items, Part, Picture, Table
from betavae.report.own.agreement import agreement
from betavae.report.own.answers import Own
from betavae.report.own.pictures import pictures
from betavae.report.own.scores import scores as scores_of
from betavae.study.cells import Cell, Job, Question, Study, pairs
from betavae.training.recipe import Recipe

CELLS = [
    Cell("dsprites", "conv", 4, seed, "beta_vae", pairs({"beta": beta}), Recipe("adam", 5e-4, 64, 6400))
    for beta in (1.0, 4.0)
    for seed in (1, 2, 3)
]
MIG, TC, UDR, MATRIX = (Question(name) for name in ("mig", "gaussian_tc", "udr", "matrix"))
SCORES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)


def own(answers: dict[Question, list[dict[str, Any]]]) -> Own:
    """A study of six cells with these answers, one for each cell."""
    study = Study("ranks", "own", tuple(Job(cell, tuple(answers)) for cell in CELLS))
    store = FakeStore()
    for k, cell in enumerate(CELLS):
        store.add(cell)
        for question, told in answers.items():
            store.add(cell, question, **told[k])
    return Own([store], study)


def scores(key: str, values: tuple[float, ...], higher: bool = True) -> list[dict[str, Any]]:
    reads = {"unit": "", "chance": None, "higher": higher, "main": key}
    return [{"scores": {key: value}, "reads": reads} for value in values]


def tables(parts: list[Part]) -> list[Table]:
    return [part for part in parts if isinstance(part, Table)]


@pytest.mark.parametrize(
    ("values", "higher", "rho"),
    [
        (SCORES, True, "1.00"),
        (SCORES, False, "-1.00"),
        (SCORES[::-1], False, "1.00"),
        ((0.2, 0.1, 0.4, 0.3, 0.6, 0.5), True, "0.83"),
    ],
)
def test_rank_agreement_by_hand(values: tuple[float, ...], higher: bool, rho: str) -> None:
    """ρ = 1 - 6 Σd² / n(n² - 1): three swapped neighbours give Σd² = 6; of a score where less is better the order
    turns.
    """
    found = agreement(own({MIG: scores("mig", SCORES), TC: scores("gaussian_tc", values, higher)}))
    assert isinstance(found[0], Heading)
    (table,) = tables(found)
    assert table.rows[0][1:] == ["1.00 (6)", f"{rho} (6)"]
    assert table.rows[1][1:] == [f"{rho} (6)", "1.00 (6)"]


def test_too_few_runs_or_no_spread_are_not_ranked() -> None:
    told = scores("gaussian_tc", SCORES)
    failed = {"status": "error", "message": "singular"}
    assert agreement(own({MIG: scores("mig", SCORES), TC: [*told[:4], failed, failed]})) == []
    assert agreement(own({MIG: scores("mig", SCORES), TC: scores("gaussian_tc", (0.5,) * 6)})) == []


def kept(codes: np.ndarray) -> dict[str, Any]:
    return {"scores": {"active": 4.0}, "arrays": {"codes": codes.astype(np.float32), "kl": np.full(4, 2.0)}}


def test_udr_of_runs_that_agree_and_of_one_that_mixes() -> None:
    """Three runs alike up to order and sign score .9; one of three that mixes its codes lowers itself the most."""
    x = np.random.default_rng(0).standard_normal((1000, 4))
    x = np.linalg.qr(x - x.mean(0))[0] * np.sqrt(1000)
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((4, 4)))[0]
    alike = [kept(x), kept(-x[:, ::-1]), kept(x[:, [1, 0, 3, 2]])]
    (table,) = tables(agreement(own({UDR: [*alike, kept(x), kept(x[:, ::-1]), kept(x @ turn)]})))
    assert table.rows[0][1:] == ["3", "0.900", "1: 0.900; 2: 0.900; 3: 0.900"]
    values = [float(part.split(": ")[1]) for part in table.rows[1][3].split("; ")]
    assert values[2] < values[0] == values[1] < 0.9


def test_what_udr_keeps_of_one_cell_is_no_score() -> None:
    """It is shown where runs are held together, or said to need more of them."""
    whole = own({UDR: [kept(np.eye(8, 4))] * 6})
    assert not scores_of(whole)
    assert not pictures(whole)
    alone = Study("ranks", "own", (Job(CELLS[0], (UDR,)),))
    store = FakeStore()
    store.add(CELLS[0])
    store.add(CELLS[0], UDR, **kept(np.eye(8, 4)))
    (_, told) = scores_of(Own([store], alone))
    assert isinstance(told, Items)
    assert "one cell of every setting" in told.lines[0]


def test_arrays_that_do_not_fit_are_no_codes() -> None:
    odd = {"scores": {}, "arrays": {"codes": np.zeros((5, 4), np.float32), "kl": np.zeros(3)}}
    assert agreement(own({UDR: [odd] * 6})) == []


def test_the_matrix_is_a_picture_a_setting() -> None:
    shares = np.linspace(0, 1, 20, dtype=np.float32).reshape(4, 5)
    told = {"scores": {"matrix": 0.5}, "arrays": {"matrix": shares}, "notes": {"columns": list("abcde")}}
    found = [part for part in pictures(own({MATRIX: [told] * 6})) if isinstance(part, Picture)]
    assert len(found) == 1
    assert "mutual information" in found[0].caption


def test_a_figure_of_matrices_writes_what_is_large() -> None:
    panels = [gallery.Matrix("one", np.array([[0.05, 0.9], [0.5, 0.0]]), ("a", "b"))] * 2
    axes = gallery.matrices(panels).axes
    assert [ax.axison for ax in axes] == [True, True, False]
    assert sorted(text.get_text() for text in axes[0].texts) == [".50", ".90"]

"""Laws of rows: every setting has one, labels tell rows apart by what varies and by nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from factory import FakeStore, baseline, fitted, higgins, scored, vae

from betavae.report.evidence import Evidence
from betavae.report.rows import labels, row_of
from betavae.study.cells import Cell, pairs


def test_a_row_is_a_setting_without_its_seed() -> None:
    """Anything of a cell but its seed makes another row."""
    cell = vae()
    assert row_of(cell.plain()) == row_of(replace(cell, seed=9).plain())
    assert cell.recipe is not None
    others = [
        replace(cell, dataset="shapes3d"), replace(cell, method="mlp"), replace(cell, objective="gaussian"),
        replace(cell, knobs=pairs({"beta": 4.0, "sigma": 0.1})), replace(cell, codes=3), replace(cell, quirks=("x",)),
        replace(cell, recipe=replace(cell.recipe, learning_rate=1e-3)), vae(beta=1.0), baseline(),
    ]  # fmt: skip
    assert len({row_of(c.plain()) for c in [cell, *others]}) == 1 + len(others)


def test_labels_say_what_varies_and_the_rest_is_said_once() -> None:
    cell = vae(beta=1.0)
    assert cell.recipe is not None
    slow = replace(cell, recipe=replace(cell.recipe, learning_rate=1e-4), codes=3)
    rows = [row_of(c.plain()) for c in (cell, slow)]
    told, shared = labels(rows)
    assert list(told.values()) == ["10 codes, learning rate 0.0005", "3 codes, learning rate 0.0001"]
    assert shared[:4] == ["dsprites", "conv", "beta_vae", "β = 1"]
    assert len(set(told.values())) == len(rows)
    told, _ = labels(rows[:1])
    assert told == {rows[0]: "conv"}
    assert labels([]) == ({}, [])


def test_every_setting_of_any_objective_is_in_the_evidence() -> None:
    """σ-VAEs, other budgets, other codes, twins with a quirk: all have a row, none is set aside."""
    store, rng = FakeStore(), np.random.default_rng(0)
    cells: list[Cell] = [vae(images=1000), vae(images=9000), replace(vae(), objective="sigma_vae"), baseline(),
                         replace(vae(), codes=2), replace(baseline(), quirks=("rgb-layout",))]  # fmt: skip
    for k, cell in enumerate(cells):
        fitted(store, cell, rng)
        scored(store, cell, higgins(), k / 10)
    evidence = Evidence([store])
    rows = evidence.rows("dsprites")
    assert len(rows) == len(cells)
    assert evidence.aside == 0
    for k, cell in enumerate(cells):
        row = row_of(cell.plain())
        assert evidence.sample(row, "higgins", "higgins").values == {123: k / 10}
        assert set(evidence.fit(row)) == {123}

"""A study of seconds on 2Dshapes, and what a store holds but for times: for tests in which other processes train."""

from __future__ import annotations

from typing import Any

from betavae.study.cells import Cell, Job, Question, Study, pairs
from betavae.study.store import Store
from betavae.training.recipe import Recipe

VOTES = {"votes": 60, "test_votes": 60, "pairs": 16, "pool": 200}
ASKED = (
    Question("reconstruction", pairs({"images": 16}), at=(0.5, 1.0)),
    Question("reconstructions", pairs({"images": 2})),
    Question("higgins", pairs(VOTES)),
)
RECORDS = 5
"""Records of each cell: its fit and four answers."""


def short_study(cells: int, passes: int) -> Study:
    """Trainings that answer half-way and at the end, one per seed."""
    recipe = Recipe("adam", 5e-4, 32, passes)
    beta = pairs({"beta": 4.0})
    jobs = [Job(Cell("dsprites", "conv", 4, seed, "beta_vae", beta, recipe), ASKED) for seed in range(cells)]
    return Study("short", "smoke", tuple(jobs))


def timeless(store: Store) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Every record by what was asked of what and when, without times and places."""
    return {
        (r["cell_id"], r["question_id"], r["at"]): (r["status"], r["message"], r["scores"], r["notes"], r["arrays"])
        for r in store.records()
        if r["kind"] != "run"
    }

"""Laws of the parts that tables and pictures of the paper share: which seed is shown, which row is marked, what stands
beside it.
"""

from __future__ import annotations

import numpy as np
import pytest
from factory import FakeStore, baseline, fitted, higgins, scored, vae

from betavae.paper.evidence import gathered, typical
from betavae.paper.evidence import higgins as score_of
from betavae.paper.sections.common import marked
from betavae.paper.sections.quirks import printed
from betavae.report.rows import Row
from betavae.study.cells import Question
from betavae.study.records import Record

ROW = Row("dsprites", "conv", 4.0)
PICTURE = {"images": np.zeros((1, 1, 2, 2), np.uint8)}


@pytest.mark.parametrize(
    ("scores", "pictured", "chosen"),
    [
        ((0.9, 0.2, 0.6, 0.5, 0.7), range(5), 2),  # the median of five, wherever it stands
        ((0.9, 0.2, 0.6, 0.5, 0.7), (0, 1, 3), 3),  # of the seeds with a picture the nearest to the median of all
        ((0.5, 0.7, 0.6), (0, 1), 0),  # as far on both sides: the smaller seed
        ((None, None, 0.6), (0, 1), 0),  # diverged runs stand at chance, and are as far away
        ((), (3, 2), 2),  # nothing was scored: the first
        ((0.5,), (), None),
    ],
)
def test_the_picture_of_a_row_is_of_its_median_seed(
    scores: tuple[float | None, ...], pictured: tuple[int, ...], chosen: int | None
) -> None:
    store = FakeStore()
    for seed, score in enumerate(scores):
        scored(store, vae(seed=seed), higgins(), score)
    for seed in pictured:
        store.add(vae(seed=seed), Question("traversals"), arrays={**PICTURE, "seed": np.array([seed])})
    found = typical(gathered([store]), ROW, "traversals")
    assert (found and found["cell"]["seed"]) == chosen


def test_a_row_is_marked_for_the_seeds_behind_its_number_alone() -> None:
    """Of three fits of ICA the third stopped short; a score of the first two says nothing of it."""
    store, rng = FakeStore(), np.random.default_rng(0)
    for seed in range(3):
        cell = baseline("ica", seed=seed, fit=2_500)
        fitted(store, cell, rng, notes={"converged": seed < 2})
        scored(store, cell, higgins(), 0.5)
        if seed < 2:
            scored(store, cell, higgins("logistic"), 0.5)
    evidence = gathered([store])
    row = Row("dsprites", "ica", fit=2_500)
    every, two = (score_of(evidence, row, classifier=kind) for kind in ("linear", "logistic"))
    assert (sorted(every.values), sorted(two.values)) == ([0, 1, 2], [0, 1])
    assert marked(evidence, "ICA", row, every) == "ICA†"
    assert marked(evidence, "ICA", row, two) == "ICA"
    assert marked(evidence, "ICA", row) == "ICA†"


@pytest.mark.parametrize(
    ("row", "knobs", "score", "beside"),
    [
        (Row("dsprites", "mlp", 4.0), {}, "higgins", "76.62 (Table 1)"),
        (Row("dsprites", "mlp", 4.0), {"ask": ["scale", "orientation", "posX", "posY"]}, "higgins", "95.15 (Table 1)"),
        (Row("dsprites", "mlp", 4.0), {"pairs": 16}, "higgins", "–"),  # Table 1 is of L = 64
        (Row("dsprites", "pca", fit=25_000), {}, "higgins", "71.53 (Table 1)"),
        (Row("dsprites", "pca"), {}, "higgins", "–"),  # App. B: the paper's PCA is of a subset
        (Row("dsprites", "conv", 4.0), {}, "higgins", "77.62 (Table 2)"),
        (Row("dsprites", "conv", 4.0), {"ask": ["scale", "posX"]}, "higgins", "–"),
        (Row("dsprites", "mlp", 4.0), {}, "reconstruction", "–"),
        (Row("cifar10", "conv", 1.0), {"of": "prior"}, "fid", "–"),  # its FIDs are of reconstructions
        (Row("cifar10", "conv", 2.0), {}, "fid", "–"),
    ],
)
def test_a_published_number_stands_beside_what_it_was_printed_of(
    row: Row, knobs: dict[str, object], score: str, beside: str
) -> None:
    asked = {"pairs": 64, "classifier": "linear", "ask": None} if score == "higgins" else {"of": "reconstruction"}
    record: Record = {
        "cell": {"dataset": row.dataset},
        "question": {"measure": "higgins", "knobs": {**asked, **knobs}, "quirks": []},
    }
    assert printed(row, record, score) == beside

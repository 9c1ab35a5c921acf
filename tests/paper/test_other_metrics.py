"""The field's metrics of the paper's models: who is asked, and that noise alone is not taken for disagreement."""

from __future__ import annotations

import numpy as np
import pytest
from factory import FakeStore, baseline, fitted, higgins, scored, vae
from synthetic import answered

from betavae.paper.claims.other_metrics import SIX, Draws, by_seed, disagreement, metrics_disagree
from betavae.paper.evidence import gathered
from betavae.paper.field import FLOORS, REDRAWN
from betavae.paper.sections.other_metrics import RANKED, SCORES, other_metrics
from betavae.paper.study import paper
from betavae.report.document import Table
from betavae.report.rows import Row
from betavae.report.statistics.exact_tests import block_test
from betavae.study.cells import Cell, Question, pairs

MODELS = [Row("dsprites", "mlp", float(k)) for k in range(8)]


def draws(*orders: tuple[float, ...]) -> Draws:
    """Metrics a, b, … by their scores of four models on the first draw and on the second, two orders each."""
    names = "abcdef"
    return {
        names[k // 2]: tuple(dict(zip(MODELS, orders[j], strict=False)) for j in (k, k + 1))  # type: ignore[misc]
        for k in range(0, len(orders), 2)
    }


UP, SWAPPED, DOWN, FLAT = (1.0, 2.0, 3.0, 4.0), (1.0, 2.0, 4.0, 3.0), (4.0, 3.0, 2.0, 1.0), (1.0,) * 4


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((UP, UP, UP, UP), 0.0),
        ((UP, UP, DOWN, DOWN), 2.0),
        ((UP, UP, UP, SWAPPED), -0.1),  # ρ(b, b') = .8; ρ(a, b') = .8 and ρ(a', b) = 1
        ((UP, SWAPPED, DOWN, DOWN), 0.8 + 0.9),
        ((UP, UP, DOWN, DOWN, FLAT, FLAT), 2.0),
        ((UP, UP, FLAT, UP), None),
    ],
)
def test_disagreement_by_hand(given: tuple[tuple[float, ...], ...], expected: float | None) -> None:
    """One neighbour swapped among four: ρ = 1 - 6 · 2 / 60 = .8. A metric without an order says nothing."""
    found = disagreement(draws(*given))
    assert found == (expected if expected is None else pytest.approx(expected))


@pytest.mark.parametrize("noise", [0.3, (0.1, 0.2, 0.4, 0.8, 1.2, 2.0)])
def test_one_order_seen_through_noise_is_not_called_disagreement(noise: float | tuple[float, ...]) -> None:
    """Six metrics of one truth, equally noisy or not: over 60 seeds the mean is below 0, so no test can support."""
    rng, found = np.random.default_rng(0), []
    for _ in range(60):
        truth = rng.normal(size=8)
        made = {
            name: tuple(dict(zip(MODELS, truth + sd * rng.normal(size=8), strict=True)) for _ in range(2))
            for name, sd in zip(SIX, np.broadcast_to(noise, 6), strict=True)
        }
        found.append(disagreement(made))  # type: ignore[arg-type]
    assert np.mean([v for v in found if v is not None]) < 0


def records(seeds: int, order: dict[str, int]) -> FakeStore:
    """Six metrics of VAEs, PCA and ICA; those of ``order`` -1 turn the models round. Draws differ by a little noise."""
    store, rng = FakeStore(), np.random.default_rng(1)
    for seed in range(seeds):
        cells: list[Cell] = [vae(method=m, beta=b, seed=seed) for m in ("mlp", "conv") for b in (0.1, 1.0, 4.0, 10.0)]
        linear = [baseline(seed=seed), baseline("ica", seed=seed, fit=2_500)]
        for k, cell in enumerate([*cells, *linear]):
            for name, (measure, key) in SIX.items():
                for draw in (0, 1):
                    value = 0.5 + 0.05 * k * order.get(name, 1) + rng.normal(0, 0.005)
                    if measure == "higgins":
                        scored(store, cell, higgins("logistic", seed=draw), value)
                    else:
                        knobs = {"model": "lasso"} if measure == "dci" else {}
                        store.add(cell, Question(measure, pairs(knobs), draw), scores={key: value})
    return store


def test_metrics_that_turn_the_order_round_are_found_and_equal_ones_are_not() -> None:
    arm = metrics_disagree(gathered([records(8, {"SAP": -1, "MIG": -1})]))[0]
    assert block_test(arm.blocks).p == pytest.approx(2 / 2**8)  # type: ignore[union-attr]
    assert block_test(arm.blocks).z > 0  # type: ignore[union-attr]
    same = metrics_disagree(gathered([records(8, {})]))[0]
    assert block_test(same.blocks).p > 0.05 or block_test(same.blocks).z < 0  # type: ignore[union-attr]


def test_a_model_that_one_metric_has_not_scored_twice_is_left_out() -> None:
    store = records(2, {})
    kept = len(by_seed(gathered([store]), "dsprites")[1]["MIG"][0])
    store.kept = [
        r
        for r in store.kept
        if not (r["question"]["measure"] == "mig" and r["question"]["seed"] and r["cell"]["method"] == "pca")
    ]
    assert len(by_seed(gathered([store]), "dsprites")[1]["MIG"][0]) == kept - 1 == 9
    (arm, *_) = metrics_disagree(gathered([store]))
    assert arm.blocks == ()  # type: ignore[union-attr]  # the claim is on all the models


@pytest.mark.parametrize("scale", ["smoke", "laptop", "paper"])
def test_the_papers_own_models_are_asked_and_nothing_costly(scale: str) -> None:
    study = paper(scale)
    asked = [j for j in study.jobs if any(q.measure == "mig" for q in j.questions)]
    assert {j.cell.dataset for j in asked} == {"dsprites", "shapes3d-drawn", "mpi3d-drawn"}
    for job in asked:
        plain = [q for q in job.questions if not q.quirks]
        cell, again = job.cell, [q.measure for q in plain if q.seed == 1 and q.measure != "higgins"]
        assert not cell.quirks
        assert cell.objective in (None, "beta_vae")
        assert again == ([] if cell.method in FLOORS else list(REDRAWN))
        measures = {q.measure for q in job.questions}
        assert {told[0] for told in (*SCORES.values(), *SIX.values())} <= measures
        assert not measures & {"dci_es", "downstream"}
        assert {dict(q.knobs)["model"] for q in job.questions if q.measure == "dci"} == {"lasso"}
    seeds = {j.cell.seed for j in asked}
    assert (len(seeds) == 1) == (scale in ("smoke", "laptop"))
    assert {j.cell.method for j in asked} == {"mlp", "conv", "pca", "ica", *FLOORS}


def test_a_table_of_metrics_is_of_the_seeds_that_they_were_asked_of() -> None:
    """Two seeds trained and scored, one asked the field's metrics: Higgins scores and active codes are that one's."""
    store = FakeStore()
    for seed, score, moving in ((1, 0.9, 0), (2, 0.5, 9)):
        fitted(store, vae(seed=seed), np.random.default_rng(0), scores={"active": moving})
        scored(store, vae(seed=seed), higgins(), score)
    store.add(vae(seed=2), Question("mig"), scores={"mig": 0.1})
    [table] = [p for p in other_metrics(gathered([store])) if isinstance(p, Table) and "metrics on" in p.caption]
    assert {row[0]: row[1] for row in table.rows} == {
        "Higgins": "0.500", "MIG": "0.100", "active codes": "9", "training seeds": "1",
    }  # fmt: skip


def test_the_section_holds_every_metric_with_its_floors() -> None:
    found = [p for p in other_metrics(gathered([answered(paper("smoke"))])) if isinstance(p, Table)]
    scores = found[0]
    assert {"noise codes", "true factors"} <= set(scores.header)
    assert {"Higgins", *SCORES} <= {row[0] for row in scores.rows}
    assert set(RANKED) <= set(SCORES)
    ranked = next(t for t in found if "Spearman" in t.caption)
    assert ranked.rows[0][1] == "1.00 (10)"

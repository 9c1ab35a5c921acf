"""What a study is reckoned to cost: operations from the architectures, time from what was measured, laws of both."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from test_training import task

from betavae import models
from betavae.datasets import OUTLINES
from betavae.metrics import votes
from betavae.models import MODELS
from betavae.paper.study import paper
from betavae.study import status
from betavae.study.cells import Cell, Job, Question, pairs
from betavae.study.monitor import cost, forecast
from betavae.training.recipe import Recipe


@pytest.fixture(autouse=True)
def one_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "product_rate", lambda: 5e10)
    monkeypatch.setattr(cost, "drawing", lambda jobs: [])


def vae(images: int = 6400, method: str = "conv", dataset: str = "dsprites") -> Cell:
    return Cell(dataset, method, 10, 1, "beta_vae", pairs({"beta": 4.0}), Recipe("adam", 5e-4, 64, images))


@pytest.mark.parametrize("method", MODELS)
@pytest.mark.parametrize("shape", [(1, 64, 64), (3, 32, 32), (1, 16, 16), (3, 128, 128)])
def test_multiply_adds_are_what_pytorch_counts(method: str, shape: tuple[int, int, int]) -> None:
    """Against PyTorch's own counter of operations, two for each multiply-add of one image."""
    from torch.utils.flop_counter import FlopCounterMode

    model = models.named(method, shape, 10)
    params = model.init(torch.Generator().manual_seed(0))
    encoder, decoder, _ = models.size(method, shape, 10)
    with torch.no_grad(), FlopCounterMode(display=False) as counted:
        model.encode(params, torch.zeros(1, *shape))
    assert counted.get_total_flops() == 2 * encoder
    with torch.no_grad(), FlopCounterMode(display=False) as counted:
        model.decode(params, torch.zeros(1, 10))
    assert counted.get_total_flops() == pytest.approx(2 * decoder, rel=1e-9)


def test_training_costs_its_passes() -> None:
    """Three times both networks at the measured share, the rendering, and the steps; twice the images cost twice."""
    once, twice = (cost.cost(Job(vae(n), ())) for n in (6400, 12_800))
    assert (once.passes, twice.passes) == (6400, 12_800)
    by_hand = 6400 * (3 * sum(models.size("conv", (1, 64, 64), 10)[:2]) / (5e10 * 0.60) + cost.RENDER["dsprites"])
    by_hand += 6400 / vae(6400).recipe.batch * (cost.STEP + cost.PARAMETER * 502_005)
    assert once.seconds == pytest.approx(by_hand + cost.OPEN)
    assert twice.seconds - cost.OPEN == pytest.approx(2 * by_hand)


def test_a_critic_is_reckoned() -> None:
    """Six layers of 1,000 units eight times an image at the MLP's share of the rate, and their parameters a step."""
    plain = vae(6400)
    critic = 10 * 1000 + 5 * 1000**2 + 2 * 1000
    by_hand = 6400 * 8 * critic / (5e10 * cost.share("mlp", (1, 64, 64)))
    by_hand += 6400 / 64 * cost.PARAMETER * (critic + 6 * 1000 + 2)
    more = cost.cost(Job(replace(plain, objective="factor_vae", knobs=()), ())).seconds
    assert more - cost.cost(Job(plain, ())).seconds == pytest.approx(by_hand)


def test_questions_of_one_draw_share_their_codes() -> None:
    knobs = {"votes": 1000, "test_votes": 1000, "pool": 8000}
    ask = [Question("higgins", pairs({**knobs, "classifier": c})) for c in votes.FITTING]
    other = replace(ask[0], seed=1)
    size = math.prod(OUTLINES["dsprites"][1])
    for asked, draws in ((ask, 1), ([*ask, other], 2)):
        expected = size * (1 - math.exp(-draws * 8000 / size))
        assert cost.cost(Job(vae(), tuple(asked))).encoded == pytest.approx(expected, abs=1)


def test_more_costs_more() -> None:
    def seconds(cell: Cell, *questions: Question) -> float:
        return cost.cost(Job(cell, questions)).seconds

    def higgins(**knobs: object) -> Question:
        return Question("higgins", pairs({"pool": 8000, **knobs}))

    for name in votes.FITTING:
        few, many = (seconds(vae(), higgins(classifier=name, votes=v)) for v in (1000, 10_000))
        assert seconds(vae()) < few < many
    assert seconds(vae(), higgins(pairs=16)) < seconds(vae(), higgins(pairs=256))
    for method in ("pca", "ica"):
        fits = [seconds(Cell("dsprites", method, 10, 1, fit=n)) for n in (1000, 25_000, None)]
        assert fits == sorted(fits)
    assert seconds(vae(), Question("frechet", pairs({"features": "efficientnet_lite0_96", "images": 500}))) > 2


def test_prediction_spreads_jobs_over_workers() -> None:
    jobs = [Job(vae(), ()) for _ in range(4)]
    one, two = forecast.predict(jobs, 1) - 6.0, forecast.predict(jobs, 2) - 6.0
    assert one == pytest.approx(2 * two)
    assert forecast.predict(jobs[:3], 2) == pytest.approx(forecast.predict(jobs, 2))


def test_datasets_that_are_not_drawn_count(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [Job(vae(), ())]
    before = forecast.predict(jobs, 1)
    monkeypatch.setattr(cost, "drawing", lambda jobs: [3.0])
    assert forecast.predict(jobs, 1) == pytest.approx(before + 3.0)


def test_the_dry_run_says_whether_a_gpu_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast, "MEASURED", tmp_path)
    assert "300,000 images/s (assumed, not measured)" in status.plan(paper("smoke"), 2, tmp_path)
    told = {"kind": "gpu", "results": {"population conv": {"images per second, as the package runs it": 123456.0}}}
    (tmp_path / "some-card.json").write_text(json.dumps(told))
    (tmp_path / "broken.json").write_text("{")
    assert "123,456 images/s (measured on some-card)" in status.plan(paper("smoke"), 2, tmp_path)


def test_what_is_kept_for_the_way_back_grows_with_the_batch_alone() -> None:
    from betavae.training import population

    given = task()
    larger = given._replace(recipe=replace(given.recipe, batch=2 * given.recipe.batch))
    assert population.kept(given) == population.kept(larger)
    each = 4 * given.recipe.batch * (2 * population.kept(given) + math.prod(given.model.shape))
    assert population.need(larger) - population.need(given) == each

"""What a study is reckoned to cost: operations from the architectures, time from what was measured, laws of both."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from test_training import task

from betavae import models
from betavae.datasets import OUTLINES
from betavae.metrics import METRICS, costs, named
from betavae.metrics.base import Metric, Probe
from betavae.models import MODELS
from betavae.paper.study import paper
from betavae.study.cells import Cell, Job, Question, pairs
from betavae.study.monitor import cost, forecast, status
from betavae.study.monitor.pace import Pace, free, pace
from betavae.study.store import Store
from betavae.training.recipe import Recipe

HERE = Pace(5e10, cores=8)
"""A machine of eight idle cores."""


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
    once, twice = (cost.cost(Job(vae(n), ()), HERE.rate) for n in (6400, 12_800))
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
    more = cost.cost(Job(replace(plain, objective="factor_vae", knobs=()), ()), HERE.rate).seconds
    assert more - cost.cost(Job(plain, ()), HERE.rate).seconds == pytest.approx(by_hand)


def test_questions_of_one_draw_share_their_codes() -> None:
    knobs = {"votes": 1000, "test_votes": 1000, "pool": 8000}
    ask = [Question("higgins", pairs({**knobs, "classifier": c})) for c in costs.FITTING]
    other = replace(ask[0], seed=1)
    size = math.prod(OUTLINES["dsprites"][1])
    for asked, draws in ((ask, 1), ([*ask, other], 2)):
        expected = size * (1 - math.exp(-draws * 8000 / size))
        assert cost.cost(Job(vae(), tuple(asked)), HERE.rate).encoded == pytest.approx(expected, abs=1)


def test_more_costs_more() -> None:
    def seconds(cell: Cell, *questions: Question) -> float:
        return cost.cost(Job(cell, questions), HERE.rate).seconds

    def higgins(**knobs: object) -> Question:
        return Question("higgins", pairs({"pool": 8000, **knobs}))

    for name in costs.FITTING:
        few, many = (seconds(vae(), higgins(classifier=name, votes=v)) for v in (1000, 10_000))
        assert seconds(vae()) < few < many
    assert seconds(vae(), higgins(pairs=16)) < seconds(vae(), higgins(pairs=256))
    for method in ("pca", "ica"):
        fits = [seconds(Cell("dsprites", method, 10, 1, fit=n)) for n in (1000, 25_000, None)]
        assert fits == sorted(fits)
    assert seconds(vae(), Question("frechet", pairs({"features": "efficientnet_lite0_96", "images": 500}))) > 2


KNOBS: dict[str, list[dict[str, object]]] = {
    "higgins": [{"classifier": c, "pool": p, "pairs": 8} for c in costs.FITTING for p in (None, 5000)],
    "rotation": [{"votes": 300}],
    "leak": [{"classifier": "mlp"}],
    "mig": [{"images": 300}, {"like": "disentanglement_lib"}],
    "sap": [{"kind": "discrete"}, {"images": 300}],
    "factor_vae": [{"votes": 10}],
    "dci": [{"model": model, "images": 300} for model in costs.DCI],
    "downstream": [{"train": (10, 50)}, {"model": "gbt"}],
    "gaussian_tc": [{"sampled": True, "images": 300}],
    "explicitness": [{"images": 300, "test_images": 20}],
    "frechet": [{"features": name, "images": 30} for name in costs.FEATURES],
    "traversals": [{"steps": 3, "top": 2}],
}
"""What each is asked with beside its defaults."""


@pytest.mark.parametrize("name", METRICS)
def test_what_a_question_costs_is_known_without_opening_it(name: str) -> None:
    """Said twice, in the table and by the opened measure: for every name of the house, and for its knobs."""
    for knobs in ({}, *KNOBS.get(name, ())):
        told, opened = costs.price(name, knobs), named(name, **knobs)
        assert told is not None
        for size in (1000, 20_000, 737_280):
            looks = [look(size) if callable(look) else look for look in (told.looks, opened.looks)]
            assert looks[0] == looks[1], (name, knobs)
        assert told.seconds == pytest.approx(opened.seconds)
        assert told.draws == (opened.draws if isinstance(opened, Metric) else "")
        assert told.pictures == (opened.pictures if isinstance(opened, Probe) else 0)
    assert costs.price(name, {"of no measure": 1}) is None


@pytest.fixture
def drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder in which dSprites is drawn: its manifest."""
    manifest = tmp_path / "ready" / "dsprites" / "manifest.json"
    manifest.parent.mkdir(parents=True)
    manifest.touch()
    monkeypatch.setenv("BETAVAE_DATA", str(tmp_path))
    return manifest


@pytest.mark.usefixtures("drawn")
def test_prediction_spreads_jobs_over_workers() -> None:
    jobs = [Job(vae(), ()) for _ in range(4)]
    one, two = (forecast.predict(jobs, n, here=HERE) - forecast.BEGIN for n in (1, 2))
    assert one == pytest.approx(2 * two)
    assert forecast.predict(jobs[:3], 2, here=HERE) == pytest.approx(forecast.predict(jobs, 2, here=HERE))


@pytest.mark.usefixtures("drawn")
def test_more_workers_than_cores_only_share_them() -> None:
    jobs = [Job(vae(), ()) for _ in range(64)]
    took = {n: forecast.predict(jobs, n, here=Pace(5e10, cores=2)) for n in (1, 2, 3, 64)}
    assert took[1] > took[2] == took[3] == took[64]


@pytest.mark.usefixtures("drawn")
def test_a_busy_machine_takes_longer_and_says_so(tmp_path: Path) -> None:
    jobs, half = [Job(vae(), ())], Pace(5e10, 8, free=0.5)
    idle = forecast.predict(jobs, 1, here=HERE) - forecast.BEGIN
    assert forecast.predict(jobs, 1, here=half) - forecast.BEGIN == pytest.approx(2 * idle)
    assert "50% of the time of its cores free now" in status.plan(paper("smoke"), 2, Store(tmp_path), half)


def test_the_pace_of_this_machine_is_a_pace() -> None:
    """Eight times as many threads as cores are given an eighth of their time, and less of what others leave."""
    here = pace(1)
    assert here.rate > 1e8
    assert 0 < here.free <= 1
    assert free(8 * here.cores, 0.2) < 0.25


def test_datasets_that_are_not_drawn_count(drawn: Path) -> None:
    jobs = [Job(vae(), ())]
    before = forecast.predict(jobs, 1, here=HERE)
    drawn.unlink()
    assert forecast.predict(jobs, 1, here=HERE) == pytest.approx(before + cost.DRAWING["dsprites"])


def test_the_dry_run_says_whether_a_gpu_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = status.plan(paper("smoke"), 2, Store(tmp_path), HERE)
    assert "300,000 images/s (assumed, not measured)" in told
    assert "mind: a pool of 600 images lowers Higgins scores" in told
    forecast.MEASURED.mkdir(parents=True)
    told = {"kind": "gpu", "results": {"population conv": {"images per second, as the package runs it": 123456.0}}}
    (forecast.MEASURED / "some-card.json").write_text(json.dumps(told))
    (forecast.MEASURED / "broken.json").write_text("{")
    assert "123,456 images/s (measured on some-card)" in status.plan(paper("smoke"), 2, Store(tmp_path), HERE)


def test_what_is_kept_for_the_way_back_grows_with_the_batch_alone() -> None:
    from betavae.training import population

    given = task()
    larger = given._replace(recipe=replace(given.recipe, batch=2 * given.recipe.batch))
    assert population.kept(given) == population.kept(larger)
    each = 4 * given.recipe.batch * (2 * population.kept(given) + math.prod(given.model.shape))
    assert population.need(larger) - population.need(given) == each


def test_a_plan_needs_no_torch(tmp_path: Path) -> None:
    """Neither for the house's measures nor, once this processor's rate is known, for the machine's; whatever else lies
    where the rate is kept.
    """
    (tmp_path / "pace.json").write_text('{"another": "fast", "third": 1e10}')
    code = (
        "import sys; from betavae.cli.main import main\n"
        "assert main(['run', 'paper', '--scale', 'laptop', '--dry-run']) == 0\n"
        "print('torch' in sys.modules)"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=tmp_path,
            env={**os.environ, "BETAVAE_DATA": str(tmp_path)},
        ).stdout.splitlines()[-1]
        for _ in range(2)
    ]  # fmt: skip
    assert said == ["True", "False"]

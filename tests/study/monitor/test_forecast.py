"""How long a run will take beside a GPU, by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from runs import cell

from betavae import models
from betavae.study.cells import Cell, Job, Question
from betavae.study.monitor import cost, forecast
from betavae.study.monitor.pace import Pace


@pytest.mark.parametrize("rate", [1e12, 1e6], ids=["asked in no time", "asked for long"])
def test_a_group_is_asked_while_the_next_is_trained(
    rate: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two groups of six cells, trained one after the other at 96 images a second; three workers beside the trainer put
    two rounds of questions of the first meanwhile, and of the second when it is there; a PCA is fitted at the
    beginning.
    """
    monkeypatch.chdir(tmp_path)
    forecast.MEASURED.mkdir(parents=True)
    told = {"kind": "gpu", "results": {"population conv": {"images per second, as the package runs it": 96.0}}}
    (forecast.MEASURED / "card.json").write_text(json.dumps(told))
    recipe = cell().recipe
    assert recipe is not None
    both = [Job(replace(cell(), seed=k, codes=codes), (Question("higgins"),)) for codes in (4, 5) for k in range(6)]
    usual = sum(models.size("conv", (1, 64, 64), 10)[:2])
    first, second = (
        6 * recipe.steps * recipe.batch * sum(models.size("conv", (3, 64, 64), codes)[:2]) / usual / 96.0
        for codes in (4, 5)
    )
    asks, more = (
        2 * (cost.cost(job, rate).seconds - cost.cost(Job(job.cell, ()), rate).seconds + cost.OPEN)
        for job in (both[0], both[-1])
    )
    pca = Job(Cell("squares", "pca", 4, 1, fit=300), ())
    assert cost.cost(pca, rate).seconds < first
    found = forecast.predict([*both, pca], 4, "cuda", Pace(rate, cores=4))
    assert found == pytest.approx(forecast.BEGIN + max(first + asks, first + second) + more)
    assert (asks < second) == (rate == 1e12)

"""How long a run will take beside a GPU, by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from runs import cell

from betavae import models
from betavae.study.cells import Cell, Job, Question
from betavae.study.monitor import forecast


def test_a_group_is_asked_while_the_next_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    """By hand: two groups of six cells, trained one after the other; three workers beside the trainer put two rounds
    of questions of the first meanwhile, and of the second when it is there; a PCA is fitted at the beginning.
    """
    monkeypatch.setattr(forecast.cost, "drawing", lambda jobs: [3.0])
    monkeypatch.setattr(forecast, "gpu_rate", lambda: (96.0, ""))
    recipe = cell().recipe
    assert recipe is not None
    both = [Job(replace(cell(), seed=k, codes=codes), (Question("higgins"),)) for codes in (4, 5) for k in range(6)]
    share = [
        sum(models.size("conv", (3, 64, 64), codes)[:2]) / sum(models.size("conv", (1, 64, 64), 10)[:2])
        for codes in (4, 5)
    ]
    first, second = (6 * recipe.steps * recipe.batch * each / 96.0 for each in share)
    pca = Job(Cell("squares", "pca", 4, 1, fit=300), ())
    for each in (1.0, 900.0):

        def reckoned(job: Job, each: float = each) -> forecast.cost.Cost:
            times = sum(len(q.at) for q in job.questions)
            return forecast.cost.Cost(0, 0, forecast.cost.OPEN + 5.0 + each * times)

        monkeypatch.setattr(forecast.cost, "cost", reckoned)
        asked = 2 * (each + forecast.cost.OPEN)
        wanted = max(first + asked, first + second) + asked
        found = forecast.predict([*both, pca], 4, "cuda")
        assert found == pytest.approx(forecast.BEGIN + 3.0 + wanted)

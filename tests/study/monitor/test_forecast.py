"""How long a run will take beside a GPU, by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from runs import cell

from betavae import models
from betavae.study.cells import Cell, Job, Question, Study
from betavae.study.jobs.messages import Step
from betavae.study.monitor import cost, forecast, progress, status
from betavae.study.monitor.pace import Pace
from betavae.study.records import blank, of
from betavae.study.run import remaining
from betavae.study.store import Store
from betavae.training import checkpoint


def test_a_plan_is_of_what_is_left(tmp_path: Path) -> None:
    """Three cells of twelve steps of 16 images, one done and one saved at its ninth step: 3 + 12 steps are left."""
    done, saved, fresh = (Job(cell(beta), ()) for beta in (1.0, 2.0, 4.0))
    study, store, here = Study("s", "own", (done, saved, fresh)), Store(tmp_path), Pace(1e9, cores=2)
    assert "cells done" not in status.plan(study, 2, store, here)
    store.append(blank({"name": "s", "scale": "own"}, **of(done.cell), machine={}))
    checkpoint.save(tmp_path / "checkpoints" / saved.cell.id, 9, {"trace": torch.zeros(1)}, {})
    told = status.plan(study, 2, store, here)
    assert "1 of 3 cells done; forecast is what is left" in told
    assert [job.cell.id in told for job in study.jobs] == [False, True, True]
    assert f"image passes {15 * 16}; " in told
    for job in (saved, fresh):
        store.append(blank({"name": "s", "scale": "own"}, **of(job.cell), machine={}))
    assert "nothing is left: everything asked has a record" in status.plan(study, 2, store, here)


def test_what_was_trained_before_is_no_work_of_this_sitting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A training saved at step 9 of 12, forecast at 30 s: that it goes on from there says nothing of its speed. A third
    of the rest after 10 s is as forecast.
    """
    now, store, job = [0.0], Store(tmp_path), Job(cell(), ())
    monkeypatch.setattr(progress, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    checkpoint.save(tmp_path / "checkpoints" / job.cell.id, 9, {"trace": torch.zeros(1)}, {})
    shown = progress.Progress([job], 1, 30.0, quiet=True, left=[remaining(job, store)])
    shown.hear(0, Step(job.cell.id, 9, 12, 1.0, 1.0, 1.0))
    assert shown.left() == "0:30 left"
    now[0] = 10.0
    shown.hear(0, Step(job.cell.id, 10, 12, 1.0, 1.0, 1.0))
    assert shown.left() == "0:20 left"
    shown.hear(0, Step(job.cell.id, 4, 12, 1.0, 1.0, 1.0))  # from an earlier one, for a question on its way
    assert shown.left() == "2:00 left"


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

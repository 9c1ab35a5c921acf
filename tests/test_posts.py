"""A GPU's division of labour, with a CPU in the GPU's place: one worker trains, the others do all the rest, and the
records are those of workers that do everything.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import soak
from test_run import VOTES, cell, timeless, tiny_study

from betavae import datasets
from betavae.study import forecast
from betavae.study.cells import Cell, Job, Question, Study, pairs
from betavae.study.executors import local
from betavae.study.executors.process import Order, Post
from betavae.study.run import pending, run
from betavae.study.store import Store

TRAINER, OTHER = Post("cpu", rests=False), Post("cpu", trains=False)


@pytest.fixture(autouse=True)
def divided(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workers of a machine with a GPU, both on its CPU, and a dataset that is drawn in no time."""
    monkeypatch.setitem(datasets.DATASETS, "squares", "soak")
    monkeypatch.setattr(local, "COMMAND", (sys.executable, str(soak.HERE), "worker"))


def on(monkeypatch: pytest.MonkeyPatch, crew: list[Post], study: Study, folder: Path) -> tuple[Store, list[Any]]:
    """A study run by such a crew: its store, and who said what."""
    heard: list[Any] = []
    monkeypatch.setattr(local, "posts", lambda device, workers: crew)
    store = Store(folder)
    store.remember(study)
    run(study, store, quiet=True, listen=lambda worker, message: heard.append((worker, message)))
    return store, heard


def test_a_gpu_has_one_trainer_and_the_rest_beside_it() -> None:
    assert local.posts("cpu", 3) == [Post("cpu")] * 3
    assert local.posts("cuda:1", 3) == [Post("cuda:1", rests=False)] + [Post("cpu", trains=False)] * 2
    assert local.posts("cuda", 1) == [Post("cuda", rests=False), Post("cpu", trains=False)]
    assert local.slots("cuda") >= 2


def test_divided_labour_gives_the_same_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = tiny_study()
    whole, _ = on(monkeypatch, [Post("cpu")], study, tmp_path / "whole")
    store, heard = on(monkeypatch, [TRAINER, OTHER, OTHER], study, tmp_path / "divided")
    assert timeless(store) == timeless(whole)
    assert pending(study, store) == ()
    kept = [(worker, m["kept"], m["measure"], m["cell"]) for worker, m in heard if "kept" in m]
    vaes = {c.id for c in study.cells if c.recipe}
    assert {k[1:3] for k in kept if k[0] == 0} == {("fit", None), ("answer", "reconstruction")}  # on its way
    assert {k[3] for k in kept if k[0] == 0} == vaes
    assert ("answer", "higgins") in {k[1:3] for k in kept if k[0] != 0}
    fates = [m["finished"] for _, m in heard if "finished" in m]
    assert [f for f in fates if "trained" in f.values()] == [f for f in fates[:] if set(f.values()) == {"trained"}]
    assert {key for f in fates for key, fate in f.items() if fate == "done"} == {c.id for c in study.cells}


def test_what_failed_in_training_is_not_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker of the rest begins a training."""
    bad = replace(cell(), recipe=replace(cell().recipe, optimiser="sgd"))  # type: ignore[type-var]
    study = Study("tiny", "smoke", (Job(bad, (Question("higgins", pairs(VOTES)),)),))
    store, heard = on(monkeypatch, [TRAINER, OTHER], study, tmp_path)
    (record,) = [r for r in store.records() if r["kind"] != "run"]
    assert (record["kind"], record["status"]) == ("fit", "error")
    assert "sgd" in record["message"]
    assert [worker for worker, m in heard if "finished" in m] == [0]


def test_a_divergence_is_told_by_whoever_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wild = replace(cell(), recipe=replace(cell().recipe, learning_rate=1e30))  # type: ignore[type-var]
    asked = (Question("reconstruction", pairs({"images": 16}), at=(0.5, 1.0)),)
    store, _ = on(monkeypatch, [TRAINER, OTHER], Study("tiny", "smoke", (Job(wild, asked),)), tmp_path)
    records = [r for r in store.records() if r["kind"] != "run"]
    assert sorted((r["kind"], r["at"], r["status"]) for r in records) == [
        ("answer", 0.5, "diverged"), ("answer", 1.0, "diverged"), ("fit", 1.0, "diverged"),
    ]  # fmt: skip


def test_what_is_trained_goes_straight_to_the_rest() -> None:
    """Orders by what is done: everything of a worker that does all; else trainings first, and questions at the end of
    what is trained at once.
    """
    half, end = Question("reconstruction", at=(0.5, 1.0)), Question("latent_space")
    first, second = Job(cell(1.0), (half, end)), Job(cell(4.0), (end,))
    pca = Job(Cell("squares", "pca", 4, 1, fit=300), (end,))
    groups = [(first, second), (pca,)]
    assert local.orders(groups, [Post("cpu")], set()) == [Order(g) for g in groups]
    crew = [TRAINER, OTHER]
    early = (Job(first.cell, (replace(half, at=(0.5,)),)), Job(second.cell, ()))
    rest = Order((pca,), trains=False)
    assert local.orders(groups, crew, set()) == [Order(early, rests=False), rest]
    done = {(first.cell.id, None, 1.0), (second.cell.id, None, 1.0)}
    assert local.orders(groups, crew, done) == [Order(early[:1], rests=False), Order((second,), trains=False), rest]


def test_a_gpu_waits_for_the_questions_or_they_for_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By hand: 72 trainings of 2 s each and as many questions of 1 s on three workers beside it, or of 9 s."""
    monkeypatch.setattr(forecast.cost, "drawing", lambda jobs: [3.0])
    monkeypatch.setattr(forecast, "gpu_rate", lambda: (96.0, ""))  # the squares of 32x32 cost less than the usual image
    usual = cell(1.0).recipe
    jobs = [Job(replace(cell(), seed=k), (Question("higgins"),)) for k in range(72)]
    assert usual is not None
    macs = forecast.cost.macs("conv", (3, 64, 64), 4)
    share = sum(macs) / sum(forecast.cost.macs("conv", (1, 64, 64), 10))
    training = 72 * usual.steps * usual.batch * share / 96.0
    for each in (1.0, 9.0):

        def reckoned(job: Job, each: float = each) -> forecast.cost.Cost:
            return forecast.cost.Cost(0, 0, forecast.cost.OPEN + 5.0 + each * len(job.questions))

        monkeypatch.setattr(forecast.cost, "cost", reckoned)
        asked = each + forecast.cost.OPEN
        wanted = max(training + asked, 24 * asked)
        assert forecast.predict(jobs, 4, "cuda") == pytest.approx(forecast.BEGIN + 3.0 + wanted)

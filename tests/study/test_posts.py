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

from betavae import datasets, models
from betavae.study import records
from betavae.study.cells import Cell, Job, Question, Study, pairs
from betavae.study.executors import local
from betavae.study.executors.process import Order, Post
from betavae.study.monitor import forecast
from betavae.study.run import pending, run
from betavae.study.settings import Settings
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
    fates = [item for _, m in heard if "finished" in m for item in m["finished"].items()]
    assert {key for key, fate in fates if fate == "trained"} == vaes
    assert {key for key, fate in fates if fate == "done"} == {c.id for c in study.cells}


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


def test_what_is_trained_goes_straight_to_the_rest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Orders by what is done: everything of a worker that does all; else trainings first, the questions at the end of
    what is trained at once, and what has lost its parameters whole to whoever trains.
    """
    half, end = Question("reconstruction", at=(0.5, 1.0)), Question("latent_space")
    first, second, third = (Job(cell(b), (q,)) for b, q in ((1.0, half), (4.0, end), (10.0, end)))
    pca = Job(Cell("squares", "pca", 4, 1, fit=300), (end,))
    groups = [(first, second, third), (pca,)]
    store = Store(tmp_path)
    unasked = Job(cell(20.0), ())
    assert local.orders(groups, [Post("cpu")], None) == [Order(g) for g in groups]
    crew, rest = [TRAINER, OTHER], Order((pca,), trains=False)
    early = (Job(first.cell, (replace(half, at=(0.5,)),)), Job(second.cell, ()), Job(third.cell, ()))
    assert local.orders(groups, crew, store) == [Order(early, rests=False), rest]
    monkeypatch.setattr(store, "done", lambda: {(job.cell.id, None, 1.0) for job in (first, second, third)})
    monkeypatch.setattr(local.checkpoint, "newest", lambda folder: None if folder.name == third.cell.id else 12)
    assert local.orders(groups, crew, store) == [
        Order((early[0], third), rests=False), Order((second,), trains=False), rest,
    ]  # fmt: skip
    monkeypatch.setattr(store, "done", lambda: {(unasked.cell.id, None, 1.0)})
    assert local.orders([(unasked,)], crew, store) == []  # another run has trained it: nobody is waited for


def test_a_training_that_is_gone_is_trained_again_by_the_trainer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new question to a store without its checkpoints; one whose checkpoint is broken is an error that says so."""
    study = Study("tiny", "smoke", tuple(job for job in tiny_study().jobs if job.cell.recipe))
    store, _ = on(monkeypatch, [TRAINER, OTHER], study, tmp_path)
    gone, broken = study.jobs
    for path in (store.path / "checkpoints" / gone.cell.id).iterdir():
        path.unlink()
    for path in (store.path / "checkpoints" / broken.cell.id).iterdir():
        path.write_bytes(path.read_bytes()[:-1] + b"\0")
    more = Question("reconstruction", pairs({"images": 8}))
    asked = Study("tiny", "smoke", tuple(Job(j.cell, (*j.questions, more)) for j in study.jobs))
    store, heard = on(monkeypatch, [TRAINER, OTHER], asked, tmp_path)
    found = {r["cell_id"]: r for r in store.records() if r["question_id"] == more.id}
    assert found[gone.cell.id]["status"] == "ok"
    assert found[broken.cell.id]["status"] == "error"
    assert "delete it" in found[broken.cell.id]["message"]
    assert {worker for worker, m in heard if "step" in m} <= {0}


cautious: list[bool] = []
"""Whether what a scripted crew was sent was to be trained in the plain way at once."""


def scripted(monkeypatch: pytest.MonkeyPatch, store: Store, train: Any) -> list[tuple[int, list[Job]]]:
    """A crew without processes: ``train(worker)`` says what becomes of each training, everything else is done at once.
    Returns what it was sent.
    """
    sent: list[tuple[int, list[Job]]] = []
    cautious.clear()

    class Scripted(local.Worker):
        def __init__(self, number: int, post: Post, command: Any, log: Path, inbox: Any) -> None:
            self.number, self.post, self.inbox, self.order, self.prepares = number, post, inbox, None, ""
            self.log = log.open("ab")

        def send(self, task: dict[str, Any]) -> None:
            if "prepare" in task:
                self.inbox.put((self, {"prepared": task["prepare"], "seconds": 0.0, "failure": ""}))
                return
            jobs = [
                Job(Cell.from_plain(j["cell"]), tuple(map(Question.from_plain, j["questions"]))) for j in task["jobs"]
            ]
            sent.append((self.number, jobs))
            cautious.append(task["cautious"])
            fates = train(jobs) if task["trains"] else {job.cell.id: "done" for job in jobs}
            self.inbox.put((self, {"finished": fates} if fates else None))

        def fall(self) -> str:
            return "by signal 9"

        def stop(self) -> None:
            self.log.close()

    monkeypatch.setattr(local, "Worker", Scripted)
    monkeypatch.setattr(local, "posts", lambda device, workers: [TRAINER, OTHER])
    return sent


def executed(jobs: list[Job], folder: Path) -> dict[str, str]:
    return local.execute(
        [tuple(jobs)], store=folder, study={}, settings=Settings(workers=2), hear=lambda worker, message: None
    )


def fitted(store: Store, *jobs: Job, at: tuple[float, ...] = ()) -> None:
    """Records of trainings, and of their questions at these times."""
    for job in jobs:
        common = {"study": {"name": "t", "scale": "t"}, **records.of(job.cell), "machine": {}}
        store.append(records.blank(**common))
        for question in job.questions:
            for when in at:
                store.append(records.blank(**common, **records.asked(question, when)))


HALF, END = Question("reconstruction", at=(0.5, 1.0)), Question("latent_space")


def test_a_trainer_that_dies_leaves_what_is_trained_its_questions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of five cells in one group one is trained, one is trained and has nothing left, one lacks an answer on its way,
    one is not trained: the questions of the first are put, the last two have failed, the second has not.
    """
    store = Store(tmp_path)
    one, quiet, midway, none = (Job(cell(b), (q,)) for b, q in ((1.0, END), (2.0, END), (4.0, HALF), (10.0, END)))
    quiet = Job(quiet.cell, ())

    def train(jobs: list[Job]) -> dict[str, str]:
        if not store.done():
            fitted(store, Job(one.cell, ()), quiet, Job(midway.cell, ()))
        return {}  # it dies

    sent = scripted(monkeypatch, store, train)
    failures = executed([one, quiet, midway, none], tmp_path)
    assert failures.keys() == {midway.cell.id, none.cell.id}
    assert all("died 3 times" in reason for reason in failures.values())
    assert [number for number, _ in sent] == [0, 0, 0, 1]
    assert sent[-1][1] == [one]
    assert cautious == [False, False, True, False]  # the last try of a training takes no risk


def test_what_another_run_holds_is_waited_for_before_it_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cell that is elsewhere though it has a fit keeps its question on the way; then the one at the end is put."""
    store, told = Store(tmp_path), Job(cell(), (HALF,))
    fitted(store, Job(told.cell, ()))
    (tmp_path / "checkpoints" / told.cell.id).mkdir(parents=True)
    monkeypatch.setattr(local.checkpoint, "newest", lambda folder: 12)

    def train(jobs: list[Job]) -> dict[str, str]:
        if len(sent) == 1:
            return {told.cell.id: "elsewhere"}
        fitted(store, told, at=(0.5,))
        return {told.cell.id: "done"}

    sent = scripted(monkeypatch, store, train)
    assert executed([told], tmp_path) == {}
    assert [(number, [q.at for job in jobs for q in job.questions]) for number, jobs in sent] == [
        (0, [(0.5,)]), (0, [(0.5,)]), (1, [(1.0,)]),
    ]  # fmt: skip


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

"""A GPU's division of labour, with a CPU in the GPU's place: one worker trains, the others do all the rest, and the
records are those of workers that do everything.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from runs import VOTES, Context, cell, timeless, tiny_study

from betavae.study import records
from betavae.study.cells import Cell, Job, Question, Study, pairs
from betavae.study.executors.division import Role, Task, first_tasks, roles
from betavae.study.executors.local import Local
from betavae.study.executors.process import Worker
from betavae.study.executors.worker import together
from betavae.study.jobs.messages import Finished, Kept, Perform, Prepare, Prepared, Step, line, told
from betavae.study.leases import try_lease
from betavae.study.run import pending, run
from betavae.study.settings import Settings
from betavae.study.store import Store
from betavae.training import checkpoint

TRAINER, OTHER, BOTH = Role("cpu", rests=False), Role("cpu", trains=False), Role("cpu")

pytestmark = pytest.mark.usefixtures("squares")


def on(roles: list[Role], study: Study, folder: Path) -> tuple[Store, list[tuple[int, Any]]]:
    """A study run by workers of these roles: its store, and who said what."""
    heard: list[tuple[int, Any]] = []
    store = Store(folder)
    store.remember(study)
    executor = Local(roles=lambda device, workers: roles)
    run(study, store, quiet=True, executor=executor, listen=lambda worker, message: heard.append((worker, message)))
    return store, heard


def test_a_gpu_has_one_trainer_and_the_rest_beside_it() -> None:
    assert roles("cpu", 3) == [BOTH] * 3
    assert roles("cuda:1", 3) == [Role("cuda:1", rests=False)] + [Role("cpu", trains=False)] * 2
    assert roles("cuda", 1) == [Role("cuda", rests=False), Role("cpu", trains=False)]
    assert Local().slots("cuda") >= 2


def test_divided_labour_gives_the_same_records(tmp_path: Path) -> None:
    study = tiny_study()
    whole, _ = on([BOTH], study, tmp_path / "whole")
    store, heard = on([TRAINER, OTHER, OTHER], study, tmp_path / "divided")
    assert timeless(store) == timeless(whole)
    assert pending(study, store) == ()
    kept = [(worker, m.kind, m.measure, m.cell) for worker, m in heard if isinstance(m, Kept)]
    vaes = {c.id for c in study.cells if c.recipe}
    assert {k[1:3] for k in kept if k[0] == 0} == {("fit", None), ("answer", "reconstruction")}  # on its way
    assert {k[3] for k in kept if k[0] == 0} == vaes
    assert ("answer", "higgins") in {k[1:3] for k in kept if k[0] != 0}
    fates = [item for _, m in heard if isinstance(m, Finished) for item in m.fates.items()]
    assert {key for key, fate in fates if fate == "trained"} == vaes
    assert {key for key, fate in fates if fate == "done"} == {c.id for c in study.cells}


def test_what_failed_in_training_is_not_handed_on(tmp_path: Path) -> None:
    """No worker of the rest begins a training."""
    bad = replace(cell(), recipe=replace(cell().recipe, optimiser="sgd"))  # type: ignore[type-var]
    study = Study("tiny", "smoke", (Job(bad, (Question("higgins", pairs(VOTES)),)),))
    store, heard = on([TRAINER, OTHER], study, tmp_path)
    (record,) = [r for r in store.records() if r["kind"] != "run"]
    assert (record["kind"], record["status"]) == ("fit", "error")
    assert "sgd" in record["message"]
    assert [worker for worker, m in heard if isinstance(m, Finished)] == [0]


def test_a_divergence_is_told_by_whoever_asks(tmp_path: Path) -> None:
    wild = replace(cell(), recipe=replace(cell().recipe, learning_rate=1e30))  # type: ignore[type-var]
    asked = (Question("reconstruction", pairs({"images": 16}), at=(0.5, 1.0)),)
    store, _ = on([TRAINER, OTHER], Study("tiny", "smoke", (Job(wild, asked),)), tmp_path)
    records = [r for r in store.records() if r["kind"] != "run"]
    assert sorted((r["kind"], r["at"], r["status"]) for r in records) == [
        ("answer", 0.5, "diverged"), ("answer", 1.0, "diverged"), ("fit", 1.0, "diverged"),
    ]  # fmt: skip


def test_what_is_trained_goes_straight_to_the_rest(tmp_path: Path) -> None:
    """Tasks by what is done: everything for workers that do all; else trainings first, the questions at the end of
    what is trained at once, and what has lost its parameters whole to whoever trains.
    """
    first, second, third = (Job(cell(b), (q,)) for b, q in ((1.0, HALF), (4.0, END), (10.0, END)))
    pca = Job(Cell("squares", "pca", 4, 1, fit=300), (END,))
    groups = [(first, second, third), (pca,)]
    store = Store(tmp_path)
    assert first_tasks(groups, [BOTH], store) == [Task(g) for g in groups]
    divided, rest = [TRAINER, OTHER], Task((pca,), trains=False)
    early = (Job(first.cell, (replace(HALF, at=(0.5,)),)), Job(second.cell, ()), Job(third.cell, ()))
    assert first_tasks(groups, divided, store) == [Task(early, rests=False), rest]
    fitted(store, *(Job(job.cell, ()) for job in (first, second, third)))
    for job in (first, second):
        saved(store, job)
    assert first_tasks(groups, divided, store) == [
        Task((early[0], third), rests=False), Task((second,), trains=False), rest,
    ]  # fmt: skip
    fitted(store, unasked := Job(cell(20.0), ()))
    saved(store, unasked)
    assert first_tasks([(unasked,)], divided, store) == []  # another run has trained it: nobody is waited for


def test_a_training_that_is_gone_is_trained_again_by_the_trainer(tmp_path: Path) -> None:
    """A new question to a store without its checkpoints; one whose checkpoint is broken is an error that says so."""
    study = Study("tiny", "smoke", tuple(job for job in tiny_study().jobs if job.cell.recipe))
    store, _ = on([TRAINER, OTHER], study, tmp_path)
    gone, broken = study.jobs
    for path in (store.path / "checkpoints" / gone.cell.id).iterdir():
        path.unlink()
    for path in (store.path / "checkpoints" / broken.cell.id).iterdir():
        path.write_bytes(path.read_bytes()[:-1] + b"\0")
    more = Question("reconstruction", pairs({"images": 8}))
    asked = Study("tiny", "smoke", tuple(Job(j.cell, (*j.questions, more)) for j in study.jobs))
    store, heard = on([TRAINER, OTHER], asked, tmp_path)
    found = {r["cell_id"]: r for r in store.records() if r["question_id"] == more.id}
    assert found[gone.cell.id]["status"] == "ok"
    assert found[broken.cell.id]["status"] == "error"
    assert "delete it" in found[broken.cell.id]["message"]
    assert {worker for worker, m in heard if isinstance(m, Step)} <= {0}


def test_waiting_for_another_runs_cell_ends_with_the_sitting(tmp_path: Path) -> None:
    """Whoever holds it may go on for hours: the cell is put off, not failed."""
    context = Context(tmp_path, settings=Settings(ends=time.time() - 1))
    job = Job(cell(), ())
    with try_lease(context.store, job.cell.id) or pytest.fail("it is free"):
        assert together(Perform.of([job], str(tmp_path), {}, context.settings, waits=True), context) == {
            job.cell.id: "paused"
        }
        assert together(Perform.of([job], str(tmp_path), {}, context.settings), context) == {job.cell.id: "elsewhere"}


class Scripted(Local):
    """Workers without processes: ``train(jobs)`` says what becomes of each training, all else is done at once."""

    def __init__(self, train: Callable[[list[Job]], dict[str, str]]) -> None:
        self.sent: list[tuple[int, list[Job]]] = []
        self.cautious: list[bool] = []
        outer = self

        class OfPaper(Worker):
            def __init__(self, number: int, role: Role, command: Any, log: Path, inbox: Any, threads: int) -> None:
                self.number, self.role, self.inbox, self.task, self.prepares = number, role, inbox, None, ""
                self.log = log.open("ab")

            def send(self, message: Prepare | Perform) -> None:
                message = told(line(message))
                if isinstance(message, Prepare):
                    self.inbox.put((self, Prepared(message.dataset, 0.0)))
                    return
                jobs = message.opened()
                outer.sent.append((self.number, jobs))
                outer.cautious.append(message.cautious)
                fates = train(jobs) if message.trains else {job.cell.id: "done" for job in jobs}
                self.inbox.put((self, Finished(fates) if fates else None))

            def fall(self) -> str:
                return "by signal 9"

            def stop(self) -> None:
                self.log.close()

        super().__init__(roles=lambda device, workers: [TRAINER, OTHER], worker=OfPaper)

    def done(self, jobs: list[Job], folder: Path) -> dict[str, str]:
        """The failures of jobs done together."""
        return self.execute(
            [tuple(jobs)], store=folder, study={}, settings=Settings(workers=2), hear=lambda worker, message: None
        )


HALF, END = Question("reconstruction", at=(0.5, 1.0)), Question("latent_space")


def fitted(store: Store, *jobs: Job, at: tuple[float, ...] = ()) -> None:
    """Records of trainings, and of their questions at these times."""
    for job in jobs:
        common = {"study": {"name": "t", "scale": "t"}, **records.of(job.cell), "machine": {}}
        store.append(records.blank(**common))
        for question in job.questions:
            for when in at:
                store.append(records.blank(**common, **records.asked(question, when)))


def saved(store: Store, job: Job) -> None:
    """The last checkpoint of a training."""
    assert job.cell.recipe is not None
    checkpoint.save(store.path / "checkpoints" / job.cell.id, job.cell.recipe.steps, {}, {}, keep=1)


def test_a_trainer_that_dies_leaves_what_is_trained_its_questions(tmp_path: Path) -> None:
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

    workers = Scripted(train)
    failures = workers.done([one, quiet, midway, none], tmp_path)
    assert failures.keys() == {midway.cell.id, none.cell.id}
    assert all("died 3 times" in reason for reason in failures.values())
    assert [number for number, _ in workers.sent] == [0, 0, 0, 1]
    assert workers.sent[-1][1] == [one]
    assert workers.cautious == [False, False, True, False]  # the last try of a training takes no risk


def test_what_another_run_holds_is_waited_for_before_it_is_asked(tmp_path: Path) -> None:
    """A cell that is elsewhere though it has a fit keeps its question on the way; then the one at the end is put."""
    store, asked = Store(tmp_path), Job(cell(), (HALF,))
    fitted(store, Job(asked.cell, ()))
    saved(store, asked)

    def train(jobs: list[Job]) -> dict[str, str]:
        if len(workers.sent) == 1:
            return {asked.cell.id: "elsewhere"}
        fitted(store, asked, at=(0.5,))
        return {asked.cell.id: "done"}

    workers = Scripted(train)
    assert workers.done([asked], tmp_path) == {}
    assert [(number, [q.at for job in jobs for q in job.questions]) for number, jobs in workers.sent] == [
        (0, [(0.5,)]), (0, [(0.5,)]), (1, [(1.0,)]),
    ]  # fmt: skip

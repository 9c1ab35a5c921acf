"""How the work on groups is divided: what a worker is there for, and what is to be done first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from betavae.study.cells import Job
from betavae.study.executors.base import Group
from betavae.study.jobs.messages import Done
from betavae.study.store import Store
from betavae.training import checkpoint


class Role(NamedTuple):
    """What a worker is there for: its device, and whether it trains VAEs, does all the rest, or both."""

    device: str
    trains: bool = True
    rests: bool = True


class Task(NamedTuple):
    """Jobs to be done together, and what of them: the training with the questions on its way, the rest, or both."""

    group: Group
    trains: bool = True
    rests: bool = True

    @property
    def name(self) -> tuple[str, bool]:
        """What it goes by where its tries are counted: its first cell, and which part of the work it is."""
        return self.group[0].cell.id, self.trains

    def suits(self, role: Role) -> bool:
        """Whether a worker of this role is there for all that it wants done."""
        return self.trains <= role.trains and self.rests <= role.rests


def roles(device: str, workers: int) -> list[Role]:
    """One per worker, and at least two where a GPU is to be kept busy: the first trains on it."""
    if device == "cpu":
        return [Role(device)] * workers
    return [Role(device, rests=False), *[Role("cpu", trains=False)] * max(1, workers - 1)]


def first_tasks(groups: Sequence[Group], roles: Sequence[Role], store: Store) -> list[Task]:
    """What is to be done first for each group: all of it by workers that do all; or where labour is divided the
    trainings with the questions on their way, and the rest of what is trained and saved in the store.
    """
    if all(role.trains and role.rests for role in roles):
        return [Task(group) for group in groups]
    found, done = [], store.done()
    fell = {r["cell_id"] for r in store.records() if r["kind"] == "fit" and r["status"] == "diverged"}
    for group in groups:
        train = []
        for job in group:
            key, recipe = job.cell.id, job.cell.recipe
            if recipe is None:
                continue
            fitted, saved = (key, None, 1.0) in done, checkpoint.newest(store.path / "checkpoints" / key)
            if fitted and (saved is None or (saved < recipe.steps and key not in fell)):
                train.append(job)  # its parameters are gone: trained again where trainings are quick, and asked there
            elif job.early.questions or not fitted:
                train.append(job.early)
        found += [Task(tuple(train), rests=False)] if train else []
        mine = {job.cell.id for job in train}
        rest = [job for job in group if job.cell.id not in mine and (job.questions or not job.cell.recipe)]
        found += [Task((job,), trains=False) for job in rest]
    return found


def then(
    task: Task, fates: Mapping[str, str], asked: Mapping[str, Job], done: Done
) -> tuple[list[Task], dict[str, str]]:
    """What can be done now that a training has ended, whatever became of its neighbours: the questions that are left.

    And the fates as they are then: a cell whose part of the work is done is "done", or "trained" where more is to come.
    """
    rest, found = [], dict(fates)
    for job in task.group:
        key, mine = job.cell.id, {q.id for q in job.late.questions}
        complete = (key, None, 1.0) in done and not still_open(job, done).questions
        if not complete and (fates[key] != "done" or (key, None, 1.0) not in done):
            continue
        late = tuple(q for q in still_open(asked[key].late, done).questions if q.id not in mine)
        rest += [Task((Job(job.cell, late),), trains=False)] if late else []
        found[key] = "trained" if late else "done"
    return rest, found


def still_open(job: Job, done: Done) -> Job:
    """A job with the questions, and times, that have no answer."""
    asked = [replace(q, at=tuple(at for at in q.at if (job.cell.id, q.id, at) not in done)) for q in job.questions]
    return Job(job.cell, tuple(q for q in asked if q.at))

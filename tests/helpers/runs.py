"""Small studies of squares and what tests run them in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from betavae.study.cells import Cell, Job, Question, Study, canonical, pairs
from betavae.study.jobs.context import StoreContext
from betavae.study.jobs.messages import Message, Note, Step
from betavae.study.settings import Settings
from betavae.study.store import Store
from betavae.training.recipe import Recipe

VOTES = {"votes": 60, "test_votes": 60, "pairs": 16, "pool": 200}
ADAM = Recipe("adam", 5e-4, 16, 16 * 12)


def cell(beta: float = 1.0, recipe: Recipe = ADAM, seed: int = 123) -> Cell:
    return Cell("squares", "conv", 4, seed, "beta_vae", pairs({"beta": beta}), recipe)


def tiny_study(*more: Cell) -> Study:
    """Two trainings, asked three times on their way, and a PCA: seconds, not minutes."""
    asked = (
        Question("higgins", pairs(VOTES)),
        Question("reconstruction", pairs({"images": 16}), at=(0.25, 0.5, 1.0)),
        Question("reconstructions", pairs({"images": 2})),
    )
    jobs = [Job(c, asked) for c in (cell(1.0), cell(4.0), *more)]
    jobs.append(Job(Cell("squares", "pca", 4, 123, fit=300), (Question("higgins", pairs(VOTES)),)))
    return Study("tiny", "smoke", tuple(jobs))


def timeless(store: Store) -> dict[tuple[Any, ...], str]:
    """All records but for times, as canonical text, by what was asked of what, and when."""
    found = {}
    for record in store.records():
        if record["kind"] != "run":
            assert record.pop("seconds") >= 0
            assert record.pop("when")
            record["machine"] = {**record["machine"], "code": None}  # the tree may be committed to meanwhile
            found[record["cell_id"], record["question_id"], record["at"]] = canonical(record)
    return found


STEPS = 16
AT = (0.25, 0.5, 0.75, 1.0)


def job(recipe: Recipe = Recipe("adam", 5e-4, 8, 8 * STEPS), seed: int = 1) -> Job:  # noqa: B008
    asked = (Question("reconstruction", pairs({"images": 8}), at=AT),)
    return Job(Cell("squares", "conv", 4, seed, "beta_vae", pairs({"beta": 4.0}), recipe), asked)


class Stop(Exception):
    """The end of a process, as far as one can be had inside a test."""


EAGER = Settings(every=0.0, leisure=0.0, say_every=0.0)
"""A word and a checkpoint after every step."""


class Context(StoreContext):
    """A context that ends everything when it is told of a certain step."""

    def __init__(self, folder: Path, stop: int = -1, settings: Settings = EAGER) -> None:
        self.said: list[Message] = []
        self.steps: list[int] = []
        self.stop = stop
        super().__init__(Store(folder), {"name": "t", "scale": "own"}, settings, self._hear)

    def _hear(self, message: Message) -> None:
        self.said.append(message)
        if isinstance(message, Step):
            self.steps.append(message.step)
            if message.step == self.stop:
                raise Stop

    def notes(self) -> list[str]:
        return [m.text for m in self.said if isinstance(m, Note)]

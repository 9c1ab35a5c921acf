"""Look by look until every claim is decided, with an executor that plants scores instead of training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from factory import FakeStore
from runs import cell
from test_claim_file import looked

from betavae.api.sittings import judged, sit
from betavae.errors import Misuse
from betavae.study.cells import Cell, Job, Study
from betavae.study.executors.base import Group
from betavae.study.jobs.messages import Hear
from betavae.study.run import remaining
from betavae.study.settings import Settings
from betavae.study.store import Store
from betavae.training import checkpoint
from betavae.types import Json

TREND = """[[claims]]
says = "the score rises with β"
score = "five"
trend = "beta"
where = { codes = 10, method = "conv" }
"""


class Planted:
    """Every cell is done at once; its answers are what ``score`` says of it."""

    def __init__(self, score: Callable[[Cell], float]) -> None:
        self.score, self.seeds = score, list[list[int]]()

    def slots(self, device: str) -> int:
        return 1

    def execute(
        self, groups: Sequence[Group], *, store: Path, study: dict[str, Json], settings: Settings, hear: Hear
    ) -> dict[str, str]:
        made = FakeStore()
        self.seeds.append(sorted({job.cell.seed for group in groups for job in group}))
        for job in (job for group in groups for job in group):
            made.add(job.cell)
            for question in job.questions:
                for at in question.at:
                    made.add(job.cell, question, scores={"higgins": self.score(job.cell)}, at=at)
        for record in made.records():
            Store(store).append(record)
        return {}


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Three seeds in two looks."""
    return looked(tmp_path, "[2, 3]", TREND)


def rising(cell: Cell) -> float:
    return 0.3 + 0.03 * (cell.beta or 0.0) + 0.01 * cell.seed


def flat(cell: Cell) -> float:
    return 0.3 + 0.01 * (cell.seed * (cell.beta or 0.0) % 7)


@pytest.mark.parametrize(("score", "looks", "word"), [(rising, 2, "supports"), (flat, 2, "undecided")])
def test_a_study_goes_on_until_its_claims_are_decided(
    score: Callable[[Cell], float], looks: int, word: str, study: Study, tmp_path: Path
) -> None:
    """Two seeds of three levels cannot decide at the first look's share of .05; three can where all agree."""
    store, planted, said = Store(tmp_path / "store"), Planted(score), list[str]()
    store.remember(study)
    outcome = sit(study, store, until="decided", quiet=True, executor=planted, tell=said.append)
    assert planted.seeds == [[1, 2], [3]][:looks]
    assert [line.partition(":")[0] for line in said] == ["look 1 of 2, 2 seeds", "look 2 of 2, 3 seeds"][:looks]
    assert (outcome.left, outcome.failures) == (0, {})
    assert [verdict.word for verdict in judged(study, store)] == [word]


def test_it_ends_at_the_look_that_decides_and_again_does_nothing(study: Study, tmp_path: Path) -> None:
    """Twelve seeds: six decide."""
    text = (tmp_path / "mine.toml").read_text().replace("[1, 2, 3]", '"1-12"').replace("[2, 3]", "[6, 12]")
    (tmp_path / "mine.toml").write_text(text)
    from betavae.study.study_file import read

    longer = read(tmp_path / "mine.toml")
    store, planted = Store(tmp_path / "store"), Planted(rising)
    store.remember(longer)
    for _ in range(2):
        sit(longer, store, until="decided", quiet=True, executor=planted, tell=lambda text: None)
    assert planted.seeds == [[1, 2, 3, 4, 5, 6]]
    [verdict] = judged(longer, store)
    assert (verdict.word, verdict.look and verdict.look.number) == ("supports", 1)


def test_what_cannot_be_is_a_mistake(study: Study, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    with pytest.raises(Misuse, match="declares no looks"):
        sit(replace(study, looks=()), store, until="decided")
    with pytest.raises(Misuse, match="'mine' has none; add"):
        sit(replace(study, claims=()), store, until="decided")
    with pytest.raises(Misuse, match="wanted 'decided'"):
        sit(study, store, until="tomorrow")
    with pytest.raises(Misuse, match="hours is 0"):
        sit(study, store, hours=0)


def test_a_look_whose_cell_failed_is_not_judged(study: Study, tmp_path: Path) -> None:
    class Broken(Planted):
        def execute(self, groups: Sequence[Group], **more: Any) -> dict[str, str]:  # type: ignore[override]
            jobs = [job for group in groups for job in group]
            super().execute([jobs[1:]], **more)
            return {jobs[0].cell.id: "out of memory"}

    store, said = Store(tmp_path / "store"), list[str]()
    store.remember(study)
    outcome = sit(study, store, until="decided", quiet=True, executor=Broken(rising), tell=said.append)
    assert list(outcome.failures.values()) == ["out of memory"]
    assert said == ["look 1 of 2 lacks what failed; mend that, and the same command judges it"]


def test_a_run_says_what_it_did_and_what_it_left(tmp_path: Path) -> None:
    """Of three open cells one is done when the hours are over: the record of the run does not pass for one of all."""

    class Short(Planted):
        def execute(self, groups: Sequence[Group], **more: Any) -> dict[str, str]:  # type: ignore[override]
            return super().execute(groups[:1], **more)

    store, wanted = Store(tmp_path / "store"), Study("s", "own", tuple(Job(cell(b), ()) for b in (1.0, 2.0, 4.0)))
    outcome = sit(wanted, store, quiet=True, executor=Short(rising))
    assert (outcome.done, outcome.left) == (1, 2)
    [told] = [r["notes"] for r in store.records() if r["kind"] == "run"]
    assert (told["jobs"], told["done"], told["left"]) == (3, 1, 2)


def test_what_a_sitting_trained_is_not_forecast_again(tmp_path: Path) -> None:
    """A quarter of twelve steps of 16 images is done: nine are left."""
    store = Store(tmp_path / "store")
    job = Job(cell(), ())
    assert remaining(job, store) == job
    checkpoint.save(store.path / "checkpoints" / job.cell.id, 3, {"trace": torch.zeros(1)}, {})
    left = remaining(job, store).cell.recipe
    assert left is not None
    assert (left.images, left.batch) == (9 * 16, 16)

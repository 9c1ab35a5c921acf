"""Laws of checkpoints: whole or not believed, the one before where the newest is broken, never dearer than a fiftieth,
and a training that goes on from one ends as if it had never stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import soak
import torch

from betavae import datasets
from betavae.study.cells import Cell, Job, Question, pairs
from betavae.study.executors.worker import StoreContext
from betavae.study.jobs import checkpointing, fit
from betavae.study.jobs import perform as performing
from betavae.study.jobs.perform import perform
from betavae.study.settings import Settings
from betavae.study.store import Store
from betavae.training import checkpoint, population
from betavae.training.recipe import Recipe
from betavae.training.single import Member, State
from betavae.training.trace import Columns

STEPS = 16
AT = (0.25, 0.5, 0.75, 1.0)


@pytest.fixture(autouse=True)
def squares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(datasets.DATASETS, "squares", "soak:load")


def tensors(step: int) -> dict[str, torch.Tensor]:
    return {"a": torch.full((5,), float(step)), "b": torch.arange(3) + step}


def saved(folder: Path, *steps: int, keep: int = 10) -> list[Path]:
    return [checkpoint.save(folder, s, tensors(s), {"note": s}, keep) for s in steps]


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    assert checkpoint.latest(tmp_path / "none") is None
    saved(tmp_path, 9, 10, 100)
    found = checkpoint.latest(tmp_path)
    assert found is not None
    assert (found.step, found.meta) == (100, {"note": 100})
    assert checkpoint.newest(tmp_path) == 100
    assert checkpoint.newest(tmp_path / "none") is None
    assert all(torch.equal(found.tensors[k], v) for k, v in tensors(100).items())
    before = checkpoint.latest(tmp_path, until=99)
    assert before is not None
    assert before.step == 10


@pytest.mark.parametrize("keep", [1, 2, 5])
def test_so_many_are_kept_and_later_ones_left_alone(keep: int, tmp_path: Path) -> None:
    saved(tmp_path, 50)  # a finished training, trained again for an earlier time
    half = tmp_path / ".step-000000000003.safetensors.123.part"
    half.write_bytes(b"killed")
    saved(tmp_path, *range(1, 8), keep=keep)
    steps = sorted(int(p.name[5:17]) for p in tmp_path.iterdir())
    assert steps == [*range(8 - keep, 8), 50]
    assert not half.exists()
    checkpoint.tidy(tmp_path, 1)
    assert [p.name for p in tmp_path.iterdir()] == ["step-000000000050.safetensors"]


def test_a_broken_newest_falls_back_and_says_so(tmp_path: Path) -> None:
    """Cut at any length, or one bit turned anywhere: the one before is taken, and the file is named."""
    older, newest = saved(tmp_path, 1, 2)
    whole = newest.read_bytes()
    broken: list[bytes] = [whole[:cut] for cut in range(0, len(whole), 7)]
    broken += [whole[:k] + bytes([whole[k] ^ 1]) + whole[k + 1 :] for k in range(0, len(whole), 5)]
    broken += [whole + b"\0", older.read_bytes(), bytes(len(whole))]
    for data in broken:
        newest.write_bytes(data)
        said: list[str] = []
        found = checkpoint.latest(tmp_path, said.append)
        assert found is not None
        assert found.step == 1
        assert len(said) == 1
        assert said[0].startswith(f"{newest} cannot be believed (")
        assert said[0].endswith("; going back to the one before")
    older.unlink()
    assert checkpoint.latest(tmp_path) is None


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
        self.said: list[dict[str, Any]] = []
        self.steps: list[int] = []
        self.stop = stop
        super().__init__(Store(folder), {"name": "t", "scale": "own"}, settings, self._hear)

    def _hear(self, message: dict[str, Any]) -> None:
        self.said.append(message)
        if "step" in message:
            self.steps.append(message["step"])
            if message["step"] == self.stop:
                raise Stop

    def notes(self) -> list[str]:
        return [m["note"] for m in self.said if "note" in m]


@pytest.fixture
def wanted(tmp_path: Path) -> dict[tuple[Any, ...], Any]:
    perform([job()], Context(tmp_path / "whole"))
    return soak.numbers(tmp_path / "whole")


@pytest.mark.parametrize("stops", [(1,), (4,), (5,), (8, 9), (3, 6, 11, 12, 15), (16,)], ids=str)
def test_stopped_anywhere_it_ends_as_if_never_stopped(
    stops: tuple[int, ...], wanted: dict[tuple[Any, ...], Any], tmp_path: Path
) -> None:
    """Asked at four fractions on its way: same scores and curves bit for bit, and no step is done twice but those
    after the last checkpoint.
    """
    done: list[int] = []
    for stop in stops:
        context = Context(tmp_path / "s", stop)
        with pytest.raises(Stop):
            perform([job()], context)
        done += context.steps
    last = Context(tmp_path / "s")
    perform([job()], last)
    assert soak.numbers(tmp_path / "s") == wanted
    assert len(wanted) == 5
    assert sorted({*done, *last.steps}) == list(range(1, STEPS + 1))
    # A word comes before its step's checkpoint: each stop costs that one step.
    assert len(done) + len(last.steps) == STEPS + len(stops)


def test_it_goes_on_from_before_the_first_open_question(wanted: dict[tuple[Any, ...], Any], tmp_path: Path) -> None:
    """Checkpoints later than a question that is still open are of no use to it: the newest before is taken."""
    with pytest.raises(Stop):
        perform([job()], Context(tmp_path, stop=11))
    folder = tmp_path / "checkpoints" / job().cell.id
    assert sorted(int(p.name[5:17]) for p in folder.iterdir()) == [9, 10]
    for file in (tmp_path / "records").iterdir():  # the answers at 4 and 8 are lost, as a stranger might lose them
        file.unlink()
    context = Context(tmp_path)
    perform([job()], context)
    assert context.steps == list(range(1, STEPS + 1))
    assert soak.numbers(tmp_path) == wanted


def test_a_checkpoint_that_does_not_fit_is_passed_over(wanted: dict[tuple[Any, ...], Any], tmp_path: Path) -> None:
    """Another cell's, another model's, one without moments: whole, but not this cell's to go on from."""
    other = job(seed=2)
    with pytest.raises(Stop):
        perform([other], Context(tmp_path, stop=5))
    folder = tmp_path / "checkpoints"
    (folder / other.cell.id).rename(folder / job().cell.id)
    saved(folder / job().cell.id, 2)
    for step, drop in ((0, "moments/"), (1, "params/")):
        found = checkpoint.latest(folder / job().cell.id)
        assert found is not None
        held = {k: v for k, v in found.tensors.items() if not k.startswith(drop)}
        checkpoint.save(folder / job().cell.id, step, held, {**found.meta, "cell": job().cell.id}, keep=9)
    context = Context(tmp_path)
    perform([job()], context)
    reasons = [note.split("(")[1].split(")")[0] for note in context.notes()]
    alien, partial = f"it is of cell '{other.cell.id}'", "its tensors are not those of this cell's model and optimiser"
    assert reasons == [alien, alien, "it holds no state of training", partial, partial]
    assert {key: found for key, found in soak.numbers(tmp_path).items() if key[0] == job().cell.id} == wanted


@pytest.mark.parametrize(("cost", "members"), [(0.001, 1), (0.5, 1), (30.0, 1), (0.01, 64), (0.1, 64)])
def test_checkpoints_cost_under_a_fiftieth_of_training(
    cost: float, members: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a clock of our own, a step takes a second and a checkpoint whatever it takes: over 10,000 steps the share
    stays under 2 %, all members together, and where disks are quick one is written every ``every`` seconds.
    """
    now, written = 1000.0, [0]

    def save(*given: Any) -> None:
        nonlocal now
        now += cost
        written[0] += 1

    monkeypatch.setattr(checkpointing, "time", SimpleNamespace(perf_counter=lambda: now))
    monkeypatch.setattr(checkpointing.checkpoint, "save", save)
    context: Any = Context(tmp_path, settings=Settings(every=10.0))
    task: Any = SimpleNamespace(recipe=SimpleNamespace(steps=10_000, batch=1), columns=Columns(4))
    state = State({}, {}, torch.zeros(100, 6, dtype=torch.float64))
    taken = checkpointing.Taken(state)
    seen = [checkpointing.Watch(task, job().cell, context, taken, "float32", members) for _ in range(members)]
    for step in range(1, 10_001):
        now += 1.0
        state.step = step
        for each in seen:
            each(state)
    assert written[0] * cost < 0.02 * 10_000
    assert written[0] == pytest.approx(members * 10_000 / max(10.0, 60 * members * cost), rel=0.1, abs=1)
    assert seen[0].spent() == pytest.approx(10_000 + written[0] * cost)


def test_seconds_are_shared_and_precisions_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """30 s before, then 80 s of four members together, less a pause: 50 s. What is only asked trains in nothing."""
    now = 1.0
    monkeypatch.setattr(checkpointing, "time", SimpleNamespace(perf_counter=lambda: now))
    task: Any = SimpleNamespace(recipe=SimpleNamespace(steps=100, batch=1), columns=Columns(4))
    state = State({}, {}, torch.zeros(10, 6, dtype=torch.float64), step=40)
    taken = checkpointing.Taken(state, 30.0, ("float32",))
    clock = checkpointing.Watch(task, job().cell, Context(tmp_path), taken, "bf16", 4, 4)
    now = 61.0
    clock.pause()
    now = 68.0
    clock.resume(60)
    now = 88.0
    assert clock.spent() == pytest.approx(30 + 80 / 4)
    assert clock.precisions == ("float32", "bf16")
    finished = taken._replace(state=State({}, {}, state.trace, step=100))
    idle = checkpointing.Watch(task, job().cell, Context(tmp_path), finished, "bf16", 4, 4)
    now = 500.0
    assert (idle.precisions, idle.spent()) == (("float32",), 30.0)  # others train on; it does not


@pytest.mark.parametrize(
    "meta",
    [
        {"precisions": None}, {"precisions": 5}, {"precisions": "float32"}, {"precisions": ["float16"]},
        {"precisions": [["float32"]]}, {"seconds": None}, {"seconds": 10**400}, {"seconds": -1.0}, {"seconds": True},
        {"seconds": float("nan")}, {"diverged": [3]}, {"diverged": [1e400, "kl"]}, {"diverged": {"a": 1}},
    ],
    ids=str,
)  # fmt: skip
def test_notes_of_a_checkpoint_that_cannot_be_are_passed_over(meta: dict[str, Any], tmp_path: Path) -> None:
    """Whatever a file says of itself, it is believed or passed over; the one before is taken."""
    context = Context(tmp_path)
    perform([Job(job().cell, ())], context)
    folder, task = context.folder(job().cell.id), performing.task_of(job().cell, datasets.load("squares"))
    good = checkpoint.latest(folder)
    assert good is not None
    checkpoint.save(folder, 3, good.tensors, {**good.meta, "seconds": 1.5}, keep=9)
    checkpoint.save(folder, good.step, good.tensors, {**good.meta, **meta}, keep=9)
    found = checkpointing.going_on(task, job(), Member(1, {"beta": 1.0}), context)
    assert (found.state.step, found.seconds, found.precisions) == (0, 0.0, ())  # the one before lacks its moments
    assert any("cannot be believed" in note for note in context.notes())


@pytest.mark.parametrize(
    ("kl", "collapsed"), [((0.02, 0.0099, 0.0, 3.0), 2), ((0.0101, 1, 1, 1), 0), ((0, 0, 0, 0), 4)], ids=str
)
def test_collapsed_latents_are_those_under_a_hundredth_of_a_nat(
    kl: tuple[float, ...], collapsed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The count of a training whose last point of the curve is known, diverged or not."""

    def advance(
        task: Any, members: Any, states: list[State], until: int, watch: Callable[[int, State], None], **how: Any
    ) -> list[State]:
        for state in states:
            state.step = until
            state.trace[-1] = torch.tensor([50.0, *kl, 1.0]).double() * 3  # three steps in this point
        return states

    monkeypatch.setattr(population, "advance", advance)
    perform([Job(job().cell, ())], Context(tmp_path))
    (record,) = Store(tmp_path).records()
    assert record["scores"]["collapsed"] == collapsed
    assert record["scores"]["kl"] == pytest.approx(sum(kl))
    assert fit.COLLAPSED == 0.01

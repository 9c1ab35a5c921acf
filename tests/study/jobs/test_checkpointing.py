"""A training that goes on from a checkpoint ends as if it had never stopped; checkpoints are never dearer than a
fiftieth of training.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import soak
import torch
from runs import STEPS, Context, Stop, job

from betavae import datasets
from betavae.errors import Fault
from betavae.study.cells import Cell, Job, Question, pairs
from betavae.study.jobs import checkpointing, fit
from betavae.study.jobs import perform as performing
from betavae.study.jobs.attempt import attempt
from betavae.study.jobs.messages import Message, Step
from betavae.study.jobs.perform import perform
from betavae.study.settings import Settings
from betavae.study.store import Store
from betavae.study.trained import Trained, codec
from betavae.training import checkpoint, population
from betavae.training.single import Member, State
from betavae.training.trace import Columns

pytestmark = pytest.mark.usefixtures("squares")


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


class Sitting(Context):
    """A context whose sitting is over when it is told of a certain step; checkpoints come at its end alone."""

    def __init__(self, folder: Path, over: int) -> None:
        super().__init__(folder, settings=Settings(every=1e9, say_every=0.0))
        self.over = over

    def _hear(self, message: Message) -> None:
        super()._hear(message)
        if isinstance(message, Step) and message.step == self.over:
            self.settings = msgspec.structs.replace(self.settings, ends=0.0)


@pytest.mark.parametrize("ends", [(1,), (4, 9), (8,), (3, 6, 11, 16)], ids=str)
def test_a_sitting_that_is_over_puts_down_what_it_does_and_another_goes_on(
    ends: tuple[int, ...], wanted: dict[tuple[Any, ...], Any], tmp_path: Path
) -> None:
    done: list[int] = []
    for over in ends:
        context = Sitting(tmp_path / "s", over)
        assert attempt([job()], context) == "paused"
        assert checkpoint.newest(tmp_path / "s" / "checkpoints" / job().cell.id) == over
        done += context.steps
    last = Context(tmp_path / "s")
    assert attempt([job()], last) == "done"
    assert soak.numbers(tmp_path / "s") == wanted
    assert sorted([*done, *last.steps]) == list(range(1, STEPS + 1))  # no step is done twice


def test_a_sitting_begins_nothing_that_it_has_no_time_for(tmp_path: Path) -> None:
    settings = Settings(ends=time.time() + 60)
    context = Context(tmp_path / "ica", settings=settings)
    assert attempt([Job(Cell("squares", "ica", 4, 1, fit=10_000_000), ())], context) == "paused"
    assert not context.store.records()
    context = Context(tmp_path / "slow", settings=settings)
    for _ in range(2):
        assert attempt([Job(job().cell, (SLOW, Question("latent_space")))], context) == "paused"
    # What is trained is kept, and what is quick is asked, whatever a slow question waits for; and it is named.
    kept = {(r["kind"], (r["question"] or {}).get("measure")) for r in context.store.records()}
    assert kept == {("fit", None), ("answer", "latent_space")}
    assert sum(f"higgins of {job().cell.id} is forecast at" in note for note in context.notes()) == 2


def test_a_broken_last_checkpoint_is_written_anew_once_the_cell_is_trained_again(tmp_path: Path) -> None:
    """It has the name of the last step, and holds what cannot be believed."""
    perform([Job(job().cell, ())], context := Context(tmp_path))
    [last] = context.folder(job().cell.id).iterdir()
    last.write_bytes(last.read_bytes()[:-1] + b"?")
    for question, trained in (("latent_space", STEPS), ("reconstruction", 0)):
        again = Context(tmp_path)
        perform([Job(job().cell, (Question(question),))], again)
        assert len(again.steps) == trained
    assert codec(Trained(context.store, job().cell), datasets.load("squares")).codes == job().cell.codes


def test_a_sound_last_checkpoint_stays_where_the_cell_is_trained_again(tmp_path: Path) -> None:
    """Asked of its middle, in another precision: its scores are of the model that is there."""
    perform([Job(job().cell, ())], context := Context(tmp_path))
    [last] = context.folder(job().cell.id).iterdir()
    before = last.read_bytes()
    again = Context(tmp_path, settings=Settings(precision="bf16", say_every=0.0))
    perform([Job(job().cell, (Question("latent_space", at=(0.5, 1.0)),))], again)
    assert len(again.steps) == STEPS
    assert [p.read_bytes() for p in context.folder(job().cell.id).iterdir()] == [before]


def test_a_checkpoint_of_other_images_is_passed_over(tmp_path: Path) -> None:
    """Images of one's own that change while a training is put down, before any record tells of them."""
    with pytest.raises(Stop):
        perform([job()], Context(tmp_path, stop=6))
    dataset = datasets.load("squares")
    context = Context(tmp_path)
    perform([job()], context, dataset=replace(dataset, digest="b" * 64))
    assert context.steps == list(range(1, STEPS + 1))
    assert "it was trained on other images" in context.notes()[0]


def test_how_it_was_stepped_outlasts_a_sitting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each sitting may step in a way of its own: the record of the last names them all."""
    for way, context in (("one way", Sitting(tmp_path, 8)), ("another", Context(tmp_path))):
        monkeypatch.setattr(performing.sweep, "told", lambda task, precision, way=way: way)
        attempt([job()], context)
    [fit_] = [r for r in context.store.records() if r["kind"] == "fit"]
    assert fit_["machine"]["stepped"] == "one way; another"


def test_what_a_sitting_has_trained_to_the_end_has_its_record(tmp_path: Path) -> None:
    """The last step is done and the sitting over: the next one trains nothing and asks what is left."""
    assert attempt([job()], context := Sitting(tmp_path, STEPS)) == "paused"
    assert [r["kind"] for r in context.store.records() if r["at"] == 1.0 and r["question"] is None] == ["fit"]
    last = Context(tmp_path)
    assert attempt([job()], last) == "done"
    assert last.steps == []


def test_a_training_that_ends_otherwise_than_its_record_says_so(tmp_path: Path) -> None:
    """Its checkpoint is lost and a question is new: in the same precision it is the same model and nothing is said."""
    perform([Job(job().cell, ())], context := Context(tmp_path))
    for precision, questions in (("float32", ("latent_space",)), ("bf16", ("latent_space", "reconstruction"))):
        shutil.rmtree(context.folder(job().cell.id))
        context = Context(tmp_path, settings=Settings(precision=precision))
        perform([Job(job().cell, tuple(map(Question, questions)))], context)
        assert [": its weights are " in note for note in context.notes()] == [True] * (precision == "bf16")
    (fit_,) = (r for r in context.store.records() if r["kind"] == "fit")
    assert f", and {fit_['notes']['weights']} in the record of its fit" in context.notes()[0]


def test_half_a_training_is_no_finished_model(tmp_path: Path) -> None:
    """Of a cell whose last checkpoint is gone an earlier one may be left: it is not shown as the model."""
    context = Context(tmp_path, stop=6)
    with pytest.raises(Stop):
        perform([job()], context)
    with pytest.raises(Fault, match=r"holds step 5 of 16, no finished model: .*train the cell again in a new store"):
        codec(Trained(context.store, job().cell), datasets.load("squares"))


SLOW = Question("higgins", pairs({"votes": 1_000_000, "classifier": "forest"}))
"""A question of hours."""


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
    checkpoint.save(folder / job().cell.id, 2, {"a": torch.zeros(5)}, {}, keep=10)
    for step, drop in ((0, "moments/"), (1, "params/")):
        found = checkpoint.latest(folder / job().cell.id)
        assert found is not None
        held = {k: v for k, v in found.tensors.items() if not k.startswith(drop)}
        checkpoint.save(folder / job().cell.id, step, held, {**found.meta, "cell": job().cell.id}, keep=9)
    context = Context(tmp_path)
    perform([job()], context)
    reasons = [note.split("(")[1].split(")")[0] for note in context.notes()]
    alien, part = f"it is of cell '{other.cell.id}'", "its tensors are not those of this cell's model and optimiser"
    assert reasons == [alien, alien, "it holds no state of training", part, part]
    assert {key: found for key, found in soak.numbers(tmp_path).items() if key[0] == job().cell.id} == wanted


@pytest.mark.parametrize(("cost", "members"), [(0.001, 1), (0.5, 1), (30.0, 1), (0.04, 4), (1.6, 4)])
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

    monkeypatch.setattr(checkpointing.checkpoint, "save", save)
    context: Any = Context(tmp_path, settings=Settings(every=10.0))
    task: Any = SimpleNamespace(
        recipe=SimpleNamespace(steps=10_000, batch=1), columns=Columns(4), dataset=SimpleNamespace(digest="")
    )
    state = State({}, {}, torch.zeros(100, 6, dtype=torch.float64))
    taken = checkpointing.Taken(state)
    watch = partial(checkpointing.Watch, task, job().cell, context, taken, "float32", members, clock=lambda: now)
    seen = [watch() for _ in range(members)]
    for step in range(1, 10_001):
        now += 1.0
        state.step = step
        for each in seen:
            each(state)
    assert written[0] * cost < 0.02 * 10_000
    assert written[0] == pytest.approx(members * 10_000 / max(10.0, 60 * members * cost), rel=0.1, abs=1)
    assert seen[0].spent() == pytest.approx(10_000 + written[0] * cost)


def test_seconds_are_shared_and_precisions_remembered(tmp_path: Path) -> None:
    """30 s before, then 80 s of four members together, less a pause: 50 s. What is only asked trains in nothing."""
    now = 1.0
    task: Any = SimpleNamespace(recipe=SimpleNamespace(steps=100, batch=1), columns=Columns(4))
    state = State({}, {}, torch.zeros(10, 6, dtype=torch.float64), step=40)
    taken = checkpointing.Taken(state, 30.0, ("float32",))
    clock = checkpointing.Watch(task, job().cell, Context(tmp_path), taken, "bf16", 4, 4, lambda: now)
    now = 61.0
    clock.pause()
    now = 68.0
    clock.resume(60)
    now = 88.0
    assert clock.spent() == pytest.approx(30 + 80 / 4)
    assert clock.precisions == ("float32", "bf16")
    finished = taken._replace(state=State({}, {}, state.trace, step=100))
    idle = checkpointing.Watch(task, job().cell, Context(tmp_path), finished, "bf16", 4, 4, lambda: now)
    now = 500.0
    assert (idle.precisions, idle.spent()) == (("float32",), 30.0)  # others train on; it does not


@pytest.mark.parametrize(
    "meta",
    [
        {"precisions": None}, {"precisions": 5}, {"precisions": "float32"}, {"precisions": ["float16"]},
        {"precisions": [["float32"]]}, {"seconds": None}, {"seconds": 10**400}, {"seconds": -1.0}, {"seconds": True},
        {"seconds": float("nan")}, {"diverged": [3]}, {"diverged": [1e400, "kl"]}, {"diverged": {"a": 1}},
        {"stepped": "autograd"}, {"stepped": [5]},
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


def test_a_code_with_a_constant_offset_is_not_active(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Codes whose posterior mean is 2 for every image cost 2 nats each and say nothing: none is active."""

    def advance(
        task: Any, members: Any, states: list[State], until: int, watch: Callable[[int, State], None], **how: Any
    ) -> list[State]:
        for state in states:
            state.step = until
            state.params["mean.weight"].zero_()
            state.params["mean.bias"].fill_(2.0)
            state.trace[-1] = torch.tensor([50.0, *[2.0] * 4, 1.0]).double() * 3
        return states

    monkeypatch.setattr(population, "advance", advance)
    perform([Job(job().cell, ())], Context(tmp_path))
    (record,) = Store(tmp_path).records()
    assert record["scores"]["collapsed"] == 0
    assert record["scores"]["active"] == 0


def test_a_code_is_active_where_its_mean_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of four codes two are blown up a thousandfold and two are shut: two move."""

    def advance(
        task: Any, members: Any, states: list[State], until: int, watch: Callable[[int, State], None], **how: Any
    ) -> list[State]:
        for state in states:
            state.step = until
            scale = torch.tensor([1e3, 0.0, 1e3, 0.0])
            state.params["mean.weight"].mul_(scale[:, None])
        return states

    monkeypatch.setattr(population, "advance", advance)
    perform([Job(job().cell, ())], Context(tmp_path))
    (record,) = Store(tmp_path).records()
    assert record["scores"]["active"] == 2

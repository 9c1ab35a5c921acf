"""What is done beside the steps of training: progress, checkpoints, the clock; and going on from a checkpoint."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from betavae import trust
from betavae.errors import shown
from betavae.precision import PRECISIONS
from betavae.study import versions
from betavae.study.cells import Cell, Job
from betavae.study.jobs.messages import Note, Step, finite
from betavae.training import checkpoint, single
from betavae.training.gradient import Task
from betavae.training.single import Member, State

if TYPE_CHECKING:
    from betavae.study.jobs.context import Context


def steps_at(task: Task, at: float) -> int:
    """The step at a fraction of training."""
    return round(at * task.recipe.steps)


class Taken(NamedTuple):
    """A state to go on from, the seconds it took so far, the precisions it was trained in, and the ways in which it was
    stepped, as its record will say them.
    """

    state: State
    seconds: float = 0.0
    precisions: tuple[str, ...] = ()
    stepped: tuple[str, ...] = ()


def going_on(task: Task, job: Job, member: Member, context: Context) -> Taken:
    """Where to go on: at the newest checkpoint that no open question has to look behind, or at the start."""
    fresh, last = single.start(task, member), task.recipe.steps
    open_at = [at for q in job.questions for at in q.at if not context.done(job.cell.id, q.id, at)]

    old, digest = list[int](), task.dataset.digest

    def check(found: checkpoint.Checkpoint) -> None:
        state = taken(found).state
        if why := versions.outdated({**found.meta, "cell": job.cell.plain(), "question": None}, trust.in_use()):
            old.append(found.step)
            raise ValueError(why)
        if found.meta.get("cell") != job.cell.id:
            raise ValueError(f"it is of cell {found.meta.get('cell')!r:.40}")
        if found.meta.get("images", digest) != digest:
            raise ValueError(f"it was trained on other images, sha256 {shown(found.meta['images'])}; now {digest[:12]}")
        rests = found.step == last or state.diverged is not None
        for mine, its in ((fresh.params, state.params), *(() if rests else ((fresh.moments, state.moments),))):
            if _form(mine) != _form(its):
                raise ValueError("its tensors are not those of this cell's model and optimiser")
        if _form({"trace": fresh.trace}) != _form({"trace": state.trace}):
            raise ValueError("its curve is not that of this cell's recipe")

    found = checkpoint.latest(
        context.folder(job.cell.id),
        lambda text: context.say(Note(text)),
        until=min((steps_at(task, at) for at in open_at), default=last),
        check=check,
    )
    if found is None:
        if old:  # of another version or source: nothing goes on from it, and what is newer must not stand behind it
            checkpoint.tidy(context.folder(job.cell.id), keep=0)
        return Taken(fresh)
    if found.step:
        context.say(Note(f"{job.cell.id}: going on from step {found.step} of {last}"))
    resumed = taken(found)
    for held in (resumed.state.params, resumed.state.moments):
        held.update({k: v.to(task.dataset.device) for k, v in held.items()})
    return resumed


def taken(found: checkpoint.Checkpoint) -> Taken:
    """What a checkpoint says to go on from. Raises ValueError where it says nothing that can be."""
    seconds, precisions = found.meta.get("seconds", 0.0), found.meta.get("precisions", ["float32"])
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < 1e12:
        raise ValueError(f"its seconds are {shown(seconds)}")
    if not isinstance(precisions, list) or not all(isinstance(name, str) and name in PRECISIONS for name in precisions):
        raise ValueError(f"its precisions are {shown(precisions)}; known: {', '.join(PRECISIONS)}")
    stepped = found.meta.get("stepped", [])
    if not isinstance(stepped, list) or not all(isinstance(way, str) and len(way) < 200 for way in stepped):
        raise ValueError(f"the ways it was stepped are {shown(stepped)}")
    return Taken(unpack(found), float(seconds), tuple(dict.fromkeys(precisions)), tuple(dict.fromkeys(stepped)))


def _form(tensors: dict[str, torch.Tensor]) -> dict[str, tuple[torch.Size, torch.dtype]]:
    return {key: (tensor.shape, tensor.dtype) for key, tensor in tensors.items()}


def pack(state: State, moments: bool = True) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """A state as flat tensors and plain notes, for a checkpoint. A finished one needs its moments no more."""
    tensors = {f"params/{k}": v.detach().cpu().contiguous() for k, v in state.params.items()}
    if moments:
        tensors |= {f"moments/{k}": v.cpu().contiguous() for k, v in state.moments.items()}
    return {**tensors, "trace": state.trace.cpu()}, {"diverged": list(state.diverged) if state.diverged else None}


def unpack(found: checkpoint.Checkpoint) -> State:
    """The state that a checkpoint holds. Raises ValueError where it holds something else."""
    parts: dict[str, dict[str, torch.Tensor]] = {"params": {}, "moments": {}}
    for key, tensor in found.tensors.items():
        kind, _, name = key.partition("/")
        if kind in parts:
            parts[kind][name] = tensor
    if "trace" not in found.tensors:
        raise ValueError("it holds no state of training")
    fell = found.meta.get("diverged")
    diverged = (int(fell[0]), str(fell[1])) if fell else None
    return State(parts["params"], parts["moments"], found.tensors["trace"], found.step, diverged)


class Watch:
    """Progress twice a second, a checkpoint every so often, the clock of training alone.

    The interval grows where disks are slow, and with the ``members`` that are saved together. Seconds are this cell's
    share of those that so many step ``together``.
    """

    def __init__(
        self,
        task: Task,
        cell: Cell,
        context: Context,
        taken: Taken,
        precision: str,
        members: int = 1,
        together: int = 1,
        clock: Callable[[], float] = time.perf_counter,
        stepped: str = "",
    ) -> None:
        self.clock = clock
        self.task, self.cell, self.context, self.seconds = task, cell, context, taken.seconds
        self.members, self.together, self.every = members, together, context.settings.every
        self.trains = taken.state.step < task.recipe.steps and taken.state.diverged is None
        self.precisions = tuple(dict.fromkeys([*taken.precisions, *([precision] if self.trains else [])]))
        self.stepped = tuple(dict.fromkeys([*taken.stepped, *([stepped] if self.trains else [])]))
        self.first = taken.state.step
        self.said = self.began = self.clock()
        self.wall = self.saved = 0.0

    def __call__(self, state: State) -> None:
        now = self.clock()
        if now - self.said > self.context.settings.say_every:
            self._say(state, now)
        if self._elapsed() - self.saved > self.every:
            self.save(state)

    def save(self, state: State, final: bool = False) -> None:
        """Put a checkpoint down; the final one is parameters alone, and the only one."""
        begun = self.clock()
        tensors, meta = pack(state, moments=not final)
        meta |= {"cell": self.cell.id, "seconds": self.spent(), "precisions": list(self.precisions)}
        meta["stepped"] = list(self.stepped)
        meta["images"] = self.task.dataset.digest
        meta |= versions.made_by(self.cell.plain(), None)
        keep = 1 if final else self.context.settings.checkpoints
        checkpoint.save(self.context.folder(self.cell.id), state.step, tensors, meta, keep)
        self.every = max(
            self.context.settings.every, self.context.settings.leisure * self.members * (self.clock() - begun)
        )
        self.saved = self._elapsed()

    def _elapsed(self) -> float:
        return self.wall + (self.clock() - self.began if self.began else 0.0)

    def spent(self) -> float:
        """Seconds of training so far, resumed parts included, questions and others' training excluded."""
        return self.seconds + self._elapsed() / self.together * self.trains

    def pause(self) -> None:
        self.wall, self.began = self._elapsed(), 0.0

    def resume(self, step: int) -> None:
        self.began, self.first = self.clock(), step

    def _say(self, state: State, now: float) -> None:
        done = (state.step - self.first) * self.task.recipe.batch
        reconstruction, kl = self.task.columns.now(state.trace, state.step, self.task.recipe.steps)
        rate, steps = done / max(1e-9, now - self.began), self.task.recipe.steps
        self.context.say(Step(self.cell.id, state.step, steps, rate, finite(reconstruction), finite(kl)))
        self.said = now

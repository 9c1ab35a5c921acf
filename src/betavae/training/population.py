"""Training many members of one task at once; ``stacked`` has the program that they share.

On a CPU members run one after another, each the very program that ``single`` runs. On a GPU one such model leaves the
chip idle, so their parameters are stacked and one program steps them all. Members go in and come out as plain
states, so a cell may begin in one way and go on in the other. Neither way lets one member's numbers touch another's.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from betavae.precision import precise
from betavae.training import batches, single, stacked
from betavae.training.gradient import Batch, Loss, Task
from betavae.training.single import Member, State

COPIES = 9
"""Rows of numbers that a step may hold per member: parameters, gradients, moments, the new ones, and passing ones."""
LOOK = 2.0
"""Seconds between looks at members that run together: each look waits for the device."""
SHARE = 0.8
"""Of a device's free memory that a population may be reckoned to need; the reckoning knows no kernel's workspace."""


class How(NamedTuple):
    """How members that run together are stepped. ``products`` writes convolutions as matrix products; ``compiled``
    fuses the step with torch.compile; ``graphs`` records it once as a CUDA graph and replays it; ``precision`` is a
    name of PRECISIONS.
    """

    precision: str = "float32"
    products: bool = False
    compiled: bool = False
    graphs: bool = False

    def __str__(self) -> str:
        said = ["products" if self.products else "kernels", "compiled" * self.compiled, "as a graph" * self.graphs]
        return ", ".join(filter(None, said))


PLAIN = How()


def advance(
    task: Task,
    members: Sequence[Member],
    states: Sequence[State],
    until: int,
    watch: Callable[[int, State], None] = lambda member, state: None,
    *,
    together: bool | None = None,
    how: How = PLAIN,
) -> list[State]:
    """Train every member to step ``until`` or to its divergence; ``watch(k, state)`` sees the k-th member as it
    goes on.

    ``together`` stacks the members into one program (None: where the dataset's device is not a CPU); ``how`` is for
    those. The states that ``watch`` sees are read, not kept: they go on changing. Raises Misuse.
    """
    if together is None:
        together = task.dataset.device.type != "cpu"
    if not together:
        return [
            single.advance(task, member, state, until, partial(watch, k), how.precision)
            for k, (member, state) in enumerate(zip(members, states, strict=True))
        ]
    until = min(until, task.recipe.steps)
    live = [k for k, s in enumerate(states) if s.diverged is None and s.step < until]
    result = list(states)
    for step in sorted({states[k].step for k in live}):
        # Members that stand at different steps (after a resume) cannot share a program until they meet.
        group = [k for k in live if result[k].step == step]
        ahead = [result[k].step for k in live if result[k].step > step]
        stop = min([until, *ahead])

        def see(moved: list[State], group: list[int] = group) -> None:
            for k, state in zip(group, moved, strict=True):
                watch(k, state)

        moved = _together(task, [members[k] for k in group], [result[k] for k in group], stop, see, how)
        see(moved)
        for k, state in zip(group, moved, strict=True):
            result[k] = state
    return result


def _together(
    task: Task,
    members: Sequence[Member],
    states: Sequence[State],
    until: int,
    see: Callable[[list[State]], None],
    how: How,
) -> list[State]:
    device, at = task.dataset.device, states[0].step
    layouts, whole = stacked.stack(task, states, device)
    common = stacked.shared(task, members)
    seeds = list(dict.fromkeys(m.seed for m in members))
    whose = torch.tensor([seeds.index(m.seed) for m in members], device=device)
    ahead = batches.Ahead(seeds, batches.Drawn.of(task, common), device)
    like = whole.rows[""]
    mine = stacked.own(task, members, like)
    looked = time.perf_counter()
    with precise(how.precision) as cast:
        step = _prepared(task, layouts, common, cast, how, len(members))
        while at < until:
            indices, noises, draws = ahead.block(at, until)
            for k, (index, noise) in enumerate(zip(indices, noises, strict=True)):
                images = task.dataset.renderer(index.reshape(-1)).to(like.dtype).unflatten(0, index.shape)
                drawn = Batch(noise, {name: each[k] for name, each in draws.items()}).to(like.dtype)
                own = {name: each[whose] for name, each in drawn.draws.items()}
                step(whole, mine, images[whose], drawn.noise[whose], own)
            at += len(indices)
            if time.perf_counter() - looked > LOOK:
                see(stacked.parted(task, layouts, whole, at, copy=False))
                looked = time.perf_counter()
                if not bool(whole.alive.any()):
                    break
    return stacked.parted(task, layouts, whole, at, copy=True)


_COMPILED: list[tuple[Task, tuple[object, ...], stacked.Step]] = []
"""The last step that was compiled, for a task and as many members that come again: questions are asked between parts of
a training.
"""


def _prepared(
    task: Task, layouts: stacked.Layouts, common: Mapping[str, Any], cast: torch.dtype | None, how: How, members: int
) -> stacked.Step:
    written = task._replace(model=task.model.products or task.model) if how.products else task
    alike = (how, layouts, common, members)
    if not how.compiled:
        step = stacked.program(written, layouts, common, cast)
    elif _COMPILED and _COMPILED[0][0] is task and _COMPILED[0][1] == alike:
        step = _COMPILED[0][2]
    else:
        torch.compiler.reset()  # what was compiled before serves nobody, and there is a limit to what is kept
        step = torch.compile(stacked.program(written, layouts, common, cast), fullgraph=True, dynamic=False)
        _COMPILED[:] = [(task, alike, step)]
    return _Replayed(step) if how.graphs else step


class _Replayed:
    """A step as a CUDA graph: made by hand three times, recorded at the fourth call, replayed from then on."""

    def __init__(self, step: stacked.Step) -> None:
        self.step, self.calls, self.graph = step, 0, torch.cuda.CUDAGraph()
        self.images, self.noise, self.draws = torch.empty(0), torch.empty(0), dict[str, Tensor]()

    def __call__(
        self, whole: stacked.Stack, mine: stacked.Own, images: Tensor, noise: Tensor, draws: Mapping[str, Tensor]
    ) -> None:
        self.calls += 1
        if self.calls <= 3:  # libraries choose their kernels, and compilers compile, outside the recording
            self.step(whole, mine, images, noise, draws)
            return
        if self.calls == 4:
            self.images, self.noise = images.clone(), noise.clone()
            self.draws = {k: v.clone() for k, v in draws.items()}
            torch.cuda.synchronize()
            with torch.cuda.graph(self.graph):
                self.step(whole, mine, self.images, self.noise, self.draws)
        self.images.copy_(images)
        self.noise.copy_(noise)
        for name, drawn in draws.items():
            self.draws[name].copy_(drawn)
        self.graph.replay()


def release() -> None:
    """Give a GPU back what nobody uses: blocks that PyTorch keeps, and the last compiled step with its dataset."""
    _COMPILED.clear()
    torch.cuda.empty_cache()


def kept(task: Task) -> int:
    """Numbers that one image leaves behind for the way back through a member, counted on a few images."""
    few, found = 6, 0  # an even number: an objective may take pairs

    def count(tensor: Tensor) -> Tensor:
        nonlocal found
        found += tensor.numel() if tensor.shape[:1] == (few,) else 0
        return tensor

    knobs = task.settled({})
    leaves = {k: v.requires_grad_(True) for k, v in _drawn(task).items()}
    images, noise = torch.zeros(few, *task.model.shape), torch.zeros(few, task.model.codes)
    draws = task.objective.draws(torch.Generator().manual_seed(0), few, task.model.codes)
    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        Loss.of(task, knobs).whole(leaves, images, Batch(noise, draws), knobs, torch.zeros(()))
    return found // few


def _drawn(task: Task) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return single.initial(task, task.settled({}), generator, generator)


def need(task: Task) -> int:
    """Bytes that one member of a population needs: its parameters and what the optimiser makes of them, and twice what
    one batch keeps for the way back.
    """
    numbers = sum(v.numel() for v in _drawn(task).values())
    image = math.prod(task.model.shape)
    return 4 * (COPIES * numbers + task.recipe.batch * (2 * kept(task) + image))


def capacity(task: Task, free: int) -> int:
    """The members that a device with ``free`` bytes takes at once; at least one."""
    return max(1, int(SHARE * free) // need(task))

"""The program of a population: one step of all members, on rows of numbers, without host synchronisation.

A member's parameters are a row for each part that is stepped alike; the gradient of all rows is one ``vmap``; the
optimiser is a few element-wise operations. Step, rates and the living are tensors too, so the program is traced once
and never waits.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.func import grad, vmap

from betavae import objectives
from betavae.errors import Misuse
from betavae.training import optimisers
from betavae.training.gradient import Batch, Loss, Task
from betavae.training.layout import Layout, layouts
from betavae.training.single import Member, State
from betavae.training.trace import lines

if TYPE_CHECKING:
    from betavae.types import Params

Layouts = dict[str, Layout]
"""The layout of each part."""


class Stack(NamedTuple):
    """The state of M members, changed in place.

    ``rows`` [M, P] of each part; ``moments`` its optimiser's by slot, each [M, P]; ``trace`` [M, bins, columns];
    ``step`` []; ``alive`` [M]; ``fell`` [M, 2] the step of a divergence (-1: none) and the column at fault.
    """

    rows: dict[str, Tensor]
    moments: dict[str, dict[str, Tensor]]
    trace: Tensor
    step: Tensor
    alive: Tensor
    fell: Tensor


class Own(NamedTuple):
    """What differs between members, each ``[M]``: knobs, and the learning rate before and after the step it drops."""

    knobs: dict[str, Tensor]
    rate: Tensor
    dropped: Tensor
    drop: Tensor


def stack(task: Task, states: Sequence[State], device: torch.device) -> tuple[Layouts, Stack]:
    """States of members that stand at one step as one."""
    parts = optimisers.parts(task.recipe, task.objective.groups)
    made, members = layouts(states[0].params, parts), len(states)

    def rows(layout: Layout, trees: Sequence[Mapping[str, Tensor]]) -> Tensor:
        return torch.stack([layout.row(tree).to(device) for tree in trees])  # a resumed state comes from the host

    def slot(layout: Layout, name: str) -> Tensor:
        return rows(layout, [{k: s.moments[f"{name}/{k}"] for k in layout.shapes} for s in states])

    return made, Stack(
        {start: rows(layout, [s.params for s in states]) for start, layout in made.items()},
        {start: {n: slot(layout, n) for n in parts[start].optimiser.slots} for start, layout in made.items()},
        torch.stack([s.trace for s in states]).to(device),
        torch.tensor(states[0].step, device=device),
        torch.ones(members, dtype=torch.bool, device=device),
        torch.full((members, 2), -1, dtype=torch.int64, device=device),
    )


def parted(task: Task, layouts: Layouts, whole: Stack, step: int, copy: bool) -> list[State]:
    """The members' own states again; waits for the device. Without ``copy`` they are views of what will change."""
    params, moments = dict[str, Tensor](), dict[str, Tensor]()
    for start, layout in layouts.items():
        params |= layout.leaves(whole.rows[start])
        for slot, rows in whole.moments[start].items():
            moments |= {f"{slot}/{k}": v for k, v in layout.leaves(rows).items()}
    traces, columns, states = whole.trace.cpu(), task.columns, []
    for m, (at, column) in enumerate(whole.fell.tolist()):
        mine = [{k: v[m].clone() if copy else v[m] for k, v in tree.items()} for tree in (params, moments)]
        diverged = None if at < 0 else (at, columns.term(column))
        states.append(State(mine[0], mine[1], traces[m].clone(), step if at < 0 else at, diverged))
    return states


def own(task: Task, members: Sequence[Member], like: Tensor) -> Own:
    """What each member brings of its own, as tensors on the device of ``like`` and of its kind."""
    recipes = [m.recipe or task.recipe for m in members]
    knobs, common = [task.settled(m.knobs) for m in members], shared(task, members)

    def column(values: Sequence[float]) -> Tensor:
        return torch.tensor(values, dtype=like.dtype, device=like.device)

    return Own(
        {k: column([each[k] for each in knobs]) for k in knobs[0] if k not in common},
        column([r.learning_rate for r in recipes]),
        column([r.learning_rate * r.drop_to for r in recipes]),
        column([r.drop_at * r.steps for r in recipes]),
    )


def shared(task: Task, members: Sequence[Member]) -> dict[str, Any]:
    """The knobs that shape the program of these members. Raises Misuse where they differ."""
    known = objectives.knobs(task.objective, members[0].knobs)
    words = [k for k, knob in known.items() if not isinstance(knob.default, float)]
    each = [{k: task.settled(m.knobs).get(k) for k in words} for m in members]
    if any(other != each[0] for other in each):
        raise Misuse(f"members of one program differ in {', '.join(words)}; train them in groups")
    return each[0]


Step = Callable[[Stack, Own, Tensor, Tensor, Mapping[str, Tensor]], None]


def program(task: Task, layouts: Layouts, common: Mapping[str, Any], autocast: torch.dtype | None) -> Step:
    """``step(stack, own, images [M, B, C, H, W], noise [M, B, Z], draws)``: one step of all members, in place.

    ``common`` are the knobs that they share. A member with a number that is not finite stays as it was before the
    step, from then on.
    """
    parts = optimisers.parts(task.recipe, task.objective.groups)
    steps, loss, columns = task.recipe.steps, Loss.of(task, common), task.columns

    def nats(
        rows: Mapping[str, Tensor], images: Tensor, noise: Tensor, draws: Mapping[str, Tensor],
        knobs: Mapping[str, Tensor], share: Tensor,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        params: Params = {}
        for start, layout in layouts.items():
            params |= layout.leaves(rows[start])
        cast = torch.autocast(images.device.type, autocast) if autocast else contextlib.nullcontext()
        with cast:
            found, reconstruction, terms = loss.whole(params, images, Batch(noise, draws), {**common, **knobs}, share)
        return found, columns.row(reconstruction, terms)

    gradients = vmap(grad(nats, has_aux=True), in_dims=(0, 0, 0, 0, 0, None))

    def step(whole: Stack, mine: Own, images: Tensor, noise: Tensor, draws: Mapping[str, Tensor]) -> None:
        share = (whole.step / steps).to(noise.dtype)
        found, seen = gradients(whole.rows, images, noise, dict(draws), mine.knobs, share)
        finite = torch.isfinite(seen)
        falling = whole.alive & ~finite.all(-1)
        now = torch.stack([whole.step.expand(len(seen)), (~finite).int().argmax(-1)], -1)
        whole.fell.copy_(torch.where(falling[:, None], now, whole.fell))
        whole.alive.logical_and_(finite.all(-1))
        alive = whole.alive[:, None]
        scheduled = torch.where(whole.step >= mine.drop, mine.dropped, mine.rate)[:, None]
        for start, rows in whole.rows.items():
            part = parts[start]
            rate = scheduled if part.rate is None else torch.full_like(scheduled, part.rate)
            old = {"rows": rows, **whole.moments[start]}
            new = part.optimiser.rows(old, found[start], rate, whole.step + 1, part.settings)
            for key, kept in old.items():
                kept.copy_(torch.where(alive, new[key], kept))
        at = (whole.step * whole.trace.shape[1] // steps)[None]
        whole.trace.index_add_(1, at, torch.where(alive, lines(seen), 0.0)[:, None])
        whole.step.add_(1)

    return step

"""The program of a population: one step of all members, on rows of numbers, without a word to the host.

A member's parameters are one row; the gradient of all rows is one ``vmap``; the optimiser is a few element-wise
operations. Step, rates and the living are tensors too, so the program is traced once and never waits.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.func import grad, vmap

from betavae.errors import choose
from betavae.objectives.base import Terms, loss, terms
from betavae.training.single import Member, State, Task

if TYPE_CHECKING:
    from betavae.types import Params

ALIGN = 32
"""Leaves begin at multiples of this many numbers, so that every kernel may read them in wide words."""


class Layout(NamedTuple):
    """Where each leaf lies in a member's row."""

    shapes: Mapping[str, tuple[int, ...]]

    def row(self, leaves: Mapping[str, Tensor]) -> Tensor:
        """Leaves laid end to end, ``[P]``, nought in the gaps."""
        parts = []
        for name in self.shapes:
            flat = leaves[name].detach().reshape(-1)
            parts += [flat, flat.new_zeros(-len(flat) % ALIGN)]
        return torch.cat(parts)

    def leaves(self, rows: Tensor) -> dict[str, Tensor]:
        """The leaves of rows ``[*M, P]``, each ``[*M, ...]``: views."""
        sizes = {k: torch.Size(shape).numel() for k, shape in self.shapes.items()}
        parts = rows.split([size + -size % ALIGN for size in sizes.values()], -1)
        return {
            k: part[..., : sizes[k]].unflatten(-1, self.shapes[k] or (1,)).reshape((*rows.shape[:-1], *self.shapes[k]))
            for k, part in zip(self.shapes, parts, strict=True)
        }


class Stack(NamedTuple):
    """The state of M members, changed in place.

    ``rows`` [M, P]; ``moments`` the optimiser's, each [M, P]; ``trace`` [M, bins, 1 + Z + 1]; ``step`` []; ``alive``
    [M]; ``fell`` [M, 2] the step of a divergence (-1: none) and whether the KL term was at fault.
    """

    rows: Tensor
    moments: dict[str, Tensor]
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


def stack(states: Sequence[State], device: torch.device) -> tuple[Layout, Stack]:
    """States of members that stand at one step as one."""
    layout = Layout({k: tuple(v.shape) for k, v in states[0].params.items()})
    slots = list(dict.fromkeys(k.split("/")[0] for k in states[0].moments))
    members = len(states)

    def rows(trees: Sequence[Mapping[str, Tensor]]) -> Tensor:
        return torch.stack([layout.row(tree).to(device) for tree in trees])  # a resumed state comes from the host

    moments = {s: rows([{k: t.moments[f"{s}/{k}"] for k in layout.shapes} for t in states]) for s in slots}
    return layout, Stack(
        rows([s.params for s in states]),
        moments,
        torch.stack([s.trace for s in states]).to(device),
        torch.tensor(states[0].step, device=device),
        torch.ones(members, dtype=torch.bool, device=device),
        torch.full((members, 2), -1, dtype=torch.int64, device=device),
    )


def parted(layout: Layout, whole: Stack, step: int, copy: bool) -> list[State]:
    """The members' own states again; waits for the device. Without ``copy`` they are views of what will change."""
    params = layout.leaves(whole.rows)
    moments = {f"{slot}/{k}": v for slot, rows in whole.moments.items() for k, v in layout.leaves(rows).items()}
    traces, states = whole.trace.cpu(), []
    for m, (at, kl) in enumerate(whole.fell.tolist()):
        mine = [{k: v[m].clone() if copy else v[m] for k, v in tree.items()} for tree in (params, moments)]
        diverged = None if at < 0 else (at, "kl" if kl else "reconstruction")
        states.append(State(mine[0], mine[1], traces[m].clone(), step if at < 0 else at, diverged))
    return states


def own(task: Task, members: Sequence[Member], like: Tensor) -> Own:
    """What each member brings of its own, as tensors on the device of ``like`` and of its kind."""
    recipes = [m.recipe or task.recipe for m in members]

    def column(values: Sequence[float]) -> Tensor:
        return torch.tensor(values, dtype=like.dtype, device=like.device)

    return Own(
        {k: column([m.knobs[k] for m in members]) for k in members[0].knobs},
        column([r.learning_rate for r in recipes]),
        column([r.learning_rate * r.drop_to for r in recipes]),
        column([r.drop_at * r.steps for r in recipes]),
    )


def program(task: Task, layout: Layout, autocast: torch.dtype | None) -> Callable[[Stack, Own, Tensor, Tensor], None]:
    """``step(stack, own, images [M, B, C, H, W], noise [M, B, Z])``: one step of all members, in place.

    A member with a number that is not finite stays as it was before the step, from then on.
    """
    update = choose(OPTIMISERS, task.recipe.optimiser, "optimiser")
    steps = task.recipe.steps

    def nats(row: Tensor, images: Tensor, noise: Tensor, knobs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        cast = torch.autocast(row.device.type, autocast) if autocast else contextlib.nullcontext()
        with cast:
            each, kl = terms(task.objective, task.model, layout.leaves(row), images, noise, knobs)
        seen = Terms(each.mean(), kl.mean(0))
        return loss(seen, knobs), torch.cat([seen.reconstruction[None], seen.kl])

    slopes = vmap(grad(nats, has_aux=True))

    def step(whole: Stack, mine: Own, images: Tensor, noise: Tensor) -> None:
        slope, seen = slopes(whole.rows, images, noise, mine.knobs)
        finite = torch.isfinite(seen)
        falling = whole.alive & ~finite.all(-1)
        now = torch.stack([whole.step.expand(len(seen)), finite[:, 0].long()], -1)
        whole.fell.copy_(torch.where(falling[:, None], now, whole.fell))
        whole.alive.logical_and_(finite.all(-1))
        alive = whole.alive[:, None]
        rate = torch.where(whole.step >= mine.drop, mine.dropped, mine.rate)[:, None]
        new = update({"rows": whole.rows, **whole.moments}, slope, rate, whole.step + 1)
        for key, old in {"rows": whole.rows, **whole.moments}.items():
            old.copy_(torch.where(alive, new[key], old))
        line = torch.cat([seen.double(), torch.ones_like(seen[:, :1], dtype=torch.float64)], -1)
        at = (whole.step * whole.trace.shape[1] // steps)[None]
        whole.trace.index_add_(1, at, torch.where(alive, line, 0.0)[:, None])
        whole.step.add_(1)

    return step


def _adam(old: Params, slope: Tensor, rate: Tensor, count: Tensor) -> Params:
    """Adam (Kingma & Ba 2015), PyTorch's defaults, ``count`` steps made with this one."""
    mean = old["mean"].lerp(slope, 0.1)
    square = old["square"] * 0.999 + slope.square() * 0.001
    first, second = 1 - 0.9 ** count.double(), 1 - 0.999 ** count.double()
    root = square.sqrt() / second.sqrt().to(square) + 1e-8
    return {"rows": old["rows"] - rate / first.to(rate) * (mean / root), "mean": mean, "square": square}


def _adagrad(old: Params, slope: Tensor, rate: Tensor, count: Tensor) -> Params:
    """Adagrad (Duchi et al. 2011), PyTorch's defaults."""
    total = old["sum"] + slope.square()
    return {"rows": old["rows"] - rate * (slope / (total.sqrt() + 1e-10)), "sum": total}


OPTIMISERS: dict[str, Callable[[Params, Tensor, Tensor, Tensor], Params]] = {"adam": _adam, "adagrad": _adagrad}

"""The optimisers: one step of each, in place for one member and on the rows of a population.

One member is stepped by PyTorch's fused kernels. Rows are stepped by the same formulas written out: members stand at
rates of their own, and a member that has fallen must be left as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.optim.adagrad import adagrad
from torch.optim.adam import adam
from torch.optim.adamw import adamw

from betavae.names import opened
from betavae.training import OPTIMISERS

if TYPE_CHECKING:
    from betavae.objectives.base import Group
    from betavae.training.recipe import Recipe
    from betavae.types import Params

Rows = dict[str, Tensor]
"""A row of numbers for each member, ``[M, P]``: "rows" the parameters, beside them the optimiser's own."""


class Settings(NamedTuple):
    """What an optimiser takes beside its rate."""

    beta1: float = 0.9
    beta2: float = 0.999
    weight_decay: float = 0.0


class Optimiser(NamedTuple):
    """``slots`` are the numbers it keeps for every parameter. ``step(leaves, gradients, slots, counts, rate, settings,
    fused)`` changes leaves in place; ``rows(old, gradient, rate [M, 1], steps made with this one [], settings)`` gives
    the new rows.
    """

    slots: tuple[str, ...]
    step: Callable[[list[Tensor], list[Tensor], Sequence[list[Tensor]], list[Tensor], float, Settings, bool], None]
    rows: Callable[[Rows, Tensor, Tensor, Tensor, Settings], Rows]


class Part(NamedTuple):
    """Parameters that are stepped alike: an optimiser, its settings, and a rate (None: the recipe's)."""

    optimiser: Optimiser
    settings: Settings
    rate: float | None = None


def parts(recipe: Recipe, groups: Mapping[str, Group]) -> dict[str, Part]:
    """The parts of the parameters by the beginning of their names, "" for all others. Raises Misuse for an unknown
    optimiser.
    """
    found = {"": Part(named(recipe.optimiser), Settings(weight_decay=recipe.weight_decay))}
    for start, group in groups.items():
        found[start] = Part(named(group.optimiser), Settings(group.beta1, group.beta2), group.learning_rate)
    return found


def named(name: str) -> Optimiser:
    """The optimiser of a name. Raises Misuse for an unknown one."""
    found: Optimiser = opened(OPTIMISERS, name, "optimiser")
    return found


def part_of(name: str, among: Mapping[str, Part]) -> str:
    """The part that a parameter belongs to."""
    return next((start for start in among if start and name.startswith(start)), "")


def update(
    among: Mapping[str, Part], params: Params, grads: Params, moments: dict[str, Tensor], step: int, rate: float
) -> None:
    """One step of all parts in place; ``rate`` is that of the parts that have none of their own."""
    for start, part in among.items():
        names = [k for k in params if part_of(k, among) == start]
        if not names:
            continue
        leaves = [params[k].detach() for k in names]
        # The fused kernels read memory in order, whatever the strides say.
        gradients = [grads[k].contiguous() for k in names]
        count = [
            torch.tensor(float(step)) if leaf.device.type == "cpu" else torch.tensor(float(step), device=leaf.device)
            for leaf in leaves
        ]
        fused = all(leaf.is_floating_point() and leaf.device.type in ("cpu", "cuda") for leaf in leaves)
        slots = [[moments[f"{slot}/{k}"] for k in names] for slot in part.optimiser.slots]
        own = rate if part.rate is None else part.rate
        part.optimiser.step(leaves, gradients, slots, count, own, part.settings, fused)


def _adam(
    leaves: list[Tensor], gradients: list[Tensor], slots: Sequence[list[Tensor]], count: list[Tensor], rate: float,
    settings: Settings, fused: bool,
) -> None:  # fmt: skip
    adam(
        leaves, gradients, slots[0], slots[1], [], count, fused=fused, foreach=False, amsgrad=False,
        beta1=settings.beta1, beta2=settings.beta2, lr=rate, weight_decay=0.0, eps=1e-8, maximize=False,
    )  # fmt: skip


def _adamw(
    leaves: list[Tensor], gradients: list[Tensor], slots: Sequence[list[Tensor]], count: list[Tensor], rate: float,
    settings: Settings, fused: bool,
) -> None:  # fmt: skip
    adamw(
        leaves, gradients, slots[0], slots[1], [], count, fused=fused, foreach=False, amsgrad=False,
        beta1=settings.beta1, beta2=settings.beta2, lr=rate, weight_decay=settings.weight_decay, eps=1e-8,
        maximize=False,
    )  # fmt: skip


def _adagrad(
    leaves: list[Tensor], gradients: list[Tensor], slots: Sequence[list[Tensor]], count: list[Tensor], rate: float,
    settings: Settings, fused: bool,
) -> None:  # fmt: skip
    fused = fused and all(leaf.device.type == "cpu" for leaf in leaves)
    adagrad(
        leaves, gradients, slots[0], count, fused=fused, foreach=not fused,
        lr=rate, weight_decay=0.0, lr_decay=0.0, eps=1e-10, maximize=False,
    )  # fmt: skip


def _adam_rows(old: Rows, gradient: Tensor, rate: Tensor, count: Tensor, settings: Settings) -> Rows:
    beta1, beta2 = settings.beta1, settings.beta2
    mean = old["mean"].lerp(gradient, 1 - beta1)
    square = old["square"] * beta2 + gradient.square() * (1 - beta2)
    first, second = 1 - beta1 ** count.double(), 1 - beta2 ** count.double()
    root = square.sqrt() / second.sqrt().to(square) + 1e-8
    return {"rows": old["rows"] - rate / first.to(rate) * (mean / root), "mean": mean, "square": square}


def _adamw_rows(old: Rows, gradient: Tensor, rate: Tensor, count: Tensor, settings: Settings) -> Rows:
    decayed = old["rows"] * (1 - rate * settings.weight_decay)
    return _adam_rows({**old, "rows": decayed}, gradient, rate, count, settings)


def _adagrad_rows(old: Rows, gradient: Tensor, rate: Tensor, count: Tensor, settings: Settings) -> Rows:
    total = old["sum"] + gradient.square()
    return {"rows": old["rows"] - rate * (gradient / (total.sqrt() + 1e-10)), "sum": total}


ADAM = Optimiser(("mean", "square"), _adam, _adam_rows)
"""Kingma & Ba 2015, PyTorch's defaults."""
ADAMW = Optimiser(("mean", "square"), _adamw, _adamw_rows)
"""Adam with the weights' decay beside the gradient (Loshchilov & Hutter 2019), of all parameters, as PyTorch's."""
ADAGRAD = Optimiser(("sum",), _adagrad, _adagrad_rows)
"""Duchi et al. 2011, PyTorch's defaults."""

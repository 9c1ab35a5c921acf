"""Training one member: its state, and the step that turns one state into the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from betavae import objectives, rng
from betavae.training import batches, optimisers, sweep
from betavae.training.gradient import Batch, Task, gradient
from betavae.training.layout import Flat, Leaves
from betavae.training.recipe import Recipe

if TYPE_CHECKING:
    from betavae.types import Params


class Member(NamedTuple):
    """What is a member's own: its seed, its knobs (β, σ; the objective's defaults for those unnamed), and its recipe
    where its learning rate drops otherwise than the task's.
    """

    seed: int
    knobs: Mapping[str, Any]
    recipe: Recipe | None = None


@dataclass
class State:
    """Everything a resume needs. ``trace`` is as the task's ``columns`` say, float64.

    ``diverged`` is (step, term) from the moment a number left the finite ones: the member is frozen there.
    """

    params: Params
    moments: dict[str, Tensor]
    trace: Tensor
    step: int = 0
    diverged: tuple[int, str] | None = None


def start(task: Task, member: Member) -> State:
    """The state before the first step; parameters are drawn by the member's seed and the names of what it trains."""
    names = (member.seed, "init", task.dataset.name, task.model.name)
    own = rng.generator(*names, task.objective.name)
    drawn = initial(task, task.settled(member.knobs), rng.generator(*names), own)
    params = {k: v.to(task.dataset.device) for k, v in drawn.items()}
    parts = optimisers.parts(task.recipe, task.objective.groups)
    moments = {
        f"{slot}/{k}": torch.zeros_like(v)
        for start, part in parts.items()
        for slot in part.optimiser.slots
        for k, v in params.items()
        if optimisers.part_of(k, parts) == start
    }
    return State(params, moments, task.columns.blank(task.recipe.steps))


def initial(task: Task, knobs: Mapping[str, Any], generator: torch.Generator, own: torch.Generator) -> Params:
    """Initial parameters for these knobs: the model's, the likelihood's, and from ``own`` the objective's."""
    params = task.model.init(generator) | objectives.likelihood(task.objective, knobs).init()
    return params | task.objective.init(own, task.model.codes)


def rate(recipe: Recipe, step: int) -> float:
    """The learning rate of a step: multiplied by ``drop_to`` from ``drop_at`` of all steps on (App. A of the paper)."""
    return recipe.learning_rate * (recipe.drop_to if step >= recipe.drop_at * recipe.steps else 1.0)


def advance(
    task: Task,
    member: Member,
    state: State,
    until: int,
    watch: Callable[[State], None] = lambda state: None,
    precision: str = "float32",
) -> State:
    """Train to step ``until`` (at most the recipe's last) or to divergence; ``watch`` sees the state after every step.

    The state given is changed and returned. Raises Misuse for knobs that the objective does not take, and for a
    precision that this device or model does not.
    """
    recipe, device = member.recipe or task.recipe, task.dataset.device
    columns, knobs = task.columns, task.settled(member.knobs)
    cast = sweep.cast(task, precision)
    if state.step >= min(until, recipe.steps) or state.diverged is not None:
        return state  # of a training that is done a checkpoint keeps the parameters alone
    parts = optimisers.parts(recipe, task.objective.groups)
    held = (
        Flat(state.params, state.moments, parts, cast)
        if sweep.swept(task, cast is not None)
        else Leaves(state.params, state.moments, parts)
    )
    state.params, state.moments = held.params, held.moments
    chunk = task.model.chunk * (2 if cast else 1)  # of half the bytes as many stay in cache
    drawn = batches.Drawn.of(task, knobs)
    while state.step < min(until, recipe.steps) and state.diverged is None:
        index, noise, draws = drawn.step(member.seed, state.step)
        batch = Batch(noise.to(device), {k: v.to(device) for k, v in draws.items()})
        share = state.step / recipe.steps
        grads, seen = gradient(task, state.params, index.to(device), batch, knobs, chunk, share, held.low, held.into)
        row = seen.double().cpu()
        if not bool(torch.isfinite(row).all()):
            state.diverged = (state.step, columns.term(int((~torch.isfinite(row)).int().argmax())))
            break
        held.update(grads, state.step, rate(recipe, state.step))
        columns.add(state.trace, row, state.step, recipe.steps)
        state.step += 1
        watch(state)
    state.params, state.moments = held.parted()
    return state

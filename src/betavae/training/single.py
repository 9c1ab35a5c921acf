"""Training one member: its task, its state, and the step that turns one state into the next.

On a CPU the gradient of a batch is summed over chunks small enough to stay in cache: the same sum, twice the speed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.optim.adagrad import adagrad
from torch.optim.adam import adam

from betavae import rng
from betavae.datasets.base import Dataset
from betavae.errors import Misuse
from betavae.models.base import Model
from betavae.objectives.base import Objective, Terms, loss, terms
from betavae.training import batches
from betavae.training.recipe import BINS, Recipe

if TYPE_CHECKING:
    from betavae.types import Params


class Task(NamedTuple):
    """What members of one program share: images, architecture, objective and recipe. ``split`` is the index range
    used.
    """

    dataset: Dataset
    model: Model
    objective: Objective
    recipe: Recipe

    @property
    def split(self) -> tuple[int, int]:
        return self.dataset.splits["train"]


class Member(NamedTuple):
    """What is a member's own: its seed, its knobs (β, σ), and its recipe where its learning rate drops otherwise than
    the task's.
    """

    seed: int
    knobs: Mapping[str, float]
    recipe: Recipe | None = None


@dataclass
class State:
    """Everything a resume needs. ``trace`` [bins, 1 + Z + 1] float64 sums reconstruction, KL per latent, and steps.

    ``diverged`` is (step, term) from the moment a number left the finite ones: the member is frozen there.
    """

    params: Params
    moments: dict[str, Tensor]
    trace: Tensor
    step: int = 0
    diverged: tuple[int, str] | None = None

    def curve(self) -> tuple[Tensor, Tensor, Tensor]:
        """The training curve, a point per bin met: steps done ``[S]``, reconstruction ``[S]``, KL ``[S, Z]``, nats
        per image.
        """
        met = self.trace[:, -1] > 0
        count = self.trace[met, -1:]
        mean = self.trace[met, :-1] / count
        return count.squeeze(-1).cumsum(0), mean[:, 0], mean[:, 1:]


def start(task: Task, member: Member) -> State:
    """The state before the first step; parameters are drawn by the member's seed and the names of what it trains."""
    params = task.model.init(rng.generator(member.seed, "init", task.dataset.name, task.model.name))
    params |= task.objective.init()
    params = {k: v.to(task.dataset.device) for k, v in params.items()}
    slots = {"adam": ("mean", "square"), "adagrad": ("sum",)}
    if task.recipe.optimiser not in slots:
        raise Misuse(f"unknown optimiser {task.recipe.optimiser!r}; known: {', '.join(slots)}")
    moments = {f"{slot}/{k}": torch.zeros_like(v) for slot in slots[task.recipe.optimiser] for k, v in params.items()}
    bins = min(BINS, task.recipe.steps)
    return State(params, moments, torch.zeros(bins, task.model.codes + 2, dtype=torch.float64))


def rate(recipe: Recipe, step: int) -> float:
    """The learning rate of a step: multiplied by ``drop_to`` from ``drop_at`` of all steps on (App. A of the paper)."""
    return recipe.learning_rate * (recipe.drop_to if step >= recipe.drop_at * recipe.steps else 1.0)


def update(recipe: Recipe, params: Params, grads: Params, moments: dict[str, Tensor], step: int) -> None:
    """One step of the optimiser in place: Adam (Kingma & Ba 2015) or Adagrad (Duchi et al. 2011), PyTorch's
    defaults.
    """
    names = list(params)
    leaves = [params[k].detach() for k in names]
    slopes = [grads[k].contiguous() for k in names]  # the fused kernels read memory in order, whatever the strides say
    count = [
        torch.tensor(float(step)) if leaf.device.type == "cpu" else torch.tensor(float(step), device=leaf.device)
        for leaf in leaves
    ]
    fused = all(leaf.is_floating_point() and leaf.device.type in ("cpu", "cuda") for leaf in leaves)
    if recipe.optimiser == "adam":
        mean, square = ([moments[f"{slot}/{k}"] for k in names] for slot in ("mean", "square"))
        adam(
            leaves, slopes, mean, square, [], count, fused=fused, foreach=False, amsgrad=False,
            beta1=0.9, beta2=0.999, lr=rate(recipe, step), weight_decay=0.0, eps=1e-8, maximize=False,
        )  # fmt: skip
    else:
        fused = fused and all(leaf.device.type == "cpu" for leaf in leaves)
        adagrad(
            leaves, slopes, [moments[f"sum/{k}"] for k in names], count, fused=fused, foreach=not fused,
            lr=rate(recipe, step), weight_decay=0.0, lr_decay=0.0, eps=1e-10, maximize=False,
        )  # fmt: skip


def gradient(
    task: Task, params: Params, index: Tensor, noise: Tensor, knobs: Mapping[str, float], chunk: int
) -> tuple[Params, Terms]:
    """The gradient of one batch's loss and its terms, summed over chunks of images. ``params`` must require
    gradients.
    """
    total, dtype = len(index), next(iter(params.values())).dtype
    parts: list[Tensor] = []
    for piece, part in zip(index.split(chunk), noise.split(chunk), strict=True):
        images = task.dataset.renderer(piece).to(dtype)
        each, kl = terms(task.objective, task.model, params, images, part.to(dtype), knobs)
        sums = Terms(each.sum() / total, kl.sum(0) / total)
        loss(sums, knobs).backward()
        parts.append(torch.cat([sums.reconstruction.detach()[None], sums.kl.detach()]))
    grads = {k: v.grad for k, v in params.items() if v.grad is not None}
    for v in params.values():
        v.grad = None
    summed = torch.stack(parts).sum(0)
    return grads, Terms(summed[0], summed[1:])


def advance(
    task: Task,
    member: Member,
    state: State,
    until: int,
    watch: Callable[[State], None] = lambda state: None,
) -> State:
    """Train to step ``until`` (at most the recipe's last) or to divergence; ``watch`` sees the state after every step.

    The state given is changed in place and returned.
    """
    recipe, device = member.recipe or task.recipe, task.dataset.device
    for leaf in state.params.values():
        leaf.requires_grad_(True)
    name, codes = task.dataset.name, task.model.codes
    while state.step < min(until, recipe.steps) and state.diverged is None:
        index = batches.order(member.seed, name, task.split, recipe.batch, state.step).to(device)
        noise = batches.noise(member.seed, name, recipe.batch, codes, state.step).to(device)
        grads, seen = gradient(task, state.params, index, noise, member.knobs, task.model.chunk)
        row = torch.cat([seen.reconstruction[None], seen.kl]).double().cpu()
        if not bool(torch.isfinite(row).all()):
            term = "kl" if bool(torch.isfinite(row[0])) else "reconstruction"
            state.diverged = (state.step, term)
            break
        update(recipe, state.params, grads, state.moments, state.step)
        into = state.trace[state.step * len(state.trace) // recipe.steps]
        into[:-1] += row
        into[-1] += 1
        state.step += 1
        watch(state)
    for leaf in state.params.values():
        leaf.requires_grad_(False)
    return state

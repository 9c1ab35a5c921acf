"""Training many members of one task at once: the only file with a member axis M.

On a CPU members run one after another, each the very program that ``single`` runs. On a GPU one such model leaves the
chip idle, so their parameters are stacked and one program steps them all. Members go in and come out as plain
states, so a cell may begin in one way and go on in the other. Neither way lets one member's numbers touch another's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.func import grad, vmap

from betavae.objectives import Terms, loss, terms
from betavae.training import draws, single
from betavae.training.single import Member, State, Task

if TYPE_CHECKING:
    from betavae.types import Params

LOOK_EVERY = 50
"""Steps between looks at the finite numbers on a GPU: each look waits for the device."""


def advance(
    task: Task,
    members: Sequence[Member],
    states: Sequence[State],
    until: int,
    watch: Callable[[int, State], None] = lambda member, state: None,
    *,
    together: bool | None = None,
) -> list[State]:
    """Train every member to step ``until`` or to its divergence; ``watch(k, state)`` sees the k-th member as it
    goes on.

    ``together`` stacks the members into one program (None: where the dataset's device is not a CPU).
    """
    if together is None:
        together = task.dataset.device.type != "cpu"
    if not together:
        return [
            single.advance(task, member, state, until, partial(watch, k))
            for k, (member, state) in enumerate(zip(members, states, strict=True))
        ]
    live = [k for k, s in enumerate(states) if s.diverged is None]
    result = list(states)
    for step in sorted({states[k].step for k in live}):
        # Members that stand at different steps (after a resume) cannot share a program until they meet.
        group = [k for k in live if result[k].step == step]
        ahead = [result[k].step for k in live if result[k].step > step]
        stop = min([until, *ahead])
        moved = _together(task, [members[k] for k in group], [result[k] for k in group], stop)
        for k, state in zip(group, moved, strict=True):
            result[k] = state
            watch(k, state)
    return result


def stack(trees: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Dictionaries of equal leaves as one, each leaf ``[M, ...]``."""
    return {k: torch.stack([t[k].detach() for t in trees]) for k in trees[0]}


def _together(task: Task, members: Sequence[Member], states: Sequence[State], until: int) -> list[State]:
    recipe, dataset = task.recipe, task.dataset
    device, first = dataset.device, states[0].step
    params, moments = stack([s.params for s in states]), stack([s.moments for s in states])
    trace = torch.stack([s.trace for s in states]).to(device)
    dtype = next(iter(params.values())).dtype
    knobs = {k: torch.tensor([m.knobs[k] for m in members], dtype=dtype, device=device) for k in members[0].knobs}
    alive = torch.ones(len(members), dtype=torch.bool, device=device)
    fell = torch.full(
        (len(members), 2), -1, dtype=torch.int64, device=device
    )  # step and whether the KL term was at fault

    def nats(params: Params, images: Tensor, noise: Tensor, knobs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        each, kl = terms(task.objective, task.model, params, images, noise, knobs)
        seen = Terms(each.mean(), kl.mean(0))
        return loss(seen, knobs), torch.cat([seen.reconstruction[None], seen.kl])

    slopes = vmap(grad(nats, has_aux=True))
    step = first
    while step < min(until, recipe.steps):
        index = torch.stack([draws.order(m.seed, dataset.name, task.split, recipe.batch, step) for m in members])
        noise = torch.stack([draws.noise(m.seed, dataset.name, recipe.batch, task.model.codes, step) for m in members])
        index, noise = index.to(device, non_blocking=True), noise.to(device, non_blocking=True)
        images = dataset.renderer(index.reshape(-1)).to(dtype).unflatten(0, index.shape)
        grads, seen = slopes(params, images, noise.to(dtype), knobs)
        finite = torch.isfinite(seen).all(-1)
        falling = alive & ~finite
        at_kl = torch.isfinite(seen[:, 0]).long()
        fell = torch.where(falling[:, None], torch.stack([torch.full_like(at_kl, step), at_kl], -1), fell)
        alive = alive & finite
        before = {k: v.clone() for k, v in params.items()}, {k: v.clone() for k, v in moments.items()}
        single.update(recipe, params, grads, moments, step)
        for now, then in ((params, before[0]), (moments, before[1])):  # the fallen stay as they were
            for k, v in now.items():
                now[k] = torch.where(alive.view(-1, *[1] * (v.ndim - 1)), v, then[k])
        into = trace[:, step * trace.shape[1] // recipe.steps]
        into[:, :-1] += torch.where(alive[:, None], seen.detach().double(), 0.0)
        into[:, -1] += alive
        step += 1
        if step % LOOK_EVERY == 0 and not bool(alive.any()):
            break
    return _parted(states, params, moments, trace, fell, min(step, recipe.steps))


def _parted(
    states: Sequence[State], params: Params, moments: dict[str, Tensor], trace: Tensor, fell: Tensor, step: int
) -> list[State]:
    parted = []
    for m, (at, kl) in enumerate(fell.tolist()):
        own = {k: v[m].clone() for k, v in params.items()}, {k: v[m].clone() for k, v in moments.items()}
        diverged = None if at < 0 else (at, "kl" if kl else "reconstruction")
        parted.append(State(*own, trace[m].cpu().clone(), step if at < 0 else at, states[m].diverged or diverged))
    return parted

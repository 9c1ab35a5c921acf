"""What a member draws while it trains: its order of images, its noise and its objective's own draws, by its seed.

All are functions of names and the step alone. So a resume needs no generator state, a neighbour changes nothing, and
members of one seed see the same images and noise at every β (common random numbers).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from betavae import rng
from betavae.errors import Misuse
from betavae.objectives.base import no_draws

if TYPE_CHECKING:
    from betavae.objectives.base import Knobs
    from betavae.training.gradient import Task

BLOCK = 64
"""Steps of noise drawn at once."""


def _permutation(seed: int, dataset: str, size: int, epoch: int) -> Tensor:
    return torch.randperm(size, generator=rng.generator(seed, "order", dataset, epoch))


def _normal(seed: int, dataset: str, batch: int, codes: int, block: int) -> Tensor:
    return torch.randn(BLOCK, batch, codes, generator=rng.generator(seed, "noise", dataset, batch, codes, block))


_epoch = lru_cache(maxsize=4)(_permutation)
_noise = lru_cache(maxsize=4)(_normal)


def order(seed: int, dataset: str, split: tuple[int, int], batch: int, step: int) -> Tensor:
    """The images of one step, ``[batch]`` int64: the epochs' permutations laid end to end, cut into batches."""
    size = split[1] - split[0]
    return _cut(lambda epoch: _epoch(seed, dataset, size, epoch), split, step * batch, (step + 1) * batch)


def noise(seed: int, dataset: str, batch: int, codes: int, step: int) -> Tensor:
    """The standard normal noise of one step, ``[batch, Z]`` float32."""
    block, offset = divmod(step, BLOCK)
    return _noise(seed, dataset, batch, codes, block)[offset]


def _cut(epochs: Callable[[int], Tensor], split: tuple[int, int], at: int, end: int) -> Tensor:
    size, parts = split[1] - split[0], list[Tensor]()
    while at < end:
        epoch, offset = divmod(at, size)
        parts.append(epochs(epoch)[offset : offset + end - at])
        at += len(parts[-1])
    return torch.cat(parts) + split[0]


class Drawn(NamedTuple):
    """What is drawn for each step of a task: the names it depends on beside seed and step, the objective's ``draws``,
    and for pairs how each image's ``partner`` is drawn.
    """

    dataset: str
    split: tuple[int, int]
    batch: int
    codes: int
    objective: str
    draws: Callable[[torch.Generator, int, int], Mapping[str, Tensor]]
    partner: Callable[[torch.Generator, Tensor], Tensor] | None = None

    @staticmethod
    def of(task: Task, knobs: Knobs) -> Drawn:
        """That of a task's members of these knobs. Raises Misuse where the dataset has no pairs for an objective that
        needs them.
        """
        data, objective, partner = task.dataset, task.objective, None
        if partners := objective.partners:
            factors = data.factors
            if factors is None or task.split != (0, data.size):
                raise Misuse(f"objective {objective.name!r} takes pairs of a full grid of factors; {data.name} is none")
            if task.recipe.batch % 2:
                raise Misuse(f"objective {objective.name!r} takes pairs: batch is {task.recipe.batch}, wanted it even")

            def partner(generator: torch.Generator, index: Tensor) -> Tensor:
                return partners(generator, factors, index, knobs)

        return Drawn(
            data.name, task.split, task.recipe.batch, task.model.codes, objective.name, objective.draws, partner
        )

    @property
    def taken(self) -> int:
        """Images that a step takes of the order: half a batch where each has a partner beside it."""
        return self.batch // 2 if self.partner else self.batch

    def step(self, seed: int, step: int) -> tuple[Tensor, Tensor, Mapping[str, Tensor]]:
        """Images ``[batch]``, noise ``[batch, Z]`` and the objective's draws of one step."""
        index = order(seed, self.dataset, self.split, self.taken, step)
        drawn = noise(seed, self.dataset, self.batch, self.codes, step)
        return self.paired(seed, index, step), drawn, self.own(seed, step)

    def paired(self, seed: int, index: Tensor, step: int) -> Tensor:
        """Images ``[batch]`` from those taken of the order: each with its partner next to it."""
        if self.partner is None:
            return index
        other = self.partner(rng.generator(seed, "partner", self.dataset, self.objective, self.batch, step), index)
        return torch.stack([index, other], -1).flatten()

    def own(self, seed: int, step: int) -> Mapping[str, Tensor]:
        """What the objective draws for a step."""
        if self.draws is no_draws:
            return {}
        named = rng.generator(seed, "objective", self.dataset, self.objective, self.batch, self.codes, step)
        return self.draws(named, self.batch, self.codes)


class Ahead:
    """The same draws for S seeds, many steps at a time, set on their way to a device without waiting for it."""

    def __init__(self, seeds: Sequence[int], drawn: Drawn, device: torch.device) -> None:
        self.seeds, self.drawn, self.device = seeds, drawn, device
        # Each seed's permutations of the epoch it is in and the next: a block may straddle two.
        self._epochs = lru_cache(maxsize=2 * len(seeds))(_permutation)

    def block(self, first: int, until: int) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Images ``[S steps, seeds, batch]``, noise ``[S, seeds, batch, Z]`` and the objective's draws, each ``[S,
        seeds, ...]``, of steps from ``first`` to the end of its block of noise or to ``until``, whichever is sooner.
        """
        drawn = self.drawn
        number, offset = divmod(first, BLOCK)
        stop = min(until, (number + 1) * BLOCK)
        size = drawn.split[1] - drawn.split[0]
        orders, noises, own = [], [], []
        for seed in self.seeds:
            flat = _cut(
                lambda epoch, seed=seed: self._epochs(seed, drawn.dataset, size, epoch),  # type: ignore[misc]
                drawn.split,
                first * drawn.taken,
                stop * drawn.taken,
            )
            taken = flat.view(stop - first, drawn.taken)
            orders.append(torch.stack([drawn.paired(seed, index, first + k) for k, index in enumerate(taken)]))
            block = _normal(seed, drawn.dataset, drawn.batch, drawn.codes, number)
            noises.append(block[offset : offset + stop - first])
            own.append([drawn.own(seed, step) for step in range(first, stop)])
        draws = {
            name: self._sent(torch.stack([torch.stack([step[name] for step in steps]) for steps in own], 1))
            for name in own[0][0]
        }
        return self._sent(torch.stack(orders, 1)), self._sent(torch.stack(noises, 1)), draws

    def _sent(self, block: Tensor) -> Tensor:
        if self.device.type == "cuda":  # from pinned memory a copy waits for nobody
            return block.pin_memory().to(self.device, non_blocking=True)
        return block.to(self.device)

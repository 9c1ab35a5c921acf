"""What a member draws while it trains: its order of images and its noise, named by its seed, made in blocks ahead.

Both are functions of names and the step alone. So a resume needs no generator state, a neighbour changes nothing, and
members of one seed see the same images and noise at every β (common random numbers).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import torch
from torch import Tensor

from betavae import rng

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


class Ahead:
    """The same draws for S seeds, many steps at a time, set on their way to a device without waiting for it."""

    def __init__(
        self,
        seeds: Sequence[int],
        dataset: str,
        split: tuple[int, int],
        batch: int,
        codes: int,
        device: torch.device,
    ) -> None:
        self.seeds, self.dataset, self.split, self.batch, self.codes = seeds, dataset, split, batch, codes
        self.device = device
        # Each seed's permutations of the epoch it is in and the next: a block may straddle two.
        self._epochs = lru_cache(maxsize=2 * len(seeds))(_permutation)

    def block(self, first: int, until: int) -> tuple[Tensor, Tensor]:
        """Images ``[S steps, seeds, batch]`` and noise ``[S, seeds, batch, Z]`` of steps from ``first`` to the end of
        its block of noise or to ``until``, whichever is sooner.
        """
        number, offset = divmod(first, BLOCK)
        stop = min(until, (number + 1) * BLOCK)
        size = self.split[1] - self.split[0]
        orders, noises = [], []
        for seed in self.seeds:
            flat = _cut(
                lambda epoch, seed=seed: self._epochs(seed, self.dataset, size, epoch),  # type: ignore[misc]
                self.split,
                first * self.batch,
                stop * self.batch,
            )
            orders.append(flat.view(stop - first, self.batch))
            noises.append(_normal(seed, self.dataset, self.batch, self.codes, number)[offset : offset + stop - first])
        return self._sent(torch.stack(orders, 1)), self._sent(torch.stack(noises, 1))

    def _sent(self, block: Tensor) -> Tensor:
        if self.device.type == "cuda":  # from pinned memory a copy waits for nobody
            return block.pin_memory().to(self.device, non_blocking=True)
        return block.to(self.device)

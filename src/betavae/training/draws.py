"""What a member draws while it trains: its order of images and its noise, named by its seed, made in blocks ahead.

Both are functions of names and the step alone. So a resume needs no generator state, a neighbour changes nothing, and
members of one seed see the same images and noise at every β (common random numbers).
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from betavae import rng

BLOCK = 64
"""Steps of noise drawn at once."""


@lru_cache(maxsize=4)
def _epoch(seed: int, dataset: str, size: int, epoch: int) -> Tensor:
    return torch.randperm(size, generator=rng.generator(seed, "order", dataset, epoch))


@lru_cache(maxsize=4)
def _noise(seed: int, dataset: str, batch: int, codes: int, block: int) -> Tensor:
    return torch.randn(BLOCK, batch, codes, generator=rng.generator(seed, "noise", dataset, batch, codes, block))


def order(seed: int, dataset: str, split: tuple[int, int], batch: int, step: int) -> Tensor:
    """The images of one step, ``[batch]`` int64: the epochs' permutations laid end to end, cut into batches."""
    start, stop = split
    size, at, end = stop - start, step * batch, (step + 1) * batch
    parts: list[Tensor] = []
    while at < end:
        epoch, offset = divmod(at, size)
        parts.append(_epoch(seed, dataset, size, epoch)[offset : offset + end - at])
        at += len(parts[-1])
    return torch.cat(parts) + start


def noise(seed: int, dataset: str, batch: int, codes: int, step: int) -> Tensor:
    """The standard normal noise of one step, ``[batch, Z]`` float32."""
    block, offset = divmod(step, BLOCK)
    return _noise(seed, dataset, batch, codes, block)[offset]

"""Floors and a ceiling: representations that learnt nothing, and the true factors. A score means little without
them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from betavae import models, rng
from betavae.datasets.base import Dataset
from betavae.errors import Misuse
from betavae.representation import vae
from betavae.representation.base import Codec


def pixels(dataset: Dataset, *, codes: int, seed: int, fit: int | None = None) -> Codec:
    """The raw pixels, averaged over squares until at most 256 numbers are left per channel; ``codes`` and ``seed``
    are not used.
    """
    del codes, seed, fit
    _, height, width = dataset.shape
    block = max(1, math.ceil(math.sqrt(height * width / 256)))

    def encode(images: Tensor) -> Tensor:
        return torch.nn.functional.avg_pool2d(images, block, ceil_mode=True).flatten(1)

    return Codec(encode(torch.zeros(1, *dataset.shape)).shape[1], encode)


def projection(dataset: Dataset, *, codes: int, seed: int, fit: int | None = None) -> Codec:
    """A random Gaussian projection of the pixels onto ``codes`` numbers."""
    del fit
    size = math.prod(dataset.shape)
    matrix = torch.randn(size, codes, generator=rng.generator(seed, "projection", dataset.name)) / math.sqrt(size)
    return Codec(codes, lambda images: images.cpu().flatten(1) @ matrix)


def untrained(dataset: Dataset, *, codes: int, seed: int, fit: int | None = None) -> Codec:
    """The convolutional VAE as it is drawn, before its first step."""
    del fit
    model = models.named("conv", dataset.shape, codes)
    params = model.init(rng.generator(seed, "init", dataset.name, model.name))
    return vae.codec(model, {k: v.to(dataset.device) for k, v in params.items()})


def factors(dataset: Dataset, *, codes: int, seed: int, fit: int | None = None) -> Codec:
    """The true factors, one code each, standardised, and empty codes up to ``codes``: the ceiling.

    It is told the images' indices, for no encoder can see them.
    """
    del seed, fit
    if dataset.factors is None:
        raise Misuse(f"{dataset.name} has no full grid of factors")
    grid = dataset.factors
    sizes = torch.tensor(grid.sizes, dtype=torch.float32)
    spread = ((sizes.square() - 1) / 12).sqrt().clamp(min=1e-6)  # a factor of one value is 0 / 1e-6
    empty = max(0, codes - len(sizes))

    def told(index: Tensor) -> Tensor:
        return torch.nn.functional.pad((grid.values(index).float() - (sizes - 1) / 2) / spread, (0, empty))

    def blind(images: Tensor) -> Tensor:
        raise Misuse("the true factors cannot be read from images")

    return Codec(len(sizes) + empty, blind, told=told)


def noise(dataset: Dataset, *, codes: int, seed: int, fit: int | None = None) -> Codec:
    """Independent standard normal codes, drawn once for every image: what a metric gives to codes that say nothing but
    move, as many as are scored. Several metrics give them a third to two thirds of their range.

    It is told the images' indices, for no image has to be seen.
    """
    del fit
    table = torch.randn(dataset.size, codes, generator=rng.generator(seed, "noise codes", dataset.name))

    def blind(images: Tensor) -> Tensor:
        raise Misuse("noise codes go by the index of an image, not by its pixels")

    return Codec(codes, blind, told=lambda index: table[index.cpu()])


def chance(dataset: Dataset, *, codes: int, seed: int, fit: int | None = None) -> Codec:
    """The same code for every image: what a metric gives to a representation that says nothing."""
    del codes, seed, fit
    return Codec(1, lambda images: torch.zeros(len(images), 1))

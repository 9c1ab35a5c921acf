"""The convolutional VAE of Table 4 of the paper (Burgess et al. 2018)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from betavae.errors import Misuse
from betavae.models import layers
from betavae.models import products as as_products
from betavae.models.base import Model, Posterior
from betavae.models.layers import linear, uniform_layer

if TYPE_CHECKING:
    from betavae.types import Params


def build(shape: tuple[int, int, int], codes: int, products: bool = False) -> Model:
    """The convolutional VAE: four stride-2 4x4 convolutions of 32 channels at 64², three at 32².

    With ``products`` they are written as matrix products (``blocks``).
    """
    written = as_products if products else layers
    channels, side, _ = shape
    depth = {64: 4, 32: 3}.get(side, 0)
    if not depth or shape[1] != shape[2]:
        raise Misuse(f"the convolutional VAE takes images of 64x64 or 32x32; given {shape}")
    ins = [channels] + [32] * (depth - 1)

    def init(generator: torch.Generator) -> Params:
        params: Params = {}
        for k, into in enumerate(ins):
            params |= uniform_layer(generator, f"encoder.conv{k}", (32, into, 4, 4), into * 16, 32)
        for name, into, out in (
            ("encoder.fc0", 512, 256),
            ("encoder.fc1", 256, 256),
            ("mean", 256, codes),
            ("logvar", 256, codes),
            ("decoder.fc0", codes, 256),
            ("decoder.fc1", 256, 256),
            ("decoder.fc2", 256, 512),
        ):
            params |= uniform_layer(generator, name, (out, into), into, out)
        for k, out in enumerate(ins[::-1]):
            params |= uniform_layer(generator, f"decoder.conv{k}", (32, out, 4, 4), out * 16, out)
        return params

    def encode(params: Params, images: Tensor) -> Posterior:
        h = images
        for k in range(depth):
            h = torch.relu(written.halve(params, f"encoder.conv{k}", h))
        h = h.flatten(1)
        for k in range(2):
            h = torch.relu(linear(params, f"encoder.fc{k}", h))
        return Posterior(linear(params, "mean", h), linear(params, "logvar", h))

    def decode(params: Params, codes: Tensor) -> Tensor:
        h = codes
        for k in range(3):
            h = torch.relu(linear(params, f"decoder.fc{k}", h))
        h = h.reshape(-1, 32, 4, 4)
        for k in range(depth):
            h = written.double(params, f"decoder.conv{k}", h)
            h = torch.relu(h) if k < depth - 1 else h
        return h

    other = None if products else build(shape, codes, products=True)
    return Model("conv", shape, codes, init, encode, decode, chunk=32, products=other)

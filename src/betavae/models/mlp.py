"""The MLP VAE of Table 4 of the paper (Higgins et al. 2016): two hidden layers in, three out, of 1,200 units."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from betavae.models.base import Model, Posterior
from betavae.models.layers import linear, uniform_layer

if TYPE_CHECKING:
    from betavae.types import Params

HIDDEN = 1200


def build(shape: tuple[int, int, int], codes: int) -> Model:
    """The MLP VAE for images of ``shape``: ReLU in the encoder, tanh in the decoder."""
    pixels = math.prod(shape)
    widths = {
        "encoder.0": (pixels, HIDDEN),
        "encoder.1": (HIDDEN, HIDDEN),
        "mean": (HIDDEN, codes),
        "logvar": (HIDDEN, codes),
        "decoder.0": (codes, HIDDEN),
        "decoder.1": (HIDDEN, HIDDEN),
        "decoder.2": (HIDDEN, HIDDEN),
        "decoder.3": (HIDDEN, pixels),
    }

    def init(generator: torch.Generator) -> Params:
        params: Params = {}
        for name, (into, out) in widths.items():
            params |= uniform_layer(generator, name, (out, into), into, out)
        return params

    def encode(params: Params, images: Tensor) -> Posterior:
        h = images.flatten(1)
        for k in range(2):
            h = torch.relu(linear(params, f"encoder.{k}", h))
        return Posterior(linear(params, "mean", h), linear(params, "logvar", h))

    def decode(params: Params, codes: Tensor) -> Tensor:
        h = codes
        for k in range(3):
            h = torch.tanh(linear(params, f"decoder.{k}", h))
        return linear(params, "decoder.3", h).reshape(-1, *shape)

    return Model("mlp", shape, codes, init, encode, decode, chunk=256)

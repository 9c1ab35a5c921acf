"""The operations that models are made of."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from betavae.types import Params


def uniform_layer(generator: torch.Generator, name: str, shape: tuple[int, ...], fan_in: int, out: int) -> Params:
    """A weight and a bias of PyTorch's default initialisation: uniform within ±1/√fan_in."""
    bound = 1 / math.sqrt(fan_in)
    weight = torch.empty(shape).uniform_(-bound, bound, generator=generator)
    bias = torch.empty(out).uniform_(-bound, bound, generator=generator)
    return {f"{name}.weight": weight, f"{name}.bias": bias}


def linear(params: Params, name: str, x: Tensor) -> Tensor:
    """x W^T + b."""
    return F.linear(x, params[f"{name}.weight"], params[f"{name}.bias"])


def bernoulli_nats(logits: Tensor, images: Tensor) -> Tensor:
    """-log p(x | z) of Bernoulli pixels given logits, summed over pixels: ``[n]`` nats per image."""
    return F.binary_cross_entropy_with_logits(logits, images, reduction="none").flatten(1).sum(-1)

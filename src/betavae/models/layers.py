"""The operations that models are made of, for one member: linear, convolution, transposed convolution, Bernoulli nats.

On a CPU convolutions run channels-last, where its kernels reach a matrix product's rate.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from betavae.types import Params

NARROW = 8
"""Transposed convolutions to fewer channels than this are written as a product on a CPU (see ``_Spread``)."""


def uniform_layer(generator: torch.Generator, name: str, shape: tuple[int, ...], fan_in: int, out: int) -> Params:
    """A weight and a bias of PyTorch's default initialisation: uniform within ±1/√fan_in."""
    bound = 1 / math.sqrt(fan_in)
    weight = torch.empty(shape).uniform_(-bound, bound, generator=generator)
    bias = torch.empty(out).uniform_(-bound, bound, generator=generator)
    return {f"{name}.weight": weight, f"{name}.bias": bias}


def linear(params: Params, name: str, x: Tensor) -> Tensor:
    """x Wᵀ + b: ``[n, in]`` to ``[n, out]``."""
    return F.linear(x, params[f"{name}.weight"], params[f"{name}.bias"])


def halve(params: Params, name: str, x: Tensor) -> Tensor:
    """A 4x4 convolution of stride 2 and padding 1: ``[n, in, s, s]`` to ``[n, out, s/2, s/2]``."""
    return F.conv2d(x, _channels_last(params[f"{name}.weight"]), params[f"{name}.bias"], stride=2, padding=1)


def double(params: Params, name: str, x: Tensor) -> Tensor:
    """Its transpose: ``[n, in, s, s]`` to ``[n, out, 2s, 2s]``."""
    weight, bias = params[f"{name}.weight"], params[f"{name}.bias"]
    if x.device.type == "cpu" and weight.shape[1] < NARROW:
        spread: Tensor = _Spread.apply(x.to(weight.dtype), weight)  # type: ignore[no-untyped-call]
        return spread + bias[:, None, None]
    return F.conv_transpose2d(x, _channels_last(weight), bias, stride=2, padding=1)


def _channels_last(weight: Tensor) -> Tensor:
    # Written with permutations, which every transform of a function understands; a change of memory format is not.
    if weight.device.type != "cpu":
        return weight
    if weight.shape[1] == 1:  # one channel stands in both orders: its strides must say which
        return weight.reshape(-1, 4, 4, 1).permute(0, 3, 1, 2)
    return weight.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)


class _Spread(torch.autograd.Function):
    """A transposed 4x4 convolution of stride 2 and padding 1 to few channels, as one matrix product and an overlap-add.

    The library's own forward kernel takes a dozen times its arithmetic where there are one or three output channels;
    its backward kernels do not, so they are used.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, weight: Tensor) -> Tensor:
        size = 2 * x.shape[-1]
        columns = weight.flatten(1).T @ x.permute(0, 2, 3, 1).flatten(1, 2).transpose(1, 2)
        return F.fold(columns.to(x.dtype), size, kernel_size=4, stride=2, padding=1)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        back = torch.ops.aten.convolution_backward
        to_x, to_weight, _ = back(
            slope, x, _channels_last(weight), None, [2, 2], [1, 1], [1, 1], True, [0, 0], 1, [True, True, False]
        )
        return to_x, to_weight


def bernoulli_nats(logits: Tensor, images: Tensor) -> Tensor:
    """-log p(x | z) of Bernoulli pixels given logits, summed over pixels: ``[n]`` nats per image."""
    return F.binary_cross_entropy_with_logits(logits, images, reduction="none").flatten(1).sum(-1)

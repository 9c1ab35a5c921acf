"""What layers do, for one member: their operations, their initial parameters, and the model that a list of them is.

On a CPU convolutions run channels-last, where its kernels reach a matrix product's rate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from betavae.errors import choose
from betavae.models import products as as_products
from betavae.models.base import SLOPE, Architecture, Layer, Model, Posterior, Shape, Step, whole

if TYPE_CHECKING:
    from betavae.types import Params

NARROW = 8
"""Transposed convolutions to fewer channels than this are written as a product on a CPU (see ``_Spread``)."""


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "": lambda x: x,
    "relu": torch.relu,
    "tanh": torch.tanh,
    "leaky_relu": lambda x: F.leaky_relu(x, SLOPE),
}


def initial(generator: torch.Generator, steps: Iterable[Step]) -> Params:
    """Weights and biases of PyTorch's default initialisation, in the order of the layers: uniform within ±1/√fan_in."""
    params: Params = {}
    for step in steps:
        layer = step.layer
        # PyTorch takes a weight's second axis as the inputs, of transposed convolutions too.
        bound = 1 / math.sqrt(math.prod(layer.shape[1:]))
        for name, shape in (("weight", layer.shape), ("bias", (step.biases,))):
            params[f"{layer.name}.{name}"] = torch.empty(shape).uniform_(-bound, bound, generator=generator)
    return params


def run(params: Params, layers: Iterable[Layer], x: Tensor, products: bool = False) -> Tensor:
    """What layers make of images ``[n, C, H, W]`` or rows ``[n, width]``; ``products`` writes convolutions as such."""
    for layer in layers:
        if layer.kind == "linear":
            x = linear(params, layer.name, x.flatten(1) if x.ndim > 2 else x)
        else:
            if x.ndim == 2:
                taken = layer.shape[1 if layer.kind == "halve" else 0]
                side = math.isqrt(x.shape[1] // taken)
                x = x.reshape(-1, taken, side, side)
            x = _convolution(layer.kind, products)(params, layer.name, x)
        x = ACTIVATIONS[layer.then](x)
    return x


def _convolution(kind: str, products: bool) -> Callable[[Params, str, Tensor], Tensor]:
    if products:
        return as_products.halve if kind == "halve" else as_products.double
    return halve if kind == "halve" else double


def build(name: str, shape: Shape, codes: int, made: Architecture, products: bool = False) -> Model:
    """The model that an architecture is for images of this shape. Raises Misuse where its layers do not fit.

    With ``products`` its convolutions are written as matrix products.
    """
    encoder, decoder = whole(made, shape, codes)
    for step in (*encoder, *decoder):
        choose(ACTIVATIONS, step.layer.then, "activation")

    def init(generator: torch.Generator) -> Params:
        return initial(generator, (*encoder, *decoder))

    def encode(params: Params, images: Tensor) -> Posterior:
        h = run(params, made.encoder, images, products).flatten(1)
        return Posterior(linear(params, "mean", h), linear(params, "logvar", h))

    def decode(params: Params, codes: Tensor) -> Tensor:
        return run(params, made.decoder, codes, products).reshape(-1, *shape)

    other = None
    if not products and any(step.layer.kind != "linear" for step in (*encoder, *decoder)):
        other = build(name, shape, codes, made, products=True)
    return Model(name, shape, codes, init, encode, decode, made.chunk, other, made)


def counted(model: Model) -> tuple[int, int, int]:
    """Multiply-adds of encoder and decoder for one image as PyTorch counts them, and the number of parameters."""
    from torch.utils.flop_counter import FlopCounterMode

    params, found = model.init(torch.Generator().manual_seed(0)), list[int]()
    for act, given in ((model.encode, torch.zeros(1, *model.shape)), (model.decode, torch.zeros(1, model.codes))):
        with torch.no_grad(), FlopCounterMode(display=False) as seen:
            act(params, given)
        found.append(seen.get_total_flops() // 2)
    return found[0], found[1], sum(leaf.numel() for leaf in params.values())


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
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        back = torch.ops.aten.convolution_backward
        to_x, to_weight, _ = back(
            gradient, x, _channels_last(weight), None, [2, 2], [1, 1], [1, 1], True, [0, 0], 1, [True, True, False]
        )
        return to_x, to_weight


def bernoulli_nats(logits: Tensor, images: Tensor) -> Tensor:
    """-log p(x | z) of Bernoulli pixels given logits, summed over pixels: ``[n]`` nats per image."""
    return F.binary_cross_entropy_with_logits(logits, images, reduction="none").flatten(1).sum(-1)

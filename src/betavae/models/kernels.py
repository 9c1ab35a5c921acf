"""What each kind of layer does forwards and backwards on a CPU, in the library's calls that are quick there.

Maps are channels-last. Two facts shape this file. The weight's gradient of a transposed convolution is that of a
convolution with input and gradient exchanged: the same numbers, by kernels that are up to four times quicker. And a 4x4
convolution of stride 2 from or to one or three channels leaves most of a vector empty; on blocks of 2x2 pixels of the
padded image it is one of 2x2 and stride 1 with four times the channels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from betavae.models import onednn
from betavae.models.base import SLOPE, Layer

NARROW = 8
"""Convolutions from, and transposed ones to, fewer channels than this run in blocks of 2x2 pixels."""
FEW = 64
"""Rows below which a dense weight's gradient is multiplied in single precision: its cast would take longer."""
Laid = tuple[Tensor, ...]
"""A weight as the kernels of its layer take it."""
Gradients = tuple[Tensor | None, Tensor, Tensor | None]
"""Of a layer's input (None where nobody asks), of its weight as it was laid, and of its bias (None: not made here)."""

_ONE, _TWO, _ZERO = [1, 1], [2, 2], [0, 0]
_PAIRS = {torch.bfloat16: torch.int32, torch.float32: torch.int64, torch.float64: torch.complex128}
_back = torch.ops.aten.convolution_backward


class Kind(NamedTuple):
    """A kind of layer. ``lay(weight)`` gives the weight as the other functions want it, ``back_to(gradient, shape)``
    the gradient of that as one of the weight. ``forward(x, laid, bias)`` gives what is kept for the way back (x, or x
    in blocks) and the layer's output before its activation; ``backward(gradient, kept, laid, to_x)`` the gradients.
    """

    lay: Callable[[Tensor], Laid]
    back_to: Callable[[Tensor, tuple[int, ...]], Tensor]
    forward: Callable[[Tensor, Laid, Tensor | None], tuple[Tensor, Tensor]]
    backward: Callable[[Tensor, Tensor, Laid, bool], Gradients]


def kind(layer: Layer) -> Kind:
    """How a layer runs."""
    if layer.kind == "linear":
        return _LINEAR
    if layer.kind == "halve":
        return _HALVE_NARROW if layer.shape[1] < NARROW else _HALVE
    return _DOUBLE_NARROW if layer.shape[1] < NARROW else _DOUBLE


def last(x: Tensor) -> Tensor:
    """Maps ``[n, C, H, W]`` with their channels last in memory, the same where they are already."""
    if x.shape[1] == 1:  # one channel stands in both orders: its strides must say which
        return x.contiguous().reshape(len(x), *x.shape[2:], 1).permute(0, 3, 1, 2)
    return x.contiguous(memory_format=torch.channels_last)


def to_blocks(x: Tensor) -> Tensor:
    """Images ``[n, C, s, s]`` as blocks of 2x2 pixels of the image with a border of noughts: ``[n, (C, row, column),
    s/2 + 1, s/2 + 1]``, channels-last.
    """
    n, channels, side, _ = x.shape
    half = side // 2 + 1
    # Two pixels beside each other move as one wide number.
    pairs = F.pad(x, (1, 1, 1, 1)).contiguous().view(_PAIRS[x.dtype]).view(n, channels, half, 2, half)
    moved = pairs.permute(0, 2, 4, 1, 3).contiguous().view(x.dtype)
    return moved.view(n, half, half, 4 * channels).permute(0, 3, 1, 2)


def from_blocks(blocks: Tensor) -> Tensor:
    """The images of such blocks without their border, ``[n, C, s, s]``: a view of a new tensor."""
    n, width, half, _ = blocks.shape
    pairs = blocks.permute(0, 2, 3, 1).contiguous().view(_PAIRS[blocks.dtype]).view(n, half, half, width // 4, 2)
    whole = pairs.permute(0, 3, 1, 4, 2).contiguous().view(blocks.dtype).view(n, width // 4, 2 * half, 2 * half)
    return whole[:, :, 1:-1, 1:-1]


def activate(x: Tensor, then: str) -> Tensor:
    """An activation, in place."""
    if then == "relu":
        return x.relu_()
    if then == "tanh":
        return x.tanh_()
    return F.leaky_relu_(x, SLOPE) if then == "leaky_relu" else x


def activated(gradient: Tensor, y: Tensor, then: str) -> Tensor:
    """The gradient before an activation, given that after it and its output; ``gradient`` may be overwritten."""
    if then == "relu":
        torch.ops.aten.threshold_backward.grad_input(gradient, y, 0, grad_input=gradient)
        return gradient
    if then == "tanh":
        return torch.ops.aten.tanh_backward(gradient, y)  # type: ignore[no-any-return]
    if then == "leaky_relu":
        return torch.ops.aten.leaky_relu_backward(gradient, y, SLOPE, True)  # type: ignore[no-any-return]
    return gradient


def _as_it_is(weight: Tensor) -> Laid:
    return (weight,)


def _same(gradient: Tensor, shape: tuple[int, ...]) -> Tensor:
    return gradient


def _linear(x: Tensor, laid: Laid, bias: Tensor | None) -> tuple[Tensor, Tensor]:
    return x, onednn.product(x, laid[0], bias)


def _linear_back(gradient: Tensor, x: Tensor, laid: Laid, to_x: bool) -> Gradients:
    back = onednn.product(gradient, laid[0].t(), None) if to_x else None
    bias = gradient.sum(0, dtype=laid[0].dtype)
    if gradient.dtype == torch.bfloat16 and len(gradient) < FEW:
        return back, gradient.float().t() @ x.float(), bias
    # The tiles of bf16 want their rows in order.
    turned = gradient.t().contiguous() if gradient.dtype == torch.bfloat16 else gradient.t()
    return back, onednn.product(turned, x.t(), None), bias


def _laid_last(weight: Tensor) -> Laid:
    return (last(weight),)


def _halve(x: Tensor, laid: Laid, bias: Tensor | None) -> tuple[Tensor, Tensor]:
    return x, F.conv2d(x, laid[0], bias, 2, 1)


def _halve_back(gradient: Tensor, x: Tensor, laid: Laid, to_x: bool) -> Gradients:
    width, asked = [gradient.shape[1]], [to_x, True, True]
    return _back(gradient, x, laid[0], width, _TWO, _ONE, _ONE, False, _ZERO, 1, asked)  # type: ignore[no-any-return]


def _double(x: Tensor, laid: Laid, bias: Tensor | None) -> tuple[Tensor, Tensor]:
    return x, F.conv_transpose2d(x, laid[0], bias, 2, 1)


def _double_back(gradient: Tensor, x: Tensor, laid: Laid, to_x: bool) -> Gradients:
    exchanged = _back(x, gradient, laid[0], None, _TWO, _ONE, _ONE, False, _ZERO, 1, [False, True, False])
    return F.conv2d(gradient, laid[0], None, 2, 1) if to_x else None, exchanged[1], None


def _in_blocks(weight: Tensor) -> Tensor:
    """``[out, in, 4, 4]`` as ``[out, (in, row, column), 2, 2]``: row 2a + r meets row r of the block a further down."""
    out, into = weight.shape[:2]
    return last(weight.reshape(out, into, 2, 2, 2, 2).permute(0, 1, 3, 5, 2, 4).reshape(out, 4 * into, 2, 2))


def _out_of_blocks(gradient: Tensor, shape: tuple[int, ...]) -> Tensor:
    out, into = shape[:2]
    return gradient.reshape(out, into, 2, 2, 2, 2).permute(0, 1, 4, 2, 5, 3).reshape(shape)


def _halve_narrow(x: Tensor, laid: Laid, bias: Tensor | None) -> tuple[Tensor, Tensor]:
    blocks = to_blocks(x)
    return blocks, F.conv2d(blocks, laid[0], bias)


def _halve_narrow_back(gradient: Tensor, blocks: Tensor, laid: Laid, to_x: bool) -> Gradients:
    width, asked = [gradient.shape[1]], [to_x, True, True]
    back, weight, bias = _back(gradient, blocks, laid[0], width, _ONE, _ZERO, _ONE, False, _ZERO, 1, asked)
    return from_blocks(back) if to_x else None, weight, bias


def _with_taps(weight: Tensor) -> Laid:
    """The weight in blocks, and turned round for the way forward: a block hears of the pixel before it by its last
    tap.
    """
    blocks = _in_blocks(weight)
    return blocks, last(blocks.flip(2, 3).transpose(0, 1))


def _double_narrow(x: Tensor, laid: Laid, bias: Tensor | None) -> tuple[Tensor, Tensor]:
    images = from_blocks(F.conv2d(x, laid[1], None, 1, 1))
    return x, images if bias is None else images + bias[:, None, None]


def _double_narrow_back(gradient: Tensor, x: Tensor, laid: Laid, to_x: bool) -> Gradients:
    blocks = to_blocks(gradient)
    exchanged = _back(x, blocks, laid[0], None, _ONE, _ZERO, _ONE, False, _ZERO, 1, [False, True, False])
    return F.conv2d(blocks, laid[0]) if to_x else None, exchanged[1], None


_LINEAR = Kind(_as_it_is, _same, _linear, _linear_back)
_HALVE = Kind(_laid_last, _same, _halve, _halve_back)
_HALVE_NARROW = Kind(lambda weight: (_in_blocks(weight),), _out_of_blocks, _halve_narrow, _halve_narrow_back)
_DOUBLE = Kind(_laid_last, _same, _double, _double_back)
_DOUBLE_NARROW = Kind(_with_taps, _out_of_blocks, _double_narrow, _double_narrow_back)

"""Layers one after another, forwards and backwards, without autograd: one sweep for every architecture of layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from betavae.models import kernels
from betavae.models.base import Step
from betavae.models.kernels import Kind, Laid

if TYPE_CHECKING:
    from betavae.types import Params

WIDE = 8192
"""Numbers of one image from which on a convolution's map goes in chunks that stay in cache."""


class Ready(NamedTuple):
    """A layer with its weight laid for its kernels. ``late`` is a bias that is added to the output in its own
    precision: then ``bias`` is None.
    """

    step: Step
    kind: Kind
    laid: Laid
    bias: Tensor | None
    late: Tensor | None = None


Kept = list[tuple[Tensor, Tensor]]
"""What each layer leaves for the way back: its input, and its output after the activation."""


class Gradients:
    """The gradients of parameters by name, summed over what is added. ``into`` is where they are put: those that it
    lacks stay as they come. Without it they are put into tensors of their own.
    """

    def __init__(self, into: Mapping[str, Tensor] | None = None) -> None:
        self.into, self.found = into, dict[str, Tensor]()

    def add(self, name: str, gradient: Tensor, like: Tensor) -> None:
        """Add a gradient of the parameter ``like``."""
        gradient = gradient.reshape(like.shape)
        if name in self.found:
            self.found[name] = self.found[name].to(like.dtype).add_(gradient)
        elif self.into is None:
            self.found[name] = gradient.to(like.dtype, copy=True)
        else:
            self.found[name] = self.into[name].copy_(gradient) if name in self.into else gradient


def ready(steps: Sequence[Step], params: Params) -> list[Ready]:
    """Layers with their weights and biases as they are in ``params``, in whatever precision that is."""
    return [
        Ready(step, kind, kind.lay(params[f"{step.layer.name}.weight"]), params[f"{step.layer.name}.bias"])
        for step in steps
        for kind in [kernels.kind(step.layer)]
    ]


def forward(layers: Sequence[Ready], x: Tensor, kept: Kept | None = None) -> Tensor:
    """What layers make of images ``[n, C, H, W]`` or rows ``[n, width]``; ``kept`` gets what the way back needs."""
    for step, kind, laid, bias, late in layers:
        x = _as(x.to(laid[0].dtype), step.into)
        into, y = kind.forward(x, laid, bias)
        if late is not None:
            y = torch.add(y, late.view(-1, *[1] * (y.ndim - 2)))
        x = kernels.activate(y, step.layer.then)
        if kept is not None:
            kept.append((into, x))
    return x


def backward(
    layers: Sequence[Ready], gradient: Tensor, kept: Kept, summed: Gradients, params: Params, to_x: bool = True
) -> Tensor | None:
    """The gradient of the input from that of the output, which may be overwritten; weights' and biases' are added to
    ``summed``. ``kept`` is emptied.
    """
    back: Tensor | None = gradient
    for k in reversed(range(len(layers))):
        step, kind, laid, _, late = layers[k]
        into, y = kept.pop()
        assert back is not None
        # Of a row that a convolution made: its gradient comes from the next layer as a row.
        back = kernels.activated(_as(back.to(y.dtype), step.out), y, step.layer.then)
        axes = (0, 2, 3) if back.ndim == 4 else (0,)
        bias = None if late is None else back.sum(axes)
        back = back.to(laid[0].dtype)
        gradients = kind.backward(back, into, laid, to_x or k > 0)
        if bias is None:
            bias = back.sum(axes) if gradients[2] is None else gradients[2]
        name = step.layer.name
        weight = kind.back_to(gradients[1], step.layer.shape)
        summed.add(f"{name}.weight", weight, params[f"{name}.weight"])
        summed.add(f"{name}.bias", bias, params[f"{name}.bias"])
        back = gradients[0]
    return back


def _as(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A batch in the shape that a layer takes, maps channels-last but for images of few channels."""
    x = x.reshape(len(x), *shape)
    return kernels.last(x) if len(shape) == 3 and shape[0] >= kernels.NARROW else x


def ends(steps: Sequence[Step]) -> tuple[int, int]:
    """How many convolutions at the beginning of a list of layers, and how many at its end, have wide maps."""
    wide = [s.layer.kind != "linear" and max(_numbers(s.into), _numbers(s.out)) >= WIDE for s in steps]
    first = next((k for k, is_wide in enumerate(wide) if not is_wide), len(wide))
    return first, next((k for k, is_wide in enumerate(wide[::-1]) if not is_wide), len(wide))


def _numbers(shape: tuple[int, ...]) -> int:
    return torch.Size(shape).numel()

"""A decoder as a page carries it: a list of layers with its weights packed, as ``decoder.js`` reads them."""

from __future__ import annotations

import base64
import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from betavae.errors import Misuse

if TYPE_CHECKING:
    from torch import Tensor

    from betavae.models.base import Model
    from betavae.types import Array, Json, Params

WIDE = 1_000_000
"""Weights from which on a layer is packed as int8 rows instead of float16: it is an MLP's, and half the size."""


class Step(NamedTuple):
    """One layer of a decoder: "linear" or "double" (a 4x4 transposed convolution of stride 2), whose parameters have
    this name, and the activation after it.
    """

    kind: str
    name: str
    then: str


def steps(model: Model) -> list[Step]:
    """The decoder of a model, layer by layer, up to the pixels. Raises Misuse for an architecture it does not know."""
    if model.name == "conv":
        depth = int(math.log2(model.shape[1])) - 2
        dense = [Step("linear", f"decoder.fc{k}", "relu") for k in range(3)]
        return [*dense, *(Step("double", f"decoder.conv{k}", "relu") for k in range(depth - 1)),
                Step("double", f"decoder.conv{depth - 1}", "sigmoid")]  # fmt: skip
    if model.name == "mlp":
        return [*(Step("linear", f"decoder.{k}", "tanh") for k in range(3)), Step("linear", "decoder.3", "sigmoid")]
    raise Misuse(f"the explorer cannot read the decoder of {model.name!r}; wanted conv or mlp")


def packed(model: Model, params: Params) -> list[Json]:
    """The layers of a decoder as plain JSON, weights in base64: float16, or int8 rows where a layer is wide."""
    layers: list[Json] = []
    side = 4
    for step in steps(model):
        weight, bias = (_array(params[f"{step.name}.{part}"]) for part in ("weight", "bias"))
        layer: dict[str, Json] = {"kind": step.kind, "then": step.then, "bias": text(bias.astype("<f2"))}
        if step.kind == "linear":
            layer |= {"in": weight.shape[1], "out": weight.shape[0]}
        else:
            layer |= {"in": weight.shape[0], "out": weight.shape[1], "side": side}
            side *= 2
        if weight.size > WIDE and step.kind == "linear":
            scale = np.maximum(np.abs(weight).max(1), 1e-30) / 127
            layer |= {"weight": text(np.rint(weight / scale[:, None]).astype("i1")), "scale": text(scale.astype("<f4"))}
        else:
            layer["weight"] = text(weight.astype("<f2"))
        layers.append(layer)
    return layers


def text(array: Array) -> str:
    """The bytes of an array, row by row, in base64."""
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def size(model: Model, params: Params) -> int:
    """Characters that the decoder takes in a page, about."""
    count = 0
    for step in steps(model):
        weights = params[f"{step.name}.weight"].numel()
        count += weights * (1 if weights > WIDE and step.kind == "linear" else 2)
    return count * 4 // 3


def _array(leaf: Tensor) -> Array:
    found: Array = leaf.detach().cpu().float().numpy()
    return found

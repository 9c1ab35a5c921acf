"""A decoder as a page carries it: a list of layers with its weights packed, as ``decoder.js`` reads them."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from betavae.errors import Misuse
from betavae.models.base import Step, whole
from betavae.objectives.likelihoods import continuous_mean

if TYPE_CHECKING:
    from betavae.models.base import Model
    from betavae.representation.base import Codec
    from betavae.types import Array, Json, Params

WIDE = 1_000_000
"""Weights from which on a layer is packed as rows of 12-bit numbers instead of float16: it is an MLP's."""
STEPS = 2047
"""Steps from nought to the largest weight of such a row. With 127, pixels are off by two and a half grey levels."""
KINDS = ("linear", "double")
"""The layers that a page can run."""
PIXELS: dict[str, Callable[[Tensor], Tensor]] = {"sigmoid": torch.sigmoid, "continuous": continuous_mean}
"""How a page makes pixels of logits: the means of Bernoulli and of continuous Bernoulli pixels."""


def steps(codec: Codec, name: str) -> list[Step]:
    """The decoder of a VAE layer by layer, up to the logits. Raises Misuse where it has none that a page can run."""
    model = codec.model
    if model is None or codec.params is None or codec.posterior is None:
        raise Misuse(f"{name} is no VAE of betavae's own; the explorer decodes conv, mlp, and other lists of layers")
    if model.layers is None:
        raise Misuse(f"{name}: {model.name} is written as functions; the explorer decodes lists of layers")
    found = whole(model.layers, model.shape, model.codes)[1]
    for step in found:
        if step.layer.kind not in KINDS:
            raise Misuse(f"{name}: its decoder has a layer {step.layer.kind!r}; a page runs {' and '.join(KINDS)}")
    return found


def packed(codec: Codec, name: str) -> list[Json]:
    """The layers of a decoder as plain JSON, weights in base64: float16, or 12-bit rows where a layer is wide. Raises
    Misuse where a page cannot run it.
    """
    layers: list[Json] = []
    params = codec.params or {}
    every = steps(codec, name)
    for step in every:
        weight, bias = (_array(params[f"{step.layer.name}.{part}"]) for part in ("weight", "bias"))
        then = step.layer.then or "none" if step is not every[-1] else _pixels(codec, params, name)
        layer: dict[str, Json] = {
            "kind": step.layer.kind,
            "then": then,
            "in": step.into[0],
            "out": step.out[0],
            "side": step.into[-1],
            "bias": text(bias.astype("<f2")),
        }
        if _rows(step):
            layer |= dict(zip(("weight", "low", "scale"), map(text, rows(weight)), strict=True))
        else:
            layer["weight"] = text(weight.astype("<f2"))
        layers.append(layer)
    return layers


def rows(weight: Array) -> tuple[Array, Array, Array]:
    """A weight ``[out, in]`` as whole steps of its rows: the upper eight of twelve bits int8 ``[out * in]``, the lower
    four two to a byte, the first one low, and the size of a step of each row float32 ``[out]``.
    """
    scale = (np.maximum(np.abs(weight).max(1), 1e-30) / STEPS).astype("<f4")
    whole = np.rint(weight / scale[:, None]).clip(-STEPS, STEPS).astype("<i2").reshape(-1)
    low = np.append(whole & 15, 0)[: whole.size + whole.size % 2].astype("u1")
    return (whole >> 4).astype("i1"), low[::2] | low[1::2] << 4, scale


def text(array: Array) -> str:
    """The bytes of an array, row by row, in base64."""
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def size(codec: Codec, name: str) -> int:
    """Characters that the decoder takes in a page, about. Raises Misuse where a page cannot run it."""
    return int(sum(math.prod(s.layer.shape) * (1.5 if _rows(s) else 2) for s in steps(codec, name)) * 4 / 3)


def _rows(step: Step) -> bool:
    return step.layer.kind == "linear" and math.prod(step.layer.shape) > WIDE


def _pixels(codec: Codec, params: Params, name: str) -> str:
    """Which mean the codec makes of its logits, told by one look at the logits of codes that are all 0 and all 1."""
    model: Model | None = codec.model
    if model is not None and codec.decode is not None:
        codes = torch.stack([torch.zeros(codec.codes), torch.ones(codec.codes)])
        logits, wanted = model.decode(dict(params), codes.to(next(iter(params.values())).device)), codec.decode(codes)
        for kind, mean in PIXELS.items():
            if torch.allclose(mean(logits), wanted, atol=1e-5):
                return kind
    raise Misuse(f"{name} makes pixels of its logits as a page cannot; wanted {' or '.join(PIXELS)}")


def _array(leaf: Tensor) -> Array:
    found: Array = leaf.detach().cpu().float().numpy()
    return found

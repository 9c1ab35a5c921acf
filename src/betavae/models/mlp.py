"""The MLP VAE of Table 4 of the paper (Higgins et al. 2016): two hidden layers in, three out, of 1,200 units."""

from __future__ import annotations

import math

from betavae.models.base import Architecture, Layer, Shape

HIDDEN = 1200


def layers(shape: Shape, codes: int, hidden: int = HIDDEN) -> Architecture:
    """The MLP VAE for images of any ``shape``: ReLU in the encoder, tanh in the decoder, ``hidden`` units a layer."""
    pixels = math.prod(shape)
    ins = ((pixels, hidden), (hidden, hidden))
    outs = ((codes, hidden), (hidden, hidden), (hidden, hidden), (hidden, pixels))
    encoder = [Layer("linear", f"encoder.{k}", (out, into), "relu") for k, (into, out) in enumerate(ins)]
    decoder = [
        Layer("linear", f"decoder.{k}", (out, into), "tanh" if k < 3 else "") for k, (into, out) in enumerate(outs)
    ]
    return Architecture(tuple(encoder), tuple(decoder), chunk=256)

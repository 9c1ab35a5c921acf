"""The convolutional VAE of Table 4 of the paper (Burgess et al. 2018), for images of 16² to 128² pixels."""

from __future__ import annotations

from betavae.errors import Misuse
from betavae.models.base import Architecture, Layer, Shape

DEPTHS = {16: 2, 32: 3, 64: 4, 128: 5}
"""Convolutions by the side of the images: each halves it, to 4."""


def layers(shape: Shape, codes: int) -> Architecture:
    """Stride-2 4x4 convolutions of 32 channels down to 4x4, two layers of 256 units, and the way back.

    Raises Misuse for images that are not 16, 32, 64 or 128 pixels square.
    """
    channels, side, _ = shape
    depth = DEPTHS.get(side, 0)
    if not depth or shape[1] != shape[2]:
        raise Misuse(
            f"the convolutional VAE takes images of 16x16, 32x32, 64x64 or 128x128; given {shape}: "
            "resize or pad them, or train method mlp, which takes any size"
        )
    ins = [channels] + [32] * (depth - 1)
    encoder = [Layer("halve", f"encoder.conv{k}", (32, into, 4, 4), "relu") for k, into in enumerate(ins)]
    encoder += [Layer("linear", "encoder.fc0", (256, 512), "relu"), Layer("linear", "encoder.fc1", (256, 256), "relu")]
    widths = ((codes, 256), (256, 256), (256, 512))
    decoder = [Layer("linear", f"decoder.fc{k}", (out, into), "relu") for k, (into, out) in enumerate(widths)]
    for k, out in enumerate(ins[::-1]):
        decoder.append(Layer("double", f"decoder.conv{k}", (32, out, 4, 4), "relu" if k < depth - 1 else ""))
    return Architecture(tuple(encoder), tuple(decoder), chunk=32)

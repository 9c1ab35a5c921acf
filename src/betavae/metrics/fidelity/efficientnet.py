"""EfficientNet-Lite0 with ImageNet weights: a network for where Inception's file is not to be had.

Tan & Le 2019 in the form for small devices (ReLU6, no squeeze-and-excitation); weights as trained in TensorFlow.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor

from betavae.metrics.fidelity.weights import Layers, fold

SIDE = 224
WIDTH = 1280
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
BLOCKS = 16
HALVING = (1, 3, 5, 11)
"""The blocks whose depthwise convolution has stride 2, besides the stem."""


def layers(state: Mapping[str, Tensor]) -> Layers:
    """The convolutions of the published file, norms folded in: "stem", "0.depthwise", "0.project", ..., "head"."""
    net = {"stem": fold(state, "_conv_stem", "_bn0"), "head": fold(state, "_conv_head", "_bn1")}
    for i in range(BLOCKS):
        block = f"_blocks.{i}"
        for part, convolution, norm in (
            ("expand", "_expand_conv", "_bn0"),
            ("depthwise", "_depthwise_conv", "_bn1"),
            ("project", "_project_conv", "_bn2"),
        ):
            if f"{block}.{convolution}.weight" in state:  # the first block does not expand
                net[f"{i}.{part}"] = fold(state, f"{block}.{convolution}", f"{block}.{norm}")
    return net


def normalise(images: Tensor) -> Tensor:
    """Pixels in [0, 1] to the scale of training, (byte - 127) / 128."""
    return (255 * images - 127) / 128


def features(net: Layers, images: Tensor) -> Tensor:
    """The 1,280 features of the average pool, ``[n, 1280]``, of images ``[n, 3, s, s]``; s is a multiple of 32."""
    x = F.relu6(_convolve(net, "stem", images, stride=2), inplace=True)
    for i in range(BLOCKS):
        y = F.relu6(_convolve(net, f"{i}.expand", x), inplace=True) if f"{i}.expand" in net else x
        y = F.relu6(_convolve(net, f"{i}.depthwise", y, 2 if i in HALVING else 1, y.shape[1]), inplace=True)
        y = _convolve(net, f"{i}.project", y)
        x = x + y if i not in HALVING and x.shape[1] == y.shape[1] else y
    return F.relu6(_convolve(net, "head", x), inplace=True).mean((2, 3))


def _convolve(net: Layers, name: str, x: Tensor, stride: int = 1, groups: int = 1) -> Tensor:
    weight, bias = net[name]
    side = weight.shape[-1]
    if stride == 1:
        return F.conv2d(x, weight, bias, padding=side // 2, groups=groups)
    # TensorFlow pads an even side by `side - 2` in all, and puts the odd pixel at the right and the bottom.
    before, after = (side - 2) // 2, (side - 1) // 2
    return F.conv2d(F.pad(x, (before, after, before, after)), weight, bias, stride, groups=groups)

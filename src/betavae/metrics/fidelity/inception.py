"""The Inception-v3 of December 2015, whose last average pool defines the FID (Szegedy et al. 2016; Heusel et al. 2017).

The published graph departs from the paper's network in two ways, kept here since every FID rests on them: its 3x3
average pools leave the padding out of the mean, and the last block pools by maximum.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from betavae.metrics.fidelity.weights import Layers, fold

SIDE = 299
WIDTH = 2048


def layers(state: Mapping[str, Tensor]) -> Layers:
    """The convolutions of the published file by name ("Mixed_5b.branch1x1"), norms folded in; not its classifier."""
    names = [key.removesuffix(".conv.weight") for key in state if key.endswith(".conv.weight")]
    return {name: fold(state, f"{name}.conv", f"{name}.bn") for name in names}


def normalise(images: Tensor) -> Tensor:
    """Pixels in [0, 1] to the network's [-1, 1]."""
    return 2 * images - 1


def features(net: Layers, images: Tensor) -> Tensor:
    """The 2,048 features of the last average pool: images ``[n, 3, 299, 299]`` in [-1, 1] to ``[n, 2048]``."""
    x = _valid(net, "Conv2d_1a_3x3", images, stride=2)
    x = _valid(net, "Conv2d_2a_3x3", x)
    x = _same(net, "Conv2d_2b_3x3", x)
    x = F.max_pool2d(x, 3, 2)
    x = _same(net, "Conv2d_3b_1x1", x)
    x = _valid(net, "Conv2d_4a_3x3", x)
    x = F.max_pool2d(x, 3, 2)
    for letter in "bcd":
        x = _wide(net, f"Mixed_5{letter}", x)
    x = _shrink_a(net, "Mixed_6a", x)
    for letter in "bcde":
        x = _long(net, f"Mixed_6{letter}", x)
    x = _shrink_b(net, "Mixed_7a", x)
    x = _forked(net, "Mixed_7b", x, _mean_of_neighbours(x))
    x = _forked(net, "Mixed_7c", x, F.max_pool2d(x, 3, 1, padding=1))
    return x.mean((2, 3))


def _same(net: Layers, name: str, x: Tensor) -> Tensor:
    """Convolution and ReLU that keep height and width."""
    weight, bias = net[name]
    return F.relu_(F.conv2d(x, weight, bias, padding=(weight.shape[2] // 2, weight.shape[3] // 2)))


def _valid(net: Layers, name: str, x: Tensor, stride: int = 1) -> Tensor:
    """Convolution and ReLU without padding."""
    return F.relu_(F.conv2d(x, *net[name], stride=stride))


def _chain(net: Layers, block: str, x: Tensor, *branches: str) -> Tensor:
    for branch in branches:
        x = _same(net, f"{block}.branch{branch}", x)
    return x


def _mean_of_neighbours(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, 1, padding=1, count_include_pad=False)


def _wide(net: Layers, block: str, x: Tensor) -> Tensor:
    """Blocks 5b to 5d: 1x1, 5x5 and twice 3x3 side by side."""
    return torch.cat(
        [
            _chain(net, block, x, "1x1"),
            _chain(net, block, x, "5x5_1", "5x5_2"),
            _chain(net, block, x, "3x3dbl_1", "3x3dbl_2", "3x3dbl_3"),
            _chain(net, block, _mean_of_neighbours(x), "_pool"),
        ],
        1,
    )


def _long(net: Layers, block: str, x: Tensor) -> Tensor:
    """Blocks 6b to 6e: 7x7 convolutions split into rows and columns."""
    return torch.cat(
        [
            _chain(net, block, x, "1x1"),
            _chain(net, block, x, "7x7_1", "7x7_2", "7x7_3"),
            _chain(net, block, x, *(f"7x7dbl_{i}" for i in range(1, 6))),
            _chain(net, block, _mean_of_neighbours(x), "_pool"),
        ],
        1,
    )


def _forked(net: Layers, block: str, x: Tensor, pooled: Tensor) -> Tensor:
    """Blocks 7b and 7c: 3x3 convolutions that end in a row and a column beside each other."""
    short = _chain(net, block, x, "3x3_1")
    deep = _chain(net, block, x, "3x3dbl_1", "3x3dbl_2")
    return torch.cat(
        [
            _chain(net, block, x, "1x1"),
            *(_chain(net, block, short, f"3x3_2{end}") for end in "ab"),
            *(_chain(net, block, deep, f"3x3dbl_3{end}") for end in "ab"),
            _chain(net, block, pooled, "_pool"),
        ],
        1,
    )


def _shrink_a(net: Layers, block: str, x: Tensor) -> Tensor:
    deep = _chain(net, block, x, "3x3dbl_1", "3x3dbl_2")
    return torch.cat(
        [
            _valid(net, f"{block}.branch3x3", x, stride=2),
            _valid(net, f"{block}.branch3x3dbl_3", deep, stride=2),
            F.max_pool2d(x, 3, 2),
        ],
        1,
    )


def _shrink_b(net: Layers, block: str, x: Tensor) -> Tensor:
    deep = _chain(net, block, x, "7x7x3_1", "7x7x3_2", "7x7x3_3")
    return torch.cat(
        [
            _valid(net, f"{block}.branch3x3_2", _chain(net, block, x, "3x3_1"), stride=2),
            _valid(net, f"{block}.branch7x7x3_4", deep, stride=2),
            F.max_pool2d(x, 3, 2),
        ],
        1,
    )

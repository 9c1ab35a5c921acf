"""The 4x4 convolutions of stride 2 as matrix products, for a population on a GPU.

Libraries run the convolutions of many members as one of many groups, for which their kernels are poor; a product of
many matrices is what a GPU does best. In blocks of 2x2 pixels such a convolution is one of 2x2 blocks and stride 1:
four shifted views of the blocks side by side, times one matrix. Pixels first, channels last, as the products want them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from betavae.types import Params


def halve(params: Params, name: str, x: Tensor) -> Tensor:
    """A 4x4 convolution of stride 2 and padding 1: ``[n, in, s, s]`` to ``[n, out, s/2, s/2]``."""
    weight, bias = params[f"{name}.weight"], params[f"{name}.bias"]
    half = x.shape[-1] // 2
    padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
    # [n, h+1, 2, h+1, 2, in] -> [n, h+1, h+1, 2·2·in]: each block's four pixels end to end.
    blocks = padded.unflatten(2, (half + 1, 2)).unflatten(1, (half + 1, 2)).permute(0, 1, 3, 2, 4, 5).flatten(3)
    around = torch.cat([blocks[:, a : a + half, b : b + half] for a in (0, 1) for b in (0, 1)], -1)
    # Row 2a + r and column 2b + q of the kernel meet pixel (r, q) of the block shifted by (a, b).
    matrix = weight.unflatten(3, (2, 2)).unflatten(2, (2, 2)).permute(2, 4, 3, 5, 1, 0).flatten(0, 4)
    out: Tensor = _product(around, matrix) + bias
    return out.permute(0, 3, 1, 2)


def double(params: Params, name: str, x: Tensor) -> Tensor:
    """Its transpose: ``[n, in, s, s]`` to ``[n, out, 2s, 2s]``."""
    weight, bias = params[f"{name}.weight"], params[f"{name}.bias"]
    size = x.shape[-1]
    padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
    around = torch.cat([padded[:, a : a + size + 1, b : b + size + 1] for a in (0, 1) for b in (0, 1)], -1)
    # A block of the (padded) result hears of the pixel at (a, b) through row 2(1 - a) + r, column 2(1 - b) + q.
    taps = weight.unflatten(3, (2, 2)).unflatten(2, (2, 2)).flip(2, 4)
    matrix = taps.permute(2, 4, 0, 3, 5, 1).flatten(3).flatten(0, 2)
    blocks: Tensor = _product(around, matrix).unflatten(3, (2, 2, weight.shape[1]))
    whole = blocks.permute(0, 1, 3, 2, 4, 5).flatten(3, 4).flatten(1, 2)
    return whole[:, 1:-1, 1:-1].permute(0, 3, 1, 2) + bias[:, None, None]


def _product(pixels: Tensor, matrix: Tensor) -> Tensor:
    """``[n, h, w, K]`` times ``[K, out]``: two axes and no more, so that under ``vmap`` it is one product a member."""
    return (pixels.flatten(0, 2) @ matrix).view(*pixels.shape[:3], -1)

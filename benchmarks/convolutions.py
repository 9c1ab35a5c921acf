"""Other ways to write the 4x4 convolutions of a population, to hold against the package's own: losers stay here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import torch
import torch.nn.functional as F
from torch import Tensor

Params = dict[str, Tensor]


def halve_by_product(params: Params, name: str, x: Tensor) -> Tensor:
    """The convolution as unfold and a matrix product: under ``vmap`` one batched product."""
    weight = params[f"{name}.weight"].flatten(1)
    columns = F.unfold(x, 4, padding=1, stride=2)  # [n, in·16, s²/4]
    out = weight @ columns + params[f"{name}.bias"][:, None]
    made: Tensor = out.unflatten(-1, (x.shape[-1] // 2, x.shape[-1] // 2))
    return made


def double_by_product(params: Params, name: str, x: Tensor) -> Tensor:
    """Its transpose as a matrix product and fold."""
    weight = params[f"{name}.weight"].flatten(1)
    columns = weight.mT @ x.flatten(2)
    size = 2 * x.shape[-1]
    return F.fold(columns, (size, size), 4, padding=1, stride=2) + params[f"{name}.bias"][:, None, None]


def _last(weight: Tensor) -> Tensor:
    return weight.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)


def halve_channels_last(params: Params, name: str, x: Tensor) -> Tensor:
    weight = _last(params[f"{name}.weight"])
    return F.conv2d(_last(x), weight, params[f"{name}.bias"], stride=2, padding=1)


def double_channels_last(params: Params, name: str, x: Tensor) -> Tensor:
    weight = _last(params[f"{name}.weight"])
    return F.conv_transpose2d(_last(x), weight, params[f"{name}.bias"], stride=2, padding=1)


RIVALS = {
    "kernels": None,
    "unfold and batched product": (halve_by_product, double_by_product),
    "kernels, channels last": (halve_channels_last, double_channels_last),
}
"""The package's own layers, and what stands in for them."""


@contextmanager
def written(rival: str) -> Iterator[None]:
    """The convolutional VAE written in one of RIVALS while it lasts."""
    pair = RIVALS[rival]
    if pair is None:
        yield
        return
    with mock.patch("betavae.models.layers.halve", pair[0]), mock.patch("betavae.models.layers.double", pair[1]):
        yield


def agree() -> float:
    """The largest difference between the ways over one convolution and its transpose, in float64."""
    from betavae.models import layers

    x = torch.randn(2, 8, 8, 8, dtype=torch.float64)
    params = {"a.weight": torch.randn(8, 8, 4, 4, dtype=torch.float64), "a.bias": torch.randn(8, dtype=torch.float64)}
    worst = 0.0
    for pair in RIVALS.values():
        if pair:
            worst = max(worst, float((pair[0](params, "a", x) - layers.halve(params, "a", x)).abs().max()))
            worst = max(worst, float((pair[1](params, "a", x) - layers.double(params, "a", x)).abs().max()))
    return worst

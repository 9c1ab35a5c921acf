"""Your own images as a dataset: a full grid of factors as an array, or any images with a table of labels."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from betavae.datasets.base import Dataset
from betavae.datasets.rendering import stored
from betavae.errors import Misuse
from betavae.factors import Factors

if TYPE_CHECKING:
    from betavae.types import Array

CHANNELS = (1, 3)


def from_array(
    name: str,
    images: Any,
    factor_names: Sequence[str],
    factor_sizes: Sequence[int],
    *,
    device: str | torch.device = "cpu",
) -> Dataset:
    """A dataset of a full grid of factors: image i shows the i-th combination, last factor fastest.

    ``images`` are ``[N, H, W]``, ``[N, H, W, C]`` or ``[N, C, H, W]`` with one or three channels: uint8, bool, or float
    in [0, 1], which is kept in 256 levels. Raises Misuse where N is not the product of the sizes or pixels do not fit.
    """
    factors = _factors(name, factor_names, factor_sizes)
    pixels = _pixels(name, images)
    if len(pixels) != factors.size:
        product = "·".join(map(str, factors.sizes))
        raise Misuse(
            f"{name}: {len(pixels):,} images, but the grid {product} has {factors.size:,} combinations; "
            "for images that are no full grid use from_table"
        )
    return _dataset(name, pixels, factors, torch.device(device))


def from_table(
    name: str,
    images: Any,
    labels: Any,
    label_names: Sequence[str],
    *,
    device: str | torch.device = "cpu",
) -> Dataset:
    """A dataset of images, as in ``from_array``, and a table ``[N, K]`` of their labels, of any values.

    Where every combination of labels occurs exactly once, in any order, the images are put in grid order and the labels
    become factors. Elsewhere ``factors`` is None: train, reconstruct and measure FID as usual, but a metric that needs
    the grid will say so. Raises Misuse where the table does not fit the images.
    """
    pixels = _pixels(name, images)
    table = np.asarray(labels)
    if table.ndim != 2 or table.shape != (len(pixels), len(label_names)):
        raise Misuse(f"{name}: labels have shape {table.shape}, wanted {(len(pixels), len(label_names))}")
    columns = [np.unique(column, return_inverse=True) for column in table.T]
    sizes = [len(values) for values, _ in columns]
    if int(np.prod(sizes, dtype=object)) == len(pixels):
        place = np.ravel_multi_index(tuple(inverse.reshape(-1) for _, inverse in columns), tuple(sizes))
        order = np.argsort(place, kind="stable")
        if np.array_equal(place[order], np.arange(len(pixels))):
            return _dataset(name, pixels[order], _factors(name, label_names, sizes), torch.device(device))
    return _dataset(name, pixels, None, torch.device(device))


def _factors(name: str, names: Sequence[str], sizes: Sequence[int]) -> Factors:
    if not names or len(names) != len(sizes) or len(set(names)) != len(names):
        raise Misuse(f"{name}: wanted different factor names and a size for each; given {list(names)}, {list(sizes)}")
    if any(int(size) != size or size < 1 for size in sizes):
        raise Misuse(f"{name}: factor sizes are whole numbers from 1 on; given {list(sizes)}")
    return Factors(tuple(map(str, names)), tuple(map(int, sizes)))


def _pixels(name: str, images: Any) -> Array:
    """The images as uint8 ``[N, C, H, W]``."""
    array = np.asarray(images.detach().cpu() if isinstance(images, torch.Tensor) else images)
    if array.ndim == 3:
        array = array[:, None]
    elif array.ndim != 4 or (array.shape[1] not in CHANNELS and array.shape[3] not in CHANNELS):
        raise Misuse(
            f"{name}: images have shape {array.shape}, wanted [N, H, W], [N, H, W, C] or [N, C, H, W], C 1 or 3"
        )
    elif array.shape[3] in CHANNELS and array.shape[1] in CHANNELS:
        raise Misuse(f"{name}: images of shape {array.shape} may be [N, H, W, C] or [N, C, H, W]; wanted larger images")
    elif array.shape[3] in CHANNELS:
        array = array.transpose(0, 3, 1, 2)
    if not array.size:
        raise Misuse(f"{name}: there are no images in shape {array.shape}")
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if array.dtype == np.bool_:
        return np.where(array, np.uint8(255), np.uint8(0))
    if not np.issubdtype(array.dtype, np.floating):
        raise Misuse(f"{name}: images are {array.dtype}, wanted uint8 (0 to 255), bool, or float in [0, 1]")
    low, high = float(array.min()), float(array.max())
    if not (low >= 0 and high <= 1):
        raise Misuse(f"{name}: float pixels run from {low:g} to {high:g}, wanted 0 to 1; divide by 255 or give uint8")
    levels: Array = np.rint(array * 255).astype(np.uint8)
    return levels


def _dataset(name: str, pixels: Array, factors: Factors | None, device: torch.device) -> Dataset:
    content = hashlib.sha256(repr((pixels.shape, factors and tuple(factors))).encode())
    content.update(np.ascontiguousarray(pixels).data)
    return Dataset(
        name=name,
        shape=(pixels.shape[1], pixels.shape[2], pixels.shape[3]),
        size=len(pixels),
        factors=factors,
        source="own",
        digest=content.hexdigest(),
        renderer=stored(pixels, device),
        device=device,
    )

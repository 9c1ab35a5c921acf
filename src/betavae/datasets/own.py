"""Your own images as a dataset: a full grid of factors as an array, or any images with a table of labels."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from betavae.datasets import labels as tables
from betavae.datasets.base import Dataset
from betavae.datasets.rendering import placed, stored
from betavae.errors import Misuse, notice, shown
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

    ``images`` are ``[N, H, W]``, ``[N, H, W, C]`` or ``[N, C, H, W]`` with one or three channels: bool, uint8, or float
    in [0, 1], which is kept in 256 levels. uint8 of 0 and 1 alone, as in dSprites' own file, is black and white, and
    a Notice says so. Raises Misuse where N is not the product of the sizes or pixels do not fit.
    """
    factors = _factors(name, factor_names, factor_sizes)
    pixels = bytes_of(name, images)
    if len(pixels) != factors.size:
        product = "·".join(map(str, factors.sizes))
        raise Misuse(
            f"{name}: {len(pixels):,} images, but the grid {product} has {factors.size:,} combinations; "
            "for images that are no full grid use from_table"
        )
    return _dataset(name, pixels, factors, None, device)


def from_table(
    name: str,
    images: Any,
    labels: Any,
    label_names: Sequence[str],
    *,
    device: str | torch.device = "cpu",
) -> Dataset:
    """A dataset of images, as in ``from_array``, and a table ``[N, K]`` of their labels: numbers, or words.

    Where every combination of labels occurs exactly once, in any order, the images are put in grid order and the labels
    become factors. Elsewhere ``factors`` is None, a Notice says which column or how many combinations are to blame, and
    ``labels``, ``label_names`` and ``label_values`` keep the table as classes: train, reconstruct and measure FID as
    usual, but a metric that needs the grid will say so. Raises Misuse where the table does not fit the images or a
    label is missing.
    """
    pixels = bytes_of(name, images)
    found = tables.table(name, labels, tables.named(name, "label names", label_names), len(pixels))
    order = tables.grid_order(found)
    if order is not None:
        return _dataset(name, pixels[order], Factors(found.names, found.sizes), None, device)
    notice(f"{name}: its labels are no full grid, so they are kept as classes: {tables.why_no_grid(found)}")
    return _dataset(name, pixels, None, found, device)


def _factors(name: str, names: Any, sizes: Any) -> Factors:
    names = tables.named(name, "factor names", names)
    try:
        given = [] if isinstance(sizes, str | bytes) else [float(size) for size in sizes]
    except (TypeError, ValueError, OverflowError):
        given = []
    if len(given) != len(names) or not all(size >= 1 and size.is_integer() for size in given):
        raise Misuse(
            f"{name}: factor sizes are {shown(sizes)}; wanted a whole number from 1 on for each of {', '.join(names)}"
        )
    return Factors(names, tuple(map(int, given)))


def bytes_of(name: str, images: Any) -> Array:
    """Images of any kind that ``from_array`` takes as uint8 ``[N, C, H, W]``. Raises Misuse."""
    if not isinstance(name, str) or not name:
        raise Misuse(f"a dataset's name is {shown(name)}; wanted a string")
    array = tables.plain(f"{name}: images", images)
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
        if array.max() == 1:
            notice(f"{name}: pixels are uint8 of 0 and 1, taken as black and white; for grey levels 0 and 1 give float")
            array = array * np.uint8(255)
        return np.ascontiguousarray(array)
    if array.dtype == np.bool_:
        return np.where(array, np.uint8(255), np.uint8(0))
    if not np.issubdtype(array.dtype, np.floating):
        raise Misuse(f"{name}: images are {array.dtype}, wanted uint8 (0 to 255), bool, or float in [0, 1]")
    low, high = float(array.min()), float(array.max())
    if not (low >= 0 and high <= 1):
        what = "add 1 and halve" if -1 <= low < 0 and high <= 1 else "divide by 255 or give uint8"
        raise Misuse(f"{name}: float pixels run from {low:g} to {high:g}, wanted 0 to 1; {what}")
    if 0 < high <= 1 / 255 + 1e-6:
        raise Misuse(f"{name}: float pixels run to {high:g}, which is black; were pixels of 0 and 1 divided by 255?")
    levels: Array = np.rint(array * 255).astype(np.uint8)
    return levels


def _dataset(
    name: str, pixels: Array, factors: Factors | None, labels: tables.Labels | None, device: str | torch.device
) -> Dataset:
    content = hashlib.sha256(repr((pixels.shape, factors and tuple(factors))).encode())
    content.update(np.ascontiguousarray(pixels).data)
    if labels is not None:
        content.update(repr((labels.names, labels.values)).encode())
        content.update(np.ascontiguousarray(labels.classes).data)
    where = placed(device)
    return Dataset(
        name=name,
        shape=(pixels.shape[1], pixels.shape[2], pixels.shape[3]),
        size=len(pixels),
        factors=factors,
        source="own",
        digest=content.hexdigest(),
        renderer=stored(pixels, where),
        device=where,
        labels=None if labels is None else torch.from_numpy(labels.classes),
        label_names=() if labels is None else labels.names,
        label_values=() if labels is None else labels.values,
    )

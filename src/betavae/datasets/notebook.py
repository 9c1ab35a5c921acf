"""How a dataset shows itself in a notebook: a few of its images, and its factors."""

from __future__ import annotations

import base64
import io
import math
from html import escape
from typing import TYPE_CHECKING

import torch

from betavae import rng

if TYPE_CHECKING:
    from betavae.datasets.base import Dataset

ROWS, COLUMNS = 3, 12
MOST = 40
"""Names of factors or labels that are shown."""


def html(dataset: Dataset) -> str:
    """A fragment of HTML: a mosaic of images drawn by the dataset's name, what it is, its factors or labels."""
    count = min(ROWS * COLUMNS, dataset.size)
    chosen = torch.randperm(dataset.size, generator=rng.generator("notebook", dataset.name))[:count].sort().values
    shape = " × ".join(map(str, dataset.shape))
    lines = [f"<b>{escape(dataset.name)}</b>: {dataset.size:,} images of {shape}, {escape(dataset.source)}"]
    if dataset.factors is not None:
        lines.append("a full grid of " + _sizes(dataset.factors.names, dataset.factors.sizes))
    elif dataset.labels is not None:
        lines.append("labels: " + _sizes(dataset.label_names, [len(values) for values in dataset.label_values]))
    picture = base64.b64encode(png(dataset.render(chosen))).decode()
    lines.append(f'<img alt="{count} images of {escape(dataset.name)}" src="data:image/png;base64,{picture}">')
    return "<div>" + "<br>".join(lines) + "</div>"


def png(images: torch.Tensor) -> bytes:
    """Images ``[n, 1 or 3, H, W]`` in [0, 1] side by side, a pixel apart, as one PNG."""
    from PIL import Image

    count, channels, height, width = images.shape
    columns = min(COLUMNS, count)
    rows = math.ceil(count / columns)
    sheet = torch.full((rows, height + 1, columns, width + 1, channels), 255, dtype=torch.uint8)
    grey = (images.detach().cpu() * 255).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
    for k, image in enumerate(grey):
        sheet[k // columns, :height, k % columns, :width] = image
    pixels = sheet.reshape(rows * (height + 1), columns * (width + 1), channels)[:-1, :-1]
    buffer = io.BytesIO()
    Image.fromarray(pixels.squeeze(-1).numpy()).save(buffer, "PNG")
    return buffer.getvalue()


def _sizes(names: tuple[str, ...], sizes: tuple[int, ...] | list[int]) -> str:
    said = [f"{escape(name)} {size:,}" for name, size in zip(names, sizes, strict=True)]
    return " · ".join(said[:MOST]) + (f" … {len(said) - MOST} more" if len(said) > MOST else "")

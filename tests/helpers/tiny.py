"""Small datasets for tests: a full grid drawn by formula, nothing on disk."""

from __future__ import annotations

import torch
from torch import Tensor

from betavae.datasets.base import Dataset
from betavae.factors import Factors


def squares(side: int = 32, channels: int = 1) -> Dataset:
    """A square of 3 sizes and 4 brightnesses at 8 x 8 places: 768 images in which every factor shows."""
    factors = Factors(("size", "brightness", "posX", "posY"), (3, 4, 8, 8))
    grid = torch.arange(side)

    def render(index: Tensor) -> Tensor:
        size, brightness, x, y = factors.values(index).unbind(-1)
        half = (side // 16 + side // 16 * size)[:, None]
        cx, cy = ((v * (side - side // 4) // 7 + side // 8)[:, None] for v in (x, y))
        rows, columns = ((grid - c).abs() < half for c in (cy, cx))
        image = (rows[:, :, None] & columns[:, None, :]).float() * ((1 + brightness) / 4)[:, None, None]
        return image[:, None].repeat(1, channels, 1, 1)

    return Dataset("squares", (channels, side, side), factors.size, factors, "drawn", "squares-1", render)

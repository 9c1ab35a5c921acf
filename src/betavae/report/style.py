"""How figures look: one colour per β and method everywhere (Okabe and Ito's colour-blind safe set), saved as PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from betavae.report.document import Picture
from betavae.report.rows import Row

if TYPE_CHECKING:
    from betavae.types import Array

DPI = 144
"""Pixels per inch of the files; pages show them at 96, so they stay sharp on fine screens."""

BETA_COLOURS = {0.1: "#56B4E9", 1.0: "#0072B2", 4.0: "#E69F00", 10.0: "#D55E00"}
METHOD_COLOURS = {"pca": "#009E73", "ica": "#CC79A7"}
OTHER = "#666666"
GAP = 190
"""The grey between images of a sheet: neither black nor white pictures run into each other."""
SPARE = ("#332288", "#117733", "#AA4499", "#882255")
FACTOR_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = {"mlp": "o", "conv": "s", "pca": "^", "ica": "v"}
FLOOR = "P"
"""The mark of floors: filled, and unlike the diamond and the star of printed numbers."""


def colour(row: Row) -> str:
    """The colour of a row: by β for VAEs, by method for the rest."""
    if row.beta is None:
        return METHOD_COLOURS.get(row.method, OTHER)
    return BETA_COLOURS.get(row.beta) or SPARE[int(1000 * row.beta) % len(SPARE)]


def canvas(width: float, height: float, **layout: Any) -> Figure:
    """An empty figure of so many inches, drawn by Agg without any global state."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained", **layout)
    FigureCanvasAgg(figure)
    return figure


def tidy(ax: Axes, title: str = "", x: str = "", y: str = "", grid: str = "y") -> None:
    """Titles and labels at reading size, a light grid, no box."""
    ax.set_title(title, fontsize=10, loc="left")
    ax.set_xlabel(x, fontsize=9)
    ax.set_ylabel(y, fontsize=9)
    ax.tick_params(labelsize=8.5)
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_axisbelow(True)
    if grid:
        ax.grid(axis=grid, color="#dddddd", linewidth=0.7)  # type: ignore[arg-type]


def spread(n: int, width: float) -> list[float]:
    """Offsets that keep n dots apart within a width, symmetric about 0."""
    return [0.0] if n == 1 else [width * (i / (n - 1) - 0.5) for i in range(n)]


def picture(name: str, figure: Figure, caption: str) -> Picture:
    """A figure as a PNG without date or program name, so that equal figures are equal bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return Picture(name, buffer.getvalue(), caption, round(figure.get_figwidth() * 96), figure)


def mosaic(images: Array, columns: int, gap: int = 2) -> Array:
    """Images uint8 ``[n, C, H, W]`` side by side in rows, as ``[height, width, 3]``, grey between them."""
    n, _, height, width = images.shape
    rows = -(-n // columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), GAP, np.uint8)
    for i, image in enumerate(images):
        y, x = i // columns * (height + gap), i % columns * (width + gap)
        sheet[y : y + height, x : x + width] = np.moveaxis(np.broadcast_to(image, (3, height, width)), 0, -1)
    return sheet


def show(ax: Axes, sheet: Array, title: str = "") -> None:
    """A sheet of images as it is, pixels sharp."""
    ax.imshow(sheet, interpolation="nearest")
    ax.set_title(title, fontsize=9.5, loc="left")
    ax.set_xticks([])
    ax.set_yticks([])
    for side in ax.spines.values():
        side.set_visible(False)


def sheets(panels: Sequence[tuple[str, Array]], width: float, across: int = 1) -> Figure:
    """Titled sheets of images, ``across`` beside each other, each as high as its shape asks."""
    down = -(-len(panels) // across)
    each = width / across
    lines = [panels[r * across : (r + 1) * across] for r in range(down)]
    heights = [max(s.shape[0] / s.shape[1] for _, s in line) * each + 0.28 for line in lines]
    figure = canvas(width, sum(heights))
    grid = figure.subplots(down, across, squeeze=False, height_ratios=heights)
    for ax in grid.flat[len(panels) :]:
        ax.set_visible(False)
    for ax, (title, sheet) in zip(grid.flat, panels, strict=False):
        show(ax, sheet, title)
    return figure

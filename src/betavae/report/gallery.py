"""Figures of images and of the latent space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from betavae.report.style import FACTOR_COLOURS, canvas, mosaic, sheets, tidy

if TYPE_CHECKING:
    from betavae.types import Array


MOST_CODES = 32
"""Codes that one matrix can show."""


def samples(panels: Sequence[tuple[str, Array]], columns: int = 10, rows: int = 4) -> Figure:
    """Figures 1 and 2: images of each dataset."""
    return sheets([(title, mosaic(images[: columns * rows], columns)) for title, images in panels], 6.6)


def reconstructions(panels: Sequence[tuple[str, Array, Array]], columns: int = 8, across: int = 2) -> Figure:
    """Originals above their reconstructions, ``columns`` a panel, spread over those given; ``across`` panels a line."""
    shown = []
    for title, images, made in panels:
        n = min(columns, len(images))
        these = np.linspace(0, len(images) - 1, n).round().astype(int)  # indices ascend: the first would be one shape
        shown.append((title, mosaic(np.concatenate([images[these], made[these]]), n)))
    return sheets(shown, 8.6, across=min(across, len(shown)))


class Traversal(NamedTuple):
    """One run's traversals: images uint8 ``[Z, T, C, H, W]``, KL in nats (or the standard deviation of the code), code
    number and values per latent.
    """

    title: str
    images: Array
    kl: Array
    code: Array
    values: Array
    original: Array


def traversal(title: str, arrays: Mapping[str, Array]) -> Traversal:
    """The panel of an answer's arrays; codes that have no KL are told by their standard deviation, and the title says
    so.
    """
    beside = arrays.get("kl")
    if beside is None:
        title, beside = f"{title}, sd of each code", arrays["sd"]
    return Traversal(title, arrays["images"], beside, arrays["code"], arrays["values"], arrays["original"])


def traversals(panels: Sequence[Traversal]) -> Figure:
    """Figure 4: the image that is encoded, then one line per code, its value from left to right, its KL in nats beside
    it; two runs a line.
    """
    across = min(2, len(panels))
    down = -(-len(panels) // across)
    lines = max(p.images.shape[0] for p in panels)
    figure = canvas(8.6, down * (0.41 * lines + 0.7))
    grid = figure.subplots(down, across, squeeze=False)
    for ax in grid.flat[len(panels) :]:
        ax.set_visible(False)
    for ax, panel in zip(grid.flat, panels, strict=False):
        latents, steps, _, height, width = panel.images.shape
        first = np.full((latents, 1, *panel.images.shape[2:]), 255, np.uint8)
        first[0, 0] = panel.original
        every = np.concatenate([first, panel.images], 1)
        sheet = mosaic(every.reshape(-1, *panel.images.shape[2:]), steps + 1)
        sheet[height:, :width] = 255  # nothing stands below the image
        ax.imshow(sheet, interpolation="nearest")
        ax.set_title(panel.title, fontsize=9, loc="left")
        centres = [k * (height + 2) + height / 2 for k in range(latents)]
        labels = [f"z{int(c)}: {kl:.2f}" for c, kl in zip(panel.code, panel.kl, strict=True)]
        ax.set_yticks(centres, labels, fontsize=7.5)
        ends = [k * (width + 2) + width / 2 for k in range(steps + 1)]
        same = np.allclose(panel.values, panel.values[:1])
        ax.set_xticks(
            ends,
            ["image", *([f"{v:.1f}" for v in panel.values[0]] if same else ["low", *[""] * (steps - 2), "high"])],
            fontsize=7.5,
        )
        ax.tick_params(length=0)
        for side in ax.spines.values():
            side.set_visible(False)
    return figure


class Space(NamedTuple):
    """Codes of factor sweeps on two axes: points ``[P, 2]``, which factor moved ``[P]``, its value ``[P]``."""

    title: str
    points: Array
    factor: Array
    value: Array
    names: Sequence[str]


def spaces(panels: Sequence[Space]) -> Figure:
    """Figure 5: every factor swept through the median image, one colour per factor, the same scale in all panels."""
    figure = canvas(8.6, 5.1)
    grid = figure.subplots(1, len(panels), squeeze=False, sharex=True, sharey=True)[0]
    names: Sequence[str] = ()
    reach = 1.06 * max(float(np.abs(panel.points).max()) for panel in panels)
    for ax, panel in zip(grid, panels, strict=True):
        names = panel.names
        ax.set_xlim(-reach, reach)
        ax.set_ylim(-reach, reach)
        for k in range(len(names)):
            mine = panel.factor == k
            path = panel.points[mine][np.argsort(panel.value[mine], kind="stable")]
            ax.plot(*path.T, "-", color=FACTOR_COLOURS[k % 7], linewidth=0.7, alpha=0.5)
            ax.plot(
                *path.T, "o", color=FACTOR_COLOURS[k % 7], markersize=4, markeredgecolor="white", markeredgewidth=0.3
            )
        tidy(ax, panel.title, "first component", grid="both")
        ax.set_aspect("equal")
    tidy(grid[0], grid[0].get_title(loc="left"), "first component", "second component", grid="both")
    handles = [Line2D([], [], marker="o", color=FACTOR_COLOURS[k % 7], label=name) for k, name in enumerate(names)]
    figure.legend(handles=handles, loc="outside lower center", ncols=max(1, len(handles)), fontsize=8.5, frameon=False)
    return figure


class Matrix(NamedTuple):
    """Shares in [0, 1] by code and factor, ``[Z, K]``, with the names of the factors."""

    title: str
    shares: Array
    names: Sequence[str]


def matrices(panels: Sequence[Matrix], across: int = 3) -> Figure:
    """How much each code knows of each factor, the darker the more; shares of .1 and more are written."""
    tallest = max(len(panel.shares) for panel in panels)
    lines = -(-len(panels) // across)
    figure = canvas(8.6, lines * (1.5 + 0.24 * min(tallest, MOST_CODES)))
    grid = list(figure.subplots(lines, across, squeeze=False).flat)
    for ax, panel in zip(grid, panels, strict=False):
        shares = panel.shares[:MOST_CODES]
        ax.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
        for (j, k), share in np.ndenumerate(shares):
            if share >= 0.1:
                ink = "white" if share > 0.6 else "black"
                ax.text(k, j, f"{share:.2f}".lstrip("0"), ha="center", va="center", fontsize=7.5, color=ink)
        tidy(ax, panel.title, "", "code", grid="")
        ax.set_xticks(range(shares.shape[1]), panel.names, rotation=30, ha="right")
        ax.set_yticks(range(len(shares)))
    for ax in grid[len(panels) :]:
        ax.set_axis_off()
    return figure

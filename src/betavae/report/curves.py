"""Figures along training: losses of every run, and scores asked at several moments."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from betavae.report.rows import Row, Sample
from betavae.report.style import canvas, colour, tidy

if TYPE_CHECKING:
    from betavae.types import Array

Run = tuple[Row, dict[str, "Array"]]


def losses(panels: Mapping[str, Sequence[Run]]) -> Figure:
    """Reconstruction loss and KL in nats per image against images seen, one thin line per run, one column per panel."""
    figure = canvas(8.6, 5.2)
    grid = figure.subplots(2, len(panels), squeeze=False, sharex="col")
    rows: dict[str, Row] = {}
    for (title, runs), upper, lower in zip(panels.items(), grid[0], grid[1], strict=True):
        for row, arrays in runs:
            rows[f"β = {row.beta:g}"] = row
            seen = arrays["seen"]
            upper.plot(seen, arrays["reconstruction"], color=colour(row), linewidth=1, alpha=0.85)
            lower.plot(seen, arrays["kl"].sum(-1), color=colour(row), linewidth=1, alpha=0.85)
        first = upper is grid[0][0]
        tidy(upper, title, y="reconstruction loss, nats per image" if first else "")
        tidy(lower, "", "images seen", "KL, nats per image" if first else "")
        _frame(upper, [a["reconstruction"] for _, a in runs])
        _frame(lower, [a["kl"].sum(-1) for _, a in runs])
        lower.set_ylim(bottom=0)
        lower.ticklabel_format(axis="x", style="plain")
        lower.xaxis.set_major_formatter(lambda x, _: f"{x / 1000:g}k" if x < 1e6 else f"{x / 1e6:g}M")
    handles = [Line2D([], [], color=colour(row), label=label) for label, row in rows.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=8.5, frameon=False)
    return figure


def _frame(ax: Axes, curves: Sequence[Array]) -> None:
    """Leave the first steep fall out of the frame where it would flatten all the rest."""
    late = [float(v) for c in curves for v in c[len(c) // 20 :]]
    if late:
        low, high = min(late), max(late)
        ax.set_ylim(low - 0.06 * (high - low or 1), high + 0.06 * (high - low or 1))


def along(lines: Mapping[Row, Mapping[float, Sample]], title: str, unit: str, images: Mapping[Row, int]) -> Figure:
    """Figures 7 and 8: a score at several moments of training per β, every seed a dot, medians joined."""
    figure = canvas(8.6, 3.8)
    ax = figure.subplots()
    for row, found in lines.items():
        moments = sorted(at for at, sample in found.items() if len(sample))
        middles = [statistics.median(found[at].list) for at in moments]
        seen = [at * images[row] for at in moments]
        ax.plot(seen, middles, color=colour(row), linewidth=1.6, label=f"β = {row.beta:g}")
        for x, at in zip(seen, moments, strict=True):
            ax.plot([x] * len(found[at]), found[at].list, "o", color=colour(row), markersize=4.5,
                    markeredgecolor="white", markeredgewidth=0.5)  # fmt: skip
    tidy(ax, title, "images seen", unit)
    ax.set_xlim(left=0)
    ax.xaxis.set_major_formatter(lambda x, _: f"{x / 1000:g}k" if x < 1e6 else f"{x / 1e6:g}M")
    figure.legend(loc="outside right center", fontsize=8.5, frameon=False)
    return figure

"""Figures of scores: every seed a dot, the median a bar, the published number a mark. Functions return a Figure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from betavae.report.rows import Row, Sample
from betavae.report.statistics.summary import median_interval
from betavae.report.style import FLOOR, MARKERS, OTHER, canvas, colour, spread, tidy


class Strip(NamedTuple):
    """One line of a strip plot: our values per seed and what is printed for it, all in the panel's own unit."""

    label: str
    row: Row
    sample: Sample
    published: float | None = None
    reprinted: float | None = None


def strips(panels: Mapping[str, Sequence[Strip]], unit: str, chance: Mapping[str, float] | None = None) -> Figure:
    """Panels of horizontal strips side by side, one row per model; ``chance`` draws a floor per panel."""
    lines = max(len(p) for p in panels.values())
    figure = canvas(8.6, 0.36 * lines + 1.25)
    grid = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for k, (ax, (title, panel)) in enumerate(zip(grid, panels.items(), strict=True)):
        for y, strip in enumerate(panel):
            _strip(ax, y, strip)
        if chance and title in chance:
            ax.axvline(chance[title], color="#999999", linestyle=":", linewidth=1.2)
            place = {"fontsize": 7.5, "color": "#666666", "va": "bottom", "ha": "left"}
            ax.text(chance[title], -0.75, f" chance {chance[title]:.0f}", **place)
        tidy(ax, title, unit, grid="x")
        ax.set_ylim(len(panel) - 0.4, -0.8)
        ax.set_yticks(range(len(panel)), [s.label for s in panel])
        ax.tick_params(axis="y", left=k == 0, labelleft=k == 0)
        if chance:
            ax.set_xlim(0, 103)
    figure.legend(handles=_legend(panels), loc="outside lower center", ncols=5, fontsize=8, frameon=False)
    return figure


def _strip(ax: Axes, y: float, strip: Strip) -> None:
    shade, fill = colour(strip.row), strip.sample
    values = fill.list
    if len(values) >= 2:
        interval = median_interval(values)
        assert interval is not None
        ax.plot([interval.low, interval.high], [y, y], color=shade, linewidth=5, alpha=0.28, solid_capstyle="butt")
    for seed, offset in zip(sorted(fill.values), spread(len(values), 0.34 if len(values) > 1 else 0.0), strict=True):
        fell = seed in fill.diverged
        mark = "x" if fell else MARKERS.get(strip.row.method, FLOOR)
        look = (
            {"color": shade} if fell else {"markerfacecolor": shade, "markeredgecolor": "white", "markeredgewidth": 0.5}
        )
        ax.plot([fill.values[seed]], [y + offset], mark, markersize=5.5, zorder=3, **look)
    if len(values) > 1:  # the median of one value is its dot
        middle = statistics.median(values)
        ax.plot([middle, middle], [y - 0.3, y + 0.3], color="black", linewidth=1.8, zorder=2.5)
    if strip.published is not None:
        ax.plot([strip.published], [y], "D", markersize=6, markerfacecolor="none", markeredgecolor="black", zorder=5)
    if strip.reprinted is not None:
        ax.plot([strip.reprinted], [y], "*", markersize=8, markerfacecolor="white", markeredgecolor="black", zorder=5)


def _legend(panels: Mapping[str, Sequence[Strip]]) -> list[Line2D]:
    every = [s for p in panels.values() for s in p]
    bare = {"linestyle": "none", "color": OTHER}
    handles = [Line2D([], [], marker="o", markersize=5, label="one seed", **bare)]  # type: ignore[arg-type]
    handles.append(Line2D([], [], color="black", linewidth=1.8, label="median"))
    handles.append(Line2D([], [], color=OTHER, alpha=0.3, linewidth=5, label="interval of the median"))
    hollow = {"linestyle": "none", "markerfacecolor": "none", "markeredgecolor": "black"}
    if any(s.published is not None for s in every):
        handles.append(Line2D([], [], marker="D", label="paper", **hollow))  # type: ignore[arg-type]
    if any(s.reprinted is not None for s in every):
        handles.append(Line2D([], [], marker="*", markersize=8, label="Higgins et al.", **hollow))  # type: ignore[arg-type]
    if any(s.sample.diverged for s in every):
        handles.append(Line2D([], [], marker="x", label="diverged", **bare))  # type: ignore[arg-type]
    return handles


class Bar(NamedTuple):
    """One bar of Figure 3; ``twin`` is the same measured with a quirk on."""

    label: str
    row: Row
    sample: Sample
    twin: Sample | None = None


def medians(
    panels: Mapping[str, Sequence[Bar]],
    chance: Mapping[str, float],
    published: Mapping[str, float],
    whose: str,
    twin: str,
) -> Figure:
    """Figure 3: bars of medians per dataset with every seed as a dot, twins hatched beside them, in per cent; one line
    a panel for what is published, ``whose`` it is in the legend.
    """
    figure = canvas(8.6, 3.9)
    counts = [max(4, len(p)) for p in panels.values()]  # a title wants room
    grid = figure.subplots(1, len(panels), squeeze=False, sharey=True, width_ratios=counts)[0]
    hatched = False
    for ax, (title, panel) in zip(grid, panels.items(), strict=True):
        for x, bar in enumerate(panel):
            paired = bar.twin is not None and len(bar.twin) > 0
            _bar(ax, x - 0.2 * paired, 0.36 if paired else 0.62, bar.row, bar.sample, "")
            if paired:
                assert bar.twin is not None
                hatched = True
                _bar(ax, x + 0.2, 0.36, bar.row, bar.twin, "////")
        ax.axhline(chance[title], color="#777777", linestyle=":", linewidth=1.2)
        vaes = sum(bar.row.beta is not None for bar in panel)
        if title in published and vaes:  # it is of them alone
            value = published[title]
            ax.plot([-0.5, vaes - 0.5], [value, value], color="black", linestyle="--", linewidth=1, zorder=4)
            box = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1}
            ax.text(vaes - 0.5, value + 1, f"{value:.1f}", fontsize=7.5, ha="right", va="bottom", zorder=5, bbox=box)
        tidy(ax, title)
        ax.set_xticks(range(len(panel)), [b.label for b in panel])
        ax.set_ylim(0, 108)
    tidy(grid[0], grid[0].get_title(loc="left"), y="Higgins score, %")
    bare = {"linestyle": "none", "color": OTHER}
    handles: list[object] = [Line2D([], [], marker="o", markersize=5, label="one seed", **bare)]  # type: ignore[arg-type]
    handles.append(Line2D([], [], color="#777777", linestyle=":", label="chance"))
    if published:
        handles.append(Line2D([], [], color="black", linestyle="--", linewidth=1, label=whose))
    if hatched:
        handles.append(Patch(facecolor="#cccccc", edgecolor="black", hatch="////", label=f"with {twin}"))
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    return figure


def _bar(ax: Axes, x: float, width: float, row: Row, sample: Sample, hatch: str) -> None:
    values = [100 * v for v in sample.list]
    if not values:
        ax.text(x, 2, "not run", rotation=90, fontsize=7.5, color="#666666", ha="center", va="bottom")
        return
    middle = statistics.median(values)
    ax.bar([x], [middle], width, color=colour(row), alpha=0.45, hatch=hatch, edgecolor="black" if hatch else "none")
    for value, offset in zip(values, spread(len(values), width * 0.6 if len(values) > 1 else 0.0), strict=True):
        ax.plot(
            [x + offset], [value], "o", markersize=4.5, color=colour(row), markeredgecolor="white", markeredgewidth=0.5
        )


def against_pairs(
    lines: Sequence[tuple[Row, Mapping[int, Sample]]], limits: Mapping[Row, float], chance: float
) -> Figure:
    """Figure 6: score against L per model, every seed a dot, medians joined, the limit L → ∞ at the right edge."""
    figure = canvas(8.6, 4.2)
    ax = figure.subplots()
    pairs = sorted({p for _, found in lines for p in found})
    end = max(pairs) * 3.2 if pairs else 1.0
    for k, (row, found) in enumerate(lines):
        shift = 1 + 0.05 * (k - (len(lines) - 1) / 2)
        style = "--" if row.beta is None else "-"
        middles = [(p * shift, 100 * statistics.median(found[p].list)) for p in sorted(found) if len(found[p])]
        ax.plot(*zip(*middles, strict=True), style, color=colour(row), linewidth=1.6, label=row.label)
        for p, sample in found.items():
            mark = MARKERS.get(row.method, FLOOR)
            ax.plot([p * shift] * len(sample), [100 * v for v in sample.list], mark, color=colour(row), markersize=4.5,
                    markeredgecolor="white", markeredgewidth=0.5)  # fmt: skip
        if row in limits:
            ax.plot(
                [middles[-1][0], end * shift], [middles[-1][1], 100 * limits[row]], ":", color=colour(row), linewidth=1
            )
            ax.plot([end * shift], [100 * limits[row]], ">", color=colour(row), markersize=7, markerfacecolor="white")
    ax.set_xscale("log", base=2)
    ax.axhline(100 * chance, color="#777777", linestyle=":", linewidth=1.2, label=f"chance, {100 * chance:.0f}")
    ticks = [*pairs, end] if limits else pairs
    ax.set_xticks(ticks, [*map(str, pairs), "∞"] if limits else [*map(str, pairs)])
    ax.minorticks_off()
    tidy(ax, "", "L, pairs per vote", "Higgins score, %")
    figure.legend(loc="outside right center", fontsize=8, frameon=False)
    return figure


def equivalence(variance: Sequence[float], lines: Mapping[str, Sequence[float]]) -> Figure:
    """Section 4.2: how far two gradients are apart, per variance, on a logarithmic scale; zero stands at the bottom."""
    figure = canvas(6.6, 3.0)
    ax = figure.subplots()
    floor = 1e-9
    for (label, values), mark, shade in zip(lines.items(), ("o", "s"), ("#0072B2", "#999999"), strict=True):
        shown = [max(float(v), floor) for v in values]
        ax.plot(variance, shown, f"{mark}-", color=shade, linewidth=1.4, markersize=6, label=label)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_ylim(floor / 2, 40)
    ticks = [floor, 1e-7, 1e-5, 1e-3, 1e-1, 10.0]
    ax.set_yticks(ticks, ["0", *(f"$10^{{{round(math.log10(t))}}}$" for t in ticks[1:])])
    ax.set_xticks(list(variance), [f"{v:g}" for v in variance])
    ax.minorticks_off()
    ax.axhline(1.2e-7, color="#777777", linestyle=":", linewidth=1.2, label="one rounding of float32")
    tidy(ax, "", "σ², variance of the likelihood", "relative difference")
    figure.legend(loc="outside right center", fontsize=8.5, frameon=False)
    return figure

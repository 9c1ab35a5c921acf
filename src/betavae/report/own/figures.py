"""Figures of any study: every seed a dot by setting, scores along training, and the terms of the loss."""

from __future__ import annotations

import statistics
import textwrap
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from betavae.report.rows import Sample
from betavae.report.statistics.summary import median_interval
from betavae.report.style import OTHER, canvas, spread, tidy

if TYPE_CHECKING:
    from betavae.types import Array

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#332288", "#882255")
"""Okabe and Ito's colour-blind safe set, and two of Tol's."""
LINES = len(COLOURS)
"""Settings that one figure of curves can show."""
STRIPS = 24
"""Settings that one figure of dots can show."""
LONGEST = 60


def words(text: str, longest: int = LONGEST) -> str:
    """A text from outside as a figure shows it: no mark of mathematics, no letter that the font lacks."""
    shown = "".join(c if ord(c) in _letters() and c.isprintable() else "?" for c in text)
    return (shown if len(shown) <= longest else f"{shown[: longest - 1]}…").replace("$", r"\$")


def wrapped(text: str, width: int) -> str:
    """The same on up to three lines of so many letters."""
    return "\n".join(textwrap.wrap(words(text, 3 * width), width, max_lines=3, placeholder="…"))


@lru_cache(maxsize=1)
def _letters() -> frozenset[int]:
    return frozenset(font_manager.get_font(font_manager.findfont("DejaVu Sans")).get_charmap())


def strips(rows: Sequence[tuple[str, Sample, bool]], axis: str, chance: float | None) -> Figure:
    """One line of dots per setting, every seed one, the median a bar, its interval a band; floors (True) are grey."""
    figure = canvas(8.6, 0.34 * len(rows) + 1.3)
    ax = figure.subplots()
    for y, (_, sample, floor) in enumerate(rows):
        shade = OTHER if floor else COLOURS[0]
        _strip(ax, y, sample, shade)
    if chance is not None:
        ax.axvline(chance, color="#777777", linestyle=":", linewidth=1.2)
    tidy(ax, "", axis, grid="x")
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_yticks(range(len(rows)), [words(label) for label, _, _ in rows])
    bare = {"linestyle": "none", "marker": "o", "markersize": 5}
    handles = [Line2D([], [], color=COLOURS[0], label="one seed", **bare)]  # type: ignore[arg-type]
    if any(floor for _, _, floor in rows):
        handles.append(Line2D([], [], color=OTHER, label="floor or ceiling", **bare))  # type: ignore[arg-type]
    if any(len(sample) > 1 for _, sample, _ in rows):
        handles.append(Line2D([], [], color="black", linewidth=1.8, label="median"))
        handles.append(Line2D([], [], color=COLOURS[0], alpha=0.3, linewidth=5, label="interval of the median"))
    if any(seed in sample.diverged for _, sample, _ in rows for seed in sample.values):
        handles.append(Line2D([], [], color=COLOURS[0], linestyle="none", marker="x", label="diverged, at chance"))
    if chance is not None:
        handles.append(Line2D([], [], color="#777777", linestyle=":", linewidth=1.2, label=f"chance, {chance:.3g}"))
    _legend(figure, handles)
    return figure


def _strip(ax: Axes, y: float, sample: Sample, shade: str) -> None:
    values = sample.list
    interval = median_interval(values)
    if interval is not None:
        ax.plot([interval.low, interval.high], [y, y], color=shade, linewidth=5, alpha=0.28, solid_capstyle="butt")
        middle = statistics.median(values)
        ax.plot([middle, middle], [y - 0.3, y + 0.3], color="black", linewidth=1.8, zorder=2.5)
    for seed, offset in zip(sorted(sample.values), spread(len(values), 0.34), strict=True):
        if seed in sample.diverged:
            ax.plot([sample.values[seed]], [y + offset], "x", color=shade, markersize=5.5, zorder=3)
        else:
            ax.plot([sample.values[seed]], [y + offset], "o", color=shade, markersize=5.5, zorder=3,
                    markeredgecolor="white", markeredgewidth=0.5)  # fmt: skip
    if not values:
        ax.text(0.01, y, "no number", transform=ax.get_yaxis_transform(), fontsize=7.5, color="#666666", va="center")


def along(lines: Mapping[str, Mapping[float, Sample]], axis: str, chance: float | None) -> Figure:
    """A score against images seen in training, per setting: every seed a dot, medians joined."""
    figure = canvas(8.6, 3.6 + 0.2 * -(-len(lines) // 2))
    ax = figure.subplots()
    for (label, found), shade in zip(lines.items(), COLOURS, strict=False):
        seen = sorted(x for x, sample in found.items() if len(sample))
        ax.plot(seen, [statistics.median(found[x].list) for x in seen], color=shade, linewidth=1.6, label=words(label))
        for x in seen:
            ax.plot([x] * len(found[x]), found[x].list, "o", color=shade, markersize=4.5, markeredgecolor="white",
                    markeredgewidth=0.5)  # fmt: skip
    if chance is not None:
        ax.axhline(chance, color="#777777", linestyle=":", linewidth=1.2, label=f"chance, {chance:.3g}")
    tidy(ax, "", "images seen in training", axis)
    ax.set_xlim(left=0)
    _thousands(ax)
    _legend(figure)
    return figure


def losses(runs: Sequence[tuple[str, Mapping[str, Array]]], terms: Sequence[str], titles: Sequence[str]) -> Figure:
    """The terms of the loss against images seen, a panel a term, one thin line per run, a colour per setting."""
    settings = list(dict.fromkeys(label for label, _ in runs))
    figure = canvas(8.6, 2.9 * -(-len(terms) // 2) + 0.2 * -(-len(settings) // 2) + 0.4)
    grid = figure.subplots(-(-len(terms) // 2), min(2, len(terms)), squeeze=False)
    for ax in grid.flat[len(terms) :]:
        ax.set_visible(False)
    for ax, term, title in zip(grid.flat, terms, titles, strict=False):
        late = []
        for label, arrays in runs:
            if term in arrays:
                curve = arrays[term] if arrays[term].ndim == 1 else arrays[term].sum(-1)
                ax.plot(arrays["seen"], curve, color=COLOURS[settings.index(label) % LINES], linewidth=1, alpha=0.85)
                late += [float(v) for v in curve[len(curve) // 20 :]]
        if late:  # the first steep fall would flatten all the rest
            room = 0.06 * (max(late) - min(late) or 1.0)
            ax.set_ylim(min(late) - room, max(late) + room)
        tidy(ax, words(title), "images seen in training", "nats per image")
        _thousands(ax)
    handles = [Line2D([], [], color=shade, label=words(label)) for label, shade in zip(settings, COLOURS, strict=False)]
    _legend(figure, handles)
    return figure


def _thousands(ax: Axes) -> None:
    ax.xaxis.set_major_formatter(
        lambda x, _: f"{x:g}" if x < 1000 else f"{x / 1000:g}k" if x < 1e6 else f"{x / 1e6:g}M"
    )


def _legend(figure: Figure, handles: Sequence[Line2D] | None = None) -> None:
    """The legend below, in two columns where its words are long."""
    given = {"handles": list(handles)} if handles is not None else {}
    shown = handles if handles is not None else figure.axes[0].get_legend_handles_labels()[0]
    longest = max((len(str(handle.get_label())) for handle in shown), default=0)
    columns = 5 if longest < 25 else 3 if longest < 34 else 2 if longest < 56 else 1
    figure.legend(loc="outside lower center", ncols=columns, fontsize=8, frameon=False, **given)

"""Pictures that were asked for: images, reconstructions, traversals, latent spaces; and the layers of models."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from matplotlib.figure import Figure

from betavae.report import gallery
from betavae.report.document import Explore, Folded, Heading, Part, Table, Text, literal
from betavae.report.own import figures
from betavae.report.own.agreement import UDR
from betavae.report.own.answers import Asked, Own, Setting, told_apart
from betavae.report.style import picture
from betavae.study.cells import Cell
from betavae.study.records import Record

if TYPE_CHECKING:
    from betavae.types import Array

MOST = 24
"""Settings of one question whose pictures are shown: ``betavae figure`` draws the others."""


class Shown(NamedTuple):
    """One panel: a title, the arrays it is drawn from, and the notes of its record."""

    title: str
    arrays: dict[str, Array]
    notes: dict[str, object]


class Kind(NamedTuple):
    """A kind of picture: the arrays it needs by their numbers of axes, panels of a figure, letters of a line of their
    titles, how it is drawn, and what stands below.
    """

    needs: dict[str, int]
    panels: int
    title: int
    draw: Callable[[Sequence[Shown]], Figure]
    says: str


def _samples(shown: Sequence[Shown]) -> Figure:
    return gallery.samples([(one.title, one.arrays["images"]) for one in shown])


def _reconstructions(shown: Sequence[Shown]) -> Figure:
    return gallery.reconstructions([(s.title, s.arrays["images"], s.arrays["reconstructions"]) for s in shown])


def _traversals(shown: Sequence[Shown]) -> Figure:
    return gallery.traversals([gallery.traversal(one.title, one.arrays) for one in shown])


def _spaces(shown: Sequence[Shown]) -> Figure:
    panels = []
    for one in shown:
        told = one.notes.get("factors")
        count = int(one.arrays["factor"].max()) + 1
        names = [figures.words(str(name), 20) for name in told] if isinstance(told, list) else []
        names = names if len(names) >= count else [f"factor {k + 1}" for k in range(count)]
        points, factor, value = (one.arrays[key] for key in ("points", "factor", "value"))
        panels.append(gallery.Space(one.title, points, factor, value, names))
    return gallery.spaces(panels)


def _matrices(shown: Sequence[Shown]) -> Figure:
    panels = []
    for one in shown:
        told, wide = one.notes.get("columns"), one.arrays["matrix"].shape[1]
        names = [figures.words(str(name), 14) for name in told] if isinstance(told, list) else []
        names = names if len(names) == wide else [f"factor {k + 1}" for k in range(wide)]
        panels.append(gallery.Matrix(one.title, one.arrays["matrix"], names))
    return gallery.matrices(panels)


KINDS = {
    "traversals": Kind(
        {"images": 5, "kl": 1, "code": 1, "values": 2, "original": 3}, 4, 44, _traversals,
        "One code moved at a time from left to right, lines ordered by KL, given beside each in nats.",
    ),
    "traversals of codes": Kind(
        {"images": 5, "sd": 1, "code": 1, "values": 2, "original": 3}, 4, 30, _traversals,
        "One code moved at a time from left to right, lines ordered by its standard deviation, given beside each.",
    ),
    "reconstructions": Kind(
        {"images": 4, "reconstructions": 4}, 8, 54, _reconstructions, "Above the original, below its reconstruction.",
    ),
    "latent_space": Kind(
        {"points": 2, "factor": 1, "value": 1}, 3, 26, _spaces,
        "Every factor swept through the median image, on the first two principal components of the codes.",
    ),
    "matrix": Kind(
        {"matrix": 2}, 6, 26, _matrices,
        "The mutual information of every code with every factor, over the factor's entropy: one dark cell in a row and "
        "in a column is a factor kept in one code.",
    ),
    "samples": Kind({"images": 4}, 4, 80, _samples, "Images of the dataset, chosen uniformly at random."),
}  # fmt: skip


def pictures(own: Own) -> list[Part]:
    """The section of what was asked for as pictures, one run per setting, and of the layers of models."""
    parts: list[Part] = []
    for place, dataset in enumerate(own.datasets, 1):
        for number, asked in enumerate(own.asked(dataset), 1):
            found = list(_found(own, asked))
            kind = next((k for k in KINDS.values() if found and all(_fits(k, one) for one in found)), None)
            if kind is KINDS["samples"]:
                found = found[:1]  # the images are the dataset's, whoever was asked for them
            if kind:
                parts += _pictured(kind, f"{place}-{number}", asked, dataset, found)
            elif found and asked.question.measure != UDR:  # its arrays are for what runs have in common
                names = literal(", ".join(sorted(found[0].arrays)))
                parts.append(Text(f"{literal(asked.name)} on {literal(dataset)} left arrays in the store: {names}."))
    return [Heading("Pictures"), *parts] if parts else []


def _found(own: Own, asked: Asked) -> Iterator[Shown]:
    """The arrays of one run per setting: of the seed nearest the median of the setting's first score."""
    short = told_apart(asked.settings)
    for setting in asked.settings:
        cell = typical(own, setting)
        order = [cell, *(c for c in setting.cells.values() if c is not cell)]
        answers = (own.record(c, asked, asked.moments[setting.row][-1]) for c in order)
        record = next((r for r in answers if r and r["status"] == "ok" and r["arrays"]), None)
        if record:
            title = f"{short[setting.row]}, seed {record['cell']['seed']}"
            yield Shown(title, own.arrays(record), record["notes"])


def explored(own: Own, explore: Explore) -> list[Part]:
    """One trained model to be moved: the run nearest the median of the first setting that can be shown."""
    for setting in (one for dataset in own.datasets for one in own.of(dataset)):
        cell = typical(own, setting)
        found = explore(cell.id) if cell.recipe and own.status(cell) == "ok" else None
        if found:
            return [Heading("A model to move"), found]
    return []


def typical(own: Own, setting: Setting) -> Cell:
    """The run of a setting whose main score is nearest the median, by its first question that has one."""
    for asked in own.asked(setting.row.dataset):
        if setting in asked.settings and asked.scores:
            values = own.sample(setting, asked, asked.scores[0]).values
            if values:
                middle = statistics.median(values.values())
                return setting.cells[min(values, key=lambda seed: (abs(values[seed] - middle), seed))]
    return setting.cells[min(setting.cells)]


def _fits(kind: Kind, shown: Shown) -> bool:
    """Whether arrays are of a kind: they come from a file, which may hold anything."""
    arrays = shown.arrays
    return all(name in arrays and arrays[name].ndim == axes and arrays[name].size for name, axes in kind.needs.items())


def _pictured(kind: Kind, name: str, asked: Asked, dataset: str, found: list[Shown]) -> list[Part]:
    parts: list[Part] = []
    shown = found[:MOST]
    for part, k in enumerate(range(0, len(shown), kind.panels), 1):
        of = f" ({part} of {-(-len(shown) // kind.panels)})" if len(shown) > kind.panels else ""
        caption = f"{literal(asked.name)} on {literal(dataset)}{of}. {kind.says}"
        panels = [one._replace(title=figures.wrapped(one.title, kind.title)) for one in shown[k : k + kind.panels]]
        parts.append(picture(f"pictures-{name}-{part}", kind.draw(panels), caption))
    if len(found) > MOST:
        parts.append(Text(f"{len(found) - MOST} settings more have such pictures: `betavae figure` draws them."))
    return parts


def architectures(own: Own) -> list[Part]:
    """The layers of every model that was asked for them, models that are alike once."""
    tables: dict[str, Table] = {}
    for dataset in own.datasets:
        for asked in own.asked(dataset):
            for setting in asked.settings:
                answers = (own.record(cell, asked, asked.moments[setting.row][-1]) for cell in setting.cells.values())
                record = next((r for r in answers if r and isinstance(r["notes"].get("layers"), list)), None)
                if record:
                    table = _layers(f"{literal(setting.row.method)} on {literal(dataset)}", record)
                    tables.setdefault(repr((table.caption, table.rows)), table)
    return [Heading("Architectures"), Folded("Layers of the models", list(tables.values()))] if tables else []


def _layers(caption: str, record: Record) -> Table:
    notes = record["notes"]
    rows = [[literal(str(part)) for part in layer[:2]] for layer in notes["layers"] if isinstance(layer, list)]
    count = notes.get("parameters")
    told = [f"{count:,} parameters, {record['cell']['codes']} codes."] if isinstance(count, int) else []
    return Table(caption, ["Layer", "shape"], [row for row in rows if len(row) == 2], told)

"""What was asked: per dataset and question a table and a figure of every setting and seed, and its other scores."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence

from betavae.report import wording
from betavae.report.document import Folded, Heading, Items, Part, Table, literal
from betavae.report.own import figures
from betavae.report.own.agreement import UDR
from betavae.report.own.answers import Asked, Own, Setting, told_apart
from betavae.report.reads import marks_in
from betavae.report.rows import Sample
from betavae.report.statistics.summary import summarise
from betavae.report.style import picture

SHOWN = 12
"""Up to so many seeds of a row are written out; all of them are dots of its figure."""
PARTS = 5
"""Figures of one question on one dataset; the table has every setting."""
COLUMNS = 6
"""Further scores that one table can show."""
BESIDE = {"floor": "noise codes", "active": "codes that move"}
"""What an answer notes beside its scores, and a table shows as a column: what codes of independent noise score on the
same images, and how many codes are not constant.
"""
ROTATED = "rotated"
"""The score that stands beside the main one: what the same codes have under a random rotation."""
STATES = {"diverged": "diverged", "error": "failed", "not run": "not run"}
"""What became of an answer that is not there, in words."""


def scores(own: Own) -> list[Part]:
    """The sections of scores, a dataset each."""
    parts: list[Part] = []
    for dataset in own.datasets:
        told, without = list[Part](), list[str]()
        for number, asked in enumerate(own.asked(dataset), 1):
            if asked.question.measure == UDR and not _unanswered(own, asked):
                if all(len(setting.cells) < 2 for setting in asked.settings):
                    without.append(f"{literal(asked.name)}: one cell of every setting; it holds several together")
            elif asked.scores:
                told += _question(own, dataset, number, asked)
            elif state := _unanswered(own, asked):
                without.append(f"{literal(asked.name)}: no answer; {state}")
        if told or without:
            parts += [Heading(f"Scores on {literal(dataset)}"), *told, *([Items(without)] if without else [])]
    return parts


def _unanswered(own: Own, asked: Asked) -> str:
    """What became of a question that has no answer, "" where it has answers without scores."""
    states = Counter(
        own.status(cell, asked, at)
        for setting in asked.settings
        for cell in setting.cells.values()
        for at in asked.moments[setting.row]
    )
    told = [f"{states[state]} {word}" for state, word in STATES.items() if states[state]]
    return "" if states["ok"] else ", ".join(told)


def _question(own: Own, dataset: str, number: int, asked: Asked) -> list[Part]:
    """One question on one dataset: its main score in full, the others beside it."""
    main, rest = asked.scores[0], asked.scores[1:]
    samples = {setting.row: own.sample(setting, asked, main) for setting in asked.settings}
    digits = decimals([v for sample in samples.values() for v in sample.list])
    noted = {name: [own.noted(setting, asked, name) for setting in asked.settings] for name in BESIDE}
    noted = {name: found for name, found in noted.items() if any(found)}
    rows = [_row(own, setting, asked, samples[setting.row], digits) for setting in asked.settings]
    for name, found in noted.items():
        rows = [[*row, _noted(name, values)] for row, values in zip(rows, found, strict=True)]
    header = ["Setting", "n", "mean ± sd", "median", "interval of the median", "by seed"]
    header += [BESIDE[name] for name in noted]
    if ROTATED in rest:
        mixed = [summarise(own.sample(setting, asked, ROTATED).list) for setting in asked.settings]
        rows = [[*row, wording.middle(found, 1.0, digits)] for row, found in zip(rows, mixed, strict=True)]
        header.append("rotated, median")
        rest = tuple(name for name in rest if name != ROTATED)
    name = literal(asked.name)
    parts: list[Part] = [
        Heading(f"{name} on {literal(dataset)}", 3),
        Table(
            f"{name} on {literal(dataset)}: {_says(asked)}",
            header,
            rows,
            [*_notes(own, asked), *marks_in(rows), *_warned(samples.values())],
        ),
    ]
    short = told_apart(asked.settings)
    drawn = [(short[setting.row], samples[setting.row], setting.floor) for setting in asked.settings]
    chunks = [drawn[k : k + figures.STRIPS] for k in range(0, len(drawn), figures.STRIPS)][:PARTS]
    for part, chunk in enumerate(chunks, 1):
        if any(len(sample) for _, sample, _ in chunk):
            of = f" ({part} of {len(chunks)})" if len(chunks) > 1 else ""
            caption = f"{name} on {literal(dataset)}, every seed of every setting{of}."
            figure = figures.strips(chunk, _axis(asked), asked.reads.chance)
            parts.append(picture(f"scores-{own.datasets.index(dataset) + 1}-{number}-{part}", figure, caption))
    for k in range(0, len(rest), COLUMNS):
        parts.append(_others(own, dataset, asked, rest[k : k + COLUMNS]))
    return parts


def _axis(asked: Asked) -> str:
    unit = f", {asked.reads.unit}" if asked.reads.unit else ""
    return figures.words(f"{asked.scores[0].replace('_', ' ')}{unit}" + (f" ({asked.name})" if asked.name else ""))


def _says(asked: Asked) -> str:
    """The caption of a question's table: which score, how it is read."""
    reads = asked.reads
    read = [reads.unit] if reads.unit else []
    read += [] if reads.chance is None else [f"chance {reads.chance:.3g}"]
    read += [] if reads.higher is None else [f"{'higher' if reads.higher else 'lower'} is better"]
    return literal("; ".join([asked.scores[0], *read]))


def _row(own: Own, setting: Setting, asked: Asked, sample: Sample, digits: int) -> list[str]:
    found = summarise(sample.list)
    return [
        own.marked(setting, sample), str(len(sample)), together(wording.spread(found, 1.0, digits)),
        wording.middle(found, 1.0, digits),
        together(wording.interval(found.interval if found else None, 1.0, digits)),
        _by_seed(own, setting, asked, sample, digits),
    ]  # fmt: skip


def _noted(name: str, values: Sequence[float]) -> str:
    """What the seeds of a setting noted: the range of a number of codes, the median of a score."""
    if not values:
        return wording.NOTHING
    if name == "active":
        low, high = int(min(values)), int(max(values))
        return str(low) if low == high else f"{low} to {high}"
    return f"{statistics.median(values):.3f}"


def together(text: str) -> str:
    """A number that no line break parts."""
    return text.replace(" ", "\u00a0")


def _by_seed(own: Own, setting: Setting, asked: Asked, sample: Sample, digits: int) -> str:
    """Every seed with its value, or what became of it."""
    said = []
    for seed, cell in sorted(setting.cells.items()):
        state = own.status(cell, asked, asked.moments[setting.row][-1])
        if state == "ok" and seed in sample.values:
            said.append(together(f"{seed}: {sample.values[seed]:.{digits}f}"))
        elif state and not (setting.row.fixed and state == "ok"):
            said.append(together(f"{seed}: {STATES.get(state, 'no such score')}"))
    more = [f"and {len(said) - SHOWN} more in the figure"] if len(said) > SHOWN else []
    return "; ".join([*said[:SHOWN], *more]) or wording.NOTHING


def _notes(own: Own, asked: Asked) -> list[str]:
    """What the numbers of a table leave unsaid."""
    notes = []
    rows = [setting.row for setting in asked.settings]
    last = {asked.moments[row][-1] for row in rows}
    if last != {1.0}:
        notes.append(f"Asked at {', '.join(f'{100 * at:g} %' for at in sorted(last))} of training.")
    fallen = sum(len(own.sample(setting, asked, asked.scores[0]).diverged) for setting in asked.settings)
    if fallen and asked.reads.chance is not None:
        notes.append(f"Diverged runs ({fallen}) are counted in, at chance.")
    elif fallen:
        notes.append(
            f"Diverged runs ({fallen}) have no number and are not in n: read the rows that have some with care."
        )
    if any(row.fixed for row in rows):
        notes.append("Where no seed changes anything, one seed stands for all.")
    return notes


def _warned(samples: Iterable[Sample]) -> list[str]:
    return [f"Mind: {literal(text)}." for text in dict.fromkeys(t for s in samples for t in s.cautions)]


def _others(own: Own, dataset: str, asked: Asked, keys: Sequence[str]) -> Table:
    columns = []
    for key in keys:
        samples = [own.sample(setting, asked, key) for setting in asked.settings]
        digits = decimals([v for sample in samples for v in sample.list])
        columns.append([together(wording.spread(summarise(sample.list), 1.0, digits)) for sample in samples])
    rows = [[literal(setting.label), *cells] for setting, *cells in zip(asked.settings, *columns, strict=True)]
    header = ["Setting", *(literal(key) for key in keys)]
    return Table(
        f"{literal(asked.name)} on {literal(dataset)}: its other scores, mean ± sd over the same seeds", header, rows
    )


def decimals(values: Sequence[float]) -> int:
    """Digits behind the point that show the values of one column to three places, and their spread to one."""
    finite = [abs(v) for v in values if math.isfinite(v)]
    if not any(finite):
        return 1
    top = math.ceil(math.log10(max(finite)))
    width = max(values) - min(values)
    spread = 1 - math.ceil(math.log10(width)) if width > 0 and math.isfinite(width) else 0
    return min(8, max(0, 3 - top, spread))


def along(own: Own) -> list[Part]:
    """What was asked before the end of training, as curves over the images seen."""
    parts: list[Part] = []
    for place, dataset in enumerate(own.datasets, 1):
        for number, asked in enumerate(own.asked(dataset), 1):
            lines = _lines(own, asked)
            labels = list(lines)
            for part, k in enumerate(range(0, len(labels), figures.LINES), 1):
                chunk = {label: lines[label] for label in labels[k : k + figures.LINES]}
                caption = f"{literal(asked.name)} on {literal(dataset)} along training. Medians are joined."
                figure = figures.along(chunk, _axis(asked), asked.reads.chance)
                parts.append(picture(f"along-{place}-{number}-{part}", figure, caption))
            if lines:
                parts.append(
                    Folded(f"{literal(asked.name)} on {literal(dataset)} at every moment", [_table(own, asked)])
                )
    return [Heading("Along training"), *parts] if parts else []


def _lines(own: Own, asked: Asked) -> dict[str, dict[float, Sample]]:
    """By setting and images seen, where there is more than one moment with an answer."""
    lines, short = {}, told_apart([s for s in asked.settings if not s.floor])
    for setting in asked.settings:
        recipe = next(iter(setting.cells.values())).recipe
        if asked.scores and recipe and len(asked.moments[setting.row]) > 1:
            at = {m: own.sample(setting, asked, asked.scores[0], m) for m in asked.moments[setting.row]}
            found = {m * recipe.images: sample for m, sample in at.items() if len(sample)}
            if len(found) > 1:
                lines[short[setting.row]] = found
    return lines


def _table(own: Own, asked: Asked) -> Table:
    moments = sorted({at for row in asked.moments.values() for at in row})
    samples = [[own.sample(setting, asked, asked.scores[0], at) for at in moments] for setting in asked.settings]
    digits = decimals([v for row in samples for sample in row for v in sample.list])
    rows = [
        [literal(setting.label), *(together(wording.spread(summarise(sample.list), 1.0, digits)) for sample in row)]
        for setting, row in zip(asked.settings, samples, strict=True)
    ]
    header = ["Setting", *(f"{100 * at:g} % of training" for at in moments)]
    return Table(f"{_says(asked)}; mean ± sd by moment", header, rows)

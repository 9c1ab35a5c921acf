"""A study beside its records: settings by seed, questions by name, the answer to each, and what is of neither."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from betavae.errors import Misuse
from betavae.report.document import literal
from betavae.report.evidence import Chosen, Evidence, StoreLike, key_of
from betavae.report.reads import Reads, cautions, main_score, marked, reads, stopped_short
from betavae.report.rows import FLOORS, Row, Sample, labels, row_of
from betavae.report.statistics.claim_words import names_of
from betavae.report.statistics.claims import Answers
from betavae.study.cells import Cell, Question, Study, merge
from betavae.study.records import Record
from betavae.study.store import Store

Key = tuple[str, str | None, float]


class Setting(NamedTuple):
    """Cells that differ in their seed alone: one row of a table. ``label`` tells it from the others of its dataset."""

    label: str
    row: Row
    cells: dict[int, Cell]

    @property
    def floor(self) -> bool:
        """Whether it is a floor or a ceiling, to hold the others against."""
        return self.row.method in FLOORS


class Asked(NamedTuple):
    """A question on one dataset: its name in the study, the settings it is put to with the moments of training, how its
    main score is read, and the names of its scores, the main one first.
    """

    name: str
    id: str
    question: Question
    moments: dict[Row, tuple[float, ...]]
    settings: tuple[Setting, ...]
    reads: Reads
    scores: tuple[str, ...]


def study_of(stores: Sequence[Store]) -> Study:
    """The study last run in each store, else what its records tell of; those of several stores are one."""
    studies = [store.study() for store in stores]
    if not studies:
        raise Misuse("no store given; name the folder of a study")
    ways = dict.fromkeys((s.looks, s.claims) for s in studies if s.looks or s.claims)
    if len(ways) > 1 and any(looks for looks, _ in ways):
        raise Misuse("stores that are judged by looks of their own go one at a time: their levels hold for each alone")
    names, scales = (list(dict.fromkeys(given)) for given in zip(*((s.name, s.scale) for s in studies), strict=True))
    return replace(
        studies[0],
        name=" and ".join(names),
        scale=" and ".join(scales),
        jobs=merge(job for study in studies for job in study.jobs),
        named=tuple({key: name for study in reversed(studies) for key, name in study.named}.items()),
        claims=tuple(dict.fromkeys(claim for study in studies for claim in study.claims)),
        looks=next((looks for looks, _ in ways), ()),
        grown=tuple(sorted({n for study in studies for n in study.grown})),
    )


class Own:
    """A study with its answers. ``evidence`` holds the study's own records, ``others`` those of other settings or of
    questions that are no longer asked, ``outdated`` those that other code made, where a store tells of such.
    """

    def __init__(self, stores: Iterable[StoreLike], study: Study) -> None:
        stores = list(stores)
        whole = Evidence(stores)
        self.outdated: list[Record] = [r for store in stores for r in getattr(store, "outdated", [])]
        self.study = study
        self._ids = {cell: cell.id for cell in study.cells}
        ids = {q: q.id for q in dict.fromkeys(q for job in study.jobs for q in job.questions)}
        self.wanted: set[Key] = {(key, None, 1.0) for key in self._ids.values()}
        for job in study.jobs:
            key = self._ids[job.cell]
            self.wanted |= {(key, ids[q], at) for q in job.questions for at in _moments(job.cell, q)}
        self.answers: Answers = {key_of(r): r for r in whole.records if r["kind"] != "run" and key_of(r) in self.wanted}
        self.others = [r for r in whole.records if r["kind"] != "run" and key_of(r) not in self.wanted]
        self.evidence = Evidence([Chosen(whole, self.wanted)])
        self.arrays = whole.arrays
        self.settings = _settings(study.cells)
        self.datasets = list(dict.fromkeys(cell.dataset for cell in study.cells))
        self._asked = self._questions(ids)

    def of(self, dataset: str) -> list[Setting]:
        """The settings of a dataset: floors last."""
        return sorted((s for s in self.settings if s.row.dataset == dataset), key=lambda s: s.floor)

    def asked(self, dataset: str | None = None) -> list[Asked]:
        """The questions on one dataset, or on all."""
        return [asked for where, asked in self._asked if dataset in (None, where)]

    def record(self, cell: Cell, asked: Asked | None = None, at: float = 1.0) -> Record | None:
        """The answer of a cell to a question at a moment of training, or the record of its fit."""
        return self.answers.get((self._ids[cell], asked.id if asked else None, float(at)))

    def status(self, cell: Cell, asked: Asked | None = None, at: float = 1.0) -> str:
        """ok, diverged, error, "not run", or "" where it is not asked."""
        if (self._ids[cell], asked.id if asked else None, float(at)) not in self.wanted:
            return ""
        record = self.record(cell, asked, at)
        return record["status"] if record else "not run"

    def noted(self, setting: Setting, asked: Asked, name: str) -> list[float]:
        """The numbers that the last answers of a setting note beside their scores under this name, by seed."""
        at = asked.moments[setting.row][-1]
        answers = (self.record(cell, asked, at) for _, cell in sorted(setting.cells.items()))
        found = (record["notes"].get(name) for record in answers if record and record["status"] == "ok")
        return [float(value) for value in found if isinstance(value, int | float) and not isinstance(value, bool)]

    def sample(self, setting: Setting, asked: Asked, score: str, at: float | None = None) -> Sample:
        """One score by seed, at the last moment unless one is given. A diverged run stands at chance where the main
        score has a level of it, else it is named alone; of what no seed changes the first seed stands for all.
        """
        at = asked.moments[setting.row][-1] if at is None else at
        chance = asked.reads.chance if score == asked.scores[0] else None
        states = {seed: self.status(cell, asked, at) for seed, cell in sorted(setting.cells.items())}
        values: dict[int, float] = {}
        for seed, state in states.items():
            record = self.record(setting.cells[seed], asked, at) if state == "ok" else None
            value = record["scores"].get(score) if record else chance if state == "diverged" else None
            if value is not None and not (setting.row.fixed and values):
                values[seed] = float(value)
        fallen = tuple(seed for seed, state in states.items() if state == "diverged")
        answers = [a for cell in setting.cells.values() if (a := self.record(cell, asked, at))]
        return Sample(values, fallen, [*states.values()].count("error"), chance,
                      short=sum(map(stopped_short, answers)), cautions=cautions(answers))  # fmt: skip

    def marked(self, setting: Setting, sample: Sample) -> str:
        """The label of a setting, marked where a fit or a classifier stopped short."""
        fits = (self.record(cell) for cell in setting.cells.values())
        return marked(literal(setting.label), (fit for fit in fits if fit), sample.short)

    def _questions(self, ids: dict[Question, str]) -> list[tuple[str, Asked]]:
        names, found = names_of(self.study), dict[tuple[str, str], tuple[Question, dict[Row, set[float]]]]()
        rows = {cell: setting.row for setting in self.settings for cell in setting.cells.values()}
        for job in self.study.jobs:
            for question in job.questions:
                _, moments = found.setdefault((job.cell.dataset, ids[question]), (question, {}))
                if at := _moments(job.cell, question):
                    moments.setdefault(rows[job.cell], set()).update(at)
        asked = []
        for (dataset, key), (question, held) in found.items():
            settings = tuple(setting for setting in self.of(dataset) if setting.row in held)
            when = {row: tuple(sorted(at)) for row, at in held.items()}
            every = (
                self.answers.get((self._ids[cell], key, at))
                for setting in settings
                for cell in setting.cells.values()
                for at in reversed(when[setting.row])
            )
            records = [record for record in every if record]
            told = [r for r in records if r["status"] != "error"] or records  # chance is known with an answer
            main = main_score(records)
            scores = tuple(dict.fromkeys([main, *(s for r in records for s in r["scores"])])) if main else ()
            asked.append((dataset, Asked(names[key], key, question, when, settings, reads(told), scores)))
        return asked


def _moments(cell: Cell, question: Question) -> list[float]:
    """When a cell is asked: what is not trained has no moment before the last."""
    return [float(at) for at in question.at if cell.recipe or at == 1.0]


def _settings(cells: Iterable[Cell]) -> list[Setting]:
    """The settings of cells in their order; labels leave the dataset out, which heads its own part of a report."""
    groups: dict[Row, dict[int, Cell]] = {}
    for cell in cells:
        groups.setdefault(row_of(cell.plain()), {})[cell.seed] = cell
    bare = {row: row._replace(dataset="") for row in groups}
    told, _ = labels(list(dict.fromkeys(bare.values())))
    return [Setting(told[bare[row]], row, held) for row, held in groups.items()]


def told_apart(settings: Sequence[Setting]) -> dict[Row, str]:
    """What tells some settings apart among themselves: shorter than their labels."""
    bare = {setting.row: setting.row._replace(dataset="") for setting in settings}
    told, _ = labels(list(dict.fromkeys(bare.values())))
    return {row: told[short] for row, short in bare.items()}


def shared(settings: Sequence[Setting]) -> list[str]:
    """What is the same for all settings that have it, in words."""
    return labels([setting.row for setting in settings])[1]

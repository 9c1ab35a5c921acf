"""The records of one or several stores made ready to be asked: one per question, rows chosen, values per seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from betavae.report.rows import ORDER, Row, Sample, budget, quirks_of, row_of, sample, setting
from betavae.study.records import Record, rank

if TYPE_CHECKING:
    from betavae.types import Array


class StoreLike(Protocol):
    """What a report needs of a store: its records, and arrays by their digest."""

    def records(self) -> list[Record]: ...
    def arrays(self, digest: str) -> dict[str, Array]: ...


def key_of(record: Record) -> tuple[str, str | None, float]:
    """What a record answers: cell id, question id (None for the fit), and the fraction of training."""
    return record["cell_id"], record["question_id"], float(record["at"])


class Evidence:
    """All records, one per (cell, question, moment): a finished one before a diverged before an error, else the first.

    ``row`` says to which row a cell belongs, or None for no row; by default every setting is a row of its own. Where
    it puts cells of several settings (other budgets, other codes) into one row, rows that differ in β alone take one
    setting, so that what is set against each other was trained alike: the one with the most β, then the largest
    budget, then the most cells. ``aside`` counts the cells left out that way, ``outdated`` counts by their reason the
    records that were left out because other code made them, ``unasked`` those that whoever chose the records found
    not to be asked by the study.
    """

    def __init__(self, stores: Iterable[StoreLike], row: Callable[[Record], Row | None] = row_of) -> None:
        kept: dict[tuple[Any, ...], tuple[Record, StoreLike]] = {}
        self.outdated: Counter[str] = Counter()
        self.unasked = 0
        for store in stores:
            for record in store.records():
                key = (record["cell_id"], record["question_id"], record["at"])
                if record["kind"] == "run":  # every run counts
                    key = (id(store), record["when"], len(kept))
                if key not in kept or rank(record) < rank(kept[key][0]):
                    kept[key] = (record, store)
            self.outdated.update(record["outdated"] for record in getattr(store, "outdated", ()))
        self._home = {id(record): store for record, store in kept.values()}
        self.records = [record for record, _ in kept.values()]
        self.runs = [r for r in self.records if r["kind"] == "run"]
        self.fits = [r for r in self.records if r["kind"] == "fit"]
        self.answers = [r for r in self.records if r["kind"] == "answer"]
        self.cells = {r["cell_id"]: r["cell"] for r in self.records if r["cell"]}
        self._row = {key: row(cell) for key, cell in self.cells.items()}
        self._settings = {key: setting(cell) for key, cell in self.cells.items()}
        self._main = self._choose()
        self._answers: dict[tuple[Row, str], list[Record]] = {}
        for record in self.answers:
            found = self.row(record)
            if found and not {*quirks_of(record)} - {*found.quirks}:
                self._answers.setdefault((found, record["question"]["measure"]), []).append(record)
        for (found, _), records in self._answers.items():
            records[:] = _once(records) if found.fixed else records
        self.aside = sum(of is not None and not self._is_main(key) for key, of in self._row.items())

    def arrays(self, record: Record) -> dict[str, Array]:
        """The arrays of a record, or none."""
        digest = record.get("arrays")
        return self._home[id(record)].arrays(digest) if digest else {}

    def _choose(self) -> dict[Row, str]:
        """The setting that stands in each row."""
        found: dict[Row, dict[str, list[str]]] = {}
        for key, row in self._row.items():
            if row:
                found.setdefault(row._replace(beta=None), {}).setdefault(self._settings[key], []).append(key)
        chosen: dict[Row, str] = {}
        for settings in found.values():
            name = max(sorted(settings), key=lambda s: self._size(settings[s]))
            chosen |= {row: name for key in settings[name] if (row := self._row[key])}
        return chosen

    def _size(self, cells: Sequence[str]) -> tuple[int, int, int]:
        """The β, the budget and the number of cells that are alike but for β and seed."""
        return len({self._row[key] for key in cells}), budget(self.cells[cells[0]]), len(cells)

    def _is_main(self, cell_id: str) -> bool:
        row = self._row[cell_id]
        return row is not None and self._main.get(row) == self._settings[cell_id]

    def row(self, record: Record) -> Row | None:
        """The row that a record stands in, or None."""
        return self._row[record["cell_id"]] if self._is_main(record["cell_id"]) else None

    def rows(self, dataset: str, *methods: str) -> list[Row]:
        """The rows of a dataset for these methods: VAEs by β, then baselines, subset before all images."""
        found = {row for row in self._main if row.dataset == dataset and (not methods or row.method in methods)}
        return sorted(found, key=_place)

    def datasets(self, *among: str) -> list[str]:
        """The datasets that records are of, in the order of ``among``, or of first mention."""
        found = dict.fromkeys(cell["dataset"] for cell in self.cells.values())
        return [d for d in among if d in found] if among else list(found)

    def fit(self, row: Row) -> dict[int, Record]:
        """The fit records of a row by seed."""
        return {r["cell"]["seed"]: r for r in self.fits if self.row(r) == row}

    def active(self, row: Row) -> dict[int, int]:
        """How many codes move at the end of training, by training seed; none where they were not counted."""
        fits = sorted(self.fit(row).items())
        return {seed: int(r["scores"]["active"]) for seed, r in fits if "active" in r["scores"]}

    def answers_of(self, row: Row, measure: str, at: float | None = 1.0) -> list[Record]:
        """The answers of a row to a measure with no quirk on but its own, at one moment of training (None: all)."""
        return [r for r in self._answers.get((row, measure), []) if at is None or r["at"] == at]

    def sample(
        self, row: Row, measure: str, score: str, where: Callable[[Record], bool] = lambda r: True, at: float = 1.0
    ) -> Sample:
        """One score per seed, the mean over question seeds; of several questions the one most often answered."""
        return sample([r for r in self.answers_of(row, measure, at) if where(r)], score)


class Chosen:
    """Some of the records of an evidence, and all of its runs, as a store gives them."""

    def __init__(self, whole: Evidence, wanted: Collection[tuple[str, str | None, float]]) -> None:
        self._whole = whole
        self._records = [r for r in whole.records if r["kind"] == "run" or key_of(r) in wanted]
        self._holders = {r["arrays"]: r for r in self._records if r["arrays"]}

    def records(self) -> list[Record]:
        return self._records

    def arrays(self, digest: str) -> dict[str, Array]:
        return self._whole.arrays(self._holders[digest])


def _place(row: Row) -> tuple[Any, ...]:
    """Where a row stands among others of its dataset; what is None there stands first."""
    rest = tuple(str(part) for part in row[4:])
    return ORDER.get(row.method, 9), row.method, row.beta or 0.0, row.fit or 1e12, rest


def _once(records: Sequence[Record]) -> list[Record]:
    """One answer to each question and time, the best of the smallest seed: what seeds do not change counts once."""
    kept: dict[tuple[str, float], Record] = {}
    for record in sorted(records, key=lambda r: (rank(r), r["cell"]["seed"])):
        kept.setdefault((record["question_id"], record["at"]), record)
    return list(kept.values())

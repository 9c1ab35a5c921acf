"""The records of one or several stores made ready to be asked: one per question, settings chosen, values per seed."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from betavae.paper.published import FACTOR_COUNT
from betavae.report.rows import (
    ORDER,
    Record,
    Row,
    Sample,
    asked,
    budget,
    classifier_of,
    plain,
    quirks_of,
    row_of,
    sample,
    setting,
)

if TYPE_CHECKING:
    from betavae.types import Array

RANK = {"ok": 0, "diverged": 1, "error": 2}
CLASSIFIER_ORDER = ("linear", "logistic", "mlp", "forest")


class StoreLike(Protocol):
    """What a report needs of a store: its records, and arrays by their digest."""

    def records(self) -> list[Record]: ...
    def arrays(self, digest: str) -> dict[str, Array]: ...


class Evidence:
    """All records, one per (cell, question, moment): a finished one before a diverged before an error, else the first.

    Where the same row was run in several settings (other budgets, other codes), tables use the setting with the largest
    budget, then the most seeds; ``aside`` counts the cells left out that way.
    """

    def __init__(self, stores: Iterable[StoreLike]) -> None:
        kept: dict[tuple[Any, ...], tuple[Record, StoreLike]] = {}
        for store in stores:
            for record in store.records():
                key = (record["cell_id"], record["question_id"], record["at"])
                if record["kind"] == "run":  # every run counts
                    key = (id(store), record["when"], len(kept))
                if key not in kept or RANK[record["status"]] < RANK[kept[key][0]["status"]]:
                    kept[key] = (record, store)
        self._home = {id(record): store for record, store in kept.values()}
        self.records = [record for record, _ in kept.values()]
        self.runs = [r for r in self.records if r["kind"] == "run"]
        self.fits = [r for r in self.records if r["kind"] == "fit"]
        self.answers = [r for r in self.records if r["kind"] == "answer"]
        self.cells = {r["cell_id"]: r["cell"] for r in self.records if r["cell"]}
        self._settings = {key: setting(cell) for key, cell in self.cells.items()}
        self._main = self._choose()
        self._asked: dict[tuple[Row, str], list[Record]] = {}
        for record in self.answers:
            if not quirks_of(record) and self._is_main(record["cell_id"]):
                asked_of = (row_of(record["cell"]), record["question"]["measure"])
                self._asked.setdefault(asked_of, []).append(record)
        for (row, _), found in self._asked.items():
            found[:] = _once(found) if row.fixed else found
        self.aside = sum(plain(c) and not self._is_main(key) for key, c in self.cells.items())

    def arrays(self, record: Record) -> dict[str, Array]:
        """The arrays of a record, or none."""
        digest = record.get("arrays")
        return self._home[id(record)].arrays(digest) if digest else {}

    def _choose(self) -> dict[Row, str]:
        counted: dict[Row, Counter[str]] = {}
        budgets: dict[str, int] = {}
        for key, cell in self.cells.items():
            if plain(cell):
                name = self._settings[key]
                counted.setdefault(row_of(cell), Counter())[name] += 1
                budgets[name] = budget(cell)
        return {row: max(sorted(names), key=lambda n: (budgets[n], names[n])) for row, names in counted.items()}

    def _is_main(self, cell_id: str) -> bool:
        return self._main.get(row_of(self.cells[cell_id])) == self._settings[cell_id]

    def rows(self, dataset: str, *methods: str) -> list[Row]:
        """The rows of a dataset for these methods: VAEs by β, then baselines, subset before all images."""
        found = {row for row in self._main if row.dataset == dataset and (not methods or row.method in methods)}
        return sorted(found, key=lambda r: (ORDER.get(r.method, 9), r.method, r.beta or 0.0, r.fit or 1e12))

    def datasets(self, *among: str) -> list[str]:
        """The datasets that records are of, in the order of ``among``, or of first mention."""
        found = dict.fromkeys(cell["dataset"] for cell in self.cells.values())
        return [d for d in among if d in found] if among else list(found)

    def fit(self, row: Row) -> dict[int, Record]:
        """The fit records of a row by seed."""
        return {r["cell"]["seed"]: r for r in self.fits if row_of(r["cell"]) == row and self._is_main(r["cell_id"])}

    def active(self, row: Row) -> float | None:
        """The median over seeds of how many codes carry anything at the end of training, or None."""
        fits = [r for r in self.fit(row).values() if "collapsed" in r["scores"]]
        return statistics.median(r["cell"]["codes"] - r["scores"]["collapsed"] for r in fits) if fits else None

    def asked_of(self, row: Row, measure: str, at: float | None = 1.0) -> list[Record]:
        """The answers of a row to a measure with no quirk on, at one moment of training (None: all moments)."""
        return [r for r in self._asked.get((row, measure), []) if at is None or r["at"] == at]

    def twins(self, quirk: str) -> list[Record]:
        """The answers at the end of training with this quirk on and no other."""
        return [r for r in self.answers if quirks_of(r) == (quirk,) and r["at"] == 1.0]

    @staticmethod
    def row(record: Record) -> Row:
        """The table row of a record."""
        return row_of(record["cell"])

    def sample(
        self, row: Row, measure: str, score: str, where: Callable[[Record], bool] = lambda r: True, at: float = 1.0
    ) -> Sample:
        """One score per seed, the mean over question seeds; of several questions the one most often answered."""
        return sample([r for r in self.asked_of(row, measure, at) if where(r)], score)

    def classifier(self) -> str:
        """The classifier of the main tables: most answers to the first draw of votes, linear before others."""
        asked_for = [r for r in self.answers if r["question"]["measure"] == "higgins" and not r["question"]["seed"]]
        found = Counter(map(classifier_of, asked_for))
        return max(CLASSIFIER_ORDER, key=lambda c: (found[c], -CLASSIFIER_ORDER.index(c)))

    def higgins(self, row: Row, factors: int | None = None, classifier: str | None = None, pairs: int = 64) -> Sample:
        """The Higgins score per seed for so many asked factors (None: all of the dataset's)."""
        wanted = factors or FACTOR_COUNT.get(row.dataset, 0)
        kind = classifier or self.classifier()

        def fits(record: Record) -> bool:
            knobs = record["question"]["knobs"]
            return asked(record) == wanted and classifier_of(record) == kind and knobs.get("pairs", 64) == pairs

        return self.sample(row, "higgins", "higgins", fits)


def _once(records: Sequence[Record]) -> list[Record]:
    """One answer to each question and time, the best of the smallest seed: what seeds do not change counts once."""
    kept: dict[tuple[str, float], Record] = {}
    for record in sorted(records, key=lambda r: (RANK[r["status"]], r["cell"]["seed"])):
        kept.setdefault((record["question_id"], record["at"]), record)
    return list(kept.values())

"""How the scores of a record are read, as the record itself says: a report opens no measure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from betavae.study.records import Record


class Reads(NamedTuple):
    """The unit of a question's main score, its chance level and whether more is better; None where no record says."""

    unit: str = ""
    chance: float | None = None
    higher: bool | None = None

    @property
    def floor(self) -> float | None:
        """What a diverged run counts as: chance where there is a level of it, else the worst there is."""
        if self.chance is not None or self.higher is None:
            return self.chance
        return -math.inf if self.higher else math.inf


def reads(records: Iterable[Record]) -> Reads:
    """How the answers to one question on one dataset are read, by the first record that says; where each has measured
    chance for itself, it is the median of them all.
    """
    told = [found for record in records if (found := record.get("reads"))]
    if not told:
        return Reads()
    said = [found.get("chance") for found in told]
    chances = [c for c in said if isinstance(c, int | float) and not isinstance(c, bool) and math.isfinite(c)]
    higher = told[0].get("higher")
    return Reads(
        str(told[0].get("unit") or "")[:40],
        statistics.median(chances) if chances else None,
        higher if isinstance(higher, bool) else None,
    )


FIT, CLASSIFIER = "†", "‡"
"""What marks a row whose fit, or the classifier of whose score, stopped before it converged."""
MARKS = {
    FIT: "† Its fit stopped before it converged: FastICA takes at most 400 iterations.",
    CLASSIFIER: "‡ The classifier of at least one of its scores stopped before it converged.",
}


def stopped_short(record: Record) -> bool:
    """Whether a fit, or the classifier of an answer, ended before it converged by its own rule."""
    return record["notes"].get("converged") is False or record["scores"].get("converged") == 0.0


def cautions(records: Iterable[Record]) -> tuple[str, ...]:
    """What answers warn of, each once."""
    found = (record["notes"].get("warning") for record in records)
    return tuple(dict.fromkeys(str(text)[:200] for text in found if text))


def marked(name: str, fits: Iterable[Record], short: int) -> str:
    """The name of a row with the marks of MARKS that it has earned."""
    return name + FIT * any(map(stopped_short, fits)) + CLASSIFIER * bool(short)


def marks_in(rows: Iterable[Sequence[str]]) -> list[str]:
    """The notes that the marks of a table's rows want below it."""
    text = "".join(cell for row in rows for cell in row)
    return [note for mark, note in MARKS.items() if mark in text]


def main_score(records: Iterable[Record]) -> str | None:
    """The name of the score that a question is about, None without any. A record that does not say so is of before:
    then it is the one named as the measure is, else the first.
    """
    for record in records:
        names = list(record["scores"])
        if names:
            told, measure = (record.get("reads") or {}).get("main"), str(record["question"]["measure"])
            return next((name for name in (told, measure) if name in names), names[0])
    return None

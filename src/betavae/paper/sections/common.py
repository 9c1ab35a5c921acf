"""What several sections say: that something was not run, and whether a published number lies where ours does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from betavae.report import reads, wording
from betavae.report.document import Text
from betavae.report.evidence import Evidence
from betavae.report.rows import Row, Sample
from betavae.report.statistics.prediction import least_for_prediction, median_prediction

MOST_SEEDS = 6
"""Seeds that a cell of a table has room for one by one."""


def missing(what: str) -> Text:
    """The one line of a section whose records are not there."""
    return Text(f"{what}: not run at this scale.")


def learnt(evidence: Evidence, row: Row, seed: int) -> str:
    """What the title of a picture adds where no code of the model it is of moves."""
    return "; nothing learnt yet" if evidence.active(row).get(seed) == 0 else ""


def marked(evidence: Evidence, name: str, row: Row, *samples: Sample) -> str:
    """The name of a row, marked where a fit or a classifier of these scores (none: of all) stopped short."""
    seeds = {seed for sample in samples for seed in sample.values}
    fits = [fit for seed, fit in evidence.fit(row).items() if not samples or seed in seeds]
    return reads.marked(name, fits, sum(sample.short for sample in samples))


def warned(rows: Sequence[Sequence[str]], *samples: Sample) -> list[str]:
    """The notes below a table: what its marks say, and what the answers in it warn of."""
    said = dict.fromkeys(text for sample in samples for text in sample.cautions)
    return [*reads.marks_in(rows), *(f"Mind: {text}." for text in said)]


def verdict(target: float | None, values: Sequence[float], seeds: int, scale: float = 100.0) -> str:
    """Whether a published median of so many ``seeds`` lies where the median of as many further runs of ours would, with
    at least 95 %: never more than both sides' seeds allow.
    """
    if target is None:
        return wording.NOTHING
    if not values:
        return "not run"
    fewest = least_for_prediction(seeds)
    if len(values) < fewest:
        return f"undecided (needs at least {fewest} seeds)"
    given = median_prediction(values, seeds)
    assert given is not None
    cover = f"{100 * given.coverage:.1f} % prediction interval"
    if scale * given.low <= target <= scale * given.high:
        return f"published inside our {cover}"
    off = target - scale * (given.low if target < scale * given.low else given.high)
    return f"published outside our {cover}, {abs(off):.1f} {'below' if off < 0 else 'above'} it"


def active(evidence: Evidence, row: Row, among: Collection[int] | None = None) -> str:
    """How many codes move, of ``among`` these training seeds or of all: one number where all agree, else every seed's
    in order of seed, and of more than MOST_SEEDS how often each number; a dash where none was counted.
    """
    found = [n for seed, n in evidence.active(row).items() if among is None or seed in among]
    if not found:
        return wording.NOTHING
    often = Counter(found)
    if len(often) == 1 or len(found) <= MOST_SEEDS:
        return ", ".join(map(str, found[:1] if len(often) == 1 else found))
    return ", ".join(f"{n} ({often[n]} seeds)" if often[n] > 1 else str(n) for n in sorted(often, reverse=True))

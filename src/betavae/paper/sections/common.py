"""What several sections say: that something was not run, and whether a published number lies where ours does."""

from __future__ import annotations

from betavae.report import wording
from betavae.report.document import Text
from betavae.report.statistics.summary import Summary

FEWEST = 4
"""Below this many seeds nothing is said about a published number."""


def missing(what: str) -> Text:
    """The one line of a section whose records are not there."""
    return Text(f"{what}: not run at this scale.")


def verdict(target: float | None, summary: Summary | None, scale: float = 100.0) -> str:
    """Whether a published median lies in our interval, never more than n allows."""
    if target is None:
        return wording.NOTHING
    if summary is None:
        return "not run"
    if summary.n < FEWEST:
        return f"undecided (needs {FEWEST} seeds)"
    given = summary.interval
    assert given is not None
    cover = f"{100 * given.coverage:.1f} % interval"
    if scale * given.low <= target <= scale * given.high:
        return f"published inside our {cover}"
    off = target - scale * (given.low if target < scale * given.low else given.high)
    return f"published outside our {cover}, {abs(off):.1f} {'below' if off < 0 else 'above'}"


def count(value: float | None) -> str:
    """A median number of codes, or a dash where none was counted."""
    return wording.NOTHING if value is None else f"{value:g}"

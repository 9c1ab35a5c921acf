"""Numbers in words: one way to print a score, an interval, a duration, a count, throughout the report."""

from __future__ import annotations

from collections.abc import Iterable

from betavae.report.statistics.summary import Interval, Summary

NOTHING = "–"


def percent(share: float, digits: int = 1) -> str:
    """A share as a number of per cent, without the sign."""
    return f"{100 * share:z.{digits}f}"


def number(value: float | None, digits: int = 1) -> str:
    """A number, or a dash."""
    return NOTHING if value is None else f"{value:z,.{digits}f}"


def spread(summary: Summary | None, scale: float = 100.0, digits: int = 1) -> str:
    """Mean ± sample sd."""
    if summary is None:
        return NOTHING
    mean = f"{scale * summary.mean:z.{digits}f}"
    return mean if summary.sd is None else f"{mean} ± {scale * summary.sd:z.{digits}f}"


def middle(summary: Summary | None, scale: float = 100.0, digits: int = 1) -> str:
    """The median."""
    return NOTHING if summary is None else f"{scale * summary.median:z.{digits}f}"


def interval(given: Interval | None, scale: float = 100.0, digits: int = 1) -> str:
    """Two ends with the coverage that the interval truly has."""
    if given is None:
        return NOTHING
    return f"{scale * given.low:z.{digits}f} to {scale * given.high:z.{digits}f} ({100 * given.coverage:.1f} %)"


def probability(p: float) -> str:
    """A p value with the digits that mean something."""
    return f"{p:.3f}" if p >= 0.001 else f"{p:.0e}"


def seeds(least: int, likely: int | None, most: int = 1000) -> str:
    """How many seeds a claim needs: those without which it cannot be decided, and those that would probably do."""
    said = f"needs at least {least} seeds"
    if likely is None:
        return said
    return f"{said}; {about(likely, most).removesuffix(' seeds')} for 80 % power at the effect seen"


def about(count: int, most: int = 1000) -> str:
    """So many seeds, as far as that is worth saying."""
    return f"more than {most} seeds" if count > most else f"about {count} seeds"


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, whichever reads best."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"


def share(part: float, whole: float) -> str:
    """A part of a whole in per cent, with two digits that mean something."""
    if not whole:
        return NOTHING
    value = 100 * part / whole
    return f"{value:.0f} %" if value >= 10 else f"{value:.2g} %"


def several(words: Iterable[object]) -> str:
    """``a, b and c``."""
    items = [str(w) for w in words]
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def known_as(dataset: str, source: str = "", also: str | None = None) -> str:
    """A dataset by its own name, by what it is also called where it is, and "drawn" where it is drawn."""
    name = f"{also} (`{dataset}`)" if also else f"`{dataset}`"
    return f"{name}, drawn" if source == "drawn" else name

"""Which code a number was made by: the versions of the house's own, the sha256 of a stranger's; and whether that is the
code of today.

A version rises where the same name and knobs give other numbers than before; it stands in the name's line of its table
(``"module:attribute@2"``, 1 where nothing does). What was made by another version or source is asked again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from betavae import datasets, metrics, models, objectives, representation, trust
from betavae.names import version
from betavae.types import Json

TABLES: Mapping[str, Mapping[str, str]] = {
    "dataset": datasets.DATASETS,
    "method": {**models.MODELS, **representation.METHODS},
    "objective": objectives.OBJECTIVES,
    "measure": metrics.METRICS,
}
"""What a record rests on, and where its names are: a dataset's version is that of its drawing."""


def made_by(cell: Mapping[str, Any] | None, question: Mapping[str, Any] | None) -> dict[str, Json]:
    """The fields of a record that say by which code it is made, here and now: "versions" and "sources"."""
    if cell is None:
        return {}
    named = dict(_named(cell, question))
    known, parts = trust.in_use(), [trust.part(name) for name in named.values() if trust.foreign(name)]
    return {
        "versions": {role: version(TABLES[role], name) for role, name in named.items() if name in TABLES.get(role, ())},
        "sources": {part: known[part] for part in parts if part in known},
    }


def outdated(record: Mapping[str, Any], sources: Mapping[str, str]) -> str:
    """Why a record is not of today's code, in words: nothing where it is. ``sources`` are the sha256 of today's files
    from outside, as far as they are known.
    """
    versions, before = record.get("versions") or {}, record.get("sources") or {}
    for role, name in _named(record["cell"] or {}, record["question"]):
        if name in TABLES.get(role, ()):
            was, now = versions.get(role, 1), version(TABLES[role], name)
            if was != now:
                return f"made by version {was} of {name}, which is now {now}"
        elif trust.foreign(name) and trust.part(name) in sources:
            part = trust.part(name)
            if before.get(part) != sources[part]:
                digits = str(before.get(part, "nothing"))[: trust.DIGITS]
                return f"made by {part} of sha256 {digits}, which is now {sources[part][: trust.DIGITS]}"
    return ""


def _named(cell: Mapping[str, Any], question: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    given = {role: cell.get(role) for role in ("dataset", "method", "objective")}
    for role, name in {**given, "measure": (question or {}).get("measure")}.items():
        if isinstance(name, str):
            yield role, name

"""Where an official dataset is read from: known by content, checked in full just before reading, or clearly missing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from betavae.datasets.files import cache
from betavae.datasets.files.catalogue import Entry
from betavae.datasets.files.checksums import of_file, pin_of, problem
from betavae.errors import Fault, Misuse


class Origin(NamedTuple):
    """An official file by content: ``path`` is None where only the array made from it is left."""

    entry: Entry
    path: Path | None
    sha256: str


def origin(entry: Entry, source: str | Path | None, root: str | Path | None) -> Origin:
    """The file a dataset is read from: ``source`` None or "official" is that in ``raw/``, else a path, used in place.

    Raises Fault where there is none or it is not the one wanted, and says which command gets it.
    """
    target = cache.folder(root) / "raw" / entry.file
    pin = pin_of(target)
    if source not in (None, "official"):
        path = Path(str(source)).expanduser()
        if not path.is_file():
            raise Misuse(f"{entry.name}: source {str(source)!r} is neither 'official' nor a file that is there")
        return _judged(entry, path, pin)
    known = pin or entry.published.get("sha256")
    if target.is_file():
        return Origin(entry, target, known) if known else _judged(entry, target, None)
    if known and made_from(entry, root) == known:
        return Origin(entry, None, known)
    raise missing(entry)


def confirmed(found: Origin) -> Path:
    """The path of an origin, its content checked in full: call it just before reading. Raises Fault."""
    if found.path is None:
        raise missing(found.entry)
    sha256 = of_file(found.path)["sha256"]
    if sha256 != found.sha256:
        raise Fault(
            f"{found.path} is not {found.entry.file}: its sha256 is {sha256}, wanted {found.sha256}; "
            f"{refetch(found.entry)}"
        )
    return found.path


def made_from(entry: Entry, root: str | Path | None) -> str | None:
    """The digest of the file from which the ready array was made, or None where there is no such array."""
    try:
        home = cache.folder(root) / "ready" / (entry.ready or entry.name)
        manifest = json.loads((home / "manifest.json").read_text(encoding="utf-8"))
        return str(manifest["source"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def missing(entry: Entry) -> Fault:
    """The error for a file that is not here: which command gets it, and what stands in for it."""
    get = by_hand(entry)
    if entry.mirrors:
        size = f"{entry.size / 2**20:,.0f} MiB from " if entry.size else "from "
        host = entry.mirrors[0].split("/")[2]
        get = f"`betavae data fetch {entry.name}` gets it ({size}{host}; licence: {entry.licence}), or {get}"
    stand_in = f"; {entry.stand_in} stands in without it" if entry.stand_in else ""
    return Fault(f"the file of {entry.name} ({entry.file}) is not here; {get}{stand_in}")


def by_hand(entry: Entry) -> str:
    """How to take in a copy that came some other way."""
    return f"`betavae data add {entry.name} FILE` takes in a copy of {entry.file}"


def refetch(entry: Entry) -> str:
    """How to replace a file that has gone bad."""
    return f"`betavae data fetch {entry.name}` brings it anew" if entry.mirrors else by_hand(entry)


def on_your_word(entry: Entry, found: Mapping[str, str]) -> str:
    """How to take in a vouchable file whose digest is not the published one; empty for other entries."""
    if not entry.vouchable:
        return ""
    return (
        f"; {entry.note}: if you know this file to be right, "
        f"`betavae data add {entry.name} FILE --sha256 {found['sha256']}` takes it in on your word"
    )


def _judged(entry: Entry, path: Path, pin: str | None) -> Origin:
    found = of_file(path)
    wrong = problem(entry, found, pin)
    if wrong:
        raise Fault(f"{path} is not {entry.file}: {wrong}{on_your_word(entry, found)}")
    return Origin(entry, path, found["sha256"])

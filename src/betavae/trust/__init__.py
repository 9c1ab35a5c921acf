"""Code from outside, named by a file or a command: what a name leads to, and whether the user trusts it.

A study file or a store cannot have code run: what it names is found and hashed, and imported only where the user has
named it too (``--trust mine.py``). The permission is kept in the user's own configuration folder, by path and sha256;
a changed file needs another. ``sources`` reads, hashes and runs the bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from betavae.disk import write_atomic
from betavae.errors import Fault, Misuse, shown
from betavae.trust import running, sources

DIGITS = 12
"""Hexadecimal digits of a sha256 that a message shows."""


class Source(NamedTuple):
    """A file or package that a study names code of: its name there, where it lies, and the sha256 of all of it."""

    name: str
    path: str
    sha256: str

    @staticmethod
    def from_plain(plain: Any) -> Source:
        """The source that ``plain`` came from. Raises ValueError where it is none."""
        named = isinstance(plain, dict) and set(plain) == set(Source._fields)
        if not named or not all(isinstance(given, str) and 0 < len(given) < 5_000 for given in plain.values()):
            raise ValueError("a source has other fields than name, path and sha256")
        return Source(**plain)


_named: dict[str, Source] = {}  # what names stand for in this process, by the study that is read or worked on
_told: set[str] = set()  # names that were announced
_listeners: list[Callable[[str], None]] = []
_here: set[tuple[str, str]] = set()  # path and sha256 of what this process may import, whatever is remembered


def foreign(name: object) -> bool:
    """Whether a name is that of code from outside: ``file.py:attribute`` or ``module:attribute``."""
    return isinstance(name, str) and ":" in name


def part(name: str) -> str:
    """The file or top-level module of a foreign name: what is trusted as a whole."""
    where = name.rpartition(":")[0]
    return where if where.endswith(".py") else where.partition(".")[0]


def use(given: Iterable[Source]) -> None:
    """Let names stand for these sources in this process from now on."""
    _named.update({source.name: source for source in given})


def in_use() -> dict[str, str]:
    """The sha256 of what names stand for in this process, by file or module."""
    return {name: source.sha256 for name, source in _named.items()}


def permit(given: Iterable[Source]) -> None:
    """Let this process import these very bytes: what a worker is told by its driver, and ``trusted`` for a while."""
    _here.update((source.path, source.sha256) for source in given)


def look(name: str, folders: Sequence[Path] = ()) -> Source:
    """What a foreign name, or its file or module alone, leads to now, in ``folders`` or the working directory.

    Nothing is imported. Raises Misuse where it leads nowhere or out of its folder, Fault where it cannot be read.
    """
    named = part(name) if foreign(name) else name
    program = sources.read(named, folders)
    return Source(named, str(program.path), program.sha256)


def current(given: Iterable[Source], folders: Sequence[Path] = ()) -> tuple[Source, ...]:
    """Sources as they lie there now, at their paths or else where their names lead: what a store's study stands for.

    Raises Misuse for one that the user does not trust as it is now.
    """
    found = []
    for source in given:
        there = Path(source.path).exists() and Path(source.path).is_absolute()
        program = sources.at(Path(source.path)) if there else sources.read(source.name, folders)
        found.append(Source(source.name, str(program.path), program.sha256))
        if not trusted(found[-1]):
            raise refusal(source.name, "code", found[-1])
    use(found)
    return tuple(found)


def remember(source: Source) -> None:
    """Keep the permission to import these bytes of this path in the user's configuration folder. Raises Unwritable."""
    text = json.dumps({"path": source.path, "sha256": source.sha256})
    write_atomic(_permission(source.path), text.encode())
    permit([source])


def trusted(source: Source) -> bool:
    """Whether the user has named this very source: in this process, or by ``--trust`` before."""
    return (source.path, source.sha256) in _here or _remembered(source.path) == source.sha256


@contextlib.contextmanager
def announced(say: Callable[[str], None]) -> Iterator[None]:
    """Within it, ``say`` is told of all code from outside before it is imported."""
    _listeners.append(say)
    try:
        yield
    finally:
        _listeners.remove(say)


@contextlib.contextmanager
def granted(*names: str) -> Iterator[list[Source]]:
    """Within it, code of these files and packages may be imported; nothing is remembered."""
    given, before = [look(name) for name in names], set(_here)
    permit(given)
    try:
        yield given
    finally:
        _here.intersection_update(before)


def opened(name: str, kind: str) -> Any:
    """What a foreign name stands for, imported from the bytes that were hashed, once a process.

    Raises Misuse where the user does not trust it or it has no such attribute, Fault where its bytes are not those
    that were trusted or cannot be run.
    """
    named = part(name)
    known = _named.get(named)
    there = known is not None and Path(known.path).exists()  # a folder may have moved: the bytes must be the same
    program = sources.at(Path(known.path)) if known and there else sources.read(named)
    found = Source(named, str(program.path), program.sha256)
    if known and known.sha256 != found.sha256:
        raise Fault(
            f"{found.path} has changed since it was trusted: sha256 {found.sha256}, wanted {known.sha256}; "
            "begin again with the file as it is"
        )
    if not trusted(found):
        raise refusal(name, kind, found)
    for say in _listeners if name not in _told else ():
        say(f"{kind} {shown(name)} imports {found.path}, sha256 {found.sha256}")
    _told.add(name)
    _named[named] = found
    where, _, wanted = name.rpartition(":")
    return running.attribute(program, where, wanted, kind)


def refusal(name: str, kind: str, source: Source) -> Misuse:
    """What is said where a name would have code run that the user has not named."""
    before = _remembered(source.path)
    since = f"it has changed since sha256 {before[:DIGITS]} was trusted" if before else "nobody has trusted it here"
    return Misuse(
        f"{kind} {shown(name)} would run code of {source.path}, sha256 {source.sha256[:DIGITS]}…, and {since}; "
        f"read it, and where you trust it say --trust {source.name} (in Python betavae.names.trusted)"
    )


def folder() -> Path:
    """Where permissions are kept: $BETAVAE_CONFIG, else the user's configuration folder."""
    from platformdirs import user_config_dir

    return Path(os.environ.get("BETAVAE_CONFIG") or user_config_dir("betavae")).expanduser() / "trusted"


def _permission(path: str) -> Path:
    return folder() / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:32]}.json"


def _remembered(path: str) -> str:
    """The sha256 that the user trusts at a path; nothing where there is none, or where the file is not ours."""
    try:
        with _permission(path).open("rb") as file:
            told = json.loads(file.read(100_000))
        return str(told["sha256"]) if told["path"] == path else ""
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""

"""The two kinds of error a user may meet, and the look-up that names the near match.

``Misuse`` is a mistake in what was asked for (exit code 2); ``Fault`` is something that failed or a file that cannot be
trusted (exit code 1). Both carry one clear message: what was given, what was wanted, what to do. Anything else that
escapes is a bug in this package. ``Notice`` is no error: the number is right, but the person should know how it came.
"""

from __future__ import annotations

import contextlib
import difflib
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import TypeVar

from betavae import synonyms

T = TypeVar("T")
SHOWN = 60
"""Characters of a value from outside that a message repeats."""
LONGEST = 200
"""Characters of a name that is looked for among those known: longer ones are no mistake of typing."""


class BetavaeError(Exception):
    """An error whose message is meant for the person at the keyboard."""

    exit_code = 1


class Misuse(BetavaeError):
    """Something was asked for that does not exist or does not fit."""

    exit_code = 2


class Fault(BetavaeError):
    """Something failed, or a file is not what it should be."""

    exit_code = 1


class Notice(UserWarning):
    """What was given was taken in one of several ways: the message says in which, and how to have another."""


def notice(text: str) -> None:
    """Tell the person how something was taken, as a warning: once for each text, and not an error."""
    warnings.warn(text, Notice, stacklevel=3)


def shown(given: object) -> str:
    """A value from outside for a message: its repr on one line, cut where it is long, whatever it is."""
    try:
        text = repr(given if not isinstance(given, str) else given[: SHOWN + 1])
    except (ValueError, RecursionError):  # an integer of thousands of digits, or nested too deeply
        text = f"something too large to show ({type(given).__name__})"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


@contextlib.contextmanager
def made(what: str) -> Iterator[None]:
    """Within it ``what`` is made by code that may be a stranger's: what that raises is a Fault in one line."""
    try:
        yield
    except BetavaeError:
        raise
    except (Exception, SystemExit) as error:
        said = " ".join(str(error).split())[:200]
        raise Fault(f"{what} cannot be made: {type(error).__name__}: {said}") from error


def unknown(kind: str, given: object, known: Iterable[str]) -> Misuse:
    """The error for a name that is in no table: what the thing is called here where others call it so, else the
    nearest known name where one is near.
    """
    names = sorted(known)
    text = given if isinstance(given, str) else shown(given)
    hint = synonyms.said(kind, text, names)
    if not hint:
        near = _nearest(text, names)
        hint = f"did you mean {near!r}?" if near else f"known: {', '.join(names)}"
    return Misuse(f"unknown {kind} {shown(given)}; {hint}")


def _nearest(text: str, names: Sequence[str]) -> str:
    """The known name that a mistake of typing would have come from; empty where none is near.

    Letters in common are not enough: "device" has most of those of "distance". Few letters may differ, or the two begin
    alike.
    """
    if len(text) > LONGEST:
        return ""
    for near in difflib.get_close_matches(text, names, n=3, cutoff=0.5):
        alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(text, near, strict=False)))
        begun = 4 * alike >= 3 * max(5, min(len(text), len(near)))
        if begun or _edits(text, near) <= 1 + max(len(text), len(near)) // 5:
            return near
    return ""


def _edits(one: str, other: str) -> int:
    """Letters to change, add, drop or swap with the next to make one word of the other."""
    before, row = list[int](), list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        last, before, row = before, row, [i]
        for j, its in enumerate(other, 1):
            least = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != its))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == its:
                least = min(least, last[j - 2] + 1)
            row.append(least)
    return row[-1]


def choose(table: Mapping[str, T], name: str, kind: str) -> T:
    """``table[name]``, or a ``Misuse`` that names the near match."""
    try:
        return table[name]
    except (KeyError, TypeError):
        raise unknown(kind, name, table) from None

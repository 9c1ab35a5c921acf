"""The two kinds of error a user may meet, and the look-up that names the near match.

``Misuse`` is a mistake in what was asked for (exit code 2); ``Fault`` is something that failed or a file that cannot be
trusted (exit code 1). Both carry one clear message: what was given, what was wanted, what to do. Anything else that
escapes is a bug in this package. ``Notice`` is no error: the number is right, but the person should know how it came.
"""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")
SHOWN = 60
"""Characters of a value from outside that a message repeats."""


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


def unknown(kind: str, given: object, known: Iterable[str]) -> Misuse:
    """The error for a name that is in no table, with the nearest known name where one is near."""
    names = sorted(known)
    text = given if isinstance(given, str) else shown(given)
    near = difflib.get_close_matches(text, names, n=1, cutoff=0.5) if len(text) <= 200 else []
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names)}"
    return Misuse(f"unknown {kind} {shown(given)}; {hint}")


def choose(table: Mapping[str, T], name: str, kind: str) -> T:
    """``table[name]``, or a ``Misuse`` that names the near match."""
    try:
        return table[name]
    except (KeyError, TypeError):
        raise unknown(kind, name, table) from None

"""The two kinds of error a user may meet, and the look-up that names the near match.

``Misuse`` is a mistake in what was asked for (exit code 2); ``Fault`` is something that failed or a file that cannot be
trusted (exit code 1). Both carry one clear message: what was given, what was wanted, what to do. Anything else that
escapes is a bug in this package.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")


class BetavaeError(Exception):
    """An error whose message is meant for the person at the keyboard."""

    exit_code = 1


class Misuse(BetavaeError):
    """Something was asked for that does not exist or does not fit."""

    exit_code = 2


class Fault(BetavaeError):
    """Something failed, or a file is not what it should be."""

    exit_code = 1


def unknown(kind: str, given: object, known: Iterable[str]) -> Misuse:
    """The error for a name that is in no table, with the nearest known name where one is near."""
    names = sorted(known)
    near = difflib.get_close_matches(str(given), names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names)}"
    return Misuse(f"unknown {kind} {given!r}; {hint}")


def choose(table: Mapping[str, T], name: str, kind: str) -> T:
    """``table[name]``, or a ``Misuse`` that names the near match."""
    try:
        return table[name]
    except (KeyError, TypeError):
        raise unknown(kind, name, table) from None

"""A study file's text and where things stand in it: values checked, mistakes named by file and line."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from betavae import trust
from betavae.errors import BetavaeError, Misuse, shown, unknown
from betavae.trust import Source

LONGEST_KEY = 100
"""Characters of a key that is looked for in the text: longer ones are no mistake of typing."""
DEEPEST = 16
"""Parts of a dotted key; the parser's time grows with their square."""
MOST_SEEDS = 100_000
"""Seeds of one range."""
_PART = r"""(?:[\w-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')[ \t]*+"""
_DOTTED = re.compile(rf"""(?<![\w"'.\\-]){_PART}(?:\.[ \t]*+{_PART}){{{DEEPEST}}}""")
_HEADER = re.compile(r"""^[ \t]*\[\[?[ \t]*([\w."'-]+(?:[ \t]+[\w."'-]+)*)[ \t]*\]\]?[ \t]*(?:#.*)?$""", re.MULTILINE)
_RANGE = re.compile(r"\s*(\d{1,18})\s*-\s*(\d{1,18})\s*", re.ASCII)


def too_deep(text: str) -> bool:
    """Whether a text has a dotted key of more than ``DEEPEST`` parts, found in time that grows with its length."""
    return _DOTTED.search(text) is not None


class Reader:
    """A study file's text, or one table of it, and where things stand in it: the maker of its error messages.

    ``sources`` gathers the code from outside that the file names, by the name it is trusted under.
    """

    def __init__(self, path: Path, text: str, span: tuple[int, int] | None = None) -> None:
        self.path, self.text = path, text
        self.span = span or (0, len(text))
        self.sources: dict[str, Source] = {}

    def parts(self, header: str, count: int) -> list[Reader]:
        """A reader for each of ``count`` tables of this header, in their order; this one where they are not written so.

        ``header`` is "grid" for each ``[[grid]]``, "questions.five" for ``[questions.five]``.
        """
        found = list(_HEADER.finditer(self.text))
        ends = [each.start() for each in found[1:]] + [len(self.text)]
        wanted = header.replace('"', "").replace("'", "")
        spans = [
            (each.start(), end)
            for each, end in zip(found, ends, strict=False)  # a text without headers has an end alone
            if re.sub(r"[\"'\s]", "", each[1]) == wanted
        ]
        made = [Reader(self.path, self.text, span) for span in spans] if len(spans) == count else [self] * count
        for each in made:
            each.sources = self.sources
        return made

    def line(self, key: str) -> str:
        """``file:line`` of the first line of this table that mentions a key; of the table where none does; or the file
        alone.
        """
        begin, end = self.span
        found = None
        if 0 < len(key) <= LONGEST_KEY:
            pattern = rf"^[^#\n]*(?<![\w-]){re.escape(key)}(?![\w-])"
            found = re.compile(pattern, re.MULTILINE).search(self.text, begin, end)
        place = found.start() if found else begin
        return f"{self.path}:{self.text.count(chr(10), 0, place) + 1}" if found or begin else str(self.path)

    def refuse(self, key: str, given: object, wanted: str) -> Misuse:
        return Misuse(f"{self.line(key)}: {key:.60} is {shown(given)}; wanted {wanted}")

    def known(self, table: Mapping[str, Any], allowed: Iterable[str], kind: str) -> None:
        for key in table:
            if key not in allowed:
                error = unknown(kind, key, allowed)
                raise Misuse(f"{self.line(key)}: {error}")

    def number(self, key: str, given: Any, low: float, high: float, whole: bool = False) -> Any:
        """A finite number within bounds, never a boolean."""
        good = isinstance(given, int) or (isinstance(given, float) and not whole and math.isfinite(given))
        if isinstance(given, bool) or not good or not low <= given <= high:
            raise self.refuse(key, given, f"{'a whole' if whole else 'a'} number from {low:g} to {high:g}")
        return given if whole else float(given)

    def name(self, key: str, given: Any, allowed: Iterable[str]) -> str:
        if not isinstance(given, str):
            raise self.refuse(key, given, "a name in quotes")
        if given not in allowed:
            raise Misuse(f"{self.line(given)}: {unknown(key, given, allowed)}")
        return given

    def plugged(self, key: str, given: Any, table: Iterable[str]) -> str:
        """A name of a table, or that of code from outside, which the user must trust; nothing is imported."""
        if not trust.foreign(given):
            return self.name(key, given, table)
        try:
            source = self.sources.get(trust.part(given)) or trust.look(given, [self.path.parent])
            if not trust.trusted(source):
                raise trust.refusal(given, key, source)
        except BetavaeError as error:
            raise type(error)(f"{self.line(given)}: {error}") from None
        self.sources[source.name] = source
        trust.use([source])
        return str(given)

    def seeds(self, given: Any) -> list[Any]:
        """The seeds of a grid: numbers as they stand, and of a text "0-9" every number from the first to the last."""
        found: list[Any] = []
        for each in given if isinstance(given, list) else [given]:
            if not isinstance(each, str):
                found.append(each)
                continue
            ends = _RANGE.fullmatch(each)
            if not ends or not 0 <= int(ends[2]) - int(ends[1]) < MOST_SEEDS:
                raise self.refuse("seed", each, 'a whole number, a list, or a range such as "0-9"')
            found += range(int(ends[1]), int(ends[2]) + 1)
        return found

    def different(self, key: str, values: list[Any]) -> None:
        """Refuse values of which one stands twice: the same cell again would be no other number."""
        seen: set[object] = set()
        for value in values:
            mark = value if isinstance(value, int | float) else repr(value)
            if mark in seen:
                raise self.refuse(key, values, f"every value once: {shown(value)} again is the same cell, run once")
            seen.add(mark)

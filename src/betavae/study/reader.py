"""A study file's text and where things stand in it: values checked, mistakes named by file and line."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from betavae.errors import Misuse, shown, unknown

LONGEST_KEY = 100
"""Characters of a key that is looked for in the text: longer ones are no mistake of typing."""
DEEPEST = 16
"""Parts of a dotted key; the parser's time grows with their square."""
_PART = r"""(?:[\w-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')[ \t]*+"""
_DOTTED = re.compile(rf"""(?<![\w"'.\\-]){_PART}(?:\.[ \t]*+{_PART}){{{DEEPEST}}}""")


def too_deep(text: str) -> bool:
    """Whether a text has a dotted key of more than ``DEEPEST`` parts, found in time that grows with its length."""
    return _DOTTED.search(text) is not None


class Reader:
    """A study file's text and where things stand in it: the maker of its error messages."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.text = path, text

    def line(self, key: str) -> str:
        """``file:line`` of the first line that mentions a key, or the file alone."""
        if not 0 < len(key) <= LONGEST_KEY:
            return str(self.path)
        found = re.search(rf"^[^#\n]*(?<![\w-]){re.escape(key)}(?![\w-])", self.text, re.MULTILINE)
        return f"{self.path}:{self.text.count(chr(10), 0, found.start()) + 1}" if found else str(self.path)

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

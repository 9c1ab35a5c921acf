"""A report as plain parts, written as Markdown with pictures beside it and as one HTML page with them inside.

Inline marks are ``code`` in back-ticks and **bold**; nothing else is interpreted. What others wrote (names, claims,
messages) goes in through ``literal``, so that it is shown as it is and marks nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple


class Heading(NamedTuple):
    """A heading; level 1 is the title."""

    text: str
    level: int = 2


class Text(NamedTuple):
    """A paragraph."""

    text: str


class Items(NamedTuple):
    """A list of short lines."""

    lines: Sequence[str]


class Table(NamedTuple):
    """A table of text; the first column is left-aligned, the notes stand below."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()


class Picture(NamedTuple):
    """A PNG by name, with its caption; ``width`` is its real size in CSS pixels, ``figure`` what it was made from."""

    name: str
    png: bytes
    caption: str
    width: int
    figure: Any = None


class Link(NamedTuple):
    """A line that leads to another page of the same folder, named without its ending."""

    text: str
    page: str


class Embedded(NamedTuple):
    """A page of its own, shown within this one and apart from it: a sandbox runs it. ``whole`` is where a larger one
    lies, relative to this page, "" for none; ``said`` is what stands below. Markdown shows neither, only where it lies.
    """

    title: str
    html: str
    said: str
    whole: str = ""


class Folded(NamedTuple):
    """Parts that an HTML page opens on demand."""

    summary: str
    parts: Sequence[Part]


Part = Heading | Text | Items | Table | Picture | Link | Embedded | Folded

_VEIL = 0xE000
_MARKS = "\\`*_{}[]<>#|&$~!:%"
Explore = Callable[[str], Embedded | None]
"""Gives the page of one trained cell by its id, None where it cannot be shown; a report is given it from above."""
MARKED = re.compile(f"[{chr(_VEIL)}-{chr(_VEIL + 127)}]")
"""A letter that ``literal`` put in a mark's place."""


def literal(text: str) -> str:
    """A text from outside for a page, on one line: until a rendering shows it, letters that could be marks of Markdown,
    HTML, LaTeX or a template are others (of Unicode's private use) that no rendering takes for a mark.
    """
    line = " ".join("".join(c if c.isprintable() or c.isspace() else "\ufffd" for c in text).split())
    return "".join(chr(_VEIL + ord(c)) if c in _MARKS else c for c in line)


def plain(text: str) -> str:
    """A text with what ``literal`` hid in it as it was."""
    return MARKED.sub(lambda found: chr(ord(found[0]) - _VEIL), text)


def file_name(name: str) -> str:
    """A picture's name as a file's, whatever dataset or question is in it."""
    return re.sub(r"[^\w-]+", "-", plain(name)).strip("-")[:120]


def pictures(parts: Sequence[Part]) -> list[Picture]:
    """Every picture of the parts, in order."""
    found: list[Picture] = []
    for part in parts:
        if isinstance(part, Picture):
            found.append(part)
        elif isinstance(part, Folded):
            found += pictures(part.parts)
    return found


def save(title: str, parts: Sequence[Part], out: Path, name: str = "report") -> Path:
    """Write ``name.md`` with ``figures/*.png``, and ``name.html`` with everything inside; the path of the HTML page."""
    from betavae.report.markdown import markdown
    from betavae.report.web import page

    (out / "figures").mkdir(parents=True, exist_ok=True)
    for picture in pictures(parts):
        (out / "figures" / f"{file_name(picture.name)}.png").write_bytes(picture.png)
    (out / f"{name}.md").write_text(markdown(parts), encoding="utf-8")
    path = out / f"{name}.html"
    path.write_text(page(title, parts), encoding="utf-8")
    return path

"""A report as plain parts, and its two renderings: Markdown with pictures beside it, one HTML page with them inside.

Inline marks are ``code`` in back-ticks and **bold**; nothing else is interpreted.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Sequence
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


class Folded(NamedTuple):
    """Parts that an HTML page opens on demand."""

    summary: str
    parts: Sequence[Part]


Part = Heading | Text | Items | Table | Picture | Folded

STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.9rem; line-height: 1.2; }
h2 { margin-top: 2.6rem; border-bottom: 1px solid #ccc; padding-bottom: .2rem; }
h3 { margin-top: 1.8rem; } code { background: #f2f2f2; padding: 0 .2em; border-radius: 3px; font-size: .92em; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .86rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .3rem 0; caption-side: top; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid #e2e2e2; vertical-align: top; }
th:first-child, td:first-child { text-align: left; } thead th { border-bottom: 2px solid #777; }
.note { font-size: .86rem; color: #444; margin: .3rem 0; }
figure { margin: 1rem 0; } img { max-width: 100%; height: auto; }
figcaption { font-size: .88rem; color: #333; } nav { columns: 2; font-size: .92rem; } summary { cursor: pointer; }
"""


def markdown(parts: Sequence[Part], folder: str = "figures") -> str:
    """The parts as Markdown; pictures are linked as ``folder/name.png``."""
    return "\n\n".join(_markdown(part, folder) for part in parts) + "\n"


def _markdown(part: Part, folder: str) -> str:
    match part:
        case Heading(text, level):
            return f"{'#' * level} {text}"
        case Text(text):
            return text
        case Items(lines):
            return "\n".join(f"- {line}" for line in lines)
        case Table(caption, header, rows, notes):
            shown = [_pipe(header), "|" + "|".join(["---"] + ["--:"] * (len(header) - 1)) + "|", *map(_pipe, rows)]
            return "\n\n".join([f"**{caption}**", "\n".join(shown), *(f"_{note}_" for note in notes)])
        case Picture(name, _, caption, _):
            return f"![{caption.split('.')[0]}]({folder}/{name}.png)\n\n{caption}"
        case Folded(summary, inner):
            return "\n\n".join([f"**{summary}**", *(_markdown(b, folder) for b in inner)])


def _pipe(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", "<br>") for cell in cells) + " |"


def page(title: str, parts: Sequence[Part]) -> str:
    """The parts as one self-contained HTML page: no script, no link outward, pictures as data URIs."""
    body = "\n".join(_html(part) for part in parts)
    chapters = [b.text for b in parts if isinstance(b, Heading) and b.level == 2]
    links = "".join(f'<div><a href="#{_anchor(text)}">{_inline(text)}</a></div>' for text in chapters)
    head, _, rest = body.partition("<h2")
    whole = f"{head}<nav>{links}</nav>\n<h2{rest}" if rest else body
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{whole}\n</body>\n</html>\n"
    )


def _html(part: Part) -> str:
    match part:
        case Heading(text, level):
            return f'<h{level} id="{_anchor(text)}">{_inline(text)}</h{level}>'
        case Text(text):
            return f"<p>{_inline(text)}</p>"
        case Items(lines):
            return "<ul>" + "".join(f"<li>{_inline(line)}</li>" for line in lines) + "</ul>"
        case Table(caption, header, rows, notes):
            head = "".join(f'<th scope="col">{_inline(cell)}</th>' for cell in header)
            body = "".join("<tr>" + "".join(f"<td>{_inline(cell)}</td>" for cell in row) + "</tr>\n" for row in rows)
            parts = f"<caption>{_inline(caption)}</caption><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody>"
            return f'<div class="wide"><table>{parts}</table></div>' + "".join(
                f'<p class="note">{_inline(n)}</p>' for n in notes
            )
        case Picture(name, png, caption, width):
            data = base64.b64encode(png).decode()
            alt = html.escape(caption, quote=True)
            return (
                f'<figure id="{name}"><img width="{width}" alt="{alt}" src="data:image/png;base64,{data}">'
                f"<figcaption>{_inline(caption)}</figcaption></figure>"
            )
        case Folded(summary, inner):
            return f"<details><summary>{_inline(summary)}</summary>\n" + "\n".join(map(_html, inner)) + "</details>"


def _anchor(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _inline(text: str) -> str:
    safe = html.escape(text, quote=False).replace("\n", "<br>")
    safe = re.sub(r"`([^`]+)`", r"<code>\1</code>", safe)
    return re.sub(r"\*\*([^*]+)\*\*", r"<b>\1</b>", safe)


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
    (out / "figures").mkdir(parents=True, exist_ok=True)
    for picture in pictures(parts):
        (out / "figures" / f"{picture.name}.png").write_bytes(picture.png)
    (out / f"{name}.md").write_text(markdown(parts), encoding="utf-8")
    path = out / f"{name}.html"
    path.write_text(page(title, parts), encoding="utf-8")
    return path

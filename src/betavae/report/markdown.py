"""A report as Markdown, with pictures beside it; no text of it is taken for a tag, a link or a picture."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from betavae.report.document import (
    MARKED,
    Embedded,
    Folded,
    Heading,
    Items,
    Link,
    Part,
    Picture,
    Table,
    Text,
    file_name,
    plain,
)


def markdown(parts: Sequence[Part], folder: str = "figures") -> str:
    """The parts as Markdown; pictures are linked as ``folder/name.png``."""
    text = "\n\n".join(filter(None, (_rendered(part, folder) for part in parts))) + "\n"
    return MARKED.sub(lambda found: _shown(plain(found[0])), text)


def _shown(letter: str) -> str:
    return html.escape(letter) if letter in "<>&" else f"\\{letter}"


def _rendered(part: Part, folder: str) -> str:
    match part:
        case Heading(text, level):
            return f"{'#' * level} {_line(text)}"
        case Text(text):
            return _line(text)
        case Items(lines):
            return "\n".join(f"- {_line(line)}" for line in lines)
        case Table(caption, header, rows, notes):
            shown = [_cells(header), "|" + "|".join(["---"] + ["--:"] * (len(header) - 1)) + "|", *map(_cells, rows)]
            return "\n\n".join([f"**{_line(caption)}**", "\n".join(shown), *(f"_{_line(note)}_" for note in notes)])
        case Picture(name, _, caption, _):
            return f"![{_line(caption.split('.')[0])}]({folder}/{file_name(name)}.png)\n\n{_line(caption)}"
        case Link(text, page):
            return f"[{_line(text)}]({file_name(page)}.md)"
        case Embedded(_, _, _, whole):  # what is said of it is of the page that shows it
            return f"[All models, side by side](<{whole}>)" if whole else ""
        case Folded(_, [Table() as alone]):
            return _rendered(alone, folder)
        case Folded(summary, inner):
            return "\n\n".join([f"**{_line(summary)}**", *(_rendered(part, folder) for part in inner)])


def _cells(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_line(cell).replace("|", "\\|") for cell in cells) + " |"


def _line(text: str) -> str:
    """A text on one line: ``code`` as it is, elsewhere nothing that opens a tag, a link or an escape.

    Runs of back-ticks are made quotes first, so that what is code here is code to every reader of Markdown.
    """
    pieces = re.split(r"(`[^`]+`)", re.sub(r"``+", '"', text))
    return "".join(piece if k % 2 else _safe(piece) for k, piece in enumerate(pieces)).replace("\n", "<br>")


def _safe(text: str) -> str:
    text = text.replace("\\", "\\\\").replace("](", "]\\(")
    return re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text)

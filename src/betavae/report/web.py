"""A report as one self-contained HTML page: no script but in a sandboxed frame, no link outward, pictures as data URIs;
text is escaped.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from importlib import resources
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from betavae.report.document import MARKED, Folded, Heading, Part, file_name, plain

if TYPE_CHECKING:
    from markupsafe import Markup


def page(title: str, parts: Sequence[Part]) -> str:
    """The parts as a page, the table of contents below the title, opened on demand."""
    import jinja2
    import markupsafe

    room = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    room.filters |= {
        "anchor": anchor,
        "inline": inline,
        "plain": plain,
        "file_name": file_name,
        "base64": lambda png: base64.b64encode(png).decode(),
    }
    here = resources.files("betavae.report") / "page"
    style = markupsafe.Markup((here / "style.css").read_text("utf-8"))
    front = list(takewhile(lambda part: not _chapter(part), parts))
    rest = [_told(part) for part in parts[len(front) :]]
    chapters = [part.text for part in parts if isinstance(part, Heading) and _chapter(part)]
    template = room.from_string((here / "page.html").read_text("utf-8"))
    return template.render(title=title, style=style, front=[_told(p) for p in front], rest=rest, chapters=chapters)


def _chapter(part: Part) -> bool:
    return isinstance(part, Heading) and part.level == 2


def _told(part: Part) -> dict[str, Any]:
    """A part as a template reads it: its fields, and the name of its kind."""
    fields = {**part._asdict(), "kind": type(part).__name__}
    return fields | {"parts": [_told(inner) for inner in part.parts]} if isinstance(part, Folded) else fields


def anchor(text: str) -> str:
    """The id of a heading or picture."""
    return re.sub(r"[^a-z0-9]+", "-", plain(text).lower()).strip("-")


def inline(text: str) -> Markup:
    """A text escaped, its ``code`` and **bold** marked; what ``literal`` made marks nothing."""
    import markupsafe

    safe = str(markupsafe.escape(text)).replace("\n", "<br>")
    safe = re.sub(r"`([^`]+)`", r"<code>\1</code>", safe)
    safe = re.sub(r"\*\*([^*]+)\*\*", r"<b>\1</b>", safe)
    return markupsafe.Markup(MARKED.sub(lambda found: str(markupsafe.escape(plain(found[0]))), safe))

"""Laws of text that others wrote: names, claims and messages are shown as they are, and do nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from betavae.report.document import Folded, Heading, Items, Link, Part, Picture, Table, Text, literal, plain, save
from betavae.report.markdown import markdown
from betavae.report.web import page

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "{{7*7}} {% for x in y %}",
    '"quoted" and \'quoted\' onload="x',
    "a|b|c",
    "`code` ``more`<b>`` `<i>",
    "\\`<script>`",
    "![p](http://x.example/p.png) [l](javascript:alert(1))",
    "# heading\n- item\n\n---\n**bold** _it_ ~~s~~",
    "\x1b[31m\u202e\x00",
    "<!-- x --> <?php ?> &lt;b&gt; &amp;",
)
DRESSED = [*HOSTILE, *map(literal, HOSTILE), *(f"`{text}`" for text in HOSTILE), *(f"**{text}**" for text in HOSTILE)]
OURS = {"html", "head", "meta", "title", "style", "body", "nav", "div", "a", "h1", "h2", "h3", "p", "ul", "li", "table",
        "caption", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "img", "details", "summary", "code", "b",
        "br"}  # fmt: skip

GIVEN = {"charset", "name", "content", "lang", "id", "href", "scope", "class", "width", "alt", "src", "tabindex",
         "aria-label"}  # fmt: skip


def parts_of(text: str) -> list[Part]:
    """One of every part with a text wherever a text can stand."""
    return [
        Heading(text, 1), Heading(text), Text(text), Items([text, text]),
        Table(text, [text, text], [[text, text]], [text]),
        Picture(text, b"\x89PNG", f"{text}. And more.", 600), Folded(text, [Text(text)]), Link(text, text),
    ]  # fmt: skip


class Seen(HTMLParser):
    """The tags and attributes of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.said: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.said.append(data)


@pytest.mark.parametrize("text", DRESSED)
def test_a_page_has_only_its_own_tags(text: str) -> None:
    """Whatever stands in a text, the page has the tags that harmless text gives, and its attributes no other value."""
    seen, harmless = Seen(page(text, parts_of(text))), Seen(page("x", parts_of("x")))
    structure = [t for t, _ in seen.tags if t not in ("code", "b", "br")]
    assert structure == [t for t, _ in harmless.tags]
    for tag, attributes in seen.tags:
        assert tag in OURS
        assert set(attributes) <= GIVEN
        assert re.fullmatch(r"(data:image/png;base64,.*)?", attributes.get("src") or "")
        assert re.fullmatch(r"(#[a-z0-9-]*|[\w-]*\.html)?", attributes.get("href") or "")
    assert "49" not in "".join(seen.said)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_literal_text_is_shown_as_it_is(text: str) -> None:
    """Letter for letter, on one line; what cannot be printed is a question mark of Unicode's."""
    shown = plain(literal(text))
    assert shown == " ".join("".join(c if c.isprintable() or c.isspace() else "\ufffd" for c in text).split())
    said = Seen(page("x", [Text(literal(text))])).said
    assert shown in said


@pytest.mark.parametrize("text", DRESSED)
def test_markdown_opens_no_tag_no_link_and_no_row(text: str) -> None:
    """Outside of code spans, as CommonMark reads them, nothing opens a tag; no picture or link but the report's own."""
    written = markdown(parts_of(text))
    bare = re.sub(r"(?<![`\\])`[^`\n]+`(?!`)", "", re.sub(r"\\\\", "", written)).replace("<br>", "")
    assert not re.search(r"(?<!\\)<[A-Za-z/!?]", bare), bare
    links = re.findall(r"(?<!\\)\]\(([^)]*)\)", bare)
    assert [link for link in links if not re.fullmatch(r"figures/[\w-]*\.png|[\w-]*\.md", link)] == []
    table = [line for line in written.splitlines() if line.startswith("|")]
    assert len(table) == 3
    assert len({len(re.findall(r"(?<!\\)\|", re.sub(r"\\\\", "", line))) for line in table}) == 1


def test_a_name_of_a_picture_never_leaves_its_folder(tmp_path: Path) -> None:
    out = tmp_path / "out"
    names = ["../../../escaped", "/tmp/absolute", "a\\b", "x" * 500, literal("../<b>"), "figure-9-10-mine.py:discs"]
    save("t", [Picture(name, b"\x89PNG", "A picture.", 600) for name in names], out)
    written = {p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file()}
    assert {p.parts[:2] for p in written} == {("out", "report.md"), ("out", "report.html"), ("out", "figures")}
    assert len(list((out / "figures").iterdir())) == len(names)

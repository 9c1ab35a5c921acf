"""A report's table as LaTeX: booktabs rules, captions above, notes below, plain ASCII."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from betavae.report.document import Table, plain

if TYPE_CHECKING:
    from pylatexenc.latexencode import UnicodeToLatexEncoder

OWN = {
    "|": r"\textbar{}", "√": r"\ensuremath{\surd}", "✓": r"\ensuremath{\surd}", "✗": r"\ensuremath{\times}",
    "⟂": r"\ensuremath{\perp}", "⁻": r"\ensuremath{^{-}}",
}  # fmt: skip
"""What pylatexenc does not know, or writes as what the plain fonts do not have."""
SENTENCE = 40
"""A cell longer than this is text, not a number."""


@lru_cache(maxsize=1)
def _encoder() -> UnicodeToLatexEncoder:
    from pylatexenc.latexencode import RULE_DICT, UnicodeToLatexConversionRule, UnicodeToLatexEncoder

    own = UnicodeToLatexConversionRule(RULE_DICT, {ord(letter): text for letter, text in OWN.items()})
    return UnicodeToLatexEncoder(
        conversion_rules=[own, "defaults"], replacement_latex_protection="braces-after-macro",
        unknown_char_policy="unihex", unknown_char_warning=False,
    )  # fmt: skip


def escaped(text: str) -> str:
    """A text with every letter that LaTeX would take for a command, or not know, written as one that it knows."""
    paired = re.sub(r'"([^"]*)"', "“\\1”", plain(text))
    return str(_encoder().unicode_to_latex(paired))


def inline(text: str) -> str:
    """A line of a report: its ``code`` and **bold** marks as LaTeX, everything else escaped."""
    parts = re.split(r"(`[^`]+`|\*\*[^*]+\*\*)", text)
    return "".join(
        rf"\texttt{{{escaped(part[1:-1])}}}"
        if part.startswith("`") and len(part) > 1
        else rf"\textbf{{{escaped(part[2:-2])}}}"
        if part.startswith("**") and len(part) > 3
        else escaped(part)
        for part in parts
    )


def _cell(text: str, paragraph: bool) -> str:
    lines = [inline(line) for line in text.split("\n")]
    if len(lines) == 1 or paragraph:
        return r" \newline ".join(lines)
    return r"\begin{tabular}[t]{@{}l@{}}" + r"\\".join(lines) + r"\end{tabular}"


def _line(cells: Sequence[str], sentences: Sequence[bool]) -> str:
    shown = [_cell(cell, sentence) for cell, sentence in zip(cells, sentences, strict=True)]
    # Braces: a row that begins with a bracket is not an argument of the line break before it.
    return " & ".join("{" + cell + "}" if cell.startswith("[") else cell for cell in shown) + r" \\"


def _sentences(block: Table) -> list[bool]:
    """Which columns hold sentences: those with a line longer than a number is."""
    columns = zip(block.header, *block.rows, strict=True)
    return [max(len(line) for cell in column for line in cell.split("\n")) > SENTENCE for column in columns]


def _columns(sentences: Sequence[bool]) -> str:
    """The column types: numbers to the right, sentences in paragraphs that share three quarters of the line."""
    share = 0.75 / max(1, sum(sentences))
    paragraph = rf"p{{{share:.2f}\linewidth}}"
    return "".join(paragraph if sentence else "r" if k else "l" for k, sentence in enumerate(sentences))


def table(block: Table, label: str) -> str:
    r"""A table as a ``table`` environment that needs ``\usepackage{booktabs}`` alone."""
    sentences = _sentences(block)
    rows = "\n".join(_line(row, sentences) for row in block.rows)
    notes = "\n\n".join(inline(note) for note in block.notes)
    below = (
        f"\n\\par\\smallskip\n\\begin{{minipage}}{{\\linewidth}}\\footnotesize\n{notes}\n\\end{{minipage}}"
        if notes
        else ""
    )
    return rf"""% needs \usepackage{{booktabs}}
\begin{{table}}[htbp]
\centering\small
\caption{{{inline(block.caption)}}}
\label{{tab:{label}}}
\begin{{tabular}}{{{_columns(sentences)}}}
\toprule
{_line(block.header, sentences)}
\midrule
{rows}
\bottomrule
\end{{tabular}}{below}
\end{{table}}
"""

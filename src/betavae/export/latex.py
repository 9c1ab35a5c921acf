"""A report's table as LaTeX: booktabs rules, captions above, notes below, plain ASCII."""

from __future__ import annotations

import re
from collections.abc import Sequence

from betavae.report.document import Table, plain

SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "%": r"\%", "&": r"\&", "#": r"\#", "_": r"\_", "$": r"\$",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': "''", "“": "``", "”": "''", "‘": "`", "’": "'", "–": "--", "—": "---", "…": r"\ldots{}",
    "\u00a0": "~", "·": r"\textperiodcentered{}", "°": r"\textdegree{}", "²": r"$^2$", "³": r"$^3$", "½": r"$1/2$",
    "⁻": r"$^{-}$", "⁶": r"$^6$", "⁷": r"$^7$", "⁸": r"$^8$", "⁹": r"$^9$", "⁰": r"$^0$", "¹": r"$^1$", "⁴": r"$^4$",
    "⁵": r"$^5$",
}  # fmt: skip
MATHS = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "θ": "theta", "λ": "lambda", "μ": "mu",
    "µ": "mu", "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau", "φ": "varphi", "χ": "chi", "ω": "omega", "Δ": "Delta",
    "Σ": "Sigma", "Φ": "Phi", "Ω": "Omega", "×": "times", "±": "pm", "÷": "div", "·": "cdot", "≤": "leq", "≥": "geq",
    "≠": "neq", "≈": "approx", "→": "rightarrow", "←": "leftarrow", "∞": "infty", "√": "surd", "−": "-", "∈": "in",
    "⟂": "perp", "✓": "surd",
}  # fmt: skip
SENTENCE = 40
"""A cell longer than this is text, not a number."""
_LETTER = {
    **{k: f"${'' if v == '-' else chr(92)}{v}$" for k, v in MATHS.items()},
    **SPECIAL,
    "✗": r"$\times$",
    "ö": r'\"o', "ä": r'\"a', "ü": r'\"u', "é": r"\'e", "è": r"\`e", "ć": r"\'c", "đ": r"\dj{}", "á": r"\'a",
}  # fmt: skip


def escaped(text: str) -> str:
    """A text with every letter that LaTeX would take for a command, or not know, written as one that it knows."""
    paired = re.sub(r'"([^"]*)"', "“\\1”", plain(text))
    return "".join(_LETTER.get(letter, letter) for letter in paired)


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

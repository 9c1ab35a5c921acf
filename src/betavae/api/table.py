"""A table of plain values: it prints as text, shows itself in a notebook, and becomes a data frame on request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from betavae.errors import Misuse, choose

MOST = 60
"""Rows that are shown; a data frame has all."""


class Table(Mapping[str, "list[Any]"]):
    """Columns of one length by name: ``table["score"]`` is a list; ``rows`` are dictionaries; ``note`` says what a
    reader must know of the numbers.
    """

    def __init__(self, columns: Mapping[str, Sequence[Any]], note: str = "") -> None:
        self._columns = {name: list(values) for name, values in columns.items()}
        self.note = note

    def __getitem__(self, name: str) -> list[Any]:
        """One column. Raises Misuse for an unknown name, with the near match."""
        return choose(self._columns, name, "column")

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The table row by row."""
        return [dict(zip(self._columns, row, strict=True)) for row in zip(*self._columns.values(), strict=True)]

    def frame(self, kind: str = "pandas") -> Any:
        """It as a data frame of "pandas" or "polars". Raises Misuse where that library is not installed."""
        return frame(self._columns, kind)

    def __repr__(self) -> str:
        lines = [list(self._columns), *([_text(v) for v in row.values()] for row in self.rows[:MOST])]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        drawn = ["  ".join(t.ljust(w) for t, w in zip(line, widths, strict=True)).rstrip() for line in lines]
        return "\n".join([*drawn, *self._more(), *([self.note] if self.note else [])])

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{escape(name)}</th>' for name in self._columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(_text(v))}</td>" for v in row.values()) + "</tr>" for row in self.rows[:MOST]
        )
        said = "".join(f"<p>{escape(text)}</p>" for text in [*self._more(), *([self.note] if self.note else [])])
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{said}"

    def _more(self) -> list[str]:
        left = max(map(len, self._columns.values()), default=0) - MOST
        return [f"… {left:,} more rows; frame() has all"] if left > 0 else []


def frame(columns: Mapping[str, Sequence[Any]], kind: str) -> Any:
    """Columns as a data frame of "pandas" or "polars". Raises Misuse where that library is not installed."""
    libraries = {"pandas": "DataFrame", "polars": "DataFrame"}
    choose(libraries, kind, "kind of data frame")
    import importlib

    try:
        library = importlib.import_module(kind)
    except ImportError:
        raise Misuse(f"a data frame of {kind} needs {kind}; pip install {kind}, or read .rows") from None
    return library.DataFrame({name: list(values) for name, values in columns.items()})


def _text(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)

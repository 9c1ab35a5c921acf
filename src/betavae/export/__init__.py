"""Out of the tool: records as tables of columns, the report's tables and figures for a paper, models for others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from betavae.errors import Misuse, choose
from betavae.study.store import Store


def _records(stores: Sequence[Store], out: Path, only: Sequence[str]) -> list[Path]:
    from betavae.export.records import write

    return write(stores, out)


def _tables(stores: Sequence[Store], out: Path, only: Sequence[str]) -> list[Path]:
    from betavae.export.report_files import tables

    return tables(stores, out / "tables")


def _figures(stores: Sequence[Store], out: Path, only: Sequence[str]) -> list[Path]:
    from betavae.export.report_files import figures

    return figures(stores, out / "figures")


def _models(stores: Sequence[Store], out: Path, only: Sequence[str]) -> list[Path]:
    from betavae.export.models import write

    return write(stores, out / "models", only)


KINDS: dict[str, Callable[[Sequence[Store], Path, Sequence[str]], list[Path]]] = {
    "records": _records,
    "tables": _tables,
    "figures": _figures,
    "models": _models,
}
"""What can be exported, each by its own file of this package, imported when it is asked for."""
USUAL = ("records", "tables", "figures")
"""What is exported unless said otherwise; models are large, so they are asked for."""


def export(stores: Sequence[Store], out: Path, what: Sequence[str] = USUAL, only: Sequence[str] = ()) -> list[Path]:
    """Write what is asked for into a folder and give the files' paths; ``only`` picks models by their cells' ids.

    Raises Misuse for an unknown kind or a model that is not there, Fault where a file cannot be written or trusted.
    """
    chosen = [choose(KINDS, name, "kind of export") for name in what]
    if only and "models" not in what:
        raise Misuse(f"--only picks models, and what is exported is {', '.join(what)}; add --what models")
    return [path for kind in chosen for path in kind(stores, out, only)]

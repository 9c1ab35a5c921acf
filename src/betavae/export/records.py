"""All records as one tidy table, a row per score, as Parquet and CSV.

Cells are named by their fields, questions by theirs with ``question_`` before them; knobs have a column each. A record
without a score (a picture, an error) has one row whose ``score`` and ``value`` are empty: what failed is not dropped.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from betavae.disk import write_atomic
from betavae.errors import Misuse
from betavae.study.store import Store, read

if TYPE_CHECKING:
    import polars

Record = dict[str, Any]
Row = dict[str, Any]

FIRST = ("kind", "study", "scale", "cell_id", "dataset", "method", "codes", "seed", "objective")
LAST = ("at", "score", "value", "status", "message", "seconds", "images", "when", "device", "cpu", "threads",
        "precision", "python", "torch", "version", "git", "data_source", "data_digest", "arrays")  # fmt: skip


def rows(records: Iterable[Record]) -> Iterator[Row]:
    """The rows of records: a record's scores one by one, in order of name."""
    for record in records:
        fields = _fields(record)
        for name, value in sorted(record["scores"].items()) or [(None, None)]:
            yield {**fields, "score": name, "value": None if value is None else float(value)}


def _fields(record: Record) -> Row:
    cell, question, machine = record["cell"] or {}, record["question"] or {}, record["machine"]
    code, data = machine.get("code") or {}, record["data"] or {}
    recipe = {f"recipe_{key}": value for key, value in (cell.get("recipe") or {}).items()}
    knobs = {f"cell_{key}": value for key, value in cell.get("knobs", {}).items()}
    asked = {f"question_{key}": value for key, value in question.get("knobs", {}).items()}
    return {
        "kind": record["kind"],
        "study": record["study"].get("name"),
        "scale": record["study"].get("scale"),
        "cell_id": record["cell_id"],
        **{key: cell.get(key) for key in ("dataset", "method", "codes", "seed", "objective", "fit")},
        **knobs,
        **recipe,
        "train_on": cell.get("train_on"),
        "cell_quirks": " ".join(cell.get("quirks", ())) or None,
        "question_id": record["question_id"],
        "measure": question.get("measure"),
        "question_seed": question.get("seed"),
        **asked,
        "question_quirks": " ".join(question.get("quirks", ())) or None,
        **{key: record[key] for key in ("at", "status", "seconds", "images", "when", "arrays")},
        "message": record["message"] or None,
        **{key: machine.get(key) for key in ("device", "cpu", "threads", "precision", "python")},
        "torch": machine.get("versions", {}).get("torch"),
        "version": code.get("version"),
        "git": code.get("git"),
        "data_source": data.get("source"),
        "data_digest": data.get("digest"),
    }


def frame(records: Iterable[Record]) -> polars.DataFrame:
    """The tidy table of records, one type per column; lists and mixtures are JSON text. Raises Misuse where polars is
    not installed.
    """
    try:
        import polars
    except ImportError:
        raise Misuse(
            "records as Parquet and CSV need polars; install it with `pip install 'betavae[export]'`, or leave them "
            "out: --what tables,figures"
        ) from None

    table = list(rows(records))
    found = dict.fromkeys(key for row in table for key in row)
    middle = sorted(key for key in found if key not in FIRST and key not in LAST)
    columns = [*FIRST, *(k for k in middle if not k.startswith(("question", "measure"))), "measure",
               *(k for k in middle if k.startswith("question")), *LAST]  # fmt: skip
    values = {name: [row.get(name) for row in table] for name in columns}
    return polars.DataFrame([_column(polars, name, values[name]) for name in columns])


REAL = {"value", "at", "seconds", "recipe_learning_rate", "recipe_drop_at", "recipe_drop_to"}


def _column(polars: Any, name: str, values: list[Any]) -> polars.Series:
    kinds = {type(v) for v in values if v is not None}
    if kinds == {bool}:
        return polars.Series(name, values, dtype=polars.Boolean)
    if kinds and kinds <= {int, float}:
        real = name in REAL or float in kinds
        return polars.Series(name, values, dtype=polars.Float64 if real else polars.Int64, strict=False)
    texts = [v if v is None or isinstance(v, str) else json.dumps(v, ensure_ascii=False) for v in values]
    return polars.Series(name, texts, dtype=polars.String)


def write(stores: Sequence[Store], out: Path) -> list[Path]:
    """Write ``records.parquet`` and ``records.csv``, the same rows in both; their paths. Raises Unwritable."""
    found = sorted(
        read(stores),
        key=lambda r: (r["kind"] == "run", r["cell_id"] or "", r["question_id"] or "", r["at"], r["when"]),
    )
    table = frame(found)
    paths = []
    for name, save in {"records.parquet": table.write_parquet, "records.csv": table.write_csv}.items():
        buffer = io.BytesIO()
        save(buffer)
        write_atomic(out / name, buffer.getvalue())
        paths.append(out / name)
    return paths

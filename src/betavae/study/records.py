"""What a record is, and how a file of them is read: a line that cannot be believed is named and left out."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from betavae.errors import BetavaeError
from betavae.study import versions
from betavae.study.cells import checked

if TYPE_CHECKING:
    from betavae.study.cells import Cell, Question
    from betavae.types import Json

SCHEMA = 1
LONGEST = 16_000_000
"""Bytes of one record's line; a real one has a few thousand."""
STATUSES = ("ok", "diverged", "error")


class _Form(msgspec.Struct):
    """What every record holds; fields that it does not know stay as they are."""

    kind: str
    study: dict[str, Any]
    at: int | float
    status: Literal["ok", "diverged", "error"]
    message: str
    scores: dict[str, int | float]
    notes: dict[str, Any]
    seconds: int | float
    images: int
    when: str
    machine: dict[str, Any]
    cell_id: str | None = None
    question_id: str | None = None
    arrays: str | None = None
    cell: dict[str, Any] | None = None
    question: dict[str, Any] | None = None
    data: dict[str, Any] | None = None
    reads: dict[str, Any] | None = None
    versions: dict[str, Any] | None = None
    sources: dict[str, Any] | None = None


Record = dict[str, Any]


def rank(record: Record) -> int:
    """Which of two records of one question is believed: the lower."""
    return STATUSES.index(record["status"])


class Page:
    """What one record file held when it was last read: its records, its problems, and how far it was read."""

    def __init__(self, mark: tuple[int, int]) -> None:
        self.mark, self.read, self.lines = mark, 0, 0
        self.records: list[Record] = []
        self.problems: list[str] = []


def turned(path: Path, page: Page | None) -> Page:
    """A record file read to its last whole line, from where ``page`` left off. A torn last line is not counted: its
    append never returned.
    """
    if not path.is_file():
        page = Page((0, 0))
        page.problems.append(f"{path}: not an ordinary file; left out")
        return page
    with path.open("rb") as file:
        stat = os.fstat(file.fileno())
        mark = (stat.st_dev, stat.st_ino)
        if page is None or page.mark != mark or stat.st_size < page.read:
            page = Page(mark)
        file.seek(page.read)
        while line := file.readline(LONGEST + 1):
            while not line.endswith(b"\n") and len(line) > LONGEST and (rest := file.readline(LONGEST)):
                line = line[: LONGEST + 1] + rest[-1:]
            if not line.endswith(b"\n") and len(line) <= LONGEST:
                break
            page.lines += 1
            page.read = file.tell()
            try:
                page.records.append(_parsed(line))
            except (ValueError, RecursionError) as error:
                reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)[:160]
                page.problems.append(f"{path}:{page.lines}: not a record: {reason}; left out")
    return page


def _parsed(line: bytes) -> Record:
    if len(line) > LONGEST:
        raise ValueError(f"longer than {LONGEST:,} bytes")
    return _checked(_DECODER.decode(line.decode("utf-8")))


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON number")


def _whole(text: str) -> int:
    if len(text) > 20:
        raise ValueError(f"{text[:20]}… has {len(text)} digits, wanted 20 at most")
    return int(text)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is beyond all numbers")
    return number


def _unique(items: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(items)
    if len(table) != len(items):
        raise ValueError("a key stands twice in one object")
    return table


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_int=_whole, parse_float=_finite, object_pairs_hook=_unique)


def _checked(record: Any) -> Record:
    """A record of this schema, or ValueError says what is wrong with it."""
    if not isinstance(record, dict):
        raise ValueError(f"a {type(record).__name__}, wanted an object")
    schema = record.get("schema")
    if schema != SCHEMA or isinstance(schema, bool):
        if isinstance(schema, int) and schema > SCHEMA:
            raise NewerStore(schema)
        older = ", the first there is: no older store needs migrating" if isinstance(schema, int) else ""
        raise ValueError(f"schema {schema!r:.40}, wanted {SCHEMA}{older}")
    told = checked("a record", record, _Form)
    if told.kind != "run" and (told.cell is None or told.cell_id is None):
        raise ValueError("it names no cell")
    return {**msgspec.structs.asdict(told), **record}


class NewerStore(BetavaeError):
    """A record written by a later version of this package."""

    def __init__(self, schema: int) -> None:
        super().__init__(f"the store has records of schema {schema}, this version reads {SCHEMA}; upgrade betavae")


def blank(study: Mapping[str, Json], **fields: Any) -> dict[str, Any]:
    """A record of the form all have, of nothing yet but what ``fields`` say, made now."""
    return {
        "schema": SCHEMA, "kind": "fit", "study": dict(study), "cell": None, "cell_id": None, "question": None,
        "question_id": None, "at": 1.0, "reads": None, "status": "ok", "message": "", "scores": {}, "notes": {},
        "arrays": None, "seconds": 0.0, "images": 0, "machine": None, "data": None,
        **versions.made_by(fields.get("cell"), fields.get("question")), **fields,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
    }  # fmt: skip


def of(cell: Cell) -> dict[str, Any]:
    """The fields of a record that say whose it is."""
    return {"cell": cell.plain(), "cell_id": cell.id}


def asked(question: Question, at: float) -> dict[str, Any]:
    """The fields of a record that answers a question put at a fraction of training, whatever others it was put at."""
    return {"kind": "answer", "question": {**question.plain(), "at": [at]}, "question_id": question.id, "at": at}

"""The store: a folder of append-only records, with arrays beside them by content. Nothing in it is ever changed in
place.

    records/<writer>.jsonl   one file per writing process, a JSON object per line
    arrays/<sha256>.safetensors
    checkpoints/<cell id>/   states of training; of a finished cell the parameters alone
    leases/<cell id>.lock    who is doing what
    study.json               the study last run here

A torn last line is ignored and healed by its writer; a line that cannot be believed is named and left out.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import socket
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from betavae import trust
from betavae.disk import Unwritable, append, make_folder, write_atomic
from betavae.errors import Fault, Misuse
from betavae.study import versions
from betavae.study.cells import Cell, Job, Question, Study, canonical, merge
from betavae.study.claims import Claim, changed, fixed, grown, rising
from betavae.study.records import SCHEMA, Page, Record, rank, turned
from betavae.trust import Source

if TYPE_CHECKING:
    from betavae.types import Array

_numbers = itertools.count()


class Store:
    """A folder of records. ``create=False`` asks for one that is there; Misuse where it is not."""

    def __init__(self, path: Path, create: bool = True) -> None:
        self.path = Path(path)
        self.problems: list[str] = []
        self.outdated: list[Record] = []
        self._pages: dict[Path, Page] = {}
        if not create and not (self.path / "records").is_dir():
            raise Misuse(f"{self.path} holds no records; `betavae run` makes a store")
        host = "".join(c if c.isalnum() else "-" for c in socket.gethostname())[:40]
        self.writer = f"{host}-{os.getpid()}-{time.time_ns() // 1000:x}-{next(_numbers)}"

    def append(self, record: Mapping[str, Any]) -> None:
        """Add one record, durable when this returns. Raises Unwritable where the disk refuses; the store is then
        as before.
        """
        append(self.path / "records" / f"{self.writer}.jsonl", canonical(record).encode())

    def records(self) -> list[Record]:
        """All records, of all writers, each (cell, question, time) once: ok before diverged before error, then the
        first.

        ``problems`` then lists the lines that were left out, by file, line and reason. What was made by another version
        of the code, or by a file from outside that has changed, is left out too; where nothing newer stands for it,
        it is in ``outdated``, each with its reason under "outdated". What was read once is not read again: files only
        grow.
        """
        best: dict[tuple[Any, ...], Record] = {}
        before: dict[tuple[Any, ...], Record] = {}
        files = sorted((self.path / "records").glob("*.jsonl"))
        self._pages = {file: turned(file, self._pages.get(file)) for file in files}
        sources = {source.name: source.sha256 for source in self.sources()} | trust.in_use()
        told, self.problems = set(self.problems), [text for page in self._pages.values() for text in page.problems]
        for record in (r for page in self._pages.values() for r in page.records):
            key = (record["cell_id"], record["question_id"], record["at"])
            if record["kind"] == "run":
                key = ("run", record["when"], len(best))
            elif why := versions.outdated(record, sources):
                before[key] = {**record, "outdated": why}
                continue
            held = best.get(key)
            if held is None or rank(record) < rank(held):
                best[key] = record
        for problem in self.problems:
            if problem not in told:
                print(f"betavae: {problem}", file=sys.stderr)
        self.outdated = [record for key, record in before.items() if key not in best]
        return sorted(
            map(dict, best.values()),  # what is kept of a file stays as it was read
            key=lambda r: (r["kind"] == "run", r["cell_id"] or "", r["question_id"] or "", r["at"], r["when"]),
        )

    def sources(self) -> tuple[Source, ...]:
        """The code from outside that the study last run here named; none where that cannot be read."""
        try:
            told = json.loads((self.path / "study.json").read_text(encoding="utf-8"))["sources"]
            return tuple(map(Source.from_plain, told))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return ()

    def done(self) -> set[tuple[str, str | None, float]]:
        """What need not be done again, which an error never is: (cell id, question id or None for the fit, at)."""
        kept = (r for r in self.records() if r["status"] != "error" and r["kind"] != "run")
        return {(r["cell_id"], r["question_id"], float(r["at"])) for r in kept}

    def put(self, arrays: Mapping[str, Array]) -> str:
        """Keep arrays by content; gives the name they are found by."""
        import numpy as np
        from safetensors.numpy import save

        data = save({key: np.ascontiguousarray(value) for key, value in sorted(arrays.items())})
        name = hashlib.sha256(data).hexdigest()
        path = self.path / "arrays" / f"{name}.safetensors"
        if not path.exists():
            write_atomic(path, data)
        return name

    def arrays(self, name: str) -> dict[str, Array]:
        """The arrays kept under a name. Raises Fault where they are gone or are not what was kept."""
        from safetensors import SafetensorError
        from safetensors.numpy import load

        if len(name) != 64 or set(name) - set("0123456789abcdef"):
            raise Fault(f"{name[:80]!r} is not the name of arrays; wanted a sha256 in hexadecimal")
        path = self.path / "arrays" / f"{name}.safetensors"
        try:
            data = path.read_bytes()
        except OSError as error:
            raise Fault(f"{path} cannot be read: {error.strerror}; run the study again into a new store") from None
        found = hashlib.sha256(data).hexdigest()
        if found != name:
            raise Fault(f"{path} was altered: sha256 {found}, wanted {name}; run the study again into a new store")
        try:
            return dict(load(data))
        except SafetensorError as error:
            raise Fault(f"{path} is no safetensors file: {error}") from None

    def remember(self, study: Study) -> None:
        """Keep the study itself, so that ``status`` knows what was wanted; and that it grew, where it did."""
        if before := self._before():
            begun = any(self.path.glob("records/*.jsonl"))
            study = replace(study, grown=grown(before, study) if begun else before.grown)
        jobs = [job.plain() for job in study.jobs]
        plain = {
            "schema": SCHEMA, "name": study.name, "scale": study.scale, "jobs": jobs, "questions": dict(study.named),
            "claims": [claim.plain() for claim in study.claims],
            "sources": [source._asdict() for source in study.sources],
        }  # fmt: skip
        plain |= {key: [*given] for key, given in (("looks", study.looks), ("grown", study.grown)) if given}
        write_atomic(self.path / "study.json", json.dumps(plain, indent=1).encode())
        try:
            make_folder(self.path / "records")
        except OSError as error:
            raise Unwritable.at(self.path / "records", error, "nothing was changed") from error

    def recalled(self) -> Study:
        """The study last run here. Raises Misuse where there is none, Fault where it cannot be read."""
        path = self.path / "study.json"
        if not path.is_file():
            raise Misuse(f"{path} is not there; `betavae run` writes it")
        try:
            plain = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(plain, dict):
                raise ValueError(f"it holds a {type(plain).__name__}, wanted a table")
            jobs = tuple(map(Job.from_plain, plain["jobs"]))
            named = tuple((str(key), str(name)) for key, name in dict(plain.get("questions", {})).items())
            claims = tuple(map(Claim.from_plain, plain.get("claims", [])))
            sources = tuple(map(Source.from_plain, plain.get("sources", [])))
            if {key for c in claims for arm in c.arms for key in arm} - {job.cell.id for job in jobs}:
                raise ValueError("a claim speaks of cells that it does not have")
            looks, grown = (rising(plain.get(key, [])) for key in ("looks", "grown"))
            return Study(plain["name"], plain["scale"], jobs, named, claims, sources, looks, grown)
        except (ValueError, TypeError, KeyError, RecursionError, OSError) as error:
            missing = f"it has no {error}" if isinstance(error, KeyError) else str(error)[:160]
            reason = "nested too deeply" if isinstance(error, RecursionError) else missing
            raise Fault(f"{path} is not a study: {reason}; run the study again") from None

    def expect(self, study: Study) -> None:
        """Raises Misuse where another study is remembered here: what is open of it would be forgotten; other looks.
        Where the same study asks otherwise than it did, that is said aloud.
        """
        other = self._before()
        if other and (other.name, other.scale) != (study.name, study.scale):
            raise Misuse(
                f"{self.path} is the store of {other.name!r} at scale {other.scale!r}; it cannot also be that of "
                f"{study.name!r} at scale {study.scale!r}: give another folder as --store"
            )
        if other and any((self.path / "records").glob("*.jsonl")):
            fixed(other, study)
        for text in changed(other, study, self.done()) if other else ():
            print(f"betavae: {self.path}: {text}", file=sys.stderr)

    def _before(self) -> Study | None:
        """The study remembered here; None where there is none that can be read: it is written anew."""
        try:
            return self.recalled()
        except (Misuse, Fault):
            return None

    @property
    def remembers(self) -> bool:
        """Whether it says what was wanted of it; records alone say what was done."""
        return (self.path / "study.json").is_file()

    def study(self) -> Study:
        """The study last run here; where none is remembered, what the records tell of, which is said aloud."""
        if self.remembers:
            return self.recalled()
        print(f"betavae: {self.path} has no study.json: what was wanted of it is unknown; its records alone are taken",
              file=sys.stderr)  # fmt: skip
        return self.asked()

    def asked(self) -> Study:
        """The study that the records themselves tell of: every cell with the questions that were put to it."""
        jobs, name, scale = [], "again", "own"
        for record in self.records():
            if record["kind"] == "run":
                continue
            name, scale = _plain(record["study"].get("name"), name), _plain(record["study"].get("scale"), scale)
            try:
                question = Question.from_plain(record["question"]) if record["question"] else None
                at = (float(record["at"]),)
                jobs.append(Job(Cell.from_plain(record["cell"]), (replace(question, at=at),) if question else ()))
            except (TypeError, ValueError, AttributeError) as error:
                raise Fault(f"{self.path}: the record of cell {record['cell_id']} holds no cell: {error}") from None
        return Study(name, scale, merge(jobs))


def _plain(given: Any, otherwise: str) -> str:
    """A name that may become that of a folder, or the other."""
    return given if isinstance(given, str) and re.fullmatch(r"[\w.-]{1,64}", given, re.ASCII) else otherwise


def read(stores: Iterable[Store]) -> list[Record]:
    """The records of several stores together, each (cell, question, time) once."""
    best: dict[tuple[Any, ...], Record] = {}
    for store in stores:
        for record in store.records():
            key = (
                record["cell_id"],
                record["question_id"],
                record["at"],
                record["when"] if record["kind"] == "run" else "",
            )
            if key not in best or rank(record) < rank(best[key]):
                best[key] = record
    return list(best.values())

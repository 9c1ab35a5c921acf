"""What did not go as asked, with reasons; and the records of the store that are not of the study as last run."""

from __future__ import annotations

from collections import Counter

from betavae.errors import Fault
from betavae.report.document import Heading, Part, Table, Text, literal
from betavae.report.own.answers import Own
from betavae.report.rows import labels, row_of
from betavae.study.cells import Cell
from betavae.study.records import Record

LISTED = 40
"""Rows of one table of what went wrong; the rest is counted."""


def outcomes(own: Own) -> list[Part]:
    """Diverged and failed trainings and answers of the study as last run, with their reasons."""
    found: Counter[tuple[str, str, str, str, str]] = Counter()
    seeds: dict[tuple[str, str, str, str, str], set[int]] = {}
    names = {asked.id: asked.name for asked in own.asked()}
    homes = {cell.id: (setting, cell.seed) for setting in own.settings for cell in setting.cells.values()}
    fell = {cell for (cell, key, _), record in own.answers.items() if key is None and record["status"] == "diverged"}
    for (cell, key, _), record in sorted(own.answers.items(), key=lambda item: str(item[0])):
        if record["status"] == "ok" or (key and record["status"] == "diverged" and cell in fell):
            continue  # the answers of a diverged training say nothing that its own line does not
        setting, seed = homes[cell]
        what = names[key] if key else "training" if setting.row.recipe else "fit"
        status = "failed" if record["status"] == "error" else "diverged"
        line = (setting.row.dataset, setting.label, what, status, record["message"])
        found[line] += 1
        seeds.setdefault(line, set()).add(seed)
    if not found:
        return []
    rows = [
        [f"{literal(dataset)}: {literal(label)}; {literal(what)} {status}\n{literal(message[:400])}",
         ", ".join(map(str, sorted(seeds[line])))]
        for line in list(found)[:LISTED]
        for dataset, label, what, status, message in [line]
    ]  # fmt: skip
    notes = [f"and {len(found) - LISTED} lines more: `betavae status STORE`"] if len(found) > LISTED else []
    return [Heading("What diverged or failed"), Table("By setting and reason", ["What, and why", "seeds"], rows, notes)]


def left_out(own: Own) -> list[Part]:
    """How many records of the store belong to other settings, or to questions that are no longer asked."""
    if not own.others and not own.outdated:
        return []
    mine = {cell.id for cell in own.study.cells}
    other = {record["cell_id"]: cell_of(record) for record in own.others if record["cell_id"] not in mine}
    rows: list[list[str]] = []
    if other:
        by_row = {key: row_of(cell.plain()) for key, cell in other.items()}
        told, _ = labels(list(dict.fromkeys([*by_row.values(), *(s.row for s in own.settings)])))
        for row in dict.fromkeys(by_row.values()):
            cells = {key for key, held in by_row.items() if held == row}
            answers = [r for r in own.others if r["cell_id"] in cells and r["question_id"]]
            rows.append([literal(told[row]), "not in the study", str(len(cells)), str(len(answers))])
    asked = [record for record in own.others if record["cell_id"] in mine]
    for measure, count in Counter(str(record["question"]["measure"]) for record in asked).items():
        rows.append([literal(measure), "no longer asked", "0", str(count)])
    old = Counter((record["outdated"], record["question_id"] is None) for record in own.outdated)
    for (why, fit), count in old.items():
        rows.append(
            ["trainings and fits" if fit else "answers", literal(why), *((str(count), "0")[:: 1 if fit else -1])]
        )
    return [
        Heading("Left out"),
        Text(
            "The store also holds records of other settings, of questions that the study as last run does not ask, or "
            "made by other code than today's. No number of this report is of them."
        ),
        Table("Records left out", ["What", "why", "cells", "answers"], rows),
    ]


def cell_of(record: Record) -> Cell:
    """The cell of a record. Raises Fault where it holds none."""
    try:
        return Cell.from_plain(record["cell"])
    except (TypeError, ValueError) as error:
        raise Fault(f"the record of cell {record['cell_id']} holds no cell: {error}") from None

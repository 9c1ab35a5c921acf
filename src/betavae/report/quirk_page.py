"""The quirk page: each deviation of the published code off, on, and beside the number it touches."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence

from betavae.report import gallery, tables, words
from betavae.report.document import Block, Heading, Items, Table, Text
from betavae.report.evidence import Evidence, Record, Row, asked, quirks_of
from betavae.report.style import picture
from betavae.study import published
from betavae.study.published import FACTOR_COUNT, PAPER_NAME
from betavae.study.quirks import QUIRKS, Quirk

Pair = tuple[Record, Record]
"""The same question of the same seed, with the quirk off and on."""


def quirks(evidence: Evidence) -> list[Block]:
    """The section of quirks: what each is, and what it moves."""
    blocks: list[Block] = [
        Heading("The published code's deviations, switched on by name"),
        Text(
            "The protocol of the paper is run everywhere else in this report. Here each deviation of its published "
            "code that can move a published number is switched on alone, on the same seeds and the same votes, to "
            "show what it explains."
        ),
    ]
    for quirk in QUIRKS.values():
        blocks += [Heading(quirk.name, 3), Items([quirk.what, f"Source: {quirk.source}", f"Touches: {quirk.touches}"])]
        blocks += moved(evidence, quirk) or [Text("Not run at this scale.")]
    return blocks


def moved(evidence: Evidence, quirk: Quirk) -> list[Block]:
    """What one quirk moves: a table of scores off, on and published, or a picture of traversals."""
    groups: dict[str, list[Pair]] = {}
    keys: dict[str, tuple[Row, str, str, Record]] = {}
    for off, on in twins(evidence, quirk):
        row = evidence.row(off)
        for score in SCORES.get(off["question"]["measure"], ()):
            for name in (s for s in on["scores"] if s == score or (score.endswith("_") and s.startswith(score))):
                label = f"{words.known_as(row.dataset)}, {tables.name(row)}, {_question(off)}"
                key = f"{label}: {name}"
                groups.setdefault(key, []).append((off, on))
                keys[key] = (row, label, name, off)
    rows = [_line(groups[key], *keys[key]) for key in groups]
    blocks: list[Block] = []
    if rows:
        header = ["Model and question", "n", "off", "on", "moves by", "published"]
        blocks.append(Table(f"`{quirk.name}`", header, rows, [NOTE]))
    return blocks + _pictures(evidence, quirk)


NOTE = (
    "Medians over training seeds; “moves by” is the median of the paired differences. Scores of the metric are in per "
    "cent. The published number is the paper's median where it prints one, else its mean, over its own seeds and, in "
    "Tables 2, its β's."
)
SCORES = {"higgins": ("higgins",), "reconstruction": ("reconstruction",), "frechet": ("fid", "fd_")}
"""The scores shown of each measure; a name that ends in _ stands for every score that begins so."""


def twins(evidence: Evidence, quirk: Quirk) -> list[Pair]:
    """Every answer with this quirk alone on, with the same question of the same row and seed without it."""
    plain = {
        _name(r, quirk): r for r in evidence.answers if not quirks_of(r) and r["at"] == 1.0 and r["status"] != "error"
    }
    found = []
    for on in evidence.twins(quirk.name):
        off = plain.get(_name(on, quirk))
        if off is not None and on["status"] == off["status"] == "ok":
            found.append((off, on))
    return found


def _name(record: Record, quirk: Quirk) -> str:
    """What a record and its twin have in common: everything but the quirk's own knobs and its label."""
    cell, question = dict(record["cell"]), dict(record["question"])
    own = dict(quirk.cell)
    cell["knobs"] = {k: v for k, v in cell["knobs"].items() if k not in own}
    if quirk.recipe and cell["recipe"]:
        cell["recipe"] = {k: v for k, v in cell["recipe"].items() if k not in dict(quirk.recipe)}
    asked_with = dict(quirk.question)
    question["knobs"] = {k: v for k, v in question["knobs"].items() if k not in asked_with}
    bare: dict[str, list[str]] = {"quirks": [], "at": []}
    return json.dumps([{**cell, **bare}, {**question, **bare}], sort_keys=True)


def _question(record: Record) -> str:
    knobs = record["question"]["knobs"]
    match record["question"]["measure"]:
        case "higgins":
            count = asked(record)
            kind = published.CLASSIFIERS.get(knobs.get("classifier", ""), "")
            at = f", L = {knobs['pairs']}" if knobs.get("pairs", 64) != 64 else ""
            return f"{count} factors, {kind}{at}"
        case "frechet":
            return f"distance of {knobs.get('of', 'reconstruction')}s, {knobs.get('split', 'train')} split"
        case other:
            return f"{other}, {knobs.get('split', 'train')} split"


def _line(pairs: Sequence[Pair], row: Row, label: str, score: str, off: Record) -> list[str]:
    scale, digits = (100.0, 1) if score == "higgins" else (1.0, 1 if score in ("fid", "reconstruction") else 2)
    before = [scale * o["scores"][score] for o, _ in pairs]
    after = [scale * o["scores"][score] for _, o in pairs]
    moves = statistics.median(b - a for a, b in zip(before, after, strict=True))
    shown = (f"{statistics.median(v):,.{digits}f}" for v in (before, after))
    named = "" if score in label else f" (`{score}`)" if score not in ("higgins", "reconstruction") else ""
    return [label + named, str(len(pairs)), *shown, f"{moves:+,.{digits}f}", printed(row, off, score)]


def printed(row: Row, record: Record, score: str) -> str:
    """The number that the paper prints for a model and question, and where; a dash where it prints none."""
    paper, knobs = PAPER_NAME.get(row.dataset, ""), record["question"]["knobs"]
    if score == "higgins" and row.dataset == "dsprites" and row.method != "conv":
        given = published.TABLE_1.get((row.printed, asked(record)))
        if given and given.median is not None:
            return f"{given.median:g} (Table 1)"
    if score == "higgins" and row.method == "conv" and asked(record) == FACTOR_COUNT.get(row.dataset):
        given = published.TABLE_2.get((paper, knobs.get("classifier", "")))
        if given and given.mean is not None:
            return f"{given.mean:g} (Table 2)"
    if score.startswith(("fid", "fd_")) and (paper, row.beta) in published.TABLE_3:
        other = "" if score == "fid" else ", a FID"
        return f"{published.TABLE_3[paper, row.beta or 0.0]:g} (Table 3{other})"
    return words.NOTHING


def _pictures(evidence: Evidence, quirk: Quirk) -> list[Block]:
    """Traversals with the quirk off and on, of the first pair that has them."""
    pair = next((p for p in twins(evidence, quirk) if p[0]["question"]["measure"] == "traversals"), None)
    if pair is None:
        return []
    panels = []
    for word, record in zip(("off", "on"), pair, strict=True):
        a = evidence.arrays(record)
        title = f"{quirk.name} {word}: {tables.name(evidence.row(record))}, seed {record['cell']['seed']}"
        panels.append(gallery.Traversal(title, a["images"], a["kl"], a["code"], a["values"], a["original"]))
    said = f"The same image and codes with `{quirk.name}` off and on."
    return [picture(f"quirk-{quirk.name}", gallery.traversals(panels), said)]

"""The quirks: each deviation of the published code off, on, and beside the number it touches."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from betavae.paper import published
from betavae.paper.evidence import model_of, printed_name
from betavae.paper.evidence import twins as with_quirk
from betavae.paper.names import known_as
from betavae.paper.published import FACTOR_COUNT, PAPER_NAME
from betavae.paper.quirks import DEVIATIONS
from betavae.paper.sections.common import missing
from betavae.paper.sections.sensitivity import vote_noise
from betavae.report import gallery, reads, wording
from betavae.report.document import Folded, Heading, Items, Link, Part, Table, Text
from betavae.report.evidence import Evidence
from betavae.report.rows import Row, classifier_of, factors_of, quirks_of
from betavae.report.style import picture
from betavae.study.quirks import QUIRKS, Quirk
from betavae.study.records import Record

Pair = tuple[Record, Record]
"""The same question of the same seed, with the quirk off and on."""


class Moved(NamedTuple):
    """One line of a quirk's table as printed, and how far the score moves as a number."""

    cells: list[str]
    by: float


QUIRKS_TITLE = "The published code's deviations, switched on by name"


def quirk_summary(evidence: Evidence) -> list[Part]:
    """The section of the report: a table of all quirks, each with what it moves most; the rest has its own page."""
    rows = []
    for name, quirk in QUIRKS.items():
        most = max(moved(evidence, quirk), key=lambda m: (m.cells[-1] != wording.NOTHING, abs(m.by)), default=None)
        pictured = "see the picture" if not most and _pair(evidence, quirk) else "not run"
        rows.append([f"`{name}`", *(most.cells if most else [pictured, *[wording.NOTHING] * 6])])
    return [
        Heading(QUIRKS_TITLE),
        Text(
            "The protocol of the paper is run everywhere else in this report, but for the departures that stand "
            f"below Table 4. Here each deviation of its published code ({PUBLISHED_CODE}) that can move a published "
            "number is switched on alone, on the same seeds and the same votes, to show what it explains; “all on” "
            "is every one that the model and its question can have, as the published code has them. `votes-501` "
            "alone draws other votes: its difference, and that of all, holds a redraw's noise."
        ),
        Table(
            "The largest effect of each quirk",
            ["Quirk", *HEADER],
            rows,
            [_note(evidence), *reads.marks_in(rows)],
        ),
        Link("What each quirk is, and all that it moves", "quirks"),
    ]


def quirks(evidence: Evidence) -> list[Part]:
    """The page of quirks: what each is, where it was found, and all that it moves."""
    parts: list[Part] = [Heading(QUIRKS_TITLE, 1), Link("The report", "report")]
    for name, quirk in QUIRKS.items():
        told = DEVIATIONS[name]
        parts += [Heading(name), Items([told.what, f"Source: {told.source}", f"Touches: {told.touches}"])]
        lines = [line.cells for line in moved(evidence, quirk)]
        table = Table(f"`{name}`", HEADER, lines, reads.marks_in(lines))
        shown = [Folded(f"Everything that {name} moves", [table])] if len(table.rows) > LONG else [table]
        pictures = _pictures(evidence, quirk)
        parts += [*(shown if table.rows else []), *pictures]
        if not table.rows and not pictures:
            parts.append(missing(f"The {name} quirk"))
    return parts


def moved(evidence: Evidence, quirk: Quirk) -> list[Moved]:
    """Every score that one quirk moves, off, on and with all others on, beside what is published."""
    groups: dict[tuple[Row, str, str], list[Pair]] = {}
    everything = _all_on(evidence)
    for off, on in twins(evidence, quirk):
        rest = f"{on.get('beside', '')}, {_question(off)}"
        for name in on["scores"]:
            if name in ("higgins", "reconstruction", "fid") or name.startswith("fd_"):
                groups.setdefault((model_of(off["cell"]), rest, name), []).append((off, on))
    found = []
    for (row, rest, score), pairs in groups.items():
        fits = evidence.fit(row)
        name = reads.marked(row.name, [fits[s] for off, _ in pairs if (s := off["cell"]["seed"]) in fits], 0)
        found.append(_line(row, f"{known_as(row.dataset)}, {name}{rest}", score, pairs, everything))
    return found


HEADER = ["Model and question", "n", "off", "on", "moves by", "all on", "published"]
LONG = 12
"""Tables longer than this open on demand."""
PUBLISHED_CODE = "https://github.com/Mandelbrot99/BetaVAE, commit 2554f34"
NOTE = (
    "Medians over training seeds; “moves by” is the median of the paired differences. Scores of the metric are in "
    "per cent. “All on” has every quirk on that the row can have (`adagrad-leak`, which is of two models, left out; "
    "a Fréchet distance then takes all 50,000 images where the scale can afford it). The published number is the "
    "paper's median where it prints one, else its mean, over its own seeds and, in Table 2, its β's, whatever "
    "classifier stands in the row. In the summary each quirk shows the largest of its differences, of rows with a "
    "published number where it has any."
)


def _note(evidence: Evidence) -> str:
    votes = [100 * sd for sd in vote_noise(evidence)]
    if not votes:
        return f"{NOTE} Redrawn votes alone move a score too, as a rule by 1 to 2 points."
    more = " and of some models by much more" if max(votes) > 2 else ""
    return (
        f"{NOTE} Redrawn votes alone move a score too, as a rule by 1 to 2 points{more}: their standard deviations "
        f"here are {min(votes):.1f} to {max(votes):.1f} points, {statistics.median(votes):.1f} in the median (“Where "
        "the spread comes from”)."
    )


def twins(evidence: Evidence, quirk: Quirk) -> list[Pair]:
    """Every answer with this quirk alone on, with the same question of the same row and seed without it."""
    if quirk.instead:
        asked = (r for r in with_quirk(evidence, quirk.name) if r["question"]["measure"] == quirk.instead)
        return [_of_pca(r) for r in asked if {"fresh", "leaked"} <= set(r["scores"]) and evidence.row(r)]
    plain = {
        _name(r, quirk): r for r in evidence.answers if not quirks_of(r) and r["at"] == 1.0 and r["status"] != "error"
    }
    found = []
    for on in with_quirk(evidence, quirk.name):
        off = plain.get(_name(on, quirk))
        if off is not None and on["status"] == off["status"] == "ok" and evidence.row(off):
            found.append((off, on))
    return found


def _of_pca(record: Record) -> Pair:
    """An answer about a PCA beside a VAE as two about the PCA: with an optimiser of its own, and with the VAE's."""
    cell = {**record["cell"], "method": "pca", "recipe": None, "knobs": {}, "fit": record["notes"].get("fit")}
    question = {**record["question"], "measure": "higgins", "quirks": []}
    off, on = ({**record, "cell": cell, "question": question, "scores": {"higgins": record["scores"][key]}}
               for key in ("fresh", "leaked"))  # fmt: skip
    return off, {**on, "beside": f" after {model_of(record['cell']).name}"}


def _all_on(evidence: Evidence) -> dict[str, Record]:
    """The answers with most quirks on, by all that they have in common with those without."""
    found: dict[str, list[Record]] = defaultdict(list)
    for record in evidence.answers:
        if quirks_of(record) and record["at"] == 1.0 and record["status"] == "ok":
            found[_name(record, *QUIRKS.values())].append(record)
    return {name: max(records, key=lambda r: len(quirks_of(r))) for name, records in found.items()}


def _name(record: Record, *quirks: Quirk) -> str:
    """What a record and its twin have in common: everything but the quirks' own knobs and their labels."""
    cell, question = dict(record["cell"]), dict(record["question"])
    own, recipe, asked_with = set[str](), set[str](), set[str]()
    for quirk in quirks:
        own |= dict(quirk.cell).keys()
        recipe |= dict(quirk.recipe).keys()
        asked_with |= dict(quirk.question).keys()
    if len(quirks) > 1 and question["measure"] == "frechet":
        asked_with.add("images")  # as published, all of them
    cell["knobs"] = {k: v for k, v in cell["knobs"].items() if k not in own}
    cell["recipe"] = cell["recipe"] and {k: v for k, v in cell["recipe"].items() if k not in recipe}
    question["knobs"] = {k: v for k, v in question["knobs"].items() if k not in asked_with}
    bare: dict[str, list[str]] = {"quirks": [], "at": []}
    return json.dumps([{**cell, **bare}, {**question, **bare}], sort_keys=True)


def _question(record: Record) -> str:
    knobs = record["question"]["knobs"]
    match record["question"]["measure"]:
        case "higgins":
            count = factors_of(record)
            kind = published.CLASSIFIERS[classifier_of(record)]
            at = f", L = {knobs['pairs']}" if knobs.get("pairs", 64) != 64 else ""
            return f"{count} factors, {kind}{at}"
        case "frechet":
            return f"distance of {knobs.get('of', 'reconstruction')}s, {knobs.get('split', 'train')} split"
        case other:
            return f"{other}, {knobs.get('split', 'train')} split"


def _line(row: Row, label: str, score: str, pairs: Sequence[Pair], everything: Mapping[str, Record]) -> Moved:
    scale, digits = (100.0, 1) if score == "higgins" else (1.0, 1 if score in ("fid", "reconstruction") else 2)
    before = [scale * off["scores"][score] for off, _ in pairs]
    after = [scale * on["scores"][score] for _, on in pairs]
    by = statistics.median(b - a for a, b in zip(before, after, strict=True))
    whole = [everything.get(_name(off, *QUIRKS.values())) if "beside" not in on else None for off, on in pairs]
    all_on = [scale * r["scores"][score] for r in whole if r]
    shown = (f"{statistics.median(v):,.{digits}f}" if len(v) == len(pairs) else wording.NOTHING
             for v in (before, after, all_on))  # fmt: skip
    named = f" (`{score}`)" if score.startswith("fd_") else ""
    off, on, together = shown
    cells = [label + named, str(len(pairs)), off, on, f"{by:+,.{digits}f}", together]
    return Moved([*cells, printed(row, pairs[0][0], score)], by)


def printed(row: Row, record: Record, score: str) -> str:
    """The number that the paper prints for a model and question, and where; a dash where it prints none."""
    paper = PAPER_NAME.get(row.dataset, "")
    unlike = record["question"]["knobs"].get("pairs", 64) != 64 or (row.method in ("pca", "ica") and row.fit is None)
    if score == "higgins" and unlike:
        return wording.NOTHING
    if score == "higgins" and row.dataset == "dsprites" and row.method != "conv":
        given = published.TABLE_1.get((printed_name(row), factors_of(record)))
        if given and given.median is not None:
            return f"{given.median:g} (Table 1)"
    if score == "higgins" and row.method == "conv" and factors_of(record) == FACTOR_COUNT.get(row.dataset):
        given = published.TABLE_2.get((paper, classifier_of(record)))
        if given and given.mean is not None:
            return f"{given.mean:g} (Table 2)"
    of = record["question"]["knobs"].get("of", "reconstruction")  # the paper's FIDs are of no other images
    if score.startswith(("fid", "fd_")) and of == "reconstruction" and (paper, row.beta) in published.TABLE_3:
        other = "" if score == "fid" else ", a FID"
        return f"{published.TABLE_3[paper, row.beta or 0.0]:g} (Table 3{other})"
    return wording.NOTHING


def _pair(evidence: Evidence, quirk: Quirk) -> Pair | None:
    """The twins that are pictures, traversals or a latent space: those of 2Dshapes, as the paper's, before others."""
    shown = [p for p in twins(evidence, quirk) if p[0]["question"]["measure"] in ("traversals", "latent_space")]
    return min(shown, key=lambda p: p[0]["cell"]["dataset"] != "dsprites", default=None)


def _pictures(evidence: Evidence, quirk: Quirk) -> list[Part]:
    pair = _pair(evidence, quirk)
    if pair is None:
        return []
    moved, spaces = [], []
    for word, record in zip(("off", "on"), pair, strict=True):
        a = evidence.arrays(record)
        title = f"{quirk.name} {word}: {model_of(record['cell']).name}, seed {record['cell']['seed']}"
        if record["question"]["measure"] == "traversals":
            moved.append(gallery.Traversal(title, a["images"], a["kl"], a["code"], a["values"], a["original"]))
        else:
            spaces.append(gallery.Space(title, a["points"], a["factor"], a["value"], record["notes"]["factors"]))
    figure = gallery.traversals(moved) if moved else gallery.spaces(spaces)
    what = "image and codes" if moved else "sweeps of the true factors"
    return [picture(f"quirk-{quirk.name}", figure, f"The same {what} with `{quirk.name}` off and on.")]

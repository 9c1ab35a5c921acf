"""The reproducibility checklist that reviewers ask for: what records can answer, filled in; the rest a visible blank.

The items follow the checklist of NeurIPS and the ACL's list (runtime, parameters, runs, excluded data). Nothing is
guessed: an item that no record speaks of is left to a person.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any

from betavae.metrics import peers
from betavae.report import conditions, wording
from betavae.report.cards import known
from betavae.report.evidence import Evidence
from betavae.report.rows import FLOORS, ORDER, architecture, quirks_of
from betavae.report.statistics.verdicts import Verdict
from betavae.study.records import Record

BLANK = "__________ (for a person to write)"


def checklist(evidence: Evidence, judged: Sequence[Verdict] = (), commands: Sequence[str] = ()) -> str:
    """The checklist of these records as Markdown; lines that end in BLANK are for a person.

    ``judged`` are the study's claims as judged, ``commands`` those that made the records where a study file did not.
    """
    parts = ["# Reproducibility checklist"]
    for title, lines in items(evidence, judged, commands).items():
        parts += [f"## {title}", "\n".join(f"- [{_mark(line)}] {line}" for line in lines)]
    return "\n\n".join(parts)


def items(evidence: Evidence, judged: Sequence[Verdict], commands: Sequence[str] = ()) -> dict[str, list[str]]:
    """The lines of the checklist by the title of their part."""
    parts = {
        "Claims and limits": _claims(judged),
        "Settings": _settings(evidence),
        "Splits and what was looked at": _splits(evidence),
        "Error bars": _error_bars(evidence),
        "Compute": _compute(evidence),
        "Hardware and versions": [*conditions.hardware(evidence), *conditions.versions(evidence)],
        "Exact commands": list(commands) or _commands(evidence),
        "Data and licences": _data(evidence),
        "Failures and what was left out": _left_out(evidence),
        "For a person": [f"{item}: {BLANK}" for item in HUMAN],
    }
    return {title: lines or [f"nothing: {BLANK}"] for title, lines in parts.items()}


HUMAN = (
    "Where code and records can be had by readers",
    "Theoretical results and their proofs, or none",
    "Broader impact",
    "Safeguards, consent and ethics of the data",
    "Contact with the authors of what is reproduced",
    "Compute spent on preliminary work that left no records here",
)


def _mark(line: str) -> str:
    return " " if line.endswith(BLANK) else "x"


def _claims(judged: Sequence[Verdict]) -> list[str]:
    found = Counter(v.word for v in judged)
    said = ", ".join(f"{count} {word}" for word, count in sorted(found.items())) or "none"
    return [f"Claims tested: {said}", f"Do the abstract's claims say no more than that: {BLANK}", f"Limits: {BLANK}"]


def _settings(evidence: Evidence) -> list[str]:
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for cell in evidence.cells.values():
        if not cell["quirks"]:
            groups.setdefault((cell["dataset"], cell["method"], cell["objective"] or "", _how(cell)), []).append(cell)
    lines = []
    for (dataset, method, objective, how), cells in groups.items():
        betas = sorted({float(c["knobs"]["beta"]) for c in cells if "beta" in c["knobs"]})
        knobs = f"; β {', '.join(f'{b:g}' for b in betas)}" if betas else ""
        seeds = ", ".join(map(str, sorted({c["seed"] for c in cells})))
        codes = ", ".join(map(str, sorted({c["codes"] for c in cells})))
        kind = f", {objective}" if objective else ""
        lines.append(f"{dataset}, {method}{kind}: {how}; {codes} codes{knobs}; seeds {seeds}")
    return [*lines, f"How these hyper-parameters were chosen: {BLANK}"]


def _how(cell: dict[str, Any]) -> str:
    recipe = cell["recipe"]
    if not recipe and cell["method"] in FLOORS:
        return "nothing is fitted"
    if not recipe:
        return f"fitted on {format(cell['fit'], ',') if cell['fit'] else 'all'} images"
    drop = f"× {recipe['drop_to']:g} from {100 * recipe['drop_at']:.0f} % of the steps on"
    rate = f"{recipe['optimiser']}, learning rate {recipe['learning_rate']:g} ({drop})"
    more = [f"weight decay {recipe['weight_decay']:g}"] if recipe.get("weight_decay") else []
    more += [f"{key} {value}" for key, value in sorted(cell["knobs"].items()) if key != "beta"]
    more += [f"on images where {cell['train_on']}"] if cell.get("train_on") else []
    return ", ".join([rate, f"batch {recipe['batch']}", f"{recipe['images']:,} image passes", *more])


def _splits(evidence: Evidence) -> list[str]:
    found: dict[str, set[str]] = {}
    for record in evidence.answers:
        if quirks_of(record):
            continue
        question, cell = record["question"], record["cell"]
        knobs = peers.whole(question["measure"], question["knobs"])
        if question["measure"] in ("higgins", "rotation"):
            pool = knobs.get("pool")
            drawn = f"a pool of {pool:,} images, its training and test parts apart" if pool else "the whole grid"
            said = (
                f"{knobs.get('votes', 1000):,} votes to train, {knobs.get('test_votes', 1000):,} to test, from {drawn}"
            )
        elif question["measure"] in ("reconstruction", "frechet"):
            said = f"{knobs.get('images', 'all')} images of the {knobs.get('split', 'train')} split"
        else:
            continue
        found.setdefault(f"{cell['dataset']}, {question['measure']}", set()).add(said)
    return [f"{what}: {'; '.join(sorted(said))}" for what, said in sorted(found.items())]


def _error_bars(evidence: Evidence) -> list[str]:
    seeds: Counter[int] = Counter()
    for dataset in evidence.datasets():
        for row in evidence.rows(dataset):
            seeds[len(evidence.fit(row))] += 1
    draws = sorted({r["question"]["seed"] for r in evidence.answers if r["question"]["measure"] == "higgins"})
    same = ", and the draw of votes, which within a seed all models share"
    several = "their spread and the classifiers' are shown apart from"
    return [
        f"What varies: the training seed (initialisation, order, noise){same if draws else ''}",
        "Seeds per row: " + ", ".join(f"{n} for {count} rows" for n, count in sorted(seeds.items())),
        *([f"Draws of votes: {len(draws)}; {several} the seeds'"] if draws else []),
        "± is the sample standard deviation (n - 1); never a standard error",
        "Intervals are of the median: min–max below 6 seeds with its true coverage, order statistics from 6 on; of two "
        "groups of the shift between them",
        "Tests are exact permutation tests, two-sided, at the level that stands below the table of claims",
    ]


def _compute(evidence: Evidence) -> list[str]:
    times: dict[str, list[float]] = {}
    for fit in evidence.fits:
        times.setdefault(f"{fit['cell']['dataset']}, {fit['cell']['method']}", []).append(fit["seconds"])
    lines = [
        f"{what}: {len(found)} trainings or fits, median {statistics.median(found):,.1f} s each"
        for what, found in sorted(times.items())
    ]
    total = sum(r["seconds"] for r in evidence.records if r["kind"] != "run")
    failed = [r for r in evidence.records if r["kind"] != "run" and r["status"] != "ok"]
    lost = sum(r["seconds"] for r in failed)
    lines.append(
        f"In all {wording.duration(total)} of worker time, of which {wording.duration(lost)} in {len(failed)} diverged "
        "or failed records"
    )
    lines.append(f"Evaluations: {len(evidence.answers):,} answers, {_seconds(evidence.answers)}")
    for dataset in evidence.datasets():
        held: dict[tuple[str, str], set[int]] = {}
        for fit in evidence.fits:
            cell = fit["cell"]
            if cell["dataset"] == dataset and "parameters" in fit["notes"]:
                held.setdefault((cell["method"], cell["objective"] or ""), set()).add(fit["notes"]["parameters"])
        for (method, objective), counts in sorted(held.items(), key=lambda h: (ORDER.get(h[0][0], 9), h[0])):
            several = len([1 for other, _ in held if other == method]) > 1
            what = f"{architecture(method)}{f', {objective}' if several else ''}"
            lines.append(f"Parameters, {dataset} {what}: {', '.join(f'{n:,}' for n in sorted(counts))}")
    return [*lines, *conditions.wall(evidence)]


def _seconds(records: Sequence[Record]) -> str:
    return wording.duration(sum(r["seconds"] for r in records))


def _commands(evidence: Evidence) -> list[str]:
    names = sorted({r["study"]["name"] for r in evidence.records})
    whose = {"single": "`betavae train`, once for each cell", "fit": "`betavae.fit`, from Python"}
    whose |= {"paper": "`betavae run paper --scale SCALE --store STORE && betavae report STORE`"}
    known = "`betavae run {0}.toml --store STORE && betavae report STORE`, if its file is called so"
    return [f"{whose[name]}: {BLANK}" if name in whose else known.format(name) for name in names]


def _data(evidence: Evidence) -> list[str]:
    lines = []
    for dataset in evidence.datasets():
        found = {
            (r["data"]["source"], r["data"]["digest"])
            for r in evidence.records
            if r["cell"] and r["cell"]["dataset"] == dataset and r["data"]
        }
        sources = "; ".join(f"{source}, digest {digest[:12]}" for source, digest in sorted(found))
        card = known(dataset)
        terms = f"licence: {card.licence}; cite: {card.citation}" if card else f"licence: {BLANK}"
        lines.append(f"{dataset} ({sources}); {terms}")
    return lines


def _left_out(evidence: Evidence) -> list[str]:
    counts = Counter(r["status"] for r in evidence.records if r["kind"] != "run")
    return [
        f"Records: {', '.join(f'{count} {status}' for status, count in sorted(counts.items()))}",
        "Diverged runs are counted in: at chance where there is a chance level, as the worst elsewhere",
        f"Cells left out of tables because another setting of the same model stands there: {evidence.aside}",
    ]

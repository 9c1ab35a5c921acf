"""The claims of a study file as comparisons: which values of which seeds are set against each other, by which test.

Seeds pair where both arms begin from the same weights: the same dataset, method and number of codes. Then only values
of one seed are compared; otherwise arms are groups of seeds that share nothing. What no seed changes is a line that the
others are held against. A claim is judged when every cell it names has answered, and not before.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from betavae.report.document import literal
from betavae.report.evidence import Evidence
from betavae.report.reads import Reads, main_score, reads
from betavae.report.rows import row_of
from betavae.report.statistics.claim_words import names_of, records, statistic, words
from betavae.report.statistics.comparisons import Arm, Claim, Comparison, Groups, Within, against_line
from betavae.report.statistics.exact_tests import Block
from betavae.report.statistics.looks import Part, first_look, verdicts_at
from betavae.report.statistics.verdicts import Verdict, least, verdicts
from betavae.study import claims
from betavae.study.cells import Cell, Study
from betavae.study.claims import had
from betavae.study.records import Record

Answers = Mapping[tuple[str, str | None, float], Record]
"""Records by (cell id, question id, moment of training)."""


class Side(NamedTuple):
    """One arm of a claim: its cells by seed, whether a seed changes anything, and its settings (cells less seed)."""

    cells: dict[int, list[Cell]]
    fixed: bool
    settings: frozenset[Cell]


def own_claims(study: Study, answers: Answers) -> list[Claim]:
    """The claims of a study on what has been answered."""
    cells, names = {cell.id: cell for cell in study.cells}, names_of(study)
    return [_claim(claim, k, cells, names, answers) for k, claim in enumerate(study.claims, 1)]


def own_verdicts(study: Study, evidence: Evidence, answers: Answers) -> list[Verdict]:
    """The claims of a study as judged: once, or by its looks where it declares some."""
    whole = Part(evidence, own_claims(study, answers))
    done = {key for key, record in answers.items() if record["status"] != "error"}  # what failed is done again
    parts = [Part(evidence, own_claims(part, answers)) for part in had(study, done)]
    return verdicts_at(study.looks, parts, whole) if study.looks else verdicts(*whole)


def seeds_needed(study: Study) -> list[str]:
    """Per claim of a study that is not run yet: the seeds at which a unanimous outcome decides it, and those it has."""
    asked, cells = own_claims(study, {}), {cell.id: cell for cell in study.cells}
    if not asked:
        return []
    how = f"after Holm over {len(asked)}"
    if study.looks:
        how = f"/ {len(asked)} over looks at {', '.join(map(str, study.looks))} seeds"
    lines = [f"claims, each judged at α = .05 {how}; a unanimous outcome decides it from"]
    for claim, own in zip(asked, study.claims, strict=True):
        sides, needs = _sides(own, cells), least(claim, len(asked))
        has = _units(sides, own.form) if _covered(sides, own) else 0
        needs = (first_look(claim, study.looks, len(asked), has) or needs) if study.looks else needs
        lines.append(f"  {needs} seeds on, here {has}{' (too few)' if has < needs else ''}: {own.says}")
    return lines


def _claim(claim: claims.Claim, number: int, cells: Mapping[str, Cell], names: Mapping[str, str], answers: Answers
           ) -> Claim:  # fmt: skip
    sides = _sides(claim, cells)
    trained = {cell.id for cell in cells.values() if cell.recipe}  # what is not trained is asked once, as at the end
    asked = [(cell, claim.question, claim.at if cell in trained else 1.0) for arm in claim.arms for cell in arm]
    found = [answers.get(key) for key in asked]
    there = [record for record in found if record and record["status"] != "error"]
    main = main_score(there)
    key = claim.key or main
    datasets = {cells[id].dataset for arm in claim.arms for id in arm}
    # A record tells of its main score alone; chance is another on another dataset.
    how = {d: reads(r for r in there if cells[r["cell_id"]].dataset == d) if key == main else Reads() for d in datasets}
    values = {r["cell_id"]: _value(r, key, how[cells[r["cell_id"]].dataset]) for r in there}
    if claim.form == "equal_within":  # which side is better is nothing to it, and two diverged runs are not alike
        values |= {r["cell_id"]: math.nan for r in there if r["status"] == "diverged"}
    known = sum(value is not None for value in values.values())
    whole = known == len(found)
    compared: list[Comparison] = []
    if whole and not _covered(sides, claim):
        compared = [Arm("the settings of both sides" if len(sides) > 1 else "its settings", ())]
    elif whole:
        compared = _compared(claim, sides, {cell: value for cell, value in values.items() if value is not None})
    return Claim(
        name=f"Claim {number}",
        says=literal(claim.says if claim.says[-1] in ".!?" else f"{claim.says}."),
        place="",
        records=records(claim, names, "" if whole or not there else f"; {known} of {len(found)} cells have it"),
        statistic=statistic(claim),
        gather=lambda _: compared,
        orders=_orders(claim, sides),
        unit=literal(next((each.unit for each in how.values() if each.unit), "")),
    )


def _value(record: Record, key: str | None, how: Reads) -> float | None:
    """A cell's value: a diverged run counts at chance, or as the worst; None where the record does not have it."""
    if record["status"] == "diverged":
        return how.floor
    found = record["scores"].get(key)
    return None if found is None else float(found)


def _sides(claim: claims.Claim, cells: Mapping[str, Cell]) -> list[Side]:
    sides = []
    for arm in claim.arms:
        here = [cells[key] for key in arm if key in cells]
        by_seed: dict[int, list[Cell]] = {}
        for cell in here:
            by_seed.setdefault(cell.seed, []).append(cell)
        most = max(map(len, by_seed.values()), default=0)
        whole = {seed: found for seed, found in sorted(by_seed.items()) if len(found) == most}
        fixed = bool(here) and all(row_of(cell.plain()).fixed for cell in here)
        sides.append(Side(whole, fixed, frozenset(replace(cell, seed=0) for cell in here)))
    return sides


def _covered(sides: Sequence[Side], claim: claims.Claim) -> bool:
    """Whether there are seeds to compare, each with every setting of its side: none is left out without a word."""
    whole = all(len(found) == len(side.settings) for side in sides for found in side.cells.values())
    return whole and all(side.cells for side in sides) and (claim.form != "trend" or bool(_seeds(sides)))


def _seeds(sides: Sequence[Side]) -> list[int]:
    """The seeds that every arm has."""
    return sorted(set.intersection(*(set(side.cells) for side in sides)))


def _paired(sides: Sequence[Side]) -> bool:
    alike = {(c.dataset, c.method, c.codes) for side in sides for found in side.cells.values() for c in found}
    return len(alike) == 1 and bool(_seeds(sides))


def _units(sides: Sequence[Side], form: str) -> int:
    """How many seeds a claim is judged on."""
    free = [side for side in sides if not side.fixed]
    if not free:
        return 1
    if form == "trend" or _paired(sides) or (len(free) < len(sides) and min(len(side.cells) for side in sides) > 1):
        return len(_seeds(sides)) or len(_seeds(free))
    return min(len(side.cells) for side in free)


def _orders(claim: claims.Claim, sides: Sequence[Side]) -> int | None:
    """The orders of one seed's values that the test can tell apart; None of the rank-sum test."""
    if claim.form == "trend":
        return math.factorial(len(sides))
    if len(sides) == 1 or any(side.fixed for side in sides):
        return 2
    if not _paired(sides):
        return None
    if claim.form == "equal_within":
        return 2
    a, b = (len(next(iter(side.cells.values()))) for side in sides)
    return math.comb(a + b, a)


def _compared(claim: claims.Claim, sides: list[Side], values: Mapping[str, float]) -> list[Comparison]:
    given = claim.table
    means = [{s: statistics.fmean(values[c.id] for c in found) for s, found in side.cells.items()} for side in sides]
    if claim.form == "trend":
        name = given["trend"].removeprefix("-")
        weights = tuple(float(len(sides) - 1 - 2 * k) for k in range(len(sides)))
        ends = (next(iter(side.cells.values()))[0].settings[name] for side in (sides[0], sides[-1]))
        label = " − ".join(words({name: end}) for end in ends)
        return [Arm(label, tuple(Block(weights, tuple(mean[s] for mean in means)) for s in _seeds(sides)))]
    label = f"{words(given['more'])} − {words(given['less'])}" if "less" in given else ""
    if any(side.fixed for side in sides) and len(sides) > 1:
        return [_held(claim, label, sides, means)]
    samples = [tuple(mean.values()) for mean in means]
    if claim.form in ("at_least", "at_most"):
        assert claim.bound is not None
        sample = samples[0][: 1 if sides[0].fixed else None]
        return [against_line(f"against {claim.bound:g}", sample, claim.bound, claim.form == "at_least")]
    paired = _paired(sides)
    if claim.form == "equal_within":
        assert claim.bound is not None
        a, b = (tuple(mean[s] for s in _seeds(sides)) for mean in means) if paired else samples
        return [Within(label, a, b, claim.bound, paired)]
    if not paired:
        return [Groups(label, samples[0], samples[1])]
    more, less = (len(next(iter(side.cells.values()))) for side in sides)
    weights = (float(less),) * more + (-float(more),) * less
    by_seed = (tuple(values[c.id] for side in sides for c in side.cells[s]) for s in _seeds(sides))
    return [Arm(label, tuple(Block(weights, of_seed) for of_seed in by_seed))]


def _held(claim: claims.Claim, label: str, sides: Sequence[Side], means: Sequence[Mapping[int, float]]) -> Comparison:
    """What seeds change held against what none changes: within a seed, since votes and images are drawn for each, and
    against the first score where that is all there is.
    """
    more, less = (not side.fixed for side in sides)
    line, free = (means[0], means[1]) if less else (means[1], means[0])
    free = free if more or less else dict([next(iter(free.items()))])  # of two that none changes: one comparison
    pairs = [(line[seed], free[seed]) for seed in free if seed in line] if len(line) > 1 else []
    pairs = pairs or [(next(iter(line.values())), value) for value in free.values()]
    if claim.form == "equal_within":
        a, b = (tuple(side) for side in zip(*pairs, strict=True))
        return Within(label, *((a, b) if less else (b, a)), claim.bound or 0.0, paired=True)
    weights = (1.0, -1.0) if less else (-1.0, 1.0)
    return Arm(label, tuple(Block(weights, pair) for pair in pairs), exchangeable=False)

"""Claims beside what the records say of them: one table of verdicts, and every comparison behind it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from betavae.report import wording
from betavae.report.document import Folded, Heading, Link, Part, Table
from betavae.report.statistics.comparisons import Claim
from betavae.report.statistics.findings import Finding
from betavae.report.statistics.verdicts import EQUAL, NOT_RUN, NOT_YET, UNDECIDED, Verdict
from betavae.study.cells import Study

SCALES = {"points": (100.0, 1), "nats": (1.0, 1), "distance": (1.0, 2)}
"""How effects are printed by unit: factor and digits."""
PLAIN = (1.0, 3)
"""The same of any other unit."""


BY_LOOKS = "each claim at its own part of it over the looks"
NO_EFFECT = (
    "“Equal”: every effect of the claim is shown to be smaller than its margin, by two exact one-sided tests of it, "
    "each at half of the claim's α"
)


def looked(study: Study) -> list[str]:
    """The notes below the claims of a study that is judged by looks, or that grew without them."""
    if study.looks:
        return [
            f"Looks, declared beforehand: after {wording.several(study.looks)} seeds. Every claim has an equal part of "
            "α = .05 for itself, fixed before the first look and never passed on to others, spent over the looks by "
            "O'Brien and Fleming's shares; p is multiplied so that .05 decides. A claim is judged at the first look "
            "that decides it. Where that is not the last, effect and interval follow a decision to stop that was taken "
            "for them: on average the effect is too large, and such intervals hold less often than is said."
        ]
    if study.grown:
        return [
            f"This study had {wording.several(study.grown)} seeds before it was given more, and declares no looks: the "
            "levels stated here hold for one look at all seeds. Whoever judged it before and added seeds because a "
            "claim was undecided finds false verdicts more often than that."
        ]
    return []


def claims(
    judged: Sequence[Verdict], whose: str, notes: Sequence[str] = (), again: str = "", page: str = ""
) -> list[Part]:
    """The section of claims as judged; ``whose`` completes "… claims" and "… claim", ``notes`` end the table's own.
    ``again`` names the table whose notes hold for this one too, and stand there; ``page`` the page that has every
    comparison, which else stands below.
    """
    rows = [line(v) for v in judged]
    by_looks = any(v.look for v in judged)
    header = [f"{whose} claim", "seeds", "effect", "interval of the effect", "P(claimed side is more)",
              "p, over looks" if by_looks else "p, Holm", "verdict"]  # fmt: skip
    where = "on the page of comparisons" if page else "below"
    said = [
        "The effect is positive where the claim points; of several comparisons that must all hold, the one with the "
        f"smallest test statistic is printed here, and all of them, each with its own n, stand {where}. "
        "Against a line it is the distance from that line. Intervals are "
        "over seeds, in brackets the chance that such an interval holds the true value. P: the chance that a value of "
        "the side that should be more is more, ties counted half.",
        f"Tests are exact permutation tests, two-sided, α = .05, {BY_LOOKS if by_looks else 'Holm over the table'}. "
        '"At least" so many seeds: with '
        "fewer no result, however clear, could pass in the worst place of that table, and with just as many hardly any "
        "but a unanimous one; beside it the seeds for 80 % power at the effect and spread seen, where four comparisons "
        "or more tell them. A test against levels (β, L) asks whether they change anything in these runs: two seeds "
        "that agree may answer it, and say little of a seed to come. "
        "A claim on several arms is judged when all were run. Diverged runs are counted in: at chance, as the worst or "
        "as what contradicts; where there is nothing to count (an extent, a course of training, an order of models) "
        "their seed is left out.",
    ]
    if any(v.word == NOT_YET for v in judged):
        said.append(
            "“Not judged yet”: the study is not complete, and a claim is judged once, when all the seeds planned for "
            "it are there. Until then it counts in Holm's table as if nothing were known of it."
        )
    if any(v.claim.margin for v in judged):
        said.append(f"{NO_EFFECT}{'' if by_looks else '; Holm over the claims that have a margin'}.")
    if again:
        said = [f"Read as {again}; {'each claim at its own part of α' if by_looks else 'Holm over this table'}."]
    details = comparisons(judged)
    blocks: list[Part] = [Heading(f"{whose} claims"), Table("Claims and verdicts", header, rows, [*said, *notes])]
    if details and page:
        blocks.append(Link(COMPARISONS, page))
    elif details:
        blocks.append(Folded(COMPARISONS, details))
    return blocks


COMPARISONS = "Every comparison behind the verdicts"


def comparisons(judged: Sequence[Verdict]) -> list[Table]:
    """A table for each claim: what it compares, and what came out."""
    header = ["Comparison", "n", "effect", "interval", "P", "p"]
    return [Table(v.claim.name, header, _comparisons(v), _notes(v.claim)) for v in judged if v.findings]


def line(verdict: Verdict) -> list[str]:
    """One verdict as a line of the table."""
    claim = verdict.claim
    where = ". ".join(filter(None, (claim.place, f"{claim.records}: {claim.statistic}")))
    said = f"{claim.says}\n{where}"
    if verdict.word == NOT_RUN:
        needs = f"not run ({wording.seeds(verdict.least, None)})" if claim.orders != 0 else "not run"
        lacking = f"; no seed has all of {'; '.join(verdict.lacking)}" if verdict.lacking else ""
        return [said, "0", *[wording.NOTHING] * 4, needs + lacking]
    weakest = min(verdict.findings, key=lambda f: (f.z, f.effect if claim.orders else -f.effect))
    p = wording.NOTHING if verdict.p is None or claim.orders == 0 else wording.probability(verdict.p)
    word = f"**{verdict.word}**"
    if verdict.word == EQUAL:
        word += f" within {_size(claim.margin or 0.0, claim)}"
    if verdict.look:
        word += f" at look {verdict.look.number} of {verdict.look.of}"
    if verdict.word == NOT_YET:
        word += f" ({late(verdict)})"
    if verdict.word == UNDECIDED:
        word += f" ({wants(verdict)})"
    effect, between, chance = _effect(weakest, claim)
    if verdict.look and verdict.word != UNDECIDED and verdict.look.number < verdict.look.of:
        between += ", after stopping early"
    return [said, str(verdict.n) if claim.orders != 0 else wording.NOTHING, effect, between, chance, p, word]


def late(verdict: Verdict) -> str:
    """What a claim waits for that is not judged yet."""
    if verdict.n < (verdict.planned or 0):
        return f"{verdict.n} of {verdict.planned} planned seeds are there"
    return f"some answers of its {verdict.planned} planned seeds are missing or failed"


def wants(verdict: Verdict) -> str:
    """What an undecided claim wants: the seeds without which nothing decides it, where it had fewer; where it had as
    many and they did not agree enough, those for power.
    """
    if verdict.n < verdict.least:
        return wording.seeds(verdict.least, verdict.likely)
    power = f"; {wording.about(verdict.likely)} for 80 % power at the effect seen" if verdict.likely else ""
    return f"{verdict.n} seeds do not decide it{power}"


def _effect(found: Finding, claim: Claim) -> tuple[str, str, str]:
    scale, digits = SCALES.get(claim.unit, PLAIN)
    if claim.orders == 0:
        return f"{found.effect:.1e}", wording.NOTHING, wording.NOTHING
    far = "-∞" if found.effect < 0 else "+∞"
    size = far if math.isinf(found.effect) else f"{scale * found.effect:+.{digits}f}"
    unit = f" {claim.unit}" if claim.unit else ""
    return size + unit, wording.interval(found.interval, scale, digits), f"{found.chance:.2f}"


def _size(value: float, claim: Claim) -> str:
    scale, digits = SCALES.get(claim.unit, PLAIN)
    return f"{scale * value:.{digits}f}".rstrip("0").rstrip(".") + (f" {claim.unit}" if claim.unit else "")


def _comparisons(verdict: Verdict) -> list[list[str]]:
    rows = []
    for found in verdict.findings:
        p = wording.NOTHING if verdict.claim.orders == 0 else wording.probability(found.p)
        rows.append([found.label, str(found.n * verdict.claim.seeds), *_effect(found, verdict.claim), p])
    return rows


def _notes(claim: Claim) -> list[str]:
    return [f"{claim.says} {claim.test}.".replace(". e", ". E")] + ([claim.note] if claim.note else [])

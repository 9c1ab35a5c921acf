"""The paper's claims as records judge them: the four contributions among themselves, and all others."""

from __future__ import annotations

from betavae.paper.claims.models import cells_of, seeds_here
from betavae.paper.claims.table import CLAIMS, CONTRIBUTIONS
from betavae.paper.evidence import gathered
from betavae.report.evidence import Chosen, Evidence, key_of
from betavae.report.statistics.looks import Part, verdicts_at
from betavae.report.statistics.verdicts import Verdict, verdicts
from betavae.study.cells import Study
from betavae.study.claims import asks, had

FAMILIES = (CONTRIBUTIONS, CLAIMS)


def judged(evidence: Evidence, study: Study | None = None) -> tuple[list[Verdict], list[Verdict]]:
    """The verdicts on the contributions and on the other claims: of all records once, or by the looks of a ``study``
    that declares some.

    Without looks a claim is judged once, when all that the study asks of its models is there: until then it waits.
    """
    if study is None or not study.looks:
        planned = waiting(evidence, study) if study else {}
        first, others = (verdicts(evidence, family, planned) for family in FAMILIES)
        return first, others
    parts = [gathered([Chosen(evidence, asks(part))]) for part in had(study, _done(evidence))]
    first, others = (
        verdicts_at(study.looks, [Part(part, family) for part in parts], Part(evidence, family)) for family in FAMILIES
    )
    return first, others


def waiting(evidence: Evidence, study: Study) -> dict[str, int]:
    """The claims some of whose models still lack answers, and the seeds that the study plans for them."""
    open_ = unanswered(evidence, study)
    return {
        claim.name: seeds_here(study, claim)
        for family in FAMILIES
        for claim in family
        if claim.orders != 0 and open_ & {cell.id for cell in cells_of(study, claim)}
    }


def unanswered(evidence: Evidence, study: Study) -> set[str]:
    """The cells of a study, by id, that lack a fit or an answer: what failed is not there, and is done again."""
    answered = _done(evidence)
    return {cell for cell, question, at in asks(study) if (cell, question, at) not in answered}


def _done(evidence: Evidence) -> set[tuple[str, str | None, float]]:
    """What was answered, as a run has it."""
    return {key_of(r) for r in evidence.records if r["kind"] != "run" and r["status"] != "error"}

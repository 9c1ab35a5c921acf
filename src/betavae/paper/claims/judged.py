"""The paper's claims as records judge them: the four contributions among themselves, and all others."""

from __future__ import annotations

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
    """
    if study is None or not study.looks:
        first, others = (verdicts(evidence, family) for family in FAMILIES)
        return first, others
    done = {key_of(record) for record in evidence.records if record["kind"] != "run"}
    parts = [gathered([Chosen(evidence, asks(part))]) for part in had(study, done)]
    first, others = (
        verdicts_at(study.looks, [Part(part, family) for part in parts], Part(evidence, family)) for family in FAMILIES
    )
    return first, others

"""The front of the report: what it is, how much of the paper it is, on what data, and what can be said of it."""

from __future__ import annotations

from collections.abc import Sequence

from betavae.paper import published
from betavae.paper.names import known_as
from betavae.paper.sections.beyond_2d import finding
from betavae.paper.sections.budget import images
from betavae.report import wording
from betavae.report.conditions import hardware, outdated, sources, wall
from betavae.report.document import Heading, Items, Part, Text
from betavae.report.evidence import Evidence
from betavae.report.statistics.verdicts import CONTRADICTS, EQUAL, NOT_RUN, SUPPORTS, UNDECIDED, Verdict

SHORT = " Trainings this short cannot confirm or refute the paper's numbers; they show that the whole chain runs."
TITLE = "β-VAE reproducibility: what was measured, beside what was published"


def front(
    evidence: Evidence, contributions: Sequence[Verdict], others: Sequence[Verdict], date: str | None
) -> list[Part]:
    """Title, what this is, the verdicts and the best finding in one look; then scale, data and machine."""
    parts: list[Part] = [Heading(TITLE, 1)]
    if date:
        parts.append(Text(f"Date: {date}"))
    parts.append(
        Text(
            "“β-VAE Reproducibility: Challenges and Extensions” (Fil, Mesinovic, Morris, Wildberger): every table and "
            "figure that these records can answer, the published number beside the measured one, every seed shown. "
            "No verdict says more than its seeds allow."
        )
    )
    if not evidence.records:
        if evidence.outdated:
            return [*parts, Text("**There are no records of today's code.**"), Items(outdated(evidence))]
        return [*parts, Text("**There are no records: nothing was run.**")]
    scales = wording.several(sorted({f"`{r['study']['scale']}`" for r in evidence.records}))
    trained, whole = images(evidence), published.images_in_all()
    return [
        *parts,
        *said(contributions, others, finding(evidence)),
        Heading("What this is made of", 3),
        Text(
            f"**Scale {scales}: {trained:,} image passes of training, {wording.share(trained, whole)} of the paper's "
            f"{whole / 1e9:.2f} billion** (our estimate of its 72 trainings; 40 epochs for the convolutional VAE and "
            f"10 for the MLP, as its code suggests; the paper does not say).{SHORT if trained < 0.5 * whole else ''}"
        ),
        Items([*_data(evidence), *hardware(evidence), *wall(evidence), *outdated(evidence)]),
    ]


def _data(evidence: Evidence) -> list[str]:
    lines = []
    kinds: dict[str, list[str]] = {}
    for dataset in evidence.datasets():
        kinds.setdefault(", ".join(sources(evidence, dataset)) or "unknown", []).append(known_as(dataset))
    for kind, names in sorted(kinds.items()):
        what = SOURCES.get(kind, f"source: {kind}")
        lines.append(f"**Data, {what}:** {wording.several(names)}")
    return [
        *lines,
        "Left out, as the paper leaves them out: CelebA and Chairs, of which Higgins et al. show traversals.",
    ]


SOURCES = {
    "drawn": "drawn by this package, not the published files",
    "jpeg copies": "JPEG copies of the published images, not the published files",
    "official": "the published files",
}
"""How the front page says where images came from."""


def said(contributions: Sequence[Verdict], others: Sequence[Verdict], found: Sequence[str]) -> list[Part]:
    """The four contributions of the paper, a line each with what would decide it; then what the records do show."""
    words = {EQUAL: "No such effect"}
    first = [f"**{words.get(v.word, v.word.capitalize())}**: {v.claim.says} {_why(v)}".strip() for v in contributions]
    lines = []
    for word in (SUPPORTS, CONTRADICTS, EQUAL):
        for v in (v for v in others if v.word == word):
            if v.claim.orders == 0:
                lines.append(f"An identity of Section 4.2 holds to rounding, with no seed involved: {v.claim.says}")
            elif word == EQUAL:
                lines.append(f"There is **no such effect** of {100 * (v.claim.margin or 0):g} points: {v.claim.says}")
            else:
                lines.append(f"The records **{word.removesuffix('s')}** the claim: {v.claim.says}")
    undecided = [v for v in others if v.word == UNDECIDED]
    missing = [v for v in others if v.word == NOT_RUN]
    if undecided:
        lines.append(
            f"{len(undecided)} of the paper's {len(others)} other claims are **undecided**: the nearest to a "
            f"verdict needs at least {min(v.least for v in undecided)} seeds, and trainings long enough to learn: "
            "seeds alone would decide about models trained as briefly as these."
        )
    if missing:
        lines.append(f"Not run here: {wording.several(v.claim.says.rstrip('.') for v in missing)}.")
    parts: list[Part] = [Heading("The paper's four contributions", 3), Items(first)]
    lines = [*found, *lines]
    return [*parts, Heading("What the records show", 3), Items(lines)] if lines else parts


def _why(verdict: Verdict) -> str:
    if verdict.word == NOT_RUN:
        lacking = f"No records of {'; '.join(verdict.lacking)}." if verdict.lacking else "Nothing of it was run."
        return f"{lacking} It {wording.seeds(verdict.least, None)}."
    seeds = f"{verdict.n} seed{'s' if verdict.n != 1 else ''}"
    if verdict.word == UNDECIDED:
        return f"Run with {seeds}; it {wording.seeds(verdict.least, verdict.likely)}."
    how = f"at look {verdict.look.number} of {verdict.look.of}" if verdict.look else "after Holm over the four"
    return f"{seeds}, p = {wording.probability(verdict.p or 0.0)} {how}."

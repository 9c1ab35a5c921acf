"""The front of the report: what it is, how much of the paper it is, on what data, and what can be said of it."""

from __future__ import annotations

from collections.abc import Sequence

from betavae.paper import published
from betavae.paper.claims.images import distance as measured
from betavae.paper.claims.judged import unanswered
from betavae.paper.names import known_as
from betavae.paper.sections.beyond_2d import finding
from betavae.paper.sections.budget import images, share_of_one
from betavae.report import wording
from betavae.report.conditions import hardware, outdated, sources, wall
from betavae.report.document import Heading, Items, Part, Text
from betavae.report.evidence import Evidence
from betavae.report.judged import late, wants
from betavae.report.statistics.verdicts import CONTRADICTS, EQUAL, NOT_RUN, NOT_YET, SUPPORTS, UNDECIDED, Verdict
from betavae.study.cells import Study

SHORT = (
    " Trainings this short cannot confirm or refute the paper's numbers: verdicts on VAEs are on models trained so "
    "briefly."
)
TITLE = "β-VAE reproducibility: what was measured, beside what was published"


def front(
    evidence: Evidence,
    contributions: Sequence[Verdict],
    others: Sequence[Verdict],
    date: str | None,
    study: Study | None = None,
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
        *said(contributions, others, finding(evidence), (share_of_one(evidence) or 1.0) < 0.5, measured(evidence)),
        Heading("What this is made of", 3),
        Text(
            f"**Scale {scales}: {trained:,} image passes of training, {wording.share(trained, whole)} of the paper's "
            f"{whole / 1e9:.2f} billion** (our estimate of its 72 trainings; 40 epochs for the convolutional VAE and "
            f"10 for the MLP, as its code suggests; the paper does not say).{SHORT if trained < 0.5 * whole else ''}"
        ),
        Items([*_whole(evidence, study), *_data(evidence), *hardware(evidence), *wall(evidence), *outdated(evidence)]),
    ]


def _whole(evidence: Evidence, study: Study | None) -> list[str]:
    """How much of a study is there, where it is not all of it."""
    open_ = unanswered(evidence, study) if study else set()
    if not study or not open_:
        return []
    return [
        f"**The study is not complete:** {len(study.jobs) - len(open_)} of its {len(study.jobs)} cells have all their "
        "answers. The same command goes on from there; claims on the others wait for them."
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


def said(
    contributions: Sequence[Verdict],
    others: Sequence[Verdict],
    found: Sequence[str],
    brief: bool = False,
    distance: str = "fid",
) -> list[Part]:
    """The four contributions of the paper, a line each with what would decide it; then what the records do show.

    ``distance`` is the Fréchet distance that was measured. ``brief``: trainings are so much shorter than the paper's
    that more seeds would decide about other models.
    """
    words = {EQUAL: "No such effect"}
    first = [f"**{words.get(v.word, v.word.capitalize())}**: {v.claim.says} {_why(v)}".strip() for v in contributions]
    lines = []
    for word in (SUPPORTS, CONTRADICTS, EQUAL):
        for v in (v for v in others if v.word == word):
            if v.claim.orders == 0:
                holds = "holds" if word == SUPPORTS else "**does not hold**"
                lines.append(f"An identity of Section 4.2 {holds} to rounding, with no seed involved: {v.claim.says}")
            elif word == EQUAL:
                lines.append(f"There is **no such effect** of {100 * (v.claim.margin or 0):g} points: {v.claim.says}")
            else:
                by = f" (by `{distance}`, which is not FID)" if "FID" in v.claim.says and distance != "fid" else ""
                lines.append(f"The records **{word.removesuffix('s')}** the claim: {v.claim.says.rstrip('.')}{by}.")
    undecided = [v for v in others if v.word == UNDECIDED]
    late = [v for v in others if v.word == NOT_YET]
    missing = [v for v in others if v.word == NOT_RUN]
    if undecided:
        lines.append(_undecided(undecided, len(others), brief))
    if late:
        lines.append(
            f"{len(late)} of the {len(others)} {_are(len(late))} **not judged yet**: the study is not complete, and "
            "each is judged once, when all the seeds planned for it are there."
        )
    if missing:
        lines.append(f"Not run here: {wording.several(v.claim.says.rstrip('.') for v in missing)}.")
    parts: list[Part] = [Heading("The paper's four contributions", 3), Items(first)]
    lines = [*found, *lines]
    return [*parts, Heading("What the records show", 3), Items(lines)] if lines else parts


def _undecided(claims: Sequence[Verdict], among: int, brief: bool) -> str:
    """How many claims are undecided, and what the nearest of them to a verdict needs."""
    few = [v.least for v in claims if v.n < v.least]
    many = [v.likely for v in claims if v.n >= v.least and v.likely is not None]
    needs = [
        *([f"{len(few)} had too few seeds for any verdict (the nearest needs at least {min(few)})"] if few else []),
        *([f"of the others the nearest needs {wording.about(min(many))} at the effect seen"] if many and few else []),
        *([f"the nearest needs {wording.about(min(many))} at the effect seen"] if many and not few else []),
    ]
    told = f"{len(claims)} of the paper's {among} other claims {_are(len(claims))} **undecided**"
    told += f": {'; '.join(needs)}" if needs else ""
    if brief:
        told += "; seeds decide about models trained as briefly as these, not about the paper's"
    return f"{told}."


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _why(verdict: Verdict) -> str:
    if verdict.word == NOT_YET:
        return f"{late(verdict).capitalize()}; it is judged once, when all is there."
    if verdict.word == NOT_RUN:
        lacking = f"No seed has all of {'; '.join(verdict.lacking)}." if verdict.lacking else "Nothing of it was run."
        return f"{lacking} It {wording.seeds(verdict.least, None)}."
    seeds = f"{verdict.n} seed{'s' if verdict.n != 1 else ''}"
    if verdict.word == UNDECIDED:
        if verdict.n < verdict.least:
            return f"Run with {seeds}; it {wants(verdict)}."
        return f"{wants(verdict)}."
    among = "the four" if verdict.word != EQUAL else "those of the four that have a margin"
    how = f"at look {verdict.look.number} of {verdict.look.of}" if verdict.look else f"after Holm over {among}"
    return f"{seeds}, p = {wording.probability(verdict.p or 0.0)} {how}."

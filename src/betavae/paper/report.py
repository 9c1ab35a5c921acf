"""The whole report: Table 1 first, then the paper's order; as Markdown and as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from betavae.paper.claims.table import CLAIMS
from betavae.paper.evidence import gathered
from betavae.paper.published import BETAS, FACTOR_COUNT, PAPER_NAME
from betavae.paper.sections import natural, scores, shapes2d
from betavae.paper.sections.budget import budget, data, share_of_one
from betavae.paper.sections.front import TITLE, front
from betavae.paper.sections.quirks import quirks
from betavae.report import wording
from betavae.report.cards import cards
from betavae.report.checklist import checklist
from betavae.report.conditions import conditions
from betavae.report.document import Heading, Part, save
from betavae.report.evidence import Evidence, StoreLike
from betavae.report.judged import claims
from betavae.report.statistics.verdicts import verdicts


def write(stores: Sequence[StoreLike], out: Path, *, date: str | None = None) -> Path:
    """Write ``report.md``, its ``figures/`` and ``report.html`` into a folder; the path of the HTML page.

    The pages are a function of the records alone: the same records give the same bytes, but for the line of the date.
    """
    return save(TITLE, sections(gathered(stores), date), Path(out))


def sections(evidence: Evidence, date: str | None) -> list[Part]:
    """Every section of the report in order."""
    judged = verdicts(evidence, CLAIMS)
    return [
        *front(evidence, judged, date),
        *shapes2d.table_1(evidence),
        *scores.selection(evidence),
        Heading("Figure 1: samples"),
        *shapes2d.samples(evidence, evidence.datasets(*FACTOR_COUNT), "figure-1", "Figure 1"),
        Heading("Figure 2: samples of natural images"),
        *natural.samples(evidence),
        *scores.figure_3(evidence),
        *shapes2d.traversals(evidence),
        *scores.rotation(evidence),
        *scores.figure_5(evidence),
        *scores.figure_6(evidence),
        *scores.table_2(evidence),
        *scores.noise(evidence),
        *natural.table_3(evidence),
        *natural.figures_7_and_8(evidence),
        *natural.figures_9_and_10(evidence),
        *natural.likelihood(evidence),
        *natural.architectures(evidence),
        Heading("Loss curves and reconstructions"),
        *shapes2d.losses(evidence, evidence.datasets(*FACTOR_COUNT), "losses"),
        *shapes2d.reconstructions(evidence, "dsprites", BETAS, "reconstructions", "Reconstructions on 2Dshapes"),
        *claims(judged, "The paper's", _short(evidence)),
        *quirks(evidence),
        *cards(evidence, PAPER_NAME),
        *conditions(evidence, [budget(evidence), data(evidence)]),
    ]


def _short(evidence: Evidence) -> list[str]:
    """The note below the claims where trainings are much shorter than the paper's."""
    trained = share_of_one(evidence)
    if trained is None or trained >= 0.5:
        return []
    return [
        f"One training here has {wording.share(trained, 1)} of the paper's image passes (median): a verdict speaks "
        "of models trained so briefly."
    ]


def checked(stores: Sequence[StoreLike]) -> str:
    """The reproducibility checklist of the paper's study as Markdown."""
    evidence = gathered(stores)
    studies = sorted({(r["study"]["name"], r["study"]["scale"]) for r in evidence.records})
    return checklist(evidence, verdicts(evidence, CLAIMS), [_command(evidence, *study) for study in studies])


def _command(evidence: Evidence, name: str, scale: str) -> str:
    official = evidence.datasets("shapes3d", "mpi3d-toy")
    how = f"paper --scale {scale}{' --data official' if official else ''}" if name == "paper" else f"{name}.toml"
    return f"`betavae run {how} --store STORE && betavae report STORE`"

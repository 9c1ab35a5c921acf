"""The whole report: what can be said and the claims first, then the paper's order; what is long on pages beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from betavae.paper.claims.judged import judged
from betavae.paper.evidence import gathered
from betavae.paper.published import PAPER_NAME
from betavae.paper.sections import (
    appendix,
    beyond_2d,
    disentanglement,
    latents,
    natural_images,
    other_metrics,
    sensitivity,
)
from betavae.paper.sections.budget import budget, data, share_of_one
from betavae.paper.sections.front import TITLE, front
from betavae.paper.sections.likelihood import likelihood
from betavae.paper.sections.quirks import QUIRKS_TITLE, quirk_summary, quirks
from betavae.report import wording
from betavae.report.cards import cards
from betavae.report.checklist import checklist
from betavae.report.conditions import conditions
from betavae.report.document import Explore, Heading, Link, Part, save
from betavae.report.evidence import Evidence, StoreLike
from betavae.report.judged import COMPARISONS, claims, comparisons, looked
from betavae.study.cells import Study


def write(
    stores: Sequence[StoreLike],
    out: Path,
    *,
    study: Study | None = None,
    date: str | None = None,
    explore: Explore | None = None,
) -> Path:
    """Write ``report.md``, ``report.html``, the same of the pages ``beside`` it and their ``figures/`` into a folder;
    the path of the report's HTML page.

    The pages are a function of the records, and of the looks that the ``study`` declares: the same give the same bytes,
    but for the line of the date. ``explore`` may add the page of one model.
    """
    evidence = gathered(stores, study)
    for name, (title, parts) in beside(evidence, study).items():
        save(title, parts, Path(out), name)
    return save(TITLE, sections(evidence, date, study, explore), Path(out))


def sections(
    evidence: Evidence, date: str | None, study: Study | None = None, explore: Explore | None = None
) -> list[Part]:
    """Every section of the report in order."""
    contributions, others = judged(evidence, study)
    notes = [*(looked(study) if study else []), *_short(evidence)]
    return [
        *front(evidence, contributions, others, date, study),
        *claims(contributions, "The paper's primary", notes, page="claims"),
        *claims(others, "The paper's other", again="the primary claims above", page="claims"),
        *disentanglement.table_1(evidence),
        *disentanglement.by_factor(evidence),
        *disentanglement.standardised(evidence),
        *disentanglement.selection(evidence),
        *appendix.figures_1_and_2(evidence),
        *beyond_2d.figure_3(evidence),
        *latents.figure_4(evidence, explore),
        *latents.rotation(evidence),
        *latents.figure_5(evidence),
        *sensitivity.figure_6(evidence),
        *sensitivity.table_2(evidence),
        *sensitivity.spread(evidence),
        *natural_images.table_3(evidence),
        *natural_images.figures_7_and_8(evidence),
        *natural_images.figures_9_and_10(evidence),
        *other_metrics.summary(evidence),
        *likelihood(evidence),
        *appendix.table_4(evidence),
        *appendix.curves_and_reconstructions(evidence),
        *quirk_summary(evidence),
        *cards(evidence, PAPER_NAME),
        *conditions(evidence, [budget(evidence), data(evidence)]),
    ]


def beside(evidence: Evidence, study: Study | None = None) -> dict[str, tuple[str, list[Part]]]:
    """The pages beside the report by name, with their titles: what would make it too long to read."""
    contributions, others = judged(evidence, study)
    back = Link("The report", "report")
    return {
        "quirks": (QUIRKS_TITLE, quirks(evidence)),
        "claims": (COMPARISONS, [Heading(COMPARISONS, 1), back, *comparisons([*contributions, *others])]),
        "metrics": (
            other_metrics.TITLE,
            [Heading(other_metrics.TITLE, 1), back, *other_metrics.other_metrics(evidence)[1:]],
        ),
    }


def everything(evidence: Evidence, study: Study | None = None) -> list[Part]:
    """The parts of all pages: every table and figure that there is."""
    return [
        *sections(evidence, None, study),
        *(part for _, parts in beside(evidence, study).values() for part in parts),
    ]


def _short(evidence: Evidence) -> list[str]:
    """The note below the claims where trainings are much shorter than the paper's."""
    trained = share_of_one(evidence)
    if trained is None or trained >= 0.5:
        return []
    return [
        f"One training here has {wording.share(trained, 1)} of the paper's image passes (median): a verdict on VAEs "
        "speaks of models trained so briefly."
    ]


def checked(stores: Sequence[StoreLike], study: Study | None = None) -> str:
    """The reproducibility checklist of the paper's study as Markdown."""
    evidence = gathered(stores, study)
    studies = sorted({(r["study"]["name"], r["study"]["scale"]) for r in evidence.records})
    return checklist(
        evidence,
        [verdict for family in judged(evidence, study) for verdict in family],
        [_command(evidence, *study) for study in studies],
    )


def _command(evidence: Evidence, name: str, scale: str) -> str:
    official = evidence.datasets("shapes3d", "mpi3d-toy")
    how = f"paper --scale {scale}{' --data official' if official else ''}" if name == "paper" else f"{name}.toml"
    return f"`betavae run {how} --store STORE && betavae report STORE`"

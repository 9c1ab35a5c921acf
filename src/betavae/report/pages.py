"""The whole report: its sections in order, written as Markdown and as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from betavae.report import shapes2d
from betavae.report.document import Block, Heading, save
from betavae.report.evidence import Evidence, StoreLike
from betavae.report.front import TITLE, front
from betavae.study.published import BETAS, FACTOR_COUNT


def write(stores: Sequence[StoreLike], out: Path, *, date: str | None = None) -> Path:
    """Write ``report.md``, its ``figures/`` and ``report.html`` into a folder; the path of the HTML page.

    The pages are a function of the records alone: the same records give the same bytes, but for the line of the date.
    """
    return save(TITLE, blocks(Evidence(stores), date), Path(out))


def blocks(evidence: Evidence, date: str | None) -> list[Block]:
    """Every section of the report in order."""
    graded = evidence.datasets(*FACTOR_COUNT)
    return [
        *front(evidence, date),
        *shapes2d.table_1(evidence),
        Heading("Figure 1: samples"),
        *shapes2d.samples(evidence, graded, "figure-1", "Figure 1"),
        Heading("Loss curves"),
        *shapes2d.losses(evidence, graded[:1], "losses"),
        Heading("Reconstructions on 2Dshapes"),
        *shapes2d.reconstructions(evidence, "dsprites", BETAS, "reconstructions", "Reconstructions on 2Dshapes"),
        *shapes2d.traversals(evidence),
    ]

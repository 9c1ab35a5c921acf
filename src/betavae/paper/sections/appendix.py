"""The appendix: samples (Figures 1 and 2), architectures (Table 4), loss curves and reconstructions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betavae.paper import published
from betavae.paper.evidence import typical
from betavae.paper.names import known_as, natural
from betavae.paper.published import BETAS, FACTOR_COUNT, PAPER_NAME
from betavae.paper.sections.common import missing
from betavae.report import curves, gallery
from betavae.report.document import Heading, Part, Table, Text
from betavae.report.evidence import Evidence
from betavae.report.rows import architecture
from betavae.report.style import picture
from betavae.study.records import Record

if TYPE_CHECKING:
    from betavae.types import Array


def figures_1_and_2(evidence: Evidence) -> list[Part]:
    """Figures 1 and 2: samples of the datasets with factors, and of those of Section 3.2."""
    return [
        Heading("Figure 1: samples"),
        *_samples(evidence, evidence.datasets(*FACTOR_COUNT), "figure-1", "Figure 1"),
        Heading("Figure 2: samples of natural images"),
        *_samples(evidence, natural(evidence), "figure-2", "Figure 2"),
    ]


def _samples(evidence: Evidence, datasets: list[str], name: str, title: str) -> list[Part]:
    panels: list[tuple[str, Array]] = []
    for dataset in datasets:
        record = next((r for r in evidence.answers if r["cell"]["dataset"] == dataset and _pictured(r)), None)
        if record:
            named = known_as(dataset, record["data"]["source"]).replace("`", "")
            panels.append((named, evidence.arrays(record)["images"]))
    if not panels:
        return [missing(title)]
    caption = f"{title}. Images chosen uniformly at random; what this package renders itself is marked “drawn”."
    return [picture(name, gallery.samples(panels), caption)]


def _pictured(record: Record) -> bool:
    return bool(record["question"]["measure"] == "samples" and record["status"] == "ok" and record["arrays"])


def table_4(evidence: Evidence) -> list[Part]:
    """Table 4, printed from the models as they were recorded."""
    found: list[Part] = [*_architecture_tables(evidence)]
    return [Heading("Table 4: architectures"), *(found or [missing("Table 4")]), Text(published.TABLE_4_NOTE)]


def _architecture_tables(evidence: Evidence) -> list[Table]:
    """Table 4, from the models themselves as they were recorded; one table per dataset and model."""
    tables = []
    for dataset in evidence.datasets():
        for method in ("mlp", "conv"):
            rows = evidence.rows(dataset, method)
            notes = next(
                (r["notes"] for row in rows for r in evidence.answers_of(row, "architecture") if r["notes"]), None
            )
            if not notes:
                continue
            recipe = next(
                c["recipe"] for c in evidence.cells.values() if c["dataset"] == dataset and c["method"] == method
            )
            paper = published.TABLE_4.get(f"{PAPER_NAME.get(dataset)}, {architecture(method)}")
            lines = [[str(part), str(text)] for part, text in notes.get("layers", [])]
            lines.append(["parameters", f"{notes['parameters']:,}"])
            lines.append(["trained by", f"{recipe['optimiser']} {recipe['learning_rate']:g}, batch {recipe['batch']}"])
            if paper:
                lines.append(["the paper prints", f"{paper[0]}; {paper[1]}"])
                if not paper[0].endswith(f" {recipe['batch']}"):
                    lines.append(
                        ["not as the paper", f"batch {recipe['batch']}: its own leaves so short a run untrained"]
                    )
            tables.append(Table(f"Table 4. {known_as(dataset)}, {method}", ["Part", "Layers"], lines))
    return tables


def curves_and_reconstructions(evidence: Evidence) -> list[Part]:
    """Loss curves of every run, and reconstructions of 2Dshapes."""
    return [Heading("Loss curves and reconstructions"), *_losses(evidence), *_reconstructions(evidence)]


def _losses(evidence: Evidence) -> list[Part]:
    """One panel per dataset and architecture."""
    panels: dict[str, list[curves.Run]] = {}
    for dataset in evidence.datasets(*FACTOR_COUNT):
        for method in ("mlp", "conv"):
            runs = [
                (row, evidence.arrays(fit))
                for row in evidence.rows(dataset, method)
                for _, fit in sorted(evidence.fit(row).items())
                if fit["arrays"]
            ]
            runs = [(row, arrays) for row, arrays in runs if len(arrays["step"])]
            if runs:
                panels[f"{PAPER_NAME.get(dataset, dataset)}, {architecture(method)}"] = runs
    if not panels:
        return [missing("Loss curves")]
    caption = (
        "Loss curves. Reconstruction loss and KL, nats per image, of every training in the tables above; one line per "
        "seed. The first twentieth of a run may lie above the frame. Twins with a quirk are not drawn; their last "
        "losses are in the records."
    )
    return [picture("losses", curves.losses(panels), caption)]


def _reconstructions(evidence: Evidence) -> list[Part]:
    """Originals above reconstructions, one panel per architecture and β, from the run nearest the median score."""
    title = "Reconstructions on 2Dshapes"
    panels = []
    for method in ("mlp", "conv", "pca", "ica"):
        for row in evidence.rows("dsprites", method):
            if row.beta is not None and row.beta not in BETAS:
                continue
            record = typical(evidence, row, "reconstructions")
            if record:
                arrays = evidence.arrays(record)
                label = f"{row.name}, seed {record['cell']['seed']}"
                panels.append((label, arrays["images"], arrays["reconstructions"]))
    if not panels:
        return [missing(title)]
    caption = f"{title}. Above the original, below its reconstruction; the run nearest the median score of its row."
    return [picture("reconstructions", gallery.reconstructions(panels), caption)]

"""The appendix: samples (Figures 1 and 2), architectures (Table 4), loss curves and reconstructions."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import TYPE_CHECKING

from betavae.paper import published
from betavae.paper.evidence import frechet_scores, typical
from betavae.paper.names import known_as, natural
from betavae.paper.published import BETAS, FACTOR_COUNT, PAPER_NAME
from betavae.paper.sections.budget import share_of_one
from betavae.paper.sections.common import learnt, missing
from betavae.report import curves, gallery, wording
from betavae.report.conditions import sources
from betavae.report.document import Heading, Items, Part, Table, Text
from betavae.report.evidence import Evidence
from betavae.report.rows import architecture, quirks_of
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
    """Table 4 from the models themselves as they were recorded, what the paper prints beside them."""
    rows = [
        line
        for dataset in evidence.datasets()
        for method in ("mlp", "conv")
        if (line := _architecture(evidence, dataset, method))
    ]
    header = ["Dataset and model", "encoder", "codes", "decoder", "parameters", "trained by", "the paper prints"]
    notes = [
        "Weights of each layer as the model was recorded: out × in for a dense layer, channels out × in × height × "
        "width for a convolution. Between encoder and decoder stand two dense layers, for the mean and the log "
        "variance of each code."
    ]
    if any("¹" in row[5] for row in rows):
        notes.append(
            "¹ A smaller batch than the paper's: with the paper's, so short a run makes few steps, and more trainings "
            "stay at the image that is the mean of all."
        )
    table = [Table("Table 4. Architectures and recipes", header, rows, notes)] if rows else [missing("Table 4")]
    return [Heading("Table 4: architectures"), *table, Text(published.TABLE_4_NOTE), *departures(evidence)]


def departures(evidence: Evidence) -> list[Part]:
    """Where these records depart from the paper's protocol, beside what the quirks switch on."""
    lines = _data_and_seeds(evidence)
    if any(_other_batch(r["cell"]) for r in evidence.fits):
        lines.append(
            "Batches of trainings below one epoch are 16 (convolutional) and 32 (MLP), not the paper's 64, or 256 on "
            "2Dshapes: with those so few steps are made that more trainings stay at the image that is the mean of all."
        )
    asked = [r["question"] for r in evidence.answers if not quirks_of(r)]
    pools = {q["knobs"]["pool"] for q in asked if q["knobs"].get("pool")}
    if pools:
        lines.append(
            f"Votes form their pairs among {wording.several(f'{pool:,}' for pool in sorted(pools))} seeded images, "
            "training and test votes apart, not among all: fewer encodings, and votes that are slightly dependent."
        )
    frames = {q["knobs"].get("images", 2000) for q in asked if q["measure"] == "frechet"}
    if frames - {FRAMES}:
        lines.append(
            f"Fréchet distances are of {wording.several(f'{n:,}' for n in sorted(frames))} images a side, the "
            f"published FID of {FRAMES:,}: their bias falls as one over that number, so only equal numbers compare."
        )
    if others := [f"`{score}`" for score in frechet_scores(evidence) if not score.startswith("fid")]:
        lines.append(f"{wording.several(others)}: features of another network than the paper's Inception.")
    if any(q["knobs"].get("classifier") == "mlp" for q in asked):
        lines.append(
            "The MLP classifier makes 400 Adam steps on 250 votes each, the published code 5,000 Adagrad steps on all: "
            "scores agree within what redrawn votes move (the table in docs/metrics/higgins.md of this package), at a "
            "hundredth of the time."
        )
    tested = {q["knobs"].get("test_votes", 1000) for q in asked if q["measure"] == "higgins"}
    if tested - {501}:
        lines.append(f"{wording.several(f'{n:,}' for n in sorted(tested))} votes test the classifier, not 501.")
    return [Text("Where this run departs from the paper's protocol:"), Items(lines)] if lines else []


def _data_and_seeds(evidence: Evidence) -> list[str]:
    """Other images, other numbers of seeds and shorter trainings than the paper's."""
    lines, came = [], {d: sources(evidence, d) for d in evidence.datasets()}
    if drawn := [known_as(d) for d, found in came.items() if "drawn" in found]:
        lines.append(f"Images of {wording.several(drawn)} are drawn by this package: not the published files.")
    if copies := [known_as(d) for d, found in came.items() if "jpeg copies" in found]:
        lines.append(f"Images of {wording.several(copies)} are JPEG copies of the published ones: other pixels.")
    paper = {d: published.SEEDS.get(PAPER_NAME.get(d, ""), ()) for d in came}
    for what, of_trainings in (("Training seeds", True), ("Seeds of PCA and ICA", False)):
        seeds = {d: _seeds(evidence, d, of_trainings) for d in came}
        if told := [f"{PAPER_NAME[d]} {len(seeds[d])} (paper {len(paper[d])})"
                    for d in came if paper[d] and seeds[d] and len(seeds[d]) != len(paper[d])]:  # fmt: skip
            lines.append(f"{what}: {', '.join(told)}.")
    trained = share_of_one(evidence)
    if trained is not None and trained < 0.995:
        lines.append(
            f"One training makes {wording.share(trained, 1)} (median) of the paper's image passes: “Budget of "
            "training” below."
        )
    return lines


def _seeds(evidence: Evidence, dataset: str, trained: bool) -> set[int]:
    """The seeds of the trainings on a dataset, or of what is fitted there without one."""
    cells = [r["cell"] for r in evidence.fits if r["cell"]["dataset"] == dataset]
    return {c["seed"] for c in cells if (c["recipe"] is not None if trained else c["method"] in ("pca", "ica"))}


FRAMES = 50_000
"""Images behind a published FID."""


def _other_batch(cell: Record) -> bool:
    recipe, paper = cell.get("recipe"), published.TABLE_4.get(
        f"{PAPER_NAME.get(cell['dataset'])}, {architecture(cell['method'])}"
    )  # fmt: skip
    return bool(recipe and paper and not paper[0].endswith(f" {recipe['batch']}"))


def _architecture(evidence: Evidence, dataset: str, method: str) -> list[str] | None:
    answers = [r for row in evidence.rows(dataset, method) for r in evidence.answers_of(row, "architecture")]
    record = next((r for r in answers if r["notes"]), None)
    if record is None:
        return None
    notes, recipe = record["notes"], record["cell"]["recipe"]
    layers = [(str(name), str(weights)) for name, weights in notes.get("layers", [])]
    sides = [_side(weights for name, weights in layers if name.startswith(side)) for side in ("encode", "decode")]
    paper = published.TABLE_4.get(f"{PAPER_NAME.get(dataset)}, {architecture(method)}")
    other = "¹" if _other_batch(record["cell"]) else ""
    trained = f"{recipe['optimiser']} {recipe['learning_rate']:g}, batch {recipe['batch']}{other}"
    printed = f"{paper[0]}; {paper[1]}" if paper else wording.NOTHING
    return [f"{known_as(dataset)}, {architecture(method)}", sides[0], str(record["cell"]["codes"]), sides[1],
            f"{notes['parameters']:,}", trained, printed]  # fmt: skip


def _side(weights: Iterable[str]) -> str:
    """Layers in order, equal ones that follow each other counted."""
    counted = [(text, len(list(same))) for text, same in groupby(w.replace(" ", "") for w in weights)]
    return "\n".join(f"{n} times {text}" if n > 1 else text for text, n in counted)


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
                label = f"{row.name}, seed {record['cell']['seed']}{learnt(evidence, row, record['cell']['seed'])}"
                panels.append((label, arrays["images"], arrays["reconstructions"]))
    if not panels:
        return [missing(title)]
    caption = f"{title}. Above the original, below its reconstruction; the run nearest the median score of its row."
    return [picture("reconstructions", gallery.reconstructions(panels), caption)]

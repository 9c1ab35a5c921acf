"""Section 3.2 and 4.2: Fréchet distances, losses and reconstructions on natural images, and the σ-VAE."""

from __future__ import annotations

from betavae.paper import published
from betavae.paper.evidence import frechet_scores, typical
from betavae.paper.names import known_as, natural
from betavae.paper.sections import shapes2d, tables
from betavae.paper.sections.shapes2d import missing
from betavae.report import charts, curves, gallery, wording
from betavae.report.document import Heading, Part, Table, Text
from betavae.report.evidence import Evidence
from betavae.report.rows import Row, Sample, budget
from betavae.report.style import picture
from betavae.study.records import Record

PAPERS_OWN = "cifar100"
"""The dataset of the paper's Figures 7 to 10."""


def table_3(evidence: Evidence) -> list[Part]:
    """Table 3 under every name its distances were recorded by, of reconstructions and of prior samples."""
    blocks: list[Part] = [Heading("Table 3: Fréchet distances"), *_standing_in(evidence)]
    found: list[Part] = [
        table
        for score in frechet_scores(evidence)
        for of in ("reconstruction", "prior")
        if (table := tables.table_3(evidence, score, of))
    ]
    return [*blocks, *(found or [missing("Table 3")])]


def _standing_in(evidence: Evidence) -> list[Text]:
    here = natural(evidence)
    if not here or PAPERS_OWN in here:
        return []
    if "cifar10" in here:
        return [Text("CIFAR-100 was not at hand: Figures 7 to 10, which the paper draws on it, are of CIFAR-10 here.")]
    if "cifar10-jpeg" in here:
        return [
            Text(
                "CIFAR-100 and the official CIFAR-10 were not at hand. `cifar10-jpeg` holds JPEG copies of the real "
                "60,000 CIFAR-10 images; Table 3's CIFAR-10 half and Figures 7 to 10 are of it."
            )
        ]
    names = wording.several(known_as(d) for d in here)
    return [Text(f"No CIFAR dataset was at hand: {names} stands in, which no published number speaks of.")]


def figures_7_and_8(evidence: Evidence) -> list[Part]:
    """Figures 7 and 8: Fréchet distance and reconstruction loss along training per β."""
    blocks: list[Part] = [Heading("Figures 7 and 8: along training")]
    for dataset in natural(evidence):
        name = known_as(dataset).replace("`", "")
        for score in frechet_scores(evidence):
            lines = _along(evidence, dataset, "frechet", score, "reconstruction")
            if lines:
                figure = curves.along(lines, name, f"{score}, reconstructions", _images(evidence, lines))
                said = f"Figure 7. `{score}` of reconstructions during training on {name}, per β; lower is better."
                blocks.append(picture(f"figure-7-{dataset}-{score.replace('_', '-')}", figure, said))
        lines = _along(evidence, dataset, "reconstruction", "reconstruction", None)
        if lines:
            figure = curves.along(lines, name, "reconstruction, nats per image", _images(evidence, lines))
            split = _split(evidence, next(iter(lines)))
            said = f"Figure 8. Reconstruction loss of the {split} split during training on {name}, per β."
            blocks.append(picture(f"figure-8-{dataset}", figure, said))
    return blocks if len(blocks) > 1 else [*blocks, missing("Figures 7 and 8")]


def _split(evidence: Evidence, row: Row) -> str:
    return str(evidence.answers_of(row, "reconstruction")[0]["question"]["knobs"].get("split", "train"))


def _along(
    evidence: Evidence, dataset: str, measure: str, score: str, of: str | None
) -> dict[Row, dict[float, Sample]]:
    def fits(record: Record) -> bool:
        return of is None or record["question"]["knobs"].get("of") == of

    lines: dict[Row, dict[float, Sample]] = {}
    for row in evidence.rows(dataset, "conv", "mlp"):
        moments = sorted({r["at"] for r in evidence.answers_of(row, measure, None) if fits(r)})
        found = {at: evidence.sample(row, measure, score, fits, at) for at in moments}
        found = {at: s for at, s in found.items() if len(s)}
        if len(found) > 1:
            lines[row] = found
    return lines


def _images(evidence: Evidence, lines: dict[Row, dict[float, Sample]]) -> dict[Row, int]:
    """The whole budget of each row, in images: known from its cells, whether or not a training has ended."""
    asked = {
        row: [r for m in ("frechet", "reconstruction") for r in evidence.answers_of(row, m, None)] for row in lines
    }
    return {row: max(budget(record["cell"]) for record in records) for row, records in asked.items()}


def figures_9_and_10(evidence: Evidence) -> list[Part]:
    """Figures 9 and 10: reconstructions at the lowest and the highest β of the paper."""
    blocks: list[Part] = [Heading("Figures 9 and 10: reconstructions at β = 0.1 and β = 10")]
    for dataset in natural(evidence):
        panels = []
        for number, beta in ((9, 0.1), (10, 10.0)):
            record = typical(evidence, Row(dataset, "conv", beta), "reconstructions")
            if record:
                a = evidence.arrays(record)
                panels.append((f"Figure {number}. β = {beta:g}", a["images"], a["reconstructions"]))
        if panels:
            name = known_as(dataset).replace("`", "")
            split = record["question"]["knobs"].get("split", "train") if record else "train"
            said = (
                f"Figures 9 and 10. Images of {name} ({split} split) above, their reconstructions below, at β = 0.1 "
                "and at β = 10."
            )
            blocks.append(picture(f"figure-9-10-{dataset}", gallery.reconstructions(panels), said))
    return blocks if len(blocks) > 1 else [*blocks, missing("Figures 9 and 10")]


def samples(evidence: Evidence) -> list[Part]:
    """Figure 2: samples of the datasets of Section 3.2."""
    return shapes2d.samples(evidence, natural(evidence), "figure-2", "Figure 2")


def likelihood(evidence: Evidence) -> list[Part]:
    """Section 4.2: β and the likelihood's variance are one knob; and the variance that a σ-VAE finds by itself."""
    blocks: list[Part] = [Heading("Section 4.2: β is the variance of a Gaussian likelihood")]
    record = next((r for r in evidence.answers if r["question"]["measure"] == "equivalence" and r["arrays"]), None)
    if record:
        a = evidence.arrays(record)
        said = (
            "Section 4.2 as a figure. Gradients of σ²·(VAE with a Gaussian likelihood of variance σ²) against those of "
            "the unit-variance β-VAE with β = σ² (Eq. 7 and 8 of the paper), on the same images and noise: the norm of "
            "their difference over the norm of the second. Rounding alone, added up over a gradient, keeps them apart; "
            "against β = 1 they are other gradients wherever σ² is not 1 (no difference at all is drawn at the bottom)."
        )
        lines = {"against β = σ²": a["matched"].tolist(), "against β = 1": a["unmatched"].tolist()}
        blocks.append(picture("section-4-2", charts.equivalence(a["variance"].tolist(), lines), said))
    rows = []
    for fit in evidence.fits:
        if fit["cell"].get("objective") != "sigma_vae" or fit["status"] != "ok":
            continue
        answers = {r["question"]["measure"]: r["scores"] for r in evidence.answers if r["cell_id"] == fit["cell_id"]}
        found = answers.get("calibration")
        if found:
            name = f"{known_as(fit['cell']['dataset'])}, seed {fit['cell']['seed']}"
            mse = answers.get("reconstruction", {}).get("mse")
            numbers = (found["sigma"], found["variance"], mse)
            rows.append([name, *(wording.number(v, 4) for v in numbers)])
    if rows:
        notes = [
            "σ is learnt with the weights (Eq. 9), from 1 on; pixels in [0, 1]. At its optimum σ² is the mean squared "
            "error of sampled reconstructions; where it is still far above it, the training was too short for σ. As a "
            "β of the unit-variance Gaussian VAE this is below 1: the β-VAE of the tables above has Bernoulli pixels, "
            "so the two scales of β are not the same."
        ]
        header = ["σ-VAE", "σ", "σ², its β", "mean squared error per pixel"]
        blocks.append(Table("The variance a σ-VAE finds", header, rows, notes))
    return blocks if len(blocks) > 1 else [*blocks, missing("Section 4.2")]


def architectures(evidence: Evidence) -> list[Part]:
    """Table 4, printed from the models as they were recorded."""
    found: list[Part] = [*tables.table_4(evidence)]
    return [Heading("Table 4: architectures"), *(found or [missing("Table 4")]), Text(published.TABLE_4_NOTE)]

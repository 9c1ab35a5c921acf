"""Section 4.2: β and the variance of a Gaussian likelihood are one knob."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betavae.paper.names import known_as
from betavae.paper.sections.common import missing
from betavae.report import charts, wording
from betavae.report.document import Heading, Part, Table
from betavae.report.evidence import Evidence
from betavae.report.style import picture

if TYPE_CHECKING:
    pass


def likelihood(evidence: Evidence) -> list[Part]:
    """Section 4.2: β and the likelihood's variance are one knob; and the variance that a σ-VAE finds by itself."""
    parts: list[Part] = [Heading("Section 4.2: β is the variance of a Gaussian likelihood")]
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
        parts.append(picture("section-4-2", charts.equivalence(a["variance"].tolist(), lines), said))
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
        parts.append(Table("The variance a σ-VAE finds", header, rows, notes))
    return parts if len(parts) > 1 else [*parts, missing("Section 4.2")]

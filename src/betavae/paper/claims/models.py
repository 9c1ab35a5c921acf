"""Which models of a study a claim of the paper speaks of, and how many seeds of them there are."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from betavae.paper.published import BETAS, PAPER_NAME
from betavae.report.statistics.comparisons import Claim
from betavae.study.cells import Cell, Study

FAMILIES = ("2Dshapes", "3Dshapes", "MPI3DToy", "CIFAR10")
SPEAKS_OF: dict[str, tuple[tuple[str, str], ...]] = {
    "low-beta-mpi3d": (("MPI3DToy", "conv"),),
    "not-disentangled": (("2Dshapes", "mlp"), ("2Dshapes", "conv")),
    "low-beta-reconstructs": (("natural", "conv"),),
    "five-below-four": (("2Dshapes", "mlp"), ("2Dshapes", "pca"), ("2Dshapes", "ica")),
    "ica-above-higgins": (("2Dshapes", "ica"),),
    "too-easy": (("2Dshapes", "pca"), ("2Dshapes", "ica")),
    "conv-above-mlp": (("2Dshapes", "mlp"), ("2Dshapes", "conv")),
    "conv-near-all": (("2Dshapes", "conv"),),
    "conv-around-ninety": (("2Dshapes", "conv"),),
    "shapes3d-very-high": (("3Dshapes", "conv"),),
    "baselines-fall": tuple(itertools.product(FAMILIES[:3], ("pca", "ica"))),
    "low-beta-spreads": (("2Dshapes", "mlp"), ("2Dshapes", "conv")),
    "larger-l-raises": (("2Dshapes", "pca"), ("2Dshapes", "ica")),
    "classifiers-agree": tuple((name, "conv") for name in FAMILIES[:3]),
    "mpi3d-reconstructs-worst": tuple((name, "conv") for name in FAMILIES[:3]),
    "metrics-disagree": (("2Dshapes", "mlp"), *itertools.product(FAMILIES[:3], ("conv", "pca", "ica"))),
    "cifar100-below-cifar10": (("CIFAR10", "conv"), ("CIFAR100", "conv")),
    "frechet-not-lowest": (("CIFAR10", "conv"),),
    **dict.fromkeys(("frechet-low-beta", "frechet-follows-loss", "low-beta-samples-worse"), (("natural", "conv"),)),
}
"""The models whose seeds a claim is judged on; of the others the MLP on 2Dshapes."""
NATURAL = (("CIFAR10", "conv"), ("CIFAR100", "conv"))
"""What "natural" is: each of these that a study has, else MPI3D, which stands in for them."""


def cells_of(study: Study, claim: Claim) -> list[Cell]:
    """The cells of a study that a claim speaks of, of the paper's own models without a quirk."""
    return [cell for cells in _held(study, claim) for cell in cells]


def seeds_here(study: Study, claim: Claim) -> int:
    """The seeds that a study has of every model that a claim speaks of."""
    return min(len({cell.seed for cell in cells}) for cells in _held(study, claim))


def _held(study: Study, claim: Claim) -> Sequence[list[Cell]]:
    held: dict[tuple[str, str], list[Cell]] = {}
    for cell in (cell for cell in study.cells if not cell.quirks and cell.beta in (None, *BETAS)):
        if cell.objective in (None, "beta_vae"):
            held.setdefault((PAPER_NAME.get(cell.dataset, ""), cell.method), []).append(cell)
    natural = [model for model in NATURAL if model in held] or [("MPI3DToy", "conv")]
    models = SPEAKS_OF.get(claim.name, (("2Dshapes", "mlp"),))
    return [held.get(m, []) for model in models for m in (natural if model == ("natural", "conv") else [model])]

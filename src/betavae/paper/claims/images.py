"""The comparisons behind the claims of Sections 3.2 and 4.2: losses, Fréchet distances, gradients."""

from __future__ import annotations

import math

from betavae.paper.evidence import frechet_scores
from betavae.paper.names import HIGH_AGAINST_LOW, TREND_UP, natural, one_of_each
from betavae.paper.published import BETAS
from betavae.report.evidence import Evidence
from betavae.report.rows import Row
from betavae.report.statistics.comparisons import (
    Arm,
    BySeed,
    Comparison,
    Gather,
    Groups,
    Identity,
    blocks,
    complete,
    means,
)
from betavae.report.statistics.exact_tests import Block


def losses(evidence: Evidence, dataset: str, measure: str, score: str) -> BySeed:
    """A loss of reconstructions at the end of training by seed and β; a diverged run is infinitely bad."""
    found: dict[float, dict[int, float]] = {}
    for beta in BETAS:
        row = Row(dataset, "conv", beta)
        sample = evidence.sample(
            row, measure, score, lambda r: r["question"]["knobs"].get("of", "reconstruction") == "reconstruction"
        )
        found[beta] = {**dict.fromkeys(sample.diverged, math.inf), **sample.values}
    return complete(found)


def reconstruction_by_beta(evidence: Evidence) -> list[Comparison]:
    """Reconstruction loss against β on the datasets of Section 3.2: more where β is higher."""
    found = [losses(evidence, d, "reconstruction", "reconstruction") for d in one_of_each(natural(evidence))]
    return [Arm("loss at β = 10 − loss at β = .1", tuple(b for f in found for b in blocks(f, TREND_UP)))]


def frechet_by_beta(evidence: Evidence) -> list[Comparison]:
    """Fréchet distance of reconstructions at β of 4 and 10 against .1 and 1."""
    score = next(iter(frechet_scores(evidence)), "fid")
    found = [losses(evidence, d, "frechet", score) for d in one_of_each(natural(evidence))]
    return [Arm(f"`{score}`, β > 1 − β ≤ 1", tuple(b for f in found for b in blocks(f, HIGH_AGAINST_LOW)))]


def frechet_by_loss(evidence: Evidence) -> list[Comparison]:
    """Fréchet distance against the same runs' reconstruction loss, within each seed."""
    score = next(iter(frechet_scores(evidence)), "fid")
    made: list[Block] = []
    for dataset in one_of_each(natural(evidence)):
        distance = losses(evidence, dataset, "frechet", score)
        loss = losses(evidence, dataset, "reconstruction", "reconstruction")
        for seed in sorted(set(distance) & set(loss)):
            order = sorted(loss[seed].values())
            weights = tuple(float(2 * order.index(loss[seed][b]) - len(BETAS) + 1) for b in BETAS)
            made.append(Block(weights, tuple(distance[seed][b] for b in BETAS)))
    return [Arm(f"`{score}` where the loss is largest − where it is smallest", tuple(made))]


def cifar_100_below_10(evidence: Evidence) -> list[Comparison]:
    """Per seed the mean distance over β, CIFAR-10 against CIFAR-100."""
    score = next(iter(frechet_scores(evidence)), "fid")
    ten, hundred = (means(losses(evidence, d, "frechet", score)) for d in ("cifar10", "cifar100"))
    return [Groups(f"`{score}`, CIFAR10 − CIFAR100", ten, hundred)] if ten and hundred else []


def equations_agree(tolerance: float) -> Gather:
    """Section 4.2's two gradients, as the records found them."""

    def gather(evidence: Evidence) -> list[Comparison]:
        found = [r for r in evidence.answers if r["question"]["measure"] == "equivalence" and r["status"] == "ok"]
        return [Identity(r["cell"]["dataset"], r["scores"]["matched"], tolerance) for r in found[:1]]

    return gather

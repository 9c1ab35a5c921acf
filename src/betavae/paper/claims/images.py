"""The comparisons behind the claims of Sections 3.2 and 4.2: losses, Fréchet distances, gradients."""

from __future__ import annotations

import math
import statistics

from scipy import stats

from betavae.paper.evidence import frechet_scores
from betavae.paper.names import ABOVE_ONE, LOWEST_BEST, TREND_UP, known_as, natural, one_of_each, standing_for
from betavae.paper.published import BETAS, PAPER_NAME
from betavae.report.evidence import Evidence
from betavae.report.rows import Row
from betavae.report.statistics.comparisons import (
    Arm,
    BySeed,
    Comparison,
    Gather,
    Groups,
    Identity,
    against_line,
    blocks,
    complete,
    means,
)


def losses(evidence: Evidence, dataset: str, measure: str, score: str, of: str = "reconstruction") -> BySeed:
    """A loss at the end of training by seed and β; a diverged run is infinitely bad."""
    found: dict[float, dict[int, float]] = {}
    for beta in BETAS:
        row = Row(dataset, "conv", beta)
        sample = evidence.sample(
            row, measure, score, lambda r: r["question"]["knobs"].get("of", "reconstruction") == of
        )
        found[beta] = {**dict.fromkeys(sample.diverged, math.inf), **sample.values}
    return complete(found)


def distance(evidence: Evidence) -> str:
    """The Fréchet distance that was recorded, FID before others."""
    return next(iter(frechet_scores(evidence)), "fid")


def reconstruction_by_beta(evidence: Evidence) -> list[Comparison]:
    """Reconstruction loss against β, every dataset of Section 3.2 an arm: more where β is higher."""
    each = {d: losses(evidence, d, "reconstruction", "reconstruction") for d in one_of_each(natural(evidence))}
    return [Arm(f"{known_as(d)}, loss at β = 10 − at β = .1", blocks(found, TREND_UP)) for d, found in each.items()]


def frechet_by_beta(evidence: Evidence) -> list[Comparison]:
    """Fréchet distance of reconstructions at β of 4 and 10 against 1, every dataset an arm."""
    score = distance(evidence)
    each = {d: losses(evidence, d, "frechet", score) for d in one_of_each(natural(evidence))}
    return [Arm(f"{known_as(d)}, `{score}`, β > 1 − β = 1", blocks(found, ABOVE_ONE)) for d, found in each.items()]


def frechet_not_lowest(evidence: Evidence) -> list[Comparison]:
    """On CIFAR10 the distance at β = .1 above that at β = 1."""
    score = distance(evidence)
    ten = next((d for d in natural(evidence) if PAPER_NAME.get(d) == "CIFAR10"), "cifar10")
    found = {s: {b: v[b] for b in (0.1, 1.0)} for s, v in losses(evidence, ten, "frechet", score).items()}
    return [Arm(f"CIFAR10, `{score}` at β = .1 − at β = 1", blocks(found, {0.1: 1.0, 1.0: -1.0}))]


def frechet_along_loss(evidence: Evidence) -> list[Comparison]:
    """How far the distance and the loss rise and fall together during training: Kendall's τ over the moments of a
    training, the mean over β, one value a seed.
    """
    score, arms = distance(evidence), list[Comparison]()
    for dataset in one_of_each(natural(evidence)):
        by_seed: dict[int, list[float]] = {}
        for beta in BETAS:
            row = Row(dataset, "conv", beta)
            curves = [_curve(evidence, row, measure, key) for measure, key in (("frechet", score), LOSS)]
            for seed in sorted(set(curves[0]) & set(curves[1])):
                at = sorted(set(curves[0][seed]) & set(curves[1][seed]))
                if len(at) > 1:
                    pairs = [[curve[seed][moment] for moment in at] for curve in curves]
                    tau = float(stats.kendalltau(*pairs).statistic)
                    by_seed.setdefault(seed, []).append(0.0 if math.isnan(tau) else tau)  # of a flat curve: no order
        values = [statistics.fmean(found) for found in by_seed.values() if len(found) == len(BETAS)]
        arms.append(against_line(f"{known_as(dataset)}, τ − 0", values, 0.0, above=True))
    return arms


LOSS = ("reconstruction", "reconstruction")


def _curve(evidence: Evidence, row: Row, measure: str, key: str) -> dict[int, dict[float, float]]:
    """Seed -> moment of training -> a score of reconstructions."""
    found: dict[int, dict[float, float]] = {}
    for record in evidence.answers_of(row, measure, None):
        wanted = record["question"]["knobs"].get("of", "reconstruction") == "reconstruction"
        if wanted and record["status"] == "ok" and key in record["scores"]:
            found.setdefault(record["cell"]["seed"], {})[record["at"]] = record["scores"][key]
    return found


def prior_by_beta(evidence: Evidence) -> list[Comparison]:
    """The distance of images decoded from the prior, at β = .1 above the others."""
    score = distance(evidence)
    each = {d: losses(evidence, d, "frechet", score, "prior") for d in one_of_each(natural(evidence))}
    return [
        Arm(f"{known_as(d)}, `{score}` of samples, β = .1 − the others", blocks(found, LOWEST_BEST))
        for d, found in each.items()
    ]


def mpi3d_reconstructs_worst(evidence: Evidence) -> list[Comparison]:
    """The squared error per pixel, mean over β, MPI3D less each of the other two."""
    mean = {
        name: means(losses(evidence, standing_for(evidence, name), "reconstruction", "mse"))
        for name in ("MPI3DToy", "2Dshapes", "3Dshapes")
    }
    return [Groups(f"MPI3DToy − {name}", mean["MPI3DToy"], mean[name]) for name in ("2Dshapes", "3Dshapes")]


def cifar_100_below_10(evidence: Evidence) -> list[Comparison]:
    """Per seed the mean distance over β, CIFAR-10 against CIFAR-100."""
    score = distance(evidence)
    ten, hundred = (means(losses(evidence, d, "frechet", score)) for d in ("cifar10", "cifar100"))
    return [Groups(f"`{score}`, CIFAR10 − CIFAR100", ten, hundred)]


def equations_agree(tolerance: float) -> Gather:
    """Section 4.2's two gradients, as the records found them."""

    def gather(evidence: Evidence) -> list[Comparison]:
        found = [r for r in evidence.answers if r["question"]["measure"] == "equivalence" and r["status"] == "ok"]
        return [Identity(r["cell"]["dataset"], r["scores"]["matched"], tolerance) for r in found[:1]]

    return gather

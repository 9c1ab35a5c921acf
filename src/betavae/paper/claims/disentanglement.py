"""The comparisons behind the claims of Section 3.1: from records of Higgins scores and latent spaces to blocks."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from betavae.paper.evidence import higgins, printed_name
from betavae.paper.names import HIGH_AGAINST_LOW, TREND_DOWN, standing_for
from betavae.paper.published import BETAS, CLASSIFIERS, FACTOR_COUNT, FIGURE_6_PAIRS, FIVE, FOUR
from betavae.report.evidence import Evidence
from betavae.report.rows import Row
from betavae.report.statistics.comparisons import (
    Arm,
    BySeed,
    Comparison,
    Gather,
    Groups,
    against_line,
    blocks,
    complete,
    in_pairs,
    means,
)

if TYPE_CHECKING:
    from betavae.types import Array


def scores(
    evidence: Evidence,
    dataset: str,
    method: str,
    betas: Sequence[float] = BETAS,
    factors: int | None = None,
    classifier: str | None = None,
) -> BySeed:
    """The Higgins score by seed and β."""
    rows = {beta: Row(dataset, method, beta) for beta in betas}
    return complete({beta: higgins(evidence, row, factors, classifier).values for beta, row in rows.items()})


def beta_contrast(paper_name: str, method: str, weights: Mapping[float, float]) -> Gather:
    """The score's order over β within each seed, all factors asked."""

    def gather(evidence: Evidence) -> list[Comparison]:
        dataset = standing_for(evidence, paper_name)
        return [Arm(f"{paper_name}, {method}", blocks(scores(evidence, dataset, method, tuple(weights)), weights))]

    return gather


def spread_contrast(evidence: Evidence) -> list[Comparison]:
    """How far two seeds lie apart, at β of 4 and 10 against .1 and 1, on pairs of seeds of the MLP."""
    apart = in_pairs(scores(evidence, "dsprites", "mlp", factors=FIVE), lambda a, b: abs(a - b))
    return [Arm("2Dshapes, mlp, |difference of two seeds|", blocks(apart, HIGH_AGAINST_LOW))]


def table_1_rows(evidence: Evidence) -> list[Row]:
    """The rows of Table 1: the MLP's β's and the baselines on the paper's subsets."""
    return [r for r in evidence.rows("dsprites", "mlp", "pca", "ica") if r.beta is not None or r.fit is not None]


def five_below_four(evidence: Evidence) -> list[Comparison]:
    """Five factors against four on the same codes, every model of Table 1 an arm."""
    arms: list[Comparison] = []
    for row in table_1_rows(evidence):
        found = complete({k: higgins(evidence, row, int(k)).values for k in (4.0, 5.0)})
        arms.append(Arm(printed_name(row), blocks(found, {4.0: 1.0, 5.0: -1.0})))
    return arms


def below_higgins(line: float) -> Gather:
    """Four-factor scores of the MLP against what Higgins et al. report, every β an arm."""

    def gather(evidence: Evidence) -> list[Comparison]:
        rows = [r for r in table_1_rows(evidence) if r.beta is not None]
        return [
            against_line(f"{printed_name(r)}, {100 * line:g} % − score", higgins(evidence, r, FOUR).list, line)
            for r in rows
        ]

    return gather


def worst_half(margin: float) -> Gather:
    """The better of two seeds against their mean: what dropping the worst half of two runs adds."""

    def gather(evidence: Evidence) -> list[Comparison]:
        arms: list[Comparison] = []
        for beta in (4.0, 10.0):
            found = {s: {0.0: v} for s, v in higgins(evidence, Row("dsprites", "mlp", beta), FOUR).values.items()}
            gains = in_pairs(found, lambda a, b: max(a, b) - (a + b) / 2)
            label = f"{beta:g}-VAE, better of two less their mean, less {100 * margin:g} point"
            arms.append(against_line(label, [g[0.0] for g in gains.values()], margin, above=True))
        return arms

    return gather


def conv_against_mlp(evidence: Evidence) -> list[Comparison]:
    """Per seed the mean over β, convolutional against MLP, five factors."""
    conv, mlp = (means(scores(evidence, "dsprites", method, factors=FIVE)) for method in ("conv", "mlp"))
    return [Groups("2Dshapes, mean over β, conv − MLP", conv, mlp)]


def baselines_on_rgb(evidence: Evidence) -> list[Comparison]:
    """PCA and ICA on 2Dshapes against each RGB dataset, on the scale where chance is 0 and certainty 1."""
    arms: list[Comparison] = []
    for method in ("pca", "ica"):
        grey = _above_chance(evidence, "dsprites", method)
        for name in ("3Dshapes", "MPI3DToy"):
            coloured = _above_chance(evidence, standing_for(evidence, name), method)
            if grey and coloured:
                arms.append(Groups(f"{method.upper()}, 2Dshapes − {name}", grey, coloured))
    return arms


def _above_chance(evidence: Evidence, dataset: str, method: str) -> tuple[float, ...]:
    row = next((r for r in evidence.rows(dataset, method) if r.fit is not None), None)
    if row is None:
        return ()
    chance = 1 / FACTOR_COUNT[dataset]
    return tuple((v - chance) / (1 - chance) for v in higgins(evidence, row).list)


def by_pairs(evidence: Evidence, rows: Sequence[Row], join: Callable[[Sequence[float]], float]) -> BySeed:
    """Seed -> L -> the rows' scores joined to one number."""
    each = [complete({float(p): higgins(evidence, r, None, "linear", p).values for p in FIGURE_6_PAIRS}) for r in rows]
    each = [found for found in each if found]
    seeds = set.intersection(*map(set, each)) if each else set()
    return {s: {float(p): join([found[s][float(p)] for found in each]) for p in FIGURE_6_PAIRS} for s in sorted(seeds)}


def larger_l_raises(evidence: Evidence) -> list[Comparison]:
    """The mean score of all models of Figure 6 against L."""
    weights = dict(zip(map(float, FIGURE_6_PAIRS), (-3.0, -1.0, 1.0, 3.0), strict=True))
    found = by_pairs(evidence, table_1_rows(evidence), statistics.fmean)
    return [Arm("mean of all models, L = 256 − L = 16", blocks(found, weights))]


def larger_l_unites(evidence: Evidence) -> list[Comparison]:
    """The range of all models' scores against L: less is what the claim says."""
    weights = dict(zip(map(float, FIGURE_6_PAIRS), (3.0, 1.0, -1.0, -3.0), strict=True))
    found = by_pairs(evidence, table_1_rows(evidence), lambda scores: max(scores) - min(scores))
    return [Arm("range over all models, L = 16 − L = 256", blocks(found, weights))]


def classifiers_agree(margin: float) -> Gather:
    """Per seed the range of the four classifiers' means over β, below a margin on every dataset."""

    def gather(evidence: Evidence) -> list[Comparison]:
        arms: list[Comparison] = []
        for name in ("2Dshapes", "3Dshapes", "MPI3DToy"):
            dataset = standing_for(evidence, name)
            found = [scores(evidence, dataset, "conv", classifier=c) for c in CLASSIFIERS]
            seeds = set.intersection(*map(set, found))
            ranges = []
            for seed in sorted(seeds):
                means = [statistics.fmean(f[seed].values()) for f in found]
                ranges.append(max(means) - min(means))
            arms.append(against_line(f"{name}, {100 * margin:g} points − range of four classifiers", ranges, margin))
        return arms

    return gather


def rotation_unseen(margin: float) -> Gather:
    """Per seed how much the mean score over β falls under a random rotation of the codes, below a margin."""

    def gather(evidence: Evidence) -> list[Comparison]:
        arms: list[Comparison] = []
        for method in ("mlp", "conv"):
            rows = {b: Row("dsprites", method, b) for b in BETAS}
            plain, turned = (
                complete({b: evidence.sample(r, "rotation", key).values for b, r in rows.items()})
                for key in ("higgins", "rotated")
            )
            falls = [statistics.fmean(plain[s][b] - turned[s][b] for b in BETAS) for s in plain if s in turned]
            arms.append(
                against_line(f"2Dshapes, {method}, {100 * margin:g} points − (score(z) − score(Rz))", falls, margin)
            )
        return arms

    return gather


def extent_by_beta(evidence: Evidence) -> list[Comparison]:
    """How far the codes of Figure 5's sweeps spread: the root mean square distance from their centre, against β."""
    arms: list[Comparison] = []
    for method in ("mlp", "conv"):
        found: dict[float, dict[int, float]] = {}
        for beta in BETAS:
            records = evidence.answers_of(Row("dsprites", method, beta), "latent_space")
            found[beta] = {r["cell"]["seed"]: _extent(evidence.arrays(r)["points"]) for r in records if r["arrays"]}
        arms.append(Arm(f"2Dshapes, {method}, β = .1 − β = 10", blocks(complete(found), TREND_DOWN)))
    return arms


def _extent(points: Array) -> float:
    x = np.asarray(points, dtype=float)
    return float(np.sqrt(np.square(x - x.mean(0)).sum(1).mean()))

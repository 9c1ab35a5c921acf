"""The comparisons behind the claims of Sections 3.1.3 to 3.1.5: rotations, latent spaces, L and the classifier."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from betavae.paper.claims.disentanglement import LINEAR, MLP, fell, scores
from betavae.paper.evidence import higgins, printed_name
from betavae.paper.names import TREND_DOWN, standing_for
from betavae.paper.published import BETAS, CLASSIFIERS, FIGURE_6_PAIRS
from betavae.report.evidence import Evidence
from betavae.report.rows import Row
from betavae.report.statistics.comparisons import Arm, BySeed, Comparison, Gather, against_line, blocks, complete

if TYPE_CHECKING:
    from betavae.types import Array

RISING = dict(zip(map(float, FIGURE_6_PAIRS), (-3.0, -1.0, 1.0, 3.0), strict=True))
FIRST = 0
"""The draw of votes that every scale puts to all four classifiers; further draws may be put to one of them alone."""
BEYOND = 1.0
"""What a diverged run counts as where being near is what is claimed: a hundred points."""
FALLING = {pairs: -weight for pairs, weight in RISING.items()}


def by_pairs(evidence: Evidence, rows: Sequence[Row], join: Callable[[Sequence[float]], float]) -> BySeed:
    """Seed -> L -> the rows' scores joined to one number."""
    each = [
        complete({float(p): higgins(evidence, r, None, "linear", p, draw=FIRST).values for p in FIGURE_6_PAIRS})
        for r in rows
    ]
    seeds = set.intersection(*map(set, each))
    return {s: {float(p): join([found[s][float(p)] for found in each]) for p in FIGURE_6_PAIRS} for s in sorted(seeds)}


def larger_l_raises(evidence: Evidence) -> list[Comparison]:
    """The scores of PCA and of ICA against L: the paper names these two in particular."""
    each = ((row, by_pairs(evidence, [row], statistics.fmean)) for row in LINEAR)
    return [Arm(f"{printed_name(row)}, L = 256 − L = 16", blocks(found, RISING)) for row, found in each]


def larger_l_unites(evidence: Evidence) -> list[Comparison]:
    """The range of the β-VAEs' scores against L: less is what the claim says."""
    found = by_pairs(evidence, MLP, lambda scores: max(scores) - min(scores))
    return [Arm("range over β, L = 16 − L = 256", blocks(found, FALLING))]


def classifiers_agree(margin: float) -> Gather:
    """Per seed the range of the four classifiers' means over β, on the same votes, below a margin on every dataset. All
    classifiers agree on a diverged run, which says nothing of them: its seed counts as beyond.
    """

    def gather(evidence: Evidence) -> list[Comparison]:
        arms: list[Comparison] = []
        for name in ("2Dshapes", "3Dshapes", "MPI3DToy"):
            dataset = standing_for(evidence, name)
            found = [scores(evidence, dataset, "conv", classifier=c, draw=FIRST) for c in CLASSIFIERS]
            seeds = set.intersection(*map(set, found))
            ranges = []
            for seed in sorted(seeds):
                means = [statistics.fmean(f[seed].values()) for f in found]
                ranges.append(BEYOND if seed in fell(evidence, dataset, "conv") else max(means) - min(means))
            arms.append(against_line(f"{name}, {100 * margin:g} points − range of four classifiers", ranges, margin))
        return arms

    return gather


def rotation_unseen(margin: float) -> Gather:
    """Per seed how much the mean score over β falls under a random rotation of the codes, below a margin. A diverged
    run has no codes to rotate: its seed counts as beyond.
    """

    def gather(evidence: Evidence) -> list[Comparison]:
        arms: list[Comparison] = []
        for method in ("mlp", "conv"):
            rows = {b: Row("dsprites", method, b) for b in BETAS}
            plain, turned = (
                complete({b: evidence.sample(r, "rotation", key).values for b, r in rows.items()})
                for key in ("higgins", "rotated")
            )
            lost = fell(evidence, "dsprites", method)
            falls = [
                BEYOND if s in lost else statistics.fmean(plain[s][b] - turned[s][b] for b in BETAS)
                for s in plain
                if s in turned
            ]
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

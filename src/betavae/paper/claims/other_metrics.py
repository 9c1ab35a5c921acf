"""The comparison behind the claim of Section 4.1 on other metrics: do two metrics order models less alike than redraws?

Scores are noisy, and noise alone makes orders differ. So every metric is asked on two draws of images or votes, and the
correlation of two metrics, each on another draw, is held against that of the worse of the two with itself on the other.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Mapping, Sequence

from betavae.paper.field import HIGGINS, SECOND
from betavae.paper.names import standing_for
from betavae.paper.published import BETAS
from betavae.report.evidence import Evidence
from betavae.report.rows import Row, classifier_of, factor_count, factors_of
from betavae.report.statistics.comparisons import Comparison, against_line
from betavae.report.statistics.summary import rank_correlation
from betavae.study.records import Record

SIX = {
    "Higgins": (HIGGINS, HIGGINS),
    "FactorVAE": ("factor_vae", "factor_vae"),
    "MIG": ("mig", "mig"),
    "DCI D": ("dci", "disentanglement"),
    "modularity": ("modularity", "modularity"),
    "SAP": ("sap", "sap"),
}
"""The metrics of Locatello et al. (2020): measure and score."""
FEWEST = 4
"""Models that an order is worth looking at from."""

Values = dict[Row, float]
Draws = dict[str, tuple[Values, Values]]
"""Metric -> its scores of the models of one training seed, on the first and on the second draw."""


def metrics_disagree(evidence: Evidence) -> list[Comparison]:
    """Per seed the mean over pairs of metrics of how much less alike the two order models than a redraw of the worse of
    them does.
    """
    arms: list[Comparison] = []
    for name in ("2Dshapes", "3Dshapes", "MPI3DToy"):
        found = by_seed(evidence, standing_for(evidence, name))
        methods = ("mlp", "conv") if name == "2Dshapes" else ("conv",)
        wanted = {*itertools.product(methods, BETAS), ("pca", None), ("ica", None)}
        whole = [draws for draws in found.values() if wanted <= _models(draws)]
        excess = [v for draws in whole if (v := disagreement(draws)) is not None]
        arms.append(against_line(f"{name}, ρ of one metric on two draws − ρ of two", excess, 0.0, above=True))
    return arms


def _models(draws: Draws) -> set[tuple[str, float | None]]:
    return {(row.method, row.beta) for both in draws.values() for row in both[0]}


def by_seed(evidence: Evidence, dataset: str) -> dict[int, Draws]:
    """The scores of a dataset's VAEs, PCA and ICA by training seed: of the models that all six metrics scored twice."""
    rows = [r for r in evidence.rows(dataset, "mlp", "conv", "pca", "ica") if r.beta is not None or r.fit is not None]
    scores = {
        (metric, draw, row): evidence.sample(row, measure, score, lambda r, d=draw: _fits(r, d)).values  # type: ignore[misc]
        for metric, (measure, score) in SIX.items()
        for draw in (0, SECOND)
        for row in rows
    }
    found: dict[int, Draws] = {}
    for seed in sorted({seed for values in scores.values() for seed in values}):
        kept = [row for row in rows if all(seed in scores[m, d, row] for m in SIX for d in (0, SECOND))]
        if len(kept) >= FEWEST:
            found[seed] = {
                m: ({r: scores[m, 0, r][seed] for r in kept}, {r: scores[m, SECOND, r][seed] for r in kept})
                for m in SIX
            }
    return found


def _fits(record: Record, draw: int) -> bool:
    """Whether an answer is to the question of the claim: of this draw, by lasso, or of the paper's plain votes."""
    question = record["question"]
    knobs = question["knobs"]
    if question["seed"] != draw:
        return False
    if question["measure"] == "dci":
        return bool(knobs.get("model") == "lasso")
    if question["measure"] != HIGGINS:
        return True
    told = (factors_of(record), classifier_of(record), knobs.get("pairs", 64), knobs.get("standardise", False))
    return told == (factor_count(record["cell"]["dataset"]), "logistic", 64, False)


def themselves(draws: Draws) -> dict[str, float]:
    """Each metric's correlation with itself on the other draw; a metric that scores all alike has no order."""
    found = {name: correlation(*both) for name, both in draws.items()}
    return {name: rho for name, rho in found.items() if rho is not None}


def apart(draws: Draws, one: str, other: str) -> float:
    """The correlation of two metrics, each on another draw: the mean of both ways."""
    each = [correlation(draws[one][k], draws[other][1 - k]) for k in (0, 1)]
    return statistics.fmean(rho for rho in each if rho is not None)


def disagreement(draws: Draws) -> float | None:
    """The mean over pairs of metrics of the worse one's correlation with itself less that of the two; None where fewer
    than two metrics order the models at all.
    """
    alike = themselves(draws)
    pairs = list(itertools.combinations(alike, 2))
    return statistics.fmean(min(alike[a], alike[b]) - apart(draws, a, b) for a, b in pairs) if pairs else None


def correlation(one: Mapping[Row, float], other: Mapping[Row, float]) -> float | None:
    """Spearman's ρ over the models of both."""
    rows: Sequence[Row] = [row for row in one if row in other]
    return rank_correlation([one[row] for row in rows], [other[row] for row in rows])

"""The comparisons behind the claims of Section 3.1: from records of Higgins scores and latent spaces to blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from betavae.paper.evidence import higgins, printed_name
from betavae.paper.names import HIGH_AGAINST_LOW, standing_for
from betavae.paper.published import BETAS, FACTOR_COUNT, FACTORS, FIVE, FOUR
from betavae.report.evidence import Evidence
from betavae.report.rows import Row, Sample
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


def scores(
    evidence: Evidence,
    dataset: str,
    method: str,
    betas: Sequence[float] = BETAS,
    factors: int | None = None,
    classifier: str | None = None,
    draw: int | None = None,
) -> BySeed:
    """The Higgins score by seed and β, on one draw of votes or the mean of all."""
    rows = {beta: Row(dataset, method, beta) for beta in betas}
    return complete({beta: higgins(evidence, row, factors, classifier, draw=draw).values for beta, row in rows.items()})


def fell(evidence: Evidence, dataset: str, method: str) -> set[int]:
    """The seeds of which a training diverged at some β."""
    rows = [Row(dataset, method, beta) for beta in BETAS]
    return {seed for row in rows for seed, fit in evidence.fit(row).items() if fit["status"] == "diverged"}


def beta_contrast(paper_name: str, method: str, weights: Mapping[float, float]) -> Gather:
    """The score's order over β within each seed, all factors asked."""

    def gather(evidence: Evidence) -> list[Comparison]:
        dataset = standing_for(evidence, paper_name)
        found = blocks(scores(evidence, dataset, method, tuple(weights)), weights)
        return [Arm(f"{paper_name}, {method}", found, fell=bool(fell(evidence, dataset, method)))]

    return gather


def spread_contrast(evidence: Evidence) -> list[Comparison]:
    """How far two seeds lie apart, at β of 4 and 10 against .1 and 1, on pairs of seeds of the MLP."""
    apart = in_pairs(scores(evidence, "dsprites", "mlp", factors=FIVE), lambda a, b: abs(a - b))
    return [Arm("2Dshapes, mlp, |difference of two seeds|", blocks(apart, HIGH_AGAINST_LOW))]


MLP = tuple(Row("dsprites", "mlp", beta) for beta in BETAS)
ICA = Row("dsprites", "ica", fit=2_500)
LINEAR = (Row("dsprites", "pca", fit=25_000), ICA)
"""The models of Table 1, run or not: a claim on all of them is judged on all of them or not at all."""


def five_below_four(evidence: Evidence) -> list[Comparison]:
    """Five factors against four on the same codes, every model of Table 1 an arm; and of the five, the votes that share
    shape against those that share another.
    """
    arms: list[Comparison] = []
    for row in (*MLP, *LINEAR):
        found = complete({k: higgins(evidence, row, int(k)).values for k in (4.0, 5.0)})
        arms.append(Arm(printed_name(row), blocks(found, {4.0: 1.0, 5.0: -1.0})))
    for row in (*MLP, *LINEAR):
        found = complete({float(k): by_factor(evidence, row, name).values for k, name in enumerate(FACTORS)})
        weights = {0.0: -1.0, **{float(k): 0.25 for k in range(1, len(FACTORS))}}
        arms.append(Arm(f"{printed_name(row)}, the other four − shape", blocks(found, weights)))
    return arms


def by_factor(evidence: Evidence, row: Row, factor: str) -> Sample:
    """The accuracy of the votes that share one factor, all five of 2Dshapes asked."""
    return higgins(evidence, row, FIVE, score=f"accuracy.{factor}")


def below_higgins(line: float) -> Gather:
    """Four-factor scores of the MLP at β = 4, of which Higgins et al. report this."""

    def gather(evidence: Evidence) -> list[Comparison]:
        row = Row("dsprites", "mlp", 4.0)
        return [against_line(f"4-VAE, {100 * line:g} % − score", higgins(evidence, row, FOUR).list, line)]

    return gather


def gain_below(published: float) -> Gather:
    """What β = 4 gains over β = 1 on four factors, within each seed, below what Higgins et al. report."""

    def gather(evidence: Evidence) -> list[Comparison]:
        found = scores(evidence, "dsprites", "mlp", (1.0, 4.0), FOUR)
        gains = [values[4.0] - values[1.0] for values in found.values()]
        return [against_line(f"{100 * published:.2f} points − (4-VAE − 1-VAE), four factors", gains, published)]

    return gather


def low_beta_first(evidence: Evidence) -> list[Comparison]:
    """On MPI3D β = .1 above 1, and 1 above 4 and above 10: so each of the order is shown, and .1 is best."""
    dataset = standing_for(evidence, "MPI3DToy")
    found, some = scores(evidence, dataset, "conv"), bool(fell(evidence, dataset, "conv"))
    return [
        Arm(f"β = {more:g} − β = {less:g}", blocks(found, {more: 1.0, less: -1.0}), fell=some)
        for more, less in ((0.1, 1.0), (1.0, 4.0), (1.0, 10.0))
    ]


def reaches(paper_name: str, row: Row, line: float, factors: int | None = None) -> Gather:
    """A model's score above a line, one value a seed."""

    def gather(evidence: Evidence) -> list[Comparison]:
        here = row._replace(dataset=standing_for(evidence, paper_name) or row.dataset)
        return [
            against_line(f"{here.label} − {100 * line:g} %", higgins(evidence, here, factors).list, line, above=True)
        ]

    return gather


def linear_reach(line: float) -> Gather:
    """PCA and ICA on all factors of 2Dshapes, each above a line."""

    def gather(evidence: Evidence) -> list[Comparison]:
        return [
            against_line(f"{row.label} − {100 * line:g} %", higgins(evidence, row, FIVE).list, line, above=True)
            for row in LINEAR
        ]

    return gather


def every_beta_reaches(paper_name: str, line: float, factors: int | None = None) -> Gather:
    """The convolutional VAE's mean score over β above a line, one value a seed."""

    def gather(evidence: Evidence) -> list[Comparison]:
        found = scores(evidence, standing_for(evidence, paper_name), "conv", factors=factors)
        return [against_line(f"mean over β − {100 * line:g} %", means(found), line, above=True)]

    return gather


def half_reach(paper_name: str, line: float, factors: int) -> Gather:
    """The convolutional VAE's second best score of four β above a line, one value a seed: half of its runs reach it."""

    def gather(evidence: Evidence) -> list[Comparison]:
        found = scores(evidence, standing_for(evidence, paper_name), "conv", factors=factors)
        second = [sorted(values.values())[-2] for values in found.values()]
        return [against_line(f"second best of four β − {100 * line:g} %", second, line, above=True)]

    return gather


def kept_half_reaches(line: float) -> Gather:
    """The better of two seeds of β = 4 on four factors against what Higgins et al. report of their better half."""

    def gather(evidence: Evidence) -> list[Comparison]:
        found = {s: {0.0: v} for s, v in higgins(evidence, Row("dsprites", "mlp", 4.0), FOUR).values.items()}
        best = [pair[0.0] for pair in in_pairs(found, max).values()]
        return [against_line(f"4-VAE, better of two − {100 * line:g} %", best, line, above=True)]

    return gather


def conv_against_mlp(evidence: Evidence) -> list[Comparison]:
    """Per seed the mean over β, convolutional against MLP, five factors."""
    conv, mlp = (means(scores(evidence, "dsprites", method, factors=FIVE)) for method in ("conv", "mlp"))
    some = any(fell(evidence, "dsprites", method) for method in ("conv", "mlp"))
    return [Groups("2Dshapes, mean over β, conv − MLP", conv, mlp, some)]


def baselines_on_rgb(evidence: Evidence) -> list[Comparison]:
    """PCA and ICA on 2Dshapes against each RGB dataset, on the scale where chance is 0 and certainty 1."""
    arms: list[Comparison] = []
    for method in ("pca", "ica"):
        grey = _above_chance(evidence, "dsprites", method)
        for name in ("3Dshapes", "MPI3DToy"):
            coloured = _above_chance(evidence, standing_for(evidence, name), method)
            arms.append(Groups(f"{method.upper()}, 2Dshapes − {name}", grey, coloured))
    return arms


def _above_chance(evidence: Evidence, dataset: str, method: str) -> tuple[float, ...]:
    row = next((r for r in evidence.rows(dataset, method) if r.fit is not None), None)
    if row is None:
        return ()
    chance = 1 / FACTOR_COUNT[dataset]
    return tuple((v - chance) / (1 - chance) for v in higgins(evidence, row).list)

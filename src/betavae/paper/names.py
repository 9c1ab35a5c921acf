"""What a claim sets against what: blocks of values that a seed shares, two groups of seeds, or an equation.

A block is what one seed (or one pair of seeds) shares: β's of one block begin from the same weights and see the same
images in the same order, so only the order of values inside a block is judged. Groups share nothing but the dataset.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from betavae.paper.published import BETAS, FACTOR_COUNT, PAPER_NAME
from betavae.report.evidence import Evidence
from betavae.report.statistics.exact_tests import Block

NATURAL = ("cifar10", "cifar100", "cifar10-jpeg")
"""The datasets of Section 3.2."""


class Arm(NamedTuple):
    """One comparison inside blocks."""

    label: str
    blocks: tuple[Block, ...]


class Groups(NamedTuple):
    """One comparison of two groups of seeds; the claim says that ``a`` is more."""

    label: str
    a: tuple[float, ...]
    b: tuple[float, ...]


class Identity(NamedTuple):
    """An equation that must hold to a tolerance; no seed is involved."""

    label: str
    error: float
    tolerance: float


Comparison = Arm | Groups | Identity
BySeed = dict[int, dict[float, float]]
"""Seed -> condition (a β, an L) -> value."""
Arms = Callable[[Evidence], list[Comparison]]


def natural(evidence: Evidence) -> list[str]:
    """The datasets of Section 3.2 in these records, CIFAR-100 first; or whatever stood in for them."""
    found = evidence.datasets(*NATURAL)
    if found:
        return sorted(found, key=lambda d: (d != "cifar100", NATURAL.index(d)))
    asked = {r["cell"]["dataset"] for r in evidence.answers if r["question"]["measure"] == "frechet"}
    return [d for d in evidence.datasets() if d in asked]


def one_of_each(datasets: Iterable[str]) -> list[str]:
    """One dataset for each name of the paper: a copy is not counted beside its original."""
    return list({PAPER_NAME.get(d, d): d for d in sorted(datasets, reverse=True)}.values())


def standing_for(evidence: Evidence, paper_name: str) -> str:
    """The dataset of the records that stands for one of the paper's: the official one where both were run."""
    found = [d for d in evidence.datasets(*FACTOR_COUNT) if PAPER_NAME.get(d) == paper_name]
    return min(found, key=lambda d: (d.endswith("-drawn"), d), default="")


def complete(found: Mapping[float, Mapping[int, float]]) -> BySeed:
    """Values by condition and seed turned round: only the seeds that have every condition."""
    seeds = set.intersection(*(set(values) for values in found.values())) if found else set()
    return {seed: {condition: values[seed] for condition, values in found.items()} for seed in sorted(seeds)}


def blocks(found: BySeed, weights: Mapping[float, float]) -> tuple[Block, ...]:
    """One block per seed."""
    conditions = sorted(weights)
    return tuple(
        Block(tuple(weights[c] for c in conditions), tuple(values[c] for c in conditions)) for values in found.values()
    )


def in_pairs(found: BySeed, join: Callable[[float, float], float]) -> BySeed:
    """Seeds two by two in their order, each condition's two values joined to one; an odd one is left out."""
    seeds = sorted(found)
    both = zip(seeds[::2], seeds[1::2], strict=False)
    return {a: {c: join(found[a][c], found[b][c]) for c in found[a]} for a, b in both}


TREND_UP = dict(zip(BETAS, (-3.0, -1.0, 1.0, 3.0), strict=True))
TREND_DOWN = {beta: -weight for beta, weight in TREND_UP.items()}
HIGH_AGAINST_LOW = dict(zip(BETAS, (-1.0, -1.0, 1.0, 1.0), strict=True))
ABOVE_ONE = {1.0: -2.0, 4.0: 1.0, 10.0: 1.0}
LOWEST_BEST = dict(zip(BETAS, (3.0, -1.0, -1.0, -1.0), strict=True))


def against_line(label: str, values: Iterable[float], line: float, above: bool = False) -> Arm:
    """One value per seed against a line that the claim says it stays below (or ``above``)."""
    weights = (-1.0, 1.0) if above else (1.0, -1.0)
    return Arm(label, tuple(Block(weights, (line, value)) for value in values))


def means(found: BySeed) -> tuple[float, ...]:
    """The mean over conditions of every seed."""
    return tuple(statistics.fmean(values.values()) for values in found.values())

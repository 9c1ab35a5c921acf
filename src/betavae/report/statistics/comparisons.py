"""What a claim is, and what it sets against what: blocks of values that a seed shares, two groups, or an equation.

A block is what one seed (or one pair of seeds) shares: runs of one block begin from the same weights and see the same
images in the same order, so only the order of values inside a block is judged. Groups share nothing but the dataset.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from betavae.report.statistics.exact_tests import Block

if TYPE_CHECKING:
    from betavae.report.evidence import Evidence

ORDER = "exact permutation of the values within each seed"
RANKS = "exact rank-sum test between seeds"
EQUALITY = "equality to single precision"


class Arm(NamedTuple):
    """One comparison inside blocks. Values of ``exchangeable`` conditions are judged by their size, values against a
    line only by the side on which they lie. Where a run ``fell`` (diverged), nothing is shown to be near anything.
    """

    label: str
    blocks: tuple[Block, ...]
    exchangeable: bool = True
    fell: bool = False


class Groups(NamedTuple):
    """One comparison of two groups of seeds; the claim says that ``a`` is more. ``fell`` as of an arm."""

    label: str
    a: tuple[float, ...]
    b: tuple[float, ...]
    fell: bool = False


class Within(NamedTuple):
    """One comparison of two groups that the claim says are within ``margin`` of each other; ``paired`` where the k-th
    values of both are of one seed.
    """

    label: str
    a: tuple[float, ...]
    b: tuple[float, ...]
    margin: float
    paired: bool


class Identity(NamedTuple):
    """An equation that must hold to a tolerance; no seed is involved."""

    label: str
    error: float
    tolerance: float


Comparison = Arm | Groups | Within | Identity
Gather = Callable[["Evidence"], list[Comparison]]
"""The comparisons that records hold for a claim; empty where they do not hold what it speaks of."""
BySeed = dict[int, dict[float, float]]
"""Seed -> condition (a β, an L) -> value."""


@dataclass(frozen=True)
class Claim:
    """One claim as data: what it says and where, of which records, by which statistic, and what ``gather`` sets.

    ``orders`` is the number of equally likely arrangements of one block's values that the statistic can tell apart: it
    fixes how few seeds can decide the claim at all. None is the rank-sum test, 0 an equation. ``seeds`` is the number
    of seeds that make one block; ``unit`` is how effects are printed: points of score, nats, or plain numbers. Where a
    claim has a ``margin``, effects that are all shown to lie within it, to either side, decide it too: there is none.
    """

    name: str
    says: str
    place: str
    records: str
    statistic: str
    gather: Gather
    orders: int | None
    seeds: int = 1
    unit: str = "points"
    note: str = ""
    margin: float | None = None

    @property
    def test(self) -> str:
        """The test in words."""
        return {None: RANKS, 0: EQUALITY}.get(self.orders, ORDER)

    def smallest_p(self, n: int) -> float:
        """The smallest two-sided p that n seeds (n on each side of a rank-sum test) can give."""
        if self.orders is None:
            return min(1.0, 2 / math.comb(2 * n, n))
        return min(1.0, 2 / self.orders ** (n // self.seeds)) if self.orders else 0.0  # whole numbers do not overflow


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


def against_line(label: str, values: Iterable[float], line: float, above: bool = False) -> Arm:
    """One value per seed against a line that the claim says it stays below (or ``above``)."""
    weights = (-1.0, 1.0) if above else (1.0, -1.0)
    return Arm(label, tuple(Block(weights, (line, value)) for value in values), exchangeable=False)


def means(found: BySeed) -> tuple[float, ...]:
    """The mean over conditions of every seed."""
    return tuple(statistics.fmean(values.values()) for values in found.values())

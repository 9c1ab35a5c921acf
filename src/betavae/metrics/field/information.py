"""Mutual information of codes and factors by counting, in nats: one matrix for all the scores that are made of it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from betavae.errors import choose
from betavae.metrics.field.table import Table

if TYPE_CHECKING:
    from betavae.types import Array


class Information(NamedTuple):
    """Of binned codes and factors: their mutual information ``mutual [Z, K]``, the entropies ``codes [Z]``,
    ``factors [K]`` and ``joint [Z, K]``, all in nats. A constant code has none.
    """

    mutual: Array
    codes: Array
    factors: Array
    joint: Array


def _equal_width(column: Array, bins: int) -> Array:
    """The bin of each value among ``bins`` of equal width over the values' own range; the largest is in the last."""
    low, high = column.min(), column.max()
    if low == high:
        return np.zeros(len(column), np.intp)
    edges = np.linspace(low, high, bins + 1)
    found = np.clip(((column - low) * (bins / (high - low))).astype(np.intp), 0, bins - 1)
    found -= column < edges[found]  # a value on an edge belongs to the bin that begins there, whatever was rounded
    found += (column >= edges[found + 1]) & (found < bins - 1)
    return np.asarray(found)


def _equal_frequency(column: Array, bins: int) -> Array:
    """The bin of each value among ``bins`` that hold about as many each; equal values share one."""
    edges = np.unique(np.quantile(column, np.linspace(0, 1, bins + 1)[1:-1]))
    return np.searchsorted(edges, column, side="right")


BINNING = {"width": _equal_width, "frequency": _equal_frequency}


def entropy(counts: Array) -> float:
    """The entropy of these counts in nats."""
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())


@lru_cache(maxsize=4)
def binned(table: Table, bins: int, binning: str) -> Array:
    """The bins of every code ``[Z, N]``; a constant code is in the first."""
    cut = choose(BINNING, binning, "binning")
    found = np.zeros((table.x.shape[1], len(table.x)), np.intp)
    for j in np.flatnonzero(table.active):
        found[j] = cut(np.ascontiguousarray(table.x[:, j]), bins)
    return found


@lru_cache(maxsize=8)
def information(table: Table, bins: int, binning: str = "width") -> Information:
    """The mutual information of every code with every factor, by one count for each two."""
    found = binned(table, bins, binning)
    codes = np.array([entropy(np.bincount(column)) for column in found])
    factors = np.array([entropy(np.bincount(column)) for column in table.v.T])
    joint = np.empty((len(codes), len(factors)))
    for k, size in enumerate(table.sizes):
        column = np.ascontiguousarray(table.v[:, k])
        for j, bin_of in enumerate(found):
            joint[j, k] = entropy(np.bincount(bin_of * size + column)) if table.active[j] else factors[k]
    mutual = np.maximum(codes[:, None] + factors - joint, 0.0)
    mutual[~table.active] = 0.0
    return Information(mutual, codes, factors, joint)


def between(table: Table, bins: int) -> Array:
    """The mutual information of every two codes ``[Z, Z]`` in nats, their entropies on the diagonal."""
    found = binned(table, bins, "width")
    codes = np.array([entropy(np.bincount(column)) for column in found])
    mutual = np.diag(codes)
    for i, j in zip(*np.triu_indices(len(codes), 1), strict=True):
        if table.active[i] and table.active[j]:
            joint = entropy(np.bincount(found[i] * bins + found[j]))
            mutual[i, j] = mutual[j, i] = max(0.0, codes[i] + codes[j] - joint)
    return mutual


def gaps(matrix: Array) -> Array:
    """By how much the largest of each column exceeds the next: ``[rows, columns]`` to ``[columns]``; of one row, the
    row itself.
    """
    if len(matrix) == 1:
        return np.asarray(matrix[0])
    ranked = np.sort(matrix, axis=0)
    return np.asarray(ranked[-1] - ranked[-2])

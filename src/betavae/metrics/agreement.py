"""UDR (Duan et al. 2020): how alike several trainings of one setting are, code by code. Arrays in, numbers out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from betavae.errors import choose
from betavae.metrics.fits.lasso import descend

if TYPE_CHECKING:
    from betavae.types import Array

SHRINK = 0.1
"""α of the lasso, on standardised codes. It takes a tenth of a perfect match: identical models score .9."""
INFORMED = 0.01
"""A code whose mean KL is at most this many nats takes no part, as in the original."""


def udr(codes: Sequence[Array], kl: Sequence[Array], kind: str = "lasso") -> list[float]:
    """The unsupervised disentanglement ranking of each of two or more models: the median over its partners of how
    nearly each code of the one is a single code of the other.

    ``codes`` are ``[n, Z]`` of the same images, ``kl`` ``[Z]`` in nats per image. ``kind`` "lasso" or "spearman". A
    factor that a model has lost costs it nothing.
    """
    strengths = choose({"lasso": _lasso, "spearman": _spearman}, kind, "kind")
    kept = [_standard(x[:, k > INFORMED]) for x, k in zip(codes, kl, strict=True)]
    count = len(kept)
    pair = np.zeros((count, count))
    for i in range(count):
        for j in range(count):
            if i != j and kept[i].shape[1] and kept[j].shape[1]:
                pair[i, j] = _alike(strengths(kept[i], kept[j]))
    return [float(np.median(np.delete(pair[:, j], j))) for j in range(count)]


def _standard(x: Array) -> Array:
    x = x.astype(np.float64)
    spread = x.std(0)
    return np.asarray((x - x.mean(0)) / np.where(spread > 0, spread, 1.0))


def _lasso(x: Array, y: Array) -> Array:
    return np.asarray(np.abs(descend(x.T @ x / len(x), x.T @ y / len(x), SHRINK)))


def _spearman(x: Array, y: Array) -> Array:
    from scipy.stats import rankdata

    ranked = [_standard(rankdata(part, axis=0)) for part in (x, y)]
    return np.asarray(np.abs(ranked[0].T @ ranked[1]) / len(x))


def _alike(strength: Array) -> float:
    """The largest strength of each column squared over the column's sum, and of each row: the mean of the two means."""
    sides = []
    for axis in (0, 1):
        whole = strength.sum(axis)
        sides.append(float((strength.max(axis) ** 2 / np.where(whole > 0, whole, 1.0)).mean()))
    return (sides[0] + sides[1]) / 2

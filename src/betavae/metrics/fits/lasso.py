"""A lasso of many targets at once, by coordinate descent on the matrix of products."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from betavae.types import Array

SWEEPS, CLOSE = 1000, 1e-7


def lasso(x: Array, y: Array, alpha: float) -> Array:
    """The coefficients ``[Z, T]`` that minimise |y - x w|² / 2n + α |w|₁, of ``x [n, Z]`` and ``y [n, T]``, both of
    mean 0. Of two equal columns the first takes all.
    """
    x, y = x - x.mean(0), y - y.mean(0)
    return descend(x.T @ x / len(x), x.T @ y / len(x), alpha)


def descend(products: Array, cross: Array, alpha: float) -> Array:
    """The same from the products ``[Z, Z]`` of columns with one another and ``[Z, T]`` with targets, over n."""
    found = np.zeros_like(cross)
    scale = products.diagonal()
    for _ in range(SWEEPS):
        moved = 0.0
        for j in np.flatnonzero(scale > 0):
            pull = cross[j] - products[j] @ found + scale[j] * found[j]
            new = np.sign(pull) * np.maximum(np.abs(pull) - alpha, 0) / scale[j]
            moved = max(moved, float(np.abs(new - found[j]).max()))
            found[j] = new
        if moved < CLOSE:
            break
    return found

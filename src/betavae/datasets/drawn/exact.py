"""Arithmetic that gives the same bits on every processor: what is drawn must not depend on who draws it.

A matrix library sums in an order of its own, and with fused products where the processor has them; libraries of
functions differ in the last bit. So products here are sums in a fixed order, and what a function gives is rounded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from betavae.types import Array

DECIMALS = 9
"""Decimals that are kept of what a function gives: far more than a pixel shows, far fewer than libraries differ in."""


def times(a: Array, b: Array) -> Array:
    """The matrix product of ``a [*m, K]`` and ``b [K, *n]``, its K terms added one after the other: ``[*m, *n]``."""
    shape = a.shape[:-1] + (1,) * (b.ndim - 1)
    whole: Array = a[..., 0].reshape(shape) * b[0]
    for k in range(1, len(b)):
        whole = whole + a[..., k].reshape(shape) * b[k]
    return whole


def cross(a: Array, b: Array) -> Array:
    """The vector product of two vectors ``[3]``."""
    return np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


def rounded(function: Callable[..., Array], *given: Array | float) -> Array:
    """What an elementary function gives, rounded: without the last bits, in which its implementations differ."""
    found: Array = np.round(function(*given), DECIMALS)
    return found

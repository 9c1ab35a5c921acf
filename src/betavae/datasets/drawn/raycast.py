"""Rays against solids, in closed form.

A convex solid meets a ray in one span, from where the ray goes in to where it comes out, and an intersection of convex
solids meets it in the intersection of their spans. So a cylinder is a tube between two planes, a box three pairs of
planes. Origins are ``[3]`` or ``[n, 3]``, directions ``[n, 3]`` of any length, distances multiples of the direction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from betavae.types import Array

MISS = np.inf


class Span(NamedTuple):
    """Where rays enter and leave a convex solid; a ray that misses it enters after it has left."""

    enter: Array  # [n]
    leave: Array  # [n]

    def __and__(self, other: Span) -> Span:
        return Span(np.maximum(self.enter, other.enter), np.minimum(self.leave, other.leave))

    def first(self) -> Array:
        """The distance at which each ray goes in, infinite where it misses: ``[n]``."""
        return np.where((self.enter <= self.leave) & (self.enter > 0), self.enter, MISS)


def slab(origin: Array, direction: Array, low: float, high: float) -> Span:
    """Rays, given by one coordinate each, between two planes across that coordinate."""
    with np.errstate(divide="ignore", invalid="ignore"):
        one, other = (low - origin) / direction, (high - origin) / direction
    return Span(np.fmin(one, other), np.fmax(one, other))


def quadric(a: Array, b: Array, c: Array) -> Span:
    """Where a t² + 2 b t + c <= 0, for a > 0."""
    inside = b * b - a * c
    root = np.sqrt(np.maximum(inside, 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        return Span(np.where(inside < 0, MISS, (-b - root) / a), np.where(inside < 0, -MISS, (root - b) / a))


def ball(origin: Array, direction: Array, centre: Array, radius: float) -> Span:
    """Rays through a ball."""
    offset = origin - centre
    return quadric(dot(direction, direction), dot(direction, offset), dot(offset, offset) - radius**2)


def tube(origin: Array, direction: Array, radius: float) -> Span:
    """Rays through the endless cylinder about the z axis."""
    across, offset = direction[..., :2], origin[..., :2]
    return quadric(dot(across, across), dot(across, offset), dot(offset, offset) - radius**2)


def box(origin: Array, direction: Array, low: Array, high: Array) -> Span:
    """Rays through a box along the axes."""
    x, y, z = (slab(origin[..., k], direction[..., k], low[k], high[k]) for k in range(3))
    return x & y & z


def cylinder(origin: Array, direction: Array, radius: float, low: float, high: float) -> Span:
    """Rays through a cylinder about the z axis, from height ``low`` to ``high``."""
    return tube(origin, direction, radius) & slab(origin[..., 2], direction[..., 2], low, high)


def dot(a: Array, b: Array) -> Array:
    """The inner products of vectors on the last axis."""
    product: Array = np.einsum("...i,...i->...", a, b)
    return product

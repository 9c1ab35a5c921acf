"""Convex solids of flat faces, and balls, as rays from one eye see them.

A solid is the set of points x with normals · x <= offsets. Seen from an eye outside it, the inverse of the distance to
each face's plane is linear in the ray's direction; a ray goes in through the front face of least inverse distance, if
that is more than the inverse distance of every back face. So a solid is one matrix product, summed in a fixed order
(see ``exact``), and *nearness*, the inverse of the distance in multiples of the direction, is the depth that is kept: 0
where a ray misses, greater in front.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from betavae.datasets.drawn.exact import rounded, times

if TYPE_CHECKING:
    from betavae.types import Array


Span = tuple[float, float]


class Solid(NamedTuple):
    """A convex solid with flat faces; the normals point outwards."""

    normals: Array  # [faces, 3]
    offsets: Array  # [faces]

    def placed(self, origin: Array, frame: Array) -> Solid:
        """The solid with its own origin at ``origin`` and its axes along the rows of ``frame``."""
        normals = times(self.normals, frame)
        return Solid(normals, self.offsets + times(normals, origin))

    def seen(self, eye: Array, directions: Array, shades: Array) -> tuple[Array, Array]:
        """How near rays ``[3, n]`` from ``eye`` meet it, and the shade of the face they meet: ``[n]`` each.

        ``shades [faces]`` gives that of each face; where a ray misses it means nothing.
        """
        ahead = self.offsets - times(self.normals, eye)  # negative for faces that look at the eye
        slopes = (self.normals / ahead[:, None]).astype(directions.dtype)
        front = ahead < 0
        enter = times(slopes[front], directions)
        near: Array = enter.min(0)
        shade = np.zeros_like(near)
        for inverse, level in zip(enter, shades[front], strict=True):
            np.copyto(shade, level, where=inverse == near)
        near *= near > np.maximum(0, times(slopes[~front], directions).max(0))
        return near, shade


def box(x: Span, y: Span, z: Span) -> Solid:
    """A box along the axes."""
    return Solid(np.concatenate([np.eye(3), -np.eye(3)]), np.array([x[1], y[1], z[1], -x[0], -y[0], -z[0]]))


def prism(sides: int, radius: float, low: float, high: float) -> Solid:
    """A right prism about z, its base a regular polygon whose sides touch a circle."""
    turn = 2 * np.pi * np.arange(sides) / sides
    walls = np.stack([rounded(np.cos, turn), rounded(np.sin, turn), np.zeros(sides)], -1)
    return Solid(np.concatenate([walls, [[0, 0, 1], [0, 0, -1]]]), np.array([radius] * sides + [high, -low]))


def pyramid(sides: int, radius: float, low: float, high: float) -> Solid:
    """A right pyramid about z on such a base, its top at ``high``."""
    turn = 2 * np.pi * np.arange(sides) / sides
    lean = np.sqrt(radius**2 + (high - low) ** 2)
    rise, slope = radius / lean, (high - low) / lean
    walls = np.stack([slope * rounded(np.cos, turn), slope * rounded(np.sin, turn), np.full(sides, rise)], -1)
    return Solid(np.concatenate([walls, [[0, 0, -1]]]), np.array([rise * high] * sides + [-low]))


def ball(eye: Array, directions: Array, centre: Array, radius: float) -> tuple[Array, Array]:
    """How near rays ``[3, n]`` from ``eye`` meet a ball, and the normals there: ``[n]`` and ``[3, n]``."""
    offset = (eye - centre).astype(directions.dtype)
    beyond = times(offset, offset) - radius**2
    b = times(offset, directions)
    inside = b * b - _square(directions) * beyond
    near = np.where(inside > 0, (np.sqrt(np.maximum(inside, 0)) - b) / beyond, 0)
    distance = 1 / np.where(near > 0, near, 1)
    return near, (offset[:, None] + distance * directions) / radius


def _square(directions: Array) -> Array:
    x, y, z = directions
    whole: Array = x * x + y * y + z * z
    return whole

"""The sprites of dSprites, drawn exactly: outlines snapped to 1/256 pixel, filled by integer work.

A pixel is on where its centre lies inside an outline. That gives all 320 frames of the official animation bit for bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from betavae.factors import Factors

if TYPE_CHECKING:
    from betavae.types import Array

FACTORS = Factors(("shape", "scale", "orientation", "posX", "posY"), (3, 6, 40, 32, 32))
SIDE = 64
RECIPE, VERSION = "dsprites-drawn", 1
DRAWN = "0872785cb0bde469060b17de20f912ca814530ca75ea83138f6fb40eaa3f561e"
"""The sha256 of the array as it is drawn, on every processor."""

_SNAP = 256  # steps per pixel to which corners are snapped
_RADIUS = 0.15 * SIDE
_SCALE = np.linspace(0.5, 1, 6)
_ANGLE = np.linspace(0, 2 * np.pi, 40)
_CENTRE = 16 + 32 * np.linspace(0, 1, 32)


def draw(out: Array) -> None:
    """Fill ``out`` (uint8 ``[737280, 512]``) with the whole grid, eight pixels to a byte, leftmost first."""
    shapes, scales, orientations, columns, rows = FACTORS.sizes
    blocks = out.reshape(shapes, scales, orientations, columns * rows, -1)
    for shape, scale, orientation in np.ndindex(shapes, scales, orientations):
        x, y = corners(shape, scale, orientation)
        blocks[shape, scale, orientation] = fill(x, y).view(np.uint8).reshape(columns * rows, -1)


def outline(shape: int) -> Array:
    """The corners ``[V, 2]`` (pixels, y down) of a square (0), ellipse (1) or heart (2) of scale 1 at the origin."""
    if shape == 0:
        return _RADIUS * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    sides = (100, 150)[shape - 1]
    t = 2 * np.pi * np.arange(sides) / sides
    if shape == 1:
        return _RADIUS * np.stack([1.33 * np.cos(t), np.sin(t) / 1.33], -1)
    lobes = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return _RADIUS * np.stack([np.sin(t) ** 3, -(lobes / 14.5 + 0.15)], -1)


def corners(shape: int, scale: int, orientation: int) -> tuple[Array, Array]:
    """The snapped corners of one outline at all positions: x ``[posX, V]`` and y ``[posY, V]`` in 1/256 pixel."""
    x, y = _SCALE[scale] * outline(shape).T
    cos, sin = np.cos(_ANGLE[orientation]), np.sin(_ANGLE[orientation])
    across = _CENTRE[:, None] + (cos * x + sin * y)
    down = _CENTRE[:, None] + (cos * y - sin * x)
    return _snapped(across), _snapped(down)


def _snapped(pixels: Array) -> Array:
    return np.floor(_SNAP * pixels + 0.5).astype(np.int32)


def fill(x: Array, y: Array) -> Array:
    """Polygons with corners x ``[A, V]`` and y ``[B, V]``, filled for each pair of an x and a y: uint64 ``[A, B, 64]``.

    A pixel is on where its centre lies inside by the even-odd rule; a centre exactly on an edge is in on the left and
    the top, out on the right and the bottom. A word is a row, big-endian, its highest bit the leftmost pixel.
    """
    half = _SNAP // 2
    x_next, y_next = np.roll(x, -1, 1), np.roll(y, -1, 1)
    # The rows whose centres an edge crosses: from the first centre at or below its top to the last above its bottom.
    first = -((half - np.minimum(y, y_next)) // _SNAP)
    count = -((half - np.maximum(y, y_next)) // _SNAP) - first
    place, edge = np.nonzero(count)
    first, count = first[place, edge], count[place, edge]
    step = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    place, edge, row = np.repeat(place, count), np.repeat(edge, count), np.repeat(first, count) + step

    line = place * SIDE + row
    order = np.argsort(line, kind="stable")
    line, place, edge, row = line[order], place[order], edge[order], row[order]

    # Where each edge meets each row, at every x: the first pixel whose centre is at or right of the crossing, by a
    # division rounded up. The numbers stay below 2**29, so int32 is exact.
    height = y_next[place, edge] - y[place, edge]
    below = (_SNAP * row + half - y[place, edge]) * np.sign(height)
    height = np.abs(height)
    start = x[:, edge]
    rise = (start - half) * height + below * (x_next[:, edge] - start)
    column = -(-rise // (_SNAP * height))

    # From there on a crossing turns every pixel of its row over.
    turned = np.uint64(2**64 - 1) >> column.astype(np.uint64)
    begins = np.flatnonzero(np.diff(line, prepend=-1))
    words = np.zeros((len(x), len(y) * SIDE), ">u8")
    words[:, line[begins]] = np.bitwise_xor.reduceat(turned, begins, axis=1)
    return words.reshape(len(x), len(y), SIDE)

"""The compact form of 3D Shapes: what each surface adds to an image at each level of its colour.

Only 480 geometries exist, and a channel of a colour has one of six levels. Surfaces add up to an image, and reducing it
from 192 x 192 to 64 x 64 keeps sums: so the reduced share of each surface is kept per geometry and level, and an image
is a sum of such planes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from betavae.datasets.drawn.room import AMBIENT, ANGLES, FINE, SCALES, SPOT, Camera, Room, Solid

if TYPE_CHECKING:
    from betavae.types import Array

SIDE = 64
LEVELS = np.arange(6) / 5
FLOOR, WALL, OBJECT, COVER, PLANES = 0, 5, 10, 16, 17  # where planes begin: levels 1-5, 1-5, 0-5, the sky's cover


def planes() -> Iterator[tuple[int, Array]]:
    """Number and planes, float32 ``[17, SIDE, SIDE]``, of each of the 480 geometries: scale, shape, orientation.

    Geometries are numbered with the orientation fastest. A plane is a surface's share of the image at one level of
    its albedo: floor and wall at levels 1 to 5 (they are black at 0), the object at 0 to 5; the last is the share of
    each pixel that is sky.
    """
    for orientation, angle in enumerate(ANGLES):
        room = Room.seen(Camera.at(angle))
        fine = _bare(room)
        bare = _reduced(fine, slice(0, FINE), slice(0, FINE))
        for (scale, size), shape in ((pair, shape) for pair in enumerate(SCALES) for shape in range(4)):
            yield (scale * 4 + shape) * len(ANGLES) + orientation, bare + _object(room, fine, Solid.of(shape, size))


def _bare(room: Room) -> Array:
    """The fine planes of the empty room."""
    shades = np.minimum(1, LEVELS[1:, None, None] * room.gain) * room.texture
    nothing = np.zeros((COVER - OBJECT, FINE, FINE))
    sky = ~(room.floor | room.wall)
    return np.concatenate([shades * room.floor, shades * room.wall, nothing, sky[None]]).astype(np.float32)


def _object(room: Room, bare: Array, solid: Solid) -> Array:
    """What an object and its shadow change in the reduced planes of the empty room."""
    eye, forward, _ = room.camera
    rows, columns = _frame(room.camera, solid)
    shape = room.distance[rows, columns].shape
    directions = room.directions[rows, columns].reshape(-1, 3)
    behind = bare[:, rows, columns].reshape(PLANES, -1)

    distance = solid.first(eye, directions)
    hit = np.isfinite(distance)
    light = solid.light(eye + distance[hit, None] * directions[hit], forward)
    change = -behind * hit
    change[OBJECT:COVER, hit] = np.minimum(1, LEVELS[:, None] * light.gain + light.white)

    ground = np.flatnonzero(~hit & room.floor[rows, columns].reshape(-1))
    points = eye + room.distance[rows, columns].reshape(-1)[ground, None] * directions[ground]
    dark = ground[np.isfinite(solid.first(points, SPOT - points))]
    shaded = LEVELS[1:, None] * AMBIENT * room.texture[rows, columns].reshape(-1)[dark]
    change[FLOOR:WALL, dark] = shaded - behind[FLOOR:WALL, dark]
    return _reduced(change.reshape(PLANES, *shape), rows, columns)


def _frame(camera: Camera, solid: Solid) -> tuple[slice, slice]:
    """The fine rows and columns that can show the object or its shadow."""
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (0, 1)])
    corners = corners * np.array([solid.size, solid.size, solid.height])
    fall = SPOT[2] / (SPOT[2] - corners[:, 2:])
    seen = camera.pixel(np.concatenate([corners, SPOT + fall * (corners - SPOT)]))
    low = np.clip(np.floor(seen.min(0)).astype(int), 0, FINE)
    high = np.clip(np.ceil(seen.max(0)).astype(int), 0, FINE)
    return slice(low[0], high[0]), slice(low[1], high[1])


def lanczos() -> csr_array:
    """The matrix ``[SIDE, FINE]`` that reduces one axis: a Lanczos filter of three lobes, cut off at the border."""
    ratio = FINE // SIDE
    offset = (np.arange(FINE) + 0.5) / ratio - np.arange(SIDE)[:, None] - 0.5
    weights = np.where(np.abs(offset) < 3, np.sinc(offset) * np.sinc(offset / 3), 0)
    return csr_array((weights / weights.sum(1, keepdims=True)).astype(np.float32))


_LANCZOS = lanczos()  # sparse: few of its numbers are not zero, and no threads of a matrix library wait for each other


def _reduced(fine: Array, rows: slice, columns: slice) -> Array:
    """Fine planes ``[P, rows, columns]``, black elsewhere, through the filter: ``[P, SIDE, SIDE]``."""
    count, height, width = fine.shape
    lines = _LANCZOS[:, rows] @ np.moveaxis(fine, 0, 1).reshape(height, count * width)
    lines = _LANCZOS[:, columns] @ np.moveaxis(lines.reshape(SIDE, count, width), 2, 0).reshape(width, -1)
    reduced: Array = lines.reshape(SIDE, SIDE, count).transpose(2, 1, 0)
    return reduced

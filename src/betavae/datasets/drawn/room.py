"""The scene of 3D Shapes: a room without ceiling, one object in its middle, a camera that goes round it.

Lengths in metres, z up. The numbers were fitted to official frames; nothing of the official files is in here. A view is
one ray per pixel at 192 x 192; how it becomes an image of 64 x 64 is the matter of ``room_planes``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from betavae.datasets.drawn import raycast
from betavae.datasets.drawn.raycast import dot

if TYPE_CHECKING:
    from betavae.types import Array

FINE = 192  # pixels of a side
SCALES = np.linspace(0.75, 1.25, 8)
ANGLES = np.radians(np.linspace(-30, 30, 15))
SKY = np.array([153, 226, 249]) / 255
REACH, TOP = 3.5, 2.0  # the walls stand at +-REACH in x and y
ORBIT, EYE, HALF_VIEW = 2.5, 0.75, np.tan(np.radians(25))
SPOT = np.array([-1.446, 0.4725, 7.4375])  # points straight down
AMBIENT, HEADLIGHT, SPOTLIGHT, WHITE, FOCUS = 0.35, 0.597, 0.957, 0.15, 10.45
SLICES, STACKS = 28, 16  # the mesh at whose corners a round object is lit
CUBE, CYLINDER, SPHERE, CAPSULE = range(4)
SIZES = (0.35, 0.375, 0.424, 0.325)  # half a side, or a radius, at scale 1
PATCH = ((5, 1.25), (6, 1.125), (5, 1.0), (6, 0.875), (7, 0.75))  # the cells of a dark patch on walls and floor


class Camera(NamedTuple):
    """A level camera on its orbit, looking at the vertical axis."""

    eye: Array
    forward: Array
    right: Array

    @staticmethod
    def at(angle: float) -> Camera:
        sin, cos = np.sin(angle), np.cos(angle)
        return Camera(np.array([ORBIT * sin, -ORBIT * cos, EYE]), np.array([-sin, cos, 0]), np.array([cos, sin, 0]))

    def rays(self) -> Array:
        """The directions through the centres of all fine pixels: ``[FINE, FINE, 3]``."""
        u = HALF_VIEW * ((2 * np.arange(FINE) + 1) / FINE - 1)
        directions: Array = self.forward + u[None, :, None] * self.right - u[:, None, None] * np.array([0, 0, 1])
        return directions

    def pixel(self, points: Array) -> Array:
        """Where points ``[n, 3]`` appear, in fine pixels: row and column ``[n, 2]``."""
        offset = points - self.eye
        depth = HALF_VIEW * (offset @ self.forward)
        place = np.stack([-offset[:, 2] / depth, (offset @ self.right) / depth], -1)
        pixels: Array = (place + 1) * FINE / 2
        return pixels


class Light(NamedTuple):
    """What multiplies an albedo, and what is added to it, before the texture."""

    gain: Array
    white: Array


def lit(points: Array, normals: Array, forward: Array, visible: Array | float = 1.0) -> Light:
    """The light on points ``[*n, 3]`` with unit normals ``[*n, 3]``, from the headlight and from the spot."""
    towards = SPOT - points
    towards /= np.sqrt(dot(towards, towards)[..., None])
    facing = np.maximum(0, dot(normals, towards))
    cone = np.maximum(0, towards[..., 2]) ** FOCUS * visible
    gain = AMBIENT + HEADLIGHT * np.maximum(0, -dot(normals, forward)) + SPOTLIGHT * facing * cone
    return Light(gain, WHITE * (facing > 0) * cone)


def texture(u: Array, v: Array) -> Array:
    """The hexagonal ripple and the dark patch that walls and floor carry, every 2 m."""
    turn = 2 * np.pi
    ripple = np.cos(turn * 5 * u) + 2 * np.cos(turn * 2.5 * u) * np.cos(turn * 4 * (v - 0.125))
    dark = np.zeros_like(u)
    for j, c in PATCH:
        across, along = (u - 0.2 * j + 1) % 2 - 1, (v - c + 1) % 2 - 1
        np.maximum(dark, 1 / (1 + 0.3 * ((across**2 + along**2) / 0.0925**2) ** 4), out=dark)
    pattern: Array = (0.997 + 0.027 / 3 * ripple) * (1 - 0.073 * dark)
    return pattern


class Room(NamedTuple):
    """The empty room as one camera sees it, all ``[FINE, FINE, ...]``."""

    camera: Camera
    directions: Array
    distance: Array
    floor: Array  # bool
    wall: Array  # bool
    gain: Array
    texture: Array

    @staticmethod
    def seen(camera: Camera) -> Room:
        directions = camera.rays()
        with np.errstate(divide="ignore"):
            down = -EYE / directions[..., 2]
            side = (np.copysign(REACH, directions[..., 0]) - camera.eye[0]) / directions[..., 0]
            far = (REACH - camera.eye[1]) / directions[..., 1]
        down = np.where(down > 0, down, np.inf)
        far = np.where(far > 0, far, np.inf)
        distance = np.minimum(down, np.minimum(side, far))
        points = camera.eye + distance[..., None] * directions
        x, y, z = np.moveaxis(points, -1, 0)
        floor = down <= distance
        wall = ~floor & (z <= TOP)
        level, back, right = floor[..., None], (far < side)[..., None], (x > 0)[..., None]
        normals = np.where(level, [0, 0, 1], np.where(back, [0, -1, 0], np.where(right, [-1, 0, 0], [1, 0, 0])))
        u = np.where(floor, 1 - y, np.where(back[..., 0], x + 1, np.where(right[..., 0], 1 - y, y + 1)))
        pattern = texture(u, np.where(floor, x + 1, z)) * np.where(floor, 1.01, 1)
        return Room(camera, directions, distance, floor, wall, lit(points, normals, camera.forward).gain, pattern)


class Solid(NamedTuple):
    """An object on the floor: how rays meet it, and the light on its surface."""

    shape: int
    size: float
    height: float

    @staticmethod
    def of(shape: int, scale: float) -> Solid:
        size = SIZES[shape] * scale
        return Solid(shape, size, (2 * size, 0.75 * scale, 2 * size, 4 * size)[shape])

    def first(self, origin: Array, directions: Array) -> Array:
        """The distances at which rays ``[n, 3]`` go into it, infinite where they miss: ``[n]``."""
        size, height = self.size, self.height
        if self.shape == CUBE:
            low, high = np.array([-size, -size, 0]), np.array([size, size, height])
            return raycast.box(origin, directions, low, high).first()
        if self.shape == CYLINDER:
            return raycast.cylinder(origin, directions, size, 0, height).first()
        if self.shape == SPHERE:
            return raycast.ball(origin, directions, np.array([0, 0, size]), size).first()
        parts = [raycast.ball(origin, directions, np.array([0, 0, z]), size) for z in (size, 3 * size)]
        parts.append(raycast.cylinder(origin, directions, size, size, 3 * size))
        distance: Array = np.min([part.first() for part in parts], axis=0)
        return distance

    def light(self, points: Array, forward: Array) -> Light:
        """The light on points ``[n, 3]`` of its surface: flat faces point by point, round ones through their mesh."""
        size, height = self.size, self.height
        if self.shape == CUBE:
            offset = points / size - np.array([0, 0, 1])
            axis = np.abs(offset).argmax(-1)
            normals = np.eye(3)[axis] * np.sign(np.take_along_axis(offset, axis[:, None], -1))
            return lit(points, normals, forward)
        polar = np.pi * np.arange(STACKS + 1) / STACKS
        ring, rise = np.sin(polar), np.cos(polar)
        if self.shape == SPHERE:
            row = np.arccos(np.clip(points[:, 2] / size - 1, -1, 1)) / polar[1]
            return self._through_mesh(points, row, size * ring, size + size * rise, ring, rise, forward)
        if self.shape == CAPSULE:
            half = STACKS // 2
            lower = points[:, 2] < size
            z = np.where(lower, size, np.maximum(points[:, 2], 3 * size))
            centre = np.where(lower, size, 3 * size)
            above = points[:, 2] - centre
            row = np.arccos(np.clip(above / size, -1, 1)) / polar[1] + lower
            between = (points[:, 2] >= size) & (points[:, 2] <= 3 * size)
            row = np.where(between, half + (3 * size - points[:, 2]) / (2 * size), row)
            ring, rise = np.insert(ring, half, 1), np.insert(rise, half, 0)
            z = size * rise + np.where(np.arange(STACKS + 2) > half, size, 3 * size)
            return self._through_mesh(points, row, size * ring, z, ring, rise, forward)
        stacks = np.linspace(height, 0, STACKS + 1)
        flat = np.ones_like(stacks)
        row = (height - points[:, 2]) / height * STACKS
        side = self._through_mesh(points, row, size * flat, stacks, flat, 0 * flat, forward)
        lid = lit(points, np.array([0, 0, 1.0]), forward)
        top = points[:, 2] > height - 1e-6
        return Light(np.where(top, lid.gain, side.gain), np.where(top, lid.white, side.white))

    def _through_mesh(
        self, points: Array, row: Array, radius: Array, z: Array, ring: Array, rise: Array, forward: Array
    ) -> Light:
        turn = 2 * np.pi * np.arange(SLICES) / SLICES
        circle = np.stack([np.cos(turn), np.sin(turn)], -1)

        def mesh(across: Array, up: Array) -> Array:
            return np.concatenate(
                [across[:, None, None] * circle, np.broadcast_to(up[:, None, None], (len(up), SLICES, 1))], -1
            )

        corners = lit(mesh(radius, z), mesh(ring, rise), forward)
        column = np.arctan2(points[:, 1], points[:, 0]) / turn[1] % SLICES
        i = np.clip(row.astype(int), 0, len(z) - 2)
        j = column.astype(int)
        down, across = row - i, column - j
        j, k = j % SLICES, (j + 1) % SLICES

        def between(corner: Array) -> Array:
            above = corner[i, j] * (1 - across) + corner[i, k] * across
            below = corner[i + 1, j] * (1 - across) + corner[i + 1, k] * across
            blended: Array = above * (1 - down) + below * down
            return blended

        return Light(between(corners.gain), between(corners.white))

"""The compact form of MPI3D: 4,800 scenes of a camera and two axes, and the small part of each that an object changes.

A ray ends on something grey (ground or arm), on the coloured ring, or on the coloured object. So an image is, channel
by channel, grey + ring colour · ring + object colour · object, with three planes that hold for every colouring. Outside
a small patch about the arm's tip there is no object, and two planes hold for every object too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from betavae.datasets.drawn import arm
from betavae.datasets.drawn.arm import RAYS, SIDE, STEPS, Camera, Pose
from betavae.datasets.drawn.solids import Solid

if TYPE_CHECKING:
    from betavae.types import Array

PATCH = 2 * arm.EXTENTS[1]  # pixels of a side
OBJECTS = 12  # shape and size, the size fastest
SCENES = 3 * STEPS * STEPS
GREY, RING, OBJECT = range(3)
Box = tuple[slice, slice]


class Scene(NamedTuple):
    """The planes of one camera and pose, uint8: grey levels, and shares of a colour in 1/255."""

    whole: Array  # [2, SIDE, SIDE]: grey, ring; without an object
    patches: Array  # [OBJECTS, 3, PATCH, PATCH]: grey, ring, object
    corner: tuple[int, int]  # row and column where the patch begins


class Fine(NamedTuple):
    """What rays of a box of pixels meet: how near it is, its grey level, its share of the ring's colour."""

    rays: Array  # [3, height, width], as all four float32
    near: Array  # [height, width]
    grey: Array
    ring: Array

    @staticmethod
    def bare(camera: Camera) -> Fine:
        """Ground and ring, both farther than anything else, in the whole picture."""
        rays = camera.rays()
        ring = camera.ring(rays).astype(np.float32)
        return Fine(rays, np.zeros_like(ring), np.float32(arm.GROUND) * (ring == 0), ring)

    def part(self, box: Box) -> Fine:
        """The rays of some of the pixels."""
        rows, columns = (slice(RAYS * side.start, RAYS * side.stop) for side in box)
        return Fine(*(plane[..., rows, columns] for plane in self))

    def with_part(self, box: Box, part: Fine) -> Fine:
        """The same with some of the pixels replaced."""
        planes = [plane.copy() for plane in self]
        for plane, value in zip(Fine(*planes).part(box), part, strict=True):
            plane[:] = value
        return Fine(*planes)

    def behind(self, solids: Iterable[tuple[Solid, float]], eye: Array) -> Fine:
        """The same with grey solids in front of it."""
        rays = self.rays.reshape(3, -1)
        near, grey, ring = (plane.flatten() for plane in self[1:])
        for solid, level in solids:
            here, shade = solid.seen(eye, rays, level * arm.lit(solid.normals))
            front = here > near
            for plane, value in ((near, here), (grey, shade), (ring, 0)):
                np.copyto(plane, value, where=front)
        return Fine(self.rays, *(plane.reshape(self.near.shape) for plane in (near, grey, ring)))

    def with_object(self, shape: int, size: int, pose: Pose, eye: Array) -> Array:
        """Grey levels, shares of the ring and gains of the object's colour: ``[3, height, width]``."""
        here, gain = arm.seen(shape, size, pose, eye, self.rays.reshape(3, -1))
        front = (here > self.near.reshape(-1)).reshape(self.near.shape)
        return np.stack([self.grey * ~front, self.ring * ~front, gain.reshape(front.shape) * front])


def scenes() -> Iterator[tuple[int, Scene]]:
    """Number and planes of every scene; they are numbered by camera, horizontal and vertical axis, the last fastest."""
    for height in range(3):
        camera = Camera.of(height)
        bare = Fine.bare(camera)
        foot = _around(camera.pixel(np.stack([0 * arm.Z, arm.Z])), arm.THICK)
        for vertical in range(STEPS):
            standing = bare.with_part(foot, bare.part(foot).behind(arm.standing(vertical), camera.eye))
            planes = reduced(np.stack([standing.grey, standing.ring]))
            for horizontal in range(STEPS):
                number = (height * STEPS + horizontal) * STEPS + vertical
                yield number, _scene(camera, Pose.of(horizontal, vertical), standing, planes)


def corner(tip: Array) -> tuple[int, int]:
    """Row and column where the patch begins of an object whose middle is at a pixel ``[2]``."""
    row, column = np.clip(np.rint(tip).astype(int) - PATCH // 2, 0, SIDE - PATCH).tolist()
    return row, column


def _scene(camera: Camera, pose: Pose, standing: Fine, planes: Array) -> Scene:
    ends = camera.pixel(np.stack([arm.Z, pose.elbow, pose.tip]))
    rows, columns = _around(ends, arm.THICK)
    fine = standing.part((rows, columns)).behind(arm.moving(pose), camera.eye)
    whole = planes.copy()
    whole[:, rows, columns] = reduced(np.stack([fine.grey, fine.ring]))

    row, column = corner(ends[2])
    patches = np.zeros((OBJECTS, 3, PATCH, PATCH), np.float32)
    patches[:, :OBJECT] = whole[:, row : row + PATCH, column : column + PATCH]
    for size in range(2):
        around = _around(np.rint(ends[2:]), arm.EXTENTS[size])
        inside = _seen_from(row, column, around)
        near = fine.part(_seen_from(rows.start, columns.start, around))
        for shape in range(6):
            patches[2 * shape + size, :, *inside] = reduced(near.with_object(shape, size, pose, camera.eye))
    return Scene(_bytes(whole), _bytes(patches), (row, column))


def _around(pixels: Array, margin: int) -> Box:
    """The rows and columns that hold all pixels ``[n, 2]`` and ``margin`` more on each side."""
    low = np.clip(np.floor(pixels.min(0)).astype(int) - margin, 0, SIDE).tolist()
    high = np.clip(np.ceil(pixels.max(0)).astype(int) + margin, 0, SIDE).tolist()
    return slice(low[0], high[0]), slice(low[1], high[1])


def _seen_from(row: int, column: int, box: Box) -> Box:
    """The box counted from another first row and column."""
    rows, columns = box
    return slice(rows.start - row, rows.stop - row), slice(columns.start - column, columns.stop - column)


def reduced(fine: Array) -> Array:
    """Fine planes ``[*n, 4 H, 4 W]`` averaged over 4 x 4 rays: ``[*n, H, W]``."""
    *n, height, width = fine.shape
    lines = fine.reshape(*n, height // RAYS, RAYS, width).sum(-2)
    mean: Array = lines.reshape(*n, height // RAYS, width // RAYS, RAYS).sum(-1) / RAYS**2
    return mean


def _bytes(planes: Array) -> Array:
    """Grey levels, and shares in 1/255, to the nearest whole."""
    scaled = planes.copy()
    scaled[..., 1:, :, :] *= 255
    rounded: Array = np.rint(scaled).astype(np.uint8)
    return rounded

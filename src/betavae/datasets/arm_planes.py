"""The compact form of MPI3D: 4,800 scenes of a camera and two axes, and the small part of each that an object changes.

A ray ends on something grey (ground or arm), on the coloured ring, or on the coloured object. So an image is, channel
by channel, grey + ring colour · ring + object colour · object, with three planes that hold for every colouring. Outside
a small patch about the arm's tip there is no object, and two planes hold for every object too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from betavae.datasets import arm
from betavae.datasets.arm import FINE, RAYS, SIDE, STEPS, Camera, Pose
from betavae.datasets.solids import Solid

if TYPE_CHECKING:
    from betavae.types import Array

PATCH = 20  # pixels of a side
OBJECTS = 12  # shape and size, the size fastest
SCENES = 3 * STEPS * STEPS
GREY, RING, OBJECT = range(3)
Box = tuple[slice, slice]
WHOLE = (slice(0, FINE), slice(0, FINE))


class Scene(NamedTuple):
    """The planes of one camera and pose, uint8: grey levels, and shares of a colour in 1/255."""

    whole: Array  # [2, SIDE, SIDE]: grey, ring; without an object
    patches: Array  # [OBJECTS, 3, PATCH, PATCH]: grey, ring, object
    corner: tuple[int, int]  # row and column where the patch begins


class Fine(NamedTuple):
    """What every ray meets, float32 ``[FINE, FINE]`` each: how near it is, its grey level, its share of the ring."""

    near: Array
    grey: Array
    ring: Array

    @staticmethod
    def bare(camera: Camera, rays: Array) -> Fine:
        """Ground and ring, both farther than anything else."""
        ring = camera.ring(rays).astype(np.float32)
        return Fine(np.zeros_like(ring), np.float32(arm.GROUND) * (1 - ring), ring)

    def behind(self, solids: Iterable[tuple[Solid, float]], eye: Array, rays: Array, box: Box) -> Fine:
        """The same with grey solids in it, none of which is seen outside ``box``."""
        near, grey, ring = (plane.copy() for plane in self)
        shape = near[box].shape
        directions = rays[box].reshape(-1, 3)
        for solid, level in solids:
            here, face = (value.reshape(shape) for value in solid.nearness(eye, directions))
            front = here > near[box]
            near[box][front] = here[front]
            grey[box][front] = (level * arm.lit(solid.normals)).astype(np.float32)[face[front]]
            ring[box][front] = 0
        return Fine(near, grey, ring)


def scenes() -> Iterator[tuple[int, Scene]]:
    """Number and planes of every scene; they are numbered by camera, horizontal and vertical axis, the last fastest."""
    for height in range(3):
        camera = Camera.of(height)
        rays = camera.rays()
        bare = Fine.bare(camera, rays)
        for vertical in range(STEPS):
            fine = bare.behind(arm.standing(vertical), camera.eye, rays, WHOLE)
            standing = reduced(np.stack([fine.grey, fine.ring]))
            for horizontal in range(STEPS):
                number = (height * STEPS + horizontal) * STEPS + vertical
                yield number, _scene(camera, rays, Pose.of(horizontal, vertical), fine, standing)


def _scene(camera: Camera, rays: Array, pose: Pose, standing: Fine, reduced_standing: Array) -> Scene:
    rows, columns = _frame(camera, pose)
    box = (slice(RAYS * rows.start, RAYS * rows.stop), slice(RAYS * columns.start, RAYS * columns.stop))
    fine = standing.behind(arm.moving(pose), camera.eye, rays, box)
    whole = reduced_standing.copy()
    whole[:, rows, columns] = reduced(np.stack([fine.grey[box], fine.ring[box]]))

    row, column = np.clip(np.rint(camera.pixel(pose.middle[None])[0]).astype(int) - PATCH // 2, 0, SIDE - PATCH)
    patch = (slice(RAYS * row, RAYS * (row + PATCH)), slice(RAYS * column, RAYS * (column + PATCH)))
    near, grey, ring = (plane[patch] for plane in fine)
    directions = rays[patch].reshape(-1, 3)
    planes = np.empty((OBJECTS, 3, *near.shape), np.float32)
    for kind in range(OBJECTS):
        here, gain = (value.reshape(near.shape) for value in arm.seen(*divmod(kind, 2), pose, camera.eye, directions))
        front = here > near
        planes[kind, GREY] = np.where(front, 0, grey)
        planes[kind, RING] = np.where(front, 0, ring)
        planes[kind, OBJECT] = np.where(front, gain, 0)
    return Scene(_bytes(whole), _bytes(reduced(planes)), (int(row), int(column)))


def _frame(camera: Camera, pose: Pose) -> Box:
    """The rows and columns of pixels that can show what both axes move."""
    seen = camera.pixel(np.stack([arm.Z, pose.elbow, pose.middle]))
    low = np.clip(np.floor(seen.min(0)).astype(int) - arm.THICK, 0, SIDE)
    high = np.clip(np.ceil(seen.max(0)).astype(int) + arm.THICK, 0, SIDE)
    return slice(low[0], high[0]), slice(low[1], high[1])


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

"""The scene of MPI3D: a ring on a dark ground, an arm in its middle, an object on the arm's tip, three cameras.

Lengths in heights of the arm's pillar, z up, the pillar's foot at the origin. The numbers were fitted to the official
animations; nothing of the official files is in here. How a view becomes planes that are composed by index is the matter
of ``arm_planes``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from betavae.datasets.drawn.exact import cross, rounded, times
from betavae.datasets.drawn.solids import Solid, ball, box, prism, pyramid

if TYPE_CHECKING:
    from betavae.types import Array

SIDE, RAYS = 64, 4  # pixels of a side; rays per pixel and side
FINE = SIDE * RAYS
EXTENTS = (8, 11)  # pixels from the middle of an object, small or large, that it can reach
THICK = 11  # pixels that it, joint and link can reach beyond the points they join
FOCAL = 149.6  # pixels
EYES = ((0.446, -5.564, 7.136), (0.079, -6.304, 5.691), (0.132, -6.835, 4.308))  # cameras top, centre, bottom
DOWN = (0.8539, 0.6581, 0.4465)  # how far they look down, radians
ASIDE = (-0.0603, -0.0259, -0.0007)  # and to the right
STEPS = 40
ELEVATIONS = -0.0346 + 0.08398 * np.arange(STEPS)  # horizontal_axis: from the viewer over the top to the back
AZIMUTHS = 0.3085 + 0.07705 * np.arange(STEPS)  # vertical_axis: that back turns from left to right
LIGHT, WRAP, CURVE = (0.003, -0.198, 1.071), 0.5, 0.7  # where the light comes from; how far round it reaches; its fall

GROUND = 52.0  # grey levels, as those of the arm
RING, RING_HEIGHT, RING_FADE = (2.515, 3.044), -0.169, 0.21  # inner, outer radius; where; darker outwards
FOOT, HOLE, PILLAR, JOINT, LINK = 165.0, 128.0, (168.0, 130.0, 143.0), 172.0, 181.0
FOOT_RADIUS, FOOT_HEIGHT, HOLE_RADIUS = 0.247, 0.035, 0.13
SLOT, SLOT_TURN = 0.096, 0.188  # half the width of the foot's gap; where it is when the arm points back
PILLAR_RADIUS, PILLAR_TOP = 0.118, 1.066
JOINT_RADIUS, JOINT_ENDS = 0.13, (-0.109, 0.087)
ELBOW, ELBOW_RADIUS, ELBOW_ENDS = -0.163, 0.039, (-0.09, 0.216)  # first, from the pillar's axis
REACH, LINK_RADIUS = 1.119, 0.028  # from the elbow to the middle of the object

CONE, CUBE, CYLINDER, HEXAGONAL, PYRAMID, SPHERE = range(6)
ROUND = 24  # faces of what is round
SMALL = 0.672  # of the size of a large object
WIDTH = (0.248, 0.268, 0.236, 0.253, 0.254, 0.255)  # half from side to side, of a large one
HEIGHT = (0.523, 0.507, 0.486, 0.5, 0.532)  # along the link; a ball has none of its own
Z = np.array([0.0, 0.0, 1.0])


class Camera(NamedTuple):
    """One of the three cameras: where it is, and the frame it looks along."""

    eye: Array
    frame: Array  # [3, 3], rows: right, up, forward

    @staticmethod
    def of(height: int) -> Camera:
        down, aside = DOWN[height], ASIDE[height]
        sin, cos = rounded(np.sin, np.array([down, aside])), rounded(np.cos, np.array([down, aside]))
        forward = np.array([sin[1] * cos[0], cos[1] * cos[0], -sin[0]])
        right = np.array([cos[1], -sin[1], 0])
        return Camera(np.array(EYES[height]), np.stack([right, cross(right, forward), forward]))

    def rays(self) -> Array:
        """The directions of 4 x 4 rays through every pixel, float32 ``[3, FINE, FINE]``."""
        place = ((np.arange(FINE) + 0.5) / RAYS - SIDE / 2) / FOCAL
        across, along = np.meshgrid(place, -place)
        directions = times(self.frame.T, np.stack([across, along, np.ones_like(across)]))
        return directions.astype(np.float32)

    def pixel(self, points: Array) -> Array:
        """Where points ``[n, 3]`` appear, in pixels: row and column ``[n, 2]``."""
        x, y, depth = times(self.frame, (points - self.eye).T)
        pixels: Array = SIDE / 2 + FOCAL * np.stack([-y / depth, x / depth], -1)
        return pixels

    def ring(self, directions: Array) -> Array:
        """The light on the ring where rays ``[3, *n]`` meet it, 0 elsewhere: ``[*n]``."""
        x, y, down = directions
        distance = (RING_HEIGHT - self.eye[2]) / down
        x, y = self.eye[0] + distance * x, self.eye[1] + distance * y
        radius = np.sqrt(x * x + y * y)
        light: Array = ((radius > RING[0]) & (radius < RING[1])) * (1 - RING_FADE * (radius - RING[0]))
        return light


class Pose(NamedTuple):
    """Where the arm's two axes put its link: the elbow, and the frame of the link."""

    elbow: Array
    frame: Array  # [3, 3], rows: across, joint, along the link

    @staticmethod
    def of(horizontal: int, vertical: int) -> Pose:
        elevation, joint = ELEVATIONS[horizontal], turned(vertical)[1]
        along = rounded(np.sin, elevation) * Z - rounded(np.cos, elevation) * cross(Z, joint)
        return Pose(Z + ELBOW * joint, np.stack([cross(joint, along), joint, along]))

    @property
    def tip(self) -> Array:
        """The end of the link, which is the middle of the object."""
        tip: Array = self.elbow + REACH * self.frame[2]
        return tip


def turned(vertical: int) -> Array:
    """The frame that turns with the vertical axis: rows back, joint, up."""
    sin, cos = rounded(np.sin, AZIMUTHS[vertical]), rounded(np.cos, AZIMUTHS[vertical])
    return np.array([[-cos, sin, 0], [sin, cos, 0], [0, 0, 1]])


def lit(normals: Array) -> Array:
    """The gain of the light on unit normals ``[n, 3]``: 1 towards it, 0 well away from it."""
    light = np.array(LIGHT)
    facing = times(normals, light / np.sqrt(times(light, light)))
    return rounded(np.power, np.maximum(0, (facing + WRAP) / (1 + WRAP)), CURVE)


def around(angle: float) -> Array:
    """The frame turned about z by an angle."""
    sin, cos = rounded(np.sin, angle), rounded(np.cos, angle)
    return np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])


def standing(vertical: int) -> Iterator[tuple[Solid, float]]:
    """What only the vertical axis turns, with its grey level: foot and pillar."""
    frame = times(around(SLOT_TURN), turned(vertical))
    top = FOOT_HEIGHT + 0.005
    yield prism(ROUND, FOOT_RADIUS, 0, FOOT_HEIGHT), FOOT
    yield prism(ROUND, HOLE_RADIUS, 0, top), HOLE
    yield box((0, FOOT_RADIUS), (-SLOT, SLOT), (0, top)).placed(0 * Z, frame), HOLE
    steps = np.linspace(0, PILLAR_TOP, len(PILLAR) + 1)
    for (low, high), level in zip(itertools.pairwise(steps), PILLAR, strict=True):
        yield prism(12, PILLAR_RADIUS, low, high), level


def moving(pose: Pose) -> Iterator[tuple[Solid, float]]:
    """What both axes move, with its grey level: joint and link."""
    across, joint, along = pose.frame
    sideways = np.stack([along, across, joint])
    yield prism(8, JOINT_RADIUS, *JOINT_ENDS).placed(Z, sideways), JOINT
    yield prism(6, ELBOW_RADIUS, *ELBOW_ENDS).placed(pose.elbow, pose.frame), JOINT
    yield prism(6, LINK_RADIUS, 0, REACH).placed(pose.elbow, pose.frame), LINK


def solid(shape: int, size: int) -> Solid:
    """An object with flat faces, about its own middle."""
    scale = (SMALL, 1.0)[size]
    width, half = WIDTH[shape] * scale, HEIGHT[shape] * scale / 2
    sides = (ROUND, 4, ROUND, 6, 4)[shape]
    kind = pyramid if shape in (CONE, PYRAMID) else prism
    return kind(sides, width, -half, half)


OBJECTS = {(shape, size): solid(shape, size) for shape in range(SPHERE) for size in range(2)}


def seen(shape: int, size: int, pose: Pose, eye: Array, directions: Array) -> tuple[Array, Array]:
    """How near rays ``[3, n]`` meet the object on the tip, and the gain of the light there: ``[n]`` each."""
    if shape == SPHERE:
        near, normals = ball(eye, directions, pose.tip, WIDTH[shape] * (SMALL, 1.0)[size])
        return near, lit(normals.T)
    placed = OBJECTS[shape, size].placed(pose.tip, pose.frame)
    return placed.seen(eye, directions, lit(placed.normals))

"""The scene of MPI3D: a ring on a dark ground, an arm in its middle, an object on the arm's tip, three cameras.

Lengths in heights of the arm's pillar, z up, the pillar's foot at the origin. The numbers were fitted to the official
animations; nothing of the official files is in here. How a view becomes planes that are composed by index is the matter
of ``arm_planes``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from betavae.datasets.solids import Solid, ball, prism, pyramid

if TYPE_CHECKING:
    from betavae.types import Array

SIDE, RAYS = 64, 4  # pixels of a side; rays per pixel and side
FINE = SIDE * RAYS
FOCAL = 141.1  # pixels
EYES = ((0.206, -5.201, 6.68), (-0.127, -5.755, 5.267), (0.293, -6.86, 4.002))  # cameras top, centre, bottom
DOWN = (0.855, 0.658, 0.421)  # how far they look down, radians
ASIDE = (-0.02, 0.009, -0.021)  # and to the right
STEPS = 40
THICK = 6  # pixels by which joint and link can exceed the line through their ends
ELEVATIONS = -0.0491 + 0.0848 * np.arange(STEPS)  # horizontal_axis: from the viewer over the top to the back
AZIMUTHS = 0.3373 + 0.0778 * np.arange(STEPS)  # vertical_axis: the back of the former turns from left to right
RING, RING_HEIGHT = (2.47, 2.982), -0.153  # inner and outer radius of the ring, and where it lies

GROUND = 52.0  # grey levels, as those that follow
FOOT, HOLE, PILLAR, JOINT, LINK = 190.0, 60.0, 110.0, 215.0, 190.0
FOOT_RADIUS, HOLE_RADIUS, FOOT_HEIGHT = 0.2, 0.12, 0.04
PILLAR_RADIUS, JOINT_RADIUS, LINK_RADIUS = 0.09, 0.08, 0.02
ELBOW = -0.174  # from the pillar's axis to the link, along the joint
REACH = 1.04  # from the elbow to the middle of the object

CONE, CUBE, CYLINDER, HEXAGONAL, PYRAMID, SPHERE = range(6)
SIZES = (0.65, 1.0)  # small, large
ROUND = 24  # faces of what is round
WIDTH, HALF_HEIGHT = 0.25, 0.28  # of a large object
LIGHT = np.array([-0.4, -0.6, 0.7]) / np.linalg.norm([-0.4, -0.6, 0.7])
AMBIENT, DIFFUSE = 0.3, 0.7
Z = np.array([0.0, 0.0, 1.0])


class Camera(NamedTuple):
    """One of the three cameras: where it is, and the frame it looks along."""

    eye: Array
    frame: Array  # [3, 3], rows: right, up, forward

    @staticmethod
    def of(height: int) -> Camera:
        down, aside = DOWN[height], ASIDE[height]
        forward = np.array([np.sin(aside) * np.cos(down), np.cos(aside) * np.cos(down), -np.sin(down)])
        right = np.array([np.cos(aside), -np.sin(aside), 0])
        return Camera(np.array(EYES[height]), np.stack([right, np.cross(right, forward), forward]))

    def rays(self) -> Array:
        """The directions of 4 x 4 rays through every pixel, float32 ``[FINE, FINE, 3]``."""
        place = ((np.arange(FINE) + 0.5) / RAYS - SIDE / 2) / FOCAL
        across, along = np.meshgrid(place, -place)
        directions: Array = np.stack([across, along, np.ones_like(across)], -1) @ self.frame
        return directions.astype(np.float32)

    def pixel(self, points: Array) -> Array:
        """Where points ``[n, 3]`` appear, in pixels: row and column ``[n, 2]``."""
        x, y, depth = self.frame @ (points - self.eye).T
        pixels: Array = SIDE / 2 + FOCAL * np.stack([-y / depth, x / depth], -1)
        return pixels

    def ring(self, directions: Array) -> Array:
        """Which rays ``[*n, 3]`` meet the ring on the ground, bool ``[*n]``."""
        points = self.eye + (RING_HEIGHT - self.eye[2]) / directions[..., 2:] * directions
        radius = np.hypot(points[..., 0], points[..., 1])
        return (radius > RING[0]) & (radius < RING[1])


class Pose(NamedTuple):
    """Where the arm's two axes put its link: the elbow, and the frame of the link."""

    elbow: Array
    frame: Array  # [3, 3], rows: across, joint, along the link

    @staticmethod
    def of(horizontal: int, vertical: int) -> Pose:
        elevation, joint = ELEVATIONS[horizontal], turned(vertical)[1]
        along = np.sin(elevation) * Z - np.cos(elevation) * np.cross(Z, joint)
        return Pose(Z + ELBOW * joint, np.stack([np.cross(joint, along), joint, along]))

    @property
    def middle(self) -> Array:
        """The middle of the object."""
        return self.elbow + REACH * self.frame[2]


def turned(vertical: int) -> Array:
    """The frame that turns with the vertical axis: rows back, joint, up."""
    sin, cos = np.sin(AZIMUTHS[vertical]), np.cos(AZIMUTHS[vertical])
    return np.array([[-cos, sin, 0], [sin, cos, 0], [0, 0, 1]])


def lit(normals: Array) -> Array:
    """The gain of the light on unit normals ``[*n, 3]``."""
    gain: Array = AMBIENT + DIFFUSE * np.maximum(0, normals @ LIGHT.astype(normals.dtype))
    return gain


def standing(vertical: int) -> Iterator[tuple[Solid, float]]:
    """What only the vertical axis turns, with its grey level: foot and pillar."""
    frame = turned(vertical)
    yield prism(ROUND, FOOT_RADIUS, 0, FOOT_HEIGHT), FOOT
    yield prism(ROUND, HOLE_RADIUS, 0, 1.1 * FOOT_HEIGHT), HOLE
    yield prism(8, 0.05, 0, 2 * FOOT_HEIGHT).placed(-0.14 * frame[0], frame), FOOT
    yield prism(ROUND, PILLAR_RADIUS, 0, 1.03), PILLAR


def moving(pose: Pose) -> Iterator[tuple[Solid, float]]:
    """What both axes move, with its grey level: joint and link."""
    across, joint, along = pose.frame
    sideways = np.stack([along, across, joint])
    yield prism(12, JOINT_RADIUS, ELBOW - 0.05, 0.05).placed(Z, sideways), JOINT
    yield prism(8, 0.06, -0.05, 0.15).placed(pose.elbow, pose.frame), JOINT
    yield prism(8, LINK_RADIUS, 0, REACH).placed(pose.elbow, pose.frame), LINK


def _object(shape: int, size: float) -> Solid:
    width, half = WIDTH * size, HALF_HEIGHT * size
    if shape == CUBE:
        return prism(4, width, -width, width)
    if shape in (CONE, PYRAMID):
        return pyramid(ROUND if shape == CONE else 4, width, -half, half)
    return prism(ROUND if shape == CYLINDER else 6, width, -half, half)


OBJECTS = {(shape, size): _object(shape, SIZES[size]) for shape in range(SPHERE) for size in range(2)}


def seen(shape: int, size: int, pose: Pose, eye: Array, directions: Array) -> tuple[Array, Array]:
    """How near rays ``[n, 3]`` meet the object on the tip, and the gain of the light there: ``[n]`` each."""
    if shape == SPHERE:
        nearness, normals = ball(eye, directions, pose.middle, WIDTH * SIZES[size])
        return nearness, lit(normals)
    solid = OBJECTS[shape, size].placed(pose.middle, pose.frame)
    nearness, face = solid.nearness(eye, directions)
    return nearness, lit(solid.normals).astype(np.float32)[face]

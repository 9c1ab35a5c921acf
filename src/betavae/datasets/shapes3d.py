"""3D Shapes: 480,000 images of a room and an object, from the official file or drawn from a scene fitted to its frames.

The drawn grid is kept as 480 geometries of 19 planes each (see ``room_planes``), 75 MB; an image is a sum of four
planes per channel, gathered by index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from betavae.datasets import cards
from betavae.datasets.base import Dataset
from betavae.datasets.drawn import room, room_planes
from betavae.datasets.drawn.room_planes import COVER, FLOOR, OBJECT, SIDE, WALL
from betavae.datasets.files import cache, full_grid
from betavae.datasets.files.catalogue import CATALOGUE
from betavae.datasets.files.formats import h5_rows
from betavae.datasets.files.full_grid import FullGrid
from betavae.datasets.files.manifests import Spec
from betavae.errors import Misuse
from betavae.factors import Factors

if TYPE_CHECKING:
    from betavae.types import Array

FACTORS = Factors(*zip(*cards.SHAPES3D, strict=True))
GEOMETRIES = 8 * 4 * 15
RECIPE, VERSION = "shapes3d-drawn", 1
DRAWN = "c5b15f70d93574aa3f3d166fd62043fc8eb7e87a67cc0795b2a5236f429fc93b"
"""The sha256 of the array as it is drawn, on every processor."""

_STORED = COVER + 3  # the sky's cover is kept in its three colours
_GREY = 64  # steps per grey level
PART = 128
"""Images that a CPU composes at a time: more would leave its cache."""
_k = np.arange(10)
HUES = np.clip(np.stack([abs(3 * _k - 15) - 5, 10 - abs(3 * _k - 10), 10 - abs(3 * _k - 20)], -1), 0, 5)
"""Level 0 to 5 of red, green and blue for each of the ten hues of the wheel, fully saturated: ``[10, 3]``."""


def load(
    name: str,
    *,
    source: str | None = None,
    root: str | Path | None = None,
    device: str | torch.device = "cpu",
) -> Dataset:
    """ "shapes3d-drawn", its planes in the memory of ``device`` (75 MB), or "shapes3d" from its official file.

    ``source`` of the first is None or "drawn"; of the second None, "official" or the path of the file. Raises Misuse
    for another source, Fault for a file that is missing or is not the one published.
    """
    if name in OFFICIAL:
        return full_grid.load(OFFICIAL, name, source, root, device)
    if source not in (None, "drawn"):
        raise Misuse(
            f"{name} is drawn here and has no source {source!r}; the official images are the dataset 'shapes3d'"
        )
    grid = dict(zip(*FACTORS, strict=True))
    spec = Spec((GEOMETRIES * _STORED + 1, SIDE * SIDE), "i2", RECIPE, VERSION, grid, DRAWN)
    planes = torch.from_numpy(np.array(cache.ready(name, spec, draw, root))).to(device)
    return Dataset(
        name=name,
        shape=(3, SIDE, SIDE),
        size=FACTORS.size,
        factors=FACTORS,
        source="drawn",
        digest=cache.content(name, spec, root),
        renderer=composed(planes),
        device=torch.device(device),
    )


def official_rows(path: Path, factors: Factors) -> Iterator[Array]:
    """The images of ``3dshapes.h5``. Raises Fault where the file holds anything else."""
    return h5_rows(path, "images", (factors.size, SIDE, SIDE, 3), beside=("labels",))


OFFICIAL = {"shapes3d": FullGrid(CATALOGUE["shapes3d"], FACTORS, official_rows)}


def draw(out: Array) -> None:
    """Fill ``out`` (int16 ``[480 * 19 + 1, 4096]``, 1/64 grey level) with all planes; the last one is black."""
    rows = out[:-1].reshape(GEOMETRIES, _STORED, -1)
    for geometry, planes in room_planes.planes():
        flat = 255 * _GREY * planes.reshape(len(planes), -1)
        rows[geometry, :COVER] = np.rint(flat[:COVER])
        rows[geometry, COVER:] = (
            np.rint(room.SKY[:, None] * flat[COVER]) + _GREY // 2
        )  # half a level: what is cut is rounded
    out[-1] = 0


def composed(planes: Tensor) -> Callable[[Tensor], Tensor]:
    """The renderer of planes: indices ``[n]`` to float32 ``[n, 3, 64, 64]`` of whole grey levels."""
    black = len(planes) - 1
    hues = torch.from_numpy(HUES).to(planes.device)
    floor, wall, front = hues + FLOOR - 1, hues + WALL - 1, hues + OBJECT
    floor[hues == 0] = wall[hues == 0] = black  # black at any geometry: rows beyond the last are cut to it
    sky = COVER + torch.arange(3, device=planes.device)

    def render(index: Tensor) -> Tensor:
        images = torch.empty(len(index) * 3, SIDE * SIDE, device=planes.device)
        part = PART if planes.device.type == "cpu" else max(1, len(index))
        for few, out in zip(index.split(part), images.split(3 * part), strict=True):
            compose(few, out)
        return images.view(-1, 3, SIDE, SIDE)

    def compose(index: Tensor, out: Tensor) -> None:
        first = (index % GEOMETRIES * _STORED)[:, None]
        colours = index // GEOMETRIES

        def share(rows: Tensor) -> Tensor:
            return planes.index_select(0, (first + rows).clamp_(max=black).reshape(-1))

        grey = share(floor[colours // 100])
        grey += share(wall[colours // 10 % 10])
        grey += share(front[colours % 10])
        grey += share(sky.expand(len(index), 3))
        grey = grey.clamp_(0, 255 * _GREY + _GREY // 2).bitwise_right_shift_(6)
        torch.mul(grey, 1 / 255, out=out)

    return render

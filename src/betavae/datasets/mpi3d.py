"""MPI3D: 1,036,800 images of an arm and an object, from an official file or drawn from a scene fitted to animations.

The drawn grid is kept as 4,800 scenes (camera and two axes) and 57,600 patches of 22 x 22 pixels, one for each scene,
shape and size (see ``arm_planes``), 123 MB; an image is a sum of three planes, coloured by index.
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
from betavae.datasets.drawn import arm_planes
from betavae.datasets.drawn.arm import SIDE
from betavae.datasets.drawn.arm_planes import OBJECTS, PATCH, SCENES
from betavae.datasets.files import cache, full_grid
from betavae.datasets.files.catalogue import CATALOGUE
from betavae.datasets.files.formats import npz_declared, npz_rows
from betavae.datasets.files.full_grid import FullGrid
from betavae.datasets.files.manifests import Spec
from betavae.errors import Fault, Misuse
from betavae.factors import Factors

if TYPE_CHECKING:
    from betavae.types import Array

FACTORS = Factors(*zip(*cards.MPI3D, strict=True))
CHALLENGE = 460_800
"""Images of the file handed out for the 2019 challenge, a 4·4·2·3·3·40·40 grid."""
RECIPE, VERSION = "mpi3d-drawn", 4
DRAWN = "f9492ed6e94b3aa95d8a865c8f49300e2b924c50bbc2975016ecbf5b7ed11603"
"""The sha256 of the array as it is drawn, on every processor."""
COLOURS = np.array([[253, 253, 253], [45, 172, 45], [240, 4, 4], [47, 120, 234], [89, 54, 42], [133, 132, 57]])
"""White, green, red, blue, brown, olive: an object's grey levels where the light is full, ``[6, 3]``."""
RINGS = np.array([[101, 75, 143], [70, 95, 92], [107, 76, 85]])
"""Purple, sea green, salmon: the ring's grey levels, ``[3, 3]``."""

PART = 128  # images composed at a time on a CPU, so that what is between stays in its cache
_POSES = 40 * 40
_CAMERA = 3 * _POSES  # how far apart in the grid: cameras,
_OBJECT = 3 * _CAMERA  # sizes, and with them shapes,
_COLOUR = OBJECTS * _OBJECT  # and colours of the object
_WHOLE, _PATCHES = 2 * SIDE * SIDE, OBJECTS * 3 * PATCH * PATCH
ROW = _WHOLE + _PATCHES + 2  # bytes that are kept of a scene


def load(
    name: str,
    *,
    source: str | None = None,
    root: str | Path | None = None,
    device: str | torch.device = "cpu",
) -> Dataset:
    """ "mpi3d-drawn", its planes in the memory of ``device`` (123 MB), or an MPI3D from its official file.

    ``source`` of the first is None or "drawn"; of the others None, "official" or the path of the file. Raises Misuse
    for another source, Fault for a file that is missing or is not the one published.
    """
    if name in OFFICIAL:
        return full_grid.load(OFFICIAL, name, source, root, device)
    if source not in (None, "drawn"):
        raise Misuse(
            f"{name} is drawn here and has no source {source!r}; the official images are the dataset 'mpi3d-toy'"
        )
    grid = dict(zip(*FACTORS, strict=True))
    spec = Spec((SCENES, ROW), "u1", RECIPE, VERSION, grid, DRAWN)
    scenes = cache.ready(name, spec, draw, root)  # before its digest, which is of what is there then
    return Dataset(
        name=name,
        shape=(3, SIDE, SIDE),
        size=FACTORS.size,
        factors=FACTORS,
        source="drawn",
        digest=cache.content(name, spec, root),
        renderer=composed(scenes, torch.device(device)),
        device=torch.device(device),
    )


def official_rows(path: Path, factors: Factors) -> Iterator[Array]:
    """The images of an MPI3D ``.npz``. Raises Fault where the file holds anything else, as the challenge's does."""
    count = npz_declared(path, "images.npy").shape[:1]
    if count == (CHALLENGE,) and factors.size != CHALLENGE:
        raise Fault(
            f"{path} has {CHALLENGE:,} images: it is the 2019 challenge's file, with 4 of 6 colours and of 6 shapes; "
            f"wanted is the full file of {factors.size:,} images"
        )
    return npz_rows(path, "images.npy", (factors.size, SIDE, SIDE, 3))


OFFICIAL = {
    name: FullGrid(CATALOGUE[name], FACTORS, official_rows) for name in ("mpi3d-toy", "mpi3d-realistic", "mpi3d-real")
}


def draw(out: Array) -> None:
    """Fill ``out`` (uint8 ``[4800, 25618]``): per scene its two planes, its twelve patches, and where these begin."""
    for number, scene in arm_planes.scenes():
        out[number, :_WHOLE] = scene.whole.reshape(-1)
        out[number, _WHOLE:-2] = scene.patches.reshape(-1)
        out[number, -2:] = scene.corner


def composed(scenes: Array, device: torch.device) -> Callable[[Tensor], Tensor]:
    """The renderer of scenes: indices ``[n]`` to float32 ``[n, 3, 64, 64]`` of whole grey levels."""

    def kept(part: Array, dtype: torch.dtype = torch.uint8) -> Tensor:
        return torch.from_numpy(np.array(part)).to(device, dtype)

    whole = kept(scenes[:, :_WHOLE]).view(SCENES, 2, SIDE * SIDE)
    patches = kept(scenes[:, _WHOLE:-2]).view(SCENES * OBJECTS, 3, PATCH * PATCH)
    begin = kept(scenes[:, -2] * np.int64(SIDE) + scenes[:, -1], torch.int64)
    inside = torch.arange(PATCH, device=device)
    inside = (SIDE * inside[:, None] + inside).reshape(-1)
    colours, rings = (kept(table / 255, torch.float32)[:, :, None] for table in (COLOURS, RINGS))

    def render(index: Tensor) -> Tensor:
        images = torch.empty(len(index), 3, SIDE * SIDE, device=device)
        part = PART if device.type == "cpu" else max(1, len(index))
        for few, out in zip(index.split(part), images.split(part), strict=True):
            compose(few, out)
        return images.view(-1, 3, SIDE, SIDE)

    def compose(index: Tensor, out: Tensor) -> None:
        scene = index // _CAMERA % 3 * _POSES + index % _POSES
        around = rings[index // _POSES % 3]
        grey, band = whole[scene].float().unsqueeze(2).unbind(1)
        torch.addcmul(grey, band, around, out=out)
        grey, band, front = patches[scene * OBJECTS + index // _OBJECT % OBJECTS].float().unsqueeze(2).unbind(1)
        patch = torch.addcmul(torch.addcmul(grey, band, around), front, colours[index // _COLOUR]).clamp_(max=255)
        cells = (begin[scene][:, None] + inside)[:, None].expand(-1, 3, -1)
        out.scatter_(2, cells, patch).round_().mul_(1 / 255)

    return render

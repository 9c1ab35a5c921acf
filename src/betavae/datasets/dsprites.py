"""dSprites, the paper's 2Dshapes: 737,280 black-and-white sprites, drawn here or read from the official file.

The drawing is exact integer work: the corners of an outline are snapped to 1/256 pixel, and a pixel is on where its
centre lies inside. It gives all 320 frames of the official animation bit for bit; the official file itself was not
compared (`betavae data compare dsprites PATH` does). Either way the images are kept as bits, 512 bytes each, and
unpacked by index.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from betavae.datasets import dsprites_file
from betavae.datasets.base import Dataset
from betavae.datasets.files import cache
from betavae.datasets.files.manifests import Spec
from betavae.factors import Factors

if TYPE_CHECKING:
    from betavae.types import Array

FACTORS = Factors(("shape", "scale", "orientation", "posX", "posY"), (3, 6, 40, 32, 32))
SIDE = 64
RECIPE, VERSION = "dsprites-drawn", 1

_SNAP = 256  # steps per pixel to which corners are snapped
_RADIUS = 0.15 * SIDE
_SCALE = np.linspace(0.5, 1, 6)
_ANGLE = np.linspace(0, 2 * np.pi, 40)
_CENTRE = 16 + 32 * np.linspace(0, 1, 32)


def load(
    name: str,
    *,
    source: str | None = None,
    root: str | Path | None = None,
    device: str | torch.device = "cpu",
) -> Dataset:
    """dSprites with its bits memory-mapped, or on ``device`` where that is not the CPU (377 MB).

    ``source`` is None or "drawn", "official" (a file in ``raw/`` of the data folder), or the path of an official file.
    Raises Misuse for another source, Fault for a file that is missing or is not the published one.
    """
    if source in (None, "drawn"):
        spec = Spec((FACTORS.size, SIDE * SIDE // 8), "u1", RECIPE, VERSION, dict(zip(*FACTORS, strict=True)))
        packed = cache.ready(name, spec, draw, root)
        origin, digest = "drawn", hashlib.sha256(f"{RECIPE} {VERSION}".encode()).hexdigest()
    else:
        file = dsprites_file.found(str(source), root)
        packed = dsprites_file.adopted(file, FACTORS, root)
        origin, digest = "official", file.sha256
    return Dataset(
        name=name,
        shape=(1, SIDE, SIDE),
        size=FACTORS.size,
        factors=FACTORS,
        source=origin,
        digest=digest,
        renderer=unpacked(packed, torch.device(device)),
        device=torch.device(device),
    )


def unpacked(packed: Array, device: torch.device) -> Callable[[Tensor], Tensor]:
    """The renderer of packed bits ``[N, 512]``: indices ``[n]`` to float32 ``[n, 1, 64, 64]``."""
    octets = np.arange(256, dtype=np.uint8)[:, None]
    pixels = torch.from_numpy(np.unpackbits(octets, axis=1)).float().to(device)  # [256, 8]
    packed = np.asarray(packed)  # a plain view, quicker to index than a memmap

    if device.type == "cpu":

        def rows(index: Tensor) -> Tensor:
            return torch.from_numpy(packed[index.numpy()])
    else:
        resident = torch.from_numpy(np.array(packed)).to(device)

        def rows(index: Tensor) -> Tensor:
            return resident[index]

    def render(index: Tensor) -> Tensor:
        return pixels.index_select(0, rows(index).reshape(-1).int()).view(len(index), 1, SIDE, SIDE)

    return render


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


def compare(
    official: Dataset, drawn: Dataset, chunk: int = 512, progress: Callable[[int, int], None] | None = None
) -> int:
    """The number of images in which two datasets of one grid differ; ``progress(done, total)`` is called per chunk."""
    if official.size != drawn.size or official.shape != drawn.shape:
        raise ValueError(f"{official.size} images of {official.shape} beside {drawn.size} of {drawn.shape}")
    different = 0
    for begin in range(0, drawn.size, chunk):
        index = torch.arange(begin, min(begin + chunk, drawn.size))
        unlike = official.render(index).cpu() != drawn.render(index).cpu()
        different += int(unlike.flatten(1).any(1).sum())
        if progress is not None:
            progress(int(index[-1]) + 1, drawn.size)
    return different

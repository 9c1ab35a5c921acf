"""Official frames whose factor values are known, to hold drawn worlds against."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from betavae.datasets.base import Dataset

if TYPE_CHECKING:
    from betavae.types import Array

SIDE, TURN = 64, 20  # pixels of a tile's side; frames of an animation
TILES = ((6, 10), (6, 84), (6, 158), (6, 232), (80, 10), (80, 84), (80, 158))
"""Row and column of the seven tiles of an animation of MPI3D, one for each factor."""

STARTS = {1: (3, 4, 1, 1, 1, 22, 21), 2: (2, 2, 0, 0, 0, 39, 27)}
"""Values that an animation begins with and holds: colour, shape, size, height and ring are plain to see, the two axes
are those that meet all 80 frames of their sweeps best."""


class Known(NamedTuple):
    """Official frames of one kind."""

    kind: str
    frames: Array  # uint8 [n, 64, 64, 3]
    values: Array  # int64 [n, factors]

    def error(self, dataset: Dataset) -> Array:
        """The mean absolute error of each frame, in grey levels of 255: ``[n]``."""
        import torch

        assert dataset.factors is not None
        images = 255 * dataset.render(dataset.factors.index(torch.from_numpy(self.values)))
        drawn = images.cpu().permute(0, 2, 3, 1).numpy()
        errors: Array = np.abs(drawn - self.frames).mean((1, 2, 3))
        return errors


def shapes3d(file: Path) -> Iterator[Known]:
    """The frames of 3D Shapes: lossless ones of a notebook, and those of a gif with its palette."""
    with np.load(file, allow_pickle=False) as arrays:
        frames, values, source = arrays["frames"], arrays["factors"].astype(np.int64), arrays["source"]
    for kind in ("notebook", "gif"):
        yield Known(kind, frames[source == kind], values[source == kind])


def mpi3d(file: Path, animation: int, factors: dict[str, int]) -> Iterator[Known]:
    """The tiles of one animation of MPI3D: each sweeps its factor forth and back while the others hold."""
    with np.load(file, allow_pickle=False) as arrays:
        frames = arrays["frames"]
    for k, ((row, column), (name, size)) in enumerate(zip(TILES, factors.items(), strict=True)):
        values = np.tile(np.array(STARTS[animation]), (len(frames), 1))
        values[:, k] = swept(STARTS[animation][k], size)
        yield Known(name, frames[:, row : row + SIDE, column : column + SIDE], values)


def swept(start: int, size: int) -> Array:
    """The values of a sweep's 20 frames: up from ``start``, down from the last value, and up from the first."""
    steps = -(-2 * size * np.arange(TURN) // TURN)
    place = (start + steps) % (2 * size)
    values: Array = np.where(place < size, place, 2 * size - 1 - place)
    return values

"""3D Shapes and MPI3D from their official files, each converted once to a memory-mapped uint8 array.

Labels are never read: image i shows the i-th combination of the factor grid, last factor fastest, as published.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch

from betavae.datasets import cards
from betavae.datasets.base import Dataset
from betavae.datasets.files import cache
from betavae.datasets.files.catalogue import CATALOGUE, Entry
from betavae.datasets.files.formats import h5_rows, npz_declared, npz_rows
from betavae.datasets.files.manifests import Spec
from betavae.datasets.files.official import Origin, confirmed, origin
from betavae.datasets.rendering import stored
from betavae.errors import Fault, Misuse, choose
from betavae.factors import Factors

if TYPE_CHECKING:
    from betavae.types import Array

VERSION = 1  # of the converters: raise it when the arrays they write change
SIDE = 64
CHALLENGE = 460_800  # images of the file handed out for the 2019 challenge, a 4·4·2·3·3·40·40 grid

Rows = Callable[[Path, Factors], Iterator["Array"]]  # blocks [n, H, W, C] uint8, in grid order


def shapes3d_rows(path: Path, factors: Factors) -> Iterator[Array]:
    """The images of ``3dshapes.h5``. Raises Fault where the file holds anything else."""
    return h5_rows(path, "images", (factors.size, SIDE, SIDE, 3), beside=("labels",))


def mpi3d_rows(path: Path, factors: Factors) -> Iterator[Array]:
    """The images of an MPI3D ``.npz``. Raises Fault where the file holds anything else, as the challenge's does."""
    count = npz_declared(path, "images.npy").shape[:1]
    if count == (CHALLENGE,) and factors.size != CHALLENGE:
        raise Fault(
            f"{path} has {CHALLENGE:,} images: it is the 2019 challenge's file, with 4 of 6 colours and of 6 shapes; "
            f"wanted is the full file of {factors.size:,} images"
        )
    return npz_rows(path, "images.npy", (factors.size, SIDE, SIDE, 3))


class Kind(NamedTuple):
    """An official full-grid dataset: its file, its grid, and how its images are read."""

    entry: Entry
    factors: Factors
    rows: Rows


SHAPES3D = Factors(*zip(*cards.SHAPES3D, strict=True))
MPI3D = Factors(*zip(*cards.MPI3D, strict=True))
KINDS: dict[str, Kind] = {
    "shapes3d": Kind(CATALOGUE["shapes3d"], SHAPES3D, shapes3d_rows),
    "mpi3d-toy": Kind(CATALOGUE["mpi3d-toy"], MPI3D, mpi3d_rows),
    "mpi3d-realistic": Kind(CATALOGUE["mpi3d-realistic"], MPI3D, mpi3d_rows),
    "mpi3d-real": Kind(CATALOGUE["mpi3d-real"], MPI3D, mpi3d_rows),
}


def load(
    name: str,
    *,
    source: str | None = None,
    root: str | Path | None = None,
    device: str | torch.device = "cpu",
) -> Dataset:
    """An official full-grid dataset; ``source`` is "official" (the file in ``raw/``) or the path of the file.

    Raises Misuse for another source, Fault where the file is missing or is not the one published.
    """
    kind = choose(KINDS, name, "dataset")
    if source == "drawn":
        raise Misuse(f"{name} is read from its official file and is not drawn" + _instead(kind.entry))
    return grid(kind, origin(kind.entry, source, root), root, torch.device(device))


def grid(kind: Kind, found: Origin, root: str | Path | None, device: torch.device) -> Dataset:
    """``load`` for any kind: converted into ``ready/`` where it is not yet."""
    entry, factors, rows = kind

    def build(out: Array) -> None:
        start = 0
        for block in rows(confirmed(found), factors):
            out[start : start + len(block)] = block.transpose(0, 3, 1, 2)
            start += len(block)

    sizes = dict(zip(factors.names, factors.sizes, strict=True))
    spec = Spec((factors.size, 3, SIDE, SIDE), "uint8", found.sha256, VERSION, sizes)
    images = cache.ready(entry.name, spec, build, root)
    return Dataset(
        name=entry.name,
        shape=(3, SIDE, SIDE),
        size=factors.size,
        factors=factors,
        source="official",
        digest=found.sha256,
        renderer=stored(images, device),
        device=device,
    )


def _instead(entry: Entry) -> str:
    return f"; {entry.stand_in} is drawn from the same grid" if entry.stand_in else ""

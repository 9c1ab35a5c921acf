"""Official datasets made small: six images of a grid, or six photographs, of a file as if it were the published one."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import torch
from hostile import BATCHES, COUNT

from betavae.datasets import cifar, mpi3d, shapes3d
from betavae.datasets.base import Dataset
from betavae.datasets.files import full_grid
from betavae.datasets.files.catalogue import CATALOGUE, Entry
from betavae.datasets.files.official import origin
from betavae.factors import Factors

GRID = Factors(("colour", "place"), (2, 3))
OFFICIAL = {**shapes3d.OFFICIAL, **mpi3d.OFFICIAL}
SMALL = cifar.Binary(
    (cifar.Batch("batches/train.bin", 0, BATCHES["batches/train.bin"]), cifar.Batch("batches/test.bin", 4, 2)), (10,)
)


def entry_of(name: str, path: Path) -> Entry:
    """The catalogue's entry, as if this file were the one published."""
    content = path.read_bytes()
    return replace(CATALOGUE[name], size=len(content), published={"sha256": hashlib.sha256(content).hexdigest()})


def grid(name: str, path: Path, root: Path) -> Dataset:
    """A file of a full grid, read as the dataset of this name."""
    kind = OFFICIAL[name]._replace(entry=entry_of(name, path), factors=GRID)
    return full_grid.grid(kind, origin(kind.entry, str(path), root), root, torch.device("cpu"))


def photographs(name: str, path: Path, root: Path, as_name: str | None = None) -> Dataset:
    """A file of photographs, read as the dataset of this name."""
    read = cifar.Copies(train=4).read if name == "cifar10-jpeg" else SMALL.read
    kind = cifar.KINDS[name]._replace(entry=entry_of(name, path), read=read, size=COUNT, train=4)
    return cifar.photographs(as_name or name, kind, origin(kind.entry, str(path), root), root, torch.device("cpu"))

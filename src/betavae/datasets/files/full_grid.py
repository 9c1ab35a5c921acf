"""An official file that holds a full grid of factors, converted once to a memory-mapped uint8 array.

Labels are never read: image i shows the i-th combination of the factor grid, last factor fastest, as published.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch

from betavae.datasets.base import Dataset
from betavae.datasets.files import cache
from betavae.datasets.files.catalogue import Entry
from betavae.datasets.files.manifests import Spec
from betavae.datasets.files.official import Origin, confirmed, origin
from betavae.datasets.rendering import stored
from betavae.errors import Misuse, choose
from betavae.factors import Factors

if TYPE_CHECKING:
    from betavae.types import Array

VERSION = 1  # of the converters: raise it when the arrays they write change
SIDE = 64

Rows = Callable[[Path, Factors], Iterator["Array"]]  # blocks [n, H, W, C] uint8, in grid order


class FullGrid(NamedTuple):
    """An official full-grid dataset: its file, its grid, and how its images are read."""

    entry: Entry
    factors: Factors
    rows: Rows


def load(
    kinds: Mapping[str, FullGrid], name: str, source: str | None, root: str | Path | None, device: str | torch.device
) -> Dataset:
    """One of ``kinds`` by name; ``source`` is None, "official" (the file in ``raw/``) or the path of the file.

    Raises Misuse for another source, Fault where the file is missing or is not the one published.
    """
    kind = choose(kinds, name, "dataset")
    if source == "drawn":
        instead = f"; {kind.entry.stand_in} is drawn from the same grid" if kind.entry.stand_in else ""
        raise Misuse(f"{name} is read from its official file and is not drawn{instead}")
    return grid(kind, origin(kind.entry, source, root), root, torch.device(device))


def grid(kind: FullGrid, found: Origin, root: str | Path | None, device: torch.device) -> Dataset:
    """The dataset of a file that was found: converted into ``ready/`` where it is not yet."""
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

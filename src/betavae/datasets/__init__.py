"""The datasets by name. A module of this table has ``load(name, *, source, root, device)`` and ``CARDS``."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from betavae.errors import choose

if TYPE_CHECKING:  # naming a dataset needs no torch; loading it does
    import torch

    from betavae.datasets.base import Card, Dataset

DATASETS: dict[str, str] = {
    "dsprites": "betavae.datasets.dsprites",
    "shapes3d-drawn": "betavae.datasets.shapes3d",
    "mpi3d-drawn": "betavae.datasets.mpi3d",
    "shapes3d": "betavae.datasets.official",
    "mpi3d-toy": "betavae.datasets.official",
    "mpi3d-realistic": "betavae.datasets.official",
    "mpi3d-real": "betavae.datasets.official",
    "cifar10": "betavae.datasets.cifar",
    "cifar100": "betavae.datasets.cifar",
    "cifar10-jpeg": "betavae.datasets.cifar",
    "cifar10-64": "betavae.datasets.cifar",
    "cifar100-64": "betavae.datasets.cifar",
    "cifar10-jpeg-64": "betavae.datasets.cifar",
}

_SHAPES3D = ((3, 64, 64), (10, 10, 10, 8, 4, 15))
_MPI3D = ((3, 64, 64), (6, 6, 2, 3, 3, 40, 40))
_CIFAR = ((3, 32, 32), (60_000,))
_CIFAR_64 = ((3, 64, 64), (60_000,))
OUTLINES: dict[str, tuple[tuple[int, int, int], tuple[int, ...]]] = {
    "dsprites": ((1, 64, 64), (3, 6, 40, 32, 32)),
    "shapes3d-drawn": _SHAPES3D,
    "mpi3d-drawn": _MPI3D,
    "shapes3d": _SHAPES3D,
    "mpi3d-toy": _MPI3D,
    "mpi3d-realistic": _MPI3D,
    "mpi3d-real": _MPI3D,
    "cifar10": _CIFAR,
    "cifar100": _CIFAR,
    "cifar10-jpeg": _CIFAR,
    "cifar10-64": _CIFAR_64,
    "cifar100-64": _CIFAR_64,
    "cifar10-jpeg-64": _CIFAR_64,
}
"""Image shape and grid of each dataset, known without loading it: what a cost is reckoned from."""

DRAWN = {"shapes3d": "shapes3d-drawn", "mpi3d-toy": "mpi3d-drawn"}  # what source="drawn" gives for these


def load(
    name: str, *, source: str | None = None, root: str | Path | None = None, device: str | torch.device = "cpu"
) -> Dataset:
    """The dataset of this name, its images on ``device`` where they fit.

    ``source`` is "official", "drawn", a path to an official file, or None for the dataset's usual one; ``root`` is the
    data folder. Raises Misuse for an unknown name or source, Fault for a file that is missing or cannot be trusted.
    """
    if source == "drawn":
        name = DRAWN.get(name, name)
    dataset: Dataset = _module(name).load(name, source=source, root=root, device=device)
    return dataset


def card(name: str) -> Card:
    """What a person must know of this dataset. Raises Misuse for an unknown name."""
    cards: dict[str, Card] = _module(name).CARDS
    return choose(cards, name, "dataset")


def _module(name: str) -> Any:
    return importlib.import_module(choose(DATASETS, name, "dataset"))

"""The datasets by name: functions ``load(name, *, source, root, device)``; ``cards`` has the cards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from betavae.datasets.cards import CARDS, Card
from betavae.errors import Fault, Misuse, choose, shown, unknown
from betavae.names import foreign, opened

if TYPE_CHECKING:  # naming a dataset needs no torch; loading it does
    import torch

    from betavae.datasets.base import Dataset

DATASETS: dict[str, str] = {
    "dsprites": "betavae.datasets.dsprites:load",
    "shapes3d-drawn": "betavae.datasets.shapes3d:load",
    "mpi3d-drawn": "betavae.datasets.mpi3d:load@2",
    "shapes3d": "betavae.datasets.shapes3d:load",
    "mpi3d-toy": "betavae.datasets.mpi3d:load",
    "mpi3d-realistic": "betavae.datasets.mpi3d:load",
    "mpi3d-real": "betavae.datasets.mpi3d:load",
    "cifar10": "betavae.datasets.cifar:load",
    "cifar100": "betavae.datasets.cifar:load",
    "cifar10-jpeg": "betavae.datasets.cifar:load",
    "cifar10-64": "betavae.datasets.cifar:load",
    "cifar100-64": "betavae.datasets.cifar:load",
    "cifar10-jpeg-64": "betavae.datasets.cifar:load",
}

OUTLINES: dict[str, tuple[tuple[int, int, int], tuple[int, ...]]] = {
    name: (card.shape, card.sizes) for name, card in CARDS.items()
}
"""Image shape and grid of each dataset, known without loading it: what a cost is reckoned from."""

DRAWN = {"shapes3d": "shapes3d-drawn", "mpi3d-toy": "mpi3d-drawn"}  # what source="drawn" gives for these


def load(
    name: str, *, source: str | None = None, root: str | Path | None = None, device: str | torch.device = "cpu"
) -> Dataset:
    """The dataset of this name, its images on ``device`` where they fit.

    ``source`` is "official", "drawn", a path to an official file, or None for the dataset's usual one; ``root`` is the
    data folder. Raises Misuse for an unknown name, source or device, Fault for a file that is missing or cannot be
    trusted.
    """
    if not isinstance(name, str):
        raise unknown("dataset", name, DATASETS)
    for what, given in (("source", source), ("root", root)):
        if given is not None and (not isinstance(given, str | Path) or "\0" in str(given)):
            raise Misuse(f"{what} is {shown(given)}; wanted a path{' or a word' if what == 'source' else ''}")
    if source == "drawn":
        name = DRAWN.get(name, name)
    from betavae.datasets.rendering import placed

    if foreign(name):
        from betavae.datasets import outside

        return outside.load(name, placed(device))
    loader = opened(DATASETS, name, "dataset")
    try:
        dataset: Dataset = loader(name, source=source, root=root, device=placed(device))
    except OSError as error:  # a path that cannot be: too long, a loop of links, in a folder that may not be read
        raise Fault(f"{name} cannot be loaded: {error.strerror or error}: {shown(error.filename)}") from error
    return dataset


def absent(name: str) -> Fault | None:
    """Why a dataset's official file is not here, and which command gets it; None where it is, or none is needed."""
    if name not in CARDS or CARDS[name].source == "drawn":
        return None
    from betavae.datasets.files import fetch, official
    from betavae.datasets.files.catalogue import CATALOGUE

    entry = CATALOGUE[name.removesuffix("-64")]
    return official.missing(entry) if fetch.row(entry, None).state == "absent" else None


def unloaded(name: str) -> Dataset | None:
    """What is known of a dataset before its files are opened: all but its images, which it has none of. A stranger's,
    whom the user trusts, is made to know; None for a name without a card.
    """
    from dataclasses import replace

    from betavae.datasets.base import Dataset, Unrendered
    from betavae.factors import Factors

    def rendered(index: torch.Tensor) -> torch.Tensor:
        raise Unrendered

    if foreign(name):
        return replace(load(name), renderer=rendered)
    if name not in CARDS:
        return None
    card = CARDS[name]
    factors = Factors(tuple(n for n, _ in card.factors), tuple(s for _, s in card.factors)) if card.factors else None
    splits = {"train": (0, card.train), "test": (card.train, card.images)} if card.train else {}
    return Dataset(name, card.shape, card.images, factors, card.source, "", rendered, splits=splits)


def outline(name: str) -> tuple[tuple[int, int, int], tuple[int, ...]]:
    """Image shape and grid of a dataset: the card's; a stranger's, whom the user trusts, is made to know. Raises Misuse
    for an unknown name.
    """
    if foreign(name):
        made = load(name)
        return made.shape, made.factors.sizes if made.factors else (made.size,)
    return choose(OUTLINES, name, "dataset")


def card(name: str) -> Card:
    """What a person must know of this dataset. Raises Misuse for an unknown name."""
    return choose(CARDS, name, "dataset")

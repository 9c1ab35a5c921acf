"""Which images the field's metrics look at, and what is known of them: a full grid's factors, or a table of labels."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from betavae.datasets.base import Dataset
from betavae.errors import Misuse, notice
from betavae.factors import Factors
from betavae.metrics.base import Draw
from betavae.metrics.costs import FIT as FIT
from betavae.metrics.costs import TEST as TEST

CUT = 20
"""Equal-width classes that a label of real numbers is cut into, where hardly two images share its value."""
SHARED = 5
"""A label is cut where its different values are more than the images over this number."""


def drawn(seed: int, dataset: Dataset, images: int | None, test: int, labelled: bool) -> Draw:
    """The images that a question of this seed looks at: the first of one permutation, so that fewer are part of more.

    ``images`` None: the whole of a full grid, else 10,000. ``test`` more images are kept to test on. ``labelled``:
    their classes are the answer, ``[N, K]``; Misuse where the dataset has none. The same for the same arguments.
    """
    if labelled and dataset.factors is None and dataset.labels is None:
        raise Misuse(f"{dataset.name} has neither a grid of factors nor labels; this metric holds codes against them")
    if images is None and dataset.factors is None:
        images = FIT
    if images is None and not test:
        seed = 0  # all of them, whatever the seed: one draw, and so one table, for every question
    if not labelled:
        return _drawn(seed, dataset.size, images, test, None, None, (), ())
    if dataset.factors is not None:
        return _drawn(seed, dataset.size, images, test, dataset.factors, None, dataset.factors.names, ())
    return _drawn(seed, dataset.size, images, test, None, dataset.labels, dataset.label_names, dataset.label_values)


@lru_cache(maxsize=8)
def _drawn(
    seed: int,
    size: int,
    images: int | None,
    test: int,
    factors: Factors | None,
    labels: Tensor | None,
    names: tuple[str, ...],
    meanings: tuple[tuple[Any, ...], ...],
) -> Draw:
    if images is None and not test:
        index, fitted = torch.arange(size), size
    else:
        wanted = (images or FIT) + test
        fitted = images or FIT
        if wanted > size:  # in proportion, and where images are to test on, one at the least
            fitted = max(1, min(size - (test > 0), round(size * fitted / wanted)))
        index = torch.randperm(size, generator=torch.Generator().manual_seed(seed))[:wanted]
    if factors is not None:
        classes = factors.values(index)
        return Draw(index, classes, names, fitted, classes.double())
    if labels is None:
        return Draw(index, torch.zeros(len(index), 0, dtype=torch.long), names, fitted)
    classes, values = classed(labels[index], names, meanings)
    return Draw(index, classes, names, fitted, values)


def classed(labels: Tensor, names: tuple[str, ...], meanings: tuple[tuple[Any, ...], ...]) -> tuple[Tensor, Tensor]:
    """Classes ``[n, K]`` of labels, numbers that hardly two images share cut into a few, and the numbers they are of,
    ``[n, K]``; a Notice says what was cut. Raises Misuse for words that hardly two images share.
    """
    columns = [_column(name, labels[:, k], meanings[k]) for k, name in enumerate(names)]
    classes, values = (torch.stack(part, 1) for part in zip(*columns, strict=True))
    return classes, values


def _column(name: str, classes: Tensor, meanings: tuple[Any, ...]) -> tuple[Tensor, Tensor]:
    """A label's classes and the numbers they stand for (words: the classes themselves). Raises Misuse where every
    image has a word of its own.
    """
    numbers = all(isinstance(value, int | float) for value in meanings)
    values = torch.tensor(meanings, dtype=torch.float64)[classes] if numbers else classes.double()
    different = len(torch.unique(classes))
    if different * SHARED <= len(classes) or different <= CUT:
        return classes, values
    if not numbers:
        raise Misuse(
            f"label {name!r} has {different:,} different values on {len(classes):,} images; too few share one to "
            "hold codes against it: leave it out"
        )
    notice(f"label {name!r} has {different:,} different numbers on {len(classes):,} images; cut into {CUT} classes")
    edges = np.linspace(float(values.min()), float(values.max()), CUT + 1)
    return torch.from_numpy(np.searchsorted(edges[1:-1], values.numpy(), side="right")), values

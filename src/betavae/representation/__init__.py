"""Representations that are fitted, not trained, by name: ``fit(dataset, *, codes, seed, fit, **knobs) -> Codec``."""

from __future__ import annotations

import math
from collections.abc import Callable

from betavae.datasets.base import Dataset
from betavae.representation import floors, linear
from betavae.representation.base import Codec

METHODS: dict[str, Callable[..., Codec]] = {
    "pca": linear.pca,
    "ica": linear.ica,
    "pixels": floors.pixels,
    "projection": floors.projection,
    "untrained": floors.untrained,
    "factors": floors.factors,
    "noise": floors.noise,
    "chance": floors.chance,
}

BESIDE = ("factors", "ica", "pca", "untrained", "projection", "pixels", "noise", "chance")
"""The ceiling, the linear methods, the floors and chance, as they stand under a score."""
FIT = 2500
"""Images that PCA and ICA are fitted on to stand beside a score: the paper's number for ICA (App. B)."""
WIDEST = 64
"""Most codes of what stands beside a score, however many the encoder has."""


def beside(dataset: Dataset, *, codes: int, seed: int) -> dict[str, Codec]:
    """What a score is read against, by name, with as many codes as the encoder where they have a choice.

    A dataset without a grid has no true factors to stand beside.
    """
    codes = max(1, min(codes, WIDEST, math.prod(dataset.shape) - 1, dataset.size - 1))
    names = [name for name in BESIDE if name != "factors" or dataset.factors is not None]
    return {name: METHODS[name](dataset, codes=codes, seed=seed, fit=FIT) for name in names}

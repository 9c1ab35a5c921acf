"""Representations that are fitted, not trained, by name: functions ``(dataset, *, codes, seed, fit, **knobs)``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from betavae.errors import Misuse, notice, shown
from betavae.names import opened

if TYPE_CHECKING:  # naming a method needs no array library; fitting it does
    from betavae.datasets.base import Dataset
    from betavae.representation.base import Codec

METHODS: dict[str, str] = {
    "pca": "betavae.representation.linear:pca",
    "ica": "betavae.representation.linear:ica",
    "pixels": "betavae.representation.floors:pixels",
    "projection": "betavae.representation.floors:projection",
    "untrained": "betavae.representation.floors:untrained",
    "factors": "betavae.representation.floors:factors",
    "noise": "betavae.representation.floors:noise",
    "chance": "betavae.representation.floors:chance",
}

BESIDE = ("factors", "ica", "pca", "untrained", "projection", "pixels", "noise", "chance")
"""The ceiling, the linear methods, the floors and chance, as they stand under a score."""
LEARNT = ("pca", "ica")
"""The methods that learn from images, and may so from a part of them."""
FIT = 2500
"""Images that PCA and ICA are fitted on to stand beside a score: the paper's number for ICA (App. B)."""
WIDEST = 64
"""Most codes of what stands beside a score, however many the encoder has."""


def fitted(method: str, dataset: Dataset, *, codes: int, seed: int, fit: int | None = None, **knobs: Any) -> Codec:
    """The codec of a method by its name, fitted on ``fit`` images of the dataset's training split (None: all).

    Raises Misuse for an unknown name, and where code from outside gives no Codec.
    """
    from betavae.representation.base import Codec

    made = opened(METHODS, method, "method")(dataset, codes=codes, seed=seed, fit=fit, **knobs)
    if not isinstance(made, Codec):
        raise Misuse(f"method {shown(method)} gives a {type(made).__name__}; wanted a Codec of betavae")
    return made


def beside(dataset: Dataset, *, codes: int, seed: int) -> dict[str, Codec]:
    """What a score is read against, by name, with as many codes as the encoder where they have a choice.

    A dataset without a grid has no true factors to stand beside, and images of a size that no convolutional VAE takes
    no untrained one.
    """
    from betavae.models.conv import DEPTHS

    codes = max(1, min(codes, WIDEST, math.prod(dataset.shape) - 1, dataset.size - 1))
    _, height, width = dataset.shape
    without = {"factors"} if dataset.factors is None else set[str]()
    if height != width or height not in DEPTHS:
        without.add("untrained")
        notice(f"an untrained convolutional VAE does not stand beside it: it takes no images of {height}x{width}")
    names = [name for name in BESIDE if name not in without]
    return {name: fitted(name, dataset, codes=codes, seed=seed, fit=FIT) for name in names}

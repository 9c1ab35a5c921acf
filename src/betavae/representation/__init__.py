"""Representations that are fitted, not trained, by name: ``fit(dataset, *, codes, seed, fit, **knobs) -> Codec``."""

from __future__ import annotations

from collections.abc import Callable

from betavae.representation import floors, linear
from betavae.representation.base import Codec

METHODS: dict[str, Callable[..., Codec]] = {
    "pca": linear.pca,
    "ica": linear.ica,
    "pixels": floors.pixels,
    "projection": floors.projection,
    "untrained": floors.untrained,
    "factors": floors.factors,
}

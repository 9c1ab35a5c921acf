"""Names of what is plugged in: tables of ``"module:attribute"``, and the one function that opens a name.

A table imports nothing; what a name stands for is imported when it is opened. Beside the tables of the layers below
stand the nouns of study files and of the command line, known without an array library, so that mistakes are told at
once; tests hold them to those tables.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from betavae.datasets import DATASETS as _DATASETS
from betavae.errors import choose


def opened(table: Mapping[str, str], name: str, kind: str) -> Any:
    """What ``table`` says this name stands for. Raises Misuse for an unknown name, with the near match."""
    module, _, attribute = choose(table, name, kind).partition(":")
    return getattr(importlib.import_module(module), attribute)


DATASETS = tuple(_DATASETS)
TRAINED = ("mlp", "conv")
METHODS = (*TRAINED, "pca", "ica", "pixels", "projection", "untrained", "factors", "chance")
FITTED_KNOBS: dict[str, dict[str, tuple[str, ...]]] = {
    "pca": {"layout": ("chw", "hwc255")},
    "ica": {"layout": ("chw", "hwc255"), "whiten": ("unit-variance", "arbitrary-variance")},
}
"""What a fitted method takes besides its dataset, codes, seed and number of images, and which values."""
OBJECTIVES: dict[str, tuple[str, ...]] = {
    "beta_vae": ("beta",),
    "gaussian": ("beta", "sigma"),
    "sigma_vae": ("beta",),
}
"""The objectives and the knobs of each."""
OPTIMISERS = ("adam", "adagrad")
MEASURES = (
    "higgins",
    "rotation",
    "reconstruction",
    "frechet",
    "samples",
    "reconstructions",
    "traversals",
    "latent_space",
    "architecture",
    "equivalence",
    "calibration",
)

"""The nouns of study files and of the command line, by name. Tests hold them to the tables of the layers below.

No array library is imported, so that mistakes are told at once.
"""

from __future__ import annotations

from betavae.datasets import DATASETS as _DATASETS

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

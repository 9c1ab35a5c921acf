"""What a page shows of one trained model: its decoder, what each code carries, and what each code knows of a factor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from betavae import rng
from betavae.datasets.base import Dataset
from betavae.errors import Misuse
from betavae.explorer import decoder
from betavae.explorer.scene import Scene
from betavae.factors import Factors
from betavae.metrics.base import Codes
from betavae.objectives.base import kl_nats
from betavae.representation.base import Codec
from betavae.types import Json

if TYPE_CHECKING:
    from betavae.types import Array

LOOKED = 4000
"""Images behind what a code carries and knows."""
FEWER = 500
"""The same on a small page, which shows only what codes carry."""
BINS = 20
"""Equal bins of a code's range, as in the published code of MIG (Chen et al. 2018)."""
DEAD = 0.01
"""A code whose mean KL is below this many nats carries nothing."""


class Score(NamedTuple):
    """A recorded score and what it is read against: ``beside`` is (name, value) of floors and ceiling."""

    score: str
    question: str
    value: float
    beside: Sequence[tuple[str, float]] = ()


class Explored(NamedTuple):
    """A trained VAE for a page: a name, its dataset and codec, and what its records say.

    ``facts`` are (what, value) pairs; ``curve`` has "seen" ``[S]``, "reconstruction" ``[S]`` and "kl" ``[S, Z]`` in
    nats per image.
    """

    name: str
    dataset: Dataset
    codec: Codec
    facts: Mapping[str, str] = {}
    curve: Mapping[str, Array] = {}
    scores: Sequence[Score] = ()


def plain(model: Explored, scene: Scene, small: bool = False, served: bool = False) -> dict[str, Json]:
    """The model as plain JSON, without its layers where it is ``served``. Raises Misuse where it has no decoder, or
    none that a page can run.
    """
    codec, data = model.codec, model.dataset
    if served and (codec.posterior is None or codec.decode is None):
        raise Misuse(f"{model.name} has no posterior or no way back to images; the explorer shows VAEs")
    layers = None if served else decoder.packed(codec, model.name)
    assert codec.posterior is not None  # else it is no VAE, and refused above
    index = sample(data, FEWER if small else LOOKED)
    seen = [codec.posterior(data.render(part)) for part in index.split(250)]
    kl = torch.cat([kl_nats(posterior) for posterior in seen]).mean(0).cpu()
    codes = Codes(data, codec)
    means, walks = codes(scene.images), codes(scene.every) if scene.sweeps else torch.zeros(0)
    matrix = None
    if data.factors is not None and not small:
        matrix = _rounded(information(torch.cat([p.mean for p in seen]).cpu(), data.factors, index))
    curve: dict[str, Json] = {}
    if model.curve and not small:
        curve = {key: np.round(model.curve[key].astype(float), 4).tolist() for key in ("seen", "reconstruction", "kl")}
    return {
        "name": model.name,
        "dataset": data.name,
        "facts": [[key, value] for key, value in model.facts.items()],
        "layers": list(layers) if layers else None,
        "kl": _rounded(kl),
        "dead": (kl < DEAD).tolist(),
        "means": _rounded(means),
        "walks": decoder.text(walks.numpy().astype("<f2")),
        "matrix": matrix,
        "scores": [] if small else [[s.score, s.question, s.value, [list(b) for b in s.beside]] for s in model.scores],
        "curve": curve or None,
    }


def sample(dataset: Dataset, most: int | None = None) -> Tensor:
    """The images that codes are judged on: at most so many, LOOKED unless said, the same for every model."""
    drawn = torch.randperm(dataset.size, generator=rng.generator(0, "explore", "sample", dataset.name))
    return drawn[: LOOKED if most is None else min(most, LOOKED)].sort().values


def information(codes: Tensor, factors: Factors, index: Tensor) -> Tensor:
    """What each code knows of each factor: mutual information over the factor's entropy, in [0, 1], ``[Z, K]``.

    ``codes`` ``[N, Z]`` are of the images ``index`` ``[N]``; each is cut into BINS equal bins of its range. The
    estimate is the plug-in one: where a code knows nothing it is about (BINS - 1)(values - 1) / 2N nats.
    """
    found, values = codes.double(), factors.values(index)
    low, high = found.min(0).values, found.max(0).values
    wide = torch.where(high > low, high - low, torch.ones_like(high))
    bins = ((found - low) / wide * BINS).long().clamp(0, BINS - 1)
    matrix = torch.zeros(found.shape[1], values.shape[1], dtype=torch.float64)
    for j, column in enumerate(bins.T):
        for k, size in enumerate(factors.sizes):
            joint = torch.bincount(column * size + values[:, k], minlength=BINS * size).reshape(BINS, size)
            own = _entropy(joint.sum(0))
            shared = _entropy(joint.sum(1)) + own - _entropy(joint.reshape(-1))
            matrix[j, k] = shared / own if own > 0 else 0.0
    return matrix.clamp(0, 1).float()


def _entropy(counts: Tensor) -> Tensor:
    share = counts[counts > 0].double() / counts.sum()
    return -(share * share.log()).sum()


def _rounded(numbers: Tensor) -> Json:
    found: Json = np.round(numbers.detach().cpu().double().numpy(), 4).tolist()
    return found

"""How far a codec's images are from real ones: Fréchet and kernel distances of reconstructions and prior samples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from betavae import rng
from betavae.datasets.base import Dataset
from betavae.errors import Fault, Misuse, choose
from betavae.metrics import costs
from betavae.metrics.base import Answer, Probe, Reads, Subject
from betavae.metrics.fidelity.distance import Moments, kid
from betavae.metrics.fidelity.distance import frechet as distance
from betavae.metrics.fidelity.features import FEATURES, Extractor, extractor
from betavae.types import Json

BATCH = 128
KEPT = 10_000
"""Up to this many images the features are kept, and the kernel distance is given too."""
SUBSETS = 10


class Side(NamedTuple):
    """What is remembered of one side: its moments, and its features where they are few."""

    moments: Moments
    features: Tensor | None


_REAL: dict[tuple[object, ...], Side] = {}
"""The sides of real images, the same for every cell: by dataset, split, number, features and device; the last few.

A digest is of the source: a dataset and its resized variant share it, so name and shape belong to the key.
"""


def frechet(
    *,
    features: str = "efficientnet_lite0",
    of: str = "reconstruction",
    split: str = "train",
    against: str | None = None,
    code: str = "mean",
    images: int = 2000,
) -> Probe:
    """Distances between images that a codec makes and real ones, the same number on both sides.

    ``of`` "reconstruction": decoded codes of real images of ``split``, the posterior's ``code`` "mean" or "sample"; the
    real side is the same images, or those of the split ``against``. ``of`` "prior": decoded standard normal codes.
    Scores: ``fid`` and ``kid`` for features "inception2015", otherwise the names in FEATURES. Raises Misuse for unknown
    settings or a codec that cannot decode, Fault for absent weights or images that are not finite.
    """
    row = choose(FEATURES, features, "features")
    make = choose({"reconstruction": _reconstructions, "prior": _samples}, of, "images to judge")
    choose({"mean": None, "sample": None}, code, "code")

    def measure(generator: torch.Generator, subject: Subject) -> Answer:
        extract = extractor(features, device=str(subject.dataset.device))
        there = _real(subject.dataset, against or split, images, features, extract)
        shown = subset(subject.dataset, split, images)
        made = (batch.to(subject.dataset.device) for batch in make(generator, subject, shown, code))
        here = _side(made, extract, row.network.width, images)
        scores = {row.frechet: distance(here.moments, there.moments)}
        notes: dict[str, Json] = {
            "images": images,
            "of": of,
            "split": split,
            "against": against or split,
            "code": code if of == "reconstruction" else "prior",
            "features": features,
            "weights": row.network.sha256,
            "resize": f"bilinear to {row.side}, no antialiasing, not rounded",
            "dtype": "features float32, moments float64",
        }
        if here.features is not None and there.features is not None and images >= 4:  # two a subset
            half = min(1000, images // 2)  # subsets of all would say nothing of the spread
            matched = of == "reconstruction" and against in (None, split)
            kernel = kid(here.features, there.features, generator, SUBSETS, half, matched)
            scores[row.kid] = kernel.value
            notes |= {"kid_spread": kernel.spread, "kid_subsets": SUBSETS, "kid_size": half}
        return Answer(scores=scores, notes=notes)

    return Probe(
        measure,
        Reads(higher=False),
        images,
        images / costs.FEATURES.get(features, costs.FEATURES["inception2015"]) + costs.DISTANCE,
        ("heusel2017", *row.cites),
    )


def subset(dataset: Dataset, split: str, images: int) -> Tensor:
    """Which images of a split are looked at, ``[images]``: by the dataset's digest and the split, and a smaller number
    is a part of a larger.

    Raises Misuse for an unknown split or more images than it has.
    """
    start, stop = choose(dataset.splits, split, f"split of {dataset.name}")
    if not 2 <= images <= stop - start:
        given = f"{images:,} images of {split!r} of {dataset.name}"
        raise Misuse(f"{given} were asked for; at least 2 are needed, and it has {stop - start:,}")
    drawn = torch.randperm(stop - start, generator=rng.generator("frechet", dataset.digest, split))
    return start + drawn[:images]


def _real(dataset: Dataset, split: str, images: int, features: str, extract: Extractor) -> Side:
    where = dataset.splits.get(split)
    key = (dataset.name, dataset.shape, dataset.digest, split, where, images, features, str(dataset.device))
    if key not in _REAL:
        while len(_REAL) >= 4:
            del _REAL[next(iter(_REAL))]
        rendered = (dataset.render(part) for part in torch.split(subset(dataset, split, images), BATCH))
        _REAL[key] = _side(rendered, extract, FEATURES[features].network.width, images)
    return _REAL[key]


def _side(batches: Iterator[Tensor], extract: Extractor, width: int, images: int) -> Side:
    moments, kept = None, []
    for batch in batches:
        if not bool(torch.isfinite(batch).all()):
            raise Fault("some images to judge are not finite; the codec has diverged")
        found = extract(batch)
        moments = (moments or Moments.none(width, found.device)).add(found)
        if images <= KEPT:
            kept.append(found)
    assert moments is not None
    return Side(moments, torch.cat(kept) if kept else None)


def _reconstructions(generator: torch.Generator, subject: Subject, shown: Tensor, code: str) -> Iterator[Tensor]:
    codec, dataset = subject.codec, subject.dataset
    if codec.decode is None:
        raise Misuse("this codec cannot decode, so it has no reconstructions to judge")
    if code == "sample" and codec.posterior is None:
        raise Misuse("this codec has no posterior to sample codes from; ask for code 'mean'")
    for part in torch.split(shown, BATCH):
        if code == "sample" and codec.posterior is not None:
            posterior = codec.posterior(dataset.render(part))
            noise = torch.randn(posterior.mean.shape, generator=generator).to(posterior.mean)
            yield codec.decode(posterior.sample(noise))
        else:
            yield codec.decode(subject.codes(part).to(dataset.device))


def _samples(generator: torch.Generator, subject: Subject, shown: Tensor, code: str) -> Iterator[Tensor]:
    codec = subject.codec
    if codec.decode is None:
        raise Misuse("this codec cannot decode, so it has no samples to judge")
    for part in torch.split(shown, BATCH):
        yield codec.decode(torch.randn(len(part), codec.codes, generator=generator).to(subject.dataset.device))

"""How well a representation gives its images back, and how many of its codes carry anything."""

from __future__ import annotations

import torch
from torch import Tensor

from betavae.datasets.base import Dataset
from betavae.errors import Misuse, choose
from betavae.metrics.base import Answer, Probe, Reads, Subject
from betavae.objectives.base import kl_nats
from betavae.types import Json

BATCH = 250
ACTIVE = 0.01
"""A code is active where its mean KL exceeds this many nats."""
EPSILON = 1e-6
"""Pixels of all codecs are kept this far from 0 and 1, where their cross-entropy would be infinite."""
TRAINED_BATCH = 64
"""The paper's batch on CIFAR (App. A): what the last-batch quirk replaces."""


def subset(generator: torch.Generator, dataset: Dataset, split: str, images: int) -> Tensor:
    """Seeded indices of a split without repeats, at most ``images``, in ascending order. Raises Misuse for an
    unknown split.
    """
    begin, end = choose(dataset.splits, split, f"split of {dataset.name}")
    count = min(images, end - begin)
    return torch.randperm(end - begin, generator=generator)[:count].sort().values + begin


def codes_of(subject: Subject, images: Tensor, code: str, generator: torch.Generator) -> Tensor:
    """The codes to decode: posterior means, or one sample each (a linear codec has only the former)."""
    if code not in ("mean", "sample"):
        raise Misuse(f"code is {code!r}; wanted mean or sample")
    codec = subject.codec
    if code == "mean" or codec.posterior is None:
        return codec.encode(images)
    posterior = codec.posterior(images)
    noise = torch.randn(posterior.mean.shape, generator=generator)
    return posterior.sample(noise.to(posterior.mean.device))


def reconstruction(
    *, split: str = "train", images: int = 1000, code: str = "mean", divide_by_last_batch: bool = False
) -> Probe:
    """Reconstruction of a seeded sample of a split.

    Scores: "reconstruction", the Bernoulli cross-entropy in nats per image; "mse" per pixel; for VAEs also "kl" in
    nats per image and "active", the number of codes whose mean KL exceeds 0.01 nats (each in the notes).
    ``divide_by_last_batch`` multiplies the losses as the published code does: batch sums over the size of the last
    batch.
    """

    def measure(generator: torch.Generator, subject: Subject) -> Answer:
        dataset, codec = subject.dataset, subject.codec
        if codec.decode is None:
            raise Misuse("this representation has no way back to images; it cannot be asked for reconstructions")
        index = subset(generator, dataset, split, images)
        nats, squares = torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
        kl: Tensor | None = None
        for part in index.split(BATCH):
            x = dataset.render(part)
            y = codec.decode(codes_of(subject, x, code, generator)).to(x.device)
            squares += (x - y).square().sum().double().cpu()
            y = y.clamp(EPSILON, 1 - EPSILON)
            nats -= (x * y.log() + (1 - x) * (-y).log1p()).sum().double().cpu()
            if codec.posterior is not None:
                each = kl_nats(codec.posterior(x)).double().sum(0).cpu()
                kl = each if kl is None else kl + each
        begin, end = dataset.splits[split]
        last = (end - begin) % TRAINED_BATCH or TRAINED_BATCH
        factor = TRAINED_BATCH / last if divide_by_last_batch else 1.0
        pixels = dataset.shape[0] * dataset.shape[1] * dataset.shape[2]
        scores = {"reconstruction": factor * float(nats) / len(index), "mse": float(squares) / len(index) / pixels}
        notes: dict[str, Json] = {"split": split, "images": len(index), "code": code}
        if kl is not None:
            mean = kl / len(index)
            scores |= {"kl": factor * float(mean.sum()), "active": float((mean > ACTIVE).sum())}
            notes["kl"] = [round(v, 6) for v in mean.tolist()]
        return Answer(scores, {}, notes)

    return Probe(measure, Reads("nats per image", higher=False), images)

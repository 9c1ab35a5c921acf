"""The FactorVAE score (Kim & Mnih 2018): which code varies least tells which factor stands still."""

from __future__ import annotations

import numpy as np
import torch

from betavae import rng
from betavae.datasets.base import Dataset
from betavae.errors import Misuse, notice, shown
from betavae.metrics.base import Draw, Metric
from betavae.metrics.field.table import Table, metric
from betavae.types import Scores

CHUNK = 1000
"""Votes whose codes are looked at together: keeps the working set small."""


def factor_vae(
    *, images: int | None = None, batch: int = 64, votes: int = 10_000, test_votes: int = 5_000, threshold: float = 0.05
) -> Metric:
    """The FactorVAE score: the accuracy of a majority vote, on ``test_votes``, in [0, 1].

    A vote is a batch of images that share the value of one factor; its feature is the code whose variance in the batch,
    over its variance among all, is least. Codes whose standard deviation is at most ``threshold`` are left out, and
    constant ones always. Batches are drawn from the same images as other metrics look at (None: the whole grid). Keys:
    "factor_vae", "train", and "active", the number of codes kept. Raises Misuse where no value of a factor is shared by
    ``batch`` images.
    """
    if batch < 2:
        raise Misuse(f"batch is {batch}; a variance needs at least 2")
    if not threshold >= 0:
        raise Misuse(f"threshold is {shown(threshold)}; wanted a number from 0 on")

    def judge(table: Table, generator: torch.Generator) -> Scores:
        spread = table.x.var(0, ddof=1)
        kept = table.active & (np.sqrt(spread) > threshold)
        factor, rows = _batches(table, batch, votes + test_votes, rng.spawn_seed(generator))
        if not kept.any():
            return {"factor_vae": 0.0, "train": 0.0, "active": 0.0}
        x = np.ascontiguousarray(table.x[:, kept] / np.sqrt(spread[kept]))
        least = np.concatenate(
            [x[part].var(1, ddof=1).argmin(1) for part in np.split(rows, range(CHUNK, len(rows), CHUNK))]
        )
        table_of = np.zeros((x.shape[1], len(table.names)), np.int64)
        np.add.at(table_of, (least[:votes], factor[:votes]), 1)
        right = table_of.argmax(1)[least] == factor
        return {
            "factor_vae": float(right[votes:].mean()),
            "train": float(right[:votes].mean()),
            "active": float(kept.sum()),
        }

    def fills(draw: Draw, dataset: Dataset) -> None:
        for name, v in zip(draw.names, draw.answer.numpy().T, strict=True):
            if (v != v[0]).any():
                counts = np.bincount(v)
                shared = counts[_shared(name, counts, batch)]
                if shared.sum() < len(v) and dataset.factors is None:  # of a grid a larger draw has them all
                    notice(
                        f"factor_vae: {len(shared)} of {(counts > 0).sum()} values of {name} are shared by {batch} "
                        f"images or more, {shared.sum():,} of {len(v):,} images: its votes are of these"
                    )

    seconds = 3e-7 * batch * (votes + test_votes)
    return metric("factor_vae", judge, images, check=fills, seconds=seconds, cites=("kim2018",))


def _shared(name: str, counts: np.ndarray, batch: int) -> np.ndarray:
    """The values of a factor that fill a batch, from the number of images of each. Raises Misuse where none does."""
    shared = np.flatnonzero(counts >= batch)
    if not len(shared):
        raise Misuse(
            f"no value of {name} is shared by {batch} of the {counts.sum():,} images, but at most by {counts.max()}; "
            "give a smaller batch, or more images"
        )
    return shared


def _batches(table: Table, batch: int, votes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """For each vote the factor that stands still, ``[votes]``, and the images of its batch, ``[votes, batch]``."""
    draws = np.random.default_rng(seed)
    factor = draws.integers(len(table.names), size=votes)
    which, where = draws.random(votes), draws.random((votes, batch))
    rows = np.empty((votes, batch), np.intp)
    for k, (name, v) in enumerate(zip(table.names, table.v.T, strict=True)):
        counts = np.bincount(v)
        shared = _shared(name, counts, batch)
        order, begins = np.argsort(v, kind="stable"), np.cumsum(counts) - counts
        mine = factor == k
        value = shared[(which[mine] * len(shared)).astype(np.intp)]
        rows[mine] = order[begins[value][:, None] + (where[mine] * counts[value][:, None]).astype(np.intp)]
    return factor, rows

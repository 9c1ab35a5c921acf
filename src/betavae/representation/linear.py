"""PCA and FastICA as codecs, fitted on rendered images: the very pixels, in the very layout, that they will encode.

Both rest on the leading principal subspace, found by block power iteration over streamed images, so that "all
images" needs no more memory than a few. ICA is FastICA (Hyvärinen & Oja 2000) on the whitened components.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from betavae import rng
from betavae.datasets.base import Dataset
from betavae.errors import Misuse
from betavae.representation.base import Codec
from betavae.types import Json

BATCH = 2048
EXTRA = 20
"""Columns of the power iteration beyond the components asked for: they make it converge."""
TURNS = 15
"""Power iterations on a subset that is held in memory; 40 agree with an exact decomposition no better."""
LAYOUTS = ("chw", "hwc255")

Blocks = Callable[[], Iterator[Tensor]]


class Subspace(NamedTuple):
    """The leading principal components: ``mean`` [D], ``axes`` [D, Z] orthonormal, ``variance`` [Z], their share of
    all.
    """

    mean: Tensor
    axes: Tensor
    variance: Tensor
    explained: float


def principal(
    blocks: Blocks, size: int, codes: int, generator: torch.Generator, turns: int, start: Tensor | None
) -> Subspace:
    """The ``codes`` leading components of rows that ``blocks()`` streams, ``turns`` passes of power iteration.

    ``start`` [D, ≥ codes] is where the iteration begins: with the axes of a good subset one pass over all rows is
    enough.
    """
    total, mean, square = 0, torch.zeros(size, dtype=torch.float64), 0.0
    basis = torch.randn(size, min(size, codes + EXTRA), generator=generator) if start is None else start
    for turn in range(turns + 1):
        basis = torch.linalg.qr(basis).Q
        shifted = torch.zeros_like(basis)
        scores = torch.zeros(basis.shape[1], dtype=torch.float64)
        gram = torch.zeros(basis.shape[1], basis.shape[1], dtype=torch.float64)
        first = turn == 0
        for block in blocks():
            if first:
                total += len(block)
                mean += block.sum(0).double()
                square += float(block.square().sum(dtype=torch.float64))
            seen = block @ basis
            scores += seen.sum(0).double()
            if turn < turns:
                shifted += block.T @ seen
            else:
                gram += (seen.T @ seen).double()
        centre = mean / total
        if turn < turns:
            basis = shifted - (centre.float()[:, None] * scores.float())
    gram -= torch.outer(scores, scores) / total
    values, vectors = torch.linalg.eigh(gram / (total - 1))
    order = values.argsort(descending=True)[:codes]
    whole = (square - total * float(centre.square().sum())) / (total - 1)
    variance = values[order].clamp(min=1e-12)
    axes = basis @ vectors[:, order].float()
    return Subspace(centre.float(), axes, variance.float(), float(variance.sum()) / max(whole, 1e-12))


def _rows(dataset: Dataset, index: Tensor, layout: str) -> Blocks:
    def blocks() -> Iterator[Tensor]:
        for part in index.split(BATCH):
            images = dataset.renderer(part.to(dataset.device)).cpu()
            yield images.flatten(1) if layout == "chw" else (images * 255).permute(0, 2, 3, 1).flatten(1)

    return blocks


def _subspace(dataset: Dataset, codes: int, fit: int | None, seed: int, layout: str) -> tuple[Subspace, Tensor]:
    """The principal subspace of a seeded subset, or of all images of the train split; and the indices it was fitted
    on.
    """
    if layout not in LAYOUTS:
        raise Misuse(f"layout is {layout!r}; wanted one of {', '.join(LAYOUTS)}")
    begin, end = dataset.splits["train"]
    pixels = dataset.shape[0] * dataset.shape[1] * dataset.shape[2]
    count = min(fit or 10_000, end - begin)
    if not 1 <= codes < min(count, pixels):
        raise Misuse(
            f"{codes} components of {count} images of {pixels} pixels; wanted from 1 to {min(count, pixels) - 1}"
        )
    generator = rng.generator(seed, "linear", dataset.name)
    subset = torch.randperm(end - begin, generator=generator)[:count].sort().values + begin
    held = torch.cat(list(_rows(dataset, subset, layout)()))
    found = principal(lambda: iter(held.split(BATCH)), pixels, codes, generator, TURNS, None)
    if fit is not None:
        return found, subset
    index = torch.arange(begin, end)
    extra = torch.randn(pixels, EXTRA, generator=generator) / pixels
    wide = torch.cat([found.axes, extra], 1)
    return principal(_rows(dataset, index, layout), pixels, codes, generator, 1, wide), index


def pca(dataset: Dataset, *, codes: int, seed: int, fit: int | None = None, layout: str = "chw") -> Codec:
    """Whitened principal components: codes of unit variance, as scikit-learn's ``PCA(whiten=True)``.

    ``fit`` is the number of images it is fitted on (App. B of the paper: 25,000 or 3,500), None for all of the
    train split. ``layout="hwc255"`` is the published code's mistake on RGB: fitted on another layout and scale than
    it encodes.
    """
    space, index = _subspace(dataset, codes, fit, seed, layout)
    scale = space.variance.sqrt()
    notes = {"explained": space.explained, "images": len(index)}
    return _codec(dataset, space.mean, space.axes / scale, (space.axes * scale).T, notes)


def ica(
    dataset: Dataset,
    *,
    codes: int,
    seed: int,
    fit: int | None = None,
    layout: str = "chw",
    whiten: str = "unit-variance",
) -> Codec:
    """Independent components: FastICA (logcosh, parallel, at most 400 iterations) on the whitened principal components.

    ``whiten="arbitrary-variance"`` gives codes of variance 1/n, as scikit-learn did until 1.3 (a quirk of the
    published code).
    """
    from sklearn.decomposition import FastICA
    from sklearn.exceptions import ConvergenceWarning

    if whiten not in ("unit-variance", "arbitrary-variance"):
        raise Misuse(f"whiten is {whiten!r}; wanted unit-variance or arbitrary-variance")
    space, index = _subspace(dataset, codes, fit, seed, layout)
    scale = space.variance.sqrt()
    white = space.axes / scale
    scores = torch.cat([(rows - space.mean) @ white for rows in _rows(dataset, index, layout)()])
    model = FastICA(max_iter=400, whiten="unit-variance", random_state=seed % 2**32)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        model.fit(scores.double().numpy())
    turn = torch.from_numpy(model.components_).float().T  # [Z, Z]: whitened components to sources
    back = torch.linalg.pinv(turn)
    shrink = 1.0 if whiten == "unit-variance" else len(index) ** -0.5
    notes = {
        "explained": space.explained,
        "images": len(index),
        "iterations": int(model.n_iter_),
        "converged": not caught,
    }
    return _codec(dataset, space.mean, white @ turn * shrink, (back / shrink) @ (space.axes * scale).T, notes)


def _codec(dataset: Dataset, mean: Tensor, there: Tensor, back: Tensor, notes: Mapping[str, Json]) -> Codec:
    """The codec x -> (x - mean) there, z -> z back + mean, clipped to pixels."""

    def encode(images: Tensor) -> Tensor:
        return (images.cpu().flatten(1) - mean) @ there

    def decode(codes: Tensor) -> Tensor:
        return (codes.cpu() @ back + mean).clamp(0, 1).reshape(-1, *dataset.shape)

    return Codec(there.shape[1], encode, decode, notes=notes)

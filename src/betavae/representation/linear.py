"""PCA and FastICA as codecs, fitted on rendered images: the very pixels, in the very layout, that they will encode.

Both rest on the leading principal subspace, found by block power iteration over streamed images, so that "all
images" needs no more memory than a few. ICA is FastICA (Hyvärinen & Oja 2000) on the whitened components.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from betavae import rng
from betavae.datasets.base import Dataset
from betavae.errors import Misuse
from betavae.representation.base import Codec
from betavae.types import Json

BATCH = 2048
EXTRA = 6
"""Columns of the power iteration beyond the components asked for, at least: they make it converge."""
MULTIPLE = 16
"""Columns come in multiples of this: narrow products run at the speed of the next multiple anyway."""
TURNS = 15
"""Power iterations on a subset that is held in memory; 40 agree with an exact decomposition no better."""
LAYOUTS = ("chw", "hwc255")

Blocks = Callable[[], Iterator[Tensor]]


class Subspace(NamedTuple):
    """The leading principal components of N rows.

    ``mean`` [D], ``axes`` [D, Z] orthonormal, ``variance`` [Z], ``explained`` their share of all variance, ``scores``
    [N, Z] the centred rows on the axes.
    """

    mean: Tensor
    axes: Tensor
    variance: Tensor
    explained: float
    scores: Tensor


def width(codes: int, size: int) -> int:
    """Columns that the power iteration for ``codes`` components of rows of ``size`` numbers carries."""
    return min(size, -(-(codes + EXTRA) // MULTIPLE) * MULTIPLE)


def principal(
    blocks: Blocks, total: int, size: int, codes: int, generator: torch.Generator, turns: int,
    start: Tensor | None = None,
) -> Subspace:  # fmt: skip
    """The ``codes`` leading components of the ``total`` rows that ``blocks()`` streams, ``turns`` + 1 passes of power
    iteration.

    ``start`` [D, ≤ width] is where the iteration begins: with the axes of a good subset one turn is enough. What is
    kept of the rows has its place from the start: small pieces kept between the blocks would leave holes that a worker,
    which holds on to memory, fills with nothing until it has none.
    """
    mean, square = torch.zeros(size, dtype=torch.float64), 0.0
    basis = torch.randn(size, width(codes, size), generator=generator) / size
    if start is not None:
        basis[:, : start.shape[1]] = start
    seen = torch.empty(total, basis.shape[1])
    for turn in range(turns + 1):
        basis = torch.linalg.qr(basis).Q
        shifted, done = torch.zeros_like(basis), 0
        heights = torch.zeros(basis.shape[1], dtype=torch.float64)
        for block in blocks():
            if turn == 0:
                mean += block.sum(0).double()
                square += float(torch.linalg.vector_norm(block, dtype=torch.float64)) ** 2
            mine = torch.matmul(block, basis, out=seen[done : done + len(block)])
            done += len(block)
            if turn < turns:
                shifted += block.T @ mine
                heights += mine.sum(0, dtype=torch.float64)
        if turn < turns:
            basis = shifted - (mean / total).float()[:, None] * heights.float()
    centre = mean / total
    scores = seen - centre.float() @ basis
    gram = sum((part.T @ part for part in scores.double().split(BATCH)), torch.zeros(()))
    values, vectors = torch.linalg.eigh(gram / (total - 1))
    order = values.argsort(descending=True)[:codes]
    whole = (square - total * float(centre.square().sum())) / (total - 1)
    variance = values[order].clamp(min=1e-12)
    turned = vectors[:, order].float()
    explained = float(variance.sum()) / max(whole, 1e-12)
    return Subspace(centre.float(), basis @ turned, variance.float(), explained, scores @ turned)


def _rows(dataset: Dataset, index: Tensor, layout: str) -> Blocks:
    def blocks() -> Iterator[Tensor]:
        for part in index.split(BATCH):
            images = dataset.renderer(part.to(dataset.device)).cpu()
            yield images.flatten(1) if layout == "chw" else (images * 255).permute(0, 2, 3, 1).flatten(1)

    return blocks


def _subspace(dataset: Dataset, codes: int, fit: int | None, seed: int, layout: str) -> Subspace:
    """The principal subspace of a seeded subset, or of all images of the train split."""
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
    found = principal(lambda: iter(held.split(BATCH)), count, pixels, codes, generator, TURNS)
    if fit is not None:
        return found
    every = torch.arange(begin, end)
    return principal(_rows(dataset, every, layout), len(every), pixels, codes, generator, 1, found.axes)


def pca(
    dataset: Dataset, *, codes: int, seed: int, fit: int | None = None, layout: Literal["chw", "hwc255"] = "chw"
) -> Codec:
    """Whitened principal components: codes of unit variance, as scikit-learn's ``PCA(whiten=True)``.

    ``fit`` is the number of images it is fitted on (App. B of the paper: 25,000 or 3,500), None for all of the
    train split. ``layout="hwc255"`` is the published code's mistake on RGB: fitted on another layout and scale than
    it encodes.
    """
    space = _subspace(dataset, codes, fit, seed, layout)
    scale = space.variance.sqrt()
    notes = {"explained": space.explained, "images": len(space.scores)}
    return _codec(dataset, space.mean, space.axes / scale, (space.axes * scale).T, notes)


def ica(
    dataset: Dataset,
    *,
    codes: int,
    seed: int,
    fit: int | None = None,
    layout: Literal["chw", "hwc255"] = "chw",
    whiten: Literal["unit-variance", "arbitrary-variance"] = "unit-variance",
) -> Codec:
    """Independent components: FastICA (logcosh, parallel, at most 400 iterations) on the whitened principal components.

    ``whiten="arbitrary-variance"`` gives codes of variance 1/n, as scikit-learn did until 1.3 (a quirk of the
    published code).
    """
    if whiten not in ("unit-variance", "arbitrary-variance"):
        raise Misuse(f"whiten is {whiten!r}; wanted unit-variance or arbitrary-variance")
    space = _subspace(dataset, codes, fit, seed, layout)
    from sklearn.decomposition import FastICA
    from sklearn.exceptions import ConvergenceWarning

    scale = space.variance.sqrt()
    white = space.axes / scale
    model = FastICA(max_iter=400, whiten="unit-variance", random_state=seed % 2**32)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        model.fit((space.scores / scale).double().numpy())  # in single precision it may lose a component
    turn = torch.from_numpy(model.components_).float().T  # [Z, Z]: whitened components to sources
    back = torch.linalg.pinv(turn)
    shrink = 1.0 if whiten == "unit-variance" else len(space.scores) ** -0.5
    notes = {
        "explained": space.explained,
        "images": len(space.scores),
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

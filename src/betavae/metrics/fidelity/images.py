"""Fréchet and kernel distances between images of one's own: arrays, folders of pictures, or moments that were kept."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from betavae import rng
from betavae.datasets.files.formats import npy_mapped, npz_array, npz_declared
from betavae.datasets.own import bytes_of
from betavae.errors import Fault, Misuse, choose
from betavae.metrics.fidelity.distance import Moments, kid
from betavae.metrics.fidelity.distance import frechet as distance
from betavae.metrics.fidelity.features import FEATURES, Extractor, extractor
from betavae.metrics.fidelity.frechet import BATCH, KEPT, SUBSETS, Side
from betavae.types import Scores

if TYPE_CHECKING:
    from betavae.types import Array

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
MOMENTS = ("mu", "sigma")
"""The arrays of kept moments, as pytorch-fid writes them: mean ``[d]`` and covariance ``[d, d]``."""
FORMS = "an .npz or .npy of images, a folder of pictures, or an .npz of moments (mu, sigma)"


def between(images: Path, reference: Path, features: str = "efficientnet_lite0") -> Scores:
    """The distances between two sets of images, each one of FORMS.

    Scores: as ``frechet`` names them for these features; the kernel distance where both sides are images and few.
    Raises Misuse for what is no such set, Fault where a file is not sound or the weights are absent.
    """
    row = choose(FEATURES, features, "features")
    extract = extractor(features)
    one, two = (side(path, extract, row.network.width) for path in (images, reference))
    scores = {row.frechet: distance(one.moments, two.moments)}
    if one.features is not None and two.features is not None:
        few = min(1000, len(one.features) // 2, len(two.features) // 2)
        if few >= 2:
            generator = rng.generator("frechet", "images", features)
            scores[row.kid] = kid(one.features, two.features, generator, SUBSETS, few).value
    return scores


def side(path: Path, extract: Extractor, width: int) -> Side:
    """The moments of a set of images, and its features where they are few."""
    if path.suffix == ".npz" and path.is_file() and set(MOMENTS) <= set(_members(path)):
        return Side(_kept(path, width), None)
    moments, found = Moments.none(width), []
    for batch in _batches(path):
        found.append(extract(batch))
        moments = moments.add(found[-1])
        if moments.size > KEPT:
            found = []
    if moments.size < 2:
        raise Misuse(f"{path} has {moments.size} images; wanted at least 2")
    return Side(moments, torch.cat(found) if moments.size <= KEPT else None)


def _kept(path: Path, width: int) -> Moments:
    names = [f"{name}.npy" for name in _members(path)]
    mean = npz_array(path, "mu.npy", (width,), "f8", names)
    covariance = npz_array(path, "sigma.npy", (width, width), "f8", names)
    if not bool(torch.isfinite(torch.from_numpy(covariance)).all()):
        raise Fault(f"{path}: its covariance is not finite")
    return Moments(2, torch.from_numpy(mean), torch.from_numpy(covariance))  # of two: the scatter is the covariance


def _members(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return [name.removesuffix(".npy") for name in archive.namelist()]
    except (OSError, zipfile.BadZipFile) as error:
        raise Fault(f"{path} is not a sound npz file: {error}") from None


def _batches(path: Path) -> Iterator[Tensor]:
    """The images of a set, float32 ``[n, C, H, W]`` in [0, 1], a batch at a time."""
    if path.is_dir():
        files = sorted(p for p in path.iterdir() if p.suffix.lower() in PICTURES)
        yield from (_pictures(files[k : k + BATCH], files[0]) for k in range(0, len(files), BATCH))
        return
    if not path.is_file() or path.suffix not in (".npy", ".npz"):
        raise Misuse(f"{path} is no set of images; wanted {FORMS}")
    array = bytes_of(str(path), npy_mapped(path) if path.suffix == ".npy" else _archived(path))
    yield from (torch.from_numpy(array[k : k + BATCH]).float() / 255 for k in range(0, len(array), BATCH))


def _archived(path: Path) -> Array:
    names = _members(path)
    name = "images" if "images" in names else names[0] if len(names) == 1 else ""
    if not name:
        raise Misuse(f"{path} holds {', '.join(names[:6])}; wanted one array, or one named images")
    beside = [f"{each}.npy" for each in names]
    declared = npz_declared(path, f"{name}.npy", beside)
    return npz_array(path, f"{name}.npy", declared.shape, declared.dtype.str, beside)


def _pictures(files: list[Path], first: Path) -> Tensor:
    """A batch of pictures, all of the size of the set's ``first``."""
    import numpy as np
    from PIL import Image

    arrays: list[Array] = []
    for file in dict.fromkeys([first, *files]):
        try:
            with Image.open(file) as picture:
                arrays.append(np.asarray(picture.convert("RGB")))
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise Fault(f"{file} is no sound picture: {error}") from None
        if arrays[-1].shape != arrays[0].shape:
            raise Misuse(f"{file} has {arrays[-1].shape[:2]} pixels, {first} {arrays[0].shape[:2]}; wanted one size")
    return torch.from_numpy(np.stack(arrays[len(arrays) - len(files) :])).permute(0, 3, 1, 2).float() / 255

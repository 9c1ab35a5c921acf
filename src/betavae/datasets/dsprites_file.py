"""The official dSprites file, in either of its two forms, packed once into bits; only its images are ever read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from betavae.datasets.files import cache
from betavae.datasets.files.catalogue import CATALOGUE
from betavae.datasets.files.formats import h5_rows, npz_rows
from betavae.datasets.files.manifests import Spec
from betavae.datasets.files.official import Origin, confirmed, origin
from betavae.errors import Fault, Misuse
from betavae.factors import Factors

if TYPE_CHECKING:
    from betavae.types import Array

VERSION = 1  # of the converter: raise it when the array it writes changes
SIDE = 64
ENTRIES = {Path(CATALOGUE[name].file).suffix: CATALOGUE[name] for name in ("dsprites", "dsprites-hdf5")}
IN_NPZ = ("latents_values.npy", "latents_classes.npy", "metadata.npy")  # metadata is a pickle and stays shut
IN_HDF5 = ("latents", "metadata")


def found(source: str, root: str | Path | None = None) -> Origin:
    """The official file meant by "official" (either form in ``raw/`` of the data folder) or by a path.

    Raises Misuse for anything else, Fault where there is no such file or it is not the published one.
    """
    if source == "official":
        raw = cache.folder(root) / "raw"
        here = [entry for entry in ENTRIES.values() if (raw / entry.file).is_file()]
        return origin((here or list(ENTRIES.values()))[0], source, root)
    suffix = Path(source).suffix
    if suffix not in ENTRIES or not Path(source).expanduser().is_file():
        raise Misuse(
            f"dsprites has no source {source!r}; wanted 'drawn', 'official', or the path of an official file "
            f"({' or '.join(ENTRIES)})"
        )
    return origin(ENTRIES[suffix], source, root)


def adopted(file: Origin, factors: Factors, root: str | Path | None = None) -> Array:
    """The images of an official file as bits ``[N, 512]``, converted once into ``ready/``.

    Raises Fault where the file is missing, has changed, or does not hold the black-and-white images of ``factors``.
    """

    def build(out: Array) -> None:
        path, shape = confirmed(file), (factors.size, SIDE, SIDE)
        hdf5 = path.suffix == ".hdf5"
        blocks = h5_rows(path, "imgs", shape, IN_HDF5) if hdf5 else npz_rows(path, "imgs.npy", shape, beside=IN_NPZ)
        begin = 0
        for images in blocks:
            if images.max(initial=0) > 1:
                raise Fault(f"{path} has pixels other than 0 and 1; the official images have none")
            out[begin : begin + len(images)] = np.packbits(images.reshape(len(images), -1), axis=1)
            begin += len(images)

    grid = dict(zip(*factors, strict=True))
    spec = Spec((factors.size, SIDE * SIDE // 8), "u1", file.sha256, VERSION, grid)
    return cache.ready(file.entry.ready, spec, build, root)

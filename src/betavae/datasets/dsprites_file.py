"""The official dSprites file: found, checked to be the published one, packed into bits; no pickle is ever read."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from betavae.datasets import cache, digests
from betavae.datasets.catalogue import CATALOGUE
from betavae.errors import Fault, Misuse
from betavae.factors import Factors

if TYPE_CHECKING:
    from betavae.types import Array

VERSION = 1  # of this converter
SIDE = 64
STEP = 2_304  # images of an npz read at a time: 9 MB
CHUNK = 10 * STEP  # and of an hdf5: the length of the chunks that h5py chooses for an array of this shape

# By suffix, the digests that each form of the file was published with.
PUBLISHED = {Path(CATALOGUE[name].file).suffix: CATALOGUE[name].published for name in ("dsprites", "dsprites-hdf5")}


def found(source: str, root: str | Path | None = None) -> Path:
    """The official file meant by "official" (one in ``raw/`` of the data folder) or by a path.

    Raises Misuse where ``source`` is neither or its suffix is not one of a published file.
    """
    raw = cache.folder(root) / "raw"
    if source == "official":
        files = [raw / CATALOGUE[name].file for name in ("dsprites", "dsprites-hdf5")]
        return next((file for file in files if file.is_file()), files[0])
    file = Path(source).expanduser()
    if file.suffix not in PUBLISHED or not file.is_file():
        raise Misuse(
            f"dsprites has no source {source!r}; wanted 'drawn', 'official', or the path of an official file "
            f"({' or '.join(PUBLISHED)})"
        )
    return file


def adopted(
    name: str, path: Path, published: Mapping[str, str], factors: Factors, root: str | Path | None = None
) -> Array:
    """The packed images ``[N, 512]`` of an official file, converted once into ``ready/<name>``.

    ``published`` holds digests by kind. Raises Fault where the file is missing, has other digests, or does not hold the
    images of ``factors``.
    """

    def build(out: Array) -> None:
        begin = 0
        for images in _images(path, published, factors.size):
            if images.max(initial=0) > 1:
                raise Fault(f"{path} has pixels other than 0 and 1; the official images have none")
            out[begin : begin + len(images)] = np.packbits(images.reshape(len(images), -1), axis=1)
            begin += len(images)

    grid = dict(zip(factors.names, factors.sizes, strict=True))
    spec = cache.Spec((factors.size, SIDE * SIDE // 8), "u1", next(iter(published.values())), VERSION, grid)
    return cache.ready(name, spec, build, root)


def _images(path: Path, published: Mapping[str, str], size: int) -> Iterator[Array]:
    """The images of a file in uint8 pieces ``[n, 64, 64]``, after checking its digests."""
    if not path.is_file():
        raise Fault(
            f"there is no official file {path}; `betavae data fetch dsprites` fetches it, "
            "`betavae data add dsprites PATH` takes in a copy, and source='drawn' needs none"
        )
    with open(path, "rb") as file:
        seen = digests.digests(digests.blocks(file), os.fstat(file.fileno()).st_size)
        for kind, wanted in published.items():
            if seen[kind] != wanted:
                raise Fault(
                    f"{path} is not the published file: its {kind} is {seen[kind]}, the published one is {wanted}"
                )
        file.seek(0)
        pieces = _from_npz if path.suffix == ".npz" else _from_hdf5
        try:
            yield from pieces(file, size)
        except (OSError, zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, RuntimeError) as error:
            raise Fault(f"cannot read the images of {path}: {error}") from error


def _from_npz(file: BinaryIO, size: int) -> Iterator[Array]:
    """Read ``imgs.npy`` as a stream of plain bytes; the archive's other members, one of them a pickle, stay shut."""
    with zipfile.ZipFile(file) as archive, archive.open("imgs.npy") as stream:
        version = np.lib.format.read_magic(stream)
        if version != (1, 0):
            raise ValueError(f"imgs.npy has format {version}, wanted (1, 0)")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
        _expect(shape, dtype, size)
        if fortran:
            raise ValueError("imgs.npy is in Fortran order")
        for begin in range(0, size, STEP):
            count = min(STEP, size - begin)
            content = stream.read(count * SIDE * SIDE)
            if len(content) != count * SIDE * SIDE:
                raise ValueError(f"imgs.npy ends after image {begin + len(content) // SIDE**2}")
            yield np.frombuffer(content, np.uint8).reshape(count, SIDE, SIDE)
        if stream.read(1):
            raise ValueError(f"imgs.npy is longer than {size} images")


def _from_hdf5(file: BinaryIO, size: int) -> Iterator[Array]:
    import h5py

    with h5py.File(file, "r") as archive:
        images = archive["imgs"]
        _expect(images.shape, images.dtype, size)
        for begin in range(0, size, CHUNK):
            yield images[begin : begin + CHUNK]


def _expect(shape: tuple[int, ...], dtype: np.dtype[Any], size: int) -> None:
    if dtype != np.uint8 or shape != (size, SIDE, SIDE):
        raise ValueError(f"the images are {dtype} {shape}, wanted uint8 {(size, SIDE, SIDE)}")

"""dSprites, the paper's 2Dshapes: 737,280 black-and-white sprites, drawn here or read from the official file.

The drawing (``drawn.sprites``) gives all 320 frames of the official animation bit for bit; the official file itself was
not compared (`betavae data compare dsprites PATH` does). Either way the images are kept as bits, 512 bytes each, and
unpacked by index. Of an official file, in either of its two forms, only the images are ever read.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from betavae.datasets.base import Dataset
from betavae.datasets.drawn.sprites import DRAWN, FACTORS, RECIPE, SIDE, VERSION, draw
from betavae.datasets.files import cache
from betavae.datasets.files.catalogue import CATALOGUE
from betavae.datasets.files.formats import h5_rows, npz_rows
from betavae.datasets.files.manifests import Spec
from betavae.datasets.files.official import Origin, confirmed, origin
from betavae.errors import Fault, Misuse
from betavae.factors import Factors

if TYPE_CHECKING:
    from betavae.types import Array

CONVERTER = 1
"""The version of the converter of official files: raise it when the array it writes changes."""
ENTRIES = {Path(CATALOGUE[name].file).suffix: CATALOGUE[name] for name in ("dsprites", "dsprites-hdf5")}
IN_NPZ = ("latents_values.npy", "latents_classes.npy", "metadata.npy")  # metadata is a pickle and stays shut
IN_HDF5 = ("latents", "metadata")


def load(
    name: str,
    *,
    source: str | None = None,
    root: str | Path | None = None,
    device: str | torch.device = "cpu",
) -> Dataset:
    """dSprites with its bits memory-mapped, or on ``device`` where that is not the CPU (377 MB).

    ``source`` is None or "drawn", "official" (a file in ``raw/`` of the data folder), or the path of an official file.
    Raises Misuse for another source, Fault for a file that is missing or is not the published one.
    """
    if source in (None, "drawn"):
        spec = Spec((FACTORS.size, SIDE * SIDE // 8), "u1", RECIPE, VERSION, dict(zip(*FACTORS, strict=True)), DRAWN)
        packed = cache.ready(name, spec, draw, root)
        origin, digest = "drawn", cache.content(name, spec, root)
    else:
        file = found(str(source), root)
        packed = adopted(file, FACTORS, root)
        origin, digest = "official", file.sha256
    return Dataset(
        name=name,
        shape=(1, SIDE, SIDE),
        size=FACTORS.size,
        factors=FACTORS,
        source=origin,
        digest=digest,
        renderer=unpacked(packed, torch.device(device)),
        device=torch.device(device),
    )


def unpacked(packed: Array, device: torch.device) -> Callable[[Tensor], Tensor]:
    """The renderer of packed bits ``[N, 512]``: indices ``[n]`` to float32 ``[n, 1, 64, 64]``."""
    octets = np.arange(256, dtype=np.uint8)[:, None]
    pixels = torch.from_numpy(np.unpackbits(octets, axis=1)).float().to(device)  # [256, 8]
    packed = np.asarray(packed)  # a plain view, quicker to index than a memmap

    if device.type == "cpu":

        def rows(index: Tensor) -> Tensor:
            return torch.from_numpy(packed[index.numpy()])
    else:
        resident = torch.from_numpy(np.array(packed)).to(device)

        def rows(index: Tensor) -> Tensor:
            return resident[index]

    def render(index: Tensor) -> Tensor:
        return pixels.index_select(0, rows(index).reshape(-1).int()).view(len(index), 1, SIDE, SIDE)

    return render


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
    spec = Spec((factors.size, SIDE * SIDE // 8), "u1", file.sha256, CONVERTER, grid)
    return cache.ready(file.entry.ready, spec, build, root)


def compare(
    official: Dataset, drawn: Dataset, chunk: int = 512, progress: Callable[[int, int], None] | None = None
) -> int:
    """The number of images in which two datasets of one grid differ; ``progress(done, total)`` is called per chunk."""
    if official.size != drawn.size or official.shape != drawn.shape:
        raise ValueError(f"{official.size} images of {official.shape} beside {drawn.size} of {drawn.shape}")
    different = 0
    for begin in range(0, drawn.size, chunk):
        index = torch.arange(begin, min(begin + chunk, drawn.size))
        unlike = official.render(index).cpu() != drawn.render(index).cpu()
        different += int(unlike.flatten(1).any(1).sum())
        if progress is not None:
            progress(int(index[-1]) + 1, drawn.size)
    return different

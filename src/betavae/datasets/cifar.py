"""CIFAR-10 and -100 from the official binary files, and CIFAR-10 from JPEG copies, which never go by the official name.

60,000 images of 32×32×3, the training split first. A name that ends in "-64" is the same images, resized bilinearly to
the 64×64×3 of the paper's Table 4 when rendered (its published code used 32×32×3).
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from betavae.datasets.base import Dataset
from betavae.datasets.files import cache
from betavae.datasets.files.catalogue import CATALOGUE, Entry
from betavae.datasets.files.formats import npz_array, npz_declared, tar_members
from betavae.datasets.files.manifests import Spec
from betavae.datasets.files.official import Origin, confirmed, origin
from betavae.datasets.rendering import stored
from betavae.errors import Fault, Misuse, choose

if TYPE_CHECKING:
    from betavae.types import Array

VERSION = 1  # of the converters: raise it when the arrays they write change
SIDE = 32
PIXELS = 3 * SIDE * SIDE
TRAIN = 50_000
SIZE = 60_000
JPEG_LIMIT = 64 << 10  # bytes of one JPEG copy; they have about one thousand


class Batch(NamedTuple):
    """One member of a binary tar: ``images`` records, the first of them image ``start``."""

    name: str
    start: int
    images: int


class Binary(NamedTuple):
    """The binary format: records of label bytes (each below its ``classes``) and 3,072 pixels, channel by channel."""

    batches: tuple[Batch, ...]
    classes: tuple[int, ...]

    def read(self, path: Path, out: Array) -> None:
        """Fill ``out [N, 3, 32, 32]``. Raises Fault where the file holds anything else."""
        record = len(self.classes) + PIXELS
        batches = {batch.name: batch for batch in self.batches}
        for name, content in tar_members(path, {batch.name: batch.images * record for batch in self.batches}):
            records = np.frombuffer(content, np.uint8).reshape(-1, record)
            for place, classes in enumerate(self.classes):
                if records[:, place].max(initial=0) >= classes:
                    worst = int(records[:, place].argmax())
                    label = int(records[worst, place])
                    raise Fault(f"{path}: {name!r}, record {worst}: has label {label}, wanted 0 to {classes - 1}")
            start = batches[name].start
            out[start : start + len(records)] = records[:, len(self.classes) :].reshape(-1, 3, SIDE, SIDE)


class Copies(NamedTuple):
    """The format of the JPEG copies: all files end to end in ``jpeg``, their bounds in ``offsets``, ``train`` first."""

    train: int = TRAIN

    def read(self, path: Path, out: Array) -> None:
        """Fill ``out [N, 3, 32, 32]`` with the decoded copies. Raises Fault where the file holds anything else."""
        members = ("jpeg.npy", "offsets.npy", "labels.npy", "n_train.npy")
        offsets = npz_array(path, "offsets.npy", (len(out) + 1,), "uint32", members).astype(np.int64)
        (size,) = npz_declared(path, "jpeg.npy", members).shape or (0,)
        lengths = np.diff(offsets)
        if offsets[0] != 0 or offsets[-1] != size or lengths.min() < 1 or lengths.max() > JPEG_LIMIT:
            raise Fault(
                f"{path}: offsets.npy: has bounds {offsets[0]} to {offsets[-1]} and lengths {lengths.min()} to "
                f"{lengths.max()}, wanted 0 to {size} and 1 to {JPEG_LIMIT}"
            )
        jpeg = npz_array(path, "jpeg.npy", (size,), "uint8", members).tobytes()
        for i in range(len(out)):
            out[i] = _decoded(jpeg[offsets[i] : offsets[i + 1]], f"{path}: image {i}").transpose(2, 0, 1)


class Kind(NamedTuple):
    """A CIFAR dataset: its file, how it is read, its number of images and of those that train."""

    entry: Entry
    read: Callable[[Path, Array], None]
    source: str = "official"
    size: int = SIZE
    train: int = TRAIN


TEN = Binary(
    (
        *(Batch(f"cifar-10-batches-bin/data_batch_{k}.bin", 10_000 * (k - 1), 10_000) for k in range(1, 6)),
        Batch("cifar-10-batches-bin/test_batch.bin", TRAIN, SIZE - TRAIN),
    ),
    classes=(10,),
)
HUNDRED = Binary(
    (Batch("cifar-100-binary/train.bin", 0, TRAIN), Batch("cifar-100-binary/test.bin", TRAIN, SIZE - TRAIN)),
    classes=(20, 100),
)
KINDS: dict[str, Kind] = {
    "cifar10": Kind(CATALOGUE["cifar10"], TEN.read),
    "cifar100": Kind(CATALOGUE["cifar100"], HUNDRED.read),
    "cifar10-jpeg": Kind(CATALOGUE["cifar10-jpeg"], Copies().read, source="jpeg copies"),
}


def load(
    name: str,
    *,
    source: str | None = None,
    root: str | Path | None = None,
    device: str | torch.device = "cpu",
) -> Dataset:
    """A CIFAR dataset; ``source`` is "official" (the file in ``raw/``) or the path of the file.

    Raises Misuse for another source, Fault where the file is missing or is not the one known.
    """
    plain = name.removesuffix("-64")
    kind = choose(KINDS, plain, "dataset")
    if source == "drawn":
        raise Misuse(f"{name} is photographs, and none are drawn; its sources are 'official' and the path of its file")
    return photographs(name, kind, origin(kind.entry, source, root), root, torch.device(device))


def photographs(name: str, kind: Kind, found: Origin, root: str | Path | None, device: torch.device) -> Dataset:
    """``load`` for any kind: converted into ``ready/`` where it is not yet."""
    spec = Spec((kind.size, 3, SIDE, SIDE), "uint8", found.sha256, VERSION, {})
    images = cache.ready(kind.entry.name, spec, lambda out: kind.read(confirmed(found), out), root)
    size = 64 if name.endswith("-64") else None
    return Dataset(
        name=name,
        shape=(3, size or SIDE, size or SIDE),
        size=kind.size,
        factors=None,
        source=kind.source,
        digest=found.sha256,
        renderer=stored(images, device, size),
        device=device,
        splits={"train": (0, kind.train), "test": (kind.train, kind.size)},
    )


def _decoded(content: bytes, place: str) -> Array:
    """One JPEG as ``[32, 32, 3]`` uint8; its size is checked before it is decoded. Raises Fault."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
            if image.size != (SIDE, SIDE) or image.mode != "RGB":
                raise Fault(f"{place}: has size {image.size} and mode {image.mode}, wanted {(SIDE, SIDE)} and RGB")
            return np.asarray(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Fault(f"{place}: is not a sound JPEG ({error})") from error

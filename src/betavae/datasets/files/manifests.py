"""What a ready array is, and whether its file still is that: the manifest beside it and the digests in it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from betavae.errors import Fault

BLOCK = 1 << 24  # bytes hashed at a time
WHOLE = 1 << 30  # up to this size all blocks are checked at every opening
SAMPLED = 32  # above it, this many besides the first and the last


class Spec(NamedTuple):
    """What a ready array is: two arrays with equal specs are the same array.

    ``source`` is the sha256 of the official file or the name of the drawing recipe, ``version`` that of the converter
    or recipe, ``grid`` the factors' names and sizes (empty where there are none). ``drawn`` is the sha256 that the file
    of a drawn array has on every machine; one that has another is drawn again.
    """

    shape: tuple[int, ...]
    dtype: str
    source: str
    version: int
    grid: Mapping[str, int]
    drawn: str = ""

    def plain(self) -> dict[str, Any]:
        """The spec as the manifest holds it."""
        return {
            "source": self.source,
            "version": self.version,
            "shape": list(self.shape),
            "dtype": np.dtype(self.dtype).str,
            "grid": [[name, size] for name, size in self.grid.items()],
        }


def images(home: Path) -> Path:
    """The file of a ready array, in its folder."""
    return home / "images.npy"


def read(home: Path) -> dict[str, Any] | None:
    """The manifest in a folder, or None where there is none. Raises Fault where it is no manifest."""
    file = home / "manifest.json"
    try:
        if file.exists() and not file.is_file():
            raise ValueError("not an ordinary file")
        manifest = json.loads(file.read_text(encoding="utf-8"))
        if len(manifest["blocks"]) != -(-int(manifest["bytes"]) // BLOCK) or not isinstance(manifest["sha256"], str):
            raise ValueError(f"{len(manifest['blocks'])} blocks for {manifest['bytes']} bytes")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Fault(f"cannot read {file}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:160]
        raise Fault(f"{file} is not a manifest ({type(error).__name__}: {reason}); {remedy(home)}") from error
    return dict(manifest)


def remedy(home: Path) -> str:
    """What a user does about a ready array that cannot be trusted."""
    return f"delete {home} and it is made again when next loaded (`betavae data verify` checks every ready array)"


def sampled(name: str, manifest: dict[str, Any]) -> Iterable[int]:
    """The blocks that an opening checks: all up to 1 GiB, above it the ends and 32 drawn by the array's name."""
    count = len(manifest["blocks"])
    if manifest["bytes"] <= WHOLE or count <= SAMPLED + 2:
        return range(count)
    from betavae.rng import numpy_generator  # here, since it brings torch and small arrays do without

    drawn = numpy_generator("cache", name).choice(np.arange(1, count - 1), SAMPLED, replace=False)
    return sorted({0, count - 1, *map(int, drawn)})


def check(home: Path, manifest: dict[str, Any], blocks: Iterable[int]) -> None:
    """Compare the array's size and these blocks of it with its manifest. Raises Fault where they differ."""
    if images(home).exists() and not images(home).is_file():
        raise Fault(f"{images(home)} is not an ordinary file; {remedy(home)}")
    with open(images(home), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size != manifest["bytes"]:
            raise _altered(home, manifest, f"{size} bytes, where {manifest['bytes']} were written")
        for block in blocks:
            file.seek(block * BLOCK)
            if hashlib.sha256(file.read(BLOCK)).hexdigest() != manifest["blocks"][block]:
                raise _altered(home, manifest, f"block {block} (from byte {block * BLOCK}) differs")


def _altered(home: Path, manifest: dict[str, Any], what: str) -> Fault:
    found, _ = digests(images(home))
    return Fault(
        f"{images(home)} is not what was written: {what}; "
        f"its sha256 is {found}, the manifest says {manifest['sha256']}; {remedy(home)}"
    )


def digests(path: Path) -> tuple[str, list[str]]:
    """The sha256 of a file, and that of each of its blocks."""
    whole, blocks = hashlib.sha256(), []
    with open(path, "rb") as file:
        while content := file.read(BLOCK):
            whole.update(content)
            blocks.append(hashlib.sha256(content).hexdigest())
    return whole.hexdigest(), blocks

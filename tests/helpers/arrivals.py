"""Entries of the catalogue made small: official names and formats, a grid of six images, addresses of this machine."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hostile import COUNT
from small_official import GRID, SMALL

from betavae.datasets import cifar, mpi3d, shapes3d
from betavae.datasets.files import fetch
from betavae.datasets.files.catalogue import CATALOGUE, Entry

CONTENT = np.random.default_rng(1).integers(0, 256, 600_000, dtype=np.uint8).tobytes()
OTHER = np.random.default_rng(2).integers(0, 256, 600_000, dtype=np.uint8).tobytes()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def published(monkeypatch: pytest.MonkeyPatch, name: str, content: bytes, *mirrors: str, **changes: object) -> Entry:
    """The catalogue's entry under its own name, for a small file at these addresses."""
    known = {"size": len(content), "published": {"sha256": sha256(content)}, "mirrors": mirrors}
    entry = replace(CATALOGUE[name], **(known | changes))
    monkeypatch.setitem(CATALOGUE, name, entry)
    for family in (shapes3d, mpi3d):
        if name in family.OFFICIAL:
            monkeypatch.setitem(family.OFFICIAL, name, family.OFFICIAL[name]._replace(entry=entry, factors=GRID))
    if name in cifar.KINDS:
        small = cifar.KINDS[name]._replace(entry=entry, read=SMALL.read, size=COUNT, train=4)
        monkeypatch.setitem(cifar.KINDS, name, small)
    return entry


def raw(root: Path) -> dict[str, bytes]:
    """What lies in ``raw/``, but for locks."""
    return {path.name: path.read_bytes() for path in (root / "raw").glob("*") if not path.name.endswith(".lock")}


def made(make, folder: Path) -> bytes:
    make(folder / "source")
    return (folder / "source").read_bytes()


def fetched(root: Path, name: str = "shapes3d") -> Path:
    return fetch.fetch(name, root=root, progress=False)


ELSEWHERE = """
import sys
from dataclasses import replace
from betavae.datasets.files import catalogue, fetch
root, url, size, sha256 = sys.argv[1:]
fetch.CATALOGUE["shapes3d"] = replace(
    catalogue.CATALOGUE["shapes3d"], mirrors=(url,), size=int(size), published={"sha256": sha256}
)
print(fetch.fetch("shapes3d", root=root, progress=False))
"""


def elsewhere(root: Path, content: bytes, url: str) -> list[str]:
    """The command line of another process that fetches this content."""
    return [sys.executable, "-c", ELSEWHERE, str(root), url, str(len(content)), sha256(content)]

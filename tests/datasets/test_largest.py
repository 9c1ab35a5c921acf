"""The largest set of all, 12.7 GB of it memory-mapped: sampled batches keep the process small."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from betavae.datasets import mpi3d, rendering
from betavae.datasets.files import full_grid, manifests
from betavae.datasets.files.catalogue import CATALOGUE
from betavae.datasets.files.manifests import Spec

SAMPLING = """
import sys, torch
from betavae import datasets
torch.set_num_threads(1)
dataset = datasets.load("mpi3d-toy", root=sys.argv[1])
assert dataset.size == 1_036_800, dataset
draw = torch.Generator().manual_seed(0)
for _ in range(200):
    images = dataset.render(torch.randint(dataset.size, (64,), generator=draw))
    assert images.shape == (64, 3, 64, 64) and not images.any()
with open("/proc/self/status") as status:
    print(next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024)
"""


def sparse(root: Path) -> Path:
    """A ready array of MPI3D's full size, black throughout: a file of holes that takes no room, its manifest honest."""
    spec = Spec(
        (mpi3d.FACTORS.size, 3, 64, 64), "u1", "0" * 64, full_grid.VERSION, dict(zip(*mpi3d.FACTORS, strict=True))
    )
    home = root / "ready" / "mpi3d-toy"
    home.mkdir(parents=True)
    path = home / "images.npy"
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": spec.shape})
        size = file.tell() + int(np.prod(spec.shape))
        file.truncate(size)
    with path.open("rb") as file:
        first = hashlib.sha256(file.read(manifests.BLOCK)).hexdigest()
    whole, rest = divmod(size, manifests.BLOCK)
    blocks = [first, *[hashlib.sha256(bytes(manifests.BLOCK)).hexdigest()] * (whole - 1)]
    blocks += [hashlib.sha256(bytes(rest)).hexdigest()] if rest else []
    manifest = spec.plain() | {"bytes": size, "sha256": "", "blocks": blocks}
    (home / "manifest.json").write_text(json.dumps(manifest))
    pin = root / "raw" / f"{CATALOGUE['mpi3d-toy'].file}.sha256"
    pin.parent.mkdir()
    pin.write_text(f"{spec.source}  {CATALOGUE['mpi3d-toy'].file}\n")
    return path


def test_images_read_row_by_row_are_the_images(tmp_path: Path, monkeypatch) -> None:
    content = np.random.default_rng(0).integers(0, 256, (50, 3, 32, 32), dtype=np.uint8)
    np.save(tmp_path / "images.npy", content)
    images = np.load(tmp_path / "images.npy", mmap_mode="r")
    monkeypatch.setattr(rendering, "LARGE", 0)
    index = torch.tensor([49, 0, 7, 7, 31])
    for _ in range(2):  # what was given back can be read again
        pixels = rendering.stored(images, torch.device("cpu"))(index)
        assert torch.equal(pixels, torch.from_numpy(content)[index] / 255)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc, and needs files with holes")
def test_batches_of_the_largest_set_keep_memory_below_a_gigabyte(tmp_path: Path, record_property) -> None:
    path = sparse(tmp_path)
    assert path.stat().st_size > 12_700_000_000
    command = [sys.executable, "-c", SAMPLING, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    megabytes = float(done.stdout)
    record_property("counted", f"200 batches of 64 from 12.7 GB of images: at most {megabytes:.0f} MB of memory")
    assert megabytes < 1000

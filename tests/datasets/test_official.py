"""Official files: converted as published, hostile ones refused with one message, missing ones told how to come by."""

from __future__ import annotations

import hashlib
import io
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from hostile import (
    COPIES,
    COUNT,
    H5,
    NPZ,
    TAR,
    images,
    npy_says,
    npz,
    records,
    sound_h5,
    sound_jpegs,
    sound_members,
    sound_npz,
    tar,
)
from hostile import copies as write_copies
from PIL import Image
from small_official import GRID, OFFICIAL, entry_of, grid, photographs

from betavae import datasets
from betavae.datasets import cifar, mpi3d, shapes3d
from betavae.datasets.files import full_grid
from betavae.datasets.files.catalogue import CATALOGUE
from betavae.datasets.files.official import origin
from betavae.errors import Fault, Misuse

MEMORY = 100 << 20  # bytes that refusing a file may take


@pytest.mark.parametrize(
    ("name", "make"), [("shapes3d", sound_h5), ("mpi3d-toy", sound_npz), ("mpi3d-real", sound_npz)]
)
def test_converted_pixels_equal_the_file(name, make, tmp_path: Path) -> None:
    make(tmp_path / "file")
    dataset = grid(name, tmp_path / "file", tmp_path / "data")
    wanted = torch.from_numpy(images()).permute(0, 3, 1, 2) / 255
    assert torch.equal(dataset.render(torch.arange(COUNT)), wanted)
    some = torch.tensor([[5, 0], [2, 2]])
    assert torch.equal(dataset.render(some), wanted[some])
    assert dataset.source == "official"
    assert dataset.digest == hashlib.sha256((tmp_path / "file").read_bytes()).hexdigest()
    assert dataset.factors == GRID


def test_the_published_grids_have_the_published_counts() -> None:
    assert shapes3d.FACTORS.size == 480_000
    assert mpi3d.FACTORS.size == 1_036_800
    assert mpi3d.FACTORS.values(torch.tensor(40 * 40)).tolist() == [0, 0, 0, 0, 1, 0, 0]  # a background's turn
    assert shapes3d.FACTORS.values(torch.tensor(15 * 4)).tolist() == [0, 0, 0, 1, 0, 0]
    assert [batch.start for batch in cifar.TEN.batches] == [0, 10_000, 20_000, 30_000, 40_000, 50_000]


def test_a_ready_array_needs_its_file_no_more(tmp_path: Path) -> None:
    path = tmp_path / "data" / "raw" / CATALOGUE["shapes3d"].file
    path.parent.mkdir(parents=True)
    sound_h5(path)
    kind = OFFICIAL["shapes3d"]._replace(entry=entry_of("shapes3d", path), factors=GRID)
    root = tmp_path / "data"
    before = full_grid.grid(kind, origin(kind.entry, None, root), root, torch.device("cpu"))
    path.unlink()
    after = full_grid.grid(kind, origin(kind.entry, None, root), root, torch.device("cpu"))
    assert torch.equal(before.render(torch.arange(COUNT)), after.render(torch.arange(COUNT)))
    with pytest.raises(Fault, match="not here"):
        origin(kind.entry, None, tmp_path / "elsewhere")


def test_a_file_altered_since_it_arrived_is_not_converted(tmp_path: Path) -> None:
    path = tmp_path / "data" / "raw" / CATALOGUE["shapes3d"].file
    path.parent.mkdir(parents=True)
    sound_h5(path)
    kind = OFFICIAL["shapes3d"]._replace(entry=entry_of("shapes3d", path), factors=GRID)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(Fault, match=r"sha256 is [0-9a-f]{64}, wanted [0-9a-f]{64}; .*fetch shapes3d"):
        full_grid.grid(kind, origin(kind.entry, None, tmp_path / "data"), tmp_path / "data", torch.device("cpu"))


def test_the_challenge_file_is_refused_by_its_count(tmp_path: Path) -> None:
    npz(tmp_path / "file.npz", {"images.npy": npy_says((460_800, 64, 64, 3))})
    with pytest.raises(Fault, match=r"460,800 images: it is the 2019 challenge's file.*1,036,800"):
        mpi3d.official_rows(tmp_path / "file.npz", mpi3d.FACTORS)


def test_binary_cifar_is_read_record_by_record(tmp_path: Path) -> None:
    tar(tmp_path / "file.tar.gz", sound_members())
    dataset = photographs("cifar10", tmp_path / "file.tar.gz", tmp_path / "data")
    table = np.frombuffer(records(4, seed=2) + records(2, seed=1), np.uint8).reshape(6, 3073)
    rendered = (dataset.render(torch.arange(6)) * 255).round().byte().numpy()
    assert np.array_equal(rendered.reshape(6, 3072), table[:, 1:])
    assert dataset.splits == {"train": (0, 4), "test": (4, 6)}
    assert rendered[3, 1, 0, 7] == table[3, 1 + 1024 + 7]  # green is the second thousand
    assert dataset.factors is None


def test_two_label_bytes_of_cifar100_are_no_pixels(tmp_path: Path) -> None:
    binary = cifar.Binary((cifar.Batch("batches/train.bin", 0, 1),), classes=(20, 100))
    info, _ = sound_members()[3]
    info.size = 3074
    tar(tmp_path / "file.tar.gz", [(info, bytes([19, 99]) + bytes(range(256)) * 12)])
    out = np.zeros((1, 3, 32, 32), np.uint8)
    binary.read(tmp_path / "file.tar.gz", out)
    assert out.reshape(-1)[:256].tolist() == list(range(256))


def test_jpeg_copies_are_decoded_and_never_called_official(tmp_path: Path) -> None:
    files = sound_jpegs()
    write_copies(tmp_path / "file.npz", files)
    dataset = photographs("cifar10-jpeg", tmp_path / "file.npz", tmp_path / "data")
    wanted = np.stack([np.asarray(Image.open(io.BytesIO(file))) for file in files])
    assert torch.equal(dataset.render(torch.arange(6)), torch.from_numpy(wanted).permute(0, 3, 1, 2) / 255)
    assert dataset.source != "official"
    assert "jpeg" in dataset.name


def test_resized_photographs_keep_flat_colours_and_their_mean(tmp_path: Path) -> None:
    tar(tmp_path / "file.tar.gz", sound_members())
    small = photographs("cifar10", tmp_path / "file.tar.gz", tmp_path / "data").render(torch.arange(6))
    large = photographs("cifar10", tmp_path / "file.tar.gz", tmp_path / "data", "cifar10-64")
    rendered = large.render(torch.arange(6))
    assert rendered.shape == (6, *large.shape) == (6, 3, 64, 64)
    assert 0 <= rendered.min() <= rendered.max() <= 1
    # away from the border every pixel spreads its whole weight over four: 9/16, 3/16, 3/16 and 1/16 of its neighbours
    corner = (small[0, 0, :2, :2] * torch.tensor([[9, 3], [3, 1]])).sum() / 16
    assert rendered[0, 0, 1, 1].item() == pytest.approx(corner.item(), abs=1e-6)


HOSTILE = [
    *(("mpi3d-toy", name, *row) for name, row in NPZ.items()),
    *(("cifar10", name, *row) for name, row in TAR.items()),
    *(("shapes3d", name, *row) for name, row in H5.items()),
    *(("cifar10-jpeg", name, *row) for name, row in COPIES.items()),
]


@pytest.mark.parametrize(("name", "what", "make", "words"), HOSTILE, ids=[f"{row[0]}: {row[1]}" for row in HOSTILE])
def test_a_hostile_file_is_refused_with_one_message(name, what, make, words, tmp_path: Path, capfd) -> None:
    path = tmp_path / "file"
    make(path)
    tracemalloc.start()
    try:
        with pytest.raises(Fault) as caught:
            (grid if name in OFFICIAL else photographs)(name, path, tmp_path / "data")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    message = str(caught.value)
    assert str(path) in message
    assert words in message
    assert "\n" not in message
    assert peak < MEMORY
    assert not list((tmp_path / "data").rglob("images.npy*"))
    assert not (tmp_path.parent / "escaped.bin").exists()
    assert capfd.readouterr() == ("", "")


FILES = [name for name, module in datasets.DATASETS.items() if module.endswith((".official", ".cifar"))]


@pytest.mark.parametrize("name", FILES)
def test_an_absent_file_is_a_message_that_says_how_to_get_it(name: str, tmp_path: Path) -> None:
    entry = CATALOGUE[name.removesuffix("-64")]
    with pytest.raises(Fault) as caught:
        datasets.load(name, root=tmp_path)
    verb = "fetch" if entry.mirrors else "add"
    assert f"`betavae data {verb} {entry.name}" in str(caught.value)
    assert entry.stand_in in str(caught.value)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", FILES)
def test_every_row_has_a_card_with_its_terms(name: str) -> None:
    card = datasets.card(name)
    assert card.licence == CATALOGUE[name.removesuffix("-64")].licence
    assert card.bibtex.startswith("@")
    assert ("JPEG" in " ".join(card.defects)) == ("jpeg" in name)


@pytest.mark.parametrize("name", FILES)
def test_another_source_is_misuse(name: str, tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="neither 'official' nor a file"):
        datasets.load(name, source="nowhere.h5", root=tmp_path)


def test_photographs_are_never_drawn(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="none are drawn"):
        datasets.load("cifar100", source="drawn", root=tmp_path)
    with pytest.raises(Misuse, match="is not drawn"):
        datasets.load("mpi3d-real", source="drawn", root=tmp_path)


def test_a_file_named_by_its_path_is_used_where_it_lies(shared_data: Path, tmp_path: Path) -> None:
    dataset = datasets.load("cifar10-jpeg", source=str(shared_data / "cifar10_jpeg.npz"), root=tmp_path)
    assert (dataset.size, dataset.shape, dataset.splits["test"]) == (60_000, (3, 32, 32), (50_000, 60_000))
    assert dataset.digest == CATALOGUE["cifar10-jpeg"].published["sha256"]
    assert not (tmp_path / "raw").exists()
    with np.load(shared_data / "cifar10_jpeg.npz") as file:
        offsets, content = file["offsets"], file["jpeg"].tobytes()
    some = torch.tensor([0, 12_345, 50_000, 59_999])
    for i, pixels in zip(some.tolist(), dataset.render(some), strict=True):
        wanted = np.asarray(Image.open(io.BytesIO(content[offsets[i] : offsets[i + 1]])))
        assert np.array_equal((pixels * 255).round().byte().permute(1, 2, 0).numpy(), wanted)


def test_the_wrong_file_named_by_its_path_is_a_fault(tmp_path: Path) -> None:
    sound_npz(tmp_path / "mine.npz")
    with pytest.raises(Fault, match=r"its md5 is [0-9a-f]{32}, the published one is 55889cb7.*--sha256 [0-9a-f]{64}"):
        datasets.load("mpi3d-toy", source=str(tmp_path / "mine.npz"), root=tmp_path / "data")

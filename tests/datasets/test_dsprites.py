"""dSprites: drawn as the official animation shows them, or adopted from the official file and nothing else."""

from __future__ import annotations

import dataclasses
import hashlib
import pickle
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from betavae import datasets
from betavae.datasets import dsprites
from betavae.datasets.drawn.sprites import FACTORS, corners, fill
from betavae.datasets.files import cache, formats
from betavae.datasets.files.catalogue import CATALOGUE
from betavae.datasets.files.manifests import Spec
from betavae.datasets.files.official import Origin, confirmed, origin
from betavae.errors import Fault, Misuse
from betavae.factors import Factors
from betavae.rng import generator

GRID = Factors(("shape", "posX"), (3, 4))
ON_THE_WHOLE = "a633ec1c60535b2cb0ddce1eff200fe7d64356ac276023214a64274c9db8e6ee"


@pytest.fixture(scope="module")
def drawn():
    return datasets.load("dsprites", source="drawn")


@pytest.fixture(scope="module")
def packed(drawn):
    def never(out):
        raise AssertionError("it was loaded just now")

    grid = dict(zip(*FACTORS, strict=True))
    return cache.ready("dsprites", Spec((FACTORS.size, 512), "u1", dsprites.RECIPE, dsprites.VERSION, grid), never)


def test_the_official_animation_is_drawn_bit_for_bit(shared_data, drawn):
    with np.load(shared_data / "dsprites_frames.npz") as file:
        frames, latents = file["frames"], file["latents"]
    images = drawn.render(FACTORS.index(torch.from_numpy(latents.astype(np.int64))))
    assert np.array_equal(images[:, 0].numpy(), frames)


def test_a_square_covers_the_pixels_counted_by_hand(drawn):
    """Scale 1 about (16, 16): from 6.4 to 25.6, so the centres 6.5 to 25.5, twenty each way."""
    square = drawn.render(FACTORS.index(torch.tensor([0, 5, 0, 0, 0])))
    by_hand = torch.zeros(1, 64, 64)
    by_hand[0, 6:26, 6:26] = 1
    assert torch.equal(square, by_hand)


def test_a_centre_on_an_edge_is_in_on_the_left_and_top_only():
    """Corners on the centres of pixels 0 and 2: columns and rows 0 and 1 are in."""
    x, y = np.array([[128, 640, 640, 128]]), np.array([[128, 128, 640, 640]])
    words = fill(x.astype(np.int32), y.astype(np.int32))[0, 0]
    assert [f"{int(word):064b}"[:4] for word in words[:4]] == ["1100", "1100", "0000", "0000"]
    assert not words[2:].any()


def inside(corners: list[tuple[int, int]], column: int, row: int) -> bool:
    """The even-odd rule for one pixel, in whole numbers: count the edges crossed on the way in from the left."""
    x, y = 256 * column + 128, 256 * row + 128
    crossed = 0
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        if y0 > y1:
            x0, y0, x1, y1 = x1, y1, x0, y0
        if y0 <= y < y1 and (y - y0) * (x1 - x0) <= (x - x0) * (y1 - y0):
            crossed += 1
    return crossed % 2 == 1


def test_the_scan_lines_agree_with_one_pixel_at_a_time(drawn):
    values = FACTORS.sample(generator("dsprites", "pixels"), (6,))
    values[:, 0] = torch.arange(6) % 3
    for shape, scale, orientation, column, row in values.tolist():
        x, y = corners(shape, scale, orientation)
        outline = list(zip(x[column].tolist(), y[row].tolist(), strict=True))
        slowly = [[float(inside(outline, j, i)) for j in range(64)] for i in range(64)]
        image = drawn.render(FACTORS.index(torch.tensor([shape, scale, orientation, column, row])))
        assert torch.equal(image[0], torch.tensor(slowly))


def hashes(packed: np.ndarray) -> np.ndarray:
    """A 64-bit number for each image: its words, each with a key of its own, mixed and summed."""
    words = packed.view(np.uint64) ^ np.random.default_rng(0).integers(2**64, size=64, dtype=np.uint64, endpoint=False)
    for multiplier in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        words = (words ^ (words >> np.uint64(33))) * np.uint64(multiplier)
    return (words ^ (words >> np.uint64(33))).sum(1)


def test_the_whole_grid_is_the_grid_known(packed):
    """Every image by its sha256; 715,706 different ones, orientation 39 all repeats, others as counted on the card."""
    assert hashlib.sha256(packed).hexdigest() == ON_THE_WHOLE
    names = np.concatenate([hashes(packed[i : i + 4096]) for i in range(0, FACTORS.size, 4096)]).reshape(FACTORS.sizes)
    assert len(np.unique(names)) == 715_706
    assert np.array_equal(names[:, :, 0], names[:, :, 39])
    repeats = [names[shape, :, :39].size - len(np.unique(names[shape, :, :39])) for shape in range(3)]
    assert repeats == [2_620, 522, 0]


def test_packed_pixels_equal_source(drawn, packed):
    index = torch.randint(drawn.size, (100,), generator=generator("dsprites", "packed"))
    pixels = np.unpackbits(packed[index.numpy()], axis=1).reshape(100, 1, 64, 64)
    assert np.array_equal(drawn.render(index).numpy(), pixels)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_gpu_shows_the_same_pixels(drawn):
    there = datasets.load("dsprites", device="cuda")
    index = torch.arange(0, drawn.size, 997)
    assert torch.equal(there.render(index).cpu(), drawn.render(index))


def test_compare_counts_the_images_that_differ(drawn, packed):
    few = Factors(("image",), (1000,))
    altered = np.array(packed[:1000])
    altered[[3, 511, 512, 999], 100] ^= 1
    one, other = (
        dataclasses.replace(
            drawn, size=1000, factors=few, splits={}, renderer=dsprites.unpacked(bits, torch.device("cpu"))
        )
        for bits in (packed[:1000], altered)
    )
    seen = []
    assert dsprites.compare(one, other, 300, lambda done, total: seen.append((done, total))) == 4
    assert seen == [(300, 1000), (600, 1000), (900, 1000), (1000, 1000)]
    assert dsprites.compare(one, one) == 0
    with pytest.raises(ValueError, match="beside"):
        dsprites.compare(one, drawn)


# The official file. Small files of the same build stand in for it; their digests are arguments.


def pictures() -> np.ndarray:
    return np.random.default_rng(5).integers(0, 2, (GRID.size, 64, 64), dtype=np.uint8)


def archive(path: Path, images: np.ndarray, tail: bytes = b"") -> Path:
    """An npz with a pickle beside the images that would leave a file if it were ever read."""

    class Trap:
        def __reduce__(self):
            return (Path.touch, (path.with_name("the pickle was read"),))

    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        metadata = np.lib.format.magic(1, 0) + b"\x46\x00{'descr': '|O', 'fortran_order': False, 'shape': (), }".ljust(
            72
        )
        opened.writestr("metadata.npy", metadata + pickle.dumps(Trap()))
        with opened.open("imgs.npy", "w") as stream:
            np.lib.format.write_array(stream, images)
            stream.write(tail)
    return path


def known(path: Path, published: dict[str, str] | None = None) -> Origin:
    """A file published with these digests, or with its own."""
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    entry = dataclasses.replace(
        CATALOGUE["dsprites"], file=path.name, size=None, published=published or {"sha256": sha256}, ready="small"
    )
    return origin(entry, str(path), path.parent)


def adopted(path: Path, root: Path) -> np.ndarray:
    return dsprites.adopted(known(path), GRID, root)


def hdf5(path: Path, images: np.ndarray) -> Path:
    with h5py.File(path, "w") as file:
        file["imgs"] = images
        file["latents/classes"] = np.zeros((len(images), 2))
    return path


@pytest.mark.parametrize(("write", "suffix"), [(archive, ".npz"), (hdf5, ".hdf5")])
def test_an_official_file_is_packed_whole_and_its_pickle_left_shut(tmp_path, write, suffix):
    packed = adopted(write(tmp_path / f"file{suffix}", pictures()), tmp_path)
    assert np.array_equal(np.unpackbits(packed, axis=1).reshape(-1, 64, 64), pictures())
    assert not (tmp_path / "the pickle was read").exists()


def test_files_longer_than_one_block_are_packed_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "BLOCK", 5 * 4096)
    packed = adopted(archive(tmp_path / "file.npz", pictures()), tmp_path)
    assert np.array_equal(np.unpackbits(packed, axis=1).reshape(-1, 64, 64), pictures())


def test_a_file_is_known_by_the_hash_that_git_prints(tmp_path):
    path = archive(tmp_path / "file.npz", pictures())
    content = path.read_bytes()
    blob = hashlib.sha1(b"blob " + str(len(content)).encode() + b"\0" + content).hexdigest()
    assert len(dsprites.adopted(known(path, {"git-blob-sha1": blob}), GRID, tmp_path)) == GRID.size
    with pytest.raises(Fault, match=blob):
        datasets.load("dsprites", source=str(path), root=tmp_path)  # of the same form, but not the file published


def test_a_file_that_changed_after_it_was_found_is_refused(tmp_path):
    file = known(archive(tmp_path / "file.npz", pictures()))
    archive(tmp_path / "file.npz", 1 - pictures())
    with pytest.raises(Fault, match=file.sha256):
        dsprites.adopted(file, GRID, tmp_path)


@pytest.mark.parametrize(
    ("images", "tail"),
    [
        (pictures()[:-1], b""),
        (pictures().astype(np.int64), b""),
        (np.asfortranarray(pictures()), b""),
        (np.full((GRID.size, 64, 64), 255, np.uint8), b""),
        (pictures(), b"more"),
        (pictures().astype(object), b""),
    ],
    ids=["shape", "dtype", "order", "values", "oversize", "objects"],
)
def test_images_of_another_build_are_refused_and_nothing_is_left(tmp_path, images, tail):
    path = archive(tmp_path / "file.npz", images, tail)
    with pytest.raises(Fault, match=str(path)):
        adopted(path, tmp_path)
    assert list((tmp_path / "ready/small").iterdir()) == []


def test_a_source_is_drawn_official_or_a_path(tmp_path):
    with pytest.raises(Misuse, match="wanted 'drawn', 'official', or the path"):
        datasets.load("dsprites", source="offical", root=tmp_path)
    with pytest.raises(Fault, match="betavae data fetch dsprites"):
        datasets.load("dsprites", source="official", root=tmp_path)


def test_either_form_in_raw_is_the_official_file(tmp_path, monkeypatch, packed):
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / CATALOGUE["dsprites-hdf5"].file).write_bytes(b"")
    file = dsprites.found("official", tmp_path)
    assert file.entry.name == "dsprites-hdf5"
    monkeypatch.setattr(dsprites, "adopted", lambda *_: packed)
    official = datasets.load("dsprites", source="official", root=tmp_path)
    assert (official.name, official.source, official.digest) == ("dsprites", "official", file.sha256)
    assert file.sha256 == "729fa22e884c9c500e1f17415d580746b4c5894fbbb780a1319bbcfa39a745bb"
    with pytest.raises(Fault, match=file.sha256):
        confirmed(file)

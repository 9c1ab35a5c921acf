"""A maker of files that lie, break or attack, in the formats of the official files.

Each table maps a name to ``(make, words)``: ``make(path)`` writes the file and ``words`` must be in the one message
that refuses it. All pretend to hold six images; ``sound_*`` write the honest file they are variants of.
"""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from PIL import Image

COUNT = 6
SHAPE = (COUNT, 64, 64, 3)
BATCHES = {"batches/train.bin": 4, "batches/test.bin": 2}  # members and their records of one label and 3,072 pixels
Table = dict[str, tuple[Callable[[Path], object], str]]


def images(shape: tuple[int, ...] = SHAPE, seed: int = 0) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def npy_text(header: str, body: bytes = b"", version: int = 1) -> bytes:
    text = header.encode() + b"\n"
    length = struct.pack("<H", len(text)) if version == 1 else struct.pack("<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + body


def npy_says(shape: object, descr: str = "|u1", fortran: bool = False, body: bytes = b"") -> bytes:
    return npy_text(repr({"descr": descr, "fortran_order": fortran, "shape": shape}), body)


def npz(path: Path, members: Mapping[str, bytes], packed: bool = True) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def sound_npz(path: Path) -> None:
    npz(path, {"images.npy": npy(images())})


def _twice(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", npy(images()))
        archive.filelist.append(archive.filelist[0])


def _patched(change: Callable[[bytearray], object], packed: bool = False) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        npz(path, {"images.npy": npy(images())}, packed)
        content = bytearray(path.read_bytes())
        change(content)
        path.write_bytes(content)

    return make


def _directory(offset: int, value: int) -> Callable[[bytearray], object]:
    """Set a byte of the entry in the zip's central directory."""

    def change(content: bytearray) -> None:
        content[content.rindex(b"PK\1\2") + offset] = value

    return change


def _pickle() -> bytes:
    return npy_says((COUNT,), "|O", body=pickle.dumps([print] * COUNT))


NPZ: Table = {
    "pickled objects": (lambda p: npz(p, {"images.npy": _pickle()}), "pickles are never opened"),
    "pickled objects of the right size": (
        lambda p: npz(p, {"images.npy": npy_says(SHAPE, "|O", body=_pickle().ljust(COUNT * 12288, b"\0"))}),
        "pickles are never opened",
    ),
    "columns first": (
        lambda p: npz(p, {"images.npy": npy_says(SHAPE, fortran=True, body=images().tobytes())}),
        "Fortran",
    ),
    "other dtype": (lambda p: npz(p, {"images.npy": npy(images((COUNT, 64, 64, 3)).view(np.int8))}), "dtype int8"),
    "other shape": (lambda p: npz(p, {"images.npy": npy(images((COUNT, 3, 64, 64)))}), "shape (6, 3, 64, 64)"),
    "too few": (lambda p: npz(p, {"images.npy": npy(images((5, 64, 64, 3)))}), "wanted 73,728"),
    "unpacks to far more": (
        lambda p: npz(p, {"images.npy": npy_says(SHAPE, body=bytes(200_000_000))}),
        "wanted 73,728",
    ),
    "declares far more": (
        lambda p: npz(p, {"images.npy": npy_says((10**15, 64, 64, 3), body=images().tobytes())}),
        "shape (1000000000000000, 64, 64, 3)",
    ),
    "a negative size": (lambda p: npz(p, {"images.npy": npy_says((-6, 64, 64, 3), body=images().tobytes())}), "shape"),
    "shorter than declared": (_patched(_directory(26, 0)), "wanted 73,728"),
    "another member": (lambda p: npz(p, {"images.npy": npy(images()), "run.py": b""}), "run.py"),
    "a path upwards": (lambda p: npz(p, {"images.npy": npy(images()), "../../x": b""}), "../../x"),
    "no images": (lambda p: npz(p, {"labels.npy": npy(images())}), "labels.npy"),
    "nothing": (lambda p: npz(p, {}), "0 members"),
    "the images twice": (_twice, "2 members"),
    "cut in half": (lambda p: (sound_npz(p), p.write_bytes(p.read_bytes()[:30_000])), "not a sound npz"),
    "a flipped bit": (_patched(lambda c: c.__setitem__(5000, c[5000] ^ 1)), "CRC"),
    "a flipped bit of packed data": (
        _patched(lambda c: c.__setitem__(5000, c[5000] ^ 1), packed=True),
        "not a sound npz",
    ),
    "encrypted": (_patched(_directory(8, 1)), "encryption"),
    "unknown compression": (_patched(_directory(10, 99)), "compression"),
    "a web page": (lambda p: p.write_bytes(b"<!DOCTYPE html><html>log in</html>"), "not a sound npz"),
    "empty": (lambda p: p.write_bytes(b""), "not a sound npz"),
    "a header that is code": (
        lambda p: npz(p, {"images.npy": npy_text("__import__('os').abort()", images().tobytes())}),
        "header",
    ),
    "a header of brackets": (lambda p: npz(p, {"images.npy": npy_text("(" * 3000, images().tobytes())}), "header"),
    "an endless header": (
        lambda p: npz(p, {"images.npy": npy_text(" " * 50_000, images().tobytes()[:24_000])}),
        "header",
    ),
    "a later version": (lambda p: npz(p, {"images.npy": npy_text("{}", images().tobytes(), version=3)}), "version"),
}


def records(count: int, seed: int = 0) -> bytes:
    """``count`` records of one label below 10 and 3,072 pixels."""
    table = images((count, 3073), seed)
    table[:, 0] %= 10
    return table.tobytes()


def member(
    name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = ""
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = len(content), kind, link
    return info, content


def sound_members() -> list[tuple[tarfile.TarInfo, bytes]]:
    """The honest members, the test split first."""
    train, test = BATCHES.values()
    return [
        member("batches", kind=tarfile.DIRTYPE),
        member("batches/test.bin", records(test, seed=1)),
        member("batches/readme.html", b"<html>hello</html>"),
        member("batches/train.bin", records(train, seed=2)),
    ]


def tar(path: Path, members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))


def _tar_with(*more: tuple[tarfile.TarInfo, bytes]) -> Callable[[Path], None]:
    return lambda path: tar(path, [*sound_members(), *more])


def _tar_in_place_of(name: str, other: tuple[tarfile.TarInfo, bytes] | None) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        kept = [(info, content) for info, content in sound_members() if info.name != name]
        tar(path, [*kept, *([other] if other else [])])

    return make


def _long_name(path: Path) -> None:
    """A header that announces a name of 300 MB, all zeros: small when packed."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 300_000_000
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(info.tobuf(tarfile.GNU_FORMAT))
        for _ in range(300):
            file.write(bytes(1_000_000))


def _half(path: Path) -> None:
    tar(path, sound_members())
    path.write_bytes(path.read_bytes()[:9_000])


TAR: Table = {
    "a path upwards": (_tar_with(member("../escaped.bin", b"x")), "outside its folder"),
    "a path up from within": (_tar_with(member("batches/../../escaped.bin", b"x")), "outside its folder"),
    "an absolute path": (_tar_with(member("/tmp/escaped.bin", b"x")), "outside its folder"),
    "a symbolic link": (_tar_with(member("batches/link", kind=tarfile.SYMTYPE, link="/etc/passwd")), "a link"),
    "a hard link": (_tar_with(member("batches/link", kind=tarfile.LNKTYPE, link="/etc/passwd")), "a link"),
    "a device": (_tar_with(member("batches/null", kind=tarfile.CHRTYPE)), "device"),
    "a link for a batch": (
        _tar_in_place_of("batches/test.bin", member("batches/test.bin", kind=tarfile.SYMTYPE, link="/etc/passwd")),
        "a link",
    ),
    "a short batch": (_tar_in_place_of("batches/test.bin", member("batches/test.bin", records(1))), "3,073 bytes"),
    "a long batch": (_tar_in_place_of("batches/test.bin", member("batches/test.bin", records(3))), "9,219 bytes"),
    "no test split": (_tar_in_place_of("batches/test.bin", None), "no batches/test.bin"),
    "a batch twice": (_tar_with(member("batches/test.bin", records(2))), "twice"),
    "a large stranger": (_tar_with(member("batches/big.bin", bytes(8_000_000))), "8,000,000 bytes"),
    "many members": (_tar_with(*(member(f"batches/{k}") for k in range(100))), "more than 64 members"),
    "a name of 300 MB": (_long_name, "unpacked"),
    "a label out of range": (
        _tar_in_place_of("batches/test.bin", member("batches/test.bin", b"\xff" * 2 * 3073)),
        "label 255",
    ),
    "cut in half": (_half, "not a sound tar.gz"),
    "not packed": (lambda p: p.write_bytes(b"batches" * 1000), "not a sound tar.gz"),
    "packed noise": (lambda p: p.write_bytes(gzip.compress(images((5000,)).tobytes())), "not a sound tar.gz"),
    "empty": (lambda p: p.write_bytes(b""), "sound tar.gz"),
}


def h5(path: Path, fill: Callable[[h5py.File], object]) -> None:
    with h5py.File(path, "w") as file:
        fill(file)


def sound_h5(path: Path) -> None:
    """The honest file, in chunks that cut through images as the library chooses them."""
    pixels = images()
    h5(path, lambda f: (f.create_dataset("images", data=pixels, chunks=(4, 8, 16, 1), compression="gzip"),
                        f.create_dataset("labels", data=np.zeros((COUNT, 6)))))  # fmt: skip


def _virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout(SHAPE, "uint8")
    layout[:] = h5py.VirtualSource("/etc/elsewhere.h5", "images", shape=SHAPE)
    file.create_virtual_dataset("images", layout)


def _cut_h5(path: Path) -> None:
    sound_h5(path)
    path.write_bytes(path.read_bytes()[:20_000])


H5: Table = {
    "a link to another file": (
        lambda p: h5(p, lambda f: f.__setitem__("images", h5py.ExternalLink("/etc/elsewhere.h5", "/images"))),
        "ExternalLink",
    ),
    "a link within": (lambda p: h5(p, lambda f: f.__setitem__("images", h5py.SoftLink("/labels"))), "SoftLink"),
    "storage elsewhere": (
        lambda p: h5(p, lambda f: f.create_dataset("images", SHAPE, "uint8", external=[("/etc/passwd", 0, 73728)])),
        "other files",
    ),
    "a virtual dataset": (lambda p: h5(p, _virtual), "other files"),
    "other dtype": (lambda p: h5(p, lambda f: f.create_dataset("images", SHAPE, "float64")), "dtype float64"),
    "objects": (lambda p: h5(p, lambda f: f.create_dataset("images", (COUNT,), h5py.string_dtype())), "dtype object"),
    "other shape": (lambda p: h5(p, lambda f: f.create_dataset("images", (5, 64, 64, 3), "uint8")), "shape (5,"),
    "declares far more": (
        lambda p: h5(p, lambda f: f.create_dataset("images", (10**12, 64, 64, 3), "uint8", chunks=(1, 64, 64, 3))),
        "shape (1000000000000,",
    ),
    "a strange filter": (
        lambda p: h5(p, lambda f: f.create_dataset("images", SHAPE, "uint8", chunks=True, scaleoffset=0)),
        "filters",
    ),
    "a group": (lambda p: h5(p, lambda f: f.create_group("images")), "Group"),
    "no images": (lambda p: h5(p, lambda f: f.create_group("labels")), "images"),
    "another member": (
        lambda p: h5(p, lambda f: (f.create_dataset("images", data=images()), f.create_group("more"))),
        "more",
    ),
    "cut in half": (_cut_h5, "not a sound HDF5"),
    "a web page": (lambda p: p.write_bytes(b"<html>" + bytes(4000)), "not a sound HDF5"),
    "empty": (lambda p: p.write_bytes(b""), "not a sound HDF5"),
}


def jpeg(pixels: Any, kind: str = "JPEG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def copies(path: Path, files: list[bytes], offsets: list[int] | None = None) -> None:
    """An .npz of JPEG copies, its bounds honest unless given."""
    bounds = np.cumsum([0, *map(len, files)]) if offsets is None else np.array(offsets)
    content = np.frombuffer(b"".join(files), np.uint8)
    members = {
        "jpeg": content,
        "offsets": bounds.astype(np.uint32),
        "labels": np.zeros(6, np.uint8),
        "n_train": np.array(4),
    }
    npz(path, {f"{name}.npy": npy(array) for name, array in members.items()})


def sound_jpegs() -> list[bytes]:
    return [jpeg(pixels) for pixels in images((COUNT, 32, 32, 3))]


def _jpegs_with(other: bytes) -> Callable[[Path], None]:
    return lambda path: copies(path, [*sound_jpegs()[:5], other])


def _vast() -> bytes:
    """A JPEG whose header says 60,000 x 60,000 pixels."""
    content = bytearray(jpeg(images((32, 32, 3))))
    place = content.index(b"\xff\xc0") + 5
    content[place : place + 4] = struct.pack(">HH", 60_000, 60_000)
    return bytes(content)


COPIES: Table = {
    "another size": (_jpegs_with(jpeg(images((33, 32, 3)))), "size (32, 33)"),
    "grey": (_jpegs_with(jpeg(images((32, 32)))), "mode L"),
    "a PNG": (_jpegs_with(jpeg(images((32, 32, 3)), "PNG")), "not a sound JPEG"),
    "noise": (_jpegs_with(images((900,)).tobytes()), "not a sound JPEG"),
    "a cut JPEG": (_jpegs_with(sound_jpegs()[5][:-300]), "not a sound JPEG"),
    "vast when decoded": (_jpegs_with(_vast()), "image 5"),
    "bounds that fall": (lambda p: copies(p, sound_jpegs(), [0, 900, 800, 1500, 2000, 3000, 5000]), "offsets"),
    "bounds beyond the end": (lambda p: copies(p, sound_jpegs(), [0, 1, 2, 3, 4, 5, 10**9]), "offsets"),
    "too few": (lambda p: copies(p, sound_jpegs()[:5]), "offsets"),
}

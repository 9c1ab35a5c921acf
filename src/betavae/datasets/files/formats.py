"""Reading the formats of official files with limits: what a file declares is checked before anything is unpacked.

No pickle is ever opened, nothing is extracted to disk, only members named here are read, and no more bytes than were
agreed. Whatever is wrong becomes one Fault that names the file, the place, what is there and what should be.
"""

from __future__ import annotations

import gzip
import io
import math
import struct
import tarfile
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

from betavae.errors import Fault

if TYPE_CHECKING:
    from betavae.types import Array

HEADER = 4096  # bytes of a .npy header that are read at most
BLOCK = 32 << 20  # bytes of images handed on at a time
SLACK = 4 << 20  # bytes a tar may hold besides its wanted members
MEMBERS = 64  # members an archive may have
NPY = b"\x93NUMPY"
_BROKEN = (
    OSError, EOFError, ValueError, TypeError, KeyError, OverflowError, RuntimeError, MemoryError, SyntaxError,
    NotImplementedError, struct.error, zlib.error, zipfile.BadZipFile, tarfile.TarError, tokenize.TokenError,
)  # fmt: skip


class Declared(NamedTuple):
    """What a .npy header says of the array behind it."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def npz_declared(path: Path, member: str, beside: Collection[str] = ()) -> Declared:
    """What an .npz file declares of one of its arrays, without unpacking it. Raises Fault."""
    with _readable(path, "npz file"), zipfile.ZipFile(path) as archive:
        info = _member(archive, path, member, beside)
        with archive.open(info) as stream:
            return _header(stream, f"{path}: {member}")


def npz_rows(
    path: Path, member: str, shape: tuple[int, ...], dtype: str = "uint8", beside: Collection[str] = ()
) -> Iterator[Array]:
    """Blocks of rows of one array of an .npz file, in order, once its declared shape and dtype are those given.

    ``beside`` names the other members that may be there; they are not opened. Raises Fault.
    """
    place = f"{path}: {member}"
    row = math.prod(shape[1:]) * np.dtype(dtype).itemsize
    count = max(1, BLOCK // max(1, row))
    with _readable(path, "npz file"), zipfile.ZipFile(path) as archive:
        info = _member(archive, path, member, beside)
        size = shape[0] * row
        _expect(size <= info.file_size <= size + HEADER, place, f"{info.file_size:,} bytes", f"{size:,} and a header")
        with archive.open(info) as stream:
            found = _header(stream, place)
            _expect(found.shape == shape, place, f"shape {found.shape}", f"{shape}")
            _expect(found.dtype == np.dtype(dtype), place, f"dtype {found.dtype}", dtype)
            for start in range(0, shape[0], count):
                rows = min(count, shape[0] - start)
                content = _exactly(stream, rows * row, place)
                yield np.frombuffer(content, found.dtype).reshape(rows, *shape[1:])
            more = stream.read(1)  # at the end of a member its CRC is checked
            _expect(not more, place, "bytes after the array", "nothing")


def npz_array(path: Path, member: str, shape: tuple[int, ...], dtype: str, beside: Collection[str] = ()) -> Array:
    """One small array of an .npz file, as ``npz_rows`` reads it."""
    return np.concatenate(list(npz_rows(path, member, shape, dtype, beside)))


def npy_mapped(path: Path) -> Array:
    """A .npy file of numbers, memory-mapped and read-only. Raises Fault where it is anything else."""
    with _readable(path, ".npy file of numbers"):
        with open(path, "rb") as file:
            begins = file.read(len(NPY))
            if begins != NPY:
                what = begins + file.read(512)
                kind = (
                    "a web page"
                    if looks_like_a_page(what)
                    else "an archive of several"
                    if what[:4] == b"PK\x03\x04"
                    else "none"
                )
                raise ValueError(f"it is {kind}; numpy.save writes one")
            file.seek(0)
            _header(file, str(path), columns=True)
        return np.load(path, mmap_mode="r", allow_pickle=False)  # type: ignore[no-any-return]


def looks_like_a_page(start: bytes) -> bool:
    """Whether a file begins like a web page, as a log-in or error page does."""
    return start.lstrip().lower().startswith((b"<!doctype", b"<html", b"<head", b"<?xml"))


def tar_members(path: Path, wanted: Mapping[str, int]) -> Iterator[tuple[str, bytes]]:
    """The wanted members (name to size) of a .tar.gz in the order they come, read from the stream and never extracted.

    Small ordinary files and folders within the wanted members' folders are passed over. Anything else, a link, a device
    or a path that leads elsewhere, is refused. Raises Fault, also where a wanted member is missing or comes twice.
    """
    left = dict(wanted)
    homes = {name.rpartition("/")[0] for name in wanted}
    with _readable(path, "tar.gz file"), gzip.open(path, "rb") as unpacked:
        limited = _Limited(unpacked, sum(wanted.values()) + SLACK, path)
        with tarfile.open(fileobj=limited, mode="r|", bufsize=1 << 16) as archive:
            for number, info in enumerate(archive):
                place = f"{path}: {info.name!r}"
                _expect(number < MEMBERS, place, f"more than {MEMBERS} members", "a handful")
                home = info.name if info.isdir() else info.name.rpartition("/")[0]
                ordinary = info.isdir() or (info.isreg() and not info.issparse())
                _expect(ordinary, place, "a link, a device or a sparse file", "an ordinary file")
                _expect(home in homes, place, "a path outside its folder", " or ".join(sorted(homes)))
                if info.name in left:
                    size = left.pop(info.name)
                    _expect(info.size == size, place, f"{info.size:,} bytes", f"{size:,}")
                    content = archive.extractfile(info)
                    assert content is not None, "an ordinary file has content"
                    yield info.name, _exactly(content, size, place)
                else:
                    _expect(info.name not in wanted, place, "the same member twice", "once")
                    _expect(info.size < SLACK, place, f"{info.size:,} bytes", f"less than {SLACK:,}")
    _expect(not left, str(path), f"no {', '.join(left)}", "it")


def h5_rows(path: Path, name: str, shape: tuple[int, ...], beside: Collection[str] = ()) -> Iterator[Array]:
    """Blocks of rows of one uint8 dataset of an HDF5 file, in order, once it is declared as given.

    Refused are links to other files, external or virtual storage, other members, and filters besides the four that
    come with the library. Raises Fault.
    """
    import h5py

    place = f"{path}: {name}"
    row = math.prod(shape[1:])
    with _readable(path, "HDF5 file"), h5py.File(path, "r") as file:
        strange = set(file) - {name, *beside}
        _expect(not strange, str(path), f"members {sorted(strange)[:5]}", f"only {sorted({name, *beside})}")
        link = file.get(name, getlink=True)
        _expect(isinstance(link, h5py.HardLink), place, f"{type(link).__name__}", "a dataset of this file")
        data = file[name]
        _expect(isinstance(data, h5py.Dataset), place, f"a {type(data).__name__}", "a dataset")
        _expect(data.dtype == np.uint8, place, f"dtype {data.dtype}", "uint8")
        _expect(data.shape == shape, place, f"shape {data.shape}", f"{shape}")
        _expect(not data.external and not data.is_virtual, place, "storage in other files", "storage in this one")
        layout = data.id.get_create_plist()
        filters = {layout.get_filter(k)[0] for k in range(layout.get_nfilters())}
        known = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32, h5py.h5z.FILTER_LZF}
        _expect(filters <= known, place, f"filters {sorted(filters - known)}", "gzip, shuffle, fletcher32 or lzf")
        deep = data.chunks[0] if data.chunks else 1
        _expect(deep * row <= 1 << 30, place, f"chunks of {deep:,} rows", "chunks below 1 GiB")
        count = deep * max(1, BLOCK // (deep * row))  # whole chunks: each is unpacked once
        for start in range(0, shape[0], count):
            yield np.asarray(data[start : start + count])


class _Limited(io.RawIOBase):
    """A stream that refuses to give more than was agreed: a small file may unpack to any size."""

    def __init__(self, stream: gzip.GzipFile, limit: int, path: Path) -> None:
        self.stream, self.left, self.path, self.limit = stream, limit, path, limit

    def read(self, size: int = -1) -> bytes:
        content = self.stream.read(min(size, self.left + 1) if size >= 0 else self.left + 1)
        self.left -= len(content)
        _expect(self.left >= 0, str(self.path), f"more than {self.limit:,} bytes unpacked", "no more")
        return content


@contextmanager
def _readable(path: Path, kind: str) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        text = " ".join(str(error).split())[:200] or type(error).__name__
        raise Fault(f"{path} is not a sound {kind}: {text}") from error


def _expect(holds: bool, place: str, given: str, wanted: str) -> None:
    if not holds:
        raise Fault(f"{place}: has {given[:120]}{'…' if len(given) > 120 else ''}, wanted {wanted}")


def _member(archive: zipfile.ZipFile, path: Path, member: str, beside: Collection[str]) -> zipfile.ZipInfo:
    infos = archive.infolist()
    _expect(len(infos) <= MEMBERS, str(path), f"{len(infos)} members", "a handful")
    names = [info.filename for info in infos]
    strange = set(names) - {member, *beside}
    _expect(not strange, str(path), f"members {sorted(strange)[:5]}", f"only {sorted({member, *beside})}")
    _expect(names.count(member) == 1, str(path), f"{names.count(member)} members {member!r}", "one")
    info = infos[names.index(member)]
    _expect(not info.flag_bits & 1, f"{path}: {member}", "encryption", "none")
    packed = info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    _expect(packed, f"{path}: {member}", f"compression {info.compress_type}", "none or deflate")
    return info


def _header(stream: IO[bytes], place: str, columns: bool = False) -> Declared:
    version = np.lib.format.read_magic(stream)
    _expect(version in ((1, 0), (2, 0)), place, f".npy version {version}", "1.0 or 2.0")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # NumPy remarks on headers that Python 2 wrote
            shape, fortran, dtype = read(stream, max_header_size=HEADER)
    except _BROKEN as error:
        raise Fault(f"{place}: has a header that is not one of .npy ({' '.join(str(error).split())[:120]})") from error
    _expect(not dtype.hasobject, place, "pickled objects", "numbers; pickles are never opened")
    _expect(columns or not fortran or len(shape) < 2, place, "columns first (Fortran order)", "rows first")
    return Declared(tuple(int(size) for size in shape), dtype)


def _exactly(stream: IO[bytes], size: int, place: str) -> bytes:
    content = bytearray()
    while len(content) < size:
        more = stream.read(min(size - len(content), 1 << 20))
        _expect(bool(more), place, f"an end {size - len(content):,} bytes early", "all of it")
        content += more
    return bytes(content)

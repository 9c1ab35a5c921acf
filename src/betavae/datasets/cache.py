"""Ready arrays on disk: made once, checked whenever they are opened, memory-mapped and never written again.

Inside the data folder, ``raw/`` holds files as they were published and ``ready/<name>/`` an array made from them (or
drawn): ``images.npy`` beside a ``manifest.json`` that says what it is and holds the digests of its content.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from betavae.datasets.archives import npy_mapped
from betavae.errors import Fault

if TYPE_CHECKING:
    from betavae.types import Array

BLOCK = 1 << 24  # bytes hashed at a time
WHOLE = 1 << 30  # up to this size all blocks are checked at every opening
SAMPLED = 32  # above it, this many besides the first and the last


class Spec(NamedTuple):
    """What a ready array is: two arrays with equal specs are the same array.

    ``source`` is the sha256 of the official file or the name of the drawing recipe, ``version`` that of the converter
    or recipe, ``grid`` the factors' names and sizes (empty where there are none).
    """

    shape: tuple[int, ...]
    dtype: str
    source: str
    version: int
    grid: Mapping[str, int]

    def plain(self) -> dict[str, Any]:
        """The spec as the manifest holds it."""
        return {
            "source": self.source,
            "version": self.version,
            "shape": list(self.shape),
            "dtype": np.dtype(self.dtype).str,
            "grid": [[name, size] for name, size in self.grid.items()],
        }


def folder(root: str | Path | None = None) -> Path:
    """The data folder: ``root``, else the environment's BETAVAE_DATA, else the user's cache folder."""
    named = root or os.environ.get("BETAVAE_DATA")
    if named:
        return Path(named).expanduser()
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("betavae"))


def ready(name: str, spec: Spec, build: Callable[[Array], None], root: str | Path | None = None) -> Array:
    """The array ``ready/<name>/images.npy``, memory-mapped and read-only; ``build(out)`` fills it where it is absent.

    An array of another spec is replaced; whoever has the old one open keeps it. Where the array is ready, nothing is
    written. Raises Fault where the file is not what was written, where it must be made but the folder is read-only, or
    where the disk is full.
    """
    home = folder(root) / "ready" / name
    try:
        array = _opened(home, spec)
    except Fault:
        array = None  # perhaps it is being replaced at this moment: look again under the lock
    if array is not None:
        return array
    with _locked(home) as refusal:
        array = _opened(home, spec)
        if array is not None:
            return array
        if refusal is not None:
            raise Fault(
                f"{home} does not hold {name!r} of version {spec.version} and cannot be written ({refusal}); "
                "name a data folder that can be: set BETAVAE_DATA, or give root"
            )
        _make(home, spec, build)
        return _mapped(home, spec)


def verify(name: str, root: str | Path | None = None) -> str:
    """The sha256 of ``ready/<name>/images.npy`` after checking all of it against its manifest. Raises Fault."""
    home = folder(root) / "ready" / name
    manifest = _manifest(home)
    if manifest is None or not _images(home).is_file():
        raise Fault(f"{home} holds no ready array; it is made when the dataset is first loaded")
    _check(home, manifest, range(len(manifest["blocks"])))
    return str(manifest["sha256"])


def _images(home: Path) -> Path:
    return home / "images.npy"


def _mapped(home: Path, spec: Spec) -> Array:
    try:
        array = npy_mapped(_images(home))
    except Fault as fault:
        raise Fault(f"{fault}; {_remedy(home)}") from None
    if array.shape != tuple(spec.shape) or array.dtype != np.dtype(spec.dtype):
        raise Fault(
            f"{_images(home)} has shape {array.shape} of {array.dtype}, wanted {tuple(spec.shape)} of "
            f"{np.dtype(spec.dtype)}; {_remedy(home)}"
        )
    return array


def _opened(home: Path, spec: Spec) -> Array | None:
    """The checked array, or None where it is absent, of another spec, or replaced while it was being opened."""
    manifest = _manifest(home)
    if manifest is None or any(manifest.get(key) != value for key, value in spec.plain().items()):
        return None
    try:
        _check(home, manifest, _blocks_to_check(home.name, manifest))
        array = _mapped(home, spec)
    except FileNotFoundError:
        return None
    # A writer removes the old manifest before it touches the array, so an unchanged manifest means an unchanged array.
    return array if _manifest(home) == manifest else None


def _manifest(home: Path) -> dict[str, Any] | None:
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
        raise Fault(f"{file} is not a manifest ({type(error).__name__}: {reason}); {_remedy(home)}") from error
    return dict(manifest)


def _remedy(home: Path) -> str:
    return f"delete {home} and it is made again when next loaded (`betavae data verify` checks every ready array)"


def _blocks_to_check(name: str, manifest: dict[str, Any]) -> Iterable[int]:
    count = len(manifest["blocks"])
    if manifest["bytes"] <= WHOLE or count <= SAMPLED + 2:
        return range(count)
    from betavae.rng import numpy_generator  # here, since it brings torch and small arrays do without

    drawn = numpy_generator("cache", name).choice(np.arange(1, count - 1), SAMPLED, replace=False)
    return sorted({0, count - 1, *map(int, drawn)})


def _check(home: Path, manifest: dict[str, Any], blocks: Iterable[int]) -> None:
    if _images(home).exists() and not _images(home).is_file():
        raise Fault(f"{_images(home)} is not an ordinary file; {_remedy(home)}")
    with open(_images(home), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size != manifest["bytes"]:
            raise _altered(home, manifest, f"{size} bytes, where {manifest['bytes']} were written")
        for block in blocks:
            file.seek(block * BLOCK)
            if hashlib.sha256(file.read(BLOCK)).hexdigest() != manifest["blocks"][block]:
                raise _altered(home, manifest, f"block {block} (from byte {block * BLOCK}) differs")


def _altered(home: Path, manifest: dict[str, Any], what: str) -> Fault:
    found, _ = _digests(_images(home))
    return Fault(
        f"{_images(home)} is not what was written: {what}; "
        f"its sha256 is {found}, the manifest says {manifest['sha256']}; {_remedy(home)}"
    )


def _digests(path: Path) -> tuple[str, list[str]]:
    """The sha256 of a file, and that of each of its blocks."""
    whole, blocks = hashlib.sha256(), []
    with open(path, "rb") as file:
        while content := file.read(BLOCK):
            whole.update(content)
            blocks.append(hashlib.sha256(content).hexdigest())
    return whole.hexdigest(), blocks


@contextmanager
def _locked(home: Path) -> Iterator[str | None]:
    """Hold the lock of one ready array; gives the reason where the folder cannot be written.

    The lock lies beside the folder, so that deleting the folder takes no lock away; the system frees it if we die.
    """
    lock = home.with_name(home.name + ".lock")
    handle, refusal = -1, None
    try:
        home.mkdir(parents=True, exist_ok=True)
        refusal = None if os.access(home, os.W_OK | os.X_OK) else "permission denied"
        try:
            handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError:
            handle = os.open(lock, os.O_RDONLY)  # another user's, or a disk mounted read-only
        fcntl.flock(handle, fcntl.LOCK_SH if refusal else fcntl.LOCK_EX)
    except OSError as error:
        refusal = refusal or error.strerror or str(error)
    try:
        yield refusal
    finally:
        if handle >= 0:
            os.close(handle)


def _make(home: Path, spec: Spec, build: Callable[[Array], None]) -> None:
    """Build the array and its manifest under other names, then put both in place."""
    part, draft = home / "images.npy.part", home / "manifest.json.part"
    try:
        _reserve(part, spec)
        out: np.memmap[Any, np.dtype[Any]] = np.lib.format.open_memmap(part, mode="r+")
        build(out)
        out.flush()
        del out
        _sync(part)
        whole, blocks = _digests(part)
        manifest = spec.plain() | {"bytes": part.stat().st_size, "sha256": whole, "blocks": blocks}
        draft.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        _sync(draft)
        (home / "manifest.json").unlink(missing_ok=True)
        os.replace(part, _images(home))
        os.replace(draft, home / "manifest.json")
        _sync(home)
    except OSError as error:
        raise Fault(
            f"could not make {_images(home)} ({_size(spec):,} bytes): {error.strerror or error}; "
            "free some space, or name another data folder: set BETAVAE_DATA, or give root"
        ) from error
    finally:
        part.unlink(missing_ok=True)
        draft.unlink(missing_ok=True)


def _size(spec: Spec) -> int:
    return math.prod(spec.shape) * np.dtype(spec.dtype).itemsize


def _reserve(part: Path, spec: Spec) -> None:
    """Write the header and reserve every byte now: a full disk is an error here, but would kill us inside the map."""
    header = {"descr": np.dtype(spec.dtype).str, "fortran_order": False, "shape": tuple(spec.shape)}
    with open(part, "wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.flush()
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, file.tell() + _size(spec))
        else:
            for start in range(0, _size(spec), BLOCK):
                file.write(bytes(min(BLOCK, _size(spec) - start)))


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""Ready arrays on disk: made once, checked whenever they are opened, memory-mapped and never written again.

Inside the data folder, ``raw/`` holds files as they were published and ``ready/<name>/`` an array made from them (or
drawn): ``images.npy`` beside a ``manifest.json`` that says what it is and holds the digests of its content.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from betavae.datasets.files import manifests
from betavae.datasets.files.formats import npy_mapped
from betavae.datasets.files.manifests import Spec
from betavae.disk import sync
from betavae.errors import Fault, notice
from betavae.locks import lock

if TYPE_CHECKING:
    from betavae.types import Array


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
    manifest = manifests.read(home)
    if manifest is None or not manifests.images(home).is_file():
        raise Fault(f"{home} holds no ready array; it is made when the dataset is first loaded")
    manifests.check(home, manifest, range(len(manifest["blocks"])))
    return str(manifest["sha256"])


def content(name: str, spec: Spec, root: str | Path | None = None) -> str:
    """The digest of a drawn array that is ready: of its recipe, and of the very pixels that are here."""
    manifest = manifests.read(folder(root) / "ready" / name)
    pixels = spec.drawn if manifest is None else manifest["sha256"]
    return hashlib.sha256(f"{spec.source} {spec.version} {pixels}".encode()).hexdigest()


def _mapped(home: Path, spec: Spec) -> Array:
    try:
        array = npy_mapped(manifests.images(home))
    except Fault as fault:
        raise Fault(f"{fault}; {manifests.remedy(home)}") from None
    if array.shape != tuple(spec.shape) or array.dtype != np.dtype(spec.dtype):
        raise Fault(
            f"{manifests.images(home)} has shape {array.shape} of {array.dtype}, wanted {tuple(spec.shape)} of "
            f"{np.dtype(spec.dtype)}; {manifests.remedy(home)}"
        )
    return array


def _opened(home: Path, spec: Spec) -> Array | None:
    """The checked array, or None where it is absent, of another spec, or replaced while it was being opened."""
    manifest = manifests.read(home)
    if manifest is None or any(manifest.get(key) != value for key, value in spec.plain().items()):
        return None
    if spec.drawn not in ("", manifest["sha256"]) and not manifest.get("otherwise"):
        return None  # drawn by another version of this package, or by one that drew otherwise on another processor
    try:
        manifests.check(home, manifest, manifests.sampled(home.name, manifest))
        array = _mapped(home, spec)
    except FileNotFoundError:
        return None
    # A writer removes the old manifest before it touches the array, so an unchanged manifest means an unchanged array.
    return array if manifests.read(home) == manifest else None


@contextmanager
def _locked(home: Path) -> Iterator[str | None]:
    """Hold the lock of one ready array; gives the reason where the folder cannot be written.

    The lock lies beside the folder, so that deleting the folder takes no lock away; the system frees it if we die.
    """
    beside = home.with_name(home.name + ".lock")
    handle, refusal = -1, None
    try:
        home.mkdir(parents=True, exist_ok=True)
        refusal = None if os.access(home, os.W_OK | os.X_OK) else "permission denied"
        try:
            handle = os.open(beside, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError:
            handle = os.open(beside, os.O_RDONLY)  # another user's, or a disk mounted read-only
        lock(handle, shared=refusal is not None)
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
        sync(part)
        whole, blocks = manifests.digests(part)
        manifest = spec.plain() | {"bytes": part.stat().st_size, "sha256": whole, "blocks": blocks}
        if spec.drawn not in ("", whole):
            manifest["otherwise"] = True
            notice(f"{home.name}: this machine draws other pixels than others do (sha256 {whole}, wanted {spec.drawn})")
        draft.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        sync(draft)
        (home / "manifest.json").unlink(missing_ok=True)
        os.replace(part, manifests.images(home))
        os.replace(draft, home / "manifest.json")
        sync(home)
    except OSError as error:
        raise Fault(
            f"could not make {manifests.images(home)} ({_size(spec):,} bytes): {error.strerror or error}; "
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
            for start in range(0, _size(spec), manifests.BLOCK):
                file.write(bytes(min(manifests.BLOCK, _size(spec) - start)))

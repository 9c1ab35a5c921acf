"""Leases: who is doing which cell. A lease is a file lock, so it dies with its owner and nobody waits for the dead."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path
from types import TracebackType

from betavae.disk import Unwritable
from betavae.errors import Fault
from betavae.locks import lock
from betavae.study.store import Store


class Lease:
    """A held lease; leaving its ``with`` block, or dying, gives it back."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)


def _path(store: Store, cell: str) -> Path:
    return store.path / "leases" / f"{cell}.lock"


def try_lease(store: Store, cell: str, *, wait: bool = False, ends: float | None = None) -> Lease | None:
    """The lease of a cell, or None where another process of this machine holds it; ``wait`` waits for it instead, till
    it ``ends`` (seconds since 1970; None: for ever).

    Who waits must hold no lease itself. Raises Unwritable, or Fault where locks do not work.
    """
    path = _path(store, cell)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise Unwritable.at(path, error, "nothing was changed") from error
    try:
        if not lock(descriptor, wait=wait, ends=ends):
            os.close(descriptor)
            return None
    except OSError as error:
        os.close(descriptor)
        raise Fault(
            f"{path}: this file system has no locks ({error.strerror}); put the store on one that has"
        ) from error
    with contextlib.suppress(OSError):  # who it is, for people to read: the lock itself needs no bytes
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
    return Lease(descriptor)


def holder(store: Store, cell: str) -> str | None:
    """Who holds the lease of a cell now, in words, or None."""
    try:
        descriptor = os.open(_path(store, cell), os.O_RDONLY)
    except OSError:
        return None
    try:
        if lock(descriptor, shared=True, wait=False):
            return None
        return os.read(descriptor, 200).decode(errors="replace").strip() or "a process"
    finally:
        os.close(descriptor)

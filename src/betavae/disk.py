"""Writing files so that a crash or a power cut leaves the old or the new, never a half."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from betavae.errors import Fault

BINARY = getattr(os, "O_BINARY", 0)
"""Without it Windows writes other line ends than it is given."""


class Unwritable(Fault):
    """A disk that refuses: full, read-only, gone. What was on it before is as it was."""

    @classmethod
    def at(cls, path: Path, error: OSError, kept: str) -> Unwritable:
        """The refusal to write ``path``; ``kept`` says what became of what was there."""
        return cls(
            f"{path} cannot be written: {error.strerror or error}; {kept}; "
            "make room there or name another place, and run the same command again"
        )


def write_atomic(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path``: written beside it, made durable, then renamed. Raises Unwritable."""
    if not path.name:
        raise Unwritable(f"{path} is a folder; name a file in it")
    # Processes of two containers may have one number, and one folder.
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        make_folder(path.parent)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | BINARY, 0o644)
        try:
            _write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(part, path)
        sync(path.parent)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise Unwritable.at(path, error, "nothing was changed") from error


def append(path: Path, line: bytes) -> None:
    """Add one line to a file and make it durable. A torn last line left by a crash is cut off first. Raises
    Unwritable.
    """
    try:
        fresh = not path.exists()
        make_folder(path.parent)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | BINARY, 0o644)
        try:
            end = _whole_lines(descriptor)
            try:
                os.ftruncate(descriptor, end)
                os.lseek(descriptor, end, os.SEEK_SET)
                _write_all(descriptor, line.rstrip(b"\n") + b"\n")
                os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, end)
                raise
        finally:
            os.close(descriptor)
        if fresh:
            sync(path.parent)
    except OSError as error:
        raise Unwritable.at(path, error, "what it held before is intact") from error


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, each of their names durable. Raises OSError."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for new in reversed(missing):
        with suppress(FileExistsError):  # another process was quicker
            os.mkdir(new)
        sync(new.parent)


def sync(path: Path) -> None:
    """Make a file's content, or the names in a folder, durable. Raises OSError."""
    if os.name == "nt" and path.is_dir():  # a folder cannot be opened there; its names are in the system's own journal
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _whole_lines(descriptor: int) -> int:
    """The length of a file up to and with its last newline."""
    end = os.lseek(descriptor, 0, os.SEEK_END)
    while end:
        start = max(0, end - 65_536)
        os.lseek(descriptor, start, os.SEEK_SET)
        found = os.read(descriptor, end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0

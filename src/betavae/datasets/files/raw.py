"""Writing into ``raw/``: one process at a time, whole files or none, and the digest of the first arrival pinned.

Beside ``raw/<file>`` may lie: ``<file>.part`` (a transfer that can go on), ``<file>.rejected`` (what came but was not
the file; never used), ``<file>.sha256`` (that of the first verified arrival, for `sha256sum -c`) and ``<file>.lock``.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from betavae.datasets.files.catalogue import Entry
from betavae.datasets.files.checksums import blocks, digests
from betavae.datasets.files.download import Tell, disk_fault
from betavae.errors import Misuse
from betavae.locks import lock


def beside(target: Path, ending: str) -> Path:
    """The companion of a raw file with this ending."""
    return target.with_name(target.name + ending)


def say(text: str) -> None:
    """Tell the person, on standard error: standard output is for results."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def alone(target: Path) -> Iterator[None]:
    """Hold the lock of one raw file, waiting for it; the system frees it if we die. Raises Fault where it cannot be."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(beside(target, ".lock"), os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise disk_fault(target, error) from error
    try:
        if not lock(handle, wait=False):
            say(f"{target.name}: another process is bringing it; waiting")
            lock(handle)
        yield
    finally:
        os.close(handle)


def put(path: Path, target: Path) -> None:
    """Give a complete file its name, so that it is there whole or not at all, even if the power fails."""
    try:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(path, target)
    except OSError as error:
        raise disk_fault(target, error) from error


def set_aside(path: Path, target: Path, wrong: str) -> Path:
    """Keep a file that is not the one wanted where nothing will use it."""
    kept = beside(target, ".rejected")
    put(path, kept)
    say(f"{path.name}: {wrong}; kept as {kept}, never used")
    return kept


def pin(entry: Entry, target: Path, sha256: str, vouched: bool = False) -> None:
    """Write down the sha256 of a file that was found right, and say so where nothing as strong was published."""
    known = ", ".join(f"{kind} {value}" for kind, value in entry.published.items())
    how = "vouched for by the person who added it" if vouched else "verified when it first arrived"
    draft = beside(target, ".sha256.part")
    try:
        draft.write_text(f"# {how}; published: {known}\n{sha256}  {target.name}\n", encoding="utf-8")
    except OSError as error:
        raise disk_fault(draft, error) from error
    put(draft, beside(target, ".sha256"))
    if vouched or "sha256" not in entry.published:
        why = "on your word" if vouched else f"it has the published {known}"
        say(f"{entry.name}: pinned sha256 {sha256} ({why}); later copies must have it too")


def copied(path: Path, copy: Path) -> dict[str, str]:
    """Copy a file and give the size and digests of what was copied. Raises Misuse or Fault."""
    try:
        source = open(path, "rb")  # noqa: SIM115 - an error here is of another kind than one while writing
    except OSError as error:
        raise Misuse(f"cannot read {path}: {error.strerror or error}") from error
    with source:
        status = os.fstat(source.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise Misuse(f"{path} is not an ordinary file")
        try:
            with open(copy, "wb") as out:

                def written() -> Iterator[bytes]:
                    for content in blocks(source):
                        out.write(content)
                        yield content

                return digests(written(), status.st_size)
        except OSError as error:
            raise disk_fault(copy, error) from error


@contextmanager
def bar(name: str, shown: bool) -> Iterator[Tell]:
    """A progress bar on standard error, where that is a terminal."""
    if not (shown and sys.stderr.isatty()):
        yield lambda here, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    text = TextColumn("{task.description}")
    columns = (text, BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(name, total=None)
        yield lambda here, total: progress.update(task, completed=here, total=total)

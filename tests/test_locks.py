"""Locks of open files: on a POSIX system, and where only bytes can be locked; nothing needs POSIX to be imported."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from betavae.locks import FAR, lock

BYTES = """
import sys, types, errno, os
import fcntl as posix
def locking(descriptor, mode, count):
    assert (mode, count, os.lseek(descriptor, 0, os.SEEK_CUR)) == (2, 1, 2**30)
    try:
        posix.lockf(descriptor, posix.LOCK_EX | posix.LOCK_NB, count, 0, os.SEEK_CUR)
    except BlockingIOError:
        raise OSError(errno.EACCES, "Permission denied") from None
sys.modules["fcntl"] = None
sys.modules["msvcrt"] = types.SimpleNamespace(locking=locking, LK_NBLCK=2)
"""
"""A system without ``fcntl``: its ``msvcrt`` locks a byte at the place where the file stands, or refuses."""
TRY = """
import os, sys
from betavae.locks import lock
descriptor = os.open(sys.argv[1], os.O_RDWR)
shared, wait = (word == "True" for word in sys.argv[2:])
print(lock(descriptor, shared=shared, wait=wait), os.read(descriptor, 40).decode(), flush=True)
sys.stdin.read()
"""


class Holder:
    """Another process that tries for a lock, and holds what it gets until it is told to end."""

    def __init__(self, system: str, path: Path, *, shared: bool = False, wait: bool = False) -> None:
        words = [sys.executable, "-c", system + TRY, str(path), str(shared), str(wait)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def said(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.communicate()


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "a.lock"
    path.write_text("process 7", encoding="utf-8")
    yield path
    assert path.read_text(encoding="utf-8") == "process 7"  # a lock changes nothing in its file


@pytest.mark.parametrize("system", ["", BYTES], ids=["posix", "bytes"])
def test_one_holds_and_the_next_waits(system: str, file: Path) -> None:
    """Who does not wait is told no, and can read who holds it; who waits has it when the holder has died."""
    first = Holder(system, file)
    assert first.said() == "True process 7"
    second = Holder(system, file)
    assert second.said() == "False process 7"
    second.end()
    third = Holder(system, file, wait=True)
    first.process.kill()
    first.end()
    assert third.said() == "True process 7"
    third.end()


def test_readers_share_and_keep_a_writer_out(file: Path) -> None:
    readers = [Holder("", file, shared=True) for _ in range(2)]
    assert [reader.said() for reader in readers] == ["True process 7"] * 2
    descriptor = os.open(file, os.O_RDONLY)
    assert lock(descriptor, shared=True, wait=False)
    os.close(descriptor)
    writer = os.open(file, os.O_RDWR)
    assert not lock(writer, wait=False)
    for reader in readers:
        reader.end()
    assert lock(writer, wait=False)
    os.close(writer)


def test_the_byte_that_is_locked_lies_behind_what_a_lock_file_says() -> None:
    assert FAR > 1_000_000


EVERYWHERE = """
import builtins, importlib, pkgutil, sys
usual = builtins.__import__
POSIX = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "readline", "spwd", "crypt", "nis"}
def given(name, globals=None, locals=None, fromlist=(), level=0):
    if name in POSIX and (globals or {}).get("__name__", "").startswith("betavae"):
        raise ImportError(f"no {name} here")
    return usual(name, globals, locals, fromlist, level)
builtins.__import__ = given
import betavae
count = 0
for module in pkgutil.walk_packages(betavae.__path__, "betavae."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
        count += 1
print(count)
"""


def test_no_module_needs_a_posix_system_to_be_imported() -> None:
    done = subprocess.run([sys.executable, "-c", EVERYWHERE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100

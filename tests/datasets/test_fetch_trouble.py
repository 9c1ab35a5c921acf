"""Fetching in trouble: full and read-only disks, kills, two processes at once, and hostile files that do arrive."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from arrivals import CONTENT, elsewhere, fetched, made, published, raw
from hostile import COUNT, H5, NPZ, TAR, sound_h5
from loopback import Page, serving

from betavae import datasets
from betavae.datasets.files import download, fetch
from betavae.datasets.files import raw as raw_files
from betavae.errors import Fault

pytestmark = pytest.mark.usefixtures("short_patience")


class Full(io.RawIOBase):
    """A file on a disk with room for 100,000 bytes."""

    def __init__(self, path: Path, mode: str) -> None:
        self.file, self.room = open(path, mode), 100_000  # noqa: SIM115 - closed by close

    def write(self, content) -> int:
        if len(content) > self.room:
            self.file.write(bytes(content[: self.room]))
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.room -= len(content)
        return self.file.write(content)

    def close(self) -> None:
        self.file.close()
        super().close()


def test_a_disk_that_fills_up_is_told_and_the_transfer_goes_on_later(tmp_path: Path, monkeypatch) -> None:
    with serving(file=Page(CONTENT)) as (server, url):
        published(monkeypatch, "shapes3d", CONTENT, url("file"))
        with monkeypatch.context() as full:
            full.setattr(download, "open", Full, raising=False)
            with pytest.raises(Fault, match=r"disk is full; what came is kept.*BETAVAE_DATA"):
                fetched(tmp_path)
        assert raw(tmp_path) == {"3dshapes.h5.part": CONTENT[:100_000]}
        assert fetched(tmp_path).read_bytes() == CONTENT
        assert server.pages["file"].asked == [None, "bytes=100000-"]


def test_a_disk_without_room_is_told_before_a_byte_comes(tmp_path: Path, monkeypatch) -> None:
    with serving(file=Page(CONTENT)) as (_, url):
        published(monkeypatch, "shapes3d", CONTENT, url("file"))
        monkeypatch.setattr(download.shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000))
        with pytest.raises(Fault, match="room for 1,000 bytes, 600,000 are still to come"):
            fetched(tmp_path)
    assert not raw(tmp_path)


def test_a_copy_that_fills_the_disk_changes_nothing(tmp_path: Path, monkeypatch) -> None:
    mine = tmp_path / "mine.h5"
    mine.write_bytes(CONTENT)
    published(monkeypatch, "shapes3d", CONTENT)
    with monkeypatch.context() as full:
        full.setattr(
            raw_files, "open", lambda path, mode: (Full if "w" in mode else Path.open)(path, mode), raising=False
        )
        with pytest.raises(Fault, match=r"disk is full.*BETAVAE_DATA"):
            fetch.add("shapes3d", mine, root=tmp_path)
    assert raw(tmp_path) == {}
    assert fetch.add("shapes3d", mine, root=tmp_path).read_bytes() == mine.read_bytes()


ADDED = {
    "cut short": (CONTENT[:-7], "599,993 bytes, the published file 600,000; it was cut short"),
    "another": (CONTENT[:-1] + b"x", r"its sha256 is [0-9a-f]{64}, the (published )?one [a-z ]*is [0-9a-f]{64}|pinned"),
    "a web page": (b"<!doctype html><p>sign in", "it is a web page"),
}


@pytest.mark.parametrize("what", ADDED)
@pytest.mark.parametrize("first", [True, False])
def test_a_wrong_copy_is_not_taken_in_nor_does_it_replace_the_right_one(
    what, first, tmp_path: Path, monkeypatch
) -> None:
    content, words = ADDED[what]
    published(monkeypatch, "shapes3d", CONTENT)
    mine = tmp_path / "mine.h5"
    if not first:
        mine.write_bytes(CONTENT)
        fetch.add("shapes3d", mine, root=tmp_path)
    before = raw(tmp_path)
    mine.write_bytes(content)
    with pytest.raises(Fault, match=words) as caught:
        fetch.add("shapes3d", mine, root=tmp_path)
    assert str(mine) in str(caught.value)
    assert "Nothing was changed" in str(caught.value)
    assert raw(tmp_path) == before


@contextlib.contextmanager
def read_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A disk that takes no writing. Permission bits would not stop the superuser."""
    plain = os.open

    def refuse(path, flags, *rest, **more):
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return plain(path, flags, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(raw_files.os, "open", refuse)
        patch.setattr(raw_files.os, "access", lambda *_: False)
        yield


def test_a_read_only_shared_cache_serves_what_it_has_and_says_what_it_cannot(tmp_path: Path, monkeypatch) -> None:
    content = made(sound_h5, tmp_path)
    root = tmp_path / "shared"
    with serving(file=Page(content), other=Page(content)) as (server, url):
        published(monkeypatch, "shapes3d", content, url("file"))
        published(monkeypatch, "mpi3d-toy", content, url("other"))
        fetched(root)
        before = datasets.load("shapes3d", root=root).render(torch.arange(COUNT))
        traces = sorted((str(p), p.stat().st_mtime_ns) for p in root.rglob("*"))
        with read_only(monkeypatch):
            assert fetched(root).is_file()
            assert torch.equal(datasets.load("shapes3d", root=root).render(torch.arange(COUNT)), before)
            assert all(check.good for check in fetch.verify("shapes3d", root=root))
            with pytest.raises(Fault, match=r"could not write .*mpi3d_toy\.npz: Read-only.*BETAVAE_DATA"):
                fetched(root, "mpi3d-toy")
        assert server.pages["other"].asked == []
        assert traces == sorted((str(p), p.stat().st_mtime_ns) for p in root.rglob("*"))


def test_a_killed_fetch_is_continued(tmp_path: Path, monkeypatch) -> None:
    """Killed outright in the middle: the lock is free, what came is kept, nothing is in place."""
    with serving(file=Page(CONTENT, cuts=(300_000, None), hold=threading.Event())) as (server, url):
        with subprocess.Popen(elsewhere(tmp_path, CONTENT, url("file"))) as killed:
            part = tmp_path / "raw" / "3dshapes.h5.part"
            while not (part.exists() and part.stat().st_size) and killed.poll() is None:
                threading.Event().wait(0.01)
            killed.kill()
        here = part.stat().st_size
        assert 0 < here <= 300_000
        assert set(raw(tmp_path)) == {part.name}
        server.pages["file"].hold.set()
        published(monkeypatch, "shapes3d", CONTENT, url("file"))
        assert fetched(tmp_path).read_bytes() == CONTENT
        assert server.pages["file"].asked == [None, f"bytes={here}-"]


def test_two_processes_fetch_once(tmp_path: Path) -> None:
    """Both stand before the file's lock; one fetches, and the other then finds the file there."""
    with serving(file=Page(CONTENT)) as (server, url):
        command = elsewhere(tmp_path, CONTENT, url("file"))
        with raw_files.alone(tmp_path / "raw" / "3dshapes.h5"):
            two = [subprocess.Popen(command, stdout=-1, stderr=-1, text=True) for _ in range(2)]
            waiting = [process.stderr.readline() for process in two]
        ended = [process.communicate(timeout=60) for process in two]
        assert ["another process is bringing it; waiting" in line for line in waiting] == [True, True]
        assert [process.returncode for process in two] == [0, 0], ended
        assert server.pages["file"].asked == [None]
    assert raw(tmp_path) == {"3dshapes.h5": CONTENT, "3dshapes.h5.sha256": raw(tmp_path)["3dshapes.h5.sha256"]}


HOSTILE = [
    ("mpi3d-toy", "pickled objects", NPZ),
    ("mpi3d-toy", "unpacks to far more", NPZ),
    ("mpi3d-toy", "a path upwards", NPZ),
    ("shapes3d", "a link to another file", H5),
    ("shapes3d", "storage elsewhere", H5),
    ("shapes3d", "declares far more", H5),
    ("cifar10", "a path upwards", TAR),
    ("cifar10", "a symbolic link", TAR),
    ("cifar10", "a name of 300 MB", TAR),
]


@pytest.mark.parametrize(("name", "what", "table"), HOSTILE, ids=[f"{row[0]}: {row[1]}" for row in HOSTILE])
def test_a_hostile_file_is_fetched_and_refused_when_read(name, what, table, tmp_path: Path, monkeypatch) -> None:
    """Were such a file published, digest and all: it lies in ``raw/``, and no array is made from it."""
    make, words = table[what]
    content, root = made(make, tmp_path), tmp_path / "data"
    with serving(file=Page(content)) as (_, url):
        entry = published(monkeypatch, name, content, url("file"))
        fetched(root, name)
    with pytest.raises(Fault) as caught:
        datasets.load(name, root=root)
    assert words in str(caught.value)
    assert str(root / "raw" / entry.file) in str(caught.value)
    assert not list(root.rglob("images.npy*"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "source"]

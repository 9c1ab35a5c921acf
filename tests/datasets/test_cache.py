"""Ready arrays: made once, checked at every opening, harmless to everybody beside them."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from betavae.datasets.files import cache, manifests
from betavae.datasets.files.cache import ready, verify
from betavae.datasets.files.manifests import Spec
from betavae.errors import Fault

SPEC = Spec((100, 8), "u1", "counting", 1, {"tens": 10, "ones": 10})
CONTENT = np.arange(800).reshape(100, 8).astype(np.uint8)


def count(out: np.ndarray) -> None:
    out[:] = CONTENT


def never(out: np.ndarray) -> None:
    raise AssertionError("the array was there already")


def traces(root: Path) -> list[tuple[str, int, int]]:
    return sorted((str(file), file.stat().st_mtime_ns, file.stat().st_ino) for file in root.rglob("*"))


def spoil(file: Path, at: int) -> None:
    with open(file, "r+b") as opened:
        opened.seek(at)
        byte = opened.read(1)[0]
        opened.seek(at)
        opened.write(bytes([byte ^ 1]))


def test_an_array_is_built_once_and_read_only(tmp_path):
    first = ready("a", SPEC, count, tmp_path)
    again = ready("a", SPEC, never, tmp_path)
    assert np.array_equal(first, CONTENT)
    assert np.array_equal(again, CONTENT)
    assert isinstance(again, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        again[0, 0] = 1


def test_the_manifest_says_what_the_array_is(tmp_path):
    ready("a", SPEC, count, tmp_path)
    manifest = json.loads((tmp_path / "ready/a/manifest.json").read_text())
    content = (tmp_path / "ready/a/images.npy").read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    assert manifest == {
        "source": "counting",
        "version": 1,
        "shape": [100, 8],
        "dtype": "|u1",
        "grid": [["tens", 10], ["ones", 10]],
        "bytes": len(content),
        "sha256": sha256,
        "blocks": [sha256],
    }
    assert verify("a", tmp_path) == sha256


def test_opening_a_ready_array_writes_nothing(tmp_path):
    ready("a", SPEC, count, tmp_path)
    (tmp_path / "ready/a.lock").unlink()
    before = traces(tmp_path)
    ready("a", SPEC, never, tmp_path)
    assert traces(tmp_path) == before


@pytest.mark.parametrize("harm", ["altered", "truncated", "longer"])
def test_a_damaged_array_is_refused_with_both_hashes_and_the_remedy(tmp_path, harm):
    ready("a", SPEC, count, tmp_path)
    file = tmp_path / "ready/a/images.npy"
    written = hashlib.sha256(file.read_bytes()).hexdigest()
    if harm == "altered":
        spoil(file, 500)
    else:
        os.truncate(file, 500 if harm == "truncated" else 5000)
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    for look in (lambda: ready("a", SPEC, never, tmp_path), lambda: verify("a", tmp_path)):
        with pytest.raises(Fault) as caught:
            look()
        for told in (str(file), written, found, f"delete {file.parent}", "betavae data verify"):
            assert told in str(caught.value)


def test_a_deleted_array_is_made_again(tmp_path):
    ready("a", SPEC, count, tmp_path)
    (tmp_path / "ready/a/images.npy").unlink()
    assert np.array_equal(ready("a", SPEC, count, tmp_path), CONTENT)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"bytes": 1}'])
def test_a_manifest_that_is_none_is_a_fault(tmp_path, text):
    ready("a", SPEC, count, tmp_path)
    (tmp_path / "ready/a/manifest.json").write_text(text)
    with pytest.raises(Fault, match=r"manifest\.json is not a manifest.*delete"):
        ready("a", SPEC, never, tmp_path)


def test_verify_says_where_there_is_nothing(tmp_path):
    with pytest.raises(Fault, match="holds no ready array"):
        verify("a", tmp_path)


@pytest.mark.parametrize(
    "other",
    [
        SPEC._replace(version=2),
        SPEC._replace(source="other"),
        SPEC._replace(dtype="i1"),
        SPEC._replace(shape=(50, 16)),
        SPEC._replace(grid={"ones": 10, "tens": 10}),
    ],
)
def test_an_array_of_another_spec_is_replaced_and_its_reader_unharmed(tmp_path, other):
    old = ready("a", SPEC, count, tmp_path)
    new = ready("a", other, lambda out: out.fill(7), tmp_path)
    assert new.shape == other.shape
    assert (new == 7).all()
    assert np.array_equal(old, CONTENT)


def test_an_array_replaced_while_it_is_opened_is_opened_again(tmp_path, monkeypatch):
    """A writer puts another array in place between a reader's look at the manifest and at the content."""
    ready("a", SPEC, count, tmp_path)
    check, newer = manifests.check, []

    def interrupted(*arguments):
        if not newer:
            newer.append(True)
            ready("a", SPEC._replace(version=2), lambda out: out.fill(7), tmp_path)
        check(*arguments)

    monkeypatch.setattr(manifests, "check", interrupted)
    assert np.array_equal(ready("a", SPEC, count, tmp_path), CONTENT)


BUILDER = """
import sys, time
from pathlib import Path
from betavae.datasets.files.cache import ready
from betavae.datasets.files.manifests import Spec
root, mode = Path(sys.argv[1]), sys.argv[2]
def build(out):
    with open(root / "builds", "a") as log: log.write("built\\n")
    out[: len(out) // 2] = 7
    if mode == "hang":
        print("building", flush=True); time.sleep(600)
    time.sleep(0.2)
    out[:] = 7
array = ready("a", Spec((1000, 1000), "u1", "sevens", 1, {}), build, root)
assert (array == 7).all()
"""


def builder(root: Path, mode: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", BUILDER, str(root), mode], stdout=subprocess.PIPE, text=True)


def test_processes_that_build_at_once_build_once(tmp_path):
    racers = [builder(tmp_path, "race") for _ in range(3)]
    for racer in racers:
        racer.communicate(timeout=60)
    assert [racer.returncode for racer in racers] == [0, 0, 0]
    assert (tmp_path / "builds").read_text() == "built\n"


def test_a_killed_builder_frees_the_lock_and_its_half_file_is_overwritten(tmp_path):
    with builder(tmp_path, "hang") as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == "building\n"
        killed.send_signal(signal.SIGKILL)
    assert (tmp_path / "ready/a/images.npy.part").exists()
    begun = time.monotonic()
    sevens = ready("a", Spec((1000, 1000), "u1", "sevens", 1, {}), lambda out: out.fill(7), tmp_path)
    assert (sevens == 7).all()
    assert time.monotonic() - begun < 30
    assert sorted(file.name for file in (tmp_path / "ready/a").iterdir()) == ["images.npy", "manifest.json"]


def test_a_shared_folder_that_cannot_be_written_serves_what_is_ready(tmp_path, monkeypatch):
    ready("a", SPEC, count, tmp_path)
    monkeypatch.setattr(os, "access", lambda *_: False)  # permission bits do not stop the superuser
    assert np.array_equal(ready("a", SPEC, never, tmp_path), CONTENT)
    for name, spec in (("a", SPEC._replace(version=2)), ("b", SPEC)):
        with pytest.raises(Fault, match=r"cannot be written.*BETAVAE_DATA"):
            ready(name, spec, never, tmp_path)


def test_a_data_folder_that_cannot_be_made_is_a_fault(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Fault, match=r"cannot be written.*BETAVAE_DATA"):
        ready("a", SPEC, never, tmp_path / "file")


def test_a_full_disk_is_a_fault_and_leaves_no_half_file(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    for stage in ("posix_fallocate", "fsync"):
        with monkeypatch.context() as patch:
            patch.setattr(os, stage, full, raising=False)
            with pytest.raises(Fault, match="No space left on device; free some space"):
                ready("a", SPEC, count, tmp_path)
        assert list((tmp_path / "ready/a").iterdir()) == []
    assert np.array_equal(ready("a", SPEC, count, tmp_path), CONTENT)


def test_a_file_limit_is_a_fault_not_a_crash(tmp_path):
    """The kernel's own refusal, met while the space is reserved and not inside the map, where it would kill."""
    code = """
import resource, sys
from betavae.datasets.files.cache import ready
from betavae.datasets.files.manifests import Spec
from betavae.errors import Fault
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
try:
    ready("a", Spec((1 << 22,), "u1", "sevens", 1, {}), lambda out: out.fill(7), sys.argv[1])
except Fault as fault:
    print(fault)
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert "File too large" in done.stdout, done.stderr
    assert list((tmp_path / "ready/a").iterdir()) == []


def test_a_builder_that_fails_leaves_the_old_array(tmp_path):
    ready("a", SPEC, count, tmp_path)

    def fails(out):
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        ready("a", SPEC._replace(version=2), fails, tmp_path)
    assert np.array_equal(ready("a", SPEC, never, tmp_path), CONTENT)


def test_of_a_large_array_the_ends_and_a_sample_are_checked_and_by_verify_all(tmp_path, monkeypatch):
    monkeypatch.setattr(manifests, "BLOCK", 128)
    monkeypatch.setattr(manifests, "WHOLE", 1000)
    spec = Spec((6400,), "u1", "sevens", 1, {})
    ready("a", spec, lambda out: out.fill(7), tmp_path)
    home = tmp_path / "ready/a"
    blocks = len(json.loads((home / "manifest.json").read_text())["blocks"])
    noticed = []
    for block in range(blocks):
        spoil(home / "images.npy", 128 * block)
        with pytest.raises(Fault, match=f"block {block} "):
            verify("a", tmp_path)
        try:
            ready("a", spec, never, tmp_path)
        except Fault:
            noticed.append(block)
        spoil(home / "images.npy", 128 * block)
    assert blocks == 51
    assert len(noticed) == 34
    assert {0, blocks - 1} <= set(noticed)


def test_the_data_folder_is_the_argument_then_the_environment_then_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BETAVAE_DATA", str(tmp_path / "named"))
    assert cache.folder(tmp_path) == tmp_path
    assert cache.folder() == tmp_path / "named"
    monkeypatch.delenv("BETAVAE_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    assert cache.folder().name == "betavae"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.folder("~/data") == tmp_path / "data"

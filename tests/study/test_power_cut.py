"""Power cuts, simulated: every call that changes the disk is recorded, and after each of them (and in the middle of
each write) the disk is rebuilt as a cut might leave it. What had been promised must be there, and all must go on.

The disk is modelled as one that keeps only what it was told to: data of a file that were not fsynced and names in a
folder that was not fsynced are dropped, or in a second way names are kept but data are not, or half of them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soak
import torch
from runs import Context, job
from test_store import made, seeds

from betavae import datasets, disk
from betavae.study.jobs.perform import perform
from betavae.study.settings import Settings
from betavae.study.store import Store
from betavae.training import checkpoint

Tree = dict[str, "int | None"]
"""What a folder tree is: paths below the root, with the file (an inode) that each names, None for a folder."""


class Cut:
    """The disk at one moment: names and data as the running system sees them, and as the platters do."""

    def __init__(self, after: str, seen: Tree, kept: Tree, data: dict[int, bytes], safe: dict[int, bytes]) -> None:
        self.after = after
        self.seen, self.kept, self.data, self.safe = dict(seen), dict(kept), dict(data), dict(safe)

    def rebuild(self, root: Path, way: str) -> None:
        """Write the disk that a cut leaves now: ``dropped`` keeps only what was synced; ``torn`` keeps all names, and
        half of what was written since the last fsync.
        """
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
        names = self.kept if way == "dropped" else self.seen
        for name in sorted(names, key=len):
            inode, path = names[name], root / name
            if not path.parent.is_dir():
                continue  # its folder's own name was lost
            if inode is None:
                path.mkdir()
                continue
            data, safe = self.data[inode], self.safe.get(inode, b"")
            if way == "torn" and data != safe:
                data = data[: (len(safe) + len(data)) // 2] if data.startswith(safe) else safe
            path.write_bytes(data if way == "torn" else safe)


class Recorder:
    """Stands for ``os`` while a writer works under ``root``, and keeps a Cut before and after every call."""

    CALLS = ("mkdir", "open", "write", "ftruncate", "fsync", "close", "replace", "unlink")

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.root, self.cuts = root, list[Cut]()
        self.seen, self.kept = Tree(), Tree()
        self.data, self.safe = dict[int, bytes](), dict[int, bytes]()
        self.paths: dict[int, Path] = {}  # descriptor -> what it was opened as
        self.real = {call: getattr(os, call) for call in self.CALLS}
        for call in self.CALLS:
            patch.setattr(os, call, getattr(self, call))
        self._cut("nothing")

    def _name(self, path: Any) -> str | None:
        path = Path(path)
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) and path != self.root else None

    def _cut(self, after: str) -> None:
        self.cuts.append(Cut(after, self.seen, self.kept, self.data, self.safe))

    def mkdir(self, path: Any, *mode: Any) -> None:
        self.real["mkdir"](path, *mode)
        if name := self._name(path):
            self.seen[name] = None
            self._cut(f"mkdir {name}")

    def open(self, path: Any, flags: int, *mode: Any, **more: Any) -> int:
        descriptor: int = self.real["open"](path, flags, *mode, **more)
        if isinstance(path, str | Path) and Path(path).is_relative_to(self.root):
            self.paths[descriptor] = Path(path)
            if name := self._name(path) if flags & os.O_CREAT else None:
                inode = os.fstat(descriptor).st_ino
                if self.seen.get(name) != inode:
                    self.safe.pop(inode, None)  # a number that a file now gone once had
                self.seen[name] = inode
                self._look(descriptor, f"open {name}")
        return descriptor

    def _look(self, descriptor: int, after: str) -> None:
        inode, path = os.fstat(descriptor).st_ino, self.paths[descriptor]
        self.data[inode] = path.read_bytes()
        self._cut(after)

    def write(self, descriptor: int, data: Any) -> int:
        if descriptor not in self.paths:
            return int(self.real["write"](descriptor, data))
        half = max(1, len(data) // 2)  # a write may be cut as well
        count = int(self.real["write"](descriptor, bytes(data)[:half]))
        self._look(descriptor, f"half a write to {self.paths[descriptor].name}")
        count += int(self.real["write"](descriptor, bytes(data)[half:]))
        self._look(descriptor, f"write to {self.paths[descriptor].name}")
        return count

    def ftruncate(self, descriptor: int, length: int) -> None:
        self.real["ftruncate"](descriptor, length)
        if descriptor in self.paths:
            self._look(descriptor, f"truncate {self.paths[descriptor].name}")

    def fsync(self, descriptor: int) -> None:
        self.real["fsync"](descriptor)
        if (path := self.paths.get(descriptor)) is None:
            return
        if path.is_dir():
            inside = lambda name: (self.root / name).parent == path  # noqa: E731
            self.kept = {k: v for k, v in self.kept.items() if not inside(k)}
            self.kept |= {k: v for k, v in self.seen.items() if inside(k)}
        else:
            inode = os.fstat(descriptor).st_ino
            self.safe[inode] = self.data[inode]
        self._cut(f"fsync {path.name}")

    def close(self, descriptor: int) -> None:
        self.paths.pop(descriptor, None)
        self.real["close"](descriptor)

    def replace(self, source: Any, target: Any) -> None:
        self.real["replace"](source, target)
        old, new = self._name(source), self._name(target)
        if old and new:
            self.seen[new] = self.seen.pop(old)
            self._cut(f"rename to {new}")

    def unlink(self, path: Any, **more: Any) -> None:
        self.real["unlink"](path, **more)
        if name := self._name(path):
            del self.seen[name]
            self._cut(f"unlink {name}")


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Path, Any], None]], Any]:
    """``record(work)`` runs ``work(root, promise)`` on a recorded disk; ``promise(x)`` notes what is now promised."""

    def run(work: Callable[[Path, Any], None]) -> tuple[Recorder, list[tuple[int, Any]]]:
        root = tmp_path / "disk"
        root.mkdir()
        promises: list[tuple[int, Any]] = []
        with monkeypatch.context() as patch:
            recorded = Recorder(root, patch)
            work(root, lambda what: promises.append((len(recorded.cuts), what)))
        return recorded, promises

    return run


def every(recorded: Recorder, promises: list[tuple[int, Any]], after: Path) -> Iterator[tuple[Path, list[Any]]]:
    """Each disk that a cut may leave, with what had been promised by then."""
    for k, cut in enumerate(recorded.cuts):
        for way in ("dropped", "torn"):
            cut.rebuild(after, way)
            yield after, [what for made, what in promises if made <= k + 1]


def test_the_model_drops_what_was_not_synced(tmp_path: Path, record: Any) -> None:
    """The anti-oracle: a writer that does not sync loses what it wrote, so the tests below can fail."""

    def careless(root: Path, promise: Any) -> None:
        descriptor = os.open(root / "a", os.O_CREAT | os.O_WRONLY)
        os.write(descriptor, b"12345678")
        os.close(descriptor)
        os.replace(root / "a", root / "b")

    recorded, _ = record(careless)
    assert [cut.after for cut in recorded.cuts] == [
        "nothing",
        "open a",
        "half a write to a",
        "write to a",
        "rename to b",
    ]
    recorded.cuts[-1].rebuild(tmp_path / "after", "dropped")
    assert list((tmp_path / "after").iterdir()) == []
    recorded.cuts[-1].rebuild(tmp_path / "after", "torn")
    assert (tmp_path / "after" / "b").read_bytes() == b"1234"


def test_a_store_that_does_not_sync_its_folders_is_found_out(
    tmp_path: Path, record: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The anti-oracle once more, in the package's own code: without the folders' fsync a promised record is gone."""
    monkeypatch.setattr(disk, "sync", lambda folder: None)
    recorded, _ = record(lambda root, promise: Store(root / "s").append(made(1)))
    recorded.cuts[-1].rebuild(tmp_path / "after", "dropped")
    assert seeds(Store(tmp_path / "after" / "s")) == []


def test_the_store_recovers_from_a_cut_at_any_point(tmp_path: Path, record: Any) -> None:
    """Every record whose append had returned is there and no other but the one under way; so are arrays; nothing is
    taken for a record that is none; and the store goes on.
    """

    def work(root: Path, promise: Any) -> None:
        store = Store(root / "runs" / "s")
        for seed in range(4):
            name = store.put({"a": np.full(3, seed)})
            store.append({**made(seed), "arrays": name})
            promise(seed)
            if seed == 1:
                file = next((root / "runs" / "s" / "records").iterdir())
                descriptor = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
                os.write(descriptor, b'{"torn by a crash')
                os.close(descriptor)

    recorded, promises = record(work)
    points = 0
    for root, promised in every(recorded, promises, tmp_path / "after"):
        store = Store(root / "runs" / "s")
        found = seeds(store)
        assert found in (promised, [*promised, len(promised)])
        assert store.problems == []
        for held in store.records():
            assert (store.arrays(held["arrays"])["a"] == held["cell"]["seed"]).all()
        again = Store(store.path)
        again.append(made(9))
        assert seeds(again) == [*found, 9]
        points += 1
    print(f"{points} cuts of a store")
    assert points > 100


def test_checkpoints_recover_from_a_cut_at_any_point(tmp_path: Path, record: Any) -> None:
    """The last one whose save had returned is there, or the one under way; never one that was not saved."""

    def work(root: Path, promise: Any) -> None:
        for step in (3, 5, 9, 12):
            checkpoint.save(root / "runs" / "cell", step, {"a": torch.full((4,), float(step))}, {"at": step}, keep=2)
            promise(step)
        checkpoint.save(root / "runs" / "cell", 20, {"a": torch.full((4,), 20.0)}, {"at": 20}, keep=1)
        promise(20)

    recorded, promises = record(work)
    points, steps = 0, [None, 3, 5, 9, 12, 20]
    for root, promised in every(recorded, promises, tmp_path / "after"):
        said: list[str] = []
        found = checkpoint.latest(root / "runs" / "cell", said.append)
        last = promised[-1] if promised else None
        assert (found.step if found else None) in steps[steps.index(last) :][:2]
        assert said == []  # the name comes after the data: there is nothing to fall back from
        if found:
            assert found.meta == {"at": found.step}
            assert (found.tensors["a"] == found.step).all()
        points += 1
    print(f"{points} cuts of checkpoints")
    assert points > 60


def test_a_training_cut_anywhere_ends_with_the_same_numbers(
    tmp_path: Path, record: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A training with four questions and a checkpoint after every few steps, cut at every seventh point and run again
    from what was left: all numbers, bit for bit.
    """
    monkeypatch.setitem(datasets.DATASETS, "squares", "soak:load")
    hasty = Settings(every=0.0, leisure=2.0)
    recorded, _ = record(lambda root, promise: perform([job()], Context(root / "s", settings=hasty)))
    wanted, points = soak.numbers(tmp_path / "disk" / "s"), 0
    for k in range(0, len(recorded.cuts), 7):
        for way in ("dropped", "torn"):
            recorded.cuts[k].rebuild(tmp_path / "after", way)
            perform([job()], Context(tmp_path / "after" / "s", settings=hasty))
            assert soak.numbers(tmp_path / "after" / "s") == wanted, recorded.cuts[k].after
            points += 1
    print(f"{points} trainings gone on with after a cut, of {2 * len(recorded.cuts)} cuts")
    assert points > 10

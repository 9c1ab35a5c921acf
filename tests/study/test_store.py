"""Laws of the store: what was appended is there, what was torn is not, each line is read once, a lease dies with its
owner, a disk that refuses changes nothing.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import factory
import numpy as np
import pytest
import soak

from betavae import disk
from betavae.errors import Fault, Misuse
from betavae.study import versions
from betavae.study.cells import Cell, Job, Question, Study, canonical, pairs
from betavae.study.leases import holder, try_lease
from betavae.study.records import NewerStore, asked, blank, of
from betavae.study.run import pending
from betavae.study.store import Store

Record = dict[str, Any]


def made(seed: int = 1, **fields: Any) -> Record:
    """The record of one training."""
    fake = factory.FakeStore()
    fake.add(factory.vae(seed=seed), scores={"loss": float(seed)}, **fields)
    return fake.records()[0]


def seeds(store: Store) -> list[int]:
    return sorted(r["cell"]["seed"] for r in store.records())


def test_what_was_appended_is_there(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for seed in range(5):
        store.append(made(seed))
    Store(tmp_path).append(made(9))  # another writer, another file
    assert seeds(store) == seeds(Store(tmp_path, create=False)) == [0, 1, 2, 3, 4, 9]
    assert len(list((tmp_path / "records").iterdir())) == 2


def test_torn_line_is_ignored_and_healed(tmp_path: Path) -> None:
    """A file cut inside its last line, at every byte: the lines before stand, the next append makes it whole."""
    store = Store(tmp_path)
    for seed in (1, 2):
        store.append(made(seed))
    (file,) = (tmp_path / "records").iterdir()
    whole = file.read_bytes()
    first = whole.index(b"\n") + 1
    for cut in range(first, len(whole)):
        file.write_bytes(whole[:cut])
        assert seeds(store) == [1]
        assert store.problems == []
    store.append(made(3))
    assert seeds(store) == seeds(Store(tmp_path)) == [1, 3]
    assert file.read_bytes() == whole[:first] + canonical(made(3)).encode() + b"\n"


def test_a_store_read_as_it_grows_equals_one_read_at_once(tmp_path: Path) -> None:
    """Lines of several writers, good, broken and torn, come in any order: reading on equals reading anew."""
    chance, store = np.random.default_rng(0), Store(tmp_path)
    (tmp_path / "records").mkdir()
    for step in range(60):
        file = tmp_path / "records" / f"w{chance.integers(3)}.jsonl"
        held = file.read_bytes() if file.exists() else b""
        whole = held[: held.rfind(b"\n") + 1]  # as a writer heals what it finds torn
        line = canonical(made(step % 17)).encode() + b"\n"
        file.write_bytes(whole + (line, b'{"no": "record"}\n', line[: chance.integers(len(line))])[chance.integers(3)])
        fresh = Store(tmp_path)
        assert store.records() == fresh.records()
        assert store.problems == fresh.problems
    assert len(store.records()) > 5
    assert len(store.problems) > 5


def test_ten_thousand_records_are_parsed_once_each(tmp_path: Path) -> None:
    """However often what is done is asked for. (docs/reliability.md has the seconds.)"""
    (tmp_path / "records").mkdir()
    fake = factory.FakeStore()
    for seed in range(5000):
        cell = factory.vae(seed=seed)
        fake.add(cell)
        fake.add(cell, factory.higgins())
    for writer in range(4):
        lines = [canonical(record) + "\n" for record in fake.kept[writer::4]]
        (tmp_path / "records" / f"w{writer}.jsonl").write_text("".join(lines))
    store = Store(tmp_path)
    study = Study("many", "own", tuple(Job(factory.vae(seed=k), (factory.higgins(),)) for k in range(5001)))
    assert len(store.records()) == len(store.done()) == 10_000
    assert [job.cell.seed for job in pending(study, store)] == [5000]
    for file in (tmp_path / "records").iterdir():  # what was read is not looked at again
        with file.open("r+b") as written:
            written.write(b"#" * 100)
    store.append(made(5000))
    assert len(store.done()) == 10_001
    assert store.problems == []


def test_ok_is_believed_before_diverged_before_error(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for status, message in (("error", "first"), ("error", "second"), ("diverged", "third"), ("ok", ""), ("error", "x")):
        store.append(made(status=status, message=message))
        (held,) = store.records()
        assert held["message"] == {"second": "first", "x": ""}.get(message, message)
        assert (len(store.done()) == 1) == (held["status"] != "error")


def test_records_of_other_schemas(tmp_path: Path) -> None:
    """Newer: refused, with what to do. Older: there is none, and the line is named."""
    store = Store(tmp_path)
    store.append(made(1))
    store.append(made(2, schema=0))
    assert seeds(store) == [1]
    (problem,) = store.problems
    assert problem.endswith(
        ".jsonl:2: not a record: schema 0, wanted 1, the first there is: no older store needs migrating; left out"
    )
    store.append(made(3, schema=2))
    with pytest.raises(NewerStore, match="the store has records of schema 2, this version reads 1; upgrade betavae"):
        store.records()


def test_arrays_are_kept_by_content(tmp_path: Path) -> None:
    store = Store(tmp_path)
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.array([1, 2], dtype=np.uint8)}
    name = store.put(arrays)
    assert store.put(dict(reversed(arrays.items()))) == name
    assert store.put({**arrays, "a": arrays["a"] + 1}) != name
    assert len(list((tmp_path / "arrays").iterdir())) == 2
    found = store.arrays(name)
    assert all((found[k] == arrays[k]).all() and found[k].dtype == arrays[k].dtype for k in arrays)
    path = tmp_path / "arrays" / f"{name}.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    with pytest.raises(Fault, match=f"{name}.safetensors was altered"):
        store.arrays(name)
    path.unlink()
    with pytest.raises(Fault, match="run the study again into a new store"):
        store.arrays(name)


def test_a_study_is_remembered(tmp_path: Path) -> None:
    study = Study("s", "own", (Job(factory.vae(), (factory.higgins(),)), Job(factory.baseline(), ())))
    store = Store(tmp_path)
    with pytest.raises(Misuse, match="`betavae run` writes it"):
        store.recalled()
    store.remember(study)
    assert store.recalled() == study
    store.expect(study)
    with pytest.raises(Misuse, match="is the store of 's' at scale 'own'; it cannot also be that of 't'"):
        store.expect(replace(study, name="t"))
    store.expect(study)
    with pytest.raises(Misuse, match="is the store of 's' at scale 'own'; it cannot also be that of 't'"):
        store.expect(replace(study, name="t"))
    (tmp_path / "study.json").write_text('{"name": "s"}')
    store.expect(replace(study, name="t"))  # what cannot be read is written anew
    (tmp_path / "study.json").write_text('{"name": "s"}')
    with pytest.raises(Fault, match="is not a study: it has no 'jobs'"):
        store.recalled()
    store.expect(replace(study, name="t"))  # what cannot be read is written anew


def test_what_a_study_asks_otherwise_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is gone, a question put otherwise: said with how many, and let in. A cell more is no change."""
    store, votes, more = Store(tmp_path), factory.higgins(), Question("latent_space")
    done, gone, fresh = (Cell("dsprites", "pca", 4, seed) for seed in (1, 2, 3))
    before = Study("s", "own", (Job(done, (votes,)), Job(gone, (votes, more))))
    store.remember(before)
    store.append(blank({"name": "s", "scale": "own"}, **of(done), machine={}))
    store.expect(replace(before, jobs=(*before.jobs, Job(fresh, (votes,)))))
    assert capsys.readouterr().err == ""
    store.expect(replace(before, jobs=(Job(done, (more,)), Job(fresh, (votes,)))))
    assert capsys.readouterr().err == (
        f"betavae: {tmp_path}: s asks otherwise than before: 3 questions of 2 cells no longer asked; "
        "1 question of 1 cell new, of finished cells (its file, or what this version makes of it, has changed)\n"
    )


HOLD = """
import os, sys
from pathlib import Path
from betavae.study.leases import try_lease
from betavae.study.store import Store
lease = try_lease(Store(Path(sys.argv[1])), "cell", wait=len(sys.argv) > 2)
print("held" if lease else "no", flush=True)
sys.stdin.read()
"""


def other(folder: Path, *wait: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", HOLD, str(folder), *wait]
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_a_lease_is_one_process_s_and_dies_with_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with try_lease(store, "cell") or pytest.fail("it is free"):
        assert try_lease(store, "cell") is None
        assert f"process {os.getpid()} on " in str(holder(store, "cell"))
        with other(tmp_path) as second:
            assert second.stdout is not None
            assert second.stdout.readline() == "no\n"
            second.kill()
        third = other(tmp_path, "wait")
    # Given back here: the one that waits has it now, until it is killed.
    assert third.stdout is not None
    assert third.stdout.readline() == "held\n"
    assert try_lease(store, "cell") is None
    assert f"process {third.pid} on " in str(holder(store, "cell"))
    with third:
        third.send_signal(signal.SIGKILL)
    assert holder(store, "cell") is None
    assert try_lease(store, "cell") is not None


@pytest.mark.parametrize("call", ["open", "write", "fsync", "mkdir"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS], ids=errno.errorcode.__getitem__)
def test_a_disk_that_refuses_changes_nothing(
    call: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever call fails, and with half a line written: one clear error, and all that was there is still there."""
    store = Store(tmp_path)
    store.append(made(1))
    name = store.put({"a": np.zeros(3)})
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    real = getattr(os, call)

    def refuse(*given: Any) -> Any:
        if call == "write":
            real(given[0], bytes(given[1])[:10])
        elif call == "open" and not given[1] & os.O_CREAT:
            return real(*given)
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        if call != "mkdir":
            for attempt in (lambda: store.append(made(2)), lambda: store.put({"a": np.ones(3)})):
                with pytest.raises(disk.Unwritable, match=f"cannot be written: {os.strerror(code)}; .*; make room"):
                    attempt()
        with pytest.raises(disk.Unwritable, match=f"{os.strerror(code)}; nothing was changed; make room"):
            Store(tmp_path / "new" / "store").remember(Study("s", "own", ()))
        assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before
    assert seeds(store) == seeds(Store(tmp_path)) == [1]
    assert (store.arrays(name)["a"] == 0).all()
    store.append(made(2))
    assert seeds(store) == [1, 2]


def test_a_full_disk_ends_a_run_with_one_clear_line(tmp_path: Path) -> None:
    """The kernel itself refuses: no file may grow beyond a size that records fit in and checkpoints do not. What was
    recorded stays, and with room the same command goes on.
    """
    study = soak.STUDY.format(images=160).replace("seed = [1, 2]", "seed = [1]").replace("beta = [1, 4]", "beta = [1]")
    (tmp_path / "soak.toml").write_text(study)
    words = soak.command("run", str(tmp_path / "soak.toml"), "--store", str(tmp_path / "s"), "--quiet", "--every", "1")

    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))

    done = subprocess.run(words, stderr=subprocess.PIPE, text=True, preexec_fn=small, check=False)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert "safetensors cannot be written: File too large; nothing was changed; make room there" in last
    assert last.startswith("betavae: ")
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "s" / "checkpoints").rglob("*.safetensors"))
    before = soak.numbers(tmp_path / "s")
    assert subprocess.run(words, stderr=subprocess.DEVNULL, check=False).returncode == 0
    after = soak.numbers(tmp_path / "s")
    assert len(after) == 7
    assert before == {key: after[key] for key in before}


def test_what_an_older_version_measured_is_told_and_asked_again(tmp_path: Path, monkeypatch) -> None:
    """A store from before versions counts as 1; a corrected measure's old answers are no longer answers."""
    store = Store(tmp_path)
    monkeypatch.setitem(versions.TABLES["measure"], "higgins", "betavae.metrics.votes:higgins")
    question = Question("higgins", pairs({"votes": 60}))
    cell = Cell("dsprites", "pca", 4, 1)
    fit = {**blank({"name": "old", "scale": "own"}, **of(cell)), "machine": {}}
    answer = {**fit, **asked(question, 1.0), "scores": {"higgins": 0.5}}
    for record in (fit, answer):
        del record["versions"], record["sources"]
        store.append(record)
    assert store.done() == {(cell.id, None, 1.0), (cell.id, question.id, 1.0)}
    assert store.outdated == []
    monkeypatch.setitem(versions.TABLES["measure"], "higgins", "betavae.metrics.votes:higgins@2")
    assert store.done() == {(cell.id, None, 1.0)}
    (left,) = store.outdated
    assert left["outdated"] == "made by version 1 of higgins, which is now 2"
    store.append({**answer, "versions": {"measure": 2}, "scores": {"higgins": 0.6}})
    assert [r["scores"] for r in store.records() if r["question"]] == [{"higgins": 0.6}]
    assert store.outdated == []

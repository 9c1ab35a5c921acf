"""Ten thousand generated inputs: each is read, or refused by an error meant for people; none hangs, none tracebacks.

The inputs are good ones with pieces changed, so that most get past the first check. They are the same in every run.
"""

from __future__ import annotations

import contextlib
import functools
import gzip
import hashlib
import io
import json
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from generated import ARGUMENTS, ARRAYS, PIECES, RECORDS, REMEMBERED, STUDIES, edited, sound_tar
from hostile import npz
from hostile.payloads import CANARY, record, tensors, torch_saved, torch_zip
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from betavae.cli import main, run
from betavae.datasets.files.formats import npz_rows, tar_members
from betavae.errors import BetavaeError
from betavae.metrics.fidelity import weights
from betavae.study.store import Store
from betavae.study.study_file import read
from betavae.training import checkpoint

COUNTS = {
    "study files": 2_200,
    "records": 2_200,
    "remembered studies": 800,
    "checkpoints": 1_000,
    "array headers": 1_500,
    "archives": 400,
    "weight files": 400,
    "command lines": 1_500,
}
PATIENCE = 10.0  # seconds for one input; a hundredth is usual


def fuzzed(name: str, **strategies: st.SearchStrategy[Any]) -> Callable[..., Any]:
    """Run a test on as many generated inputs as COUNTS says, the same in every run."""
    quick = settings(
        max_examples=COUNTS[name],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    return lambda test: quick(given(**strategies)(test))


class Watch:
    """Counts inputs and what came of them, and lets none take long."""

    def __init__(self) -> None:
        self.inputs, self.refused, self.slowest = 0, 0, 0.0

    @contextlib.contextmanager
    def offered(self) -> Iterator[None]:
        """One input: read, or refused with one line. Anything else that is raised is a failure."""
        self.inputs += 1
        begun = time.perf_counter()
        main = threading.current_thread() is threading.main_thread()
        if main:
            signal.setitimer(signal.ITIMER_REAL, PATIENCE)
        try:
            yield
        except BetavaeError as error:
            self.refuse(str(error))
        finally:
            if main:
                signal.setitimer(signal.ITIMER_REAL, 0)
            self.slowest = max(self.slowest, time.perf_counter() - begun)

    def refuse(self, message: str) -> None:
        assert message.strip()
        assert "\n" not in message
        assert len(message) < 4_000
        self.refused += 1


@pytest.fixture
def watch(request: pytest.FixtureRequest, record_property, monkeypatch, tmp_path: Path) -> Iterator[Watch]:
    """A watch for the test of one row of COUNTS; what it counted is printed at the end of the run."""

    def overdue(*_: object) -> None:
        raise TimeoutError(f"an input took more than {PATIENCE:g} s")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BETAVAE_DATA", str(tmp_path / "data"))
    before = signal.signal(signal.SIGALRM, overdue)
    watch, peak = Watch(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        yield watch
    finally:
        signal.signal(signal.SIGALRM, before)
    name = request.node.name.removeprefix("test_").replace("_", " ")
    record_property(
        "counted",
        f"{watch.inputs:,} generated {name}: {watch.refused:,} refused, the others read; no traceback, "
        f"the slowest took {1000 * watch.slowest:.0f} ms",
    )
    assert watch.inputs >= COUNTS[name]
    assert watch.refused > 0
    assert watch.slowest < PATIENCE
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 1_000_000  # in kB: less than a gigabyte more
    assert not (tmp_path / CANARY).exists()


@fuzzed("study files", content=STUDIES)
def _studies(watch: Watch, content: bytes) -> None:
    Path("own.toml").write_bytes(content)
    with watch.offered():
        assert read(Path("own.toml")).jobs


def test_study_files(watch: Watch) -> None:
    _studies(watch)


@fuzzed("records", line=RECORDS)
def _records(watch: Watch, line: bytes) -> None:
    folder = Path("store") / "records"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "one.jsonl").write_bytes(line + b"\n" + json.dumps(record(cell_id="f" * 16)).encode() + b"\n")
    with watch.offered(), contextlib.redirect_stderr(io.StringIO()):
        store = Store(folder.parent, create=False)
        found, problems = store.records(), store.problems
        assert any(kept["cell_id"] == "f" * 16 for kept in found)  # its neighbour is read whatever it is
        assert len(store.done()) <= len(found)
        for problem in problems:
            watch.refuse(problem)
        store.asked()


def test_records(watch: Watch) -> None:
    _records(watch)


@fuzzed("remembered studies", content=REMEMBERED)
def _remembered(watch: Watch, content: bytes) -> None:
    (Path("store") / "records").mkdir(parents=True, exist_ok=True)
    Path("store/study.json").write_bytes(content)
    with watch.offered():
        assert Store(Path("store"), create=False).recalled().images >= 0


def test_remembered_studies(watch: Watch) -> None:
    _remembered(watch)


@fuzzed(
    "checkpoints", content=edited(tensors(), [*PIECES, b"[1]", b"F64", b"9" * 20, b"\x00" * 8]), honest=st.booleans()
)
def _checkpoints(watch: Watch, content: bytes, honest: bool) -> None:
    folder = Path("checkpoints")
    folder.mkdir(exist_ok=True)
    trailer = hashlib.sha256(content).digest() if honest else bytes(32)
    (folder / "step-000000000001.safetensors").write_bytes(content + trailer)
    with watch.offered():
        said: list[str] = []
        found = checkpoint.latest(folder, said.append)
        assert (found is None) == (len(said) == 1)
        for message in said:
            watch.refuse(message)


def test_checkpoints(watch: Watch) -> None:
    _checkpoints(watch)


@fuzzed("array headers", content=ARRAYS, packed=st.booleans())
def _headers(watch: Watch, content: bytes, packed: bool) -> None:
    path = Path("images.npz")
    npz(path, {"images.npy": content}, packed)
    with watch.offered():
        assert np.concatenate(list(npz_rows(path, "images.npy", (2, 3)))).shape == (2, 3)


def test_array_headers(watch: Watch) -> None:
    _headers(watch)


@fuzzed("archives", content=edited(sound_tar(), [*PIECES, b"../", b"2", b"L", b"7777777", b"x"], within=1_100))
def _archives(watch: Watch, content: bytes) -> None:
    path = Path("file.tar.gz")
    path.write_bytes(gzip.compress(content, 0))
    with watch.offered():
        assert all(len(content) == 6146 for _, content in tar_members(path, {"batches/test.bin": 6146}))


def test_archives(watch: Watch) -> None:
    _archives(watch)


@fuzzed(
    "weight files",
    content=st.one_of(
        edited(torch_saved({"a": torch.zeros(2)}), [*PIECES, b"c__builtin__\nexec\n", b"R", b"\x80\x04"]),
        st.binary(max_size=60).map(torch_zip),
        st.binary(max_size=60),
    ),
)
def _weights(watch: Watch, content: bytes) -> None:
    path = Path("weights.pt")
    path.write_bytes(content)
    with watch.offered():
        assert isinstance(weights.read(path, hashlib.sha256(content).hexdigest()), dict)


def test_weight_files(watch: Watch) -> None:
    _weights(watch)


@fuzzed("command lines", words=ARGUMENTS)
def _commands(watch: Watch, words: list[str]) -> None:
    words = [word.replace("\0", "") for word in words]  # a command line cannot hold it
    out, err = io.StringIO(), io.StringIO()
    with watch.offered(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main.main(words)
        except SystemExit as ended:  # --help
            code = int(ended.code or 0)
            assert code == 0
        if code:
            last = err.getvalue().rstrip("\n").split("\n")[-1]
            assert code in (1, 2)
            assert last.startswith("betavae: "), err.getvalue()
            watch.refuse(last)


def test_command_lines(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """All but the verbs' long work: nothing is trained, scored, drawn or fetched."""
    monkeypatch.setattr(main, "parser", functools.cache(main.parser))  # made anew each time it takes most of the time
    study = run.studied
    monkeypatch.setitem(
        main.VERBS, "run", lambda options: 0 if options.study == "paper" else bool(study(options).name) - 1
    )
    for verb in ("train", "score", "figure", "explore", "doctor"):
        monkeypatch.setitem(main.VERBS, verb, lambda options: 0)
    monkeypatch.setattr("betavae.datasets.files.fetch.fetch", lambda name, **_: name)
    _commands(watch)


def test_they_are_ten_thousand() -> None:
    assert sum(COUNTS.values()) == 10_000

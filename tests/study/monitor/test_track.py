"""TensorBoard as a listener: what the driver heard is what an event file holds."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextvars import ContextVar
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from short import short_study

from betavae.cli.main import main
from betavae.errors import Misuse
from betavae.study.jobs.messages import Asking, Finished, Step
from betavae.study.monitor.track import Track
from betavae.study.run import run
from betavae.study.store import Store

STEPS = (10, 20, 40)


def told(cell: str, step: int) -> Step:
    """A message of progress."""
    return Step(cell, step, 80, 400.0 + step, 90.0 / step, 0.5)


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard's own reader finds in an event folder."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


class Teller:
    """An executor that trains nothing and says what a worker would."""

    def slots(self, device: str) -> int:
        return 1

    def execute(self, groups: Sequence[Any], *, hear: Any, **rest: Any) -> dict[str, str]:
        for group in groups:
            for job in group:
                for step in STEPS:
                    hear(0, told(job.cell.id, step))
                hear(0, Asking(job.cell.id, "higgins"))
                hear(0, Finished({job.cell.id: "done"}))
        return {}


def test_a_run_is_read_back(tmp_path: Path) -> None:
    study = short_study(cells=2, passes=32 * 40)
    with Track(tmp_path / "track") as track:
        run(study, Store(tmp_path / "store"), quiet=True, executor=Teller(), listen=track.hear)
    assert sorted(p.name for p in (tmp_path / "track").iterdir()) == sorted(cell.id for cell in study.cells)
    for cell in study.cells:
        found = scalars(tmp_path / "track" / cell.id)
        assert sorted(found) == ["images per second", "nats/KL", "nats/reconstruction"]
        assert found["images per second"] == [(step, 400.0 + step) for step in STEPS]
        assert found["nats/KL"] == [(step, 0.5) for step in STEPS]
        assert found["nats/reconstruction"] == [(10, 9.0), (20, 4.5), (40, 2.25)]


def test_what_is_cut_short_is_kept(tmp_path: Path) -> None:
    def interrupted() -> None:
        with Track(tmp_path) as track:
            track.hear(0, told("a", 10))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert scalars(tmp_path / "a")["nats/reconstruction"] == [(10, 9.0)]


class Library:
    """What trackio and wandb document, as much of it as is called: ``init`` gives a run, which has ``log``, ``finish``.

    As trackio's, one run is open in a context: another ``init`` there ends it.
    """

    def __init__(self, name: str, fails: bool = False) -> None:
        self.name, self.fails, self.runs = name, fails, list[Any]()
        self.current: ContextVar[Any] = ContextVar("current", default=None)

    def init(self, *, project: str, name: str, resume: str, **rest: Any) -> Any:
        known = {"trackio": {"embed"}, "wandb": {"id", "dir", "reinit"}}[self.name]
        assert set(rest) == known
        if self.name == "trackio" and self.current.get():
            self.current.get().finish()
        if self.fails:
            raise ConnectionError("nobody\nanswers")
        made = SimpleNamespace(name=name, project=project, logged=[], ended=0, rest=rest)

        def log(scalars: dict[str, float], step: int | None = None) -> None:
            assert not made.ended, "logged to a run that had ended"
            made.logged.append((step, scalars))

        made.log, made.finish = log, lambda: setattr(made, "ended", made.ended + 1)
        self.current.set(made)
        self.runs.append(made)
        return made


@pytest.mark.parametrize("name", ["trackio", "wandb"])
def test_other_trackers_hear_the_same(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two cells at once, each in a run of its own, ended once."""
    library = Library(name)
    monkeypatch.setitem(sys.modules, name, library)
    with Track(tmp_path / "track", name, "mine") as track:
        for step in STEPS:
            track.hear(0, told("a", step))
            track.hear(1, told("b", step))
        track.hear(0, Finished({"a": "done"}))
    assert [(run.name, run.project, run.ended) for run in library.runs] == [("a", "mine", 1), ("b", "mine", 1)]
    for one in library.runs:
        assert [step for step, _ in one.logged] == list(STEPS)
        assert one.logged[0][1] == {"nats/reconstruction": 9.0, "nats/KL": 0.5, "images per second": 410.0}


def test_a_tracker_that_fails_costs_the_study_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", Library("wandb", fails=True))
    with Track(tmp_path, "wandb") as track:
        for step in STEPS:
            track.hear(0, told("a", step))
    said = capsys.readouterr().err.splitlines()
    assert said == ["betavae: the tracker failed and is left out from here: ConnectionError: nobody answers"]


def test_without_tensorboard_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(Misuse, match=r"betavae\[track\]"):
        Track(tmp_path)
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(Misuse, match=r"--track wandb needs a package that is not here: `pip install wandb`"):
        Track(tmp_path, "wandb")
    with pytest.raises(Misuse, match="unknown tracker 'wandbb'; did you mean 'wandb'"):
        Track(tmp_path, "wandbb")
    words = ["run", "paper", "--scale", "smoke", "--track", "--store", str(tmp_path / "store")]
    assert main(words) == 2
    assert list(tmp_path.iterdir()) == []

"""TensorBoard as a listener: what the driver heard is what an event file holds."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
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


def test_without_tensorboard_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(Misuse, match=r"betavae\[track\]"):
        Track(tmp_path)
    words = ["run", "paper", "--scale", "smoke", "--track", "--store", str(tmp_path / "store")]
    assert main(words) == 2
    assert list(tmp_path.iterdir()) == []

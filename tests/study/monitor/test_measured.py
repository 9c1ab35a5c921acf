"""A machine that was measured is forecast by what it took; what was measured elsewhere, or altered, is nothing."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from runs import cell

from betavae.errors import Fault
from betavae.paper.study import paper
from betavae.study.cells import Job, Question
from betavae.study.monitor import cost, measured, measuring, status
from betavae.study.monitor.measured import NOTHING, Measured
from betavae.study.monitor.measuring import each, rest, trained
from betavae.study.monitor.pace import Pace
from betavae.study.store import Store


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BETAVAE_DATA", str(tmp_path))
    return measured.place()


def test_what_was_measured_is_reckoned_with() -> None:
    """A step of .5 s, an image encoded in .1 s, the rest twice as slow."""
    recipe = cell().recipe
    assert recipe is not None
    name = measured.kind(cell())
    held = Measured({f"step {name}": 0.5, f"encode {name}": 0.1, measured.REST: 2.0}, 1.0)
    trains, asks = Job(cell(), ()), Job(cell(), (Question("reconstruction"),))
    render = cost.RENDER.get("squares", 2e-5)
    assert cost.cost(trains, 1e9, held).seconds == pytest.approx(
        cost.OPEN + recipe.steps * 0.5 + recipe.steps * recipe.batch * render
    )
    more = cost.cost(asks, 1e9, held)
    measure = cost.price(asks.questions[0])
    wanted = cost.cost(trains, 1e9, held).seconds + 2.0 * measure.seconds + more.encoded * (0.1 + render)
    assert more.seconds == pytest.approx(wanted)
    assert cost.cost(trains, 1e9, NOTHING) == cost.cost(trains, 1e9)


def test_each_kind_is_measured_once() -> None:
    jobs = [Job(replace(cell(beta), seed=seed), ()) for beta in (1.0, 4.0) for seed in range(3)]
    other = Job(replace(cell(), codes=5), ())
    assert len(measured.lacking([*jobs, other], NOTHING)) == 2
    held = Measured({f"step {measured.kind(cell())}": 1.0}, 1.0)
    assert measured.lacking([*jobs, other], held) == [other.cell]
    assert measured.lacking([Job(replace(cell(), objective="mine.py:loss"), ())], NOTHING) == []


def test_rates_of_another_machine_or_none_are_not_believed(place: Path) -> None:
    assert measured.known() == NOTHING
    kept = {"machine": measured._machine(), "seconds": {"rest": 1.5}, "free": 0.5}
    for told in ("{", "[]", json.dumps({**kept, "machine": {}}), json.dumps({**kept, "seconds": {"rest": "x"}})):
        place.write_text(told)
        measured._read.cache_clear()
        assert measured.known() == NOTHING
    place.write_text(json.dumps({**kept, "seconds": {"rest": 1.5, "step x": -1.0}}))
    measured._read.cache_clear()
    assert measured.known() == Measured({"rest": 1.5}, 0.5)
    measured._read.cache_clear()


def test_a_measurement_is_of_the_work_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured, "EACH", 0.05)
    found = trained(cell())
    name = measured.kind(cell())
    assert set(found) == {f"step {name}", f"encode {name}"}
    assert all(0 < value < 1 for value in found.values())
    assert 0.01 < rest() < 100
    calls: list[int] = []
    assert each(lambda: calls.append(1), 0.0) >= 0
    assert len(calls) == 3  # the first is not counted


def test_the_beginning_of_a_training_is_no_part_of_its_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock of our own a training begins in ten seconds and steps in one, and has a budget of four steps."""
    now, begun = [0.0], list[int]()

    def advance(task: Any, member: Any, state: Any, until: int, watch: Callable[[Any], None]) -> None:
        now[0] += 10.0
        begun.append(until)
        while state.step < until:
            now[0] += 1.0
            state.step += 1
            watch(state)

    def clock() -> float:
        return now[0]

    monkeypatch.setattr(measuring, "time", SimpleNamespace(perf_counter=clock, process_time=clock))
    monkeypatch.setattr(measuring.single, "advance", advance)
    task: Any = SimpleNamespace(recipe=SimpleNamespace(steps=4))
    state: Any = SimpleNamespace(step=0)
    assert measuring.stepped(task, None, state, 30.0) == 1.0  # type: ignore[arg-type]
    assert (len(begun), now[0]) == (1, 31.0)


@pytest.mark.parametrize("objective", ["ada_gvae", "factor_vae"])
def test_whatever_an_objective_wants_of_its_images_is_measured(objective: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured, "EACH", 0.05)
    mine = replace(cell(), dataset="dsprites", objective=objective, knobs=())
    assert set(trained(mine)) == {f"step {measured.kind(mine)}", f"encode {measured.kind(mine)}"}


def test_where_one_process_cannot_measure_none_goes_on(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, real = list[subprocess.Popen[bytes]](), subprocess.Popen

    def open_(words: list[str], **how: Any) -> subprocess.Popen[bytes]:
        instead = ["tail", "-f", "/dev/null"] if opened else ["sh", "-c", "cat > /dev/null; echo no room >&2; exit 3"]
        opened.append(real(instead, **how))
        return opened[-1]

    monkeypatch.setattr(measured.subprocess, "Popen", open_)
    with pytest.raises(Fault, match="could not be measured: no room"):
        measured.measure([cell()], 3)
    assert [process.returncode is not None for process in opened] == [True] * 3


def test_a_forecast_says_where_its_rates_come_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = paper("smoke")
    said = status.plan(study, 2, Store(tmp_path), Pace(5e10, 2))
    assert "kinds of training are reckoned, not measured here: `--dry-run --measure`" in said
    kinds = {f"step {measured.kind(c)}": 1e-3 for c in measured.lacking(study.jobs, NOTHING)}
    said = status.plan(study, 2, Store(tmp_path), Pace(5e10, 2, 0.5, Measured(kinds, 0.5)))
    assert "every kind of training as it was measured on this machine" in said
    assert "50% of the time of its cores free now" in said
    monkeypatch.setattr(measured, "foreign", lambda name: name == "mlp")
    brought = [job for job in study.jobs if job.cell.recipe and job.cell.method == "mlp"]
    for jobs, told in ((brought, True), ([job for job in study.jobs if not job.cell.recipe], False)):
        said = status.plan(replace(study, jobs=tuple(jobs)), 2, Store(tmp_path), Pace(5e10, 2))
        assert ("by code from outside are reckoned, not measured" in said) == told
        assert "as it was measured on this machine" not in said

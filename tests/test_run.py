"""A study from end to end on a tiny budget: what is done is never done again, kills change nothing, failures are
values.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from betavae.study.cells import Cell, Job, Question, Study, pairs
from betavae.study.run import pending, run
from betavae.study.store import Store
from betavae.training.recipe import Recipe

VOTES = {"votes": 60, "test_votes": 60, "pairs": 16, "pool": 200}


def tiny_study(betas: tuple[float, ...] = (1.0, 4.0), passes: int = 32 * 8) -> Study:
    """Two trainings and a PCA on drawn 2Dshapes: seconds, not minutes."""
    recipe = Recipe("adam", 5e-4, 32, passes)
    asked = (
        Question("higgins", pairs(VOTES)),
        Question("reconstruction", pairs({"images": 16}), at=(0.5, 1.0)),
        Question("reconstructions", pairs({"images": 2})),
    )
    jobs = [Job(Cell("dsprites", "conv", 4, 123, "beta_vae", pairs({"beta": b}), recipe), asked) for b in betas]
    jobs.append(Job(Cell("dsprites", "pca", 4, 123, fit=300), (Question("higgins", pairs(VOTES)),)))
    return Study("tiny", "smoke", tuple(jobs))


def numbers(store: Store) -> dict[tuple[Any, ...], Any]:
    """All that a study found, without times: by what was asked of what, and when."""
    return {
        (r["cell_id"], r["question_id"], r["at"]): (r["status"], r["scores"], r["notes"], r["arrays"])
        for r in store.records()
        if r["kind"] != "run"
    }


@pytest.fixture(scope="module")
def unkilled(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The tiny study, run once without disturbance."""
    store = Store(tmp_path_factory.mktemp("unkilled"))
    store.remember(tiny_study())
    outcome = run(tiny_study(), store, workers=2, quiet=True)
    assert outcome.failures == {}
    return store


def test_every_question_gets_a_record(unkilled: Store) -> None:
    found = numbers(unkilled)
    wanted = {(j.cell.id, q.id, at) for j in tiny_study().jobs for q in j.questions for at in q.at}
    wanted |= {(j.cell.id, None, 1.0) for j in tiny_study().jobs}
    assert set(found) == wanted
    assert all(status == "ok" for status, *_ in found.values())
    assert pending(tiny_study(), unkilled) == ()


def test_a_record_holds_what_is_needed_to_run_it_again(unkilled: Store) -> None:
    for record in unkilled.records():
        if record["kind"] == "run":
            continue
        assert Cell.from_plain(record["cell"]).id == record["cell_id"]
        assert {"device", "cpu", "threads", "precision", "versions", "code"} <= record["machine"].keys()
        assert record["data"]["source"] == "drawn"
        assert record["data"]["digest"]


def test_running_again_does_nothing(unkilled: Store) -> None:
    before = unkilled.records()
    assert run(tiny_study(), unkilled, workers=2, quiet=True).seconds == 0.0
    assert unkilled.records() == before


def test_a_second_run_gives_the_same_numbers(unkilled: Store, tmp_path: Path) -> None:
    """Same cells, one worker instead of two, another order: the same records but for times."""
    again = Store(tmp_path)
    study = tiny_study()
    run(Study(study.name, study.scale, study.jobs[::-1]), again, workers=1, quiet=True)
    assert numbers(again) == numbers(unkilled)


def test_a_new_question_trains_nothing_again(unkilled: Store, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(unkilled.path, copy)
    study = tiny_study()
    more = Question("higgins", pairs({**VOTES, "classifier": "forest"}))
    asked = Study(study.name, study.scale, tuple(Job(j.cell, (*j.questions, more)) for j in study.jobs))
    store = Store(copy)
    assert [j.questions for j in pending(asked, store)] == [(more,)] * 3
    fits = [r for r in store.records() if r["kind"] == "fit"]
    run(asked, store, workers=1, quiet=True)
    assert [r for r in store.records() if r["kind"] == "fit"] == fits
    assert pending(asked, store) == ()


def test_an_error_is_a_record_and_stops_nobody(tmp_path: Path) -> None:
    study = tiny_study(betas=(1.0,))
    wrong = Question("higgins", pairs({**VOTES, "ask": ("colour",)}))
    asked = Study("tiny", "smoke", tuple(Job(j.cell, (wrong, *j.questions)) for j in study.jobs))
    store = Store(tmp_path)
    outcome = run(asked, store, workers=2, quiet=True)
    assert len(outcome.failures) == 2
    errors = [r for r in store.records() if r["status"] == "error"]
    assert len(errors) == 2
    assert all("colour" in r["message"] for r in errors)
    assert {j.cell.id for j in pending(asked, store)} == {
        j.cell.id for j in asked.jobs
    }  # an error never counts as done
    assert sum(r["status"] == "ok" for r in store.records() if r["kind"] == "answer") == 5


def test_a_cell_that_cannot_begin_is_a_record(tmp_path: Path) -> None:
    store = Store(tmp_path)
    bad = Job(
        Cell("dsprites", "pca", 4, 1, fit=300, knobs=pairs({"layout": "nonsense"})),
        (Question("higgins", pairs(VOTES)),),
    )
    outcome = run(Study("tiny", "smoke", (bad, tiny_study().jobs[-1])), store, workers=1, quiet=True)
    assert list(outcome.failures) == [bad.cell.id]
    assert {r["status"] for r in store.records() if r["kind"] == "fit"} == {"ok", "error"}


def test_a_diverged_cell_is_counted_not_dropped(tmp_path: Path) -> None:
    recipe = Recipe("adagrad", 1e6, 32, 32 * 12)
    cell = Cell("dsprites", "mlp", 4, 1, "beta_vae", pairs({"beta": 1.0}), recipe)
    store = Store(tmp_path)
    study = Study("tiny", "smoke", (Job(cell, (Question("higgins", pairs(VOTES)),)),))
    assert run(study, store, workers=1, quiet=True).failures == {}
    fit, answer = sorted((r for r in store.records() if r["kind"] != "run"), key=lambda r: r["kind"], reverse=True)
    assert (fit["status"], answer["status"]) == ("diverged", "diverged")
    assert "left the finite numbers at step" in fit["message"]
    assert pending(study, store) == ()


DRIVER = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_run import tiny_study
from betavae.study.run import run
from betavae.study.store import Store
store = Store(Path({store!r}))
sys.exit(bool(run(tiny_study(), store, workers=2, every=0.05, quiet=True).failures))
"""


def family(pid: int) -> list[int]:
    """The children of a process."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(stat.parent.name))
        except (OSError, IndexError, ValueError):
            continue
    return found


def killed_until_done(folder: Path, kills: int, seed: int, patience: float = 240.0) -> int:
    """Run the tiny study, killing the driver or a worker at random moments ``kills`` times; returns the kills that
    hit.
    """
    chance, hit = random.Random(seed), 0
    script = DRIVER.format(tests=str(Path(__file__).parent), store=str(folder))
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        driver = subprocess.Popen([sys.executable, "-c", script], env=environment, stderr=subprocess.DEVNULL)
        while hit < kills and driver.poll() is None:
            try:
                driver.wait(timeout=chance.uniform(0.5, 4.0))
                break
            except subprocess.TimeoutExpired:
                victims = [driver.pid, *family(driver.pid)]
                victim = chance.choice(victims)
                try:
                    os.kill(victim, signal.SIGKILL)
                    hit += 1
                except ProcessLookupError:
                    continue
                if victim == driver.pid:
                    driver.wait()
        if driver.wait(timeout=max(1.0, deadline - time.monotonic())) == 0:
            return hit
    raise AssertionError("the study did not end")


def test_kills_change_nothing(unkilled: Store, tmp_path: Path) -> None:
    """At least five SIGKILLs of the driver or a worker: the scores are the unkilled run's, bit for bit."""
    hits, round_ = 0, 0
    while hits < 5:
        store = tmp_path / str(round_)
        hits += killed_until_done(store, kills=5 - hits, seed=round_)
        assert numbers(Store(store)) == numbers(unkilled)
        round_ += 1
        assert round_ < 10, "the study ends before it can be killed"


def test_two_drivers_do_a_study_once(unkilled: Store, tmp_path: Path) -> None:
    script = DRIVER.format(tests=str(Path(__file__).parent), store=str(tmp_path))
    pair = [subprocess.Popen([sys.executable, "-c", script]) for _ in range(2)]
    assert [p.wait(timeout=240) for p in pair] == [0, 0]
    assert numbers(Store(tmp_path)) == numbers(unkilled)
    lines = [json.loads(t) for f in (tmp_path / "records").glob("*.jsonl") for t in f.read_text().splitlines()]
    keys = [(r["cell_id"], r["question_id"], r["at"]) for r in lines if r["kind"] != "run"]
    assert len(keys) == len(set(keys))

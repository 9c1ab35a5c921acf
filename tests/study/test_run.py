"""A study from end to end on a tiny budget: what is done is never done again, failures are values, a record can be run
again from itself alone.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import soak
from runs import VOTES, cell, timeless, tiny_study

from betavae.api import stores as api
from betavae.cli import main
from betavae.errors import Misuse
from betavae.study.cells import Cell, Job, Question, Study, canonical, pairs
from betavae.study.jobs.messages import Kept
from betavae.study.records import blank, of
from betavae.study.run import failures, pending, run
from betavae.study.settings import Settings
from betavae.study.store import Store
from betavae.training.recipe import Recipe

pytestmark = pytest.mark.usefixtures("squares")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny study, run once."""
    store = Store(tmp_path_factory.mktemp("whole"))
    store.remember(tiny_study())
    assert run(tiny_study(), store, Settings(workers=2), quiet=True).failures == {}
    return store.path


def test_a_store_goes_on_with_its_own_study(whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`betavae run STORE` does there what is missing of all that was wanted; another study is not let in."""
    folder = tmp_path / "part"
    wanted = tiny_study()
    store = Store(folder)
    store.remember(wanted)
    first = wanted.jobs[0].cell.id
    assert main.main(["run", str(whole), "--only", first, "--store", str(folder), "--quiet"]) == 0
    assert {r["cell_id"] for r in store.records() if r["kind"] == "fit"} == {first}
    assert Store(folder).study() == Store(whole).study()
    capsys.readouterr()
    assert main.main(["run", str(folder), "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert f"{len(wanted.jobs)} cells, records in {folder}" in told
    mine = tmp_path / "mine.toml"
    mine.write_text('name = "mine"\n[[grid]]\ndataset = ["dsprites"]\nmethod = ["pca"]\nseed = [1]\nquestions = []\n')
    assert main.main(["run", str(mine), "--store", str(folder), "--quiet"]) == 2
    assert "give another folder as --store" in capsys.readouterr().err
    assert store.recalled() == wanted


def test_a_sitting_without_time_leaves_all_to_the_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store(tmp_path / "later")
    store.remember(tiny_study())
    store.append({"kind": "run"})
    assert main.main(["run", str(store.path), "--quiet", "--hours", "0.001"]) == 0
    said = capsys.readouterr().err
    assert "0 cells done in " in said
    assert "3 are left when the hours are over: the same command goes on" in said
    assert main.main(["run", str(store.path), "--quiet", "--hours", "0"]) == 2
    assert main.main(["run", str(store.path), "--quiet", "--until", "decided"]) == 2
    assert "declares no looks" in capsys.readouterr().err


def test_records_alone_do_not_become_the_study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was wanted of them is unknown, and is not what happens to be there: nothing says that all is done."""
    store, pca = Store(tmp_path / "alone"), tiny_study().jobs[-1].cell
    store.append(blank({"name": "tiny", "scale": "smoke"}, **of(pca), machine={}))
    for words in (["run", str(store.path)], ["run", str(store.path), "--dry-run"]):
        assert main.main(words) == 2
        assert f"run the study by its name or its file with --store {store.path}" in capsys.readouterr().err
    with pytest.raises(Misuse, match=r"no study\.json"):
        api.run(store.path)
    assert main.main(["run", str(store.path), "--only", pca.id[:6], "--quiet"]) == 0
    assert "its records alone are taken" in capsys.readouterr().err
    assert not store.remembers
    assert main.main(["run", str(store.path), "--print"]) == 0
    assert main.main(["status", str(store.path)]) == 0
    said = capsys.readouterr().out
    assert "wanted    unknown" in said
    assert f"next      unknown: run the study by its name or its file with --store {store.path}" in said


def test_records_that_cannot_be_trusted_are_told_by_the_exit_code(ran: Store) -> None:
    assert main.main(["status", str(ran.path)]) == 0
    with next((ran.path / "records").glob("*.jsonl")).open("a", encoding="utf-8") as file:
        file.write("garbage\n")
    assert main.main(["status", str(ran.path)]) == 1


@pytest.fixture
def ran(whole: Path, tmp_path: Path) -> Store:
    """A copy of the store of the tiny study."""
    return Store(shutil.copytree(whole, tmp_path / "copy"))


def test_every_question_gets_a_record(ran: Store) -> None:
    records = [r for r in ran.records() if r["kind"] != "run"]
    wanted = {(j.cell.id, q.id, at) for j in tiny_study().jobs for q in j.questions for at in q.at}
    wanted |= {(j.cell.id, None, 1.0) for j in tiny_study().jobs}
    assert {(r["cell_id"], r["question_id"], r["at"]) for r in records} == wanted
    assert all(r["status"] == "ok" for r in records)
    assert pending(tiny_study(), ran) == ()


def test_a_record_holds_what_is_needed_to_run_it_again(ran: Store) -> None:
    for record in ran.records():
        if record["kind"] == "run":
            continue
        assert Cell.from_plain(record["cell"]).id == record["cell_id"]
        machine = record["machine"]
        assert {
            "device",
            "cpu",
            "instructions",
            "system",
            "threads",
            "precision",
            "python",
            "versions",
            "code",
        } <= machine.keys()
        assert all(machine["versions"][p] for p in ("torch", "numpy", "scipy", "scikit-learn", "safetensors"))
        assert machine["code"].keys() == {"version", "git", "dirty"}
        assert machine["threads"] == 1
        assert record["data"] == {"source": "drawn", "digest": "squares-1"}


def test_collapsed_latents_are_counted_in_every_training(ran: Store) -> None:
    fits = [r for r in ran.records() if r["kind"] == "fit" and r["cell"]["recipe"]]
    assert len(fits) == 2
    for record in fits:
        kl = ran.arrays(record["arrays"])["kl"][-1]
        assert record["scores"]["collapsed"] == sum(float(k) < 0.01 for k in kl)
        assert len(record["notes"]["weights"]) == 16


def test_running_again_does_nothing(ran: Store) -> None:
    before = ran.records()
    assert run(tiny_study(), ran, Settings(workers=2), quiet=True).seconds == 0.0
    assert ran.records() == before


def test_a_second_run_gives_the_same_records(ran: Store, tmp_path: Path) -> None:
    """Same cells, one worker instead of two, another order: identical records but for times."""
    again = Store(tmp_path / "again")
    study = tiny_study()
    run(Study(study.name, study.scale, study.jobs[::-1]), again, Settings(workers=1), quiet=True)
    assert timeless(again) == timeless(ran)


def test_a_record_alone_can_be_run_again(ran: Store, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """All is deleted but the line of one answer; ``run --only`` trains its cell again and finds the same scores."""
    chosen = next(r for r in ran.records() if r["at"] == 0.5)
    lone = tmp_path / "lone"
    (lone / "records").mkdir(parents=True)
    (lone / "records" / "a.jsonl").write_text(canonical(chosen) + "\n")
    shutil.rmtree(ran.path)
    words = ["run", str(lone), "--only", chosen["cell_id"][:6], "--store", str(tmp_path / "new"), "--quiet"]
    assert main.main(words) == 0
    found = [r for r in Store(tmp_path / "new").records() if r["question_id"] == chosen["question_id"]]
    assert [(r["cell_id"], r["at"], r["scores"], r["notes"], r["arrays"], r["data"]) for r in found] == [
        tuple(chosen[k] for k in ("cell_id", "at", "scores", "notes", "arrays", "data"))
    ]
    assert "1 of 1 cells to do" in capfd.readouterr().err


def test_a_new_question_trains_nothing_again(ran: Store) -> None:
    study = tiny_study()
    more = Question("higgins", pairs({**VOTES, "classifier": "forest"}))
    asked = Study(study.name, study.scale, tuple(Job(j.cell, (*j.questions, more)) for j in study.jobs))
    assert [j.questions for j in pending(asked, ran)] == [(more,)] * 3
    fits = [r for r in ran.records() if r["kind"] == "fit"]
    run(asked, ran, Settings(workers=1), quiet=True)
    assert [r for r in ran.records() if r["kind"] == "fit"] == fits
    assert pending(asked, ran) == ()


def test_an_earlier_question_trains_no_further_than_it_must(ran: Store) -> None:
    """A question at half of a finished training: trained again up to there, no fit again, nothing left lying about."""
    more = Question("reconstruction", pairs({"images": 8}), at=(0.5,))
    asked = Study("tiny", "smoke", (Job(cell(1.0), (more,)),))
    before = sorted(p.name for p in (ran.path / "checkpoints" / cell(1.0).id).iterdir())
    heard: list[Any] = []
    run(asked, ran, Settings(workers=1, every=1e-3), quiet=True, listen=lambda worker, message: heard.append(message))
    assert [m.kind for m in heard if isinstance(m, Kept)] == ["answer"]
    assert sorted(p.name for p in (ran.path / "checkpoints" / cell(1.0).id).iterdir()) == before


def test_an_error_is_a_record_and_stops_nobody(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    wrong = Question("higgins", pairs({**VOTES, "ask": ("colour",)}))
    broken = Job(Cell("squares", "pca", 4, 1, fit=300, knobs=pairs({"layout": "nonsense"})), ())
    strange = Job(Cell("no-such-dataset", "pca", 4, 1, fit=300), ())
    right = Question("reconstruction", pairs({"images": 16}))
    study = Study("tiny", "smoke", (Job(cell(), (wrong, right)), broken, strange))
    store = Store(tmp_path)
    store.remember(study)
    outcome = run(study, store, Settings(workers=1), quiet=True)
    assert outcome.failures.keys() == {job.cell.id for job in study.jobs}
    records = {(r["cell_id"], r["question_id"]): r for r in store.records() if r["kind"] != "run"}
    assert records[cell().id, None]["status"] == records[cell().id, right.id]["status"] == "ok"
    for key, word in (((cell().id, wrong.id), "colour"), ((broken.cell.id, None), "nonsense"),
                      ((strange.cell.id, None), "no-such-dataset")):  # fmt: skip
        assert records[key]["status"] == "error"
        assert word in records[key]["message"]
    assert len(records) == 5
    assert {j.cell.id for j in pending(study, store)} == outcome.failures.keys()  # an error never counts as done
    assert main.main(["status", str(tmp_path)]) == 0
    shown = capfd.readouterr().out
    assert "done      0 of 3 cells" in shown
    assert "failed    3" in shown
    assert all(word in shown for word in ("colour", "nonsense", "no-such-dataset"))


def test_errors_end_in_exit_code_1(ran: Store, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A store whose one record tells of a cell that cannot be fitted, run again."""
    record = next(r for r in ran.records() if r["cell"] and r["cell"]["method"] == "pca" and r["kind"] == "fit")
    bad = Cell("squares", "pca", 4, 1, fit=300, knobs=pairs({"layout": "nonsense"}))
    (tmp_path / "bad" / "records").mkdir(parents=True)
    line = canonical({**record, "cell": bad.plain(), "cell_id": bad.id, "status": "error"})
    (tmp_path / "bad" / "records" / "a.jsonl").write_text(line + "\n")
    words = ["run", str(tmp_path / "bad"), "--only", bad.id, "--store", str(tmp_path / "new"), "--quiet"]
    assert main.main(words) == 1
    assert f"betavae: cell {bad.id} failed: " in capfd.readouterr().err


WILD = """
name = "wild"
[questions.loss]
measure = "reconstruction"
images = 16
[[grid]]
dataset = ["squares"]
method = ["conv"]
codes = 4
seed = [1, 2]
recipe = { optimiser = "adam", learning_rate = 1e12, batch = 8, images = 32 }
questions = ["loss"]
"""


def test_where_every_cell_diverged_nothing_came_of_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, again when it is run again; with one sound cell beside them it is 0."""
    (tmp_path / "wild.toml").write_text(WILD, encoding="utf-8")
    words = ["run", str(tmp_path / "wild.toml"), "--store", str(tmp_path / "s"), "--quiet"]
    assert main.main(words) == 1
    assert "2 diverged, 0 failed" in capfd.readouterr().err
    assert main.main(words) == 1
    assert "0 cells done in 0 s (predicted 0), 2 diverged, 0 failed" in capfd.readouterr().err
    fitted = '[[grid]]\ndataset = ["squares"]\nmethod = ["pca"]\nseed = [1]\nfit = [300]\nquestions = []\n'
    (tmp_path / "wild.toml").write_text(WILD + fitted, encoding="utf-8")
    assert main.main(words) == 0


def test_failures_of_what_is_no_longer_asked_are_not_counted(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    wrong, right = Question("higgins", pairs({**VOTES, "ask": ("colour",)})), Question("latent_space")
    store, pca = Store(tmp_path), Cell("squares", "pca", 4, 123, fit=300)
    store.remember(before := Study("tiny", "smoke", (Job(pca, (wrong,)),)))
    assert run(before, store, Settings(workers=1), quiet=True).failures.keys() == {pca.id}
    assert [r["question_id"] for r in failures(before, store)] == [wrong.id]
    store.remember(after := Study("tiny", "smoke", (Job(pca, (right,)),)))
    assert run(after, store, Settings(workers=1), quiet=True).failures == {}
    assert failures(after, store) == []
    assert main.main(["status", str(tmp_path)]) == 0
    assert "failed    0" in capfd.readouterr().out


def test_a_diverged_cell_changes_no_other(ran: Store, tmp_path: Path) -> None:
    """A learning rate of 1e12 in one cell: it is recorded with step and term, the records of all others are identical
    to those of a study without it.
    """
    wild = cell(1.0, Recipe("adam", 1e12, 16, 16 * 12))
    store = Store(tmp_path / "wild")
    store.remember(tiny_study(wild))
    assert run(tiny_study(wild), store, Settings(workers=2), quiet=True).failures == {}
    found = timeless(store)
    fell = {key: json.loads(found.pop(key)) for key in list(found) if key[0] == wild.id}
    assert found == timeless(ran)
    assert len(fell) == 6
    for record in fell.values():
        assert record["status"] == "diverged"
        assert record["message"] == "the reconstruction term left the finite numbers at step 1"
    assert pending(tiny_study(wild), store) == ()


@pytest.mark.slow
def test_two_drivers_do_a_study_once(tmp_path: Path) -> None:
    """Both end well, when all is done; no line stands twice; the numbers are those of a lone run."""
    study = tmp_path / "soak.toml"
    study.write_text(soak.STUDY.format(images=320))
    words = ["run", str(study), "--quiet", "--workers", "1", "--store"]
    both = [subprocess.Popen(soak.command(*words, str(tmp_path / "both"))) for _ in range(2)]
    assert [p.wait(timeout=240) for p in both] == [0, 0]
    subprocess.run(soak.command(*words, str(tmp_path / "lone")), check=True)
    assert soak.numbers(tmp_path / "both") == soak.numbers(tmp_path / "lone")
    files = list((tmp_path / "both" / "records").glob("*.jsonl"))
    lines = [json.loads(text) for file in files for text in file.read_text().splitlines()]
    keys = [(r["cell_id"], r["question_id"], r["at"]) for r in lines if r["kind"] != "run"]
    assert len(keys) == len(set(keys))
    assert len({r["machine"]["threads"] for r in lines if r["kind"] != "run"}) == 1

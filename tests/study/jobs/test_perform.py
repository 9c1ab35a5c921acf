"""Faults inside a run: memory that runs out, numbers that leave the finite ones, answers that no record can hold,
workers that die at their work. Each is said and recorded; none touches a neighbour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soak
import torch
from runs import Context, job

from betavae import metrics, processor
from betavae.cli import main
from betavae.errors import Misuse
from betavae.metrics.base import Answer, Measure
from betavae.models import onednn
from betavae.study import machine
from betavae.study.cells import Cell, Job, Question, Study, pairs
from betavae.study.jobs.attempt import DeviceLost, attempt
from betavae.study.jobs.context import _device_name
from betavae.study.jobs.perform import _room, perform
from betavae.study.run import pending, run
from betavae.study.settings import Settings
from betavae.study.store import Store
from betavae.training import population
from betavae.training.recipe import Recipe

ADAM = Recipe("adam", 5e-4, 4, 4 * 6)
ASKED = Question("reconstruction", pairs({"images": 8}), at=(0.5, 1.0))
WILD = 1e39
"""A β beyond single precision: its first gradients are not finite."""


pytestmark = pytest.mark.usefixtures("squares")


def eight(betas: Sequence[float] = (4.0,) * 8) -> list[Job]:
    """Eight members of one program."""
    return [
        Job(Cell("squares", "conv", 4, seed, "beta_vae", pairs({"beta": beta}), ADAM), (ASKED,))
        for seed, beta in enumerate(betas)
    ]


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_a_training_on_a_cpu_says_by_which_kernels(
    precision: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its fit names them and its precision; questions are float32. Where a CPU has no bf16 it is not asked."""
    context = Context(tmp_path, settings=Settings(precision=precision))
    monkeypatch.setattr(onednn, "pays", lambda: False)
    perform(eight()[:1], context)
    made = {record["kind"]: record["machine"] for record in context.store.records()}
    assert made["fit"]["precision"] == precision
    assert made["fit"]["stepped"].startswith("layer by layer, bf16 by " if precision == "bf16" else "autograd")
    assert made["answer"]["precision"] == "float32"
    assert "stepped" not in made["answer"]
    monkeypatch.setattr(processor, "bf16", lambda: "")
    machine.suits("cuda", "bf16")
    with pytest.raises(Misuse, match="has none of amx_bf16"):
        machine.suits("cpu", "bf16")


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here, and its context is not lost")
def test_a_lost_context_ends_the_attempt_and_is_no_failure(tmp_path: Path) -> None:
    """Nothing is recorded as failed: another process goes on from the checkpoints."""
    context = Context(tmp_path, settings=Settings(device="cuda"))
    with pytest.raises(DeviceLost):
        attempt(eight()[:1], context)
    assert context.store.records() == []
    (note,) = context.notes()
    assert note.startswith("CUDA context lost on cuda (")


def test_an_error_outside_the_questions_is_in_the_record_of_every_job(tmp_path: Path) -> None:
    jobs = [Job(replace(job.cell, dataset="no-such"), job.questions) for job in eight()[:2]]
    said = attempt(jobs, context := Context(tmp_path))
    assert "no-such" in said
    assert {r["cell_id"]: (r["kind"], r["status"], r["message"]) for r in context.store.records()} == {
        job.cell.id: ("fit", "error", said) for job in jobs
    }


def test_what_a_gpu_keeps_of_the_jobs_before_is_given_back_before_it_is_asked_for_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A cache counts as used memory: without this a second population would be cut to what the first left over."""
    kept = [True]
    gpu = SimpleNamespace(name="squares", shape=(1, 64, 64), device=torch.device("cuda", 0), splits={"train": (0, 768)})
    monkeypatch.setattr(population, "release", lambda: kept.clear())
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (0 if kept else 2**40, 2**40))
    context = SimpleNamespace(say=lambda message: None)
    assert _room(eight(), gpu, context) >= 8  # type: ignore[arg-type]


def test_a_gpu_that_is_not_there_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    machine.usable("cuda")
    machine.usable("cuda:1")
    with pytest.raises(Misuse, match=r"'cuda:2'.* sees 2 here; the last is cuda:1"):
        machine.usable("cuda:2")
    assert not machine.lost("cpu")


def test_a_full_device_is_not_a_lost_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*size: int, device: str) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(torch, "ones", full)
    assert not machine.lost("cuda")


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here, and it answers")
def test_a_device_without_an_answer_is_lost_and_can_still_be_recorded() -> None:
    assert machine.lost("cuda")
    assert _device_name("cuda:3") == "cuda:3"


@pytest.mark.parametrize("together", [False, True], ids=["one by one", "in one program"])
def test_a_diverged_member_of_eight_leaves_seven_records_as_they_were(
    together: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One β that no float can follow: its records say where it fell; the other seven members' records, the hash of
    their parameters among them, are those of a population without it.
    """
    monkeypatch.setattr(population, "advance", partial(population.advance, together=together))
    betas = [4.0, 1.0, 4.0, WILD, 1.0, 4.0, 0.5, 8.0]
    perform(eight(betas), Context(tmp_path / "with"))
    wild = eight(betas)[3].cell.id
    perform([j for j in eight(betas) if j.cell.id != wild], Context(tmp_path / "without"))
    found, wanted = soak.numbers(tmp_path / "with"), soak.numbers(tmp_path / "without")
    fell = {key: found.pop(key) for key in list(found) if key[0] == wild}
    assert found == wanted
    assert len(wanted) == 7 * 3
    assert len({notes["weights"] for _, _, _, notes, _ in wanted.values() if "weights" in notes}) == 7
    assert len(fell) == 3
    for status, message, *_ in fell.values():
        assert status == "diverged"
        assert message == "the reconstruction term left the finite numbers at step 1"


def test_a_last_update_that_falls_is_a_divergence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No loss comes after it to show it: the parameters themselves do, and nothing is asked of them."""
    real = population.advance

    def advance(task: Any, members: Any, states: Any, until: int, watch: Any, **how: Any) -> Any:
        moved = real(task, members, states, until, watch, **how)
        if until == 6:
            next(iter(moved[0].params.values())).view(-1)[0] = float("nan")
        return moved

    monkeypatch.setattr(population, "advance", advance)
    context = Context(tmp_path)
    perform(eight()[:1], context)
    found = {(r["kind"], r["at"]): (r["status"], r["message"]) for r in context.store.records()}
    fell = ("diverged", "a parameter left the finite numbers at step 6")
    assert found == {("answer", 0.5): ("ok", ""), ("answer", 1.0): fell, ("fit", 1.0): fell}


def test_out_of_memory_splits_the_population_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device on which three members are too many, and notices late: eight go on as four pairs, with the numbers of
    eight alone.
    """
    real, tried = population.advance, []

    def advance(task: Any, members: Any, states: Any, until: int, watch: Any, **how: Any) -> Any:
        tried.append(len(members))
        if len(members) > 2 and until > 3:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return real(task, members, states, until, watch, **how)

    for one in eight():
        perform([one], Context(tmp_path / "alone"))
    monkeypatch.setattr(population, "advance", advance)
    context = Context(tmp_path / "split")
    perform(eight(), context)
    assert soak.numbers(tmp_path / "split") == soak.numbers(tmp_path / "alone")
    said = [note for note in context.notes() if "out of memory" in note]
    assert said == [
        "out of memory with 8 members; going on with 4 and 4",
        *["out of memory with 4 members; going on with 2 and 2"] * 2,
    ]
    assert tried == [8, 8, 4, 2, 2, 4, 2, 2]


def test_a_lone_member_without_memory_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def advance(*given: Any, **how: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(population, "advance", advance)
    context = Context(tmp_path)
    perform(eight()[:1], context)
    (record,) = context.store.records()
    assert record["status"] == "error"
    assert record["message"] == "OutOfMemoryError: CUDA out of memory."


STRANGE: dict[str, tuple[Answer | Exception, str]] = {
    "nan": (Answer({"a": float("nan"), "b": 1.0}), "ValueError: the score a is nan"),
    "true": (Answer({"a": True}), "ValueError: the score a is True"),
    "infinite": (Answer({"a": float("inf")}), "ValueError: the score a is inf"),
    "nan in notes": (Answer({"a": 1.0}, notes={"n": float("nan")}), "Out of range float values are not JSON compliant"),
    "no JSON": (Answer({"a": 1.0}, notes={"n": np.float32(1)}), "float32 is not JSON serializable"),  # type: ignore[dict-item]
    "no numbers": (Answer({"a": 1.0}, {"p": np.array([None])}), "the array p holds object, wanted numbers"),
    "no room": (MemoryError("no room"), "MemoryError: no room"),
    "too deep": (RecursionError("too deep"), "RecursionError: too deep"),
}
"""What a measure may answer that no record can hold, and what the record says then."""


def strange(which: str) -> Measure:
    """A measure of a stranger's."""

    def measure(generator: torch.Generator, subject: Any) -> Answer:
        answer = STRANGE[which][0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return measure


@pytest.mark.parametrize("which", STRANGE)
def test_an_answer_that_no_record_can_hold_is_an_error(
    which: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is recorded with its reason, and the next question is asked."""
    monkeypatch.setitem(metrics.METRICS, "strange", f"{__name__}:strange")
    perform([Job(eight()[0].cell, (Question("strange", pairs({"which": which})), ASKED))], Context(tmp_path))
    records = Store(tmp_path).records()
    by_measure = {(r["question"] or {}).get("measure", "fit"): r for r in records}
    assert by_measure["strange"]["status"] == "error"
    assert STRANGE[which][1] in by_measure["strange"]["message"]
    assert by_measure["strange"]["scores"] == {}
    assert by_measure["reconstruction"]["status"] == by_measure["fit"]["status"] == "ok"
    assert len(records) == 4


def deadly(at: str) -> Job:
    """A cell whose dataset kills its worker: when it is prepared, or when it is used."""
    return Job(Cell(f"deadly-{at}", "pca", 4, 1, fit=50), (Question("higgins", pairs({"votes": 20})),))


@pytest.mark.parametrize("at", ["preparation", "work"])
def test_a_cell_that_kills_its_workers_is_recorded_and_stops_nobody(
    at: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    study = Study("t", "own", (deadly(at), job()))
    store = Store(tmp_path)
    store.remember(study)
    outcome = run(study, store, Settings(workers=2), quiet=True)
    key = deadly(at).cell.id
    assert outcome.failures.keys() == {key}
    what = f"preparing deadly-{at} killed its worker 3 times" if at == "preparation" else "its worker died 3 times"
    assert outcome.failures[key].startswith(f"{what}, at last by signal 9, as where memory runs out; see ")
    records = {(r["cell_id"], r["kind"]): r for r in store.records()}
    assert records[key, "fit"]["status"] == "error"
    assert records[key, "fit"]["message"] == outcome.failures[key]
    assert records[job().cell.id, "fit"]["status"] == "ok"
    assert [j.cell.id for j in pending(study, store)] == [key]
    assert main.main(["status", str(tmp_path)]) == 0
    shown = capfd.readouterr().out
    assert "failed    1" in shown
    assert "by signal 9" in shown
    assert f"`betavae run {store.path}` would do 1 cells, 1 questions" in shown

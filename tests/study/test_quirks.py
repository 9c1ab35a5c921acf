"""Laws of the quirks: off is the protocol, and each changes only what it names."""

from __future__ import annotations

import inspect

import pytest

from betavae.errors import Misuse
from betavae.paper.study import paper
from betavae.study.cells import Cell, Job, Question, pairs
from betavae.study.quirks import QUIRKS, switched

STUDY = paper("smoke", have=["cifar10"], features="efficientnet_lite0")


def test_a_quirk_switches_something() -> None:
    for name, quirk in QUIRKS.items():
        assert quirk.name == name
        assert quirk.cell or quirk.question or quirk.recipe


def plain_jobs() -> list[Job]:
    """The study's jobs with every question that carries a quirk taken out: the protocol."""
    return [
        Job(j.cell, tuple(q for q in j.questions if not q.quirks)) for j in STUDY.jobs if not j.cell.quirks
    ]  # fmt: skip


@pytest.mark.parametrize("name", QUIRKS)
def test_off_is_the_protocol(name: str) -> None:
    """Switching a quirk on leaves the job it was made from as it was, and other jobs have nothing of it."""
    quirk = QUIRKS[name]
    for job in plain_jobs():
        before = (job.cell.plain(), [q.plain() for q in job.questions])
        switched(job, name)
        assert (job.cell.plain(), [q.plain() for q in job.questions]) == before
        assert not set(dict(job.cell.knobs)) & set(dict(quirk.cell))
        for question in job.questions:
            for knob, value in quirk.question:
                assert dict(question.knobs).get(knob) != value or knob == "split"


@pytest.mark.parametrize("name", QUIRKS)
def test_on_changes_only_what_is_named(name: str) -> None:
    quirk, seen = QUIRKS[name], 0
    for job in plain_jobs():
        twin = switched(job, name)
        if twin is None:
            continue
        seen += 1
        a, b = job.cell.plain(), twin.cell.plain()
        changed = {k for k in a if a[k] != b[k]}
        assert changed <= {"quirks", *(["knobs"] if quirk.cell else []), *(["recipe"] if quirk.recipe else [])}
        asked = {(q.measure, q.seed, _without(q, quirk.question)) for q in job.questions}
        for q in twin.questions:
            assert (q.measure, q.seed, _without(q, quirk.question)) in asked
            assert dict(q.knobs) | dict(quirk.question) == dict(q.knobs)
            assert q.quirks == (name,)
    assert seen, "no job of the paper's study is touched by this quirk"


def _without(question: Question, knobs: tuple[tuple[str, object], ...]) -> tuple[tuple[str, object], ...]:
    return tuple((k, v) for k, v in question.knobs if k not in dict(knobs))


@pytest.mark.parametrize("name", QUIRKS)
def test_a_quirks_knobs_are_arguments_of_what_it_switches(name: str) -> None:
    """A switch that no function takes would be silently nothing."""
    from betavae.metrics import METRICS
    from betavae.names import knobs, opened
    from betavae.representation import METHODS
    from betavae.training.recipe import Recipe

    quirk = QUIRKS[name]
    for measure in quirk.measures:
        assert set(dict(quirk.question)) <= set(inspect.signature(opened(METRICS, measure, "measure")).parameters)
    methods = {c.method for c in STUDY.cells if quirk.applies(c) and not c.recipe}
    for method in methods if quirk.cell else ():
        assert set(dict(quirk.cell)) <= set(knobs(METHODS, method, "method"))
    assert set(dict(quirk.recipe)) <= set(Recipe.__dataclass_fields__)


def test_every_quirk_is_asked_once_at_small_scales_and_everywhere_at_the_papers() -> None:
    for scale in ("smoke", "laptop", "paper", "beyond"):
        study = paper(scale, have=["cifar10"], features="efficientnet_lite0")
        on = {q for j in study.jobs for q in (*j.cell.quirks, *(k for a in j.questions for k in a.quirks))}
        assert on == set(QUIRKS), scale


def test_an_unknown_quirk_is_named_with_its_near_match() -> None:
    job = Job(Cell("dsprites", "pca", 10, 1, fit=100), (Question("higgins", pairs({})),))
    with pytest.raises(Misuse, match="did you mean 'votes-501'"):
        switched(job, "votes-500")

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
        assert quirk.cell or quirk.question or quirk.recipe or quirk.instead


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
            measures = [q.measure] if not quirk.instead else quirk.measures
            assert any((m, q.seed, _without(q, quirk.question)) in asked for m in measures)
            assert q.measure == (quirk.instead or q.measure)
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
    for measure in (quirk.instead,) if quirk.instead else quirk.measures:
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


def test_all_on_is_every_quirk_of_a_row_and_no_training_of_its_own() -> None:
    """What the published code does at once: the layout, the scale and 501 votes for ICA on RGB; the distance of all
    50,000 training images with sampled codes at the paper's scale. Trainings are those of the single twins.
    """
    study = paper("paper", have=["cifar10"], features="efficientnet_lite0")
    on = {(j.cell.dataset, j.cell.method, q.measure, *q.quirks) for j in study.jobs for q in j.questions if q.quirks}
    assert ("shapes3d-drawn", "ica", "higgins", "rgb-layout", "ica-scale", "votes-501") in on
    assert ("dsprites", "mlp", "higgins", "dropout-on", "votes-501", "mlp-no-drop") in on
    published = [
        dict(q.knobs) for j in study.jobs for q in j.questions if q.quirks == ("sampled-codes", "no-held-out")
        and q.measure == "frechet"
    ]  # fmt: skip
    assert published
    assert all((k["images"], k["split"], k["code"]) == (50_000, "train", "sample") for k in published)
    assert len([c for c in study.cells if c.recipe and len(c.quirks) > 1]) == 0


def test_501_votes_change_the_test_alone_at_every_scale() -> None:
    for scale in ("laptop", "beyond"):
        found = [q for j in paper(scale).jobs for q in j.questions if q.quirks == ("votes-501",)]
        usual = {dict(q.knobs)["votes"] for j in paper(scale).jobs for q in j.questions if q.measure == "higgins"}
        assert {dict(q.knobs)["test_votes"] for q in found} == {501}
        assert {dict(q.knobs)["votes"] for q in found} == usual


def test_an_unknown_quirk_is_named_with_its_near_match() -> None:
    job = Job(Cell("dsprites", "pca", 10, 1, fit=100), (Question("higgins", pairs({})),))
    with pytest.raises(Misuse, match="did you mean 'votes-501'"):
        switched(job, "votes-500")

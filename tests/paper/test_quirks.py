"""Laws of the quirks: off is the protocol, each changes only what it names, and the page pairs off with on."""

from __future__ import annotations

import inspect

import pytest
from synthetic import answered

from betavae.errors import Misuse
from betavae.paper.evidence import gathered
from betavae.paper.evidence import twins as with_quirk
from betavae.paper.quirks import QUIRKS, switched
from betavae.paper.sections.quirks import moved, quirks, twins
from betavae.paper.study import paper
from betavae.report.document import Heading, Table
from betavae.study.cells import Cell, Job, Question, pairs

STUDY = paper("smoke", have=["cifar10"], features="efficientnet_lite0")
LISTED = {
    "rgb-layout": "PCA and ICA on RGB",
    "ica-scale": "ICA's scale and classifier",
    "unscaled-votes": "votes as they are",
    "dropout-on": "dropout left on in the MLP classifier",
    "adagrad-leak": "Adagrad's state leaking from VAE to PCA",
    "traversal-range": "traversals symmetric about 0",
    "last-batch": "CIFAR losses over the last batch",
    "sampled-codes": "stochastic codes at evaluation",
    "no-held-out": "no held-out split",
    "votes-501": "501 test votes",
    "mlp-no-drop": "no schedule for the MLP",
}


def test_every_deviation_that_moves_a_published_number_is_here() -> None:
    assert set(QUIRKS) >= set(LISTED)
    for name, quirk in QUIRKS.items():
        assert quirk.name == name
        assert quirk.what.endswith(".")
        assert ".py" in quirk.source
        assert any(word in quirk.touches for word in ("Table", "Figure"))
        assert quirk.cell or quirk.question or quirk.recipe, "a quirk that switches nothing"


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
    from betavae.names import opened
    from betavae.representation import METHODS
    from betavae.training.recipe import Recipe

    quirk = QUIRKS[name]
    for measure in quirk.measures:
        assert set(dict(quirk.question)) <= set(inspect.signature(opened(METRICS, measure, "measure")).parameters)
    methods = {c.method for c in STUDY.cells if quirk.applies(c) and not c.recipe}
    for method in methods if quirk.cell else ():
        assert set(dict(quirk.cell)) <= set(inspect.signature(METHODS[method]).parameters)
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


@pytest.mark.parametrize("name", QUIRKS)
def test_the_page_pairs_each_twin_with_its_own_protocol(name: str) -> None:
    """Off and on are the same seed, row and question, but for the quirk's own knobs."""
    evidence, quirk = gathered([answered(STUDY)]), QUIRKS[name]
    found = twins(evidence, quirk)
    assert len(found) == len(with_quirk(evidence, name)), "a twin without its protocol"
    for off, on in found:
        assert off["cell"]["seed"] == on["cell"]["seed"]
        assert off["question"]["measure"] == on["question"]["measure"]
        assert not off["question"]["quirks"]
        assert not off["cell"]["quirks"]


def test_the_layout_quirk_shows_the_collapse_it_explains() -> None:
    lines = moved(gathered([answered(STUDY)]), QUIRKS["rgb-layout"])
    pca = [line for line in lines if "3Dshapes" in line.cells[0] and "PCA" in line.cells[0]]
    assert pca
    assert all(line.by < -10 for line in pca)


def test_the_page_has_every_quirk_and_the_published_number_where_there_is_one() -> None:
    blocks = quirks(gathered([answered(STUDY)]))
    assert [b.text for b in blocks if isinstance(b, Heading) and b.level == 3] == list(QUIRKS)
    first = next(b for b in blocks if isinstance(b, Table))
    assert [row[0] for row in first.rows] == [f"`{name}`" for name in QUIRKS]
    published = {row[0]: row[-1] for row in first.rows}
    assert "Table" in published["`votes-501`"]
    assert "Table" in published["`ica-scale`"]
    assert not any("not run" in cell for row in first.rows for cell in row)

"""Named deviations from the protocol, each a change of a job's plain data: habits of published code, off by default.

A study runs twins with one quirk on, so that a report can show how much each explains; a study file may name them.
What each is, and where it was found, ``paper.quirks`` tells.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from betavae.errors import choose
from betavae.study.cells import Cell, Job, Question, pairs

LINEAR = ("pca", "ica")
RGB = ("shapes3d", "shapes3d-drawn", "mpi3d-toy", "mpi3d-drawn", "mpi3d-realistic", "mpi3d-real")


@dataclass(frozen=True)
class Quirk:
    """One deviation: the measures it can move, and the knobs that switch it on.

    ``cell`` knobs and ``recipe`` change what is trained or fitted, ``question`` knobs change how it is asked;
    ``instead`` is a measure that is asked in place of its own, where the deviation is between two representations;
    ``applies`` and ``asks`` tell where it can matter.
    """

    name: str
    measures: tuple[str, ...]
    cell: tuple[tuple[str, Any], ...] = ()
    question: tuple[tuple[str, Any], ...] = ()
    recipe: tuple[tuple[str, Any], ...] = ()
    instead: str = ""
    applies: Callable[[Cell], bool] = lambda cell: True
    asks: Callable[[Question], bool] = lambda question: True


def _classifier(name: str) -> Callable[[Question], bool]:
    return lambda q: dict(q.knobs).get("classifier", "logistic") == name


_ALL = (
    Quirk(
        "rgb-layout",
        ("higgins",),
        cell=(("layout", "hwc255"),),
        applies=lambda c: c.method in LINEAR and c.dataset in RGB,
    ),
    Quirk(
        "ica-scale",
        ("higgins",),
        cell=(("whiten", "arbitrary-variance"),),
        question=(("ica_adam", True),),
        applies=lambda c: c.method == "ica",
        asks=lambda q: dict(q.knobs).get("classifier", "logistic") != "forest",
    ),
    Quirk(
        "dropout-on",
        ("higgins",),
        question=(("dropout_at_test", True),),
        asks=_classifier("mlp"),
    ),
    Quirk(
        "adagrad-leak",
        ("higgins",),
        instead="leak",
        applies=lambda c: c.recipe is not None and c.objective == "beta_vae",
        asks=lambda q: _classifier("linear")(q) or (_classifier("mlp")(q) and not q.seed),  # the slow one: one draw
    ),
    Quirk(
        "votes-501",
        ("higgins", "leak"),
        question=(("test_votes", 501),),
    ),
    Quirk(
        "mlp-no-drop",
        ("higgins",),
        recipe=(("drop_to", 1.0),),
        applies=lambda c: c.method == "mlp",
    ),
    Quirk(
        "traversal-range",
        ("traversals",),
        question=(("range", "published"),),
    ),
    Quirk(
        "last-batch",
        ("reconstruction",),
        question=(("divide_by_last_batch", True),),
        applies=lambda c: c.dataset.startswith("cifar"),
    ),
    Quirk(
        "sampled-codes",
        ("reconstruction", "frechet", "latent_space"),
        question=(("code", "sample"),),
        asks=lambda q: dict(q.knobs).get("of", "reconstruction") == "reconstruction",
    ),
    Quirk(
        "no-held-out",
        ("reconstruction", "frechet"),
        question=(("split", "train"),),
        applies=lambda c: c.dataset.startswith("cifar"),
    ),
)  # fmt: skip

QUIRKS: dict[str, Quirk] = {quirk.name: quirk for quirk in _ALL}


def switched(job: Job, name: str) -> Job | None:
    """The twin of a job with one quirk on, asked only what the quirk can move; None where it cannot matter."""
    quirk = choose(QUIRKS, name, "quirk")
    cell = job.cell
    asked = [q for q in job.questions if q.measure in quirk.measures and quirk.asks(q)]
    if not quirk.applies(cell) or not asked or (quirk.recipe and not cell.recipe):
        return None
    return Job(_cell(cell, quirk), tuple(_question(q, quirk) for q in asked))


def all_switched(job: Job) -> Job | None:
    """The twin of a job with every quirk on that its cell and its questions can have, as the published code has them;
    None where fewer than two of them can matter to any question: that is the twin of one.

    Questions that no quirk moves are left out; so is ``adagrad-leak``, which is of a VAE and a PCA together.
    """
    cell, asked = job.cell, list(job.questions)
    together = [q for q in _ALL if not q.instead and q.applies(job.cell) and not (q.recipe and not cell.recipe)]
    for quirk in together:
        if any(q.measure in quirk.measures and quirk.asks(q) for q in job.questions):
            cell = _cell(cell, quirk)
            asked = [_question(q, quirk) if q.measure in quirk.measures and quirk.asks(q) else q for q in asked]
    asked = [q for q in asked if len(q.quirks) > 1]
    return Job(cell, tuple(asked)) if asked else None


def _cell(cell: Cell, quirk: Quirk) -> Cell:
    """A cell with one quirk on; the same where the quirk is of its questions alone."""
    if not quirk.cell and not quirk.recipe:
        return cell
    recipe = replace(cell.recipe, **dict(quirk.recipe)) if cell.recipe else None
    knobs = pairs({**dict(cell.knobs), **dict(quirk.cell)})
    return replace(cell, knobs=knobs, recipe=recipe, quirks=(*cell.quirks, quirk.name))


def _question(question: Question, quirk: Quirk) -> Question:
    """A question with one quirk on; of a quirk that asks another measure, only its own knobs go along."""
    knobs = {**dict(question.knobs), **dict(quirk.question)}
    return replace(
        question,
        measure=quirk.instead or question.measure,
        knobs=pairs(knobs),
        quirks=(*question.quirks, quirk.name),
    )

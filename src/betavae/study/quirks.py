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
    ``applies`` and ``asks`` tell where it can matter.
    """

    name: str
    measures: tuple[str, ...]
    cell: tuple[tuple[str, Any], ...] = ()
    question: tuple[tuple[str, Any], ...] = ()
    recipe: tuple[tuple[str, Any], ...] = ()
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
        question=(("adagrad_leak", True),),
        applies=lambda c: c.method == "pca",
        asks=_classifier("linear"),
    ),
    Quirk(
        "votes-501",
        ("higgins",),
        question=(("votes", 1000), ("test_votes", 501)),
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
    if quirk.cell or quirk.recipe:
        recipe = replace(cell.recipe, **dict(quirk.recipe)) if cell.recipe else None
        knobs = pairs({**dict(cell.knobs), **dict(quirk.cell)})
        cell = replace(cell, knobs=knobs, recipe=recipe, quirks=(*cell.quirks, name))
    twins = (
        replace(q, knobs=pairs({**dict(q.knobs), **dict(quirk.question)}), quirks=(*q.quirks, name)) for q in asked
    )
    return Job(cell, tuple(twins))

"""What a study is made of: cells (what is trained), questions (what is asked of it), and the jobs that pair them.

All are frozen plain data, known before anything runs. A cell's ``id`` is the hash of its canonical JSON: change
anything that could change a number and it is another cell. This file imports no array library, so that reports can
read it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from betavae.errors import shown
from betavae.training.recipe import Recipe
from betavae.trust import Source
from betavae.types import Json

if TYPE_CHECKING:
    from betavae.study.claims import Claim

Pairs = tuple[tuple[str, Any], ...]


def canonical(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(value: Any) -> str:
    """The first 16 hex digits of the sha256 of a value's canonical JSON."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:16]


def pairs(knobs: Mapping[str, Any]) -> Pairs:
    """A mapping as sorted pairs, so that it can be frozen and hashed; lists become tuples."""
    return tuple(sorted((k, tuple(v) if isinstance(v, list) else v) for k, v in knobs.items()))


@dataclass(frozen=True)
class Cell:
    """One thing that is trained or fitted: a method with its settings on a dataset, under one seed.

    ``method`` is a name of METHODS ("mlp", "conv", "pca", "ica", ...). VAEs have an ``objective``, ``knobs`` (β,
    ...) and a ``recipe``; baselines have ``fit``, the number of images they are fitted on (None: all).
    ``quirks`` names the deviations of the published code that are switched on for this cell.
    """

    dataset: str
    method: str
    codes: int
    seed: int
    objective: str | None = None
    knobs: Pairs = ()
    recipe: Recipe | None = None
    fit: int | None = None
    quirks: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return digest(self.plain())

    @property
    def beta(self) -> float | None:
        """β where the cell has one."""
        value = dict(self.knobs).get("beta")
        return None if value is None else float(value)

    @property
    def settings(self) -> dict[str, Any]:
        """All that is set of it but its seed, by the keys of study files; what it does not have is not there."""
        held: dict[str, Any] = {"dataset": self.dataset, "method": self.method, "objective": self.objective}
        held |= {**dict(self.knobs), "codes": self.codes, "quirks": self.quirks or None}
        held |= asdict(self.recipe) if self.recipe else {"fit": "all" if self.fit is None else self.fit}
        return {key: value for key, value in held.items() if value is not None}

    def plain(self) -> dict[str, Json]:
        """The cell as plain JSON."""
        recipe = self.recipe.plain() if self.recipe else None
        return {**asdict(self), "knobs": dict(self.knobs), "recipe": recipe, "quirks": list(self.quirks)}

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> Cell:
        """The cell that ``plain`` came from. Raises ValueError where a field is missing or of another type."""
        _fits("a cell", plain, _CELL, ("dataset", "method", "codes", "seed"))
        recipe = plain.get("recipe")
        if recipe:
            _fits("a recipe", recipe, _RECIPE, tuple(_RECIPE)[:4])
        return Cell(
            **{
                **plain,
                "knobs": pairs(plain.get("knobs", {})),
                "quirks": tuple(plain.get("quirks", ())),
                "recipe": Recipe(**recipe) if recipe else None,
            }
        )


@dataclass(frozen=True)
class Question:
    """A measure by name, its knobs, its seed, and at which fractions of training it is asked."""

    measure: str
    knobs: Pairs = ()
    seed: int = 0
    at: tuple[float, ...] = (1.0,)
    quirks: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The question's identity; when it is asked belongs to the record, not to the question."""
        return digest({k: v for k, v in self.plain().items() if k != "at"})

    def plain(self) -> dict[str, Json]:
        """The question as plain JSON."""
        knobs = {k: list(v) if isinstance(v, tuple) else v for k, v in self.knobs}
        return {**asdict(self), "knobs": knobs, "at": list(self.at), "quirks": list(self.quirks)}

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> Question:
        """The question that ``plain`` came from. Raises ValueError where a field is missing or of another type."""
        _fits("a question", plain, _QUESTION, ("measure",))
        fixed = {"knobs": pairs(plain.get("knobs", {})), "at": tuple(plain.get("at", (1.0,)))}
        return Question(**{**plain, **fixed, "quirks": tuple(plain.get("quirks", ()))})


@dataclass(frozen=True)
class Job:
    """A cell and the questions asked of it."""

    cell: Cell
    questions: tuple[Question, ...]

    @property
    def early(self) -> Job:
        """It without the questions that can wait for the end of its training."""
        asked = [replace(q, at=tuple(at for at in q.at if at < 1.0)) for q in self.questions]
        return Job(self.cell, tuple(q for q in asked if q.at))

    @property
    def late(self) -> Job:
        """It with those questions alone."""
        return Job(self.cell, tuple(replace(q, at=(1.0,)) for q in self.questions if 1.0 in q.at))

    def plain(self) -> dict[str, Json]:
        """The job as plain JSON."""
        return {"cell": self.cell.plain(), "questions": [question.plain() for question in self.questions]}

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> Job:
        """The job that ``plain`` came from. Raises ValueError, as those of its parts."""
        if not isinstance(plain, Mapping) or not isinstance(plain.get("questions"), list):
            raise ValueError(f"a job is {shown(plain)}, wanted a table of a cell and its questions")
        return Job(Cell.from_plain(plain.get("cell", {})), tuple(map(Question.from_plain, plain["questions"])))


@dataclass(frozen=True)
class Study:
    """A named list of jobs, printable before it runs; ``scale`` says how large a part of the paper's budget it is.

    ``named`` gives the names of its questions by their ids, ``claims`` what is said of their scores beforehand,
    ``sources`` is the code from outside that its names stand for: none is part of any id.
    """

    name: str
    scale: str
    jobs: tuple[Job, ...]
    named: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    claims: tuple[Claim, ...] = ()
    sources: tuple[Source, ...] = field(default=(), compare=False)

    @property
    def cells(self) -> tuple[Cell, ...]:
        return tuple(job.cell for job in self.jobs)

    @property
    def images(self) -> int:
        """Image passes of training that the whole study asks for."""
        return sum(c.recipe.steps * c.recipe.batch for c in self.cells if c.recipe)


def merge(jobs: Iterable[Job]) -> tuple[Job, ...]:
    """Jobs with equal cells made one, their questions (and the times they are asked) united in order of first
    mention.
    """
    united: dict[Cell, dict[Question, set[float]]] = {}
    for job in jobs:
        asked = united.setdefault(job.cell, {})
        for question in job.questions:
            asked.setdefault(replace(question, at=()), set()).update(question.at)
    return tuple(
        Job(cell, tuple(replace(q, at=tuple(sorted(at))) for q, at in asked.items())) for cell, asked in united.items()
    )


_MAYBE = type(None)
_CELL: dict[str, tuple[type, ...]] = {
    "dataset": (str,),
    "method": (str,),
    "codes": (int,),
    "seed": (int,),
    "objective": (str, _MAYBE),
    "knobs": (dict,),
    "recipe": (dict, _MAYBE),
    "fit": (int, _MAYBE),
    "quirks": (list, tuple),
}
_RECIPE: dict[str, tuple[type, ...]] = {
    "optimiser": (str,),
    "learning_rate": (int, float),
    "batch": (int,),
    "images": (int,),
    "drop_at": (int, float),
    "drop_to": (int, float),
    "weight_decay": (int, float),
}
_QUESTION: dict[str, tuple[type, ...]] = {
    "measure": (str,),
    "knobs": (dict,),
    "seed": (int,),
    "at": (list, tuple),
    "quirks": (list, tuple),
}


def _fits(what: str, plain: Any, kinds: Mapping[str, tuple[type, ...]], needed: tuple[str, ...]) -> None:
    """Raise ValueError unless ``plain`` has these fields, of these types: records may come from anyone."""
    if not isinstance(plain, Mapping):
        raise ValueError(f"{what} is {shown(plain)}, wanted a table")
    if missing := [key for key in needed if key not in plain]:
        raise ValueError(f"{what} has no {', '.join(missing)}")
    for key, value in plain.items():
        if key not in kinds:
            raise ValueError(f"{what} has the strange field {shown(key)}")
        if not isinstance(value, kinds[key]) or isinstance(value, bool):
            raise ValueError(f"{key} is {shown(value)}, wanted {' or '.join(kind.__name__ for kind in kinds[key])}")
    if not plain.get("batch", 1) > 0:
        raise ValueError(f"batch is {shown(plain['batch'])}, wanted 1 or more")
    for key, value in plain.get("knobs", {}).items():
        for one in value if isinstance(value, list | tuple) else [value]:
            if not isinstance(one, str | int | float | _MAYBE):
                raise ValueError(f"{key} is {shown(value)}, wanted a number, a string, a boolean, or a list of these")
    for key, kind in (("at", int | float), ("quirks", str)):
        if not all(isinstance(one, kind) for one in plain.get(key, ())):
            raise ValueError(f"{key} is {shown(plain[key])}, wanted a list of {'numbers' if key == 'at' else 'names'}")

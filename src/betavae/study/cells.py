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
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec

from betavae.errors import shown
from betavae.training.recipe import Recipe
from betavae.trust import Source
from betavae.types import Json

if TYPE_CHECKING:
    from betavae.study.claims import Claim
    from betavae.study.reader import Reader

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

    ``method`` is a name of METHODS ("mlp", "conv", "pca", ...). VAEs have an ``objective``, ``knobs`` (β, ...) and a
    ``recipe``; baselines ``fit``, the number of images they are fitted on (None: all). ``quirks`` names deviations of
    the published code. ``train_on`` is a rule on factor values: which images train (None: all); all are asked of.
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
    train_on: str | None = None

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
        held |= {**dict(self.knobs), "codes": self.codes, "quirks": self.quirks or None, "train_on": self.train_on}
        held |= asdict(self.recipe) if self.recipe else {"fit": "all" if self.fit is None else self.fit}
        return {key: value for key, value in held.items() if value is not None}

    def plain(self) -> dict[str, Json]:
        """The cell as plain JSON. No rule goes unsaid: cells that are trained on all images keep their ids."""
        recipe = self.recipe.plain() if self.recipe else None
        plain = {**asdict(self), "knobs": dict(self.knobs), "recipe": recipe, "quirks": list(self.quirks)}
        return {k: v for k, v in plain.items() if k != "train_on" or v is not None}

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> Cell:
        """The cell that ``plain`` came from. Raises ValueError where a field is missing or of another type."""
        told = checked("a cell", plain, _CellForm)
        recipe = Recipe(**_set(told.recipe)) if told.recipe else None
        return Cell(**{**_set(told), "knobs": pairs(told.knobs), "recipe": recipe, "quirks": tuple(told.quirks)})


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
        told = checked("a question", plain, _QuestionForm)
        return Question(told.measure, pairs(told.knobs), told.seed, told.at, tuple(told.quirks))


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

    ``named`` are the names of its questions by their ids, ``claims`` what is said of their scores beforehand, ``looks``
    the numbers of seeds after which these are judged (none: once, on all), ``grown`` those at which they could be
    before more seeds came, ``sources`` code from outside, ``places`` where in a file it stands: no part of any id.
    """

    name: str
    scale: str
    jobs: tuple[Job, ...]
    named: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    claims: tuple[Claim, ...] = ()
    sources: tuple[Source, ...] = field(default=(), compare=False)
    looks: tuple[int, ...] = ()
    grown: tuple[int, ...] = field(default=(), compare=False)
    places: Mapping[str, Reader] = field(default_factory=dict, compare=False, repr=False)

    @property
    def cells(self) -> tuple[Cell, ...]:
        return tuple(job.cell for job in self.jobs)

    @property
    def images(self) -> int:
        """Image passes of training that the whole study asks for."""
        return sum(c.recipe.steps * c.recipe.batch for c in self.cells if c.recipe)


def merge(jobs: Iterable[Job]) -> tuple[Job, ...]:
    """Jobs with equal cells made one, their questions (and the times they are asked) united in order of first
    mention. What is not trained has no moments: it is asked once, when it is there.
    """
    united: dict[Cell, dict[Question, set[float]]] = {}
    for job in jobs:
        asked = united.setdefault(job.cell, {})
        for question in job.questions:
            asked.setdefault(replace(question, at=()), set()).update(question.at if job.cell.recipe else (1.0,))
    return tuple(
        Job(cell, tuple(replace(q, at=tuple(sorted(at))) for q, at in asked.items())) for cell, asked in united.items()
    )


_Value = str | int | float | bool | None
_Knobs = dict[str, _Value | list[_Value]]


class _RecipeForm(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A recipe as it comes; whole numbers stay whole, else its id would be another."""

    optimiser: str
    learning_rate: int | float
    batch: Annotated[int, msgspec.Meta(ge=1)]
    images: int
    drop_at: int | float | msgspec.UnsetType = msgspec.UNSET
    drop_to: int | float | msgspec.UnsetType = msgspec.UNSET
    weight_decay: int | float | msgspec.UnsetType = msgspec.UNSET


class _CellForm(msgspec.Struct, forbid_unknown_fields=True):
    dataset: str
    method: str
    codes: int
    seed: int
    objective: str | None = None
    knobs: _Knobs = {}
    recipe: _RecipeForm | None = None
    fit: int | None = None
    quirks: list[str] = []
    train_on: str | None = None


class _QuestionForm(msgspec.Struct, forbid_unknown_fields=True):
    measure: str
    knobs: _Knobs = {}
    seed: int = 0
    at: tuple[int | float, ...] = (1.0,)
    quirks: list[str] = []


Form = TypeVar("Form", bound=msgspec.Struct)


def _set(form: msgspec.Struct) -> dict[str, Any]:
    """The fields of a form that were given."""
    return {key: value for key, value in msgspec.structs.asdict(form).items() if value is not msgspec.UNSET}


def checked(what: str, plain: Any, form: type[Form]) -> Form:
    """What ``plain`` says, or ValueError where it has not these fields of these types: records may come from anyone."""
    try:
        return msgspec.convert(plain, form)
    except msgspec.ValidationError as error:
        said, _, where = str(error).partition(" - at `$")
        for key in where.partition("[")[0].strip(".`").split(".") if where else ():
            what, plain = key, plain[key]
        raise ValueError(f"{what} is {shown(plain)}: {said[:1].lower()}{said[1:]}") from None

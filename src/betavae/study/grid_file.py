"""The ``[questions.…]`` and ``[[grid]]`` tables of a study file: questions, cells, and the jobs that pair them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

from betavae import objectives
from betavae.datasets import DATASETS, rules
from betavae.errors import BetavaeError, Misuse
from betavae.metrics import METRICS
from betavae.models import MODELS
from betavae.names import foreign, knobs
from betavae.objectives import LIKELIHOODS, OBJECTIVES
from betavae.objectives.base import Knob
from betavae.representation import LEARNT, METHODS
from betavae.study.cells import Cell, Job, Question, pairs
from betavae.study.quirks import QUIRKS
from betavae.study.reader import Reader
from betavae.training import OPTIMISERS
from betavae.training.recipe import Recipe

FITTING = ("codes", "seed", "fit")
"""What every fitted method takes; the rest are knobs of its own."""
MOST = 100_000
"""Cells of one study file."""


def question(reader: Reader, key: str, table: Any) -> Question:
    """The question of one table. Raises Misuse naming the line."""
    if not isinstance(table, dict) or "measure" not in table:
        raise reader.refuse(key, table, f"a table with measure = one of {', '.join(METRICS)}")
    rest = dict(table)
    measure = reader.plugged("measure", rest.pop("measure"), METRICS)
    seed = reader.number("seed", rest.pop("seed", 0), 0, 2**62, whole=True)
    at = rest.pop("at", [1.0])
    at = at if isinstance(at, list) else [at]
    deviations = _quirks(reader, rest.pop("quirks", []))
    for knob, value in rest.items():
        _plain(reader, knob, value)
    _asked(reader, measure, rest)
    fractions = tuple(sorted({reader.number("at", a, 0.0, 1.0) for a in at}))
    return Question(measure, pairs(rest), seed, fractions or (1.0,), deviations)


def _asked(reader: Reader, measure: str, knobs: Mapping[str, Any]) -> None:
    """Make the measure once, so that a wrong knob is told before anything is trained."""
    from betavae.metrics import named

    try:
        named(measure, **knobs)
    except BetavaeError as error:
        told = str(error).partition(";")[0]
        wrong = (w for k, v in knobs.items() for w in (k, v) if f"{w!r}" in told or told.startswith(f"{w} is "))
        raise type(error)(f"{reader.line(str(next(wrong, 'measure')))}: {error}") from None


def _quirks(reader: Reader, given: Any) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise reader.refuse("quirks", given, "a list of names")
    return tuple(reader.name("quirk", name, QUIRKS) for name in given)


def _plain(reader: Reader, key: str, value: Any) -> None:
    """A knob is a string, a boolean, a finite number, or a list of these."""
    if isinstance(value, list):
        for inner in value:
            if isinstance(inner, list):
                raise reader.refuse(key, value, "a flat list")
            _plain(reader, key, inner)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        reader.number(key, value, -1e15, 1e15)
    elif not isinstance(value, str | bool):
        raise reader.refuse(key, value, "a number, a string, true, false, or a list of these")


def jobs(reader: Reader, grid: dict[str, Any], questions: Mapping[str, Question], room: int) -> list[Job]:
    """The jobs of one ``[[grid]]``: every list crossed with every other. Raises Misuse naming the line."""
    for key in ("dataset", "method", "seed"):
        if key not in grid:
            raise Misuse(f"{reader.line('grid')}: a grid has no {key}; give one or a list")
    named = grid.get("objective", [])
    here = [reader.plugged("objective", each, OBJECTIVES) for each in (named if isinstance(named, list) else [named])]
    taken = {k for name in (*OBJECTIVES, *here) for k in objectives.knobs(objectives.named(name), {})}
    method = grid["method"] if isinstance(grid["method"], list) else [grid["method"]]
    plugged = [each for each in method if isinstance(each, str) and foreign(each)]
    fitted = [reader.plugged("method", each, METHODS) for each in plugged] if "recipe" not in grid else []
    taken |= {k for name in (*METHODS, *fitted) for k in knobs(METHODS, name, "method")}
    own = ("dataset", "method", "codes", "seed", "objective", "recipe", "fit", "train_on", "quirks", "questions")
    keys = {*own, *taken}
    reader.known(grid, keys, "key of a grid")
    asked = grid.get("questions", [])
    if not isinstance(asked, list):
        raise reader.refuse("questions", asked, "a list of names of [questions.…]")
    mine = tuple(questions[reader.name("question", name, questions)] for name in asked)
    axes = {
        key: value if isinstance(value, list) else [value]
        for key, value in {**grid, "seed": reader.seeds(grid["seed"])}.items()
        if key not in ("questions", "quirks")
    }
    for key, values in axes.items():
        if not values:
            raise reader.refuse(key, values, "at least one value, else there are no cells")
    if math.prod(map(len, axes.values())) > room:
        raise Misuse(f"{reader.path}: more than {MOST:,} cells; split the study")
    deviations = _quirks(reader, grid.get("quirks", []))
    made = [
        Job(_cell(reader, dict(zip(axes, point, strict=True)), deviations), mine)
        for point in itertools.product(*axes.values())
    ]
    for key, values in axes.items():
        reader.different(key, values)
    return made


def _cell(reader: Reader, point: dict[str, Any], quirks: tuple[str, ...]) -> Cell:
    dataset = reader.plugged("dataset", point.pop("dataset"), DATASETS)
    method = reader.plugged("method", point.pop("method"), [*MODELS, *METHODS])
    seed = reader.number("seed", point.pop("seed"), 0, 2**62, whole=True)
    codes = reader.number("codes", point.pop("codes", 10), 1, 4096, whole=True)
    try:
        rule = rule_of(point.pop("train_on", "all"), method)
    except Misuse as error:
        raise Misuse(f"{reader.line('train_on')}: {error}") from None
    if method not in MODELS and not (foreign(method) and "recipe" in point):
        fit = point.pop("fit", None)
        if fit == "all":
            fit = None
        elif fit is not None:
            fit = reader.number("fit", fit, 2, 1e9, whole=True)
        allowed = {key: knob for key, knob in knobs(METHODS, method, "method").items() if key not in FITTING}
        reader.known(point, allowed, f"key of a grid of {method!r}")
        for key, value in point.items():
            if allowed[key].choices:
                reader.name(key, value, allowed[key].choices)
            elif isinstance(value, list):
                raise reader.refuse(key, value, "a number, a string, true or false")
            else:
                _plain(reader, key, value)
        return Cell(dataset, method, codes, seed, fit=fit, knobs=pairs(point), quirks=quirks, train_on=rule)
    if "recipe" not in point:
        raise Misuse(
            f"{reader.line(method)}: method {method!r} has no recipe; give optimiser, learning_rate, batch, images"
        )
    recipe = _recipe(reader, point.pop("recipe"))
    objective = reader.plugged("objective", point.pop("objective", "beta_vae"), OBJECTIVES)
    if "likelihood" in point:
        reader.name("likelihood", point["likelihood"], LIKELIHOODS)
    try:
        known = objectives.knobs(objectives.named(objective), point)
    except Misuse as error:
        raise Misuse(f"{reader.line(objective)}: {error}") from None
    reader.known(point, known, f"key of a grid of {objective!r}")
    given = {key: _knob(reader, key, value, known[key]) for key, value in point.items()}
    return Cell(dataset, method, codes, seed, objective, pairs(given), recipe, quirks=quirks, train_on=rule)


def rule_of(given: Any, method: str) -> str | None:
    """The rule of a cell as its id has it; None for "all". Raises Misuse for what is no rule, and for a method that
    learns from no images.
    """
    if isinstance(given, str) and given == "all":
        return None
    rule = rules.read(given)
    if method in METHODS and method not in LEARNT:
        raise Misuse(f"train_on is for what learns from images; {method!r} does not")
    return rule.text


def _knob(reader: Reader, key: str, given: Any, knob: Knob) -> Any:
    if knob.among:
        return reader.name(key, given, knob.among)
    return reader.number(key, given, knob.low, knob.high, whole=isinstance(knob.default, int))


def _recipe(reader: Reader, given: Any) -> Recipe:
    if not isinstance(given, dict):
        raise reader.refuse("recipe", given, "a table { optimiser, learning_rate, batch, images }")
    rules: dict[str, Callable[[Any], Any]] = {
        "optimiser": lambda v: reader.name("optimiser", v, OPTIMISERS),
        "learning_rate": lambda v: reader.number("learning_rate", v, 1e-12, 1e12),
        "batch": lambda v: reader.number("batch", v, 1, 65_536, whole=True),
        "images": lambda v: reader.number("images", v, 1, 1e13, whole=True),
        "drop_at": lambda v: reader.number("drop_at", v, 0, 1),
        "drop_to": lambda v: reader.number("drop_to", v, 0, 1),
        "weight_decay": lambda v: reader.number("weight_decay", v, 0, 1e3),
    }
    reader.known(given, rules, "key of a recipe")
    missing = [key for key in list(rules)[:4] if key not in given]
    if missing:
        raise Misuse(f"{reader.line('recipe')}: the recipe has no {', '.join(missing)}")
    recipe = Recipe(**{key: rules[key](value) for key, value in given.items()})
    if recipe.weight_decay and recipe.optimiser != "adamw":
        raise reader.refuse("weight_decay", recipe.weight_decay, f"none: {recipe.optimiser} has none, adamw has")
    return recipe

"""Study files: a study as plain TOML, read with every mistake named by its line, and written so that the ids stay
the same.

    name = "mine"

    [questions.five]
    measure = "higgins"
    votes = 1000

    [[grid]]
    dataset = ["dsprites"]
    method = ["conv"]
    seed = [1, 2, 3]
    beta = [1, 4]
    recipe = { optimiser = "adam", learning_rate = 5e-4, batch = 256, images = 50_000 }
    questions = ["five"]

Every list of a ``[[grid]]`` is crossed with every other; what is not a list is the same for all.
"""

from __future__ import annotations

import itertools
import json
import math
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from betavae.datasets import DATASETS
from betavae.errors import Misuse
from betavae.metrics import METRICS
from betavae.names import FITTED_KNOBS, METHODS, OBJECTIVES, OPTIMISERS, TRAINED
from betavae.paper.quirks import QUIRKS
from betavae.study import claim_file
from betavae.study.cells import Cell, Job, Question, Study, merge, pairs
from betavae.study.reader import Reader, too_deep
from betavae.training.recipe import Recipe

LARGEST = 4_000_000
"""Bytes of a study file; the paper's own is a hundredth of that."""
MOST = 100_000
"""Cells of one study file."""


def read(path: Path) -> Study:
    """The study of a file. Raises Misuse naming file, line, what was given and what was wanted."""
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except OSError as error:
        raise Misuse(f"{path}: cannot be read: {error.strerror}; give the path of a study file") from None
    if len(raw) > LARGEST:
        raise Misuse(f"{path}: larger than {LARGEST:,} bytes; a study file is a page of TOML")
    try:
        text = raw.decode("utf-8")
        if too_deep(text):
            raise RecursionError
        table = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise Misuse(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise Misuse(f"{path}: not TOML: {str(error)[:200]}") from None
    except RecursionError:
        raise Misuse(f"{path}: not TOML: nested too deeply; a study file needs three levels") from None
    except ValueError:
        raise Misuse(f"{path}: not TOML: a number has thousands of digits; wanted 19 at most") from None
    return _study(Reader(path, text), table)


def _study(reader: Reader, table: dict[str, Any]) -> Study:
    reader.known(table, ("name", "scale", "questions", "grid", "claims"), "key of a study")
    names = {}
    for key, default in (("name", reader.path.stem), ("scale", "own")):
        names[key] = table.get(key, default)
        if not isinstance(names[key], str) or not re.fullmatch(r"[\w.-]{1,64}", names[key], re.ASCII):
            raise reader.refuse(key, names[key], "up to 64 letters, digits, dots, dashes")
    asked = table.get("questions", {})
    if not isinstance(asked, dict):
        raise reader.refuse("questions", asked, "tables such as [questions.five]")
    questions = {key: _question(reader, key, value) for key, value in asked.items()}
    grids = table.get("grid")
    grids = [grids] if isinstance(grids, dict) else grids
    if not isinstance(grids, list) or not grids or not all(isinstance(g, dict) for g in grids):
        raise reader.refuse("grid", grids, "at least one [[grid]] table")
    jobs: list[Job] = []
    for grid in grids:
        jobs += _grid(reader, grid, questions, MOST - len(jobs))
    merged = merge(jobs)
    named = tuple({question.id: key for key, question in reversed(questions.items())}.items())
    said = claim_file.read(reader, table.get("claims", []), questions, merged)
    return Study(names["name"], names["scale"], merged, named, said)


def _question(reader: Reader, key: str, table: Any) -> Question:
    if not isinstance(table, dict) or "measure" not in table:
        raise reader.refuse(key, table, f"a table with measure = one of {', '.join(METRICS)}")
    rest = dict(table)
    measure = reader.name("measure", rest.pop("measure"), METRICS)
    seed = reader.number("seed", rest.pop("seed", 0), 0, 2**62, whole=True)
    at = rest.pop("at", [1.0])
    at = at if isinstance(at, list) else [at]
    quirks = _quirks(reader, rest.pop("quirks", []))
    for knob, value in rest.items():
        _plain(reader, knob, value)
    _asked(reader, measure, rest)
    fractions = tuple(sorted(reader.number("at", a, 0.0, 1.0) for a in at))
    return Question(measure, pairs(rest), seed, fractions or (1.0,), quirks)


def _asked(reader: Reader, measure: str, knobs: Mapping[str, Any]) -> None:
    """Make the measure once, so that a wrong knob is told before anything is trained."""
    from betavae.metrics import named

    try:
        named(measure, **knobs)
    except Misuse as error:
        told = str(error).partition(";")[0]
        wrong = (w for k, v in knobs.items() for w in (k, v) if f"{w!r}" in told or told.startswith(f"{w} is "))
        raise Misuse(f"{reader.line(str(next(wrong, '')))}: {error}") from None


def _quirks(reader: Reader, given: Any) -> tuple[str, ...]:
    if not isinstance(given, list):
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


def _grid(reader: Reader, grid: dict[str, Any], questions: Mapping[str, Question], room: int) -> list[Job]:
    knobs = {k for known in (*OBJECTIVES.values(), *FITTED_KNOBS.values()) for k in known}
    keys = {"dataset", "method", "codes", "seed", "objective", "recipe", "fit", "quirks", "questions", *knobs}
    reader.known(grid, keys, "key of a grid")
    for key in ("dataset", "method", "seed"):
        if key not in grid:
            raise Misuse(f"{reader.path}: a grid has no {key}; give one or a list")
    asked = grid.get("questions", [])
    if not isinstance(asked, list):
        raise reader.refuse("questions", asked, "a list of names of [questions.…]")
    mine = tuple(questions[reader.name("question", name, questions)] for name in asked)
    axes = {
        key: value if isinstance(value, list) else [value]
        for key, value in grid.items()
        if key not in ("questions", "quirks")
    }
    for key, values in axes.items():
        if not values:
            raise reader.refuse(key, values, "at least one value, else there are no cells")
    if math.prod(map(len, axes.values())) > room:
        raise Misuse(f"{reader.path}: more than {MOST:,} cells; split the study")
    quirks = _quirks(reader, grid.get("quirks", []))
    return [
        Job(_cell(reader, dict(zip(axes, point, strict=True)), quirks), mine)
        for point in itertools.product(*axes.values())
    ]


def _cell(reader: Reader, point: dict[str, Any], quirks: tuple[str, ...]) -> Cell:
    dataset = reader.name("dataset", point.pop("dataset"), DATASETS)
    method = reader.name("method", point.pop("method"), METHODS)
    seed = reader.number("seed", point.pop("seed"), 0, 2**62, whole=True)
    codes = reader.number("codes", point.pop("codes", 10), 1, 4096, whole=True)
    if method not in TRAINED:
        fit = point.pop("fit", None)
        if fit == "all":
            fit = None
        elif fit is not None:
            fit = reader.number("fit", fit, 2, 1e9, whole=True)
        allowed = FITTED_KNOBS.get(method, {})
        reader.known(point, allowed, f"key of a grid of {method!r}")
        for key, value in point.items():
            reader.name(key, value, allowed[key])
        return Cell(dataset, method, codes, seed, fit=fit, knobs=pairs(point), quirks=quirks)
    if "recipe" not in point:
        raise Misuse(f"{reader.path}: method {method!r} has no recipe; give optimiser, learning_rate, batch, images")
    recipe = _recipe(reader, point.pop("recipe"))
    objective = reader.name("objective", point.pop("objective", "beta_vae"), OBJECTIVES)
    reader.known(point, OBJECTIVES[objective], f"key of a grid of {objective!r}")
    knobs = {key: reader.number(key, value, 1e-9, 1e9) for key, value in point.items()}
    return Cell(dataset, method, codes, seed, objective, pairs(knobs), recipe, quirks=quirks)


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
    }
    reader.known(given, rules, "key of a recipe")
    missing = [key for key in list(rules)[:4] if key not in given]
    if missing:
        raise Misuse(f"{reader.line('recipe')}: the recipe has no {', '.join(missing)}")
    return Recipe(**{key: rules[key](value) for key, value in given.items()})


def write(study: Study) -> str:
    """A study as the text of a study file: reading it gives the same jobs with the same ids."""
    own, named = dict(study.named), dict[Question, str]()
    for job in study.jobs:
        for question in job.questions:
            named.setdefault(question, own.pop(question.id, f"{question.measure}-{len(named) + 1}"))
    lines = [f"name = {_toml(study.name)}", f"scale = {_toml(study.scale)}"]
    for question, name in named.items():
        plain = question.plain()
        knobs = {k: v for k, v in dict(question.knobs).items() if v is not None}
        table = {"measure": plain["measure"], **knobs, **{key: plain[key] for key in ("seed", "at", "quirks")}}
        bare = re.fullmatch(r"[\w-]+", name, re.ASCII)
        lines += ["", f"[questions.{name if bare else _toml(name)}]", *_lines(table)]
    for job in study.jobs:
        cell = job.cell
        row: dict[str, Any] = {"dataset": cell.dataset, "method": cell.method, "codes": cell.codes, "seed": cell.seed}
        if cell.recipe:
            row |= {"objective": cell.objective, "recipe": cell.plain()["recipe"]}
        else:
            row["fit"] = cell.fit or "all"
        row |= dict(cell.knobs) | {"quirks": list(cell.quirks), "questions": [named[q] for q in job.questions]}
        lines += ["", f"# {cell.id}", "[[grid]]", *_lines(row)]
    lines += [line for claim in claim_file.whole(study) for line in ("", "[[claims]]", *_lines(claim.table))]
    return "\n".join(lines) + "\n"


def _lines(table: Mapping[str, Any]) -> list[str]:
    return [f"{k} = {_toml(v)}" for k, v in table.items() if v != []]


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=True) if isinstance(value, str | bool) else repr(value)

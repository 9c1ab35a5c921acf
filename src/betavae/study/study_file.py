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

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from betavae.errors import Misuse
from betavae.study import claim_file, grid_file
from betavae.study.cells import Job, Question, Study, merge
from betavae.study.claims import rising, seeds_of
from betavae.study.reader import Reader, too_deep

PAPERS = ("smoke", "laptop", "overnight", "paper", "beyond")
"""The scales of the paper's own study, whose name no other study has."""
LARGEST = 4_000_000
"""Bytes of a study file; the paper's own is a hundredth of that."""


def read(path: Path) -> Study:
    """The study of a file. Raises Misuse naming file, line, what was given and what was wanted.

    Code from outside that the file names is imported where the user trusts it, and is in the study's ``sources``;
    elsewhere it is refused.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except OSError as error:
        raise Misuse(f"{path}: cannot be read: {error.strerror}; give the path of a study file") from None
    if len(raw) > LARGEST:
        raise Misuse(f"{path}: larger than {LARGEST:,} bytes; a study file is a page of TOML")
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
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
    reader.known(table, ("name", "scale", "looks", "questions", "grid", "claims"), "key of a study")
    names = {}
    for key, default in (("name", reader.path.stem), ("scale", "own")):
        names[key] = table.get(key, default)
        if not isinstance(names[key], str) or not re.fullmatch(r"[\w.-]{1,64}", names[key], re.ASCII):
            raise reader.refuse(key, names[key], "up to 64 letters, digits, dots, dashes")
    if names["name"] == "paper" and (names["scale"] not in PAPERS or "claims" in table):
        raise reader.refuse("name", "paper", "another name (unsaid, it is the file's): this is the paper's own study")
    asked = table.get("questions", {})
    if not isinstance(asked, dict):
        raise reader.refuse("questions", asked, "tables such as [questions.five]")
    tables = {key: reader.parts(f"questions.{key}", 1)[0] for key in asked}
    questions = {key: grid_file.question(tables[key], key, value) for key, value in asked.items()}
    places = {question.id: tables[key] for key, question in questions.items()}
    grids = table.get("grid")
    grids = [grids] if isinstance(grids, dict) else grids
    if not isinstance(grids, list) or not grids or not all(isinstance(g, dict) for g in grids):
        raise reader.refuse("grid", grids, "at least one [[grid]] table")
    jobs: list[Job] = []
    for place, grid in zip(reader.parts("grid", len(grids)), grids, strict=True):
        made = grid_file.jobs(place, grid, questions, grid_file.MOST - len(jobs))
        places |= {job.cell.id: place for job in made}
        jobs += made
    merged = merge(jobs)
    named = tuple({question.id: key for key, question in reversed(questions.items())}.items())
    said = claim_file.read(reader, table.get("claims", []), questions, merged)
    sources = tuple(reader.sources.values())
    study = Study(names["name"], names["scale"], merged, named, said, sources, places=places)
    return replace(study, looks=_looks(reader, table["looks"], study)) if "looks" in table else study


def _looks(reader: Reader, given: Any, study: Study) -> tuple[int, ...]:
    """The numbers of seeds after which the claims of a study are judged. Raises Misuse naming the line."""
    try:
        looks = rising(given)
    except ValueError:
        looks = ()
    if not looks:
        raise reader.refuse("looks", given, "numbers of seeds that rise, such as [6, 10, 20]")
    if looks[-1] != seeds_of(study):
        raise reader.refuse("looks", given, f"all seeds at the last look, here {seeds_of(study)}")
    return looks


def write(study: Study) -> str:
    """A study as the text of a study file: reading it gives the same jobs with the same ids."""
    own, named = dict(study.named), dict[Question, str]()
    for job in study.jobs:
        for question in job.questions:
            named.setdefault(question, own.pop(question.id, f"{question.measure}-{len(named) + 1}"))
    lines = [f"name = {_toml(study.name)}", f"scale = {_toml(study.scale)}"]
    lines += [f"looks = {_toml(study.looks)}"] if study.looks else []
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
        row |= {"train_on": cell.train_on} if cell.train_on else {}
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
    if not isinstance(value, str | bool):
        return repr(value)
    # Plain letters alone, for any terminal; TOML knows no surrogate pairs.
    return re.sub(r"[^ -~]", lambda found: _escaped(ord(found[0])), json.dumps(value, ensure_ascii=False))


def _escaped(letter: int) -> str:
    return f"\\u{letter:04x}" if letter < 2**16 else f"\\U{letter:08x}"

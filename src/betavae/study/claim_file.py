"""The ``[[claims]]`` of a study file, read with every mistake named by its line.

[[claims]]
says = "β = 4 scores higher than β = 1"
score = "five"                # a question, or question.key
more = { beta = 4 }
less = { beta = 1 }           # or at_least, at_most, trend; with more and less also equal_within
where = { method = "conv" }   # which cells, where other settings vary
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from betavae.datasets import rules
from betavae.errors import Misuse, unknown
from betavae.study.cells import Cell, Job, Question, Study, canonical
from betavae.study.claims import Claim
from betavae.study.reader import Reader

MOST = 200
"""Claims of one file."""
LONGEST = 300
"""Characters of what a claim says."""
LEVELS = 12
"""Levels of a trend: its exact test counts all their orders."""
KEYS = ("says", "score", "where", "more", "less", "of", "at_least", "at_most", "equal_within", "trend")
FORMS: dict[frozenset[str], str] = {
    frozenset({"more", "less"}): "more",
    frozenset({"more", "less", "equal_within"}): "equal_within",
    frozenset({"trend"}): "trend",
    **{frozenset({bound, *arm}): bound for bound in ("at_least", "at_most") for arm in ((), ("of",), ("more",))},
}
"""What is judged, by the keys that a claim has besides what it says, of which score, and where."""
SCORES: dict[str, tuple[str, ...]] = {
    "higgins": ("higgins", "train", "converged", "accuracy."),
    "leak": ("leaked", "fresh"),
    "rotation": ("higgins", "rotated", "converged"),
    "reconstruction": ("reconstruction", "mse", "kl", "active"),
    "equivalence": ("matched",),
    "calibration": ("sigma", "variance"),
    **dict.fromkeys(("samples", "reconstructions", "traversals", "latent_space", "architecture"), ()),
}
"""The scores of measures whose answers have the same ones whatever their knobs; of others a report tells. One that
ends with a dot begins others, of a factor each.
"""
_ABSENT = object()


def read(reader: Reader, given: Any, named: Mapping[str, Question], jobs: Sequence[Job]) -> tuple[Claim, ...]:
    """The claims of a study file, on its questions by name and its jobs. Raises Misuse naming the line."""
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise reader.refuse("claims", given, "[[claims]] tables")
    if len(given) > MOST:
        raise Misuse(f"{reader.line('claims')}: {len(given)} claims; wanted {MOST} at most")
    places = reader.parts("claims", len(given))
    return tuple(_claim(place, table, named, jobs) for place, table in zip(places, given, strict=True))


def whole(study: Study) -> list[Claim]:
    """The claims of a study, or of a part of one, whose cells are all in it."""
    here = {cell.id for cell in study.cells}
    return [claim for claim in study.claims if all(here.issuperset(arm) for arm in claim.arms)]


def _claim(place: Reader, table: dict[str, Any], named: Mapping[str, Question], jobs: Sequence[Job]) -> Claim:
    place.known(table, KEYS, "key of a claim")
    for needed in ("says", "score"):
        if needed not in table:
            raise Misuse(f"{place.line('claims')}: a claim has no {needed}; give one in quotes")
    says = table["says"]
    if not isinstance(says, str) or not says.strip() or len(says) > LONGEST or not says.isprintable():
        raise place.refuse("says", says, f"a sentence in quotes, one line, up to {LONGEST} characters")
    question, key = _score(place, table["score"], named)
    cells = [job.cell for job in jobs if any(q.id == question.id for q in job.questions)]
    if not cells:
        raise Misuse(f"{place.line('score')}: no cell is asked {table['score']!r}; name it in a grid's questions")
    fixed = table.get("where", {})
    cells = _chosen(place, "where", fixed, cells, several=False) if "where" in table else cells
    form = _form(place, table)
    bound = None if form in ("more", "trend") else _bound(place, form, table[form])
    arms, free = _trend(place, table["trend"], cells) if form == "trend" else _arms(place, table, cells)
    for arm, own in zip(arms, free, strict=True):
        _alike(place, arm, {*fixed, *own}, absent=True)
    _alike(place, [cell for arm in arms for cell in arm], {*fixed, *(name for own in free for name in own)})
    for arm in arms:
        _together(place, arm)
    ids = tuple(tuple(cell.id for cell in arm) for arm in arms)
    return Claim(says, question.id, key, max(question.at), form, bound, ids, canonical(table))


def _together(place: Reader, arm: Sequence[Cell]) -> None:
    """Raises Misuse where no seed has all settings of an arm: none of them could be compared without the others."""
    by_seed: dict[int, set[Cell]] = {}
    for cell in arm:
        by_seed.setdefault(cell.seed, set()).add(replace(cell, seed=0))
    if set().union(*by_seed.values()) not in by_seed.values():
        raise Misuse(
            f"{place.line('claims')}: no seed has all settings of one side of a claim; give them the same seeds"
        )


def _score(place: Reader, given: Any, named: Mapping[str, Question]) -> tuple[Question, str | None]:
    """The question that a claim speaks of, and which of its scores (None: the first)."""
    if not isinstance(given, str):
        raise place.refuse("score", given, "the name of a question, or question.key, in quotes")
    key: str | None = None
    name = given
    if given not in named and "." in given:
        name = next((each for each in named if given.startswith(f"{each}.")), given.rpartition(".")[0])
        key = given.removeprefix(f"{name}.")
    if name not in named:
        raise Misuse(f"{place.line('score')}: {unknown('question', name, named)}")
    keys = SCORES.get(named[name].measure)
    if keys == ():
        raise Misuse(f"{place.line('score')}: question {name!r} has no score, a {named[name].measure} has pictures")
    if key is not None and keys is not None and key not in keys and not key.startswith(_families(keys)):
        raise Misuse(f"{place.line('score')}: {unknown(f'score of {name!r}', key, keys)}")
    return named[name], key


def _families(keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(key for key in keys if key.endswith("."))


def _form(place: Reader, table: Mapping[str, Any]) -> str:
    """Which kind of claim it is, by the keys that it has."""
    has = [key for key in table if key not in ("says", "score", "where")]
    if form := FORMS.get(frozenset(has)):
        return form
    wanted = "more and less; more, less and equal_within; at_least or at_most, with of; or trend"
    raise Misuse(f"{place.line('claims')}: a claim has {', '.join(has) or 'nothing'} to be judged by; wanted {wanted}")


def _bound(place: Reader, form: str, given: Any) -> float:
    number = float(place.number(form, given, -1e15, 1e15))
    if form == "equal_within" and number <= 0:
        raise place.refuse(form, given, "a number above 0")
    return number


def _arms(place: Reader, table: Mapping[str, Any], cells: list[Cell]) -> tuple[list[list[Cell]], list[Iterable[str]]]:
    """The cells of ``more`` and ``less``, or of the one arm that is held against a number, and the settings named."""
    keys = [key for key in ("more", "less", "of") if key in table]
    if not keys:
        return [cells], [()]
    arms = [_chosen(place, key, table[key], cells) for key in keys]
    both = {cell.id for cell in arms[0]} & {cell.id for cell in arms[-1]}
    if len(arms) == 2 and both:
        raise Misuse(f"{place.line('less')}: more and less overlap in {len(both)} cells; name settings that differ")
    return arms, [table[key] for key in keys]


def _trend(place: Reader, given: Any, cells: list[Cell]) -> tuple[list[list[Cell]], list[Iterable[str]]]:
    """The levels of a trend, from where the score should be most to where it should be least."""
    if not isinstance(given, str) or not given.removeprefix("-"):
        raise place.refuse("trend", given, 'a setting in quotes, as "beta"; "-beta" where the score should fall')
    name = given.removeprefix("-")
    _setting(place, "trend", name, cells)
    levels: dict[float, list[Cell]] = {}
    for cell in cells:
        value = cell.settings.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Misuse(f"{place.line('trend')}: {name} is not a number in every cell; name the cells in where")
        levels.setdefault(float(value), []).append(cell)
    if not 2 <= len(levels) <= LEVELS:
        raise Misuse(f"{place.line('trend')}: {name} has {len(levels)} levels here; a trend is judged on 2 to {LEVELS}")
    if not set.intersection(*({cell.seed for cell in level} for level in levels.values())):
        raise Misuse(f"{place.line('trend')}: no seed has every level of {name}; a trend is judged within seeds")
    ordered = sorted(levels, reverse=not given.startswith("-"))
    return [levels[value] for value in ordered], [[name]] * len(ordered)


def _setting(place: Reader, key: str, name: str, cells: Sequence[Cell]) -> None:
    """Raise Misuse unless cells have a setting of this name."""
    if name == "seed":
        raise Misuse(f"{place.line(key)}: seed is no setting: a claim speaks of all seeds")
    known = {setting for cell in cells for setting in cell.settings}
    if name not in known:
        raise Misuse(f"{place.line(name)}: {unknown(f'setting in {key}', name, known)}")


def _chosen(place: Reader, key: str, given: Any, cells: list[Cell], several: bool = True) -> list[Cell]:
    """The cells that have all settings of one table; a list means any of its values, where ``several`` allows one."""
    if not isinstance(given, dict) or not given:
        raise place.refuse(key, given, "a table of settings, as { beta = 4 }")
    found = cells
    for name, wanted in given.items():
        _setting(place, key, name, cells)
        values = wanted if several and isinstance(wanted, list) else [wanted]
        matched = [[cell for cell in found if _same(_held(cell, name), _meant(place, name, v))] for v in values]
        if not all(matched) or not values:
            have = dict.fromkeys(_shown(cell.settings[name]) for cell in found if name in cell.settings)
            raise Misuse(
                f"{place.line(key)}: {key} matches no cell: {name} is {_shown(wanted)}; "
                f"the cells to choose from have {', '.join(list(have)[:8]) or 'none'}"
            )
        found = [cell for cells in matched for cell in cells]
    return found


def _held(cell: Cell, name: str) -> Any:
    """What a cell has of a setting. Without a rule it was trained on all images, and may be named by that."""
    return cell.settings.get(name, "all" if name == "train_on" else _ABSENT)


def _meant(place: Reader, name: str, value: Any) -> Any:
    """A value as cells have it: a rule spaced in their way."""
    if name != "train_on" or value == "all":
        return value
    try:
        return rules.read(value).text
    except Misuse as error:
        raise Misuse(f"{place.line('train_on')}: {error}") from None


def _same(held: Any, wanted: Any) -> bool:
    wanted = tuple(wanted) if isinstance(wanted, list) else wanted
    return isinstance(held, bool) == isinstance(wanted, bool) and bool(held == wanted)


def _alike(place: Reader, cells: Sequence[Cell], named: set[str], absent: bool = False) -> None:
    """Raise Misuse where cells of a claim differ in a setting that it does not name. Of two arms one may lack it
    altogether; within one, to have it and to have it not (``absent``) is a difference too.
    """
    held = [cell.settings for cell in cells]
    for name in sorted({name for settings in held for name in settings} - named):
        found = dict.fromkeys(settings.get(name, _ABSENT) for settings in held if absent or name in settings)
        if len(found) > 1:
            values = ", ".join("none" if value is _ABSENT else _shown(value) for value in list(found)[:4])
            raise Misuse(
                f"{place.line('says')}: {name} varies among the cells of this claim ({values}) and is not named; "
                f"name it in where"
            )


def _shown(value: Any) -> str:
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:g}"
    return canonical(value)[:60] if isinstance(value, str | list | tuple | int | bool) else str(value)[:60]

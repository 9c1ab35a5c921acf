"""A claim of a study's own: what it says of which score, and the cells that it sets against each other; and the looks,
the numbers of seeds after which claims are judged.

Frozen plain data, made by ``claim_file`` from a study file and judged by reports alone: no claim changes what is run,
and none enters an id.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from betavae.errors import Misuse
from betavae.study.cells import Cell, Study, canonical
from betavae.types import Json

FORMS = ("more", "at_least", "at_most", "equal_within", "trend")


@dataclass(frozen=True)
class Claim:
    """What somebody says of a score, before it is known.

    ``question`` is an id, ``key`` one of its scores (None: the first), ``at`` the moment of training. ``arms`` hold ids
    of cells, the side that should be more first: two arms, or the one that is held against ``bound``, or a trend's
    levels from most to least. ``given`` is the claim's own table, as JSON.
    """

    says: str
    question: str
    key: str | None
    at: float
    form: str
    bound: float | None
    arms: tuple[tuple[str, ...], ...]
    given: str

    @property
    def table(self) -> dict[str, Any]:
        """What its file says."""
        return dict(json.loads(self.given))

    def plain(self) -> dict[str, Json]:
        """The claim as plain JSON."""
        return {
            "says": self.says, "question": self.question, "key": self.key, "at": self.at, "form": self.form,
            "bound": self.bound, "arms": [list(arm) for arm in self.arms], "given": self.table,
        }  # fmt: skip

    @staticmethod
    def from_plain(plain: Any) -> Claim:
        """The claim that ``plain`` came from. Raises ValueError where it is none."""
        if not isinstance(plain, Mapping) or set(plain) != set(Claim.__dataclass_fields__):
            raise ValueError("a claim has other fields than this version knows")
        kinds: dict[str, tuple[type, ...]] = {
            "says": (str,), "question": (str,), "key": (str, type(None)), "at": (int, float), "form": (str,),
            "bound": (int, float, type(None)), "arms": (list,), "given": (dict,),
        }  # fmt: skip
        for field, kind in kinds.items():
            if not isinstance(plain[field], kind) or isinstance(plain[field], bool):
                raise ValueError(f"{field} of a claim is no {kind[0].__name__}")
        arms = tuple(tuple(arm) for arm in plain["arms"] if isinstance(arm, list) and arm)
        wanted = {"more": 2, "equal_within": 2, "trend": max(2, len(plain["arms"]))}.get(plain["form"], 1)
        if (
            plain["form"] not in FORMS
            or len(arms) != wanted
            or not all(isinstance(c, str) for arm in arms for c in arm)
        ):
            raise ValueError("a claim sets no cells against anything")
        tables = [plain["given"].get(key, {}) for key in ("where", "of", "more", "less")]
        if not all(isinstance(table, dict) for table in tables) or not isinstance(plain["given"].get("trend", ""), str):
            raise ValueError("a claim names its cells otherwise than this version knows")
        needed = {"more": {"more", "less"}, "equal_within": {"more", "less"}, "trend": {"trend"}}
        if needed.get(plain["form"], set()) - set(plain["given"]) or not plain["says"]:
            raise ValueError("a claim lacks what it sets against each other, or says nothing")
        if (plain["bound"] is None) != (plain["form"] in ("more", "trend")):
            raise ValueError("a claim lacks its bound, or has one too many")
        return Claim(**{**plain, "arms": arms, "given": canonical(plain["given"])})


def rising(given: Any) -> tuple[int, ...]:
    """Numbers of seeds that rise, from 1 on, or none. Raises ValueError for anything else."""
    whole = isinstance(given, list | tuple) and all(isinstance(n, int) and not isinstance(n, bool) for n in given)
    if not whole or any(a >= b for a, b in itertools.pairwise([0, *given])):
        raise ValueError("wanted numbers of seeds that rise")
    return tuple(given)


def asks(study: Study) -> set[tuple[str, str | None, float]]:
    """What a study wants a record of: cell id, question id (None for the fit), and the fraction of training."""
    ids = {q: q.id for q in dict.fromkeys(q for job in study.jobs for q in job.questions)}
    found: set[tuple[str, str | None, float]] = set()
    for job in study.jobs:
        key = job.cell.id
        found |= {(key, None, 1.0), *((key, ids[q], float(at)) for q in job.questions for at in q.at)}
    return found


def changed(before: Study, now: Study, done: Collection[tuple[str, str | None, float]]) -> list[str]:
    """What a study asks otherwise than it did, in a sentence or none: what is no longer asked, and what is new of cells
    that are finished. New cells are no change.
    """
    was, has = asks(before), asks(now)
    trained = {key for key, question, _ in done if question is None}
    gone, new = was - has, {one for one in has - was if one[0] in trained}
    parts = [_counted(gone, "no longer asked")] if gone else []
    parts += [_counted(new, "new, of finished cells")] if new else []
    if not parts:
        return []
    why = (
        "the paper's study asks what files at hand allow (CIFAR, a feature network), as --data and this version say"
        if now.name == "paper"
        else "its file, or what this version makes of it, has changed"
    )
    return [f"{now.name} asks otherwise than before: {'; '.join(parts)} ({why})"]


def _counted(asked: Collection[tuple[str, str | None, float]], what: str) -> str:
    questions, cells = sum(question is not None for _, question, _ in asked), len({key for key, *_ in asked})
    return f"{questions} question{'s' * (questions != 1)} of {cells} cell{'s' * (cells != 1)} {what}"


def seeds_of(study: Study) -> int:
    """The most seeds that any setting of a study has: a setting is what cells that differ in their seed alone share."""
    return max((len(cells) for cells in _settings(study).values()), default=0)


def first(study: Study, seeds: int) -> Study:
    """What is judged after so many seeds: of every setting the cells of its first seeds, in the order in which the
    study names seeds, and the claims on these.
    """
    order: dict[int, int] = {}
    for cell in study.cells:
        order.setdefault(cell.seed, len(order))
    groups = _settings(study).values()
    kept = {cell for group in groups for cell in sorted(group, key=lambda c: order[c.seed])[:seeds]}
    jobs = tuple(job for job in study.jobs if job.cell in kept)
    ids = {job.cell.id for job in jobs}
    claims = (replace(c, arms=tuple(tuple(key for key in arm if key in ids) for arm in c.arms)) for c in study.claims)
    return replace(study, jobs=jobs, claims=tuple(claims))


def had(study: Study, done: Collection[tuple[str, str | None, float]]) -> list[Study]:
    """What the looks of a study judge, as far as all of it is done: the first look's, then the second's, and so on."""
    parts = [first(study, seeds) for seeds in study.looks]
    return list(itertools.takewhile(lambda part: all(key in done for key in asks(part)), parts))


def fixed(before: Study, now: Study) -> None:
    """Raises Misuse where looks, the claims that share α over them, or the seeds that each look takes are others than
    they were.
    """
    if before.looks == now.looks and (not now.looks or (before.claims, _order(before)) == (now.claims, _order(now))):
        return
    what = f"claims were judged after {_looks(before)} before"
    if before.looks == now.looks:
        same = [claim.given for claim in before.claims] == [claim.given for claim in now.claims]
        what = "the seeds, cells or questions of its claims were others" if same else "its claims were others"
    raise Misuse(
        f"looks are fixed before the first seed is run: {what}; take the study back to what it was, "
        "or give another folder as --store"
    )


def grown(before: Study, now: Study) -> tuple[int, ...]:
    """The numbers of seeds at which claims could be judged before a study without looks was given more."""
    was, has = _settings(before), _settings(now)
    grew = [len(cells) for setting, cells in was.items() if len(cells) < len(has.get(setting, ()))]
    return tuple(sorted({*before.grown, max(grew)})) if grew and not now.looks else before.grown


def _settings(study: Study) -> dict[Cell, list[Cell]]:
    found: dict[Cell, list[Cell]] = {}
    for cell in study.cells:
        found.setdefault(replace(cell, seed=0), []).append(cell)
    return found


def _order(study: Study) -> list[int]:
    """The seeds that claims speak of, in the order in which looks take them."""
    judged = {key for claim in study.claims for arm in claim.arms for key in arm}
    theirs = {cell.seed for cell in study.cells if cell.id in judged}
    return [seed for seed in dict.fromkeys(cell.seed for cell in study.cells) if seed in theirs]


def _looks(study: Study) -> str:
    return f"looks {list(study.looks)}" if study.looks else "one look at all seeds"

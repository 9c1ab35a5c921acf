"""A claim of a study's own: what it says of which score, and the cells that it sets against each other.

Frozen plain data, made by ``claim_file`` from a study file and judged by reports alone: no claim changes what is run,
and none enters an id.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from betavae.study.cells import canonical
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

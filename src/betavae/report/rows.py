"""What records are of, as pages speak of it: the row of a table, the number per seed that stands in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from betavae.paper.published import FACTOR_COUNT

Record = dict[str, Any]
ORDER = {"mlp": 0, "conv": 1, "pca": 2, "ica": 3, "untrained": 4, "projection": 5, "pixels": 6, "factors": 7}
FLOORS = {
    "untrained": "untrained conv",
    "projection": "random projection",
    "pixels": "raw pixels",
    "factors": "true factors",
}
"""Floors and the ceiling, as pages name them."""


class Row(NamedTuple):
    """One line of a table: a method at one β (VAEs) or fitted on so many images (baselines; None: all)."""

    dataset: str
    method: str
    beta: float | None = None
    fit: int | None = None

    @property
    def label(self) -> str:
        """How pages name it: ``4-VAE``, ``PCA, 25,000 images``, ``ICA, all images``."""
        if self.beta is not None:
            return f"{self.beta:g}-VAE"
        name = {"pca": "PCA", "ica": "ICA"}.get(self.method)
        if name is None:
            return FLOORS.get(self.method, self.method)
        return f"{name}, {'all' if self.fit is None else format(self.fit, ',')} images"

    @property
    def fixed(self) -> bool:
        """Whether seeds change it next to nothing: raw pixels, the true factors, the principal components of all
        images (to the accuracy of their iteration).
        """
        return self.method in ("pixels", "factors") or (self.method == "pca" and self.fit is None)

    @property
    def printed(self) -> str:
        """The paper's name of the model: ``4-VAE``, ``PCA``, ``ICA``."""
        return self.label.split(",")[0]


def asked(record: Record) -> int:
    """K, the number of factors a Higgins question asks to tell apart."""
    ask = record["question"]["knobs"].get("ask")
    return len(ask) if ask else FACTOR_COUNT.get(record["cell"]["dataset"], 0)


def classifier_of(record: Record) -> str:
    """The classifier of a Higgins question; one that names none asks the logistic one."""
    return str(record["question"]["knobs"].get("classifier", "logistic"))


def quirks_of(record: Record) -> tuple[str, ...]:
    """Every quirk that is on in a record, of its cell and of its question."""
    question = record["question"] or {}
    return tuple(sorted({*record["cell"].get("quirks", ()), *question.get("quirks", ())}))


def row_of(cell: Record) -> Row:
    """The table row a cell belongs to."""
    beta = cell.get("knobs", {}).get("beta") if cell.get("recipe") else None
    return Row(cell["dataset"], cell["method"], None if beta is None else float(beta), cell.get("fit"))


def plain(cell: Record) -> bool:
    """Whether a cell is one of the paper's own: a β-VAE or a baseline with no quirk on."""
    return not cell.get("quirks") and cell.get("objective") in (None, "beta_vae")


def setting(cell: Record) -> str:
    """Everything about a cell but its seed, as one text."""
    return json.dumps({k: v for k, v in cell.items() if k != "seed"}, sort_keys=True)


def budget(cell: Record) -> int:
    """Image passes a cell asks for."""
    recipe = cell.get("recipe")
    return int(recipe["images"]) if recipe else 0


@dataclass(frozen=True)
class Sample:
    """One number per training seed; a diverged run enters at ``floor`` (chance) where there is one, and is named."""

    values: dict[int, float] = field(default_factory=dict)
    diverged: tuple[int, ...] = ()
    errors: int = 0
    floor: float | None = None
    several: dict[tuple[int, int, str], float] = field(default_factory=dict)  # (seed, question seed, classifier)

    @property
    def list(self) -> list[float]:
        """The values in order of seed."""
        return [self.values[s] for s in sorted(self.values)]

    def __len__(self) -> int:
        return len(self.values)


def sample(records: Sequence[Record], score: str) -> Sample:
    """Records of one row and measure as one number per seed; of several questions the most often answered one."""
    if not records:
        return Sample()
    groups: dict[str, list[Record]] = {}
    for record in records:
        name = json.dumps({**record["question"], "seed": 0, "at": []}, sort_keys=True)
        groups.setdefault(name, []).append(record)
    size = {name: (len(g), g[0]["question"]["knobs"].get("votes", 0)) for name, g in groups.items()}
    chosen = groups[max(sorted(groups), key=lambda name: size[name])]
    higgins = chosen[0]["question"]["measure"] in ("higgins", "rotation")
    floor = 1 / asked(chosen[0]) if higgins and asked(chosen[0]) else None
    several: dict[tuple[int, int, str], float] = {}
    fallen: set[int] = set()
    for record in chosen:
        seed, question = record["cell"]["seed"], record["question"]
        if record["status"] == "diverged":
            fallen.add(seed)
        value = record["scores"].get(score) if record["status"] == "ok" else floor if seed in fallen else None
        if value is not None:
            several[(seed, question["seed"], classifier_of(record) if higgins else "")] = float(value)
    values = {
        seed: sum(found) / len(found)
        for seed in sorted({key[0] for key in several})
        if (found := [v for k, v in several.items() if k[0] == seed])
    }
    return Sample(values, tuple(sorted(fallen)), sum(r["status"] == "error" for r in chosen), floor, several)

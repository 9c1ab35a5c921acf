"""What records are of, as pages speak of it: the row of a table, the number per seed that stands in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from betavae import datasets
from betavae.report.reads import cautions, stopped_short
from betavae.study.cells import Pairs, pairs
from betavae.study.records import Record

ORDER = {
    "mlp": 0,
    "conv": 1,
    "pca": 2,
    "ica": 3,
    "untrained": 4,
    "projection": 5,
    "pixels": 6,
    "noise": 7,
    "chance": 8,
    "factors": 9,
}
FLOORS = {
    "untrained": "untrained conv",
    "projection": "random projection",
    "pixels": "raw pixels",
    "noise": "noise codes",
    "chance": "one code for all",
    "factors": "true factors",
}
"""Floors and the ceiling, as pages name them."""
RECIPE = {
    "optimiser": "{}", "learning_rate": "learning rate {:g}", "batch": "batch {}", "images": "{:,} image passes",
    "drop_to": "learning rate × {:g} at the drop", "drop_at": "drop at {:.0%} of training",
}  # fmt: skip
"""The parts of a recipe in words."""
LETTERS = {"beta": "β", "sigma": "σ", "gamma": "γ", "lambda": "λ", "alpha": "α"}
"""Knobs that have a letter."""


class Row(NamedTuple):
    """One line of a table: what was trained or fitted, by as much of its setting as a page tells apart.

    ``row_of`` fills every field from a cell, its seed alone left out; a page that tells apart less leaves the rest as
    it is. ``fit`` is the number of images that a baseline is fitted on (None: all), ``rule`` says which images trained
    (None: all).
    """

    dataset: str
    method: str
    beta: float | None = None
    fit: int | None = None
    objective: str | None = None
    knobs: Pairs = ()
    codes: int | None = None
    recipe: Pairs = ()
    quirks: tuple[str, ...] = ()
    rule: str | None = None

    @property
    def label(self) -> str:
        """How a page of one architecture names it: ``4-VAE``, ``PCA, 25,000 images``, ``ICA, all images``."""
        if self.beta is not None:
            return f"{self.beta:g}-VAE"
        name = {"pca": "PCA", "ica": "ICA"}.get(self.method)
        if name is None:
            return FLOORS.get(self.method, self.method)
        return f"{name}, {'all' if self.fit is None else format(self.fit, ',')} images"

    @property
    def name(self) -> str:
        """How a page of several architectures names it: ``4-VAE, MLP``."""
        return f"{self.label}, {architecture(self.method)}" if self.beta is not None else self.label

    @property
    def fixed(self) -> bool:
        """Whether seeds change it next to nothing: raw pixels, the true factors, the principal components of all
        images (to the accuracy of their iteration).
        """
        return self.method in ("pixels", "factors") or (self.method == "pca" and self.fit is None)

    @property
    def parts(self) -> dict[str, str]:
        """Its setting in words, part by part: what labels are made of."""
        said = {"dataset": self.dataset, "method": architecture(self.method)}
        if self.objective:
            said["objective"] = self.objective
        if self.beta is not None:
            said["beta"] = f"β = {self.beta:g}"
        said |= {key: f"{LETTERS.get(key, key)} = {_short(value)}" for key, value in self.knobs}
        if self.codes is not None:
            said["codes"] = f"{self.codes} codes"
        recipe = dict(self.recipe)
        if not recipe and self.method not in FLOORS:
            said["fit"] = f"fitted on {'all' if self.fit is None else format(self.fit, ',')} images"
        for key in sorted(recipe, key=lambda key: [*RECIPE].index(key) if key in RECIPE else len(RECIPE)):
            said[f"recipe.{key}"] = RECIPE.get(key, key.replace("_", " ") + " {}").format(recipe[key])
        if self.rule:
            said["train_on"] = f"trained where {self.rule}"
        if self.quirks:
            said["quirks"] = f"with {', '.join(self.quirks)}"
        return said


def architecture(method: str) -> str:
    """A method as pages name it."""
    return {"mlp": "MLP", "pca": "PCA", "ica": "ICA"}.get(method) or FLOORS.get(method, method)


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def labels(rows: Sequence[Row]) -> tuple[dict[Row, str], list[str]]:
    """Rows by what tells them apart, and what all that have it share: a part that some rows lack (β of PCA) is told
    only where it differs among the others, or where nothing else tells two rows apart.
    """
    told = [row.parts for row in rows]
    if any("train_on" in parts for parts in told):
        for parts in told:
            if "fit" in parts or "recipe.images" in parts:
                parts.setdefault("train_on", "trained on all images")
    keys = dict.fromkeys(key for parts in told for key in parts)
    vary = {key for key in keys if len({parts[key] for parts in told if key in parts}) > 1}
    if len({tuple(parts.get(key) for key in keys if key in vary) for parts in told}) < len(rows):
        vary |= {key for key in keys if len({parts.get(key) for parts in told}) > 1}
    named = {
        row: ", ".join(text for key, text in parts.items() if key in vary) or parts["method"]
        for row, parts in zip(rows, told, strict=True)
    }
    return named, [next(parts[key] for parts in told if key in parts) for key in keys if key not in vary]


def row_of(cell: Record) -> Row:
    """The row of a cell: its whole setting, the seed left out."""
    knobs = dict(cell.get("knobs") or {})
    beta = knobs.pop("beta", None)
    recipe = pairs(cell.get("recipe") or {})
    return Row(cell["dataset"], cell["method"], None if beta is None else float(beta), cell.get("fit"),
               cell.get("objective"), pairs(knobs), cell["codes"], recipe, tuple(cell.get("quirks", ())),
               cell.get("train_on"))  # fmt: skip


def setting(cell: Record) -> str:
    """Everything about a cell but its seed and β, as one text."""
    told = {k: v for k, v in cell.items() if k != "seed"}
    told["knobs"] = {k: v for k, v in (cell.get("knobs") or {}).items() if k != "beta"}
    return json.dumps(told, sort_keys=True)


def factors_of(record: Record) -> int:
    """K, the number of factors a Higgins question asks to tell apart; 0 where they are not known."""
    ask, dataset = record["question"]["knobs"].get("ask"), record["cell"]["dataset"]
    return len(ask) if ask else factor_count(dataset)


def factor_count(dataset: str) -> int:
    """The number of factors of a dataset that this package knows, else 0."""
    return len(datasets.card(dataset).factors) if dataset in datasets.DATASETS else 0


def classifier_of(record: Record) -> str:
    """The classifier of a Higgins question; one that names none asks the logistic one."""
    return str(record["question"]["knobs"].get("classifier", "logistic"))


def quirks_of(record: Record) -> tuple[str, ...]:
    """Every quirk that is on in a record, of its cell and of its question."""
    question = record["question"] or {}
    return tuple(sorted({*record["cell"].get("quirks", ()), *question.get("quirks", ())}))


def budget(cell: Record) -> int:
    """Image passes a cell asks for."""
    recipe = cell.get("recipe")
    return int(recipe["images"]) if recipe else 0


@dataclass(frozen=True)
class Sample:
    """One number per training seed; a diverged run enters at ``floor`` (chance) where there is one, and is named.
    ``short`` counts the answers whose classifier stopped before it converged, ``cautions`` is what answers warn of.
    """

    values: dict[int, float] = field(default_factory=dict)
    diverged: tuple[int, ...] = ()
    errors: int = 0
    floor: float | None = None
    several: dict[tuple[int, int, str], float] = field(default_factory=dict)  # (seed, question seed, classifier)
    short: int = 0
    cautions: tuple[str, ...] = ()

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
    floor = 1 / factors_of(chosen[0]) if higgins and factors_of(chosen[0]) else None
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
    errors, short = sum(r["status"] == "error" for r in chosen), sum(map(stopped_short, chosen))
    return Sample(values, tuple(sorted(fallen)), errors, floor, several, short, cautions(chosen))

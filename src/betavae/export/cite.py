"""BibTeX of the paper, and of the datasets, models and metrics that records used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from betavae import objectives
from betavae.datasets.cards import CARDS
from betavae.export.works import WORKS as WORKS
from betavae.objectives import OBJECTIVES

PAPER = """@misc{fil2021betavae,
  author = {Fil, Miroslav and Mesinovic, Munib and Morris, Matthew and Wildberger, Jonas},
  title = {{$\\beta$-VAE} Reproducibility: Challenges and Extensions},
  note = {Reproducibility report, University of Oxford},
  year = {2021}
}"""
METHODS = {"conv": ("kingma2014", "higgins2017", "burgess2018"), "mlp": ("kingma2014", "higgins2017"),
           "ica": ("hyvarinen2000",)}  # fmt: skip
MEASURES = {
    "higgins": ("higgins2017",),
    "rotation": ("higgins2017", "locatello2020"),
    "frechet": ("heusel2017",),
    "calibration": ("rybkin2021",),
    "equivalence": ("rybkin2021",),
}
FEATURES = {"inception": ("seitzer2020",), "efficientnet": ("tan2019",)}
"""Works behind a feature network, by the beginning of its name."""


def entries(records: Iterable[dict[str, Any]] = ()) -> list[str]:
    """The BibTeX entries to cite for these records, each once: the paper, then datasets, then models and metrics."""
    data: dict[str, None] = {}
    works: dict[str, None] = {}
    for record in records:
        cell, question = record["cell"] or {}, record["question"] or {}
        if cell.get("dataset") in CARDS:
            data[CARDS[cell["dataset"]].bibtex] = None
        network = str(question.get("knobs", {}).get("features", ""))
        found = [
            *METHODS.get(cell.get("method", ""), ()),
            *_objective(cell),
            *((record.get("reads") or {}).get("cites") or MEASURES.get(question.get("measure", ""), ())),
            *(work for start, each in FEATURES.items() if network.startswith(start) for work in each),
        ]
        works |= dict.fromkeys(WORKS[name] for name in found if name in WORKS)
    return [PAPER, *data, *works]


def _objective(cell: Mapping[str, Any]) -> tuple[str, ...]:
    """Works behind a cell's objective and likelihood."""
    if cell.get("objective") not in OBJECTIVES:
        return ()
    objective = objectives.named(cell["objective"])
    return (*objective.cites, *objectives.likelihood(objective, cell["knobs"]).cites)

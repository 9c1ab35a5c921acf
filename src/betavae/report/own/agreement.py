"""Between runs: how alike the trainings of one setting are, and whether metrics put all runs in the same order."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from betavae.metrics.agreement import udr
from betavae.report.document import Heading, Part, Table, literal
from betavae.report.own.answers import Asked, Own, Setting
from betavae.report.statistics.summary import rank_correlation
from betavae.study.cells import Cell

FEWEST = 5
"""Runs that a rank correlation needs to be shown; of five it still says little, and n stands beside it."""
MOST = 16
"""Questions that one table can hold against one another."""
UDR = "udr"

Values = dict[Cell, float]
Run = TypeVar("Run", bound=Hashable)


def agreement(own: Own) -> list[Part]:
    """The sections of how alike trainings are and of the order that metrics put them in, a dataset each."""
    parts: list[Part] = []
    for dataset in own.datasets:
        found: list[Part] = []
        columns: dict[str, Values] = {}
        for asked in own.asked(dataset):
            if asked.question.measure == UDR:
                alike = _alike(own, asked)
                if alike:
                    found.append(_udr(dataset, asked, alike))
                    columns[asked.name] = {cell: v for _, values in alike for cell, v in values.items()}
            elif asked.scores:
                columns[asked.name] = _values(own, asked)
        if ranked := ranks(dataset, columns):
            found.append(ranked)
        if found:
            parts += [Heading(f"Between the runs on {literal(dataset)}"), *found]
    return parts


def _values(own: Own, asked: Asked) -> Values:
    """The main score of every trained cell, turned so that more is better."""
    sign = -1.0 if asked.reads.higher is False else 1.0
    found: Values = {}
    for setting in asked.settings:
        for cell in () if setting.floor or setting.row.fixed else setting.cells.values():
            record = own.record(cell, asked, asked.moments[setting.row][-1])
            if record and record["status"] == "ok" and asked.scores[0] in record["scores"]:
                found[cell] = sign * float(record["scores"][asked.scores[0]])
    return found


def _alike(own: Own, asked: Asked) -> list[tuple[Setting, Values]]:
    """UDR of every cell of the settings that have two or more with codes of the same images."""
    found: list[tuple[Setting, Values]] = []
    kind = dict(asked.question.knobs).get("kind", "lasso")
    for setting in asked.settings:
        kept: list[tuple[Cell, np.ndarray, np.ndarray]] = []
        for cell in setting.cells.values():
            record = own.record(cell, asked, asked.moments[setting.row][-1])
            arrays = own.arrays(record) if record and record["status"] == "ok" else {}
            codes, kl = arrays.get("codes"), arrays.get("kl")
            if codes is not None and kl is not None and codes.ndim == 2 and kl.shape == codes.shape[1:]:
                kept.append((cell, codes, kl))
        if len(kept) > 1 and len({codes.shape[0] for _, codes, _ in kept}) == 1 and kind in ("lasso", "spearman"):
            scores = udr([codes for _, codes, _ in kept], [kl for _, _, kl in kept], kind)
            found.append((setting, {cell: score for (cell, _, _), score in zip(kept, scores, strict=True)}))
    return found


def _udr(dataset: str, asked: Asked, alike: Sequence[tuple[Setting, Values]]) -> Table:
    rows = [
        [
            literal(setting.label),
            str(len(values)),
            f"{np.mean(list(values.values())):.3f}",
            "; ".join(f"{cell.seed}: {value:.3f}" for cell, value in sorted(values.items(), key=lambda v: v[0].seed)),
        ]
        for setting, values in alike
    ]
    notes = [
        "Each run against the others of its setting, code by code; the lasso takes a tenth, so that identical models "
        "score .9. A factor that a run has lost costs it nothing."
    ]
    caption = f"{literal(asked.name)} on {literal(dataset)}: the unsupervised disentanglement ranking of every run"
    return Table(caption, ["Setting", "n", "mean", "by seed"], rows, notes)


def ranks(dataset: str, columns: Mapping[str, Mapping[Run, float]]) -> Table | None:
    """Spearman's correlation of every two questions over the runs that answer both, or None of fewer than two."""
    kept = {name: values for name, values in columns.items() if len(set(values.values())) > 1}
    names = [name for name in kept if len(kept[name]) >= FEWEST][:MOST]
    if len(names) < 2:
        return None
    rows = [[literal(one), *(_correlation(kept[one], kept[other]) for other in names)] for one in names]
    left = len(kept) - len(names)
    notes = ["ρ (n): more of the one with more of the other is positive; where less is better, less counts as more."]
    notes += [f"{left} questions have too few runs, or no room here."] if left else []
    caption = f"Do the questions on {literal(dataset)} rank the runs alike? Spearman's ρ over trained runs"
    return Table(caption, ["", *map(literal, names)], rows, notes)


def _correlation(one: Mapping[Run, float], other: Mapping[Run, float]) -> str:
    runs = [run for run in one if run in other]
    rho = rank_correlation([one[run] for run in runs], [other[run] for run in runs]) if len(runs) >= FEWEST else None
    return "-" if rho is None else f"{rho:.2f} ({len(runs)})"

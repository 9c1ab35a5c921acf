"""DCI-ES (Eastwood et al. 2023): how little capacity a probe needs to tell the factors, and the size of the code."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import torch

from betavae import rng
from betavae.metrics.base import Metric
from betavae.metrics.field.draws import FIT, TEST
from betavae.metrics.field.table import Table, metric
from betavae.types import Scores

if TYPE_CHECKING:
    from betavae.types import Array

DEPTHS = (1, 2, 3, 4, 6, 8, 12, 16, 20, 24, 28, 32)
TREES = 100


def dci_es(*, images: int = FIT, test_images: int = TEST, repeats: int = 1) -> Metric:
    """Explicitness: one minus twice the area between the loss of a random forest against its depth and the least loss,
    over that of a probe that learns nothing; in the mean over factors and ``repeats`` forests. At most 1.

    Depths 1 to 32 of one forest each: its trees are grown once and read at every depth. Keys: "explicitness", and
    "size", the number of factors over that of codes.
    """

    def judge(table: Table, generator: torch.Generator) -> Scores:
        found = [
            explicitness(DEPTHS, _losses(table, v, rng.spawn_seed(generator)), 1 - 1 / size)
            for _ in range(repeats)
            for v, size in zip(table.v.T, table.sizes, strict=True)
        ]
        return {"explicitness": float(np.mean(found)), "size": len(table.names) / table.x.shape[1]}

    seconds = 3e-3 * images * repeats
    return metric("dci_es", judge, images, test_images, floor=False, seconds=seconds, cites=("eastwood2023",))


def explicitness(capacities: tuple[int, ...], losses: Array, baseline: float) -> float:
    """One minus twice the area between falling ``losses`` and their least, over the capacities times ``baseline``."""
    least = np.minimum.accumulate(losses)
    area = float(np.trapezoid(least - least[-1], capacities))
    return 1 - 2 * area / ((capacities[-1] - capacities[0]) * baseline)


def _losses(table: Table, v: Array, seed: int) -> Array:
    """The test error of a forest at each of DEPTHS."""
    from sklearn.ensemble import RandomForestClassifier

    n, x = table.fitted, table.x[:, table.active]
    if not x.shape[1]:
        return np.full(len(DEPTHS), float((v[n:] != np.bincount(v[:n]).argmax()).mean()))
    forest = RandomForestClassifier(TREES, max_depth=DEPTHS[-1], random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The number of unique classes")  # hardly learnt is hardly learnt: score it
        forest.fit(x[:n], v[:n])
    test = x[n:].astype(np.float32)
    shares = np.zeros((len(DEPTHS), len(test), len(forest.classes_)))
    for tree in (each.tree_ for each in forest.estimators_):
        node, rows = np.zeros(len(test), np.intp), np.arange(len(test))
        for depth in range(1, DEPTHS[-1] + 1):
            code = tree.feature[node]
            on = np.where(
                test[rows, np.maximum(code, 0)] <= tree.threshold[node],
                tree.children_left[node],
                tree.children_right[node],
            )
            node = np.where(code >= 0, on, node)
            if depth in DEPTHS:
                shares[DEPTHS.index(depth)] += tree.value[node, 0]
    return np.array([(forest.classes_[each.argmax(1)] != v[n:]).mean() for each in shares])

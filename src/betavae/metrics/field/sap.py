"""SAP (Kumar et al. 2018): how much better a factor's best single code predicts it than the next."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from betavae import rng
from betavae.errors import choose
from betavae.metrics.base import Metric
from betavae.metrics.field.draws import FIT, TEST
from betavae.metrics.field.information import gaps
from betavae.metrics.field.table import Table, metric
from betavae.types import Scores

if TYPE_CHECKING:
    from betavae.types import Array


ROWS = 8192
"""Images whose products are summed at once: they stay in the cache."""


def sap(
    *, images: int | None = None, test_images: int = TEST, kind: Literal["continuous", "discrete"] = "continuous"
) -> Metric:
    """The separated attribute predictability: the gap between a factor's two best codes, in the mean over factors.

    ``kind`` "continuous": of the squared correlations, on all images, whose factors are then taken as numbers.
    "discrete": of the test accuracies of a linear support vector machine on one code, as disentanglement_lib has it;
    one line cannot rank forty classes, so that a perfect code scores about .18. Key: "sap".
    """
    scored = choose({"continuous": _correlations, "discrete": _accuracies}, kind, "kind")
    fits = kind == "discrete"

    def judge(table: Table, generator: torch.Generator) -> Scores:
        return {"sap": float(gaps(scored(table, generator)).mean())}

    return metric(
        "sap", judge, images or FIT if fits else images, test_images if fits else 0,
        floor=not fits, seconds=15.0 if fits else 0.05, cites=("kumar2018",),
    )  # fmt: skip


def _correlations(table: Table, generator: torch.Generator) -> Array:
    """Squared correlations ``[Z, K]``; 0 for a constant code."""
    z, count = table.x.shape[1], len(table.x)
    sums, products = np.zeros(z + len(table.names)), 0.0
    for k in range(0, count, ROWS):  # off the first row, so that an offset costs no digits
        rows = np.hstack([part[k : k + ROWS] - part[:1] for part in (table.x, table.values)])
        sums += rows.sum(0)
        products = products + rows.T @ rows
    covariance = np.asarray(products) - np.outer(sums, sums) / count
    spread = covariance.diagonal()
    over = np.outer(np.where(table.active, spread[:z], 1.0), spread[z:])
    return np.asarray(covariance[:z, z:] ** 2 / over * table.active[:, None])


def _accuracies(table: Table, generator: torch.Generator) -> Array:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import LinearSVC

    n, seed = table.fitted, rng.spawn_seed(generator)
    found = np.zeros((table.x.shape[1], len(table.names)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # liblinear's usual thousand iterations are the original's
        warnings.filterwarnings("ignore", "The number of unique classes")  # hardly learnt is hardly learnt: score it
        for k, v in enumerate(table.v.T):
            if (v[:n] == v[0]).all():  # a value that only images to test on have
                found[table.active, k] = (v[n:] == v[0]).mean()
                continue
            for j in np.flatnonzero(table.active):
                model = LinearSVC(C=0.01, class_weight="balanced", random_state=seed)
                model.fit(table.x[:n, j : j + 1], v[:n])
                found[j, k] = (model.predict(table.x[n:, j : j + 1]) == v[n:]).mean()
    return found

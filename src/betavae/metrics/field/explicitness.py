"""Explicitness (Ridgeway & Mozer 2018): how well a logistic regression tells the values of every factor."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from betavae.metrics.base import Metric
from betavae.metrics.field.draws import FIT, TEST
from betavae.metrics.field.table import Table, metric
from betavae.metrics.fits.logistic import regression
from betavae.types import Scores

if TYPE_CHECKING:
    from betavae.types import Array


def explicitness(*, images: int = FIT, test_images: int = TEST) -> Metric:
    """Explicitness: how well a logistic regression on all codes, standardised, tells each value
    of a factor from the others: the area under the ROC curve, in the mean over values and factors; chance is .5.

    Keys: "explicitness", on ``test_images`` fresh images, and "train". Values that the one or the other lacks are left
    out of its mean.
    """

    def judge(table: Table, generator: torch.Generator) -> Scores:
        n, x = table.fitted, table.scaled[:, table.active]
        train: list[float] = []
        test: list[float] = []
        for k, v in enumerate(table.v.T):
            if not x.shape[1]:
                return {"explicitness": 0.5, "train": 0.5}
            model = fitted(table, k)
            for areas, rows in ((train, slice(0, n)), (test, slice(n, None))):
                areas.append(_areas(model.predict_proba(x[rows]), v[rows], model.classes_))
        return {"explicitness": float(np.mean(test)), "train": float(np.mean(train))}

    return metric(
        "explicitness", judge, images, test_images, floor=False, seconds=1.8e-4 * images, cites=("ridgeway2018",)
    )


@lru_cache(maxsize=16)
def fitted(table: Table, k: int) -> Any:
    """The logistic regression of factor ``k`` on the codes that move, standardised, of the rows to fit on: one for all
    metrics that ask for it of the same table.
    """
    n = table.fitted
    return regression(table.scaled[:n, table.active], table.v[:n, k])


def _areas(probability: Array, v: Array, classes: Array) -> float:
    """The mean area under the ROC curve of each class against the others (the Mann-Whitney statistic)."""
    from scipy.stats import rankdata

    ranks = rankdata(probability, axis=0)
    mine = v[:, None] == classes
    count = mine.sum(0)
    told = (count > 0) & (count < len(v))
    areas = ((ranks * mine).sum(0) - count * (count + 1) / 2)[told] / (count * (len(v) - count))[told]
    return float(areas.mean()) if len(areas) else 0.5

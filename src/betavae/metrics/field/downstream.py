"""Downstream tasks (Locatello et al. 2019): how well a few labelled images tell every factor from the codes."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from betavae.datasets.base import Dataset
from betavae.errors import Misuse, choose
from betavae.metrics.base import Draw, Metric
from betavae.metrics.field.draws import TEST
from betavae.metrics.field.table import Table, metric
from betavae.metrics.fits.boosting import boosted
from betavae.types import Scores

if TYPE_CHECKING:
    from betavae.types import Array

SIZES = (10, 100, 1000, 10_000)
FOLDS, STRENGTHS = 5, 10
EFFICIENT = (100, 10_000)
"""Statistical efficiency is the accuracy from the first of these over that from the second, where both are asked."""


def downstream(
    *, train: Sequence[int] = SIZES, test_images: int = TEST, model: Literal["logistic", "gbt"] = "logistic"
) -> Metric:
    """The test accuracy of a classifier of each factor, fitted on a few images' codes.

    ``model`` "logistic": logistic regression, its strength of 10 chosen by 5 folds; "gbt": gradient-boosted trees.
    Keys: for each number of images ``accuracy.<n>``, the mean over factors, the largest n first, and ``worst.<n>``, the
    least of them; "efficiency", the accuracy of 100 over that of 10,000. A factor of as many values as images, or more,
    cannot be learnt from them and is left out of both; where none is left there is no score for that n. Raises Misuse
    where there is none at all.
    """
    predict = choose({"logistic": _logistic, "gbt": _gbt}, model, "model")
    sizes = sorted(set(train), reverse=True)
    if not sizes:
        raise Misuse("train is empty; wanted numbers of images to fit on")

    def judge(table: Table, generator: torch.Generator) -> Scores:
        x, held = table.x[:, table.active], slice(table.fitted, None)
        found: Scores = {}
        each: dict[int, dict[int, float]] = {}
        for n in (size for size in sizes if size <= table.fitted):
            each[n] = {}
            for k, (v, size) in enumerate(zip(table.v.T, table.sizes, strict=True)):
                if size < n:
                    said = predict(x[:n], v[:n], x[held]) if x.size else np.bincount(v[:n]).argmax()
                    each[n][k] = float((said == v[held]).mean())
            if right := list(each[n].values()):
                found |= {f"accuracy.{n}": float(np.mean(right)), f"worst.{n}": min(right)}
        if not found:
            raise Misuse(f"{sizes[0]:,} images or fewer cannot tell any factor here; every one has as many values")
        few, many = (each.get(n, {}) for n in EFFICIENT)
        if whole := sum(many[k] for k in few if k in many):  # of the factors that both have
            found["efficiency"] = sum(few[k] for k in few if k in many) / whole
        return found

    def fits(draw: Draw, dataset: Dataset) -> None:
        left = draw.fitted or len(draw.index)
        if sizes[-1] > left:
            raise Misuse(
                f"train is {list(sizes[::-1])}, and of {len(draw.index):,} images {left:,} are left to fit on; give "
                "smaller numbers, or fewer test_images"
            )

    seconds = sum(sizes) * (0.03 if model == "logistic" else 6e-3)
    return metric(
        "downstream", judge, sizes[0], test_images, check=fits, floor=False, seconds=seconds, cites=("locatello2020",)
    )


def _logistic(x: Array, v: Array, test: Array) -> Array:
    from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
    from sklearn.model_selection import KFold

    if len(np.unique(v)) == 1:
        return np.full(len(test), v[0])
    folds = list(KFold(FOLDS).split(x)) if len(x) >= FOLDS else []
    model: Any = LogisticRegression()
    if folds and all(len(np.unique(v[fit])) > 1 for fit, _ in folds):
        model = LogisticRegressionCV(Cs=STRENGTHS, cv=folds, use_legacy_attributes=False, scoring="accuracy")
    with warnings.catch_warnings(), threadpool_limits(1, user_api="blas"):
        warnings.simplefilter("ignore")  # of fits that end early, and of folds that lack a class: the original's too
        return np.asarray(model.fit(x, v).predict(test))


def _gbt(x: Array, v: Array, test: Array) -> Array:
    return boosted(x, v, test)[1]

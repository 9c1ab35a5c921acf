"""DCI (Eastwood & Williams 2018): disentanglement and completeness of what a regressor finds important, and how well it
does. The numbers hang on the regressor more than on the code, so its name is in the name of the result.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from betavae import rng
from betavae.errors import choose
from betavae.metrics.base import Metric
from betavae.metrics.costs import DCI
from betavae.metrics.field.draws import FIT, TEST
from betavae.metrics.field.table import Table, metric
from betavae.metrics.fits.boosting import boosted
from betavae.metrics.fits.lasso import lasso
from betavae.types import Scores

if TYPE_CHECKING:
    from betavae.types import Array

    Fit = tuple[Array, Array]  # the importances of one factor [Z], and what is predicted for the test rows

TREES = 100
SHRINK = 0.02
"""α of the lasso, on standardised codes and a standardised factor."""


def dci(
    *,
    images: int = FIT,
    test_images: int = TEST,
    model: Literal["gbt", "lasso", "l1", "forest", "forest_entropy", "forest_regressor"] = "gbt",
) -> Metric:
    """DCI with the importances of ``model``, fitted to each factor.

    "gbt": gradient-boosted trees (disentanglement_lib's). "lasso": absolute coefficients of a lasso, α .02. "l1": mean
    absolute coefficients of an L1 logistic regression, C .1. "forest": a random forest of 100 trees. "forest_entropy":
    the same by entropy and 10 deep, on standardised codes. "forest_regressor": the same of regression trees. In forests
    constant codes count among those a node chooses from, as in the originals. Keys:
    "disentanglement", "completeness", in [0, 1]; "informativeness", the test accuracy of a classifier, R² of a
    regressor, in the mean over factors.
    """
    fit, seconds, numeric = choose(MODELS, model, "model")

    def judge(table: Table, generator: torch.Generator) -> Scores:
        n, seed = table.fitted, rng.spawn_seed(generator)
        found = np.zeros((table.x.shape[1], len(table.names)))
        right = []
        for k, v in enumerate((table.values if numeric else table.v).T):
            if table.active.any():
                found[:, k], said = fit(table, v[:n], seed)
            else:
                said = np.full(len(v) - n, v[:n].mean() if numeric else np.bincount(v[:n]).argmax())
            right.append(_explained(v[n:], said) if numeric else float((said == v[n:]).mean()))
        return {
            "disentanglement": disentanglement(found),
            "completeness": completeness(found),
            "informativeness": float(np.mean(right)),
        }

    return metric(
        f"dci_{model}", judge, images, test_images, floor=False, seconds=seconds * images, cites=("eastwood2018",)
    )


def disentanglement(importance: Array) -> float:
    """One minus the entropy of each code's importances over the factors, weighted by the code's share of all:
    ``[Z, K]`` to [0, 1]; 0 where nothing is important.
    """
    return _weighted(importance)


def completeness(importance: Array) -> float:
    """The same of each factor's importances over the codes: 0 where nothing is important, 1 of a single code."""
    return _weighted(importance.T)


def each(importance: Array) -> Array:
    """One minus the entropy of each row over the logarithm of its length; 0 of a row of zeros, 1 of one column."""
    whole = importance.sum(1, keepdims=True)
    share = importance / np.where(whole > 0, whole, 1.0)
    entropy = -(share * np.log(np.where(share > 0, share, 1.0))).sum(1)
    width = importance.shape[1]
    return np.where(whole[:, 0] > 0, 1 - entropy / (math.log(width) if width > 1 else 1.0), 0.0)


def _weighted(importance: Array) -> float:
    whole = importance.sum()
    return float((each(importance) * importance.sum(1)).sum() / whole) if whole > 0 else 0.0


def _explained(truth: Array, said: Array) -> float:
    """R²; 0 of a truth that does not vary."""
    whole = float(((truth - truth.mean()) ** 2).sum())
    return 1 - float(((truth - said) ** 2).sum()) / whole if whole > 0 else 0.0


def _gbt(table: Table, v: Array, seed: int) -> Fit:
    found, said = boosted(table.x[: table.fitted, table.active], v, table.x[table.fitted :, table.active])
    return _placed(table, found), said


def _forest(table: Table, v: Array, seed: int) -> Fit:
    from sklearn.ensemble import RandomForestClassifier

    return _grown(RandomForestClassifier(TREES, random_state=seed), table, v)


def _forest_entropy(table: Table, v: Array, seed: int) -> Fit:
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(TREES, criterion="entropy", max_depth=10, random_state=seed)
    return _grown(model, replace(table, x=table.scaled), v)


def _forest_regressor(table: Table, v: Array, seed: int) -> Fit:
    from sklearn.ensemble import RandomForestRegressor

    return _grown(RandomForestRegressor(TREES, random_state=seed), table, v)


def _grown(model: Any, table: Table, v: Array) -> Fit:
    x = np.where(table.active, table.x, 0.0)  # constant codes stay: a forest looks at √Z of them at every node
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The number of unique classes")  # hardly learnt is hardly learnt: score it
        model.fit(x[: table.fitted], v)
    return model.feature_importances_, model.predict(x[table.fitted :])


def _lasso(table: Table, v: Array, seed: int) -> Fit:
    x, mean, spread = table.scaled[:, table.active], v.mean(), v.std() or 1.0
    found = lasso(x[: table.fitted], ((v - mean) / spread)[:, None], SHRINK)[:, 0]
    return _placed(table, np.abs(found)), x[table.fitted :] @ found * spread + mean


def _l1(table: Table, v: Array, seed: int) -> Fit:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    x = table.scaled[:, table.active]
    if (v == v[0]).all():  # a value that only images to test on have
        return np.zeros(table.x.shape[1]), np.full(len(x) - table.fitted, v[0])
    model = LogisticRegression(l1_ratio=1.0, C=0.1, solver="saga", max_iter=200, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "The number of unique classes")
        model.fit(x[: table.fitted], v)
    return _placed(table, np.abs(model.coef_).mean(0)), model.predict(x[table.fitted :])


def _placed(table: Table, importance: Array) -> Array:
    """Importances of the codes that move among those of all codes."""
    found = np.zeros(table.x.shape[1])
    found[table.active] = importance
    return found


MODELS: dict[str, tuple[Callable[[Table, Array, int], Fit], float, bool]] = {
    "gbt": (_gbt, DCI["gbt"], False),
    "lasso": (_lasso, DCI["lasso"], True),
    "l1": (_l1, DCI["l1"], False),
    "forest": (_forest, DCI["forest"], False),
    "forest_entropy": (_forest_entropy, DCI["forest_entropy"], False),
    "forest_regressor": (_forest_regressor, DCI["forest_regressor"], True),
}
"""What fits importances, by name; its seconds per image; whether it takes factors as numbers."""

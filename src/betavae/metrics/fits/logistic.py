"""The logistic regression of the field's metrics."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from betavae.types import Array


class Alone:
    """The classifier of rows that are all of one class: it says that class."""

    def __init__(self, value: Any) -> None:
        self.classes_ = np.array([value])

    def predict(self, x: Array) -> Array:
        return np.repeat(self.classes_, len(x))

    def predict_proba(self, x: Array) -> Array:
        return np.ones((len(x), 1))


def regression(x: Array, v: Array, **settings: Any) -> Any:
    """scikit-learn's multinomial logistic regression of classes ``v [n]`` on codes ``x [n, Z]``, 100 iterations at
    most, whether or not they are enough: the originals'. Of one class alone there is nothing to fit.
    """
    if (v == v[0]).all():
        return Alone(v[0])
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings(), threadpool_limits(1, user_api="blas"):
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "The number of unique classes")  # hardly learnt is hardly learnt: score it
        return LogisticRegression(max_iter=100, **settings).fit(x, v)

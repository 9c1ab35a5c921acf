"""MED (Cao et al. 2022): disentanglement and completeness of shares of mutual information, without a regressor."""

from __future__ import annotations

import numpy as np
import torch

from betavae.metrics.base import Metric
from betavae.metrics.field.dci import completeness, disentanglement, each
from betavae.metrics.field.draws import FIT, TEST
from betavae.metrics.field.explicitness import fitted
from betavae.metrics.field.information import information
from betavae.metrics.field.table import Table, metric
from betavae.types import Scores


def med(*, images: int = FIT, test_images: int = TEST, bins: int = 20, top: int | None = None) -> Metric:
    """The mutual-information based entropy disentanglement: DCI's D and C of each code's share of what all codes know
    of a factor, for codes by the thousand.

    ``top``: only that many codes are kept for each factor that is their best, those of highest D, their shares as they
    were. Keys: "disentanglement", "completeness", and "informativeness", the test accuracy of a logistic regression on
    all codes, standardised, in the mean over factors.
    """

    def judge(table: Table, generator: torch.Generator) -> Scores:
        n = table.fitted
        fit = Table(table.x[:n], table.v[:n], table.values[:n], table.names, table.single, table.sizes, n, table.active)
        share = _shares(information(fit, bins).mutual)
        if top is not None:
            best, order = share.argmax(1), np.argsort(-each(share), kind="stable")
            kept = np.concatenate([order[best[order] == k][:top] for k in range(len(table.names))])
            share = share[np.sort(kept)]
        right = [_accuracy(table, k) for k in range(len(table.names))]
        return {
            "disentanglement": disentanglement(share),
            "completeness": completeness(share),
            "informativeness": float(np.mean(right)),
        }

    return metric("med", judge, images, test_images, floor=False, seconds=1.5e-4 * images, cites=("cao2022",))


def _shares(matrix: np.ndarray) -> np.ndarray:
    whole = matrix.sum(0)
    return np.asarray(matrix / np.where(whole > 0, whole, 1.0))


def _accuracy(table: Table, k: int) -> float:
    """The test accuracy of factor ``k``; of the commonest value where no code moves."""
    n, v = table.fitted, table.v[:, k]
    if not table.active.any():
        return float((v[n:] == np.bincount(v[:n]).argmax()).mean())
    return float((fitted(table, k).predict(table.scaled[n:, table.active]) == v[n:]).mean())

"""InfoMEC (Hsu et al. 2023): modularity, compactness and explicitness in shares of information."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.special import digamma

from betavae import rng
from betavae.metrics.base import Metric
from betavae.metrics.field.draws import FIT
from betavae.metrics.field.information import entropy
from betavae.metrics.field.table import Table, metric
from betavae.metrics.fits.logistic import regression
from betavae.types import Scores

if TYPE_CHECKING:
    from betavae.types import Array

NEIGHBOURS = 10
PRUNED = 20
"""A continuous code is pruned whose range is at most the largest range over this number."""
JITTER = 1e-10
"""Noise that parts equal values, in standard deviations of the code: scikit-learn's."""


def infomec(*, images: int = FIT) -> Metric:
    """InfoM, InfoC and InfoE: how much of what a code knows is of one factor; how much of what is known of a factor is
    in one code; how much a logistic regression tells of a factor, on the images it is fitted on.

    Information is over the factor's entropy: of whole-numbered codes by counting, of others by 10 nearest neighbours.
    Codes whose range is at most a twentieth of the largest are pruned, as in the original: one that moves a little may
    carry a factor all the same. Keys: "modularity", "compactness", "explicitness", at most 1, each scaled so that even
    shares give 0; "active", the codes that are left. Noise scores about .6 and .4 on the first two. Raises Misuse where
    fewer than two factors vary.
    """

    def judge(table: Table, generator: torch.Generator) -> Scores:
        table.several("infomec")
        whole = bool((table.x == np.rint(table.x)).all())
        ranges = np.ptp(table.x, axis=0)
        kept = np.flatnonzero(table.active & ((ranges > ranges.max() / PRUNED) | whole))
        if not len(kept):
            return {"modularity": 0.0, "compactness": 0.0, "explicitness": 0.0, "active": 0.0}
        x = table.x[:, kept]
        draws = np.random.default_rng(rng.spawn_seed(generator))
        known = np.array([_known(column, table.v, whole, draws) for column in x.T])
        return {
            "modularity": _concentration(known),
            "compactness": _concentration(known.T),
            "explicitness": _explicitness(table, kept, whole),
            "active": float(len(kept)),
        }

    return metric("infomec", judge, images, floor=False, seconds=3e-4 * images, cites=("hsu2023", "ross2014"))


def _concentration(known: Array) -> float:
    """The mean over rows of the largest share, scaled so that even shares give 0 and one alone 1; a row without
    information counts as even. Of one column there is nothing to share: 1.
    """
    width = known.shape[1]
    if width == 1:
        return 1.0
    whole = known.sum(1)
    share = np.where(whole > 0, known.max(1) / np.where(whole > 0, whole, 1.0), 1 / width)
    return float((share.mean() - 1 / width) / (1 - 1 / width))


def _known(column: Array, v: Array, whole: bool, draws: np.random.Generator) -> list[float]:
    """What a code tells of every factor, over the factor's entropy."""
    entropies = [entropy(np.bincount(classes)) for classes in v.T]
    if whole:
        _, column = np.unique(column, return_inverse=True)
        mine = entropy(np.bincount(column))
        joint = [entropy(np.bincount(column * (classes.max() + 1) + classes)) for classes in v.T]
        return [max(0.0, mine + h - both) / h for h, both in zip(entropies, joint, strict=True)]
    column = (column - column.mean()) / column.std()
    column = column + JITTER * max(1.0, float(np.abs(column).mean())) * draws.standard_normal(len(column))
    return [neighbours(column, classes) / h for h, classes in zip(entropies, v.T, strict=True)]


def neighbours(column: Array, classes: Array, k: int = NEIGHBOURS) -> float:
    """The mutual information in nats of a real number and a class, by Ross's estimator (2014) of k nearest neighbours.

    In one dimension the k nearest of a sorted value are k of a row of k + 1 that it is in: no tree is needed.
    """
    radius, near, counts, used = (np.zeros(len(column)) for _ in range(4))
    for value in np.unique(classes):
        mine = np.flatnonzero(classes == value)
        if len(mine) < 2:
            continue
        used[mine], counts[mine] = 1, len(mine)
        near[mine] = least = min(k, len(mine) - 1)
        order = mine[np.argsort(column[mine], kind="stable")]
        ranked = column[order]
        reach = np.full(len(order), np.inf)
        for before in range(least + 1):
            spans = np.arange(before, len(order) - (least - before))
            span = np.maximum(ranked[spans] - ranked[spans - before], ranked[spans + (least - before)] - ranked[spans])
            reach[spans] = np.minimum(reach[spans], span)
        radius[order] = np.nextafter(reach, 0)
    kept = used > 0
    if not kept.any():
        return 0.0
    within = _within(column[kept], radius[kept])
    found = digamma(kept.sum()) + (digamma(near[kept]) - digamma(counts[kept]) - digamma(within)).mean()
    return max(0.0, float(found))


def _within(column: Array, radius: Array) -> Array:
    """How many values lie within each value's radius, itself among them, by the distances as they are rounded."""
    ranked = np.concatenate([[-np.inf], np.sort(column), [np.inf]])
    low = np.searchsorted(ranked, column - radius, "left")
    high = np.searchsorted(ranked, column + radius, "right")  # one past the last
    for _ in range(2):  # the sums above are rounded too, so that a neighbour at the very edge may be on either side
        low += column - ranked[low] > radius
        low -= column - ranked[low - 1] <= radius
        high -= ranked[high - 1] - column > radius
        high += ranked[high] - column <= radius
    return high - low


def _explicitness(table: Table, kept: Array, whole: bool) -> float:
    """One minus the cross-entropy of a balanced logistic regression over that of one that sees nothing."""
    if whole:
        x = np.concatenate([(table.x[:, [j]] == np.unique(table.x[:, j])).astype(np.float64) for j in kept], 1)
    else:
        x = table.scaled[:, table.active]
    shares = []
    for v in table.v.T:
        values, classes = np.unique(v, return_inverse=True)
        model = regression(x, classes, C=np.inf, class_weight="balanced")
        told = model.predict_proba(x)[np.arange(len(classes)), classes]
        blind = np.log(len(values))  # balanced classes without features: every one as likely
        shares.append(1 + float(np.log(np.maximum(told, np.finfo(float).eps)).mean()) / blind)
    return float(np.mean(shares))

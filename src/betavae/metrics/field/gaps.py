"""Scores of the matrix of mutual information: MIG, MIG-sup, JEMMIG, DCIMIG and modularity."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import torch

from betavae.metrics.base import Metric
from betavae.metrics.field.information import gaps, information
from betavae.metrics.field.table import Table, metric
from betavae.types import Scores

RESIDUE = 1e-24
"""Squares of nats below this are what rounding leaves of nothing."""


def mig(
    *,
    images: int | None = None,
    bins: int = 20,
    binning: Literal["width", "frequency"] = "width",
    norm: Literal["factor", "code"] = "factor",
) -> Metric:
    """The mutual information gap (Chen et al. 2018): by how much a factor's best code knows more of it than the next
    does, over the factor's entropy, in the mean over factors; in [0, 1].

    Codes are cut into ``bins`` of equal width over their range, or of equal frequency. ``norm`` "code" divides by the
    entropy of each code, as Carbonneau's survey code does. Keys: "mig", "gap.<factor>".
    """

    def judge(table: Table, generator: torch.Generator) -> Scores:
        found = information(table, bins, binning)
        over = found.factors if norm == "factor" else np.where(found.codes > 0, found.codes, 1.0)[:, None]
        each = gaps(found.mutual / over)
        return {"mig": float(each.mean()), **{f"gap.{n}": float(g) for n, g in zip(table.names, each, strict=True)}}

    return metric("mig", judge, images, cites=("chen2018",))


def mig_sup(*, images: int | None = None, bins: int = 20, norm: Literal["factor", "code"] = "factor") -> Metric:
    """MIG turned round (Li et al. 2020): by how much a code knows more of its best factor than of the next, each over
    the factor's entropy, in the mean over the codes that move; in [0, 1].

    ``norm`` "code" divides by the code's entropy instead, as Carbonneau's survey code does. Keys: "mig_sup", and "all",
    the mean over all codes, constant ones counting 0. Raises Misuse where fewer than two factors vary.
    """

    def judge(table: Table, generator: torch.Generator) -> Scores:
        found = information(table.several("mig_sup"), bins)
        over = found.factors if norm == "factor" else np.where(found.codes > 0, found.codes, 1.0)[:, None]
        each = gaps((found.mutual / over).T)
        return {"mig_sup": _mean(each[table.active]), "all": float(each.mean())}

    return metric("mig_sup", judge, images, cites=("li2020",))


def jemmig(*, images: int | None = None, bins: int = 20) -> Metric:
    """The joint entropy minus the mutual information gap (Do & Tran 2020), of mean codes in bins of equal width.

    Keys: "jemmig", one minus it over H(factor) + ln(bins), in [0, 1], high is best; "raw", in nats, low is best. A code
    that says nothing does not score 0; and where two codes tie for the best, the choice moves ``raw``.
    """

    def judge(table: Table, generator: torch.Generator) -> Scores:
        found = information(table, bins)
        best = found.mutual.argmax(0)
        raw = found.joint[best, np.arange(len(best))] - gaps(found.mutual)
        return {"jemmig": float(1 - (raw / (found.factors + math.log(bins))).mean()), "raw": float(raw.mean())}

    return metric("jemmig", judge, images, cites=("do2020",))


def dcimig(*, images: int | None = None, bins: int = 20) -> Metric:
    """The three-characteristics score 3CharM (Sepliarskaia et al. 2019): each code gives its gap to its best factor,
    each factor keeps its largest; their sum over the sum of the factors' entropies, in [0, 1]. Key: "dcimig".
    """

    def judge(table: Table, generator: torch.Generator) -> Scores:
        found = information(table, bins)
        each, best = gaps(found.mutual.T), found.mutual.argmax(1)
        kept = [float(each[best == k].max(initial=0.0)) for k in range(len(table.names))]
        return {"dcimig": sum(kept) / float(found.factors.sum())}

    return metric("dcimig", judge, images, cites=("sepliarskaia2019",))


def modularity(*, images: int | None = None, bins: int = 20) -> Metric:
    """Modularity (Ridgeway & Mozer 2018): one minus what a code knows of other factors than its best, squared and over
    the square of the best, in the mean over the codes that move; in [0, 1], and noise scores about .67.

    Keys: "modularity", and "all", the mean over all codes, constant ones counting 0, as in disentanglement_lib. Raises
    Misuse where fewer than two factors vary.
    """

    def judge(table: Table, generator: torch.Generator) -> Scores:
        squares = information(table.several("modularity"), bins).mutual ** 2
        squares[squares < RESIDUE] = 0.0
        most = squares.max(1)
        other = (squares.sum(1) - most) / (np.where(most > 0, most, 1.0) * (len(table.names) - 1))
        each = np.where(most > 0, 1 - other, 0.0)
        return {"modularity": _mean(each[table.active]), "all": float(each.mean())}

    return metric("modularity", judge, images, cites=("ridgeway2018",))


def _mean(each: np.ndarray) -> float:
    return float(each.mean()) if len(each) else 0.0

"""IRS (Suter et al. 2019): how still a code stands while factors other than its own move."""

from __future__ import annotations

import numpy as np
import torch

from betavae.errors import Misuse, shown
from betavae.metrics.base import Metric
from betavae.metrics.field.information import BINNING
from betavae.metrics.field.table import Table, metric
from betavae.types import Scores


def irs(*, images: int | None = None, quantile: float = 0.99, bins: int = 20) -> Metric:
    """The interventional robustness score: one minus how far a code strays from its mean while its best factor stands
    still, over how far it strays at all; at most 1 (below 0 where parts stray farther from their own means than all do
    from theirs), and noise scores about .36.

    Strays are taken at ``quantile`` (the paper: 1), in the mean over the factor's values, which are cut into ``bins``
    of equal width (as many bins as values merge none). Keys: "irs", the mean over codes weighted by how far each
    strays, and "all", over all codes alike, constant ones counting 0.
    """
    if not 0 < quantile <= 1:
        raise Misuse(f"quantile is {shown(quantile)}; wanted a number above 0, up to 1")

    def judge(table: Table, generator: torch.Generator) -> Scores:
        x = table.x[:, table.active]
        if not x.shape[1]:
            return {"irs": 0.0, "all": 0.0}
        whole = np.abs(x - x.mean(0)).max(0)
        strays = np.empty((x.shape[1], len(table.names)))
        for k, v in enumerate(table.v.T):
            group = BINNING["width"](v.astype(np.float64), bins)
            order = np.argsort(group, kind="stable")
            parts = np.split(x[order], np.flatnonzero(np.diff(group[order])) + 1)
            each = [np.quantile(np.abs(part - part.mean(0)), quantile, axis=0) for part in parts]
            strays[:, k] = np.mean(each, axis=0)
        best = (1 - strays / whole[:, None]).max(1)
        return {"irs": float(np.average(best, weights=whole)), "all": float(best.sum() / table.x.shape[1])}

    return metric("irs", judge, images, seconds=0.1, cites=("suter2019",))

"""What a study keeps of every cell for the eye and for comparing cells: the matrix of information, and a few codes."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch

from betavae.errors import Misuse
from betavae.metrics.base import Answer, Draw, Metric, Probe, Subject
from betavae.metrics.field.information import Information, information
from betavae.metrics.field.table import Table, metric, table
from betavae.metrics.losses import subset
from betavae.objectives.base import kl_nats
from betavae.types import Json, Scores


def matrix(*, images: int | None = None, bins: int = 20) -> Metric:
    """The mutual information of every code with every factor, over the factor's entropy: array "matrix" ``[Z, K]``.

    Key: "matrix", how much the best single code knows of a factor, in the mean over factors, in [0, 1]. Notes: "rows"
    and "columns", the names of codes and factors.
    """

    def judge(table: Table, generator: torch.Generator) -> Scores:
        return {"matrix": float(_share(information(table, bins)).max(0).mean())}

    made = metric("matrix", judge, images, cites=("chen2018",))

    def beside(generator: torch.Generator, draw: Draw, codes: torch.Tensor) -> Answer:
        assert made.beside is not None
        seen, plain = table(draw, codes), made.beside(generator, draw, codes)
        notes: dict[str, Json] = {"rows": [f"code {j}" for j in range(seen.x.shape[1])], "columns": list(seen.names)}
        return Answer({}, {"matrix": _share(information(seen, bins)).astype(np.float32)}, {**plain.notes, **notes})

    return made._replace(beside=beside)


def _share(found: Information) -> np.ndarray:
    return np.asarray(found.mutual / found.factors)


def udr(*, images: int = 1000, kind: Literal["lasso", "spearman"] = "lasso") -> Probe:
    """What the unsupervised disentanglement ranking needs of one cell; a report compares the cells of one setting.

    Arrays: "codes" ``[images, Z]``, the mean codes of the same images for every cell asked with the same seed, and "kl"
    ``[Z]``, their mean KL in nats per image. Raises Misuse where there is no posterior.
    """

    def measure(generator: torch.Generator, subject: Subject) -> Answer:
        if subject.codec.posterior is None:
            raise Misuse("udr needs a VAE: this representation has no posterior")
        codes, kl = [], []
        for part in subset(generator, subject.dataset, "train", images).split(256):
            posterior = subject.codec.posterior(subject.dataset.render(part))
            codes.append(posterior.mean.detach().cpu())
            kl.append(kl_nats(posterior).detach().cpu())
        arrays = {"codes": torch.cat(codes).numpy(), "kl": torch.cat(kl).double().mean(0).numpy()}
        return Answer({"active": float((arrays["kl"] > 0.01).sum())}, arrays, {"kind": kind})

    return Probe(measure, looks=images, cites=("duan2020",), shared=True)

"""Scores of codes without labels: Gaussian total correlation, Gaussian Wasserstein distance, mutual information."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch

from betavae.errors import Misuse
from betavae.metrics.base import Answer, Draw, Metric, Probe, Reads, Subject
from betavae.metrics.field.draws import drawn
from betavae.metrics.field.information import between
from betavae.metrics.field.table import Table, looking, metric, table
from betavae.types import Scores

if TYPE_CHECKING:
    pass

SINGULAR = 1e-12
"""A correlation matrix with an eigenvalue below this is singular to working precision."""
BATCH = 256


def gaussian_tc(*, images: int | None = None, sampled: bool = False) -> Metric | Probe:
    """The total correlation of a Gaussian of the codes' covariance, in nats: 0 of uncorrelated codes.

    Of the mean codes, or of one sample from each posterior. Constant codes are left out. Key: "gaussian_tc". Raises
    Misuse where the covariance is singular: it is infinite there.
    """

    def judge(table: Table) -> Scores:
        x = table.x[:, table.active]
        if x.shape[1] < 2:
            return {"gaussian_tc": 0.0}
        values = np.linalg.eigvalsh(np.corrcoef(x.T))
        if values[0] < SINGULAR:
            rank = int((values >= SINGULAR).sum())
            raise Misuse(
                f"singular: {x.shape[1]} codes move in {rank} directions, so their total correlation is infinite"
            )
        return {"gaussian_tc": float(-0.5 * np.log(values).sum())}

    return _asked("gaussian_tc", judge, images, sampled, "nats", ("locatello2020",))


def wasserstein(*, images: int | None = None, sampled: bool = False) -> Metric | Probe:
    """The squared Wasserstein distance between Gaussians of the codes' covariance and of its diagonal: 0 where no
    two codes are correlated; in squared units of the codes.

    Keys: "wasserstein", and "normalised", over the trace of the covariance.
    """

    def judge(table: Table) -> Scores:
        covariance = np.atleast_2d(np.cov(table.x.T))
        sds = np.sqrt(covariance.diagonal())
        # tr (Σ^½ D Σ^½)^½ is tr (D^½ Σ D^½)^½: one symmetric eigenvalue problem
        values = np.linalg.eigvalsh(covariance * np.outer(sds, sds))
        whole = float(covariance.trace())
        found = max(0.0, 2 * whole - 2 * float(np.sqrt(np.maximum(values, 0)).sum()))
        return {"wasserstein": found, "normalised": found / whole if whole > 0 else 0.0}

    return _asked("wasserstein", judge, images, sampled, "", ("locatello2020",))


def mutual_information(*, images: int | None = None, sampled: bool = False, bins: int = 20) -> Metric | Probe:
    """The mean mutual information of two codes in nats, in ``bins`` of equal width.

    Keys: "mutual_information", over the pairs of codes that move, and "all", over all pairs, as disentanglement_lib has
    it.
    """

    def judge(table: Table) -> Scores:
        found = between(table, bins)
        off = float(found.sum() - found.trace())
        moving, all_codes = int(table.active.sum()), len(found)
        return {
            "mutual_information": off / (moving * (moving - 1)) if moving > 1 else 0.0,
            "all": off / (all_codes * (all_codes - 1)) if all_codes > 1 else 0.0,
        }

    return _asked("mutual_information", judge, images, sampled, "nats", ("locatello2020",))


def _asked(
    name: str, judge: Callable[[Table], Scores], images: int | None, sampled: bool, unit: str, cites: tuple[str, ...]
) -> Metric | Probe:
    reads = Reads(unit, higher=False)
    if not sampled:
        return metric(
            name, lambda table, generator: judge(table), images, labelled=False, floor=False, reads=reads, cites=cites
        )

    def measure(generator: torch.Generator, subject: Subject) -> Answer:
        if subject.codec.posterior is None:
            raise Misuse("sampled codes need a posterior, and this representation has none; ask for mean codes")
        draw = drawn(generator.initial_seed(), subject.dataset, images, 0, labelled=False)
        found = table(draw, _samples(generator, subject, draw))
        return Answer(judge(found), notes={"images": len(found.x), "active": int(found.active.sum())})

    return Probe(measure, reads, looking(images, 0), cites=cites)


def _samples(generator: torch.Generator, subject: Subject, draw: Draw) -> torch.Tensor:
    parts = []
    assert subject.codec.posterior is not None
    for index in draw.index.split(BATCH):
        posterior = subject.codec.posterior(subject.dataset.render(index))
        noise = torch.randn(posterior.mean.shape, generator=generator).to(posterior.mean)
        parts.append(posterior.sample(noise).detach().cpu())
    return torch.cat(parts)

"""Ada-GVAE and Ada-ML-VAE: pairs of images that share most of their factors share most of their codes (Locatello et al.
2020).

In each pair the latents whose posteriors are nearer to each other than half-way between the nearest and the farthest
are taken to be shared: both images get the average of their posteriors there, are sampled from it and decoded. Which
factors a pair shares is not told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from betavae.errors import Misuse
from betavae.models.base import Posterior
from betavae.objectives.base import Knob, Knobs, Objective, Pass, Terms

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from betavae.factors import Factors
    from betavae.types import Params

KNOBS = {
    "beta": Knob(4.0),
    "changed": Knob(1, low=0),
    "values": Knob("new", among=("new", "published")),
    "distance": Knob("kl", among=("kl", "symmetric")),
}
"""``changed`` factors of a pair differ (0: for each pair a number drawn from 1 to one less than there are). ``values``
"new" never gives a factor the value it had; "published" may, and changes 1 or ``changed`` factors, as
disentanglement_lib. ``distance`` of two posteriors: KL(q₁ ‖ q₂), or the mean of both ways.
"""


def partners(generator: torch.Generator, factors: Factors, index: Tensor, knobs: Knobs) -> Tensor:
    """For each image one that differs in ``changed`` of its factors, ``[n]``. Raises Misuse where there are too few."""
    import torch

    sizes = torch.tensor(factors.sizes)
    most, n, asked = int((sizes > 1).sum()), len(index), int(knobs["changed"])
    if asked > most or most < 2:
        raise Misuse(f"changed is {asked}; the images have {most} factors that vary: wanted 1 to {most}, at least two")
    count = torch.randint(1, most, (n,), generator=generator) if asked == 0 else torch.full((n,), asked)
    if knobs["values"] == "published":
        count = torch.where(torch.rand(n, generator=generator) < 0.5, 1, count)
    # The factors with the smallest of independent numbers, those of one value never among them.
    ranks = (torch.rand(n, len(sizes), generator=generator) + (sizes < 2)).argsort(-1).argsort(-1)
    chosen = ranks < count[:, None]
    values, drawn = factors.values(index), torch.rand(n, len(sizes), generator=generator)
    if knobs["values"] == "published":
        fresh = (drawn * sizes).long()
    else:
        fresh = (values + 1 + (drawn * (sizes - 1)).long()) % sizes
    return factors.index(torch.where(chosen, fresh, values))


def shared(posterior: Posterior, distance: str) -> Tensor:
    """Which latents of each pair are taken to be shared, ``[pairs, Z]``; pairs are rows 2k and 2k + 1."""
    (m1, l1), (m2, l2) = (Posterior(posterior.mean[k::2], posterior.logvar[k::2]) for k in (0, 1))
    squared = (m1 - m2).square()
    far = 0.5 * ((l1 - l2).exp() + squared * (-l2).exp() - 1 + l2 - l1)
    if distance == "symmetric":
        far = 0.5 * (far + 0.5 * ((l2 - l1).exp() + squared * (-l1).exp() - 1 + l1 - l2))
    return far < 0.5 * (far.amin(-1, keepdim=True) + far.amax(-1, keepdim=True))


def gvae(m1: Tensor, l1: Tensor, m2: Tensor, l2: Tensor) -> Posterior:
    """The mean of the means and of the variances (Hosoya 2019)."""
    import torch

    return Posterior(0.5 * (m1 + m2), torch.log(0.5 * (l1.exp() + l2.exp())))


def ml_vae(m1: Tensor, l1: Tensor, m2: Tensor, l2: Tensor) -> Posterior:
    """The mean weighed by the precisions, and the harmonic mean of the variances (Bouchacourt et al. 2018)."""
    import torch

    precision = 0.5 * ((-l1).exp() + (-l2).exp())
    return Posterior(0.5 * (m1 * (-l1).exp() + m2 * (-l2).exp()) / precision, -torch.log(precision))


def _averaged(
    posterior: Posterior, knobs: Knobs, average: Callable[[Tensor, Tensor, Tensor, Tensor], Posterior]
) -> Posterior:
    import torch

    same = shared(posterior, knobs["distance"])
    (m1, l1), (m2, l2) = (Posterior(posterior.mean[k::2], posterior.logvar[k::2]) for k in (0, 1))
    mean, logvar = average(m1, l1, m2, l2)
    both = ((torch.where(same, mean, m), torch.where(same, logvar, v)) for m, v in ((m1, l1), (m2, l2)))
    return Posterior(*(torch.stack(part, 1).flatten(0, 1) for part in zip(*both, strict=True)))


def with_gvae(posterior: Posterior, knobs: Knobs) -> Posterior:
    """The posteriors of pairs, shared latents averaged as the group VAE does."""
    return _averaged(posterior, knobs, gvae)


def with_ml_vae(posterior: Posterior, knobs: Knobs) -> Posterior:
    """The posteriors of pairs, shared latents averaged as the multi-level VAE does."""
    return _averaged(posterior, knobs, ml_vae)


def terms(params: Params, seen: Pass, knobs: Knobs) -> dict[str, Tensor]:
    """How many latents a pair has in common, ``[pairs]``."""
    mean = seen.posterior.mean
    return {"shared": (mean[0::2] == mean[1::2]).sum(-1).to(mean.dtype)}


def penalty(terms: Terms, knobs: Knobs, share: Tensor) -> Tensor:
    """β·KL of the averaged posteriors."""
    weighted: Tensor = knobs["beta"] * terms.kl.sum(-1)
    return weighted


ada_gvae = Objective(
    "ada_gvae", KNOBS, penalty, terms, ("shared",), posterior=with_gvae, partners=partners,
    cites=("locatello2020weakly", "hosoya2019"),
)  # fmt: skip
"""R + β·KL on pairs whose shared posteriors are averaged, mean and variance each (Locatello et al. 2020)."""
ada_ml_vae = Objective(
    "ada_ml_vae", KNOBS, penalty, terms, ("shared",), posterior=with_ml_vae, partners=partners,
    cites=("locatello2020weakly", "bouchacourt2018"),
)  # fmt: skip
"""R + β·KL on pairs whose shared posteriors are multiplied (Bouchacourt et al. 2018; Locatello et al. 2020)."""

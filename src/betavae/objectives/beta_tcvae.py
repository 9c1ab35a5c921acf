"""β-TCVAE: the KL divergence in three parts, of which the total correlation is weighed most (Chen et al. 2018, Eq. 4).

The aggregate posterior q(z) is estimated from the batch: Σ_j w_ij q(z_i | x_j). ``weights`` names the w.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from betavae.errors import Misuse
from betavae.objectives.base import Knob, Knobs, Objective, Pass, Terms

if TYPE_CHECKING:
    from torch import Tensor

    from betavae.types import Params

WEIGHTS = ("plain", "dl", "mws", "mss", "mss_published")
KNOBS = {
    "beta": Knob(4.0),
    "alpha": Knob(1.0),
    "gamma": Knob(1.0),
    "weights": Knob("plain", among=WEIGHTS),
}
"""The weights of total correlation, mutual information and dimension-wise KL, and how q(z) is estimated."""


def log_weights(kind: str, batch: int, size: int) -> list[list[float]]:
    """log w, ``[B, B]``, for a batch of B out of a training set of ``size`` images.

    "plain" is 1/B; "dl" 1, as disentanglement_lib leaves it; "mws" 1/(size·B), minibatch-weighted sampling; "mss"
    1/size for the image itself and (size - 1)/(size·(B - 1)) for each other, minibatch-stratified sampling with the
    others alike. "mss_published" is what the published code and its descendants have: the weights meant for the image
    itself and for one other stand in the first two columns.
    """
    others = max(1, batch - 1)
    if kind == "mss":
        apart = math.log(max(size - 1, 1) / (size * others))
        return [[-math.log(size) if i == j else apart for j in range(batch)] for i in range(batch)]
    if kind == "mss_published":
        one, other, rest = 1 / size, max(size - others, 1) / (size * others), 1 / others
        row = [math.log(w) for w in (one, other, *[rest] * batch)[:batch]]
        return [[math.log(other), *row[1:]] if i == others - 1 else row for i in range(batch)]
    alike = {"plain": -math.log(batch), "dl": 0.0, "mws": -math.log(size * batch)}[kind]
    return [[alike] * batch for _ in range(batch)]


def terms(params: Params, seen: Pass, knobs: Knobs) -> dict[str, Tensor]:
    """Mutual information, total correlation and dimension-wise KL of the batch, each ``[n]`` nats."""
    import torch

    mean, logvar, z = *seen.posterior, seen.codes
    log2pi = math.log(2 * math.pi)
    # log q(z_i | x_j) of each latent, [i, j, Z].
    each = -0.5 * (log2pi + logvar + (z[:, None] - mean).square() * (-logvar).exp())
    own = -0.5 * (log2pi + logvar + (z - mean).square() * (-logvar).exp()).sum(-1)
    prior = -0.5 * (log2pi + z.square()).sum(-1)
    weights = torch.tensor(log_weights(knobs["weights"], len(z), seen.size), dtype=z.dtype, device=z.device)
    joint = (each.sum(-1) + weights).logsumexp(1)
    product = (each + weights[..., None]).logsumexp(1).sum(-1)
    return {"mutual_information": own - joint, "total_correlation": joint - product, "dimension_kl": product - prior}


def penalty(terms: Terms, knobs: Knobs, share: Tensor) -> Tensor:
    """α·MI + β·TC + γ·DW; for "dl" KL + (β - 1)·TC, with the KL divergence in closed form."""
    parts = terms.extra
    if knobs["weights"] == "dl":
        closed: Tensor = terms.kl.sum(-1) + (knobs["beta"] - 1) * parts["total_correlation"]
        return closed
    sampled: Tensor = knobs["alpha"] * parts["mutual_information"] + knobs["beta"] * parts["total_correlation"]
    whole: Tensor = sampled + knobs["gamma"] * parts["dimension_kl"]
    return whole


def check(given: Knobs) -> None:
    """Raises Misuse for α or γ where the KL divergence is not taken apart."""
    if given.get("weights") == "dl" and (wrong := [k for k in ("alpha", "gamma") if k in given]):
        raise Misuse(f"weights = 'dl' has no {' and no '.join(wrong)}: its loss is KL + (beta - 1)·TC; leave them out")


beta_tcvae = Objective(
    "beta_tcvae", KNOBS, penalty, terms, ("mutual_information", "total_correlation", "dimension_kl"),
    check=check, cites=("chen2018",),
)  # fmt: skip
"""R + α·MI + β·TC + γ·dimension-wise KL, estimated from the batch (Chen et al. 2018, Eq. 4)."""

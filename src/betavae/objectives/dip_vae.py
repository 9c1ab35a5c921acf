"""DIP-VAE: the covariance of the codes is drawn to the identity (Kumar et al. 2018, Eq. 6 and 7).

I looks at the covariance of the posterior means, II adds the mean posterior variance to its diagonal: the covariance of
the aggregate posterior.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from betavae.objectives.base import Knob, Knobs, Objective, Pass, Terms

if TYPE_CHECKING:
    from torch import Tensor

    from betavae.types import Params


def apart(covariance: Tensor) -> dict[str, Tensor]:
    """Squared distances from the identity: of all entries off the diagonal, and of the diagonal from 1, each ``[]``."""
    variance = covariance.diagonal()
    return {
        "off_diagonal": (covariance - variance.diag()).square().sum(),
        "diagonal": (variance - 1).square().sum(),
    }


def of_means(seen: Pass) -> Tensor:
    """The covariance of the posterior means over the batch, divided by its size: ``[Z, Z]``."""
    centred = seen.posterior.mean - seen.posterior.mean.mean(0)
    return centred.T @ centred / len(centred)


def terms_i(params: Params, seen: Pass, knobs: Knobs) -> dict[str, Tensor]:
    """Distances of the means' covariance from the identity."""
    return apart(of_means(seen))


def terms_ii(params: Params, seen: Pass, knobs: Knobs) -> dict[str, Tensor]:
    """Distances of the aggregate posterior's covariance from the identity."""
    return apart(of_means(seen) + seen.posterior.logvar.exp().mean(0).diag())


def penalty(terms: Terms, knobs: Knobs, share: Tensor) -> Tensor:
    """KL + λ_od·Σ_{i≠j} C_ij² + λ_d·Σ_i (C_ii - 1)²."""
    off, on = knobs["lambda_od"] * terms.extra["off_diagonal"], knobs["lambda_d"] * terms.extra["diagonal"]
    whole: Tensor = terms.kl.sum(-1) + off + on
    return whole


EXTRA, CITES = ("off_diagonal", "diagonal"), ("kumar2018",)
dip_vae_i = Objective(
    "dip_vae_i", {"lambda_od": Knob(5.0), "lambda_d": Knob(50.0)}, penalty, terms_i, EXTRA, cites=CITES
)
"""R + KL + the distance of the means' covariance from the identity (Kumar et al. 2018, Eq. 6)."""
dip_vae_ii = Objective(
    "dip_vae_ii", {"lambda_od": Knob(5.0), "lambda_d": Knob(5.0)}, penalty, terms_ii, EXTRA, cites=CITES
)
"""R + KL + the distance of the aggregate posterior's covariance from the identity (Kumar et al. 2018, Eq. 7)."""

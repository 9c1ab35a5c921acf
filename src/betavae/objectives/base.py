"""What a VAE minimises: a reconstruction term and a KL term in nats per image, kept apart, joined by β.

The loss is the sum over pixels plus β times the sum over latents, averaged over the batch (Higgins et al. 2016, Eq. 4);
nothing is normalised away, so β is the paper's β.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from betavae.models.base import Model, Posterior
from betavae.models.layers import bernoulli_nats

if TYPE_CHECKING:
    from betavae.types import Params

Knobs = Mapping[str, float | Tensor]
LOG_SIGMA = "likelihood.log_sigma"
MIN_LOG_SIGMA = -6.0  # softly bounds log σ from below, as Rybkin et al. 2020 do; keeps 1/σ² finite


class Terms(NamedTuple):
    """The two terms in nats per image, averaged over the batch: ``reconstruction`` [], ``kl`` per latent ``[Z]``."""

    reconstruction: Tensor
    kl: Tensor


class Objective(NamedTuple):
    """A likelihood and the defaults of its knobs.

    ``nats(params, logits, images, knobs) -> [n]`` is -log p(x | z) per image; ``init`` is what it adds to the
    parameters.
    """

    name: str
    nats: Callable[[Params, Tensor, Tensor, Knobs], Tensor]
    defaults: Mapping[str, float]
    init: Callable[[], Params]


def kl_nats(posterior: Posterior) -> Tensor:
    """KL(q(z | x) || N(0, I)) per latent, in nats: ``[*n, Z]`` (Kingma & Welling 2014, App. B)."""
    mean, logvar = posterior
    return 0.5 * (mean.square() + logvar.exp() - 1.0 - logvar)


def gaussian_nats(pixels: Tensor, images: Tensor, log_sigma: Tensor | float) -> Tensor:
    """-log N(x; x̂, σ²) per image in nats, all constants kept (Eq. 8 of the paper): ``[n]``."""
    error = (pixels - images).square().flatten(1).sum(-1)
    log_sigma = torch.as_tensor(log_sigma, dtype=error.dtype, device=error.device)
    size = images[0].numel()
    return 0.5 * error * torch.exp(-2.0 * log_sigma) + size * (log_sigma + 0.5 * math.log(2.0 * math.pi))


def _bernoulli(params: Params, logits: Tensor, images: Tensor, knobs: Knobs) -> Tensor:
    return bernoulli_nats(logits, images)


def _gaussian(params: Params, logits: Tensor, images: Tensor, knobs: Knobs) -> Tensor:
    sigma = torch.as_tensor(knobs["sigma"], dtype=logits.dtype, device=logits.device)
    return gaussian_nats(torch.sigmoid(logits), images, torch.log(sigma))


def _calibrated(params: Params, logits: Tensor, images: Tensor, knobs: Knobs) -> Tensor:
    return gaussian_nats(torch.sigmoid(logits), images, sigma_of(params).log())


def sigma_of(params: Params) -> Tensor:
    """The σ of a σ-VAE's likelihood, in pixels, from its parameters; softly bounded from below."""
    return torch.exp(MIN_LOG_SIGMA + torch.nn.functional.softplus(params[LOG_SIGMA] - MIN_LOG_SIGMA))


OBJECTIVES: dict[str, Objective] = {
    "beta_vae": Objective("beta_vae", _bernoulli, {"beta": 1.0}, dict),
    "gaussian": Objective("gaussian", _gaussian, {"beta": 1.0, "sigma": 1.0}, dict),
    "sigma_vae": Objective("sigma_vae", _calibrated, {"beta": 1.0}, lambda: {LOG_SIGMA: torch.zeros(())}),
}
"""β-VAE with Bernoulli pixels; a Gaussian of fixed σ (Eq. 7 and 8); a Gaussian whose one σ is learnt (σ-VAE, Eq. 9)."""


def terms(
    objective: Objective, model: Model, params: Params, images: Tensor, noise: Tensor, knobs: Knobs
) -> tuple[Tensor, Tensor]:
    """The terms of every image: reconstruction ``[n]`` and KL ``[n, Z]``, in nats, for one noise sample each."""
    posterior = model.encode(params, images)
    logits = model.decode(params, posterior.sample(noise))
    return objective.nats(params, logits, images, knobs), kl_nats(posterior)


def loss(terms: Terms, knobs: Knobs) -> Tensor:
    """Reconstruction + β·KL, in nats per image."""
    return terms.reconstruction + knobs["beta"] * terms.kl.sum(-1)

"""The likelihoods of pixels given the decoder's logits: Bernoulli, Gaussian of fixed or learnt σ, continuous Bernoulli.

Sums over pixels, in nats per image, with all constants kept.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from betavae.objectives.base import Knob, Knobs, Likelihood

if TYPE_CHECKING:
    from torch import Tensor

    from betavae.types import Params

LOG_SIGMA = "likelihood.log_sigma"
MIN_LOG_SIGMA = -6.0  # softly bounds log σ from below, as Rybkin et al. 2020 do; keeps 1/σ² finite
FACTORS = 32
"""Of which the product stays far above the smallest number of single precision."""
FLAT = 0.1
"""Logits nearer to nought than this take the continuous Bernoulli's series, whose next terms are below 1e-9 there."""


def bernoulli_nats(logits: Tensor, images: Tensor) -> Tensor:
    """-log p(x | z) of Bernoulli pixels given logits, summed over pixels: ``[n]`` nats per image."""
    import torch.nn.functional as F

    return F.binary_cross_entropy_with_logits(logits, images, reduction="none").flatten(1).sum(-1)


def bernoulli_gradients(logits: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
    """Bernoulli nats summed over images, ``[]``, and their gradient with respect to the logits: sigmoid - x.

    log(1 + exp l) is max(l, 0) - log max(s, 1 - s), s the sigmoid; of factors between a half and one so many are
    multiplied before a logarithm is taken.
    """
    s = logits.sigmoid()
    factors = (s - 0.5).abs_().add_(0.5).view(-1)
    if not len(factors) % FACTORS:
        factors = factors.view(FACTORS, -1).prod(0)
    nats = logits.clamp(min=0).sum() - logits.reshape(-1).dot(images.reshape(-1)) - factors.log().sum()
    return nats, s.sub_(images)


def gaussian_nats(pixels: Tensor, images: Tensor, log_sigma: Tensor | float) -> Tensor:
    """-log N(x; x̂, σ²) per image in nats, all constants kept (Eq. 8 of the paper): ``[n]``."""
    import torch

    error = (pixels - images).square().flatten(1).sum(-1)
    log_sigma = torch.as_tensor(log_sigma, dtype=error.dtype, device=error.device)
    size = images[0].numel()
    return 0.5 * error * torch.exp(-2.0 * log_sigma) + size * (log_sigma + 0.5 * math.log(2.0 * math.pi))


def sigma_of(params: Params) -> Tensor:
    """The σ of a calibrated likelihood, in pixels, from its parameters; softly bounded from below."""
    import torch

    return torch.exp(MIN_LOG_SIGMA + torch.nn.functional.softplus(params[LOG_SIGMA] - MIN_LOG_SIGMA))


def continuous_nats(logits: Tensor, images: Tensor) -> Tensor:
    """-log p(x | z) of continuous Bernoulli pixels (Loaiza-Ganem & Cunningham 2019): ``[n]`` nats per image.

    In the logit η the density is exp(ηx) / ∫₀¹ exp(ηt) dt, and the integral is (exp η - 1) / η.
    """
    import torch

    near = logits.abs() < FLAT
    safe = torch.where(near, 1.0, logits)  # else a branch that is not taken has a gradient that is no number
    series = 0.5 * logits + logits.square() / 24 - logits**4 / 2880
    whole = safe.clamp(min=0) + torch.log(-torch.expm1(-safe.abs()) / safe.abs())
    return (torch.where(near, series, whole) - logits * images).flatten(1).sum(-1)


def continuous_mean(logits: Tensor) -> Tensor:
    """The expected pixel of a continuous Bernoulli, 1 / (1 - exp(-η)) - 1/η: nearer to ½ than the sigmoid."""
    import torch

    near = logits.abs() < FLAT
    safe = torch.where(near, 1.0, logits)
    return torch.where(near, 0.5 + logits / 12 - logits**3 / 720, -1 / torch.expm1(-safe) - 1 / safe)


def _bernoulli(params: Params, logits: Tensor, images: Tensor, knobs: Knobs) -> Tensor:
    return bernoulli_nats(logits, images)


def _gaussian(params: Params, logits: Tensor, images: Tensor, knobs: Knobs) -> Tensor:
    import torch

    sigma = torch.as_tensor(knobs["sigma"], dtype=logits.dtype, device=logits.device)
    return gaussian_nats(torch.sigmoid(logits), images, torch.log(sigma))


def _calibrated(params: Params, logits: Tensor, images: Tensor, knobs: Knobs) -> Tensor:
    import torch

    return gaussian_nats(torch.sigmoid(logits), images, sigma_of(params).log())


def _continuous(params: Params, logits: Tensor, images: Tensor, knobs: Knobs) -> Tensor:
    return continuous_nats(logits, images)


def _sigmoid(logits: Tensor) -> Tensor:
    return logits.sigmoid()


def _one_sigma() -> Params:
    import torch

    return {LOG_SIGMA: torch.zeros(())}


bernoulli = Likelihood("bernoulli", _bernoulli, _sigmoid, gradients=bernoulli_gradients)
"""Pixels as probabilities: the cross-entropy of images and sigmoid of the logits."""
gaussian = Likelihood("gaussian", _gaussian, _sigmoid, {"sigma": Knob(1.0, low=1e-9)})
"""Pixels about the sigmoid of the logits with a fixed ``sigma``, in pixels (Eq. 8 of the paper)."""
calibrated = Likelihood("calibrated", _calibrated, _sigmoid, init=_one_sigma, cites=("rybkin2021",))
"""Pixels about the sigmoid of the logits with one learnt σ (Rybkin et al. 2021)."""
continuous_bernoulli = Likelihood("continuous_bernoulli", _continuous, continuous_mean, cites=("loaizaganem2019",))
"""Pixels as numbers in [0, 1] with a density that is normalised there (Loaiza-Ganem & Cunningham 2019)."""

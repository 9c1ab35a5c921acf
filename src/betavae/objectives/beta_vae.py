"""β-VAE: the reconstruction plus β times the KL divergence (Higgins et al. 2016, Eq. 4).

``gaussian`` and ``sigma_vae`` are the same with a Gaussian likelihood of fixed σ (Eq. 7 and 8 of the paper), and with
one whose σ is learnt (Eq. 9; Rybkin et al. 2021).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from betavae.objectives.base import Knob, Knobs, Objective, Terms

if TYPE_CHECKING:
    from torch import Tensor

KNOBS = {"beta": Knob(1.0)}


def penalty(terms: Terms, knobs: Knobs, share: Tensor) -> Tensor:
    """β·KL."""
    weighted: Tensor = knobs["beta"] * terms.kl.sum(-1)
    return weighted


beta_vae = Objective("beta_vae", KNOBS, penalty, coupled=False)
"""R + β·KL with a likelihood of choice, Bernoulli unless said (Higgins et al. 2017, Eq. 4)."""
gaussian = Objective("gaussian", KNOBS, penalty, likelihood="gaussian", coupled=False)
"""R + β·KL with Gaussian pixels of fixed σ (Eq. 7 and 8 of the paper)."""
sigma_vae = Objective("sigma_vae", KNOBS, penalty, likelihood="calibrated", coupled=False)
"""R + β·KL with Gaussian pixels of one learnt σ (Eq. 9 of the paper; Rybkin et al. 2021)."""

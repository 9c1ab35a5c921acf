"""AnnealedVAE: the KL divergence is held at a capacity that grows along training (Burgess et al. 2018, Eq. 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betavae.objectives.base import Knob, Knobs, Objective, Pass, Terms

if TYPE_CHECKING:
    from torch import Tensor

    from betavae.types import Params

KNOBS = {"gamma": Knob(1000.0), "capacity": Knob(25.0), "anneal": Knob(1.0, low=1e-9, high=1.0)}
"""``capacity`` in nats, reached after the share ``anneal`` of training."""


def capacity(knobs: Knobs, share: Tensor) -> Tensor:
    """C_t in nats, from 0 at the first step to ``capacity`` from the share ``anneal`` of training on: ``[]``."""
    reached: Tensor = knobs["capacity"] * (share / knobs["anneal"]).clamp(max=1)
    return reached


def terms(params: Params, seen: Pass, knobs: Knobs) -> dict[str, Tensor]:
    """The capacity of this step."""
    return {"capacity": capacity(knobs, seen.share)}


def penalty(terms: Terms, knobs: Knobs, share: Tensor) -> Tensor:
    """γ·|KL - C_t|, of the KL divergence's mean over the batch."""
    weighted: Tensor = knobs["gamma"] * (terms.kl.sum(-1) - capacity(knobs, share)).abs()
    return weighted


annealed_vae = Objective(
    "annealed_vae", KNOBS, penalty, terms, extra=("capacity",), cites=("higgins2017", "burgess2018")
)
"""R + γ·|KL − C|, C growing linearly to ``capacity`` nats (Burgess et al. 2018, Eq. 8)."""

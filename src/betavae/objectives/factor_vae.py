"""FactorVAE: the total correlation of the codes, told by a critic, is weighed by γ (Kim & Mnih 2018, Eq. 2).

The critic learns to tell codes of a batch from the same codes permuted over the batch, each latent on its own. Codes
meet it twice: with its parameters held, where its logits' difference is the total correlation that the encoder lowers;
and held themselves, where its own loss is made. So one backward pass serves both, and neither gradient leaks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from betavae.models.base import Layer, walk
from betavae.objectives.base import Costs, Group, Knob, Knobs, Objective, Pass, Terms

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from betavae.types import Params

CRITIC = "critic."
HIDDEN, DEPTH = 1000, 6


def layers(codes: int) -> list[Layer]:
    """The critic: six layers of 1,000 units, leaky ReLU of slope 0.2, two logits, the first for unpermuted codes."""
    widths = [codes, *[HIDDEN] * DEPTH]
    hidden = [Layer("linear", f"{CRITIC}{k}", (HIDDEN, widths[k]), "leaky_relu") for k in range(DEPTH)]
    return [*hidden, Layer("linear", f"{CRITIC}{DEPTH}", (2, HIDDEN))]


def init(generator: torch.Generator, codes: int) -> Params:
    """The critic's parameters."""
    from betavae.models.layers import initial

    return initial(generator, walk(layers(codes), (codes,)))


def draws(generator: torch.Generator, batch: int, codes: int) -> dict[str, Tensor]:
    """A permutation of the batch for each latent, ``[batch, Z]``: which image lends it its code."""
    import torch

    return {"lender": torch.rand(batch, codes, generator=generator).argsort(0)}


def terms(params: Params, seen: Pass, knobs: Knobs) -> dict[str, Tensor]:
    """The total correlation that the critic tells, ``[n]`` nats, and the critic's own loss, ``[]``."""
    import torch
    from torch.nn.functional import softplus

    from betavae.models.layers import run

    net, n = layers(seen.codes.shape[1]), len(seen.codes)
    critic = {k: v for k, v in params.items() if k.startswith(CRITIC)}
    told = run({k: v.detach() for k, v in critic.items()}, net, seen.codes)
    held = seen.codes.detach()
    judged = run(critic, net, torch.cat([held, held.gather(0, seen.draws["lender"])]))
    odds = judged[:, 0] - judged[:, 1]
    loss = 0.5 * (softplus(-odds[:n]).mean() + softplus(odds[n:]).mean())
    return {"total_correlation": told[:, 0] - told[:, 1], "critic": loss}


def penalty(terms: Terms, knobs: Knobs, share: Tensor) -> Tensor:
    """KL + γ·TC."""
    whole: Tensor = terms.kl.sum(-1) + knobs["gamma"] * terms.extra["total_correlation"]
    return whole


def costs(codes: int) -> Costs:
    """The critic's parameters, and its passes: forwards and back to the codes; for codes and permuted codes forwards,
    back to the activations and to the weights.
    """
    steps = list(walk(layers(codes), (codes,)))
    return Costs(sum(step.parameters for step in steps), 8 * sum(step.macs for step in steps))


factor_vae = Objective(
    "factor_vae", {"gamma": Knob(30.0)}, penalty, terms, ("total_correlation", "critic"), apart=("critic",), init=init,
    groups={CRITIC: Group("adam", 1e-4, 0.5, 0.9)}, draws=draws, costs=costs, cites=("kim2018",),
)  # fmt: skip
"""R + KL + γ·TC, the total correlation told by a critic that learns beside it (Kim & Mnih 2018, Eq. 2)."""

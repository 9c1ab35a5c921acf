"""A batch of four images of four pixels with three latents, small enough to do by hand, and the losses on it.

Its numbers were made by an independent script in NumPy, float64, that knows nothing of this package.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from betavae import objectives
from betavae.models.base import Model, Posterior
from betavae.objectives.base import Objective, Terms
from betavae.training.gradient import Batch, Loss


def table(*rows: list[float]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


MEAN = table([0.5, -1, 0], [1.5, 0.2, -0.3], [-0.7, 0.8, 0.1], [0, 0, 0.2])
LOGVAR = table([-1, -0.5, 0], [-2, -1, 0.1], [-0.5, -1.5, -0.1], [0, -0.2, 0])
NOISE = table([0.3, -0.2, 1], [-1.1, 0.4, 0], [0.7, 0, -0.6], [0.2, -0.9, 0.5])
IMAGES = table([1, 0, 1, 0], [0, 0, 1, 1], [1, 1, 0, 0], [0.5, 0.25, 0, 1]).view(4, 1, 2, 2)
LOGITS = table([2, -1, 0.5, -0.5], [-1.5, -2, 1, 0], [0.3, 0.8, -0.2, -3], [0, -1, 1, 2]).view(4, 1, 2, 2)
SIZE = 1000
PRIOR = table([0.1, 0.4, -1.2], [-0.8, 1, 0.3], [1.3, -0.5, 0.7], [0, 0.2, -0.4])
LENDER = torch.tensor([[2, 1, 0], [0, 3, 1], [3, 2, 2], [1, 0, 3]])
CRITIC = {
    "critic.0.weight": table([0.5, 0.2, -0.6], [-0.3, 0.4, 0.1]),
    "critic.0.bias": torch.tensor([0.1, -0.2], dtype=torch.float64),
}
"""A critic of one layer, for the FactorVAE."""
RECONSTRUCTION, KL, SAMPLED_KL = 1.7479686305090758, 0.955753091792848, 1.0769062682029396


def given(**knobs: Any) -> dict[str, Any]:
    return knobs


def minimised(
    objective: str | Objective,
    knobs: Mapping[str, Any],
    *,
    share: float = 1.0,
    size: int = SIZE,
    mean: Tensor = MEAN,
    logvar: Tensor = LOGVAR,
    noise: Tensor = NOISE,
    **more: Tensor,
) -> tuple[Tensor, float, Terms, dict[str, Tensor]]:
    """What an objective minimises on the batch ``[]``, the reconstruction, the terms, and the parameters: ``mean`` and
    ``logvar`` of the posterior, each image's own, and ``more``.
    """
    chosen = objectives.named(objective) if isinstance(objective, str) else objective
    codes = mean.shape[1]

    def decode(params: dict[str, Tensor], z: Tensor) -> Tensor:
        return LOGITS[: len(z)] if len(z) <= 4 else LOGITS.new_zeros(len(z), 1, 2, 2)

    encode = lambda params, images: Posterior(params["mean"], params["logvar"])  # noqa: E731
    model = Model("hand", (1, 2, 2), codes, lambda generator: {}, encode, decode)
    params = {"mean": mean, "logvar": logvar, **more}
    params = {k: v.detach().clone().requires_grad_(True) for k, v in params.items()}
    settled = objectives.settled(chosen, knobs)
    loss = Loss(model, chosen, objectives.likelihood(chosen, settled), size)
    images = IMAGES if len(mean) == 4 else IMAGES.new_zeros(len(mean), 1, 2, 2)
    batch = Batch(noise, {"prior": PRIOR, "lender": LENDER})
    whole, reconstruction, terms = loss.whole(params, images, batch, settled, torch.tensor(share, dtype=torch.float64))
    return whole, float(reconstruction.detach()), terms, params

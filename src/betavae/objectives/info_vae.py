"""InfoVAE: the aggregate posterior is drawn to the prior by their maximum mean discrepancy (Zhao et al. 2019)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betavae.objectives.base import Knob, Knobs, Objective, Pass, Terms

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from betavae.types import Params

SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Of the inverse multiquadratics that are summed."""
KNOBS = {
    "alpha": Knob(0.0, low=-1e9, high=1.0),
    "mmd": Knob(10.0),
    "kernel": Knob("imq", among=("imq", "rbf", "rbf_zhao")),
}
"""The KL divergence is weighed by 1 - ``alpha``, the discrepancy by ``mmd``: that is α + λ - 1 of the paper's α and
λ.
"""


def kernel(name: str, a: Tensor, b: Tensor) -> Tensor:
    """The kernel of all pairs of codes, ``[n, m]``: "imq" Σ_s 2Zs/(2Zs + d²), "rbf" exp(-d²/2Z), "rbf_zhao" as in the
    authors' code exp(-d²/Z²).
    """
    width = a.shape[1]
    far = (a[:, None] - b).square().sum(-1)
    if name == "imq":
        first, *rest = (2 * width * s / (2 * width * s + far) for s in SCALES)
        return sum(rest, first)
    return (-far / (width**2 if name == "rbf_zhao" else 2 * width)).exp()


def discrepancy(name: str, codes: Tensor, prior: Tensor) -> Tensor:
    """The unbiased estimate of MMD² between two samples of one size, ``[]``; it may be negative."""
    n = len(codes)

    def within(a: Tensor) -> Tensor:
        pairs = kernel(name, a, a)
        return (pairs.sum() - pairs.diagonal().sum()) / (n * max(1, n - 1))

    return within(codes) + within(prior) - 2 * kernel(name, codes, prior).mean()


def draws(generator: torch.Generator, batch: int, codes: int) -> dict[str, Tensor]:
    """As many codes of the prior as a batch has, ``[batch, Z]``."""
    import torch

    return {"prior": torch.randn(batch, codes, generator=generator)}


def terms(params: Params, seen: Pass, knobs: Knobs) -> dict[str, Tensor]:
    """MMD² between the batch's sampled codes and the prior's."""
    return {"mmd": discrepancy(knobs["kernel"], seen.codes, seen.draws["prior"])}


def penalty(terms: Terms, knobs: Knobs, share: Tensor) -> Tensor:
    """(1 - α)·KL + ``mmd``·MMD²."""
    whole: Tensor = (1 - knobs["alpha"]) * terms.kl.sum(-1) + knobs["mmd"] * terms.extra["mmd"]
    return whole


info_vae = Objective("info_vae", KNOBS, penalty, terms, ("mmd",), draws=draws, cites=("zhao2019",))
"""R + (1 − α)·KL + the maximum mean discrepancy of codes and prior (Zhao et al. 2019)."""

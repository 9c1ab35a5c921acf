"""What a model is here: three pure functions on a dictionary of parameters, written for one member."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from betavae.types import Params


class Posterior(NamedTuple):
    """The diagonal Gaussian q(z | x): ``mean`` and ``logvar`` = log σ², each ``[*n, Z]``."""

    mean: Tensor
    logvar: Tensor

    def sample(self, noise: Tensor) -> Tensor:
        """z = μ + σ·noise, the reparameterised sample (Kingma & Welling 2014)."""
        return self.mean + noise * torch.exp(0.5 * self.logvar)


class Model(NamedTuple):
    """A variational autoencoder of one architecture, for one image shape and one number of codes.

    ``init(generator)`` draws the parameters; ``encode(params, images [n, C, H, W])`` gives the posterior;
    ``decode(params, codes [n, Z])`` gives the logits of the pixels ``[n, C, H, W]``. ``chunk`` is how many images a CPU
    takes at a time: so many that their activations stay in cache, or that the weights are worth reading once.
    ``products`` is the same function with its convolutions written as matrix products, for many members at once on a
    GPU; None where it has none.
    """

    name: str
    shape: tuple[int, int, int]
    codes: int
    init: Callable[[torch.Generator], Params]
    encode: Callable[[Params, Tensor], Posterior]
    decode: Callable[[Params, Tensor], Tensor]
    chunk: int
    products: Model | None = None

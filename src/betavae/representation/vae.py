"""A trained VAE as a codec."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from betavae.models.base import Model, Posterior
from betavae.representation.base import Codec

if TYPE_CHECKING:
    from betavae.types import Params


def codec(model: Model, params: Params, mean: Callable[[Tensor], Tensor] = torch.sigmoid) -> Codec:
    """The codec of a model: codes are posterior means, pixels the ``mean`` of its likelihood given the logits."""
    frozen = {k: v.detach() for k, v in params.items()}

    @torch.no_grad()
    def posterior(images: Tensor) -> Posterior:
        return model.encode(frozen, images.to(next(iter(frozen.values())).device))

    @torch.no_grad()
    def decode(codes: Tensor) -> Tensor:
        return mean(model.decode(frozen, codes.to(next(iter(frozen.values())).device)))

    return Codec(model.codes, lambda images: posterior(images).mean, decode, posterior, model, frozen)

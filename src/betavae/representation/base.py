"""What a representation is here: VAE, PCA and ICA are the same kind of thing, a codec."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor

from betavae.models.base import Model, Posterior

if TYPE_CHECKING:
    from betavae.types import Json, Params


class Codec(NamedTuple):
    """Images to codes and back.

    ``encode`` maps images ``[n, C, H, W]`` in [0, 1] to codes ``[n, Z]`` (a VAE's posterior means); ``decode`` maps
    codes to pixels in [0, 1], or is None where there is no way back; ``posterior`` gives the whole q(z | x) where there
    is one. ``model`` and ``params`` are a VAE's own; ``notes`` is what a fit has to say of itself. ``told`` maps
    indices to codes where the representation is not made from pixels at all (the true factors).
    """

    codes: int
    encode: Callable[[Tensor], Tensor]
    decode: Callable[[Tensor], Tensor] | None = None
    posterior: Callable[[Tensor], Posterior] | None = None
    model: Model | None = None
    params: Params | None = None
    notes: Mapping[str, Json] = {}
    told: Callable[[Tensor], Tensor] | None = None

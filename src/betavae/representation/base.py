"""What a representation is here: VAE, PCA and ICA are the same kind of thing, a codec."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from betavae.models.base import Posterior


class Codec(NamedTuple):
    """Images to codes and back.

    ``encode`` maps images ``[n, C, H, W]`` in [0, 1] to codes ``[n, Z]`` (a VAE's posterior means); ``decode`` maps codes
    to pixels in [0, 1], or is None where there is no way back; ``posterior`` gives the whole q(z | x) where there is one.
    """

    codes: int
    encode: Callable[[Tensor], Tensor]
    decode: Callable[[Tensor], Tensor] | None = None
    posterior: Callable[[Tensor], Posterior] | None = None

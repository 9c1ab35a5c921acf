"""The legend of axes for the whole package, and the few aliases that every layer shares.

M member of a population · N image · C H W channel, row, column · Z code · K factor · P point (a vote) · L pair · S step

Images are float32 ``[*n, C, H, W]`` with pixels in [0, 1]; codes are float32 ``[*n, Z]``, points first; losses are
nats per image.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    Params = dict[str, Tensor]
    Array = np.ndarray[Any, np.dtype[Any]]

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Scores = dict[str, float]
Knobs = Mapping[str, Any]

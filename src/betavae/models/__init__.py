"""The architectures by name: ``build(shape, codes) -> Model``."""

from __future__ import annotations

from collections.abc import Callable

from betavae.models import conv, mlp
from betavae.models.base import Model

MODELS: dict[str, Callable[[tuple[int, int, int], int], Model]] = {"mlp": mlp.build, "conv": conv.build}

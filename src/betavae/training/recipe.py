"""How a VAE is trained, as frozen plain data. No array library is imported here, so that cells can hold it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from betavae.types import Json

BINS = 100
"""Points of a training curve that is kept."""


@dataclass(frozen=True)
class Recipe:
    """How a VAE is trained: ``images`` is the whole budget in image passes.

    The learning rate is multiplied by ``drop_to`` from fraction ``drop_at`` of the steps on (App. A of the paper:
    ÷5 for the last quarter). ``weight_decay`` is AdamW's.
    """

    optimiser: str  # a name of OPTIMISERS
    learning_rate: float
    batch: int
    images: int
    drop_at: float = 0.75
    drop_to: float = 0.2
    weight_decay: float = 0.0

    @property
    def steps(self) -> int:
        """The number of optimiser steps: the budget in whole batches, at least one."""
        return max(1, self.images // self.batch)

    def plain(self) -> dict[str, Json]:
        """The recipe as plain JSON. No weight decay goes unsaid: recipes without it keep the ids of their cells."""
        return {k: v for k, v in asdict(self).items() if k != "weight_decay" or v}

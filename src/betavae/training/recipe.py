"""How a VAE is trained, as frozen plain data. No array library is imported here, so that cells can hold it."""

from __future__ import annotations

from dataclasses import dataclass

BINS = 100
"""Points of a training curve that is kept."""


@dataclass(frozen=True)
class Recipe:
    """How a VAE is trained: ``images`` is the whole budget in image passes.

    The learning rate is multiplied by ``drop_to`` from fraction ``drop_at`` of the steps on (App. A of the paper:
    ÷5 for the last quarter).
    """

    optimiser: str  # "adam" or "adagrad"
    learning_rate: float
    batch: int
    images: int
    drop_at: float = 0.75
    drop_to: float = 0.2

    @property
    def steps(self) -> int:
        """The number of optimiser steps: the budget in whole batches, at least one."""
        return max(1, self.images // self.batch)

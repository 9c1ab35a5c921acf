"""What is kept of a training's terms: a table of sums over a hundred stretches of its steps, and the curve it is.

This file alone knows how the table is laid out: reconstruction, KL of each latent, the objective's extra terms, steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from betavae.errors import Misuse
from betavae.objectives.base import Objective, Terms
from betavae.training.recipe import BINS

TAKEN = {"step", "seen", "reconstruction", "kl", "loss", "collapsed", "active"}
"""Names of other columns and scores."""


class Curve(NamedTuple):
    """A training curve, a point per stretch met: steps done ``[S]``; reconstruction ``[S]``, KL ``[S, Z]`` and each
    extra term ``[S]`` in nats per image, means over the stretch.
    """

    steps: Tensor
    reconstruction: Tensor
    kl: Tensor
    extra: Mapping[str, Tensor]

    def last(self) -> tuple[float, Terms]:
        """The newest point: reconstruction, and the terms beside it."""
        return float(self.reconstruction[-1]), Terms(self.kl[-1], {k: v[-1] for k, v in self.extra.items()})


class Columns(NamedTuple):
    """The columns of the table of so many codes and these extra terms."""

    codes: int
    extra: tuple[str, ...] = ()

    @staticmethod
    def of(objective: Objective, codes: int) -> Columns:
        """Those of an objective. Raises Misuse where a term has the name of another score."""
        if wrong := TAKEN & set(objective.extra):
            raise Misuse(f"objective {objective.name!r} has a term called {', '.join(sorted(wrong))}; rename it")
        return Columns(codes, objective.extra)

    def blank(self, steps: int) -> Tensor:
        """The table ``[bins, 1 + Z + E + 1]`` of a training of so many steps, before the first."""
        return torch.zeros(min(BINS, steps), 2 + self.codes + len(self.extra), dtype=torch.float64)

    def row(self, reconstruction: Tensor, terms: Terms) -> Tensor:
        """The terms of one step, ``[1 + Z + E]``."""
        return torch.cat([reconstruction[None], terms.kl, *(terms.extra[k][None] for k in self.extra)])

    def term(self, column: int) -> str:
        """The name of a term by its place in a row."""
        if column == 0:
            return "reconstruction"
        return "kl" if column <= self.codes else self.extra[column - 1 - self.codes]

    def add(self, trace: Tensor, row: Tensor, step: int, steps: int) -> None:
        """Put the row of a step into the table, in place."""
        into = trace[step * len(trace) // steps]
        into[:-1] += row
        into[-1] += 1

    def curve(self, trace: Tensor) -> Curve:
        """The curve that a table is."""
        met = trace[:, -1] > 0
        count = trace[met, -1:]
        mean = trace[met, :-1] / count
        kl, extra = mean[:, 1 : 1 + self.codes], mean[:, 1 + self.codes :]
        named = {name: extra[:, k] for k, name in enumerate(self.extra)}
        return Curve(count.squeeze(-1).cumsum(0), mean[:, 0], kl, named)

    def now(self, trace: Tensor, step: int, steps: int) -> tuple[float, float]:
        """Reconstruction and total KL over the stretch of the step before this one."""
        row = trace[max(0, (step - 1) * len(trace) // steps)]
        mean = row[:-1] / row[-1].clamp(min=1)
        return float(mean[0]), float(mean[1 : 1 + self.codes].sum())


def lines(seen: Tensor) -> Tensor:
    """Rows of one step ``[M, 1 + Z + E]`` as what is added to the tables of M members."""
    return torch.cat([seen.double(), torch.ones_like(seen[:, :1], dtype=torch.float64)], -1)


def sums(trace: Tensor) -> Tensor:
    """Each term summed over all steps of a table, ``[1 + Z + E]``."""
    return trace.sum(0)[:-1]

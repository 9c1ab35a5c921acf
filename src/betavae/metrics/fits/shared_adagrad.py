"""The PyTorch classifiers as the published code trains them: one Adagrad and one schedule that serve several in turn.

Only the quirk ``adagrad-leak`` comes here; the protocol's classifiers begin afresh.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

PATIENCE, FACTOR, LEAST, THRESHOLD = 5000, 0.1, 1e-5, 1e-4
"""Of the schedule: steps without a loss below (1 - THRESHOLD) of the best before the rate falls, to LEAST at last."""


class Kind(NamedTuple):
    """A published classifier: its hidden widths, how many full-batch steps it makes, at which rate and weight decay."""

    hidden: tuple[int, ...]
    steps: int
    rate: float
    decay: float


KINDS = {"linear": Kind((), 10_000, 1e-2, 0.0), "mlp": Kind((256, 256), 5_000, 1e-3, 1e-4)}


class Shared:
    """An Adagrad with its accumulators, and a rate that falls by ten where the best loss stands still.

    Weights are drawn anew for every classifier that it serves; accumulators, rate and best loss are not.
    """

    def __init__(self, kind: Kind) -> None:
        self.kind, self.rate = kind, kind.rate
        self._sums: list[Tensor] = []
        self._best, self._bad = math.inf, 0

    def step(self, weights: Sequence[Tensor], gradients: Sequence[Tensor], loss: float) -> None:
        """One update of the weights in place, then the schedule hears of the loss."""
        self._sums = self._sums or [torch.zeros_like(w) for w in weights]
        for weight, gradient, total in zip(weights, gradients, self._sums, strict=True):
            gradient = gradient.add(weight, alpha=self.kind.decay) if self.kind.decay else gradient
            total.addcmul_(gradient, gradient)
            weight.addcdiv_(gradient, total.sqrt().add_(1e-10), value=-self.rate)
        if loss < self._best * (1 - THRESHOLD):
            self._best, self._bad = loss, 0
        else:
            self._bad += 1
        if self._bad > PATIENCE:
            self.rate, self._bad = max(self.rate * FACTOR, LEAST), 0

    def fit(
        self, generator: torch.Generator, x: Tensor, y: Tensor, classes: int, steps: int | None = None
    ) -> Callable[[Tensor], Tensor]:
        """Train a classifier on votes ``[P, Z]`` and their answers ``[P]``: what says the classes of others, dropout
        off.
        """
        widths = [x.shape[1], *self.kind.hidden, classes]
        weights = []
        for into, out in itertools.pairwise(widths):
            bound = 1 / math.sqrt(into)
            weights.append(torch.empty(out, into).uniform_(-bound, bound, generator=generator))
            weights.append(torch.empty(out).uniform_(-bound, bound, generator=generator))
        gradients = _gradients_linear if not self.kind.hidden else _gradients_mlp
        for _ in range(steps or self.kind.steps):
            self.step(weights, *gradients(generator, weights, x, y))
        return lambda test: _forward(weights, test)[-1].argmax(-1)


def _gradients_linear(
    generator: torch.Generator, weights: Sequence[Tensor], x: Tensor, y: Tensor
) -> tuple[list[Tensor], float]:
    """Gradients of the mean cross-entropy of a softmax, by hand, and the loss."""
    del generator
    said = F.log_softmax(F.linear(x, *weights), -1)
    rest = said.exp()
    rest[torch.arange(len(y)), y] -= 1.0
    rest /= len(y)
    return [rest.T @ x, rest.sum(0)], float(F.nll_loss(said, y))


def _gradients_mlp(
    generator: torch.Generator, weights: Sequence[Tensor], x: Tensor, y: Tensor
) -> tuple[list[Tensor], float]:
    leaves = [weight.detach().requires_grad_(True) for weight in weights]
    loss = F.cross_entropy(_forward(leaves, x, generator)[-1], y)
    return list(torch.autograd.grad(loss, leaves)), float(loss.detach())


def _forward(weights: Sequence[Tensor], x: Tensor, dropout: torch.Generator | None = None) -> list[Tensor]:
    """The layers' outputs; hidden ones pass a ReLU, and lose half of their units where ``dropout`` draws which."""
    outputs = [x]
    for k in range(0, len(weights), 2):
        x = F.linear(x, weights[k], weights[k + 1])
        if k + 2 < len(weights):
            x = torch.relu(x)
            x = x * (torch.rand(x.shape, generator=dropout) < 0.5) * 2.0 if dropout is not None else x
        outputs.append(x)
    return outputs

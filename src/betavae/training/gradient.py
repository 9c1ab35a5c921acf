"""The loss of a batch and its gradient: in one piece, in chunks, or with chunks at the model's two ends.

On a CPU images go through the model in chunks small enough to stay in cache: the same sums, twice the speed. Where an
objective looks at the batch as a whole, only encoder and decoder do so; posteriors and codes are made whole between.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from betavae import objectives
from betavae.datasets.base import Dataset
from betavae.errors import Misuse
from betavae.models.base import Model, Posterior
from betavae.models.sweep import Gradients
from betavae.objectives.base import Knobs, Likelihood, Objective, Pass, Terms, kl_nats
from betavae.training import sweep
from betavae.training.recipe import Recipe
from betavae.training.trace import Columns

if TYPE_CHECKING:
    from betavae.types import Params


class Task(NamedTuple):
    """What members of one program share: images, architecture, objective and recipe. ``split`` is the index range
    used.
    """

    dataset: Dataset
    model: Model
    objective: Objective
    recipe: Recipe

    @property
    def split(self) -> tuple[int, int]:
        return self.dataset.splits["train"]

    @property
    def columns(self) -> Columns:
        """How the trace of its members is laid out."""
        return Columns.of(self.objective, self.model.codes)

    def settled(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The value of every knob of its objective. Raises Misuse."""
        return objectives.settled(self.objective, given)


class Batch(NamedTuple):
    """What is drawn for one step: noise ``[n, Z]``, and the objective's own draws by name."""

    noise: Tensor
    draws: Mapping[str, Tensor] = {}

    def to(self, dtype: torch.dtype) -> Batch:
        """The same with its real numbers in this kind of float; what counts or orders stays whole."""
        draws = {k: v.to(dtype) if v.is_floating_point() else v for k, v in self.draws.items()}
        return Batch(self.noise.to(dtype), draws)


class Loss(NamedTuple):
    """An objective with its likelihood, for a model and a training split of ``size`` images."""

    model: Model
    objective: Objective
    likelihood: Likelihood
    size: int

    @staticmethod
    def of(task: Task, knobs: Knobs) -> Loss:
        """That of a task for members of these knobs."""
        size = task.split[1] - task.split[0]
        return Loss(task.model, task.objective, objectives.likelihood(task.objective, knobs), size)

    def whole(
        self, params: Params, images: Tensor, batch: Batch, knobs: Knobs, share: Tensor
    ) -> tuple[Tensor, Tensor, Terms]:
        """What is minimised ``[]``, the reconstruction ``[]`` and the other terms of a batch of images in one piece.

        ``share`` [] is the share of training that is done.
        """
        each, kl, extra = self._terms(params, images, batch, knobs, share)
        reconstruction = each.mean()
        terms = Terms(kl.mean(0), {k: v.mean() for k, v in extra.items()})
        return reconstruction + self._rest(terms, knobs, share), reconstruction, terms

    def chunk(
        self, params: Params, images: Tensor, batch: Batch, knobs: Knobs, share: Tensor, total: int
    ) -> tuple[Tensor, Tensor, Terms]:
        """The same for some of a batch's ``total`` images: over all chunks these sum to the batch's."""
        each, kl, extra = self._terms(params, images, batch, knobs, share)
        self._check(extra)
        reconstruction = each.sum() / total
        terms = Terms(kl.sum(0) / total, {k: v.sum() / total for k, v in extra.items()})
        return reconstruction + self._rest(terms, knobs, share), reconstruction, terms

    def middle(self, params: Params, seen: Pass, knobs: Knobs) -> tuple[Tensor, Terms]:
        """What is minimised beside the reconstruction, and the terms, from a batch's posteriors and codes alone."""
        extra = self.objective.terms(params, seen, knobs)
        if not self.objective.coupled:
            self._check(extra)
        terms = Terms(kl_nats(seen.posterior).mean(0), {k: v.mean() for k, v in extra.items()})
        return self._rest(terms, knobs, seen.share), terms

    def _terms(
        self, params: Params, images: Tensor, batch: Batch, knobs: Knobs, share: Tensor
    ) -> tuple[Tensor, Tensor, Mapping[str, Tensor]]:
        posterior = self.objective.posterior(self.model.encode(params, images), knobs)
        codes = posterior.sample(batch.noise)
        each = self.likelihood.nats(params, self.model.decode(params, codes), images, knobs)
        seen = Pass(posterior, codes, batch.draws, self.size, share)
        return each, kl_nats(posterior), self.objective.terms(params, seen, knobs)

    def _check(self, extra: Mapping[str, Tensor]) -> None:
        if any(not v.ndim for v in extra.values()):
            raise Misuse(f"objective {self.objective.name!r} gives a term of the whole batch; say coupled = True")

    def _rest(self, terms: Terms, knobs: Knobs, share: Tensor) -> Tensor:
        rest = self.objective.penalty(terms, knobs, share)
        for name in self.objective.apart:
            rest = rest + terms.extra[name]
        return rest


def gradient(
    task: Task, params: Params, index: Tensor, batch: Batch, knobs: Knobs, chunk: int, share: float = 0.0,
    low: Params | None = None, into: Params | None = None,
) -> tuple[Params, Tensor]:  # fmt: skip
    """The gradient of one batch's loss and its row of terms, in chunks of images. ``params`` must require
    gradients.

    ``low`` are the parameters that products take, in their precision, where that is another; ``into`` is where
    gradients are put.
    """
    loss = Loss.of(task, knobs)
    dtype, device = next(iter(params.values())).dtype, index.device
    batch = batch.to(dtype)
    done = torch.tensor(share, dtype=dtype, device=device)
    gradients = Gradients(into)
    if sweep.swept(task, low is not None):
        summed = sweep.gradient(task, loss, params, low or params, index, batch, knobs, done, chunk, gradients)
        for k, v in params.items():  # what no layer gives, and what an objective's terms ask of the layers' own weights
            if v.grad is not None or k not in gradients.found:
                gradients.add(k, _gradient(v), v)
        grads = {k: gradients.found[k] for k in params}
    else:
        by = _by_ends if task.objective.coupled or batch.draws else _by_chunks
        summed = by(task, loss, params, index, batch, knobs, done, chunk)
        grads = {k: _gradient(v) for k, v in params.items()}
    for v in params.values():
        v.grad = None
    return grads, summed


def _gradient(leaf: Tensor) -> Tensor:
    return torch.zeros_like(leaf) if leaf.grad is None else leaf.grad


def _by_chunks(
    task: Task, loss: Loss, params: Params, index: Tensor, batch: Batch, knobs: Knobs, share: Tensor, chunk: int
) -> Tensor:
    parts: list[Tensor] = []
    for piece, part in zip(index.split(chunk), batch.noise.split(chunk), strict=True):
        images = task.dataset.renderer(piece).to(part.dtype)
        found, reconstruction, terms = loss.chunk(params, images, Batch(part), knobs, share, len(index))
        found.backward()
        parts.append(task.columns.row(reconstruction, terms).detach())
    return torch.stack(parts).sum(0)


def _by_ends(
    task: Task, loss: Loss, params: Params, index: Tensor, batch: Batch, knobs: Knobs, share: Tensor, chunk: int
) -> Tensor:
    model, total = task.model, len(index)
    images = [task.dataset.renderer(piece).to(batch.noise.dtype) for piece in index.split(chunk)]
    encoded = [model.encode(params, some) for some in images]
    raw = Posterior(*(torch.cat(part).detach().requires_grad_() for part in zip(*encoded, strict=True)))
    posterior = loss.objective.posterior(raw, knobs)
    codes = posterior.sample(batch.noise)
    # The decoder's end: its loss and gradient are made chunk by chunk, down to the codes.
    leaf, nats = codes.detach().requires_grad_(), []
    for some, part in zip(images, leaf.split(chunk), strict=True):
        each = loss.likelihood.nats(params, model.decode(params, part), some, knobs).sum() / total
        each.backward()
        nats.append(each.detach())
    rest, terms = loss.middle(params, Pass(posterior, codes, batch.draws, loss.size, share), knobs)
    torch.autograd.backward([codes, rest], [leaf.grad, torch.ones_like(rest)])
    mean, logvar = (part.grad.split(chunk) for part in raw if part.grad is not None)
    for part, *back in zip(encoded, mean, logvar, strict=True):
        torch.autograd.backward(part, back)
    return task.columns.row(torch.stack(nats).sum(), terms).detach()

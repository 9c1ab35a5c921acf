"""The gradient of one batch's loss on a CPU, swept over an architecture's layers without autograd.

Wide maps, at the encoder's beginning and the decoder's end, go in chunks of images that stay in cache; what lies
between goes in one piece. So the posteriors and codes of the whole batch are at hand for any objective, whose part
autograd does. With bf16 the layers' products are in bf16; images, posteriors, codes, the layers on either side of
them, logits' bias, loss, sums over chunks and optimiser stay in single precision.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from betavae import processor
from betavae.errors import Misuse
from betavae.models import onednn, sweep
from betavae.models.base import Posterior, Step, whole
from betavae.models.sweep import Gradients, Kept, Ready
from betavae.objectives.base import Knobs, Pass

if TYPE_CHECKING:
    from betavae.training.gradient import Batch, Loss, Task
    from betavae.types import Params


class Ends(NamedTuple):
    """An architecture cut where its maps become wide: ``first`` and ``last`` go in chunks, ``heads`` are the
    posterior's mean and log-variance.
    """

    first: list[Step]
    encoder: list[Step]
    heads: list[Step]
    decoder: list[Step]
    last: list[Step]

    @staticmethod
    def of(task: Task) -> Ends:
        """That of a task's model."""
        assert task.model.layers is not None
        encoder, decoder = whole(task.model.layers, task.model.shape, task.model.codes)
        body = encoder[:-2]
        begin, (_, end) = sweep.ends(body)[0], sweep.ends(decoder)
        cut = min(len(decoder) - end, len(decoder) - 1)  # the logits are made in chunks whatever makes them
        return Ends(body[:begin], body[begin:], encoder[-2:], decoder[:cut], decoder[cut:])


MANY = 64
"""Images of a batch from which on convolutions of any size gain by the sweep in single precision."""
LARGE = 32 * 32 * 32
"""Numbers of a map from which on those that make it gain in any batch: the first of images of 64 x 64 pixels."""


def swept(task: Task, low: bool) -> bool:
    """Whether a task's gradient is swept, with products in bf16 (``low``) or in float32: on a CPU, where its model is
    layers; in float32 where that is quicker: convolutions of large maps, or from MANY images on, or by products that
    autograd has not.

    A rule, not a trial: a processor's records repeat bit for bit.
    """
    if task.dataset.device.type != "cpu" or task.model.layers is None:
        return False
    if low or onednn.pays():
        return True
    encoder, _ = whole(task.model.layers, task.model.shape, task.model.codes)
    maps = [torch.Size(step.out).numel() for step in encoder if step.layer.kind != "linear"]
    return bool(maps) and (task.recipe.batch >= MANY or max(maps) >= LARGE)


def cast(task: Task, precision: str) -> torch.dtype | None:
    """What the layers' products are cast to. Raises Misuse where this device or model knows no such precision."""
    if precision == "float32":
        return None
    if precision == "bf16" and swept(task, low=True):
        return torch.bfloat16
    raise Misuse(
        f"precision is {precision!r}; one by one members train in float32, and on a CPU in bf16 where their "
        "architecture is a list of layers"
    )


def told(task: Task, precision: str) -> str:
    """By which kernels a member is trained on a CPU, for its record."""
    if precision == "bf16":
        return f"layer by layer, bf16 by {processor.bf16() or 'emulation'}"
    if not swept(task, low=False):
        return "autograd"
    return f"layer by layer, products by {'oneDNN' if onednn.pays() else 'PyTorch'}"


def gradient(
    task: Task, loss: Loss, params: Params, low: Params, index: Tensor, batch: Batch, knobs: Knobs, share: Tensor,
    chunk: int, gradients: Gradients,
) -> Tensor:  # fmt: skip
    """The row of terms of a batch; the gradients of the layers are added to ``gradients``, those of other parameters to
    their ``grad``. ``low`` are the weights and biases that the products take; ``params`` themselves are exact.
    """
    at, total = Ends.of(task), len(index)
    with torch.no_grad():
        first, encoder = sweep.ready(at.first, low), sweep.ready(at.encoder, low)
        heads, decoder, last = sweep.ready(at.heads, params), _decoder(at.decoder, params, low), _late(at, params, low)
        # 1. The encoder's wide end, in chunks.
        images = [task.dataset.renderer(piece).to(batch.noise.dtype) for piece in index.split(chunk)]
        firsts: list[Kept] = [[] for _ in images]
        h = _joined([sweep.forward(first, some, kept) for some, kept in zip(images, firsts, strict=True)])
        # 2. The middle, in one piece, to the decoder's last narrow map.
        kept_encoder, kept_heads, kept_decoder = Kept(), Kept(), Kept()
        h = sweep.forward(encoder, h, kept_encoder)
        raw = Posterior(*(sweep.forward([head], h, kept_heads).requires_grad_() for head in heads))
        with torch.enable_grad():
            posterior = loss.objective.posterior(raw, knobs)
            codes = posterior.sample(batch.noise)
        h = sweep.forward(decoder, codes.detach(), kept_decoder)
        # 3. The decoder's wide end: its loss and gradient are made chunk by chunk.
        nats, back = list[Tensor](), list[Tensor | None]()
        for some, part in zip(images, h.split(chunk), strict=True):
            kept = Kept()
            logits = sweep.forward(last, part, kept).view(-1, *task.model.shape)
            found, to_logits = _to_logits(loss, params, logits, some, knobs, total)
            nats.append(found)
            back.append(sweep.backward(last, to_logits, kept, gradients, params))
        to_codes = sweep.backward(decoder, _joined(back), kept_decoder, gradients, params)
        with torch.enable_grad():
            rest, terms = loss.middle(params, Pass(posterior, codes, batch.draws, loss.size, share), knobs)
            torch.autograd.backward([codes, rest], [_there(to_codes).view_as(codes), torch.ones_like(rest)])
        # 4. Back through the posterior and the encoder.
        logvar, mean = (_gradient(part) for part in (raw.logvar, raw.mean))
        g = sweep.backward(heads[1:], logvar, kept_heads, gradients, params)
        g = _added(g, sweep.backward(heads[:1], mean, kept_heads, gradients, params))
        g = sweep.backward(encoder, g, kept_encoder, gradients, params, to_x=bool(first))
        if first:
            for kept, piece in zip(firsts, _there(g).split(chunk), strict=True):
                sweep.backward(first, piece, kept, gradients, params, to_x=False)
    return task.columns.row(torch.stack(nats).sum(), terms).detach()


def _decoder(steps: Sequence[Step], params: Params, low: Params) -> list[Ready]:
    """The decoder's narrow layers; the one that takes codes is exact."""
    return [*sweep.ready(steps[:1], params), *sweep.ready(steps[1:], low)]


def _late(at: Ends, params: Params, low: Params) -> list[Ready]:
    """The decoder's wide layers, the logits' bias added in the precision of ``params``."""
    *most, end = sweep.ready(at.last, low if at.decoder else params)
    return [*most, end._replace(bias=None, late=params[f"{end.step.layer.name}.bias"])]


def _to_logits(
    loss: Loss, params: Params, logits: Tensor, images: Tensor, knobs: Knobs, total: int
) -> tuple[Tensor, Tensor]:
    """A chunk's nats and their gradient with respect to its logits, both divided by the batch's ``total`` images."""
    if loss.likelihood.gradients is not None:
        nats, to_logits = loss.likelihood.gradients(logits, images)
        return nats / total, to_logits.div_(total)
    leaf = logits.detach().requires_grad_()
    with torch.enable_grad():
        found = loss.likelihood.nats(params, leaf, images, knobs).sum() / total
        found.backward()
    return found.detach(), _gradient(leaf)


def _gradient(leaf: Tensor) -> Tensor:
    return torch.zeros_like(leaf) if leaf.grad is None else leaf.grad


def _joined(parts: Sequence[Tensor | None]) -> Tensor:
    there = [_there(part) for part in parts]
    return torch.cat(there) if len(there) > 1 else there[0]


def _there(part: Tensor | None) -> Tensor:
    assert part is not None
    return part


def _added(a: Tensor | None, b: Tensor | None) -> Tensor:
    return _there(a) + _there(b)

"""``wrap``: a stranger's encoder and decoder as a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from betavae.api.model import Model
from betavae.errors import Fault, Misuse
from betavae.models.base import Posterior
from betavae.representation import encoders
from betavae.representation.base import Codec

if TYPE_CHECKING:
    from betavae.datasets.base import Dataset


def wrap(
    module: Any,
    decode: Callable[[Tensor], Any] | None = None,
    *,
    data: Dataset,
    name: str | None = None,
) -> Model:
    """Any PyTorch encoder, with its decoder where it has one, as a model: scored and drawn like betavae's own.

    ``module`` maps images ``[n, C, H, W]`` in [0, 1] to codes ``[n, Z]``, or to a mean and a log variance, each
    ``[n, Z]``, which make a posterior; ``decode`` maps codes to images ``[n, C, H, W]`` in [0, 1]. Modules are put in
    evaluation mode. Raises Misuse where either gives anything else on the first images of ``data``.
    """
    for part in (module, decode):
        if isinstance(part, torch.nn.Module):
            part.eval()
    name = name or type(module).__name__
    first = data.render(torch.arange(min(2, data.size)))
    with torch.no_grad():
        given = module(first) if callable(module) else None
    if given is not None and _is_posterior(given):
        codec = Codec(int(given[0].shape[1]), lambda images: posterior(images).mean, posterior=lambda x: posterior(x))
    else:
        codec = encoders.codec(module, data, name)

    def posterior(images: Tensor) -> Posterior:
        with torch.no_grad():
            mean, logvar = module(images)
        return Posterior(mean.detach().float().cpu(), logvar.detach().float().cpu())

    def decoded(codes: Tensor) -> Tensor:
        with torch.no_grad():
            images = torch.as_tensor(decode(codes))  # type: ignore[misc]
        if tuple(images.shape) != (len(codes), *data.shape):
            raise Misuse(f"decode gave {list(images.shape)} for {len(codes)} codes; wanted [n, *{list(data.shape)}]")
        low, high = float(images.min()), float(images.max())
        if not (low >= -1e-6 and high <= 1 + 1e-6):
            raise Misuse(f"decode gave pixels from {low:.3g} to {high:.3g}; wanted 0 to 1: end it with a sigmoid")
        return images.detach().float().cpu()

    model = Model(codec, data, name)
    width = int(model.codes(torch.zeros(1, dtype=torch.long)).shape[-1])
    model = Model(codec._replace(codes=width, decode=decoded if decode else None), data, name)
    if decode:
        try:
            model.decode(torch.zeros(1, width))
        except Misuse:
            raise
        except Exception as error:
            raise Fault(f"{name}: decode failed on codes [1, {width}]: {type(error).__name__}: {error}") from error
    return model


def _is_posterior(given: Any) -> bool:
    """Whether an encoder gave two tensors of one shape ``[n, Z]``: a mean and a log variance."""
    pair = isinstance(given, tuple | list) and len(given) == 2 and all(isinstance(one, Tensor) for one in given)
    return pair and given[0].ndim == 2 and given[0].shape == given[1].shape

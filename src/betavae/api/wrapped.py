"""``wrap``: a stranger's encoder and decoder as a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from betavae.api import arguments
from betavae.api.model import Model
from betavae.errors import BetavaeError, Fault, Misuse, notice, shown
from betavae.models.base import Posterior
from betavae.representation import encoders
from betavae.representation.base import Codec
from betavae.representation.decoders import decoder

if TYPE_CHECKING:
    from betavae.datasets.base import Dataset


def wrap(
    module: Any,
    decode: Callable[[Tensor], Any] | None = None,
    *,
    data: Dataset | None = None,
    name: str | None = None,
) -> Model:
    """Any PyTorch encoder, with its decoder where it has one, as a model: scored and drawn like betavae's own.

    ``module`` maps images ``[n, C, H, W]`` in [0, 1] to codes ``[n, Z]``, or to a mean and a log variance, each
    ``[n, Z]``, which make a posterior; ``decode`` maps codes to images ``[n, C, H, W]`` in [0, 1]. Modules are run in
    evaluation mode and given back in their own. Without ``data`` it is tried on the first dataset it meets, as the
    second argument of ``score``, ``traverse`` and ``matrix``. Raises Misuse where either gives anything else on the
    first images of ``data``, Fault where it fails.
    """
    name = type(module).__name__ if name is None else arguments.text(name, "name")
    if data is None:
        return WithoutData(module, decode, name)
    arguments.dataset(data)
    first = data.render(torch.arange(min(2, data.size)))
    given = _run(module, first, name) if callable(module) and not isinstance(module, type) else None
    if given is not None and _is_posterior(given):
        codec = Codec(int(given[0].shape[1]), lambda images: posterior(images).mean, posterior=lambda x: posterior(x))
    else:
        codec = encoders.codec(module, data, name)

    def posterior(images: Tensor) -> Posterior:
        mean, logvar = _run(module, images, name)
        return Posterior(mean.detach().float().cpu(), logvar.detach().float().cpu())

    back = decoder(decode, data, "decode") if decode is not None else None
    model = Model(codec, data, name)
    width = int(model.codes(torch.zeros(1, dtype=torch.long)).shape[-1])
    model = Model(codec._replace(codes=width, decode=back), data, name)
    if back:
        model.decode(torch.zeros(1, width))
    return model


class WithoutData(Model):
    """A stranger's model without a dataset: its codes are known once it is asked on one."""

    def __init__(self, module: Any, decode: Callable[[Tensor], Any] | None, name: str) -> None:
        if not callable(module) or isinstance(module, type):
            raise Misuse(f"{name} is {shown(module)}, which no images can be given to; wrap it with data=")
        back = decoder(decode, None, "decode") if decode is not None else None
        super().__init__(Codec(-1, encoders.Outside(module, name), back), None, name)
        self._given = (module, decode)

    def on(self, data: Dataset) -> Model:
        """The same, tried on the first images of a dataset. Raises Misuse and Fault as ``wrap`` does."""
        return wrap(*self._given, data=data, name=self.name)


def _run(module: Any, images: Tensor, name: str) -> Any:
    """What a stranger's encoder gives, its modules in evaluation mode meanwhile. Raises Fault where it fails."""
    with torch.no_grad(), encoders.evaluating(encoders.modules_of(module)) as trained:
        if trained:
            notice(f"{name} {encoders.TRAINING}")
        try:
            return module(images)
        except BetavaeError:
            raise
        except Exception as error:
            raise Fault(f"{name} failed on images {list(images.shape)}: {encoders.told(error)}") from error


def _is_posterior(given: Any) -> bool:
    """Whether an encoder gave two tensors of one shape ``[n, Z]``: a mean and a log variance."""
    pair = isinstance(given, tuple | list) and len(given) == 2 and all(isinstance(one, Tensor) for one in given)
    return pair and given[0].ndim == 2 and given[0].shape == given[1].shape

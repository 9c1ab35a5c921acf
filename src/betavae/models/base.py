"""What a model is here: three pure functions on a dictionary of parameters; an architecture: two lists of layers.

No array library is imported here: what a model costs is reckoned before one is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from betavae.errors import Misuse

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from betavae.types import Params

Shape = tuple[int, int, int]
SLOPE = 0.2
"""Of a leaky ReLU below nought (Kim & Mnih 2018, App. D)."""


class Posterior(NamedTuple):
    """The diagonal Gaussian q(z | x): ``mean`` and ``logvar`` = log σ², each ``[*n, Z]``."""

    mean: Tensor
    logvar: Tensor

    def sample(self, noise: Tensor) -> Tensor:
        """z = μ + σ·noise, the reparameterised sample (Kingma & Welling 2014)."""
        return self.mean + noise * (0.5 * self.logvar).exp()


class Layer(NamedTuple):
    """One layer. ``shape`` is its weight's, as PyTorch lays it: "linear" ``(out, in)``; "halve", a 4x4 convolution of
    stride 2, ``(out, in, 4, 4)``; "double", its transpose, ``(in, out, 4, 4)``. ``then`` is the activation: "relu",
    "tanh", "leaky_relu" (slope 0.2) or "" for none.
    """

    kind: str
    name: str
    shape: tuple[int, ...]
    then: str = ""


class Architecture(NamedTuple):
    """A variational autoencoder as layers: ``encoder`` up to the two linear layers of the posterior, which are not
    named here, ``decoder`` from the codes to the logits of the pixels. ``chunk`` is Model's.
    """

    encoder: tuple[Layer, ...]
    decoder: tuple[Layer, ...]
    chunk: int = 32


class Model(NamedTuple):
    """A variational autoencoder of one architecture, for one image shape and one number of codes.

    ``init(generator)`` draws the parameters; ``encode(params, images [n, C, H, W])`` gives the posterior;
    ``decode(params, codes [n, Z])`` gives the logits of the pixels ``[n, C, H, W]``. ``chunk`` is how many images a CPU
    takes at a time: so many that their activations stay in cache, or that the weights are worth reading once.
    ``products`` is the same function with its convolutions written as matrix products, for many members at once on a
    GPU; None where it has none. ``layers`` is what it was built from; None where it was written as functions.
    """

    name: str
    shape: Shape
    codes: int
    init: Callable[[torch.Generator], Params]
    encode: Callable[[Params, Tensor], Posterior]
    decode: Callable[[Params, Tensor], Tensor]
    chunk: int = 32
    products: Model | None = None
    layers: Architecture | None = None


class Step(NamedTuple):
    """A layer between what it takes and what it gives: an image ``(C, H, W)`` or a row ``(width,)``."""

    layer: Layer
    into: tuple[int, ...]
    out: tuple[int, ...]

    @property
    def macs(self) -> int:
        """Multiply-adds for one image."""
        places = {"halve": math.prod(self.out[1:]), "double": math.prod(self.into[1:])}
        return math.prod(self.layer.shape) * places.get(self.layer.kind, 1)

    @property
    def biases(self) -> int:
        return self.out[0]

    @property
    def parameters(self) -> int:
        return math.prod(self.layer.shape) + self.biases


def walk(layers: Iterable[Layer], shape: tuple[int, ...]) -> Iterator[Step]:
    """The layers one after another from something of this shape on. Raises Misuse at one that does not fit.

    A linear layer takes whatever has as many numbers; a convolution makes a row into square maps of its channels.
    """
    into: tuple[int, ...]
    out: tuple[int, ...]
    for layer in layers:
        kind, weight, size = layer.kind, layer.shape, math.prod(shape)
        if kind == "linear" and len(weight) == 2 and weight[1] == size:
            into, out = (size,), (weight[0],)
        elif kind in ("halve", "double") and len(weight) == 4 and weight[2:] == (4, 4):
            taken, given = (weight[1], weight[0]) if kind == "halve" else weight[:2]
            side = shape[-1] if len(shape) == 3 else math.isqrt(size // taken)
            into = (taken, side, side)
            if (len(shape) == 3 and shape != into) or math.prod(into) != size or (kind == "halve" and side % 2):
                raise _misfit(layer, shape)
            out = (given, side // 2, side // 2) if kind == "halve" else (given, 2 * side, 2 * side)
        else:
            raise _misfit(layer, shape)
        yield Step(layer, into, out)
        shape = out


def whole(made: Architecture, shape: Shape, codes: int) -> tuple[list[Step], list[Step]]:
    """The steps of encoder and decoder; the posterior's two layers end the encoder. Raises Misuse where one does not
    fit, or where what comes out is no image of ``shape``.
    """
    encoder = list(walk(made.encoder, shape))
    width = math.prod(encoder[-1].out if encoder else shape)
    heads = [Step(Layer("linear", name, (codes, width)), (width,), (codes,)) for name in ("mean", "logvar")]
    decoder = list(walk(made.decoder, (codes,)))
    found = decoder[-1].out if decoder else (codes,)
    if math.prod(found) != math.prod(shape) or (len(found) == 3 and found != shape):
        raise Misuse(f"the decoder gives {found}, wanted the images' {shape}")
    return [*encoder, *heads], decoder


def _misfit(layer: Layer, shape: tuple[int, ...]) -> Misuse:
    return Misuse(
        f"layer {layer.name!r} ({layer.kind}, weight {layer.shape}) does not take {shape}; "
        "kinds are linear (out, in), halve (out, in, 4, 4) of an even side, double (in, out, 4, 4)"
    )

"""The architectures by name: functions ``(shape, codes)`` that give an ``Architecture``, or a ``Model``."""

from __future__ import annotations

from typing import NamedTuple

from betavae import errors
from betavae.errors import Misuse, shown
from betavae.models.base import Architecture, Model, Shape, whole
from betavae.names import opened

MODELS: dict[str, str] = {"mlp": "betavae.models.mlp:layers", "conv": "betavae.models.conv:layers"}


class Size(NamedTuple):
    """Multiply-adds per image of the encoder and of the decoder, and how many parameters they have."""

    encoder: int
    decoder: int
    parameters: int


def outline(name: str, shape: Shape, codes: int) -> Architecture | Model:
    """What a name stands for, for images of this shape. Raises Misuse for an unknown name or a shape it does not
    take.
    """
    factory = opened(MODELS, name, "method")
    with errors.made(f"method {shown(name)} for images of {shape}"):
        made: Architecture | Model = factory(shape, codes)
    if not isinstance(made, Architecture | Model):
        raise Misuse(f"method {shown(name)} gives a {type(made).__name__}; wanted an Architecture or a Model")
    return made


def named(name: str, shape: Shape, codes: int) -> Model:
    """The model of a name, for images of this shape. Raises Misuse as ``outline`` does, and where its layers do not
    fit.
    """
    from betavae.models.layers import build

    made = outline(name, shape, codes)
    return made if isinstance(made, Model) else build(name, shape, codes, made)


def size(name: str, shape: Shape, codes: int) -> Size:
    """What the model of a name costs an image, and its parameters: read off its layers, or counted by PyTorch where it
    is written as functions.
    """
    made = outline(name, shape, codes)
    if isinstance(made, Model):
        from betavae.models.layers import counted

        return Size(*counted(made))
    encoder, decoder = whole(made, shape, codes)
    return Size(
        sum(step.macs for step in encoder),
        sum(step.macs for step in decoder),
        sum(step.parameters for step in (*encoder, *decoder)),
    )

"""Encoders from outside as codecs: functions, modules, arrays of codes, scikit-learn transformers.

``encoder_files`` opens those that lie in files.
"""

from __future__ import annotations

import functools
import inspect
import traceback
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from betavae.datasets.base import Dataset
from betavae.errors import BetavaeError, Fault, Misuse, notice
from betavae.representation.base import Codec
from betavae.representation.given import checked as checked
from betavae.representation.given import chosen, real, single

ROWS = 1 << 16
"""Rows of a table that are checked at a time."""
DEEP = 3
"""How far modules are looked for: what a function uses, what that holds, and what it uses in turn."""
TRAINING = "is in training mode: it is run in evaluation mode, and given back in training mode"
LONG = 300
"""Characters of an error's text that are repeated."""


def codec(encoder: Any, dataset: Dataset, name: str = "the encoder", output: str | None = None) -> Codec:
    """Any encoder of a dataset's images as a codec.

    A codec; a callable that maps images ``[n, C, H, W]``, float32 in [0, 1], to codes ``[n, Z]``; an array of codes
    ``[N, Z]``, row i for image i of the whole dataset, checked at once; or an object with ``transform``, as
    scikit-learn's are, which is given the images as NumPy ``[n, C * H * W]``, channel, row, column. A callable may
    also give a distribution, or several parts, of which ``output`` names one (see ``given.chosen``). Modules are run in
    evaluation mode and given back in their own. Raises Misuse for anything else, Fault for a table of which a row is
    not finite.
    """
    if isinstance(encoder, Codec):
        return encoder
    if isinstance(encoder, type):
        raise Misuse(f"{name} is the class {encoder.__name__}; wanted an instance of it, or a function")
    if isinstance(encoder, np.ndarray | Tensor) or hasattr(encoder, "__array__"):
        return _table(encoder, dataset, name)
    if callable(encoder):
        return Codec(-1, Outside(encoder, name, output))
    if callable(getattr(encoder, "transform", None)):
        wide, given = int(np.prod(dataset.shape)), getattr(encoder, "n_features_in_", None)
        if given not in (None, wide):
            shape = " x ".join(map(str, dataset.shape))
            raise Misuse(f"{name} was fitted on {given} numbers; an image of {dataset.name} has {shape} = {wide}")
        return Codec(-1, Outside(lambda images: encoder.transform(images.cpu().flatten(1).numpy()), name, output))
    raise Misuse(
        f"{name} is a {type(encoder).__name__}; wanted a callable from images to codes, an array of codes [N, Z], "
        "or an object with transform"
    )


def _table(given: Any, dataset: Dataset, name: str) -> Codec:
    """A table of codes for every image, all of it checked before any of it counts."""
    if isinstance(given, np.ma.MaskedArray) and np.ma.is_masked(given):
        raise Misuse(f"{name} has masked codes; wanted one for every image")
    codes = given.detach() if isinstance(given, Tensor) else np.asarray(given)
    if isinstance(codes, Tensor) and codes.layout is not torch.strided:
        codes = codes.to_dense()
    if codes.ndim != 2 or len(codes) != dataset.size or codes.shape[1] == 0:
        raise Misuse(
            f"{name} is an array of shape {list(codes.shape)}; wanted codes [N, Z] with a row for each of the "
            f"{dataset.size:,} images of {dataset.name}, in order, and a column for each code"
        )
    real(codes[:1], 1)
    try:
        for first in range(0, dataset.size, ROWS):
            single(codes[first : first + ROWS], first=first)
    except Fault as fault:
        raise Fault(f"{name}: {fault}") from None

    def told(index: Tensor) -> Tensor:
        rows = codes[index.to(codes.device)] if isinstance(codes, Tensor) else codes[index.cpu().numpy()]
        return checked(rows, len(index))

    def blind(images: Tensor) -> Tensor:
        raise Misuse(f"{name} is an array of codes; it has none for images that are not of {dataset.name}")

    return Codec(codes.shape[1], blind, told=told)


class Outside:
    """A stranger's function of images, as a function to checked codes ``[n, Z]``, float32 on the CPU.

    What it raises comes back as a Fault that says where. How its codes were found is said once, in a Notice. Raises
    Misuse for what is no codes, and where one batch has another number of codes than the one before.
    """

    def __init__(self, encode: Callable[[Tensor], Any], name: str, output: str | None = None) -> None:
        self.encode, self.name, self.output = encode, name, output
        self.width: int | None = None
        self._said: set[str] = set()

    def __call__(self, images: Tensor) -> Tensor:
        with torch.no_grad(), evaluating(modules_of(self.encode)) as trained:
            try:
                given = self.encode(images)
            except BetavaeError:
                raise
            except Exception as error:
                raise Fault(f"{self.name} failed on images {list(images.shape)}: {told(error)}") from error
        if trained:
            self._say("mode", TRAINING)
        try:
            part, how = chosen(given, len(images), self.output)
        except BetavaeError:
            raise
        except Exception as error:  # a distribution without a mean, an output whose fields are code
            raise Misuse(f"{self.name} gave a {type(given).__name__} that cannot be read: {told(error)}") from error
        codes = checked(part, len(images))
        if how:
            self._say("part", f"gave {how}")
        if self.width not in (None, codes.shape[1]):
            raise Misuse(f"{self.name} gave {self.width} codes for one image and {codes.shape[1]} for another")
        self.width = codes.shape[1]
        return codes

    def _say(self, what: str, text: str) -> None:
        if what not in self._said:
            self._said.add(what)
            notice(f"{self.name} {text}")


def modules_of(encode: Any) -> list[nn.Module]:
    """The modules that a callable runs, as far as can be seen: itself, whose method it is, what it uses and holds."""
    found: dict[int, Any] = {}
    waiting = [encode]
    for _ in range(DEEP):
        waiting = [each for each in waiting if id(each) not in found]
        found |= {id(each): each for each in waiting}
        waiting = [part for each in waiting if not isinstance(each, nn.Module) for part in _used(each)]
    return [each for each in (*found.values(), *waiting) if isinstance(each, nn.Module)]


def _used(given: Any) -> Iterator[Any]:
    if isinstance(given, functools.partial):
        yield from (given.func, *given.args, *given.keywords.values())
    elif isinstance(given, types.MethodType):
        yield from (given.__self__, given.__func__)
    elif isinstance(given, types.FunctionType):
        try:
            names = inspect.getclosurevars(given)
        except ValueError:  # a variable that has no value yet
            return
        yield from (*names.nonlocals.values(), *names.globals.values(), *(given.__defaults__ or ()))
    elif isinstance(given, list | tuple) and len(given) < 100:
        yield from given
    elif isinstance(given, Mapping) and len(given) < 100:
        yield from given.values()
    elif not isinstance(given, types.ModuleType | type | Tensor | np.ndarray):
        yield from getattr(given, "__dict__", {}).values()


@contextmanager
def evaluating(roots: list[nn.Module]) -> Iterator[bool]:
    """Hold modules in evaluation mode; gives whether any of them was in another. Each is given back in its own."""
    before = {part: part.training for root in roots for part in root.modules()}
    if not any(before.values()):
        yield False
        return
    try:
        for root in roots:
            root.eval()
        yield True
    finally:
        for part, mode in before.items():  # those that hold others come first
            if part.training != mode:
                part.train(mode)


def told(error: BaseException) -> str:
    """An error from a stranger's code: its kind, its text on one line, and where it was raised."""
    said = str(error)
    if "Traceback of TorchScript" in said:  # what went wrong stands last, after pages of where
        said = next((line for line in reversed(said.splitlines()) if line.strip()), said)
        said = said.removeprefix(f"{type(error).__name__}: ")
    said = " ".join(said.split())
    if len(said) > LONG:
        said = f"{said[: LONG // 2]} … {said[-LONG // 2 :]}"
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {said}{where}"

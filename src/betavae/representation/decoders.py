"""Decoders from outside as functions from codes to images, checked: functions, modules, and those that lie in files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from betavae.datasets.base import Dataset
from betavae.errors import BetavaeError, Fault, Misuse, notice
from betavae.representation import onnx_files
from betavae.representation.encoder_files import torchscript
from betavae.representation.encoders import TRAINING, evaluating, modules_of, told
from betavae.representation.imported import imported, named

FORMS = "module:function, file.py:function, model.pt (TorchScript), model.onnx"
ROUNDED = 1e-6
"""Pixels may lie outside [0, 1] by the rounding of single precision."""

Decode = Callable[[Tensor], Tensor]


def decoder(decode: Callable[[Tensor], Any], dataset: Dataset | None, name: str = "the decoder") -> Decode:
    """A stranger's function of codes ``[n, Z]`` as one to images ``[n, C, H, W]`` in [0, 1], float32 on the CPU: of the
    shape of a dataset's, or of any for None.

    Modules are run in evaluation mode and given back in their own; a Notice says so. It raises Misuse for images of
    another shape, or pixels outside [0, 1], and Fault where the function fails.
    """
    if not callable(decode):
        raise Misuse(f"{name} is a {type(decode).__name__}; wanted a function from codes [n, Z] to images")
    said = set[str]()

    def decoded(codes: Tensor) -> Tensor:
        with torch.no_grad(), evaluating(modules_of(decode)) as trained:
            try:
                images = torch.as_tensor(decode(codes))
            except BetavaeError:
                raise
            except Exception as error:
                raise Fault(f"{name} failed on codes {list(codes.shape)}: {told(error)}") from error
        if trained and not said:
            said.add(name)
            notice(f"{name} {TRAINING}")
        wanted = dataset.shape if dataset else tuple(images.shape[-3:])
        if images.ndim != 4 or tuple(images.shape) != (len(codes), *wanted):
            image = f"*{list(dataset.shape)}" if dataset else "C, H, W"
            raise Misuse(f"{name} gave {list(images.shape)} for {len(codes)} codes; wanted [n, {image}]")
        low, high = float(images.min()), float(images.max())
        if not (low >= -ROUNDED and high <= 1 + ROUNDED):
            raise Misuse(f"{name} gave pixels from {low:.3g} to {high:.3g}; wanted 0 to 1: end it with a sigmoid")
        return images.detach().float().cpu()

    return decoded


def opened(text: str, dataset: Dataset) -> tuple[Decode, str]:
    """The decoder that a text names, one of FORMS, and the sha256 of what it came from. Naming it runs it: name only
    what you trust. Raises Misuse for a name that leads nowhere, Fault for a file that is not what it says.
    """
    if named(text):
        found = imported(text, "decoder")
        return decoder(found.what, dataset, text), found.sha256
    path = Path(text)
    if path.suffix.lower() not in (".pt", ".onnx") or not path.is_file():
        raise Misuse(f"{text!r} is no decoder{'' if path.exists() else ' that is there'}; wanted {FORMS}")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    made = torchscript(path) if path.suffix.lower() == ".pt" else onnx_files.decoding(path)
    return decoder(made, dataset, text), digest

"""ONNX files as encoders: what they take and give is read from the file, and said where there is a choice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from betavae.datasets.base import Dataset
from betavae.errors import Fault, Misuse, choose, notice
from betavae.representation.given import MEANS

if TYPE_CHECKING:
    from betavae.types import Array

KINDS = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16}


def opened(path: Path, dataset: Dataset, output: str | None = None) -> Callable[[Tensor], Array]:
    """The function of images ``[n, C, H, W]`` that an ONNX file holds, run on the CPU.

    Of several outputs ``output`` names the one to take, else one named as a mean is, else the first, and a Notice names
    them all. Where the file takes a fixed number of images they are fed so many at a time. Raises Misuse where it needs
    other inputs than these images or onnxruntime is missing, Fault where it is no ONNX model.
    """
    session = _session(path)
    into, outs = session.get_inputs(), session.get_outputs()
    if len(into) != 1:
        raise Misuse(f"{path} takes {len(into)} inputs, {_listed(into)}; wanted one, the images")
    taken = _taken(path, outs, output)
    few = _fits(path, into[0], dataset)
    kind = KINDS.get(into[0].type)
    if kind is None:
        raise Misuse(f"{path} takes {into[0].type}; wanted floats: images in [0, 1]")

    def run(images: Array) -> Array:
        return np.asarray(session.run([taken], {into[0].name: images})[0])

    def encode(images: Tensor) -> Array:
        array = images.cpu().numpy().astype(kind, copy=False)
        if few is None:
            return run(array)
        spare = -len(array) % few  # the last images stand in where a batch is not full
        padded = np.concatenate([array, np.repeat(array[-1:], spare, 0)])
        return np.concatenate([run(part) for part in np.split(padded, len(padded) // few)])[: len(array)]

    return encode


def decoding(path: Path) -> Callable[[Tensor], Array]:
    """The function of codes ``[n, Z]`` that an ONNX file holds: its first output. Raises as ``opened`` does."""
    session = _session(path)
    into, outs = session.get_inputs(), session.get_outputs()
    kind = KINDS.get(into[0].type)
    if len(into) != 1 or len(into[0].shape) != 2 or kind is None:
        raise Misuse(f"{path} takes {_listed(into)}; wanted one input, codes [n, Z]")
    return lambda codes: np.asarray(
        session.run([outs[0].name], {into[0].name: codes.cpu().numpy().astype(kind, copy=False)})[0]
    )


def _session(path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise Misuse(f"{path} needs onnxruntime; pip install 'betavae[export]' brings it") from None
    try:
        return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's own errors have no common type
        raise Fault(f"{path} is no ONNX model: {' '.join(str(error).split())[:200]}") from None


def _taken(path: Path, outs: Any, output: str | None) -> str:
    names = [out.name for out in outs]
    if output is not None:
        return str(choose(dict(zip(names, names, strict=True)), output, f"output of {path}"))
    telling = [name for mean in MEANS for name in names if name.rpartition("/")[2].lower() == mean]
    taken = (telling or names)[0]
    if len(names) > 1:
        notice(f"{path} gives {_listed(outs)}: {taken!r} is taken; another is chosen by name (--output, output=)")
    return str(taken)


def _fits(path: Path, into: Any, dataset: Dataset) -> int | None:
    """How many images the file takes at once; None where any number. Raises Misuse where it takes other images."""
    shape = list(into.shape)
    wanted = list(dataset.shape)
    if len(shape) != 4 or any(isinstance(a, int) and a != b for a, b in zip(shape[1:], wanted, strict=True)):
        raise Misuse(f"{path} takes {_listed([into])}; images of {dataset.name} are [n, {', '.join(map(str, wanted))}]")
    return shape[0] if isinstance(shape[0], int) and shape[0] > 0 else None


def _listed(values: Any) -> str:
    return ", ".join(f"{value.name} [{', '.join(map(str, value.shape))}]" for value in values)

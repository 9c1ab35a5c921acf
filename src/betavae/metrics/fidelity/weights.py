"""Networks trained by others: weights read from a checked file, batch norms folded into the convolutions."""

from __future__ import annotations

import hashlib
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from betavae.errors import Fault


class Layer(NamedTuple):
    """One convolution: ``weight`` ``[out, in, height, width]``, ``bias`` ``[out]``."""

    weight: Tensor
    bias: Tensor


Layers = dict[str, Layer]
EPS = 1e-3
"""Added to the variance by every batch norm of both networks, as TensorFlow has it."""


def read(path: Path, sha256: str) -> dict[str, Tensor]:
    """The tensors of a published weight file, read without running code of its pickle.

    Raises Fault where the file cannot be read, its sha256 is another, or it holds anything but tensors by name.
    """
    if path.exists() and not path.is_file():
        raise Fault(f"cannot read the weights {path}: it is not an ordinary file")
    try:
        with open(path, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != sha256:
            raise Fault(f"{path} is not the published weight file: its sha256 is {found}, not {sha256}; fetch it again")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise Fault(
            f"cannot read the weights {path}: its pickle asks for more than tensors; nothing was run"
        ) from error
    except Fault:
        raise
    except Exception as error:  # a broken file breaks the reader in any of a dozen ways
        reason = " ".join(str(error).split()).partition(". ")[0][:200] or type(error).__name__
        raise Fault(f"cannot read the weights {path}: {reason}; fetch it again") from error
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise Fault(f"cannot read the weights {path}: it holds a {type(state).__name__}, wanted tensors by name")
    return dict(state)


def fold(state: Mapping[str, Tensor], convolution: str, norm: str) -> Layer:
    """The convolution that equals ``norm(convolution(x))`` with the norm's running statistics, folded in float64."""
    weight = state[f"{convolution}.weight"].double()
    mean, variance = state[f"{norm}.running_mean"].double(), state[f"{norm}.running_var"].double()
    scale = state[f"{norm}.weight"].double() / torch.sqrt(variance + EPS)
    folded = (weight * scale[:, None, None, None]).float().contiguous(memory_format=torch.channels_last)
    return Layer(folded, (state[f"{norm}.bias"].double() - mean * scale).float())


def move(layers: Layers, device: torch.device) -> Layers:
    """The same layers on another device."""
    return {name: Layer(layer.weight.to(device), layer.bias.to(device)) for name, layer in layers.items()}

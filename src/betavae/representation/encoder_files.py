"""Encoders that lie in files, by name: arrays, TorchScript, ONNX, exported models, and Python's own."""

from __future__ import annotations

import hashlib
import json
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from betavae.datasets.base import Dataset
from betavae.datasets.files.formats import npy_mapped
from betavae.errors import BetavaeError, Fault, Misuse, choose
from betavae.representation import onnx_files, saved, vae
from betavae.representation.base import Codec
from betavae.representation.encoders import codec, told
from betavae.representation.imported import imported, named

FORMS = (
    "module:function, file.py:function, codes.npy, model.pt (TorchScript), model.onnx, model.safetensors (as exported)"
)
CONFIG = 1 << 20
"""Bytes that the configuration of an exported model may have."""


def opened(text: str, dataset: Dataset, output: str | None = None) -> Codec:
    """The encoder that a text names, one of FORMS; a file's sha256 is in the notes.

    ``output`` names the part that is its codes where it gives several. Naming a module runs it (see ``imported``), and
    a TorchScript archive holds code that runs too: name only what you trust. Raises Misuse for a name that leads
    nowhere or does not fit the images, Fault for a file that is not what it says.
    """
    if named(text):
        found = imported(text, "encoder")
        notes = {"file": text, "sha256": found.sha256} if found.sha256 else {}
        made = codec(found.what, dataset, text, output)
        return made._replace(notes={**made.notes, **notes})
    path = Path(text)
    if path.suffix.lower() not in OPENERS:
        said = f"{text!r} is no encoder; wanted {FORMS}"
        if path.suffix.lower() in saved.SUFFIXES and path.is_file():
            said = saved.told(path)
        raise Misuse(said)
    if not path.is_file():
        raise Misuse(f"{path} is not there; wanted {FORMS}")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    made = codec(OPENERS[path.suffix.lower()](path, dataset, output), dataset, text, output)
    return made._replace(notes={"file": text, "sha256": digest})


def _table(path: Path, dataset: Dataset, output: str | None) -> Any:
    return npy_mapped(path)


def _torchscript(path: Path, dataset: Dataset, output: str | None) -> Any:
    return torchscript(path)


def torchscript(path: Path) -> Any:
    """The module of a TorchScript archive, in evaluation mode. Raises Fault where it is none: what it is instead."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # deprecated, but what people have
        try:
            return torch.jit.load(str(path), map_location="cpu").eval()
        except (RuntimeError, ValueError) as error:
            said = " ".join(str(error).split())[:200]
            raise Fault(saved.told(path) or f"{path} is no TorchScript archive: {said}") from None


def _exported(path: Path, dataset: Dataset, output: str | None) -> Codec:
    """A model that `betavae export` wrote: its weights, and beside them ``config.json``; pixels are the mean of the
    likelihood that this names.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from betavae import models, names
    from betavae.models import MODELS
    from betavae.objectives import LIKELIHOODS

    beside = path.with_name("config.json")
    try:
        with beside.open("rb") as file:
            config = json.loads(file.read(CONFIG))
        name, shape, codes = config["architecture"], tuple(config["shape"]), config["codes"]
        knobs = config.get("cell", {}).get("knobs", {})
        pixels = str(config.get("likelihood", knobs.get("likelihood", "bernoulli")))
        if not (
            isinstance(name, str) and type(codes) is int and 0 < codes <= 4096 and all(type(n) is int for n in shape)
        ):
            raise TypeError("architecture, shape and codes are not those of a model")
        params = load_file(path)
    except FileNotFoundError:
        raise Misuse(f"{path} has no config.json beside it; wanted a model as `betavae export` writes it") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, SafetensorError) as error:
        raise Fault(f"{path} and its config.json are no exported model: {' '.join(str(error).split())[:200]}") from None
    if shape != dataset.shape:
        given, wanted = (" x ".join(map(str, each)) for each in (shape, dataset.shape))
        raise Misuse(f"{path} encodes images of {given}; those of {dataset.name} are {wanted}")
    choose(MODELS, name, "architecture")  # names of the tables alone: a file may not name code
    model = models.named(name, shape, codes)
    try:
        model.encode(params, torch.zeros(1, *shape))
        model.decode(params, torch.zeros(1, codes))
    except BetavaeError:
        raise
    except Exception as error:
        raise Fault(f"{path} does not hold the weights of {name} with {codes} codes: {told(error)}") from None
    kept: dict[str, Tensor] = {key: value.to(dataset.device) for key, value in params.items()}
    if pixels not in LIKELIHOODS:  # a stranger's: its codes are what they are, its pixels are not known
        return vae.codec(model, kept)._replace(decode=None)
    return vae.codec(model, kept, names.opened(LIKELIHOODS, pixels, "likelihood").mean)


OPENERS = {".npy": _table, ".pt": _torchscript, ".onnx": onnx_files.opened, ".safetensors": _exported}

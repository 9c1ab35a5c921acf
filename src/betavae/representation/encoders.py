"""Encoders from outside as codecs: functions, arrays, scikit-learn transformers, TorchScript and ONNX files."""

from __future__ import annotations

import difflib
import hashlib
import importlib
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from betavae.datasets.base import Dataset
from betavae.datasets.files.formats import npy_mapped
from betavae.errors import BetavaeError, Fault, Misuse, unknown
from betavae.representation.base import Codec

FORMS = "module:function, codes.npy, model.pt (TorchScript), model.onnx"


def codec(encoder: Any, dataset: Dataset, name: str = "the encoder") -> Codec:
    """Any encoder of a dataset's images as a codec.

    A codec; a callable that maps images ``[n, C, H, W]``, float32 in [0, 1], to codes ``[n, Z]``, tensor or array; an
    array of codes ``[N, Z]``, row i for image i of the whole dataset; or an object with ``transform``, as
    scikit-learn's are, which is given the images as NumPy ``[n, C * H * W]``, channel, row, column. Raises Misuse for
    anything else.
    """
    if isinstance(encoder, Codec):
        return encoder
    if isinstance(encoder, np.ndarray | Tensor):
        return _table(encoder, dataset, name)
    if callable(encoder):
        return Codec(-1, _guarded(encoder, name))
    if hasattr(encoder, "transform"):
        wide, given = int(np.prod(dataset.shape)), getattr(encoder, "n_features_in_", None)
        if given not in (None, wide):
            shape = " x ".join(map(str, dataset.shape))
            raise Misuse(f"{name} was fitted on {given} numbers; an image of {dataset.name} has {shape} = {wide}")
        return Codec(-1, _guarded(lambda images: encoder.transform(images.cpu().flatten(1).numpy()), name))
    raise Misuse(
        f"{name} is a {type(encoder).__name__}; wanted a callable from images to codes, an array of codes [N, Z], "
        "or an object with transform"
    )


def _table(codes: Any, dataset: Dataset, name: str) -> Codec:
    if codes.ndim != 2 or len(codes) != dataset.size:
        raise Misuse(
            f"{name} is an array of shape {list(codes.shape)}; wanted codes [N, Z] with a row for each of the "
            f"{dataset.size:,} images of {dataset.name}, in order"
        )

    def told(index: Tensor) -> Tensor:
        return codes[index.to(codes.device) if isinstance(codes, Tensor) else index.cpu().numpy()]  # type: ignore[no-any-return]

    def blind(images: Tensor) -> Tensor:
        raise Misuse(f"{name} is an array of codes; it has none for images that are not of {dataset.name}")

    return Codec(codes.shape[1], blind, told=told)


def _guarded(encode: Callable[[Tensor], Any], name: str) -> Callable[[Tensor], Any]:
    """The same function; what it raises comes back as a Fault that says where."""

    def run(images: Tensor) -> Any:
        try:
            return encode(images)
        except BetavaeError:
            raise
        except Exception as error:
            raise Fault(f"{name} failed on images {list(images.shape)}: {_told(error)}") from error

    return run


def _told(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said[:300]} ({Path(last.filename).name}:{last.lineno})"


def checked(given: Any, count: int) -> Tensor:
    """What an encoder gave for ``count`` images as float32 ``[count, Z]`` on the CPU.

    Raises Misuse where it is not of that shape or not real, Fault where a code is not finite.
    """
    try:
        codes = given.detach() if isinstance(given, Tensor) else torch.as_tensor(np.asarray(given))
    except (TypeError, ValueError):
        kind = getattr(given, "dtype", type(given).__name__)
        raise Misuse(f"the encoder gave {kind}; wanted real codes of shape [{count}, Z]") from None
    if codes.ndim != 2 or len(codes) != count or codes.dtype == torch.bool or codes.is_complex():
        raise Misuse(
            f"the encoder gave {codes.dtype} of shape {tuple(codes.shape)} for {count} images; "
            f"wanted real codes of shape [{count}, Z]"
        )
    codes = codes.to("cpu", torch.float32)
    wrong = int((~torch.isfinite(codes)).any(-1).sum())
    if wrong:
        raise Fault(f"the encoder gave codes that are not finite for {wrong} of {count} images; nothing can be scored")
    return codes


def opened(text: str, dataset: Dataset) -> Codec:
    """The encoder that a text names, one of FORMS; a file's sha256 is in the notes.

    Naming a module runs it, and a TorchScript archive holds code that runs too: name only what you trust. Raises Misuse
    for a name that leads nowhere, Fault for a file that is not what it says.
    """
    module, colon, function = text.partition(":")
    if colon and not Path(text).is_file():
        return codec(_imported(module, function), dataset, text)
    path = Path(text)
    opener = {".npy": npy_mapped, ".pt": _torchscript, ".onnx": _onnx}.get(path.suffix.lower())
    if opener is None:
        raise Misuse(f"{text!r} is no encoder; wanted {FORMS}")
    if not path.is_file():
        raise Misuse(f"{path} is not there; wanted {FORMS}")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return codec(opener(path), dataset, text)._replace(notes={"file": text, "sha256": digest})


def _imported(module: str, function: str) -> Any:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found = importlib.import_module(module) if all(map(str.isidentifier, module.split("."))) else None
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):  # something that the module itself wants
            raise Fault(f"{module} cannot be imported: {_told(error)}") from error
        found = None
    except Exception as error:
        raise Fault(f"{module} cannot be imported: {_told(error)}") from error
    if found is None:
        near = difflib.get_close_matches(module, [p.stem for p in Path.cwd().glob("*.py")], n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"run where {module}.py lies, or install it"
        raise Misuse(f"unknown module {module!r}; {hint}")
    if not hasattr(found, function):
        raise unknown(f"name in {module}", function, [name for name in vars(found) if not name.startswith("_")])
    return getattr(found, function)


def _torchscript(path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # deprecated, but what people have
        try:
            return torch.jit.load(str(path), map_location="cpu").eval()
        except (RuntimeError, ValueError) as error:
            said = " ".join(str(error).split())[:200]
            raise Fault(
                f"{path} is no TorchScript archive: {said}; a state_dict holds no model: save one with "
                "torch.jit.save, or name module:function"
            ) from None


def _onnx(path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise Misuse(f"{path} needs onnxruntime; pip install 'betavae[export]' brings it") from None
    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's own errors have no common type
        raise Fault(f"{path} is no ONNX model: {' '.join(str(error).split())[:200]}") from None
    into, out = session.get_inputs()[0].name, session.get_outputs()[0].name
    return lambda images: session.run([out], {into: images.cpu().numpy()})[0]

"""Checkpoints: a state of training as one file that is whole or is not believed, read without pickle.

The file is safetensors with the sha256 of its tensors' bytes as a trailer; the newest that is whole is the one to
go on from.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from betavae.disk import write_atomic

NAME = re.compile(r"step-(\d{1,12})\.safetensors")


class Checkpoint(NamedTuple):
    """What was saved: the step, the tensors by name, and plain notes."""

    step: int
    tensors: dict[str, Tensor]
    meta: dict[str, Any]


def save(folder: Path, step: int, tensors: Mapping[str, Tensor], meta: Mapping[str, Any], keep: int = 2) -> Path:
    """Write a checkpoint, durable when this returns, then remove all but the newest ``keep``. Raises Fault."""
    from safetensors.torch import save as serialise

    body = serialise(dict(tensors), {"meta": json.dumps(dict(meta)), "step": str(step)})
    path = folder / f"step-{step:012d}.safetensors"
    write_atomic(path, body + hashlib.sha256(body).digest())
    for old in _found(folder)[keep:]:
        old.unlink(missing_ok=True)
    return path


def latest(folder: Path, say: Callable[[str], None] = lambda text: None) -> Checkpoint | None:
    """The newest checkpoint that is whole, or None; each one that is not is said and passed over."""
    for path in _found(folder):
        try:
            return _read(path)
        except (ValueError, OSError, KeyError, TypeError, RecursionError) as error:
            say(f"{path} cannot be believed ({str(error)[:120]}); going back to the one before")
    return None


def _found(folder: Path) -> list[Path]:
    named = [p for p in folder.glob("step-*.safetensors") if NAME.fullmatch(p.name) and p.is_file()]
    return sorted(named, reverse=True)


def _read(path: Path) -> Checkpoint:
    from safetensors import SafetensorError
    from safetensors.torch import load

    data = path.read_bytes()
    body, trailer = data[:-32], data[-32:]
    found = hashlib.sha256(body).digest()
    if found != trailer:
        raise ValueError(f"sha256 {found.hex()[:16]}…, its trailer says {trailer.hex()[:16]}…")
    try:
        tensors = load(body)
        size = int.from_bytes(body[:8], "little")
        notes = json.loads(body[8 : 8 + size])["__metadata__"]
    except SafetensorError as error:
        raise ValueError(str(error)) from None
    return Checkpoint(int(notes["step"]), tensors, json.loads(notes["meta"]))

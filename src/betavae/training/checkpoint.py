"""Checkpoints: a state of training as one file that is whole or is not believed, read without pickle.

The file is safetensors with the sha256 of its tensors' bytes as a trailer; the newest that is whole is the one to
go on from.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from betavae.disk import write_atomic

if TYPE_CHECKING:  # telling how far a cell is needs no torch; loading it does
    from torch import Tensor

NAME = re.compile(r"step-(\d{1,12})\.safetensors")


class Checkpoint(NamedTuple):
    """What was saved: the step, the tensors by name, and plain notes."""

    step: int
    tensors: dict[str, Tensor]
    meta: dict[str, Any]


def save(folder: Path, step: int, tensors: Mapping[str, Tensor], meta: Mapping[str, Any], keep: int = 2) -> Path:
    """Write a checkpoint, durable when this returns, then remove all before it but the newest ``keep`` with it.

    The folder has one writer at a time. Raises Unwritable.
    """
    from safetensors.torch import save as serialise

    body = serialise(dict(tensors), {"meta": json.dumps(dict(meta)), "step": str(step)})
    path = folder / f"step-{step:012d}.safetensors"
    write_atomic(path, body + hashlib.sha256(body).digest())
    tidy(folder, keep, step)
    return path


def tidy(folder: Path, keep: int, until: int | None = None) -> None:
    """Remove all checkpoints (at step ``until`` at most) but the newest ``keep``, and what killed writers left."""
    for old in [*_found(folder, until)[keep:], *folder.glob(".step-*.part")]:
        with suppress(OSError):
            old.unlink()


def latest(
    folder: Path,
    say: Callable[[str], None] = lambda text: None,
    *,
    until: int | None = None,
    check: Callable[[Checkpoint], None] = lambda found: None,
) -> Checkpoint | None:
    """The newest checkpoint (at step ``until`` at most) that is whole and passes ``check``, or None.

    Each one that is not whole, or that ``check`` raises ValueError at, is said and passed over.
    """
    for path in _found(folder, until):
        try:
            found = _read(path)
            check(found)
        except (ValueError, OSError, LookupError, TypeError, ArithmeticError, RecursionError) as error:
            say(f"{path} cannot be believed ({str(error)[:120]}); going back to the one before")
        else:
            return found
    return None


def newest(folder: Path) -> int | None:
    """The step of the newest checkpoint, unread, or None."""
    return next((int(path.name[5:-12]) for path in _found(folder)), None)


def _found(folder: Path, until: int | None = None) -> list[Path]:
    """Checkpoint files, the newest first."""
    named = {p: int(m[1]) for p in folder.glob("step-*.safetensors") if (m := NAME.fullmatch(p.name)) and p.is_file()}
    return sorted((p for p, step in named.items() if until is None or step <= until), key=named.__getitem__)[::-1]


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
    if path.name != f"step-{int(notes['step']):012d}.safetensors":
        raise ValueError(f"it holds step {int(notes['step'])}")
    meta = json.loads(notes["meta"])
    if not isinstance(meta, dict):
        raise ValueError(f"its notes are a {type(meta).__name__}, wanted a table")
    return Checkpoint(int(notes["step"]), tensors, meta)

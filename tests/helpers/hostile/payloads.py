"""The makers of hostile files that are no datasets: study files, records, checkpoints, weights, ready arrays.

A pickle made here writes the file ``canary`` into the working folder when it is opened.
"""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from betavae.datasets.files.manifests import Spec
from hostile import npy, npy_says

DEEP = 1_000_000
CANARY = "canary"
SPEC = Spec((6, 4), "u1", "six", 1, {})


CELL = {
    "dataset": "dsprites", "method": "conv", "codes": 10, "seed": 1, "objective": "beta_vae", "knobs": {"beta": 1.0},
    "recipe": {"optimiser": "adam", "learning_rate": 1e-3, "batch": 8, "images": 80}, "fit": None, "quirks": [],
}  # fmt: skip


class Payload:
    """What runs code when a pickle of it is opened."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return exec, (f"open({CANARY!r}, 'w').close()",)


def pickled() -> bytes:
    return pickle.dumps(Payload(), protocol=2)


def study(old: str = "", new: str = "", front: str = "") -> bytes:
    """A study file that would be good, with one piece replaced or put in front."""
    text = """
name = "mine"
[questions.five]
measure = "higgins"
votes = 1000
[[grid]]
dataset = ["dsprites"]
method = ["conv"]
seed = [1, 2, 3]
beta = [1, 4]
recipe = { optimiser = "adam", learning_rate = 5e-4, batch = 256, images = 50_000 }
questions = ["five"]
"""
    assert old in text
    return (front + text.replace(old, new, 1)).encode()


def record(**changes: Any) -> dict[str, Any]:
    """A record that would be good, with some fields changed."""
    plain = {
        "schema": 1, "kind": "fit", "study": {"name": "mine", "scale": "own"}, "cell": CELL,
        "cell_id": "0" * 16, "question": None, "question_id": None, "at": 1.0, "status": "ok", "message": "",
        "scores": {"loss": 1.0}, "notes": {}, "arrays": None, "data": {}, "seconds": 1.0, "images": 1,
        "when": "2026-01-01T00:00:00Z", "machine": {},
    }  # fmt: skip
    return plain | changes


def line(**changes: Any) -> bytes:
    return json.dumps(record(**changes)).encode()


def spliced(old: str, new: str) -> bytes:
    """A record's line with one piece replaced, for what JSON writers will not write."""
    text = line().decode()
    assert old in text
    return text.replace(old, new, 1).encode()


def store(folder: Path, lines: bytes | None = None, study: bytes | None = None) -> Path:
    """A store with one record file, or a ``study.json``; gives the hostile file."""
    (folder / "records").mkdir(parents=True)
    path = folder / "records" / "one.jsonl" if lines is not None else folder / "study.json"
    path.write_bytes(lines + b"\n" if lines is not None else study or b"")
    return path


def jobs(cell: Any, questions: Any = ()) -> bytes:
    """A ``study.json`` of one job."""
    return json.dumps(
        {"schema": 1, "name": "x", "scale": "own", "jobs": [{"cell": cell, "questions": questions}]}
    ).encode()


def safetensors(header: bytes, body: bytes = b"") -> bytes:
    return len(header).to_bytes(8, "little") + header + body


def checkpoint(folder: Path, content: bytes, honest: bool = True) -> Path:
    """A checkpoint of step 1 with this content, its sha256 true unless told otherwise."""
    folder.mkdir(parents=True)
    path = folder / "step-000000000001.safetensors"
    path.write_bytes(content + (hashlib.sha256(content).digest() if honest else bytes(32)))
    return path


def tensors(meta: object = None, shape: tuple[int, ...] = (2,), end: int = 8, **notes: str) -> bytes:
    """A checkpoint's content with one tensor of 8 bytes, of any declared shape and bounds."""
    told = {"meta": json.dumps(meta or {}), "step": "1"} | notes
    header = {"__metadata__": told, "a": {"dtype": "F32", "shape": shape, "data_offsets": [0, end]}}
    return safetensors(json.dumps(header).encode(), bytes(8))


def torch_zip(data: bytes) -> bytes:
    """A file in PyTorch's zip format around any pickle."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/byteorder", b"little")
        archive.writestr("archive/version", b"3\n")
    return file.getvalue()


def torch_saved(value: Any) -> bytes:
    import torch

    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def ready(root: Path, content: bytes | None = None, manifest: bytes | None = None, **changes: Any) -> Path:
    """A ready array whose manifest is honest about its content, unless given; gives the hostile file."""
    home = root / "ready" / "six"
    home.mkdir(parents=True)
    content = npy(np.zeros(SPEC.shape, SPEC.dtype)) if content is None else content
    (home / "images.npy").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    plain = SPEC.plain() | {"bytes": len(content), "sha256": digest, "blocks": [digest]} | changes
    (home / "manifest.json").write_bytes(manifest or json.dumps(plain).encode())
    return home / ("manifest.json" if manifest or changes else "images.npy")


def object_array() -> bytes:
    """A .npy of objects, each a payload."""
    return npy_says((6, 4), "|O", body=pickled())

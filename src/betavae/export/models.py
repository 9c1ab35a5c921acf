"""A trained model as a folder for others: weights, configuration, model card, and ONNX where its packages are here."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from betavae import __version__
from betavae.datasets import outline
from betavae.disk import write_atomic
from betavae.errors import Fault, Misuse
from betavae.export import model_card
from betavae.report.evidence import Evidence
from betavae.study.store import Store
from betavae.study.trained import Trained, cells


def write(stores: Sequence[Store], out: Path, only: Sequence[str]) -> list[Path]:
    """Write a folder named by its cell's id for each trained model whose id begins so (all for none); the files' paths.

    Raises Misuse where no model has such an id.
    """
    chosen = {
        each.cell.id: each
        for store in reversed(stores)  # of a cell of two stores the first has the records, so it has the model
        for each in cells(store)
        if each.cell.recipe and each.cell.id.startswith(tuple(only) or "")
    }
    if not chosen:
        where = ", ".join(str(store.path) for store in stores)
        raise Misuse(f"no trained VAE of {where} has an id that begins with {', '.join(only) or 'anything'}")
    with_onnx = all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime"))
    if not with_onnx:
        print("betavae: no ONNX files without the packages: pip install 'betavae[export]'", file=sys.stderr)
    evidence = Evidence(stores)
    return [path for key, each in sorted(chosen.items()) for path in model(each, out / key, evidence, with_onnx)]


def model(trained: Trained, out: Path, evidence: Evidence, with_onnx: bool = True) -> list[Path]:
    """Write one trained VAE: ``model.safetensors``, ``config.json``, ``README.md``, and two ONNX files if wanted.

    Raises Fault where its last checkpoint is gone or is not its last.
    """
    from safetensors.torch import save

    from betavae import models, objectives
    from betavae.export import onnx
    from betavae.study.jobs.checkpointing import unpack
    from betavae.training import checkpoint

    cell = trained.cell
    assert cell.recipe is not None
    folder = trained.store.path / "checkpoints" / cell.id
    found = checkpoint.latest(folder)
    if found is None or found.step != cell.recipe.steps:
        raise Fault(f"{folder} holds no finished training; the model is gone, train the cell again in a new store")
    shape = outline(cell.dataset)[0]
    built = models.named(cell.method, shape, cell.codes)
    objective = objectives.named(cell.objective or "beta_vae")
    likelihood = objectives.likelihood(objective, dict(cell.knobs))
    # What only training needs, as a critic, is no part of the model.
    params = {k: v.contiguous() for k, v in unpack(found).params.items() if not k.startswith(tuple(objective.groups))}
    config: dict[str, Any] = {
        "library": "betavae",
        "version": __version__,
        "architecture": cell.method,
        "shape": list(shape),
        "codes": cell.codes,
        "parameters": sum(value.numel() for value in params.values()),
        "likelihood": likelihood.name,
        "step": found.step,
        "images": "float32 [n, C, H, W] in [0, 1]",
        "cell": cell.plain(),
        "cell_id": cell.id,
    }
    paths = [out / name for name in ("model.safetensors", "config.json", "README.md")]
    if with_onnx and built.layers is not None:
        config["onnx_difference"] = onnx.write(built, params, out, likelihood)
        paths += [out / "encoder.onnx", out / "decoder.onnx"]
    weights = save(params, {"format": "pt"})
    config["sha256"] = {paths[0].name: hashlib.sha256(weights).hexdigest()}
    write_atomic(paths[0], weights)
    write_atomic(paths[1], json.dumps(config, indent=1, ensure_ascii=False).encode() + b"\n")
    write_atomic(paths[2], model_card.text(cell, config, evidence).encode())
    return paths

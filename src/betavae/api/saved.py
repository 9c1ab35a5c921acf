"""Models on disk and out of stores: ``save`` and ``open``."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from betavae.api import arguments
from betavae.api.model import Model
from betavae.disk import write_atomic
from betavae.errors import Fault, Misuse
from betavae.names import foreign

if TYPE_CHECKING:
    from betavae.datasets.base import Dataset

LARGEST = 64_000_000
"""Bytes of a configuration: beyond that it is none."""
WEIGHTS = 1_000_000_000
"""Bytes of weights, at most: a hundred times an MLP's."""


def save(model: Model, folder: Path) -> Path:
    """Write ``model.safetensors`` and ``config.json``, as ``betavae export`` does, and ``curve.safetensors``."""
    from safetensors.numpy import save as serialise
    from safetensors.torch import save as serialise_weights

    from betavae import __version__, objectives

    built, params, cell = model.codec.model, model.codec.params, model.cell
    if built is None or params is None or cell is None:
        raise Misuse(f"{model.name} is not betavae's to save; keep it as its own library does, and wrap it again")
    config: dict[str, Any] = {
        "library": "betavae",
        "version": __version__,
        "architecture": built.name,
        "shape": list(built.shape),
        "codes": built.codes,
        "parameters": sum(leaf.numel() for leaf in params.values()),
        "likelihood": objectives.likelihood(objectives.named(cell.objective or "beta_vae"), dict(cell.knobs)).name,
        "step": model.steps,
        "images": "float32 [n, C, H, W] in [0, 1]",
        "cell": cell.plain(),
        "cell_id": cell.id,
        "fit": model.fit,
    }
    weights = {key: leaf.detach().cpu().contiguous() for key, leaf in params.items()}
    files = {"model.safetensors": serialise_weights(weights, {"format": "pt"})}
    files["curve.safetensors"] = serialise(dict(model.arrays))
    config["sha256"] = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    for name, data in files.items():
        write_atomic(folder / name, data)
    write_atomic(folder / "config.json", json.dumps(config, indent=1, ensure_ascii=False).encode() + b"\n")
    return folder


def open(what: str | Path, *, cell: str | None = None, data: Dataset | None = None) -> Model:
    """A model from where it lies: a folder that ``save`` or ``betavae export`` wrote, or a study's folder of records
    with the ``cell``'s id, or an id alone (looked up under ``runs/``), or ``"hub://user/name"``, with ``@revision``
    where it must be that one. ``data`` is for a dataset of one's own. No pickle is opened, and weights are held against
    the sha256 beside them.

    Raises Misuse where nothing of that name is there, Fault where what is there cannot be trusted.
    """
    from betavae.api import hub
    from betavae.study import trained

    data = None if data is None else arguments.dataset(data)
    cell = None if cell is None else arguments.text(cell, "cell")
    hubs = isinstance(what, str) and what.startswith(hub.SCHEME)
    path = Path() if hubs else arguments.path(what, "what")
    if cell is not None and (hubs or not (path / "records").is_dir()):
        raise Misuse(f"{str(what)!r} is one model, not a study's folder; leave cell= out")
    if hubs:
        return _saved(hub.fetched(str(what)), data)
    if (path / "config.json").is_file():
        return _saved(path, data)
    if (path / "records").is_dir():
        found = [one for one in trained.cells(trained.stores(path)[0]) if one.cell.recipe]
        if cell is None and len(found) != 1:
            ids = ", ".join(sorted(one.cell.id[:8] for one in found)[:8])
            raise Misuse(f"{path} has {len(found)} trained models; give cell=, one of {ids}")
        return of_store(found[0] if cell is None else trained.find(cell, trained.stores(path)), data)
    if trained.looks_like_id(str(what)):
        return of_store(trained.find(str(what), trained.stores(None)), data)
    raise Misuse(f"{str(what)!r} is no saved model, no study's folder of records, and no cell's id")


def of_store(found: Any, data: Dataset | None = None) -> Model:
    """The model of a trained cell in a store. Raises Fault where its checkpoint is gone."""
    from betavae import datasets
    from betavae.study import trained
    from betavae.study.monitor import cost

    data = data or datasets.load(found.cell.dataset)
    fit = next(r for r in found.store.records() if r["kind"] == "fit" and r["cell_id"] == found.cell.id)
    arrays = found.store.arrays(fit["arrays"]) if fit["arrays"] else {}
    steps = found.cell.recipe.steps if found.cell.recipe else None
    codec = trained.codec(found, data)
    return Model(codec, data, cost.label(found.cell), cell=found.cell, fit=fit, arrays=arrays, steps=steps)


def _checked(path: Path, named: dict[str, str]) -> bytes:
    """The bytes of a file. Raises Fault where they are not those whose sha256 the configuration names."""
    if path.stat().st_size > WEIGHTS:
        raise Fault(f"{path} has {path.stat().st_size:,} bytes; a model of betavae has at most {WEIGHTS:,}")
    raw = path.read_bytes()
    found = hashlib.sha256(raw).hexdigest()
    if named.get(path.name, found) != found:
        raise Fault(f"{path} has sha256 {found}; its config.json names {named[path.name]!s:.64}: fetch it again")
    return raw


def _saved(folder: Path, data: Dataset | None) -> Model:
    from safetensors import SafetensorError
    from safetensors.numpy import load as arrays_of
    from safetensors.torch import load as weights_of

    from betavae import datasets, models, objectives
    from betavae.models import MODELS
    from betavae.representation import vae
    from betavae.study.cells import Cell
    from betavae.study.monitor import cost

    try:
        config = json.loads((folder / "config.json").read_bytes()[:LARGEST])
        cell = Cell.from_plain(config["cell"])
        named = dict(config.get("sha256", {}))
        params = weights_of(_checked(folder / "model.safetensors", named))
        curve = folder / "curve.safetensors"
        arrays = dict(arrays_of(_checked(curve, named))) if curve.is_file() else {}
        step = int(config["step"])
        shape = tuple(int(size) for size in config["shape"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError, SafetensorError) as error:
        said = f"it has no {error}" if isinstance(error, KeyError) else str(error)[:160]
        raise Fault(f"{folder} is no saved model: {said}") from None
    if cell.method not in MODELS:
        raise Fault(f"{folder} is of a method of one's own, {cell.method!r}, whose code no folder holds; open its cell")
    if data is None and cell.dataset not in datasets.DATASETS and not foreign(cell.dataset):
        raise Misuse(f"{folder} was trained on data of one's own, {cell.dataset!r}; give them as data=")
    data = data or datasets.load(cell.dataset)
    if data.shape != shape:
        raise Fault(f"{folder} takes images of {shape}; {data.name} has {data.shape}")
    if cell.id != config.get("cell_id", cell.id):
        raise Fault(f"{folder} says that it is cell {config['cell_id']!r:.40}, but what it holds is {cell.id}")
    if 4 * models.size(cell.method, data.shape, cell.codes).parameters > WEIGHTS:
        raise Fault(f"{folder} has {cell.codes:,} codes; a model of so many has more weights than any that is opened")
    model = models.named(cell.method, data.shape, cell.codes)
    import torch

    fresh = model.init(torch.Generator())
    for key, leaf in fresh.items():
        if key not in params or params[key].shape != leaf.shape:
            raise Fault(f"{folder}: the weights are not those of a {cell.method} of {cell.codes} codes: {key}")
    objective = objectives.named(cell.objective or "beta_vae")
    mean = objectives.likelihood(objective, dict(cell.knobs)).mean
    codec = vae.codec(model, {k: v.to(data.device) for k, v in params.items()}, mean)
    return Model(codec, data, cost.label(cell), cell=cell, fit=config.get("fit"), arrays=arrays, steps=step)

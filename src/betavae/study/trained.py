"""What a store has trained, taken up again: a cell by its id, its codec from the last checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from betavae import trust
from betavae.errors import Fault, Misuse
from betavae.study.cells import Cell
from betavae.study.store import Store

if TYPE_CHECKING:
    from betavae.datasets.base import Dataset
    from betavae.representation.base import Codec

SHORTEST = 4
"""Hexadecimal digits of an id that may stand for it, at least."""


class Trained(NamedTuple):
    """A cell with a fit in a store."""

    store: Store
    cell: Cell


def stores(named: Path | None) -> list[Store]:
    """The store of this folder, or all under ``runs/``, the newest first. Raises Misuse where a folder is none."""
    if named is not None:
        return [Store(named, create=False)]
    found = [p.parent for p in Path("runs").glob("*/records") if p.is_dir()]
    return [Store(p, create=False) for p in sorted(found, key=lambda p: -p.stat().st_mtime)]


def cells(store: Store) -> list[Trained]:
    """Every cell of a store that was trained or fitted to the end."""
    fits = [r for r in store.records() if r["kind"] == "fit" and r["status"] == "ok"]
    trust.use(store.sources())  # what its names stood for; what has changed since is refused
    try:
        return [Trained(store, Cell.from_plain(r["cell"])) for r in fits]
    except (TypeError, ValueError, AttributeError) as error:
        raise Fault(f"{store.path}: a record holds no cell: {error}") from None


def looks_like_id(text: str) -> bool:
    """Whether a text may be a cell's id or its beginning."""
    return SHORTEST <= len(text) <= 16 and not set(text) - set("0123456789abcdef")


def find(text: str, among: Sequence[Store]) -> Trained:
    """The one trained cell whose id begins so. Raises Misuse where there is none, or several."""
    found = [each for store in among for each in cells(store) if each.cell.id.startswith(text)]
    if len({each.cell.id for each in found}) > 1:
        raise Misuse(f"cell {text!r} is any of {', '.join(sorted({e.cell.id for e in found})[:4])}; give more digits")
    if not found:
        where = ", ".join(str(s.path) for s in among) or "runs/"
        raise Misuse(f"no trained cell's id begins with {text!r} in {where}; name its store, or see `betavae status`")
    return found[0]


def codec(trained: Trained, dataset: Dataset) -> Codec:
    """The codec of a trained cell: a VAE from its last checkpoint, a baseline fitted again. Raises Fault where that
    checkpoint is gone, whatever is left of those before it; Misuse for a dataset of images of another shape.
    """
    import torch

    from betavae.study.jobs.checkpointing import unpack
    from betavae.study.jobs.tasks import baseline_of, codec_of, task_of
    from betavae.training import checkpoint

    cell = trained.cell
    if cell.recipe is None:
        return baseline_of(cell, dataset)
    folder = trained.store.path / "checkpoints" / cell.id
    found = checkpoint.latest(folder)
    if found is None:
        raise Fault(f"{folder} holds no checkpoint; the model is gone, train the cell again in a new store")
    state = unpack(found)
    if state.step < cell.recipe.steps and state.diverged is None:
        raise Fault(
            f"{folder} holds step {state.step:,} of {cell.recipe.steps:,}, no finished model: its last checkpoint is "
            f"gone, or cannot be believed; train the cell again in a new store"
        )
    params = {k: v.to(dataset.device) for k, v in state.params.items()}
    task = task_of(replace(cell, train_on=None), dataset)  # of which the rule may name no factor
    wanted = {key: leaf.shape for key, leaf in task.model.init(torch.Generator()).items()}
    parts = {key.partition(".")[0] for key in wanted}  # the rest is the objective's own
    if {key: leaf.shape for key, leaf in params.items() if key.partition(".")[0] in parts} != wanted:
        raise Misuse(f"cell {cell.id} takes images as of {cell.dataset}; those of {dataset.name} have another shape")
    return codec_of(cell, task, params)

"""``fit``: a model trained or fitted in this process, by the engine of a study: the same numbers, the same id."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from betavae.api import arguments
from betavae.api.model import Model
from betavae.errors import Fault, Misuse, choose

if TYPE_CHECKING:
    from betavae.datasets.base import Dataset
    from betavae.study.cells import Cell
    from betavae.study.store import Store
    from betavae.training.recipe import Recipe

FAMILIES = ("dsprites", "shapes3d", "mpi3d", "cifar")
EVERY = 2.0
"""Seconds of training between two checkpoints: what an interrupt may cost."""


@overload
def fit(data: Dataset, method: str = ..., *, seed: int = ..., **words: Any) -> Model: ...
@overload
def fit(data: Dataset, method: str = ..., *, seed: Sequence[int], **words: Any) -> list[Model]: ...
def fit(
    data: Dataset,
    method: str = "conv",
    *,
    seed: int | Sequence[int] = 1,
    images: int | None = None,
    codes: int = 10,
    objective: str | None = None,
    recipe: Recipe | None = None,
    optimiser: str | None = None,
    learning_rate: float | None = None,
    batch: int | None = None,
    fit: int | None = None,
    train_on: str | None = None,
    store: str | Path | None = None,
    quiet: bool = False,
    **knobs: Any,
) -> Model | list[Model]:
    """Train a VAE, or fit PCA or ICA: a ``Model``, or a list of them for a list of seeds.

    ``images`` is the budget in image passes (None: the recipe's, else 50,000); ``knobs`` are the ``objective``'s
    ("beta_vae" unless another is named; ``beta=4``). Without a ``recipe`` it is the
    paper's of the method (Table 4): "conv" Adam at 5e-4 (1e-4 on 3D Shapes), "mlp" Adagrad at 1e-2, in batches of 64
    and 256, and below one epoch of 16 and 32; ``optimiser``, ``learning_rate`` and ``batch`` change one thing of it.
    For PCA and ICA, ``fit`` is the number of images (None: all). ``train_on`` is a rule on factor values, as "posX < 16
    or shape != 2": only images that it keeps are trained on, while scores look at the whole grid. It trains where the
    data is (``load(..., device="cuda")``), on a CPU in one thread. With a ``store``, records and checkpoints are kept
    in that folder, as ``betavae train`` does, and what is done there is not done again.

    Ctrl-C stops the training and gives what is trained so far, of the last two seconds or so. Raises Misuse for what
    cannot be trained, Fault where a training fails or diverges.
    """
    arguments.dataset(data)
    arguments.flag(quiet, "quiet")
    seeds = list(seed) if isinstance(seed, list | tuple | range) else [seed]
    if not seeds:
        raise Misuse("seed is empty; wanted a whole number, or several")
    if len(set(map(repr, seeds))) < len(seeds):
        raise Misuse(f"seed is {seeds}; wanted each seed once")
    changed = {"optimiser": optimiser, "learning_rate": learning_rate, "batch": batch}
    cells = [
        cell(data, method, each, images, codes, objective, recipe, changed, fit, knobs, train_on) for each in seeds
    ]
    with contextlib.ExitStack() as stack:
        kept = stack.enter_context(tempfile.TemporaryDirectory(prefix="betavae-")) if store is None else store
        folder = arguments.path(kept, "store")
        models = _trained(cells, data, folder, quiet)
    return models if isinstance(seed, list | tuple | range) else models[0]


def cell(
    data: Dataset,
    method: str,
    seed: Any,
    images: int | None,
    codes: int,
    objective: str | None,
    recipe: Recipe | None,
    changed: dict[str, Any],
    fit: int | None,
    knobs: dict[str, Any],
    train_on: str | None = None,
) -> Cell:
    """The cell that these words name: the one a study file of the same words holds. Raises Misuse."""
    from betavae import names, objectives
    from betavae.models import MODELS
    from betavae.representation import METHODS
    from betavae.study.cells import Cell, pairs
    from betavae.study.grid_file import rule_of
    from betavae.training import OPTIMISERS

    given = {key: value for key, value in changed.items() if value is not None}
    trains = {"images": images, "objective": objective, "recipe": recipe}
    trained = [*given, *(name for name, value in trains.items() if value is not None)]
    method, objective = arguments.text(method, "method"), arguments.text(objective or "beta_vae", "objective")
    rule = None if train_on is None else rule_of(train_on, method)
    seed, codes = arguments.whole(seed, "seed", 0), arguments.whole(codes, "codes", 1)
    images = 50_000 if images is None else arguments.whole(images, "images", 1)
    fit = None if fit is None else arguments.whole(fit, "fit", 2)
    if method not in MODELS and not (names.foreign(method) and trained):  # with a recipe it is an architecture
        if not names.foreign(method):
            choose(dict.fromkeys([*MODELS, *METHODS]), method, "method")
        known = names.knobs(METHODS, method, "method")
        for name in [*trained, *(name for name in knobs if name not in known)]:
            raise Misuse(f"{name} is for {' and '.join(MODELS)}; {method} is fitted")
        for name, value in knobs.items():
            if known[name].choices:
                choose(dict.fromkeys(known[name].choices), value, name)
        return Cell(data.name, method, codes, seed, knobs=pairs(knobs), fit=fit, train_on=rule)
    if fit is not None:
        raise Misuse(f"fit is for pca and ica; {method} is trained on images")
    chosen = objectives.named(objective)
    knobs = objectives.said(chosen, knobs)
    if "optimiser" in given:
        choose(dict.fromkeys(OPTIMISERS), given["optimiser"], "optimiser")
    if "learning_rate" in given:
        given["learning_rate"] = arguments.positive(given["learning_rate"], "learning_rate")
    if "batch" in given:
        given["batch"] = arguments.whole(given["batch"], "batch", 1)
    if {"images", "recipe"} <= set(trained):
        raise Misuse("images and recipe both say how long to train; leave images out")
    made = replace(arguments.recipe(recipe) or usual(data, method, images), **given)
    if made.weight_decay and made.optimiser != "adamw":
        raise Misuse(f"weight_decay is {made.weight_decay:g}, and {made.optimiser} has none; wanted optimiser adamw")
    return Cell(data.name, method, codes, seed, objective, pairs(knobs), made, train_on=rule)


def usual(data: Dataset, method: str, images: int) -> Recipe:
    """The recipe of a method on a dataset where none is given: the paper's, or of its kind for data that is not its."""
    from betavae.paper.study import recipe
    from betavae.training.recipe import Recipe

    family = next((name for name in FAMILIES if data.name.startswith(name)), None)
    if family:
        return recipe(family, method, images)
    short = images < data.size
    if method == "mlp":
        return Recipe("adagrad", 1e-2, 32 if short else 256, images)
    return Recipe("adam", 5e-4, 16 if short else 64, images)


def _trained(cells: Sequence[Cell], data: Dataset, folder: Path, quiet: bool) -> list[Model]:
    """Do the cells in this process, and give their models: after an interrupt those that are whole, and what there is
    of the one that was met; with nothing yet the interrupt goes on.
    """
    from betavae.study.cells import Job
    from betavae.study.jobs.context import StoreContext
    from betavae.study.jobs.perform import perform
    from betavae.study.leases import try_lease
    from betavae.study.monitor.forecast import predict
    from betavae.study.monitor.progress import Progress
    from betavae.study.settings import Settings
    from betavae.study.store import Store

    jobs, store, device = [Job(each, ()) for each in cells], Store(folder), str(data.device)
    with Progress(jobs, 1, predict(jobs, 1, device), quiet=quiet) as progress, contextlib.ExitStack() as stack:
        stack.enter_context(_one_thread())
        study: dict[str, Any] = {"name": "fit", "scale": "own"}
        say = lambda message: progress.hear(0, message)  # noqa: E731
        context = StoreContext(store, study, Settings(device=device, every=EVERY), say)
        for key in sorted(job.cell.id for job in jobs):  # in one order, so that no two runs wait for each other
            lease = try_lease(store, key, wait=True)
            if lease:
                stack.enter_context(lease)
        context.refresh()
        _same_images(cells, store, data)
        try:  # a CPU trains one after the other: what an interrupt meets then is one training, and the others are whole
            for part in [[job] for job in jobs] if device == "cpu" else [jobs]:
                perform(part, context, dataset=data)
            stopped = False
        except KeyboardInterrupt:
            stopped = True
    fits = {r["cell_id"]: r for r in store.records() if r["kind"] == "fit"}
    given = [_whole(each, fits[each.id], store, data) for each in cells if each.id in fits]
    parts = [_part(each, store, data) for each in cells if each.id not in fits] if stopped else []
    given += [part for part in parts if part is not None]
    if stopped and not given:
        raise KeyboardInterrupt
    return given


def _same_images(cells: Sequence[Cell], store: Store, data: Dataset) -> None:
    """Raises Misuse where a store has one of these cells of another dataset of this name."""
    fits = {r["cell_id"]: r for r in store.records() if r["kind"] == "fit"}
    for each in cells:
        if (before := fits.get(each.id, {}).get("data")) and before["digest"] != data.digest:
            raise Misuse(
                f"{store.path} holds {_label(each)} of other images or labels named {data.name!r}, sha256 "
                f"{before['digest'][:12]}; these have {data.digest[:12]}: give them another name, or another store"
            )


def _whole(cell: Cell, record: dict[str, Any], store: Store, data: Dataset) -> Model:
    from betavae.api.saved import of_store
    from betavae.study.trained import Trained

    if record["status"] != "ok":
        what = "diverged" if record["status"] == "diverged" else "failed"
        raise Fault(f"{_label(cell)} {what}: {record['message']}")
    return of_store(Trained(store, cell), data)


def _part(cell: Cell, store: Store, data: Dataset) -> Model | None:
    """The model of a training that was stopped, from its newest checkpoint; None where there is none yet."""
    from betavae.study.jobs.checkpointing import unpack
    from betavae.study.jobs.fit import arrays_of
    from betavae.study.jobs.tasks import codec_of, task_of
    from betavae.training import checkpoint

    found = checkpoint.latest(store.path / "checkpoints" / cell.id)
    if found is None or cell.recipe is None:
        return None
    task, state = task_of(cell, data), unpack(found)
    print(f"betavae: {_label(cell)} stopped; this is step {found.step:,} of {cell.recipe.steps:,}", file=sys.stderr)
    codec = codec_of(cell, task, {k: v.to(data.device) for k, v in state.params.items()})
    return Model(codec, data, _label(cell), cell=cell, arrays=arrays_of(task, state), steps=found.step)


def _label(cell: Cell) -> str:
    from betavae.study.monitor import cost

    return cost.label(cell)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """PyTorch in one thread: on a busy machine several wait for each other at every step."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)

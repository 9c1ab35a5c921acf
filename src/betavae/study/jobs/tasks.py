"""What a cell says made into what is run: its task of training, its fitted baseline, the codec of its parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betavae import models, objectives
from betavae.datasets.base import Dataset
from betavae.datasets.rules import restricted
from betavae.errors import Misuse
from betavae.representation import fitted, vae
from betavae.representation.base import Codec
from betavae.study.cells import Cell
from betavae.training.gradient import Task

if TYPE_CHECKING:
    from betavae.types import Params


def baseline_of(cell: Cell, dataset: Dataset) -> Codec:
    """The codec of a cell that is fitted, on the images that its rule keeps. Raises Misuse."""
    seen = restricted(dataset, cell.train_on, cell.fit or 2)
    codec = fitted(cell.method, seen, codes=cell.codes, seed=cell.seed, fit=cell.fit, **dict(cell.knobs))
    if codec.told and cell.train_on:
        raise Misuse(f"{cell.method} goes by the numbers of images, not by pixels; train_on would change these")
    return codec


def task_of(cell: Cell, dataset: Dataset) -> Task:
    """The task that a VAE's cell belongs to; its images are those that the cell's rule keeps. Raises Misuse."""
    assert cell.recipe is not None
    model = models.named(cell.method, dataset.shape, cell.codes)
    seen = restricted(dataset, cell.train_on, cell.recipe.batch)
    return Task(seen, model, objectives.named(cell.objective or "beta_vae"), cell.recipe)


def codec_of(cell: Cell, task: Task, params: Params) -> Codec:
    """The codec of a VAE's cell with these parameters."""
    return vae.codec(task.model, params, objectives.likelihood(task.objective, dict(cell.knobs)).mean)

"""What a caller gives to Python's verbs, checked where it enters: a mistake is told in one line, whatever it is."""

from __future__ import annotations

import operator
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from betavae.errors import Misuse, shown

if TYPE_CHECKING:  # a study is planned without PyTorch
    from torch import Tensor

    from betavae.api.model import Model
    from betavae.datasets.base import Dataset
    from betavae.training.recipe import Recipe


def dataset(given: Any, model: Model | None = None) -> Dataset:
    """A dataset; that of a model for None. Raises Misuse for anything else, and where the model has none."""
    if given is None and model is not None:
        return model.data
    from betavae.datasets.base import Dataset

    if not isinstance(given, Dataset):
        raise Misuse(f"data is {shown(given)}; wanted a dataset, of betavae.load, from_array or from_table")
    return given


def model(given: Any) -> Model:
    """A model. Raises Misuse for anything else."""
    from betavae.api.model import Model

    if not isinstance(given, Model):
        raise Misuse(f"model is {shown(given)}; wanted a Model, of betavae.fit, open or wrap")
    return given


def recipe(given: Any) -> Recipe | None:
    """A recipe, or None for the usual one. Raises Misuse for anything else."""
    from betavae.training.recipe import Recipe

    if given is not None and not isinstance(given, Recipe):
        raise Misuse(f"recipe is {shown(given)}; wanted a Recipe of betavae.training.recipe")
    return given


def path(given: Any, name: str) -> Path:
    """A path. Raises Misuse for what is none."""
    if not isinstance(given, str | os.PathLike) or not isinstance(os.fspath(given), str) or "\0" in os.fspath(given):
        raise Misuse(f"{name} is {shown(given)}; wanted a path")
    try:
        Path(given).exists()
    except OSError as error:  # too long, a loop of links, in a folder that may not be read
        raise Misuse(f"{name} is {shown(given)}, which cannot be: {error.strerror}") from None
    return Path(given)


def text(given: Any, name: str) -> str:
    """A string. Raises Misuse for anything else."""
    if not isinstance(given, str):
        raise Misuse(f"{name} is {shown(given)}; wanted a string")
    return given


def flag(given: Any, name: str) -> bool:
    """True or False. Raises Misuse for anything else."""
    if not isinstance(given, bool):
        raise Misuse(f"{name} is {shown(given)}; wanted True or False")
    return given


def whole(given: Any, name: str, least: int) -> int:
    """A whole number of any integer type, from ``least`` on. Raises Misuse for anything else."""
    try:
        number = least - 1 if isinstance(given, bool) else operator.index(given)
    except (TypeError, ValueError):
        number = least - 1
    if not least <= number < 2**63:
        raise Misuse(f"{name} is {shown(given)}; wanted a whole number from {least} on")
    return number


def positive(given: Any, name: str) -> float:
    """A finite number above 0. Raises Misuse for anything else."""
    try:
        number = 0.0 if isinstance(given, bool | str | bytes) else float(given)
    except (TypeError, ValueError, OverflowError):
        number = 0.0
    if not 0 < number < float("inf"):
        raise Misuse(f"{name} is {shown(given)}; wanted a number above 0")
    return number


def numbers(given: Any, what: str) -> Tensor:
    """Numbers as float32. Raises Misuse for what holds none."""
    import torch

    try:
        return torch.as_tensor(given, dtype=torch.float32)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise Misuse(f"{what} are {shown(given)}; wanted numbers: {' '.join(str(error).split())[:120]}") from None

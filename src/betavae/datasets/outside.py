"""Datasets by code from outside: a function of a file or package that the user trusts, called once a process."""

from __future__ import annotations

import inspect
from dataclasses import replace
from functools import lru_cache

import torch

from betavae import errors, trust
from betavae.datasets.base import Dataset
from betavae.errors import Misuse, shown


def load(name: str, device: torch.device) -> Dataset:
    """What ``file.py:function`` gives: a Dataset, its images on ``device``, wherever the function leaves them.

    The function takes nothing, or ``device``. Raises Misuse where the user does not trust it or it gives no Dataset,
    Fault where it fails.
    """
    return _made(name, trust.opened(name, "dataset"), device)


@lru_cache(maxsize=4)
def _made(name: str, function: object, device: torch.device) -> Dataset:
    if not callable(function):
        raise Misuse(f"dataset {shown(name)} is a {type(function).__name__}; wanted a function that gives a Dataset")
    with errors.made(f"dataset {shown(name)}"):
        takes = inspect.signature(function).parameters
        made = function(device=device) if "device" in takes else function()
    if not isinstance(made, Dataset):
        raise Misuse(f"dataset {shown(name)} gives a {type(made).__name__}; wanted a betavae.Dataset")
    if made.device == device:
        return made
    renderer, home = made.renderer, made.device
    return replace(made, device=device, renderer=lambda index: renderer(index.to(home)).to(device))

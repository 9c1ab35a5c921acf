"""betavae: run a whole β-VAE study and tell the truth about it.

The public names; importing this package imports neither PyTorch nor NumPy until one of them is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from betavae import metrics as metrics
    from betavae.api.figures import matrix as matrix
    from betavae.api.figures import traverse as traverse
    from betavae.api.model import Model as Model
    from betavae.api.pages import explore as explore
    from betavae.api.saved import open as open
    from betavae.api.scores import score as score
    from betavae.api.stores import records as records
    from betavae.api.stores import run as run
    from betavae.api.training import fit as fit
    from betavae.api.wrapped import wrap as wrap
    from betavae.datasets import load as load
    from betavae.datasets.base import Dataset as Dataset
    from betavae.datasets.own import from_array as from_array
    from betavae.datasets.own import from_table as from_table
    from betavae.errors import BetavaeError as BetavaeError
    from betavae.errors import Fault as Fault
    from betavae.errors import Misuse as Misuse
    from betavae.errors import Notice as Notice
    from betavae.factors import Factors as Factors
    from betavae.metrics.base import evaluate as evaluate

__version__ = "0.1.0"

_HOMES = {
    "load": "betavae.datasets",
    "fit": "betavae.api.training",
    "Model": "betavae.api.model",
    "score": "betavae.api.scores",
    "traverse": "betavae.api.figures",
    "matrix": "betavae.api.figures",
    "open": "betavae.api.saved",
    "run": "betavae.api.stores",
    "records": "betavae.api.stores",
    "explore": "betavae.api.pages",
    "wrap": "betavae.api.wrapped",
    "Dataset": "betavae.datasets.base",
    "from_array": "betavae.datasets.own",
    "from_table": "betavae.datasets.own",
    "Factors": "betavae.factors",
    "evaluate": "betavae.metrics.base",
    "BetavaeError": "betavae.errors",
    "Fault": "betavae.errors",
    "Misuse": "betavae.errors",
    "Notice": "betavae.errors",
}

__all__ = [
    "BetavaeError",
    "Dataset",
    "Factors",
    "Fault",
    "Misuse",
    "Model",
    "Notice",
    "evaluate",
    "explore",
    "fit",
    "from_array",
    "from_table",
    "load",
    "matrix",
    "metrics",
    "open",
    "records",
    "run",
    "score",
    "traverse",
    "wrap",
]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    if name in ("metrics", "names", "explorer"):
        return importlib.import_module(f"betavae.{name}")
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'betavae' has no attribute {name!r}")

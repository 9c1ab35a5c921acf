"""Randomness from names: what is drawn depends on who draws it, never on when, where or beside whom.

A name is any sequence of numbers and strings; its canonical JSON is hashed to a seed. So ``generator(123, "noise",
7)`` is the same stream in every process, on every machine and for every device: draws are made on the CPU and moved.
"""

from __future__ import annotations

import hashlib
import json
import operator

import numpy as np
import torch

from betavae.errors import Misuse, shown


def seed(*names: int | str | float) -> int:
    """The 63-bit seed that belongs to a name."""
    text = json.dumps(names, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def whole(given: object) -> int:
    """A seed as a person gives it: a whole number from 0 to 2**63 - 1, of any integer type. Raises Misuse."""
    try:
        number = -1 if isinstance(given, bool) else operator.index(given)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = -1
    if not 0 <= number < 2**63:
        raise Misuse(f"seed is {shown(given)}; wanted a whole number from 0 on")
    return number


def generator(*names: int | str | float) -> torch.Generator:
    """A CPU generator that belongs to a name."""
    return torch.Generator().manual_seed(seed(*names))


def numpy_generator(*names: int | str | float) -> np.random.Generator:
    """The NumPy counterpart of ``generator``, for libraries that draw with NumPy."""
    return np.random.default_rng(seed(*names))


def spawn_seed(source: torch.Generator) -> int:
    """A seed below 2**32 drawn from a generator, for scikit-learn's ``random_state``."""
    return int(torch.randint(2**32 - 1, (), generator=source, dtype=torch.int64))

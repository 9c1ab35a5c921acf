"""What this machine gives now: the rate of a core, and how much of its cores' time other work leaves. Measured in a
blink, whenever a run is forecast.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import math
import sys
import threading
import time
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from betavae.datasets.files import cache
from betavae.disk import Unwritable, write_atomic
from betavae.study import machine
from betavae.study.monitor.measured import NOTHING, Measured, known

SIDE, ROUNDS = 1024, 6
LOOK = 0.25
"""Seconds for which every core is asked for."""
LEAST = 0.02
"""Share of the cores' time that is assumed at the least."""


class Pace(NamedTuple):
    """Multiply-adds a second of one core; the cores; the share of their time that is free; and what was measured."""

    rate: float
    cores: int
    free: float = 1.0
    measured: Measured = NOTHING

    @property
    def load(self) -> str:
        """How busy the machine is, in words."""
        return f"{self.free:.0%} of the time of its cores free now"


@lru_cache(maxsize=8)
def pace(workers: int) -> Pace:
    """What so many workers would be given if they began now."""
    cores = machine.cores()
    return Pace(product_rate(), cores, free(min(workers, cores)), known())


@lru_cache(maxsize=1)
def product_rate() -> float:
    """Multiply-adds per second of one core in a single-precision matrix product, by the core's own clock: the best of a
    few, whatever else is going on.

    The best that was ever seen of this processor is remembered beside the drawn datasets, so that a plan, which trains
    nothing, need not import PyTorch to measure it again.
    """
    path = cache.folder() / "pace.json"
    kind = f"{machine.cpu()}, torch {importlib.metadata.version('torch')}"
    kept = _remembered(path)
    if "torch" not in sys.modules and kind in kept:
        return kept[kind]
    rate = max(_measured(), kept.get(kind, 0.0))
    with contextlib.suppress(Unwritable):  # a forecast does without
        write_atomic(path, json.dumps({**kept, kind: rate}, indent=1).encode())
    return rate


def _remembered(path: Path) -> dict[str, float]:
    """The rates kept in a file by processor; none where it is absent or holds something else."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return {str(kind): float(rate) for kind, rate in told.items() if 1e6 < float(rate) < 1e15}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def _measured() -> float:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    a, b = torch.ones(SIDE, SIDE), torch.ones(SIDE, SIDE)
    best = math.inf
    for _ in range(ROUNDS):
        begun = time.thread_time()
        a @ b
        best = min(best, time.thread_time() - begun)
    torch.set_num_threads(before)
    return SIDE**3 / best


def free(threads: int, seconds: float = LOOK) -> float:
    """The share of their time that so many busy threads are given."""
    import numpy as np
    from threadpoolctl import threadpool_limits

    spent = [0.0] * threads
    until = time.perf_counter() + seconds

    def busy(k: int) -> None:
        a, begun = np.ones((256, 256), np.float32), time.thread_time()
        while time.perf_counter() < until:
            a @ a
        spent[k] = time.thread_time() - begun

    with threadpool_limits(1):
        begun = time.perf_counter()
        all_ = [threading.Thread(target=busy, args=(k,)) for k in range(threads)]
        for each in all_:
            each.start()
        for each in all_:
            each.join()
    return max(LEAST, min(1.0, sum(spent) / (threads * (time.perf_counter() - begun))))

"""How long a run will take: what ``cost`` reckons of each job, laid out over a machine's workers or beside a GPU."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from betavae.study import cost
from betavae.study.cells import Job

GPU_PASSES = 300_000.0
"""Images per second assumed of one large GPU for the convolutional VAE at 1×64², where none was measured."""
MEASURED = Path("results/bench")
"""Where ``make gpu-check`` leaves what it measured."""
BEGIN = 6.0
"""Seconds that workers take to begin."""


def predict(jobs: Sequence[Job], workers: int, device: str = "cpu") -> float:
    """Wall seconds the jobs should take: datasets are drawn, then each worker takes the longest job left.

    With a GPU one of the workers trains on it and the others put the questions meanwhile; those of the job that is
    trained last come after.
    """
    drawing = cost.drawing(jobs)
    if device == "cpu":
        return BEGIN + _makespan(drawing + [cost.cost(job).seconds for job in jobs], workers)
    rate, usual = gpu_rate()[0], sum(cost.macs("conv", (1, 64, 64), 10))
    training, resting = 0.0, []
    for job in jobs:
        cell, seconds = job.cell, cost.cost(job).seconds
        if cell.recipe:
            share = sum(cost.macs(cell.method, cost.shape_of(cell.dataset), cell.codes)) / usual
            training += cell.recipe.steps * cell.recipe.batch * share / rate
            seconds += cost.OPEN - cost.cost(Job(cell, ())).seconds
        resting.append(seconds)
    return BEGIN + sum(drawing) + max(training + max(resting, default=0.0), _makespan(resting, max(1, workers - 1)))


def _makespan(seconds: Sequence[float], workers: int) -> float:
    clocks = [0.0] * max(1, min(workers, len(seconds)))
    for each in sorted(seconds, reverse=True):
        clocks[clocks.index(min(clocks))] += each
    return max(clocks)


def gpu_rate() -> tuple[float, str]:
    """Images per second of the fastest GPU that was measured here, and its name; what is assumed and "" without one."""
    rates = []
    for path in MEASURED.glob("*.json"):
        try:
            told = json.loads(path.read_text())
            if told["kind"] == "gpu":
                rate = float(told["results"]["population conv"]["images per second, as the package runs it"])
                rates.append((max(rate, 1.0), path.stem))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return max(rates, default=(GPU_PASSES, ""))

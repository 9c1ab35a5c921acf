"""``python -m benchmarks.objectives [ROUNDS]``: what each objective costs beside the β-VAE, and what was reckoned.

One core, the convolutional VAE on 1×64² images in batches of 64. Objectives take turns in one process, and a ratio is
the median over the rounds of one turn's seconds over those of the β-VAE's turn in the same round: a busy machine slows
both. ``reckoned`` is the ratio of the operations that the forecast counts, which knows products and no memory.
"""

from __future__ import annotations

import statistics
import sys
import time

import torch

from betavae import models, objectives
from betavae.datasets import load
from betavae.objectives import OBJECTIVES
from betavae.study import machine
from betavae.study.cells import Cell
from betavae.study.monitor import cost
from betavae.training import single
from betavae.training.gradient import Task
from betavae.training.recipe import Recipe
from betavae.training.single import Member

BATCH, CODES = 64, 10
STEPS = 4
"""Steps of one turn."""
FIRST = "beta_vae"


def turn(task: Task, state: single.State) -> float:
    """Seconds of one turn, which goes on from the state."""
    begun = time.perf_counter()
    single.advance(task, Member(1, {}), state, state.step + STEPS)
    return time.perf_counter() - begun


def ratios(rounds: int) -> dict[str, tuple[float, float]]:
    """Of each objective the seconds and the operations of a step beside the β-VAE's."""
    data = load("dsprites")
    model = models.named("conv", data.shape, CODES)
    recipe = Recipe("adam", 1e-4, BATCH, BATCH * 10**6)
    tasks = {name: Task(data, model, objectives.named(name), recipe) for name in OBJECTIVES}
    states = {name: single.start(task, Member(1, {})) for name, task in tasks.items()}
    took: dict[str, list[float]] = {name: [] for name in OBJECTIVES}
    for k in range(rounds + 1):
        for name, task in tasks.items():
            seconds = turn(task, states[name])
            if k:  # the first warms up
                took[name].append(seconds)
    usual = cost.work(Cell("dsprites", "conv", CODES, 1, FIRST))
    return {
        name: (
            statistics.median(a / b for a, b in zip(took[name], took[FIRST], strict=True)),
            cost.work(Cell("dsprites", "conv", CODES, 1, name)) / usual,
        )
        for name in OBJECTIVES
    }


def main(arguments: list[str]) -> int:
    """Print the table."""
    torch.set_num_threads(1)
    machine.hold_memory()  # as every worker does
    rounds = int(arguments[0]) if arguments else 12
    print(f"one core of {machine.cpu()}, batches of {BATCH}, {rounds} rounds of {STEPS} steps\n")
    print(f"{'objective':<14} {'seconds':>8} {'reckoned':>9}   beside {FIRST}")
    for name, (seconds, reckoned) in ratios(rounds).items():
        print(f"{name:<14} {seconds:>8.2f} {reckoned:>9.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

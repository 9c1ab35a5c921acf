"""Training rates: ours and the plain way side by side in one process, in workers, and as populations.

python -m benchmarks.training SECONDS UNTIL    one worker's rate, measured from UNTIL on (seconds of the epoch)
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

import torch

from benchmarks import machines
from benchmarks.plain import Plain
from betavae.training import population, single
from betavae.training.single import Member, Task

ROUNDS = 3


def member(seed: int) -> Member:
    return Member(seed, {"beta": 4.0})


class Ours:
    """One member's training by the package; ``rate(steps)`` goes on with it and says images per second."""

    def __init__(self, task: Task) -> None:
        self.task, self.state = task, single.start(task, member(1))

    def rate(self, steps: int) -> float:
        begun = time.perf_counter()
        single.advance(self.task, member(1), self.state, self.state.step + steps)
        return steps * self.task.recipe.batch / (time.perf_counter() - begun)


def case(name: str) -> dict[str, float]:
    """Best rates of a few rounds, ours, the plain way and the matrix product in turns; ratios first."""
    task, pixels = machines.task(name)
    batch = task.recipe.batch
    steps = max(2, 768 // batch)
    ours, plain = Ours(task), Plain(task.model.name, pixels, task.model.codes, batch)
    ours.rate(1)
    plain.rate(1)
    rounds = [(ours.rate(steps), plain.rate(steps), machines.product()) for _ in range(ROUNDS)]
    mine, theirs, product = (max(column) for column in zip(*rounds, strict=True))
    floor = machines.floor(task)
    return {
        "ours / plain": mine / theirs,
        "share of the matrix product": mine * floor["operations per image"] / product,
        "images per second": mine,
        "plain images per second": theirs,
        "matrix product, operations per second": product,
        **floor,
    }


def populations(name: str = "conv 3x32x32", sizes: tuple[int, ...] = (1, 2, 4, 8)) -> dict[str, float]:
    """Images per second of M members in one program over those one by one, on this CPU: why it stacks none."""
    task, _ = machines.task(name)
    found = {}
    for size in sizes:
        members = [member(k) for k in range(size)]
        rates = []
        for together in (True, False):
            states = [single.start(task, m) for m in members]
            states = population.advance(task, members, states, 1, together=together)
            begun = time.perf_counter()
            population.advance(task, members, states, 3, together=together)
            rates.append(2 * size * task.recipe.batch / (time.perf_counter() - begun))
        found[f"{size} together / one by one"] = rates[0] / rates[1]
    return found


def workers(counts: tuple[int, ...] = (1, 2), lasting: float = 8.0) -> dict[str, float]:
    """Images per second of the convolutional VAE in processes of one thread each, over those of one process."""
    rates = {}
    for count in counts:
        until = time.time() + 12.0
        command = [sys.executable, "-m", "benchmarks.training", str(lasting), str(until)]
        crew = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(count)]
        rates[count] = sum(json.loads(one.communicate()[0]) for one in crew)
    return {f"{count} / 1": rate / rates[1] for count, rate in rates.items()}


def _worker(lasting: float, until: float) -> float:
    torch.set_num_threads(1)
    ours = Ours(machines.task("conv 1x64x64")[0])
    while time.time() < until:
        ours.rate(1)
    begun, steps = time.perf_counter(), 0
    while time.perf_counter() - begun < lasting:
        ours.rate(1)
        steps += 1
    return steps * ours.task.recipe.batch / (time.perf_counter() - begun)


if __name__ == "__main__":
    print(json.dumps(_worker(float(sys.argv[1]), float(sys.argv[2]))))

"""Training rates: ours and the plain way side by side in one process, in workers, and as populations.

python -m benchmarks.training case NAME        one training beside the plain way
python -m benchmarks.training SECONDS UNTIL    one worker's rate, measured from UNTIL on (seconds of the epoch)
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace

import torch

from benchmarks import convolutions, machines
from benchmarks.plain import Plain
from betavae import processor
from betavae.study import machine
from betavae.training import population, single, sweep
from betavae.training.gradient import Task
from betavae.training.population import PLAIN, How
from betavae.training.single import Member

ROUNDS = 3


def member(seed: int) -> Member:
    return Member(seed, {"beta": 4.0})


class Ours:
    """One member's training by the package; ``rate(steps)`` goes on with it and says images per second. ``swept`` False
    leaves the gradient to autograd, as an architecture of functions is.
    """

    def __init__(self, task: Task, precision: str = "float32", swept: bool = True) -> None:
        self.task, self.state, self.precision, self.swept = task, single.start(task, member(1)), precision, swept

    def rate(self, steps: int) -> float:
        usual = sweep.swept
        sweep.swept = usual if self.swept else lambda task, low: False
        try:
            begun = time.perf_counter()
            single.advance(self.task, member(1), self.state, self.state.step + steps, precision=self.precision)
            return steps * self.task.recipe.batch / (time.perf_counter() - begun)
        finally:
            sweep.swept = usual


def case(name: str) -> dict[str, float]:
    """Best rates of a few rounds, ours and the plain way, in float32 and, where the processor has it, in bf16; ratios
    first.

    Workers hold on to their memory, plain scripts do not, and a process cannot go back to that: the plain way is
    measured first, as it is run, then all in turns, each with what holding gains. Wants a process of its own
    (``apart``).
    """
    task, pixels = machines.task(name)
    batch = task.recipe.batch
    steps = max(2, 768 // batch)
    plain = Plain(task.model.name, pixels, task.model.codes, batch)
    usual = max(_warm(plain, steps) for _ in range(ROUNDS))
    machine.hold_memory()
    low = bool(processor.bf16())
    rivals: dict[str, Ours | Plain] = {"float32": Ours(task), "autograd": Ours(task, swept=False), "plain": plain}
    if low:
        autocast = Plain(task.model.name, pixels, task.model.codes, batch, autocast=True)
        rivals |= {"bf16": Ours(task, "bf16"), "plain, autocast": autocast}
    best, product, products = dict.fromkeys(rivals, 0.0), 0.0, 0.0
    for _ in range(ROUNDS):
        for key, rival in rivals.items():
            best[key] = max(best[key], _warm(rival, steps))
        product = max(product, machines.product())
        products = max(products, machines.product(dtype=torch.bfloat16) if low else 0.0)
    floor = machines.floor(task)
    asked = floor["operations per image"]
    found = {
        "ours / plain": best["float32"] / usual,
        "ours / plain, both holding memory": best["float32"] / best["plain"],
        "ours / the same by autograd": best["float32"] / best["autograd"],
        "share of the matrix product": best["float32"] * asked / product,
    }
    if low:
        found |= {
            "bf16 / float32": best["bf16"] / best["float32"],
            "bf16 / plain autocast, both holding memory": best["bf16"] / best["plain, autocast"],
            "share of the matrix product, bf16": best["bf16"] * asked / products,
            "images per second, bf16": best["bf16"],
            "matrix product, bf16, operations per second": products,
        }
    return {
        **found,
        "images per second": best["float32"],
        "plain images per second": usual,
        "matrix product, operations per second": product,
        **floor,
    }


def apart(name: str) -> dict[str, float]:
    """``case`` in a process of its own, whose allocator nobody has touched."""
    command = [sys.executable, "-m", "benchmarks.training", "case", name]
    found: dict[str, float] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
    return found


def _warm(training: Ours | Plain, steps: int) -> float:
    training.rate(1)
    return training.rate(steps)


def populations(name: str = "conv 3x32x32 batch 16", sizes: tuple[int, ...] = (1, 4, 16, 64, 256)) -> dict[str, float]:
    """Images per second of M members in one program over those one by one, on this CPU: why it stacks none."""
    task, _ = machines.task(name)
    found = {}
    for size in sizes:
        steps = 2 if size < 64 else 1
        together, alone = (_stacked(task, size, both, steps=steps) for both in (True, False))
        found[f"{size} together / one by one"] = together / alone
    return found


def ways(name: str = "conv 3x32x32 batch 16", size: int = 16) -> dict[str, float]:
    """Each way to write and to multiply a population's convolutions over its members one by one, on this CPU."""
    task, _ = machines.task(name)
    alone, found = _stacked(task, size, False), dict[str, float]()
    for precision in ("float32", "bf16"):
        for rival in convolutions.RIVALS:
            with convolutions.written(rival):
                found[f"{rival}, {precision}"] = _stacked(task, size, True, How(precision)) / alone
        found[f"products, {precision}"] = _stacked(task, size, True, How(precision, products=True)) / alone
    return found


def _stacked(task: Task, size: int, together: bool, how: How = PLAIN, steps: int = 2) -> float:
    """Images per second of members on the dataset's device, without the first step."""
    members = [member(k) for k in range(size)]
    states = [single.start(task, m) for m in members]
    states = population.advance(task, members, states, 1, together=together, how=how if together else PLAIN)
    begun = time.perf_counter()
    population.advance(task, members, states, 1 + steps, together=together, how=how if together else PLAIN)
    return steps * size * task.recipe.batch / (time.perf_counter() - begun)


def dispatch(steps: int = 40) -> dict[str, float]:
    """Seconds of one population step that has next to nothing to compute: what the host does for each, and so the
    images per second above which a GPU that is told every operation anew would wait for it.
    """
    task, _ = machines.task("conv 3x32x32 batch 16")
    task = task._replace(recipe=replace(task.recipe, batch=1, images=10**6))
    each = 1 / _stacked(task, 1, True, steps=steps)
    return {"seconds per step": each, "images per second, 16 members of 256": 16 * 256 / each}


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
    machine.hold_memory()
    ours = Ours(machines.task("conv 1x64x64")[0])
    while time.time() < until:
        ours.rate(1)
    begun, steps = time.perf_counter(), 0
    while time.perf_counter() - begun < lasting:
        ours.rate(1)
        steps += 1
    return steps * ours.task.recipe.batch / (time.perf_counter() - begun)


if __name__ == "__main__":
    if sys.argv[1] == "case":
        torch.set_num_threads(1)
        print(json.dumps(case(sys.argv[2])))
    else:
        print(json.dumps(_worker(float(sys.argv[1]), float(sys.argv[2]))))

"""``python -m benchmarks.gpu`` (``make gpu-check``): everything about a GPU that a machine without one cannot show.

Agreement with the CPU, memory against the reckoning, the plain way on the same card, and images per second of
populations from 1 to 256 members: every way to write a convolution, every precision, compiled, and as CUDA graphs.
Without a GPU it says so and ends with exit code 2. A way that fails is a line with its reason; the rest goes on.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import torch

from benchmarks import convolutions, machines
from benchmarks.__main__ import keep, show
from benchmarks.plain import Plain
from benchmarks.training import member
from betavae import datasets
from betavae.models import MODELS
from betavae.objectives import OBJECTIVES
from betavae.training import population, single
from betavae.training.population import How
from betavae.training.recipe import Recipe
from betavae.training.single import Task

MEMBERS = (1, 4, 16, 64, 256)
WAYS = tuple(
    [(way, How("float32")) for way in convolutions.WAYS]
    + [("grouped", How(p)) for p in ("tf32", "bf16")]
    + [("unfold and batched product", How(p)) for p in ("tf32", "bf16")]
    + [(way, How("tf32", compiled=True)) for way in ("grouped", "unfold and batched product")]
    + [(way, How("tf32", graphs=True)) for way in ("grouped", "unfold and batched product")]
    + [("unfold and batched product", How("tf32", compiled=True, graphs=True))]
)


def task(method: str, device: str, batch: int = 256) -> Task:
    """The 2Dshapes training of the paper on drawn images that live on the device."""
    dataset = datasets.load("dsprites", device=device)
    recipe = Recipe("adam" if method == "conv" else "adagrad", 5e-4 if method == "conv" else 1e-2, batch, batch * 10**6)
    return Task(dataset, MODELS[method](dataset.shape, 10), OBJECTIVES["beta_vae"], recipe)


def agreement(device: str, steps: int = 50) -> dict[str, float]:
    """The largest relative difference between the training curves of one member on the CPU and in a population."""
    found = {}
    for method in ("conv", "mlp"):
        curves = []
        for where in ("cpu", device):
            given = task(method, where, 64)
            given = given._replace(recipe=Recipe(given.recipe.optimiser, given.recipe.learning_rate, 64, 64 * steps))
            pair = [member(1), member(2)]
            states = [single.start(given, m) for m in pair]
            curves.append(population.advance(given, pair, states, steps, together=where != "cpu" or device == "cpu"))
        a, b = (torch.stack([s.curve()[1] for s in states]) for states in curves)
        found[f"{method}, {steps} steps"] = float(((a - b) / a).abs().max())
    return found


def rate(given: Task, size: int, way: str, how: How, lasting: float = 3.0) -> float:
    """Images per second of ``size`` members in one program, all together."""
    given = given._replace()  # another task for who remembers what was compiled: it may be written another way now
    members = [member(k) for k in range(size)]
    states = [single.start(given, m) for m in members]
    with convolutions.written(way):
        # Compiled and warm; then a few steps that say how many more are worth timing.
        states = population.advance(given, members, states, 8, together=True, how=how)
        begun = time.perf_counter()
        states = population.advance(given, members, states, 16, together=True, how=how)
        steps = max(32, min(2000, int(lasting * 8 / (time.perf_counter() - begun))))
        begun = time.perf_counter()
        population.advance(given, members, states, 16 + steps, together=True, how=how)
    return size * steps * given.recipe.batch / (time.perf_counter() - begun)


def populations(method: str, device: str) -> dict[str, Any]:
    """Rates by way and members; memory of the largest against what was reckoned."""
    given, found = task(method, device), dict[str, Any]()
    most = population.capacity(given, torch.cuda.mem_get_info()[0])
    found["members that memory is reckoned to hold"] = most
    for way, how in WAYS if method == "conv" else [w for w in WAYS if w[0] == "grouped"]:
        name = f"{way}, {how.precision}{', compiled' * how.compiled}{', graph' * how.graphs}"
        for size in MEMBERS:
            if size > most:
                break
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
            try:
                found[f"{name}, {size} members, images/s"] = rate(given, size, way, how)
            except Exception as error:  # a way that this card or this PyTorch does not take is a result too
                found[f"{name}, {size} members"] = f"{type(error).__name__}: {str(error)[:160]}"
                break
            if name == "grouped, float32":
                reckoned = size * population.need(given)
                found[f"peak memory / reckoned, {size} members"] = torch.cuda.max_memory_allocated() / reckoned
            print(
                f"  {method} {name}, {size} members: {found[f'{name}, {size} members, images/s']:,.0f} images/s",
                flush=True,
            )
    return found


def main() -> int:
    if not torch.cuda.is_available():
        print("no GPU here: nothing was measured. `make gpu-check` wants a machine with a CUDA device and its PyTorch.")
        return 2
    device, found = "cuda", dict[str, Any]()
    print(torch.cuda.get_device_name())
    found["agreement with the CPU, largest relative difference of the curves"] = agreement(device)
    ceilings = {"product, operations/s": machines.product(device), "copy, bytes/s": machines.copying(device)}
    found["ceilings"] = ceilings
    for method in ("conv", "mlp"):
        given = task(method, device)
        pixels = (given.dataset.render(torch.arange(machines.IMAGES, device=device)) * 255).byte().cpu()
        plain = Plain(method, pixels, 10, 256, device)
        plain.rate(4)
        alone = plain.rate(24)
        rates = populations(method, device)
        best = max((v for k, v in rates.items() if k.endswith("images/s")), default=0.0)
        at_default = [v for k, v in rates.items() if k.startswith("grouped, float32,") and k.endswith("images/s")]
        floor = machines.floor(given)
        limit = min(ceilings["copy, bytes/s"] / floor["bytes per image"],
                    ceilings["product, operations/s"] / floor["operations per image"])  # fmt: skip
        found[f"population {method}"] = {
            "best / plain": best / alone, "best / limit": best / limit, "images per second, best": best,
            "images per second, as the package runs it": max(at_default, default=0.0),
            "plain images per second": alone, "limit, images per second": limit, **floor, **rates,
        }  # fmt: skip
    for name, block in found.items():
        show(name, block)
    print(f"kept as results/bench/{keep('gpu', device, found).name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

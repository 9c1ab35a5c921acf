"""How fast the drawn datasets are drawn, opened and rendered.

    python -m benchmarks.datasets

Ratios to what was wanted come first: above 1 is better than wanted. docs/worlds.md has the figures of one machine.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import partial

import torch

from betavae import datasets
from betavae.datasets.base import Dataset
from betavae.rng import generator
from betavae.study.machine import cpu

WANTED = {"dsprites": (10.0, 50_000.0), "shapes3d-drawn": (60.0, 20_000.0), "mpi3d-drawn": (60.0, 20_000.0)}
"""Seconds in which a whole grid should be drawn and in place; images a second that one core should render."""
BATCHES = (64, 256, 1024)


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock time of one call, in seconds."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def rate(dataset: Dataset, batch: int, images: int = 50_000) -> float:
    """Images rendered per second, in batches of random indices."""
    index = torch.randint(dataset.size, (images // batch, batch), generator=generator("benchmark", batch))
    index = index.to(dataset.device)
    dataset.render(index[0])

    def render() -> None:
        for part in index:
            dataset.render(part)
        if dataset.device.type == "cuda":
            torch.cuda.synchronize()

    return index.numel() / seconds(render)


def run() -> dict[str, float | str]:
    """Seconds and rates by dataset and name, ratios to what was wanted first."""
    torch.set_num_threads(1)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    ratios: dict[str, float | str] = {}
    figures: dict[str, float | str] = {}
    with tempfile.TemporaryDirectory() as root:
        for name, (drawn_in, rendered) in WANTED.items():
            open_it = partial(datasets.load, name, root=root)
            drawing, opening = seconds(open_it), seconds(open_it)
            dataset = datasets.load(name, root=root, device=device)
            rates = {batch: rate(dataset, batch) for batch in BATCHES}
            ratios[f"{name}: drawing, wanted / taken"] = drawn_in / drawing
            ratios[f"{name}: images per second / wanted"] = min(rates.values()) / rendered
            figures[f"{name}: drawing, writing and hashing the grid, s"] = drawing
            figures[f"{name}: opening it with its digest checked, s"] = opening
            figures |= {f"{name}: images per second, batch {batch}": value for batch, value in rates.items()}
    results = ratios | figures | {"device": torch.cuda.get_device_name() if device == "cuda" else f"one of {cpu()}"}
    for name, value in results.items():
        print(f"{name}: {value if isinstance(value, str) else format(value, ',.4g')}")
    return results


if __name__ == "__main__":
    run()

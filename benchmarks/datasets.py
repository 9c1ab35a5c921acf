"""How fast dSprites is drawn, opened and rendered.

    python benchmarks/datasets.py

On two cores of an AVX2 machine without a GPU: the grid in about 2 s (wanted: 10 s), 500,000 images/s on one core
(wanted: 50,000).
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable

import torch

from betavae import datasets
from betavae.datasets.base import Dataset
from betavae.rng import generator
from betavae.study.machine import cpu

DRAWN_IN = 10.0  # seconds in which the whole grid should be drawn and in place
RENDERED = 50_000.0  # images a second that one core should render


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock time of one call, in seconds."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def rate(dataset: Dataset, batch: int, images: int = 200_000) -> float:
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
    """Seconds and rates by name, ratios to what was wanted first."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as root:
        drawn = seconds(lambda: datasets.load("dsprites", root=root))
        opened = seconds(lambda: datasets.load("dsprites", root=root))
        device = "cuda" if torch.cuda.is_available() else "cpu"
        dataset = datasets.load("dsprites", root=root, device=device)
        rates = {batch: rate(dataset, batch) for batch in (64, 256, 1024)}
    results: dict[str, float | str] = {
        "drawing: wanted / taken": DRAWN_IN / drawn,
        "rendering: images per second / wanted": min(rates.values()) / RENDERED,
        "drawing, writing and hashing the grid, s": drawn,
        "opening it with its digest checked, s": opened,
    }
    results |= {f"images per second, batch {batch}": value for batch, value in rates.items()}
    results["device"] = torch.cuda.get_device_name() if device == "cuda" else f"one of {cpu()}"
    for name, value in results.items():
        print(f"{name}: {value if isinstance(value, str) else format(value, ',.4g')}")
    return results


if __name__ == "__main__":
    run()

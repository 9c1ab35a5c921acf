"""What a machine can do at best, and what the arithmetic of a training asks of it: ceilings and floors."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable

import torch

from betavae import models, objectives
from betavae.datasets.base import Dataset
from betavae.datasets.rendering import stored
from betavae.models import onednn
from betavae.rng import generator
from betavae.study import machine
from betavae.training import population
from betavae.training.gradient import Task
from betavae.training.recipe import Recipe

CASES: dict[str, tuple[str, tuple[int, int, int], int, int]] = {
    "conv 1x64x64": ("conv", (1, 64, 64), 10, 256),
    "conv 1x64x64 batch 64": ("conv", (1, 64, 64), 10, 64),
    "conv 1x64x64 batch 16": ("conv", (1, 64, 64), 10, 16),
    "conv 3x64x64": ("conv", (3, 64, 64), 10, 64),
    "conv 3x64x64 batch 16": ("conv", (3, 64, 64), 10, 16),
    "conv 3x32x32": ("conv", (3, 32, 32), 128, 64),
    "conv 3x32x32 batch 16": ("conv", (3, 32, 32), 128, 16),
    "mlp 1x64x64": ("mlp", (1, 64, 64), 10, 256),
    "mlp 1x64x64 batch 32": ("mlp", (1, 64, 64), 10, 32),
}
"""Method, image shape, codes and batch of the paper's trainings, and of trainings below one epoch."""
IMAGES = 8192


def seconds(work: Callable[[], object], times: int = 1) -> float:
    """The shortest of a few wall-clock times of one call."""
    best = math.inf
    for _ in range(times):
        begun = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begun)
    return best


def product(device: str = "cpu", dtype: torch.dtype = torch.float32) -> float:
    """Operations per second of a product of two 1024-cubes (8192 on a GPU), two per multiply-add: on a CPU the best of
    what PyTorch's own product and its private call to oneDNN reach.
    """
    size = 1024 if device == "cpu" else 8192
    a, b = (torch.ones(size, size, device=device, dtype=dtype) for _ in range(2))

    def work() -> None:
        a @ b
        if device != "cpu":
            torch.cuda.synchronize()

    best = seconds(work, 6)
    if device == "cpu" and onednn.agrees():
        best = min(best, seconds(lambda: onednn._private(a, b, None), 6))
    return 2 * size**3 / best


def copying(device: str = "cpu") -> float:
    """Bytes per second read and written by a copy of 256 MiB."""
    a = torch.ones(2**26, device=device)
    b = torch.empty_like(a)

    def work() -> None:
        b.copy_(a)
        if device != "cpu":
            torch.cuda.synchronize()

    return 2 * a.numel() * 4 / seconds(work, 5)


def floor(task: Task) -> dict[str, float]:
    """Operations and bytes that one training image costs at least.

    Operations: two per multiply-add of both networks, three times over (forward, gradients of inputs and of
    weights), but for the gradient of the images, which nobody asks for; convolutions' taps into the padding are
    counted. Bytes: what is kept for the way back is written, read, and its gradient written and read.
    """
    model = task.model
    encoder, decoder, _ = models.size(model.name, model.shape, model.codes)
    pixels = math.prod(model.shape)
    first = pixels * 1200 if model.name == "mlp" else pixels // 4 * 16 * 32
    return {
        "operations per image": 2 * (3 * (encoder + decoder) - first),
        "bytes per image": 4 * 4 * population.kept(task),
    }


def noise_images(shape: tuple[int, int, int], device: str = "cpu") -> tuple[Dataset, torch.Tensor]:
    """A dataset of random bytes of a shape, and the bytes: for rates that do not ask what is seen."""
    pixels = torch.randint(0, 256, (IMAGES, *shape), generator=generator("noise", *shape), dtype=torch.uint8)
    render = stored(pixels.numpy(), torch.device(device))
    return Dataset("noise", shape, IMAGES, None, "drawn", "noise", render, torch.device(device)), pixels


def task(case: str, device: str = "cpu") -> tuple[Task, torch.Tensor]:
    """The training of a case on random bytes, and the bytes."""
    method, shape, codes, batch = CASES[case]
    dataset, pixels = noise_images(shape, device)
    recipe = (
        Recipe("adam", 5e-4, batch, batch * 10**6)
        if method == "conv"
        else Recipe("adagrad", 1e-2, batch, batch * 10**6)
    )
    return Task(dataset, models.named(method, shape, codes), objectives.named("beta_vae"), recipe), pixels


def slug(device: str) -> str:
    """A machine's name as a file name: ``amd-epyc-2-cores``."""
    name = machine.cpu() if device == "cpu" else torch.cuda.get_device_name()
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")

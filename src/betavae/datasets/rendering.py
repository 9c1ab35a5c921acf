"""From uint8 images kept in an array to float32 pixels in [0, 1]: on the device if they fit, else read on demand."""

from __future__ import annotations

import mmap
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from betavae.errors import Misuse, shown, unknown

if TYPE_CHECKING:
    from betavae.types import Array

SHARE = 0.6  # of the device's free memory that images may fill; the rest is for training
BLOCK = 1 << 28  # bytes moved to the device at a time
LARGE = 1 << 30  # bytes above which a memory-mapped array is not kept in memory as it is read

Renderer = Callable[[Tensor], Tensor]


def placed(device: object) -> torch.device:
    """The device that a person names, "cpu" or "cuda" with or without a number. Raises Misuse for one not here."""
    name = str(device) if isinstance(device, str | torch.device) else ""
    if re.fullmatch(r"mps(:\d{1,3})?", name):
        raise Misuse(f"device is {name!r}: GPUs of Apple are not supported, they have no float64; use 'cpu'")
    if not re.fullmatch(r"cpu|cuda(:\d{1,3})?", name):
        raise unknown("device", name or shown(device), ("cpu", "cuda"))
    if name != "cpu":
        if not torch.cuda.is_available():
            raise Misuse(f"device is {name!r}, but PyTorch sees no GPU here; use 'cpu'")
        count, number = torch.cuda.device_count(), int(name.partition(":")[2] or 0)
        if number >= count:
            raise Misuse(f"device is {name!r}, but PyTorch sees {count} here; the last is cuda:{count - 1}")
    return torch.device(name)


def stored(images: Array, device: torch.device, size: int | None = None) -> Renderer:
    """The renderer of uint8 ``images [N, C, H, W]``; with ``size``, bilinearly resized to ``size`` x ``size``."""
    kept = _on(images, device)
    gather = _gather(images)

    def render(index: Tensor) -> Tensor:
        chosen = torch.from_numpy(gather(index.cpu().numpy())).to(device) if kept is None else kept[index]
        pixels = chosen.float().div_(255)
        if size is not None:
            pixels = torch.nn.functional.interpolate(pixels, (size, size), mode="bilinear", align_corners=False)
        return pixels

    return render


def _gather(images: Array) -> Callable[[Array], Array]:
    """How images are taken by index; of a large memory-mapped array only those asked for are read, and given back.

    Left alone, the system reads far ahead of every image and the process grows towards the whole array: 12,800 random
    images of 12.7 GB took 1.2 GB of memory, and a hundred times longer.
    """
    mapped = getattr(images, "_mmap", None)
    if not isinstance(mapped, mmap.mmap) or images.nbytes <= LARGE or not hasattr(mmap, "MADV_WILLNEED"):
        return lambda index: np.array(images[index])
    first, row = images.offset % mmap.ALLOCATIONGRANULARITY, images.nbytes // len(images)  # type: ignore[attr-defined]
    mapped.madvise(mmap.MADV_RANDOM)

    def gather(index: Array) -> Array:
        for i in index.tolist():
            start = (first + i * row) // mmap.PAGESIZE * mmap.PAGESIZE
            mapped.madvise(mmap.MADV_WILLNEED, start, first + (i + 1) * row - start)
        chosen = np.array(images[index])
        mapped.madvise(mmap.MADV_DONTNEED)
        return chosen

    return gather


def _on(images: Array, device: torch.device) -> Tensor | None:
    """The images on a CUDA device, or None where the device is another or too small."""
    if device.type != "cuda" or images.nbytes > SHARE * torch.cuda.mem_get_info(device)[0]:
        return None
    kept = torch.empty(images.shape, dtype=torch.uint8, device=device)
    rows = max(1, BLOCK * len(images) // images.nbytes)
    for start in range(0, len(images), rows):
        kept[start : start + rows] = torch.from_numpy(np.array(images[start : start + rows])).to(device)
    return kept

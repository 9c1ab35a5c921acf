"""From uint8 images kept in an array to float32 pixels in [0, 1]: on the device if they fit, else read on demand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from betavae.types import Array

SHARE = 0.6  # of the device's free memory that images may fill; the rest is for training
BLOCK = 1 << 28  # bytes moved to the device at a time

Renderer = Callable[[Tensor], Tensor]


def stored(images: Array, device: torch.device, size: int | None = None) -> Renderer:
    """The renderer of uint8 ``images [N, C, H, W]``; with ``size``, bilinearly resized to ``size`` x ``size``."""
    kept = _on(images, device)

    def render(index: Tensor) -> Tensor:
        chosen = torch.from_numpy(np.array(images[index.cpu().numpy()])).to(device) if kept is None else kept[index]
        pixels = chosen.float().div_(255)
        if size is not None:
            pixels = torch.nn.functional.interpolate(pixels, (size, size), mode="bilinear", align_corners=False)
        return pixels

    return render


def _on(images: Array, device: torch.device) -> Tensor | None:
    """The images on a CUDA device, or None where the device is another or too small."""
    if device.type != "cuda" or images.nbytes > SHARE * torch.cuda.mem_get_info(device)[0]:
        return None
    kept = torch.empty(images.shape, dtype=torch.uint8, device=device)
    rows = max(1, BLOCK * len(images) // images.nbytes)
    for start in range(0, len(images), rows):
        kept[start : start + rows] = torch.from_numpy(np.array(images[start : start + rows])).to(device)
    return kept

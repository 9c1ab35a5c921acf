"""Images as PNG, for pages that carry their pictures inside themselves."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


def strip(images: Tensor, gap: int = 0) -> str:
    """Images ``[n, C, H, W]`` in [0, 1] side by side, as the ``data:`` address of one PNG; so many pixels of grey
    between them.
    """
    from PIL import Image

    pixels = (images.detach().cpu() * 255).round().clamp(0, 255).byte().numpy()
    count, channels, height, width = pixels.shape
    sheet = np.full((channels, height, count * (width + gap) - gap), 190, np.uint8)
    for i, image in enumerate(pixels):
        sheet[:, :, i * (width + gap) : i * (width + gap) + width] = image
    buffer = io.BytesIO()
    whole = sheet[0] if channels == 1 else np.moveaxis(sheet, 0, -1)
    Image.fromarray(np.ascontiguousarray(whole)).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")

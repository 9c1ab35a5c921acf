"""In which precision a GPU multiplies, set with PyTorch's newer flags alone: beside them it refuses the older ones."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

from betavae.errors import choose

PRECISIONS: dict[str, tuple[str, torch.dtype | None]] = {
    "float32": ("ieee", None),
    "tf32": ("tf32", None),
    "bf16": ("ieee", torch.bfloat16),
}
"""Matrix products' precision on a GPU, and what they are autocast to. Sums, losses and optimiser stay float32."""


@contextlib.contextmanager
def precise(precision: str) -> Iterator[torch.dtype | None]:
    """Matrix products and convolutions at this precision while it lasts; yields what to autocast to. Raises Misuse.

    PyTorch lets cuDNN round to TF32 unless told otherwise: "float32" tells it otherwise.
    """
    products, cast = choose(PRECISIONS, precision, "precision")
    places = (torch.backends.cuda.matmul, torch.backends.cudnn.conv)  # type: ignore[attr-defined]
    before = [place.fp32_precision for place in places]
    try:
        for place in places:
            place.fp32_precision = products
        yield cast
    finally:
        for place, value in zip(places, before, strict=True):
            place.fp32_precision = value

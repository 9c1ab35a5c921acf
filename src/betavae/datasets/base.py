"""What a dataset is here: images kept compact and rendered by index."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from betavae.factors import Factors


@dataclass(frozen=True)
class Dataset:
    """Images kept in compact form (on the device where they fit) and rendered by index.

    ``renderer`` maps int64 indices ``[n]`` on ``device`` to float32 ``[n, C, H, W]`` in [0, 1], a pure function.
    ``digest`` names the content: the sha256 of the official file, or of the drawing recipe and its version.
    ``splits`` gives the half-open index range of each split; a full grid has none but "train".
    """

    name: str
    shape: tuple[int, int, int]
    size: int
    factors: Factors | None
    source: str
    digest: str
    renderer: Callable[[Tensor], Tensor] = field(repr=False)
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    splits: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.factors is not None and self.factors.size != self.size:
            raise ValueError(
                f"{self.name}: {self.size} images, but the grid {self.factors.sizes} has {self.factors.size}"
            )
        if not self.splits:
            object.__setattr__(self, "splits", {"train": (0, self.size)})

    def render(self, index: Tensor) -> Tensor:
        """The images of these indices: ``[*n]`` int64 to ``[*n, C, H, W]`` float32 in [0, 1]; IndexError outside."""
        index = torch.as_tensor(index, device=self.device).long()
        if index.numel() and (int(index.min()) < 0 or int(index.max()) >= self.size):
            raise IndexError(
                f"{self.name} has images 0 to {self.size - 1}; asked for {int(index.min())} to {int(index.max())}"
            )
        return self.renderer(index.reshape(-1)).reshape(*index.shape, *self.shape)

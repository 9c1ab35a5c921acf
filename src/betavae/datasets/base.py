"""What a dataset is here: images kept compact and rendered by index."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from betavae.factors import Factors


class Unrendered(BaseException):
    """Images were asked of a dataset that is not loaded: no ``Exception``, so that nobody takes it for an error."""


@dataclass(frozen=True)
class Dataset:
    """Images kept in compact form (on the device where they fit) and rendered by index.

    ``renderer`` maps int64 indices ``[n]`` on ``device`` to float32 ``[n, C, H, W]`` in [0, 1], a pure function.
    ``digest`` names the content: the sha256 of the official file, or of the drawing recipe and its version.
    ``splits`` gives the half-open index range of each split; a full grid has none but "train".

    Images that are no full grid have no ``factors``; what is known of them are ``labels``, int64 ``[N, K]`` on the CPU:
    in column k, named ``label_names[k]``, class c stands for the value ``label_values[k][c]``. All three are empty or
    None where nothing is known, or where factors say it.

    A dataset serves a ``torch.utils.data.DataLoader``, and shows itself in a notebook. Raises ValueError where the
    grid, or the labels, are not of as many images.
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
    labels: Tensor | None = field(default=None, repr=False, compare=False)
    label_names: tuple[str, ...] = ()
    label_values: tuple[tuple[Any, ...], ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if self.factors is not None and self.factors.size != self.size:
            raise ValueError(
                f"{self.name}: {self.size} images, but the grid {self.factors.sizes} has {self.factors.size}"
            )
        columns = (self.size, len(self.label_names))
        if self.labels is not None and (self.labels.shape != columns or len(self.label_values) != columns[1]):
            raise ValueError(f"{self.name}: labels have shape {tuple(self.labels.shape)}, wanted {columns}")
        if not self.splits:
            object.__setattr__(self, "splits", {"train": (0, self.size)})

    def render(self, index: Tensor) -> Tensor:
        """The images of these indices: ``[*n]`` int64 to ``[*n, C, H, W]`` float32 in [0, 1].

        Raises IndexError for indices that lie outside, or are no whole numbers.
        """
        wanted = self.indices(index)
        return self.renderer(wanted.reshape(-1)).reshape(*wanted.shape, *self.shape)

    def indices(self, index: Any) -> Tensor:
        """Indices as int64 on the dataset's device. Raises IndexError as ``render`` does."""
        try:
            wanted = torch.as_tensor(index, device=self.device)
        except (TypeError, ValueError, RuntimeError) as error:
            raise IndexError(f"{self.name} has images by number; {' '.join(str(error).split())[:120]}") from None
        if wanted.numel() and (wanted.dtype is torch.bool or wanted.is_floating_point() or wanted.is_complex()):
            raise IndexError(f"{self.name} has images by number; asked for {wanted.dtype}")
        wanted = wanted.long() if wanted.layout is torch.strided else wanted.long().to_dense()
        if wanted.numel() and (int(wanted.min()) < 0 or int(wanted.max()) >= self.size):
            raise IndexError(
                f"{self.name} has images 0 to {self.size - 1}; asked for {int(wanted.min())} to {int(wanted.max())}"
            )
        return wanted

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: Any) -> Tensor:
        """Image i ``[C, H, W]``, from the end where i is negative; the images of a slice or of several indices."""
        if isinstance(index, slice):
            return self.render(torch.arange(*index.indices(self.size)))
        if isinstance(index, int) and not isinstance(index, bool) and -self.size <= index < 0:
            index += self.size
        return self.render(index)

    def __getitems__(self, indices: Sequence[int]) -> list[Tensor]:
        """Several images at once: what a DataLoader asks for where it can."""
        return list(self.render(torch.as_tensor(indices)))

    def _repr_html_(self) -> str:
        from betavae.datasets.notebook import html

        return html(self)

"""A full grid of ground-truth factors, and the arithmetic between its indices and its values."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor


class Factors(NamedTuple):
    """A full grid of K ground-truth factors; image i shows the i-th combination, last factor fastest."""

    names: tuple[str, ...]
    sizes: tuple[int, ...]

    @property
    def size(self) -> int:
        """The number of combinations, which is the number of images."""
        return math.prod(self.sizes)

    @property
    def varying(self) -> Factors:
        """The same grid without its factors of one value: the same images at the same indices."""
        kept = [(name, size) for name, size in zip(self.names, self.sizes, strict=True) if size > 1]
        return Factors(tuple(name for name, _ in kept), tuple(size for _, size in kept))

    def index(self, values: Tensor) -> Tensor:  # type: ignore[override]
        """The images that show these factor values: ``[*n, K]`` integers to ``[*n]`` int64.

        Raises ValueError where the last axis is not K, or a value lies outside its factor or between two.
        """
        values = _whole(values, "factor values")
        if values.shape[-1:] != (len(self.sizes),):
            raise ValueError(
                f"values have shape {tuple(values.shape)}; the last axis must be {len(self.sizes)}: {self.names}"
            )
        sizes = torch.tensor(self.sizes, device=values.device)
        outside = (values < 0) | (values >= sizes)
        if bool(outside.any()):
            k = int(outside.reshape(-1, len(self.sizes)).any(0).int().argmax())
            raise ValueError(f"factor {self.names[k]!r} takes 0 to {self.sizes[k] - 1}; values lie outside")
        return (values * self._strides(values.device)).sum(-1)

    def values(self, index: Tensor) -> Tensor:
        """The factor values of these images: ``[*n]`` integers to ``[*n, K]`` int64.

        Raises ValueError for what is no whole number, or outside the grid.
        """
        index = _whole(index, "indices")
        if index.numel() and (int(index.min()) < 0 or int(index.max()) >= self.size):
            raise ValueError(f"indices run from 0 to {self.size - 1}; given {int(index.min())} to {int(index.max())}")
        sizes = torch.tensor(self.sizes, device=index.device)
        return index[..., None] // self._strides(index.device) % sizes

    def sample(self, generator: torch.Generator, shape: tuple[int, ...]) -> Tensor:
        """Factor values drawn uniformly and independently: ``[*shape, K]`` int64."""
        columns = [torch.randint(size, shape, generator=generator) for size in self.sizes]
        return torch.stack(columns, -1)

    def walk(self, centre: Tensor, factor: int) -> Tensor:
        """The indices met by sweeping one factor through all its values from a centre ``[K]``: ``[sizes[factor]]``.

        Raises ValueError for a centre outside the grid, or a factor that is none of the K.
        """
        if isinstance(factor, bool) or not isinstance(factor, int) or factor not in range(len(self.sizes)):
            raise ValueError(f"factor is {factor!r}; wanted a position below {len(self.sizes)}: {self.names}")
        middle = _whole(centre, "factor values")
        if middle.shape != (len(self.sizes),):
            raise ValueError(f"a centre has shape {tuple(middle.shape)}; wanted a value for each of {self.names}")
        path = middle.repeat(self.sizes[factor], 1)
        path[:, factor] = torch.arange(self.sizes[factor])
        return self.index(path)

    def _strides(self, device: torch.device) -> Tensor:
        strides = [math.prod(self.sizes[k + 1 :]) for k in range(len(self.sizes))]
        return torch.tensor(strides, device=device)


def _whole(given: Tensor, what: str) -> Tensor:
    try:
        numbers = torch.as_tensor(given)
        whole = numbers.long()
        if not torch.equal(whole.to(numbers.dtype), numbers):
            raise ValueError("they are not whole")
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{what} are whole numbers; {' '.join(str(error).split())[:120]}") from None
    return whole

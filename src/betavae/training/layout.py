"""Parameters in one row of numbers: where each leaf lies, and how a member's state is held while a CPU trains it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from betavae.training import optimisers
from betavae.training.optimisers import Part

if TYPE_CHECKING:
    from betavae.types import Params

ALIGN = 32
"""Leaves begin at multiples of this many numbers, so that every kernel may read them in wide words."""


class Layout(NamedTuple):
    """Where each leaf lies in a member's row. With ``last`` the weights of convolutions lie channels-last."""

    shapes: Mapping[str, tuple[int, ...]]
    last: bool = False

    def row(self, leaves: Mapping[str, Tensor]) -> Tensor:
        """Leaves laid end to end, ``[P]``, nought in the gaps."""
        parts = []
        for name in self.shapes:
            leaf = leaves[name].detach()
            flat = (leaf.permute(0, 2, 3, 1) if self.last and leaf.ndim == 4 else leaf).reshape(-1)
            parts += [flat, flat.new_zeros(-len(flat) % ALIGN)]
        return torch.cat(parts)

    def leaves(self, rows: Tensor) -> dict[str, Tensor]:
        """The leaves of rows ``[*M, P]``, each ``[*M, ...]``: views."""
        sizes = {k: torch.Size(shape).numel() for k, shape in self.shapes.items()}
        parts = rows.split([size + -size % ALIGN for size in sizes.values()], -1)
        return {
            k: self._leaf(part[..., : sizes[k]], self.shapes[k]) for k, part in zip(self.shapes, parts, strict=True)
        }

    def _leaf(self, numbers: Tensor, shape: tuple[int, ...]) -> Tensor:
        if self.last and len(shape) == 4:
            out, into, *window = shape
            return numbers.view(*numbers.shape[:-1], out, *window, into).movedim(-1, -3)
        return numbers.reshape((*numbers.shape[:-1], *shape))


def layouts(params: Params, parts: Mapping[str, Part], last: bool = False) -> dict[str, Layout]:
    """The layout of each part that these parameters have."""
    found = dict[str, Layout]()
    for start in parts:
        mine = {k: tuple(v.shape) for k, v in params.items() if optimisers.part_of(k, parts) == start}
        found |= {start: Layout(mine, last)} if mine else {}
    return found


LARGE = 1 << 17
"""Numbers of a matrix above which its gradient is taken as the kernels leave it."""
SLICE = 1 << 19
"""Numbers that an optimiser takes at a time where they are cast: more calls would cost more than the cache gives."""


class Leaves:
    """A member's parameters and moments, each a tensor of its own, as autograd takes them."""

    low: Params | None = None
    into: Params | None = None

    def __init__(self, params: Params, moments: dict[str, Tensor], parts: Mapping[str, Part]) -> None:
        self.params, self.moments, self._parts = params, moments, parts
        for leaf in params.values():
            leaf.requires_grad_(True)

    def update(self, gradients: Params, step: int, rate: float) -> None:
        """One step of the optimisers."""
        optimisers.update(self._parts, self.params, gradients, self.moments, step, rate)

    def parted(self) -> tuple[Params, dict[str, Tensor]]:
        """Parameters and moments as they are."""
        for leaf in self.params.values():
            leaf.requires_grad_(False)
        return self.params, self.moments


class Flat:
    """A member's parameters, moments and gradients in one buffer each for every part that is stepped alike.

    ``params`` and ``moments`` are views of them by the names they had; ``low`` of the model's parameters in another
    precision, None where they are taken as they are. ``into`` are views of the gradients but of large matrices': those
    are taken as the kernels leave them.
    """

    def __init__(
        self, params: Params, moments: Mapping[str, Tensor], parts: Mapping[str, Part], cast: torch.dtype | None
    ) -> None:
        self._parts, made = parts, layouts(params, parts, last=True)
        self._rows = {start: layout.row(params) for start, layout in made.items()}
        self._gradients = {start: torch.zeros_like(row) for start, row in self._rows.items()}
        self._moments = {
            start: {
                slot: layout.row({k: moments[f"{slot}/{k}"] for k in layout.shapes})
                for slot in parts[start].optimiser.slots
            }
            for start, layout in made.items()
        }
        self._spans = {start: list(_spans(layout)) for start, layout in made.items()}
        large = {name for spans in self._spans.values() for _, _, name in spans if name}
        views, slots = dict[str, Tensor](), dict[str, Tensor]()
        self.into: Params = {}
        for start, layout in made.items():
            views |= layout.leaves(self._rows[start])
            self.into |= {k: v for k, v in layout.leaves(self._gradients[start]).items() if k not in large}
            for slot, row in self._moments[start].items():
                slots |= {f"{slot}/{k}": v for k, v in layout.leaves(row).items()}
        self.params: Params = {k: views[k].requires_grad_() for k in params}
        self.moments = {k: slots[k] for k in moments}
        self._low = self._rows[""].to(cast) if cast else None
        self.low: Params | None = None if self._low is None else made[""].leaves(self._low)

    def update(self, gradients: Params, step: int, rate: float) -> None:
        """One step of the optimisers by the gradients that lie in ``into``, and those of large matrices."""
        for start, row in self._rows.items():
            for begin, end, name in self._spans[start]:
                whole = gradients[name].reshape(-1) if name else self._gradients[start][begin:end]
                size = end - begin if self._low is None else SLICE
                for a in range(begin, end, size):
                    b = min(end, a + size)
                    optimisers.update(
                        {start: self._parts[start]}, {start: row[a:b]}, {start: whole[a - begin : b - begin].to(row)},
                        {f"{slot}/{start}": moment[a:b] for slot, moment in self._moments[start].items()}, step, rate,
                    )  # fmt: skip
                    if self._low is not None and not start:
                        self._low[a:b].copy_(row[a:b])

    def parted(self) -> tuple[Params, dict[str, Tensor]]:
        """Parameters and moments in PyTorch's own order, each on its own or a part of the buffers."""
        held = ({k: v.detach().contiguous() for k, v in tree.items()} for tree in (self.params, self.moments))
        return next(held), next(held)


def _spans(layout: Layout) -> Iterator[tuple[int, int, str]]:
    """A row from end to end: the place of each large matrix with its name, and of what lies between, with none."""
    at = begin = 0
    for name, shape in layout.shapes.items():
        size = torch.Size(shape).numel()
        if len(shape) == 2 and size > LARGE:
            if begin < at:
                yield begin, at, ""
            yield at, at + size, name
            begin = at + size
        at += size + -size % ALIGN
    if begin < at:
        yield begin, at, ""

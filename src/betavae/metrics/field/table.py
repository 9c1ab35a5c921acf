"""What the field's metrics see: a table of codes beside the classes of their factors, checked once and shared by all.

One rule says which codes are constant: those whose standard deviation is at most a millionth of the largest. The KL
plays no part in it: a constant offset has one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from betavae.datasets.base import Dataset
from betavae.errors import Fault, Misuse
from betavae.metrics.base import Answer, Draw, Looks, Metric, Reads
from betavae.metrics.field.draws import FIT, drawn
from betavae.types import Json, Scores

if TYPE_CHECKING:
    from betavae.types import Array

CONSTANT = 1e-6
"""A code moves where its standard deviation exceeds this share of the largest."""


@dataclass(frozen=True, eq=False)
class Table:
    """N images: their codes ``x [N, Z]`` float64, the classes of their K factors ``v [N, K]`` int64, and the numbers
    ``values [N, K]`` that these stand for.

    Only factors that take two values here are in it; ``single`` names the others. ``fitted`` rows come first, to fit
    on; the rest are for testing. ``active [Z]`` says which codes move.
    """

    x: Array
    v: Array
    values: Array
    names: tuple[str, ...]
    single: tuple[str, ...]
    sizes: tuple[int, ...]
    fitted: int
    active: Array

    def several(self, what: str) -> Table:
        """This table. Raises Misuse where fewer than two factors vary."""
        if len(self.names) < 2:
            raise Misuse(f"{what} compares factors with one another, and only {', '.join(self.names)} varies here")
        return self

    @property
    def scaled(self) -> Array:
        """The codes standardised over the fitted rows; constant ones are 0."""
        first = self.x[: self.fitted]
        spread = np.where(self.active, first.std(0), 1.0)
        return np.asarray((self.x - first.mean(0)) / np.where(spread > 0, spread, 1.0) * self.active)


@lru_cache(maxsize=4)
def table(draw: Draw, codes: Tensor) -> Table:
    """The table of a draw and its codes ``[N, Z]``: the same object for the same two, and what is made of it with it.

    Raises Fault where a code is not finite, naming the image and the code; Misuse where no factor varies.
    """
    x = np.ascontiguousarray(codes.detach().cpu().double().numpy())
    wrong = ~np.isfinite(x)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        image = int(draw.index.reshape(-1)[row])
        raise Fault(
            f"code {column} of image {image:,} is {x[row, column]}, one of {int(wrong.sum()):,} that are not finite; "
            "nothing can be scored"
        )
    v = draw.answer.numpy()
    varies = [bool((column != column[:1]).any()) for column in v.T]
    if draw.names and not any(varies):
        raise Misuse(
            f"{', '.join(draw.names)}: one value each on these {len(x):,} images; nothing to hold codes against"
        )
    spread = (x - x[:1]).std(0)  # off the first row, so that a constant is exactly 0
    v = np.ascontiguousarray(v[:, varies])
    values = v.astype(np.float64) if draw.values is None else draw.values.numpy()[:, varies]
    return Table(
        x, v, values,
        tuple(name for name, kept in zip(draw.names, varies, strict=True) if kept),
        tuple(name for name, kept in zip(draw.names, varies, strict=True) if not kept),
        tuple(int(size) for size in v.max(0) + 1) if v.size else (),
        draw.fitted or len(x),
        spread > CONSTANT * spread.max(),
    )  # fmt: skip


@lru_cache(maxsize=1)
def noise(draw: Draw, codes: int) -> Tensor:
    """Codes that say nothing: independent standard normal ``[N, codes]``, the same for the same draw."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(len(draw.index), codes, generator=generator, dtype=torch.float64)


Judge = Callable[[Table, torch.Generator], Scores]
"""A score of a table; the generator is for what is drawn beyond the images."""


def metric(
    name: str,
    judge: Judge,
    images: int | None,
    test: int = 0,
    *,
    labelled: bool = True,
    check: Callable[[Draw, Dataset], None] = lambda draw, dataset: None,
    floor: bool = True,
    reads: Reads | None = None,
    seconds: float = 0.05,
    cites: tuple[str, ...] = (),
) -> Metric:
    """A metric of the field from its judge. All share one stream of draws, so that those of a seed share their codes.

    ``check`` raises Misuse for a draw that cannot be judged, before anything is trained. ``floor``: each answer is
    noted beside what the same judge gives to codes of independent noise; not where judging takes long.
    """

    def plan(generator: torch.Generator, dataset: Dataset) -> Draw:
        draw = drawn(generator.initial_seed(), dataset, images, test, labelled)
        check(draw, dataset)
        return draw

    def score(generator: torch.Generator, draw: Draw, codes: Tensor) -> Scores:
        return judge(table(draw, codes), generator)

    def beside(generator: torch.Generator, draw: Draw, codes: Tensor) -> Answer:
        seen = table(draw, codes)
        found: dict[str, Json] = {"images": len(seen.x), "active": int(seen.active.sum()), "codes": seen.x.shape[1]}
        if seen.single:
            found["left_out"] = list(seen.single)
        if floor:
            blank = judge(table(draw, noise(draw, seen.x.shape[1])), generator)
            found["floor"] = blank[next(iter(blank))]
        return Answer(notes=found)

    return Metric(
        name, plan, score, reads or Reads(), looking(images, test), seconds, cites, stream="field", beside=beside
    )


def looking(images: int | None, test: int) -> Looks:
    """How many images a draw encodes."""
    return (lambda size: size) if images is None and not test else (images or FIT) + test

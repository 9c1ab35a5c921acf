"""What a page shows of a dataset: a few images, and the sweeps of every factor through each of them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from betavae import rng
from betavae.datasets.base import Dataset
from betavae.datasets.pictures import strip
from betavae.types import Json

IMAGES, FEW = 12, 6
"""Images to start from on a page, and on a small one."""
SHOWN = 10
"""Most values of a factor that a sweep meets, evenly spread over all it has."""


class Scene(NamedTuple):
    """A dataset on a page: ``images`` ``[I]`` are the indices of those shown; ``values`` are the values that the sweep
    of each factor meets, and ``sweeps`` the images met, ``[I, values]`` per factor.
    """

    dataset: Dataset
    images: Tensor
    values: tuple[Tensor, ...]
    sweeps: tuple[Tensor, ...]

    @property
    def every(self) -> Tensor:
        """All images of all sweeps, ``[I, V]``, factor after factor."""
        return torch.cat(self.sweeps, 1) if self.sweeps else torch.zeros(len(self.images), 0, dtype=torch.long)

    def plain(self, swept: bool = True) -> dict[str, Json]:
        """It as plain JSON, pictures as PNG; without ``swept`` those of the sweeps are left out."""
        data, factors = self.dataset, self.dataset.factors
        said = [f"image {int(i)}" for i in self.images]
        if factors is not None:
            rows = factors.values(self.images).tolist()
            said = [", ".join(f"{n} {v}" for n, v in zip(factors.names, row, strict=True)) for row in rows]
        return {
            "name": data.name,
            "shape": list(data.shape),
            "images": [strip(data.render(one[None])) for one in self.images],
            "said": list(said),
            "factors": [
                {"name": name, "size": size, "values": values.tolist()}
                for name, size, values in zip(factors.names, factors.sizes, self.values, strict=True)
            ]
            if factors is not None
            else [],
            "strips": [[strip(data.render(sweep[i])) for sweep in self.sweeps] for i in range(len(self.images))]
            if swept
            else None,
        }


def scene(dataset: Dataset, images: int = IMAGES) -> Scene:
    """The images of a dataset that a page starts from: the same for every model of it, drawn by the dataset's name."""
    index = torch.randperm(dataset.size, generator=rng.generator(0, "explore", dataset.name))[:images]
    factors = dataset.factors
    if factors is None:
        return Scene(dataset, index, (), ())
    values = tuple(torch.linspace(0, size - 1, min(size, SHOWN)).round().long() for size in factors.sizes)
    at = factors.values(index)
    sweeps = []
    for k, met in enumerate(values):
        through = at[:, None].repeat(1, len(met), 1)
        through[..., k] = met
        sweeps.append(factors.index(through))
    return Scene(dataset, index, values, tuple(sweeps))

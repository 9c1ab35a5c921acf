"""A trained model as a notebook holds it: images to codes and back, its training curve, and where it can go."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from betavae.api.arguments import numbers, path
from betavae.api.table import Table
from betavae.datasets.base import Dataset
from betavae.datasets.pictures import strip
from betavae.errors import Fault, Misuse
from betavae.metrics.base import Codes
from betavae.representation.base import Codec

if TYPE_CHECKING:
    from betavae.explorer import Explored
    from betavae.study.cells import Cell
    from betavae.study.records import Record
    from betavae.types import Array


class Model:
    """An encoder with its decoder, and the dataset it was trained on.

    ``codec`` is what the metrics take; ``cell`` is what a study would call it (None of a stranger's), ``fit`` the
    record of its training, ``steps`` how many of its cell's steps it has done.
    """

    def __init__(
        self,
        codec: Codec,
        data: Dataset | None,
        name: str,
        *,
        cell: Cell | None = None,
        fit: Record | None = None,
        arrays: Mapping[str, Array] | None = None,
        steps: int | None = None,
    ) -> None:
        self.codec, self._data, self.name, self.cell, self.fit = codec, data, name, cell, fit
        self.arrays, self.steps = dict(arrays or {}), steps
        self._codes: Codes | None = None

    @property
    def data(self) -> Dataset:
        """The dataset it goes with. Raises Misuse where it was wrapped without one."""
        if self._data is None:
            raise Misuse(f"{self.name} was wrapped without a dataset; give it as data=, or as the second argument")
        return self._data

    def on(self, data: Dataset) -> Model:
        """The model as it is asked on a dataset: itself, unless it has met none yet. Raises Misuse for one of images of
        another shape than it takes.
        """
        if self.codec.model is not None and self.codec.model.shape != data.shape:
            takes, has = (" x ".join(map(str, shape)) for shape in (self.codec.model.shape, data.shape))
            raise Misuse(f"{self.name} takes images of {takes}; those of {data.name} have {has}")
        return self

    @property
    def id(self) -> str | None:
        """The id of its cell: that of the same cell in a study. None of a stranger's, and of one that was stopped."""
        return self.cell.id if self.cell and self.complete else None

    @property
    def complete(self) -> bool:
        """Whether its training went to the end."""
        recipe = self.cell.recipe if self.cell else None
        return recipe is None or self.steps is None or self.steps == recipe.steps

    def encode(self, images: Any) -> Tensor:
        """Images ``[n, C, H, W]``, or one ``[C, H, W]``, pixels in [0, 1], to codes ``[n, Z]`` or ``[Z]``: posterior
        means. Raises Misuse for images of another shape.
        """
        given = numbers(images, "images")
        one = given.ndim == 3
        batch = given[None] if one else given
        if batch.ndim != 4 or (self._data is not None and tuple(batch.shape[1:]) != self._data.shape):
            wanted = " x ".join(map(str, self._data.shape)) if self._data else "C x H x W"
            raise Misuse(f"{self.name} was given images of shape {list(given.shape)}; wanted [n, {wanted}]")
        with torch.no_grad():
            codes = torch.as_tensor(self.codec.encode(batch)).detach()
        return codes[0] if one else codes

    def decode(self, codes: Any) -> Tensor:
        """Codes ``[n, Z]``, or one ``[Z]``, to images ``[n, C, H, W]`` or ``[C, H, W]``, pixels in [0, 1].

        Raises Misuse where there is no way back, or for another number of codes.
        """
        if self.codec.decode is None:
            raise Misuse(f"{self.name} has no way back to images; wrap it with decode=")
        given = numbers(codes, "codes")
        batch = given[None] if given.ndim == 1 else given
        if batch.ndim != 2 or (self.codec.codes > 0 and batch.shape[1] != self.codec.codes):
            raise Misuse(f"{self.name} was given codes of shape {list(given.shape)}; wanted [n, {self.codec.codes}]")
        with torch.no_grad():
            images = torch.as_tensor(self.codec.decode(batch)).detach()
        return images[0] if given.ndim == 1 else images

    def codes(self, index: Any) -> Tensor:
        """Codes ``[*n, Z]`` of images of its dataset by index ``[*n]``, made once each and remembered.

        Raises IndexError as the dataset does, and for no index at all.
        """
        wanted = self.data.indices(index).cpu()
        if not wanted.numel():
            raise IndexError(f"{self.name} was asked for the codes of no images")
        if self._codes is None:
            self._codes = Codes(self.data, self.codec)
        return self._codes(wanted[None])[0] if wanted.ndim == 0 else self._codes(wanted)

    @property
    def curve(self) -> Table:
        """The training curve, a row per hundredth: images seen, reconstruction and KL in nats per image, KL per code.

        Raises Misuse where nothing was trained.
        """
        if not self.arrays:
            raise Misuse(f"{self.name} has no training curve: it was not trained here")
        kl = self.arrays["kl"]
        columns = {"images": self.arrays["seen"].tolist(), "reconstruction": self.arrays["reconstruction"].tolist()}
        columns |= {"kl": kl.sum(1).tolist(), **{f"z{j}": kl[:, j].tolist() for j in range(kl.shape[1])}}
        return Table(columns, "nats per image, means over the steps between two rows")

    def save(self, folder: str | Path) -> Path:
        """Write it as a folder that ``betavae.open`` reads: weights without pickle, and what it is. Raises Misuse for a
        stranger's, Unwritable where the disk refuses.
        """
        from betavae.api.saved import save

        return save(self, path(folder, "folder"))

    def push(self, repository: str, *, private: bool | None = None) -> str:
        """Put it on a model hub as ``"user/name"`` (extra ``hub``), and give its address for ``betavae.open``, with the
        revision. Raises Misuse for a stranger's model or a name that is none, Fault where the hub refuses.
        """
        from betavae.api.hub import push

        return push(self, repository, private)

    def explore(self, out: str | Path | None = None) -> Any:
        """The page one can move: shown in a notebook, or written to ``out``, whose path it gives. Raises Misuse where
        its decoder is none that a page can run.
        """
        from betavae.api.pages import explore

        return explore(self, out=out)

    def explored(self) -> Explored:
        """It as the explorer takes it. Raises Misuse where its decoder is none that a page can run."""
        from betavae.explorer import Explored
        from betavae.explorer.found import facts

        said = facts(self.fit) if self.fit and self.complete else {}
        return Explored(self.name, self.data, self.codec, said, self.arrays)

    def __repr__(self) -> str:
        return f"<betavae.Model {self._said()}>"

    def _said(self) -> str:
        parts = [self.name]
        recipe = self.cell.recipe if self.cell else None
        if recipe and not self.complete:
            parts.append(f"stopped at step {self.steps:,} of {recipe.steps:,}")
        elif self.cell:
            parts.append(f"cell {self.cell.id}")
        if self.fit and self.fit["scores"]:
            parts.append(", ".join(f"{k} {v:.4g}" for k, v in self.fit["scores"].items()))
        return " · ".join(parts)

    def _repr_html_(self) -> str:
        lines = [f"<b>{escape(self._said())}</b>"]
        if self.arrays:
            from betavae.api.figures import curve, png

            lines.append(f'<img alt="training curve of {escape(self.name)}" src="{png(curve(self))}">')
        if self._data is not None and self.codec.decode is not None:
            index = torch.linspace(0, self._data.size - 1, 12).long()
            try:
                images = self._data.render(index)
                back = self.decode(self.encode(images))
            except Fault as error:
                return "<br>".join([*lines, escape(str(error))])
            for what, shown in (("images", images), ("decoded", back)):
                lines.append(f'<img alt="{what}" src="{strip(shown, gap=1)}">')
            if self.codec.posterior is not None:
                from betavae.api.figures import png, traverse

                lines.append(f'<img alt="traversals of {escape(self.name)}" src="{png(traverse(self, top=4))}">')
        return "<div>" + "<br>".join(lines) + "</div>"

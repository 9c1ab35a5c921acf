"""Figures of one model: traversals, what its codes know of the factors, its training curve."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import numpy as np

from betavae import rng
from betavae.api import arguments
from betavae.api.model import Model
from betavae.datasets.base import Dataset
from betavae.errors import Misuse

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def traverse(
    model: Model, data: Dataset | None = None, *, steps: int = 7, top: int = 6, range: str = "prior", seed: int = 0
) -> Figure:
    """Traversals of one encoded image (Figure 4 of the paper): a row per code, the ``top`` of largest KL, ``steps``
    values each.

    ``range`` is "prior" (the middle 95 % of N(0, 1)), "posterior" (of the image's own), "published", or "codes" (of the
    codes of 500 images), which needs no posterior and orders codes by their standard deviation; ``seed`` picks the
    image. Raises Misuse where the model has no way back to images, or no posterior.
    """
    from betavae.metrics import named
    from betavae.metrics.base import Codes, Subject, ask
    from betavae.report import gallery

    data, seed = arguments.dataset(data, arguments.model(model)), rng.whole(seed)
    model = model.on(data)
    probe = named("traversals", steps=steps, top=top, range=range)
    found = ask(probe, "traversals", Subject(data, model.codec, Codes(data, model.codec)), seed).arrays
    return shown(gallery.traversals([gallery.traversal(model.name, found)]))


def matrix(model: Model, data: Dataset | None = None) -> Figure:
    """What each code knows of each factor: mutual information over the factor's entropy, from 0 to 1, a row per code.

    Codes are cut into twenty equal bins of their range, on 4,000 images; a factor of many values shows a few hundredths
    where nothing is known. Raises Misuse where the dataset has no full grid of factors.
    """
    from betavae.explorer.shown import information, sample
    from betavae.metrics.base import Codes
    from betavae.report.style import canvas

    data = arguments.dataset(data, arguments.model(model))
    model = model.on(data)
    if data.factors is None:
        raise Misuse(f"{data.name} has no full grid of factors; there is nothing to hold codes against")
    index = sample(data)
    known = information(Codes(data, model.codec)(index), data.factors, index).numpy()
    figure = canvas(1.2 + 0.75 * known.shape[1], 0.9 + 0.3 * known.shape[0])
    ax = figure.subplots()
    ax.imshow(known, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    ax.set_xticks(np.arange(known.shape[1]), data.factors.names, fontsize=8)
    ax.set_yticks(np.arange(known.shape[0]), [f"z{j}" for j in np.arange(known.shape[0])], fontsize=8)
    ax.tick_params(length=0)
    for (j, k), share in np.ndenumerate(known):
        ax.text(k, j, f"{share:.2f}", ha="center", va="center", fontsize=8, color="white" if share > 0.55 else "black")
    ax.set_title(f"{model.name}: share of each factor that a code knows", fontsize=9, loc="left")
    return shown(figure)


def curve(model: Model) -> Figure:
    """Reconstruction and KL of each code along training, in nats per image. Raises Misuse where nothing was trained."""
    from betavae.report.style import canvas, tidy

    table = model.curve
    figure = canvas(6.6, 2.2)
    left, right = figure.subplots(1, 2)
    left.plot(table["images"], table["reconstruction"], linewidth=1)
    for name in list(table)[3:]:
        right.plot(table["images"], table[name], linewidth=1)
    tidy(left, "reconstruction, nats per image", x="images seen")
    tidy(right, "KL of each code, nats per image", x="images seen")
    return shown(figure)


def shown(figure: Figure) -> Figure:
    """The same figure, which a notebook shows as a picture whatever its plotting back end."""
    figure._repr_png_ = lambda: _png(figure)  # type: ignore[attr-defined]
    return figure


def png(figure: Figure) -> str:
    """A figure as the ``data:`` address of a PNG."""
    return "data:image/png;base64," + base64.b64encode(_png(figure)).decode("ascii")


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()

"""Models in the explorer's page, in a notebook or a file."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from betavae.api import arguments
from betavae.api.model import Model
from betavae.disk import write_atomic

if TYPE_CHECKING:
    from betavae.explorer import Explored

HEIGHT = 900
"""Pixels that a page takes in a notebook."""


class Page:
    """An explorer's page: a notebook shows it in a frame of its own; ``html`` is all of it."""

    def __init__(self, html: str) -> None:
        self.html = html

    def save(self, out: str | Path) -> Path:
        """Write it, whole or not at all. Raises Unwritable where the disk refuses."""
        path = arguments.path(out, "out")
        write_atomic(path, self.html.encode("utf-8"))
        return path

    def _repr_html_(self) -> str:
        return (
            f'<iframe title="betavae explorer" style="width:100%;height:{HEIGHT}px;border:0" '
            f'sandbox="allow-scripts" srcdoc="{escape(self.html)}"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<betavae explorer, {len(self.html) / 1e6:.1f} MB; save(path) writes it>"


def explore(*models: Model | str | Path, out: str | Path | None = None, title: str = "") -> Page | Path:
    """One page of models that one can move: sliders, sweeps of factors, traversals (see the explorer's own page).

    ``models`` are models, folders that they were saved in, folders of studies, or ids of trained cells. Gives a page
    that a notebook shows, or with ``out`` writes it there and gives the path. Raises Misuse where there is nothing to
    explore.
    """
    from betavae.explorer import page

    made = Page(page(gathered(models), title=title))
    return made if out is None else made.save(out)


def gathered(
    models: Sequence[Model | str | Path], only: Sequence[str] = (), store: Path | None = None
) -> list[Explored]:
    """Models as the explorer takes them, whichever way they were named: of a folder of a study those whose ids begin as
    ``only`` says, else the first. Raises Misuse where there is none.
    """
    from betavae.api.saved import open
    from betavae.explorer import found

    taken: list[Explored] = []
    words: list[str] = []
    for one in models:
        if isinstance(one, Model):
            taken.append(one.explored())
        elif (arguments.path(one, "a model") / "config.json").is_file():
            taken.append(open(one).explored())
        else:
            words.append(str(one))
    if words or not taken:
        chosen = found.named(words, only, store)
        taken += found.explored(chosen if only else found.first(chosen))
    return taken

"""Writes the pages that are copies of tables: every command's help, every quirk, every dataset's card.

    python docs/generate.py

A test compares the pages with what this would write. A picture ``docs/images/NAME.png`` comes from
``betavae figure samples NAME --out docs/images/NAME.png``.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

from betavae.cli.main import parser
from betavae.datasets.cards import CARDS
from betavae.datasets.files.catalogue import CATALOGUE
from betavae.paper.quirks import DEVIATIONS
from betavae.study.quirks import QUIRKS

HERE = Path(__file__).parent


def parsers() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command with its parser, verbs before their actions."""
    queue: list[tuple[str, argparse.ArgumentParser]] = [("betavae", parser())]
    while queue:
        name, this = queue.pop(0)
        yield name, this
        inner = []
        for action in this._actions:
            if isinstance(action, argparse._SubParsersAction):
                inner += [(f"{name} {verb}", sub) for verb, sub in action.choices.items()]
        queue = inner + queue


def commands() -> str:
    """Every command's help, word for word."""
    os.environ["COLUMNS"] = "100"  # argparse breaks its lines there
    text = [
        "# Commands",
        "",
        "Every command's `--help`, word for word. Exit codes: 0 good, 1 something failed or a file",
    ]
    text += ["cannot be trusted, 2 misuse, 130 interrupted. Results go to standard output, talk to standard error.", ""]
    for name, this in parsers():
        text += [f"## {name}", "", "```text", this.format_help().rstrip(), "```", ""]
    return "\n".join(text)


def quirks() -> str:
    """Every quirk: what it is, where it was read, what it touches."""
    text = ["# Quirks of the published code", ""]
    text += [
        "Deviations of the published code (Mandelbrot99/BetaVAE, commit 2554f34) that can move a published number."
    ]
    text += [
        "All are off by default. The paper's study runs twins with one of them on, which report a difference each."
    ]
    text += ["In a study file, the names go into `quirks = [...]` of a question or a grid and the knobs beside them;"]
    text += ["`betavae run paper --print` shows every twin in that form.", ""]
    for quirk in QUIRKS.values():
        told = DEVIATIONS[quirk.name]
        knobs = ", ".join(f"`{k} = {v!r}`" for k, v in (*quirk.cell, *quirk.question, *quirk.recipe))
        text += [f"## {quirk.name}", "", " ".join(told.what.split()), ""]
        text += [f"- source: {told.source}", f"- touches: {told.touches}", f"- knobs: {knobs}", ""]
    return "\n".join(text)


FILES = """# Datasets

Nothing has to be fetched: what is drawn is drawn at its first use. Official files come only at your command:

```sh
betavae data list                  # everything, where it comes from, whether it is here
betavae data card shapes3d         # what is on this page, for one dataset
betavae data fetch shapes3d        # from its addresses in order; licence, size and digests are told first
betavae data add mpi3d-toy FILE    # a copy that came some other way, if it is the file published
betavae data verify                # everything that is here against its digests
betavae data compare dsprites FILE # how many images of the official file differ from those drawn
```

- **Where**: `--root` (`root=` in Python), else `$BETAVAE_DATA`, else the user's cache folder. `raw/` holds files as
  they were published, `ready/` the array made from each, once, with a manifest of its source, shape, grid and digests.
  A folder that cannot be written, as a shared one, serves what it has. `fetch --offline` never touches the network.
- **Fetching** continues where it was cut, tries the next address where one fails, and takes a file only with the
  published size and digest. Where no sha256 is published, that of the first verified arrival is pinned beside the file.
  What is wrong is kept as `.rejected` and never used.
- **Reading**: no pickle is opened, no archive is unpacked to disk, and a file that declares other names, shapes, types
  or sizes than it should is refused before anything is unpacked.
- **Drawn worlds** beside the known official frames, with measured errors and rates: [worlds](worlds.md).
- **Your own images**: `betavae.from_array` takes a grid, `betavae.from_table` any images with labels;
  `examples/own_dataset.py` is a page of both. Where the labels are a full grid they become factors. Else a notice says
  which column or how many combinations are to blame, and `labels` (classes, int64 `[N, K]`), `label_names` and
  `label_values` keep them. uint8 pixels of 0 and 1 alone are black and white, and a notice says so.
- **In Python** a dataset is a sequence: `len(data)`, `data[i]` is an image `[C, H, W]` in [0, 1], a
  `torch.utils.data.DataLoader` takes it, a notebook shows its images and factors. Devices are `cpu` and `cuda`.
"""


def datasets() -> str:
    """How data is come by, and every dataset's card."""
    text = [FILES]
    for name, card in CARDS.items():
        text += [f"## {name}", "", f"**{card.title}**", ""]
        if (HERE / "images" / f"{name}.png").is_file():
            text += [f"![Images of {name}](images/{name}.png)", ""]
        text += [f"- {key}: {value}" for key, value in card.rows()]
        if entry := CATALOGUE.get(name):
            known = [f"{kind} `{digest}`" for kind, digest in entry.published.items()]
            size = [f"{entry.size:,} bytes"] if entry.size else []
            text += [f"- file: `{entry.file}`, {', '.join([*size, *known])}"]
            text += [f"- from: `{address}`" for address in entry.mirrors]
        text += ["", "```bibtex", card.bibtex, "```", ""]
    return "\n".join(text)


PAGES = {"commands.md": commands, "quirks.md": quirks, "datasets.md": datasets}

if __name__ == "__main__":
    for page, write in PAGES.items():
        (HERE / page).write_text(write(), encoding="utf-8")

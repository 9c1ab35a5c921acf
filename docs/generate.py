"""Writes the pages that are copies of tables: every command's help, every quirk, every dataset's card with its factors
drawn, and the lists that the reference is made from.

    python docs/generate.py

A test compares pages and pixels with what this would write. A picture ``docs/images/NAME.png`` comes from
``betavae figure samples NAME --out docs/images/NAME.png``.
"""

from __future__ import annotations

import argparse
import base64
import os
import re
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import betavae
from betavae.cli.main import parser
from betavae.datasets import DATASETS, DRAWN
from betavae.datasets.cards import CARDS, Card
from betavae.datasets.files.catalogue import CATALOGUE
from betavae.metrics import METRICS
from betavae.models import MODELS
from betavae.objectives import LIKELIHOODS, OBJECTIVES
from betavae.paper.quirks import DEVIATIONS
from betavae.representation import METHODS
from betavae.study.quirks import QUIRKS
from betavae.training import OPTIMISERS

HERE = Path(__file__).parent
SWEPT = 10
"""Most values of a factor that its picture shows, evenly spread over all it has."""


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
        "All are off by default. The paper's study runs twins with one of them on, which report a difference each, and "
        "with all of them on."
    ]
    text += ["In a study file, the names go into `quirks = [...]` of a question or a grid and the knobs beside them;"]
    text += ["`betavae run paper --print` shows every twin in that form.", ""]
    for quirk in QUIRKS.values():
        told = DEVIATIONS[quirk.name]
        knobs = ", ".join(f"`{k} = {v!r}`" for k, v in (*quirk.cell, *quirk.question, *quirk.recipe))
        text += [f"## {quirk.name}", "", " ".join(told.what.split()), ""]
        knobs = f"knobs: {knobs}" if knobs else f"asked instead: `{quirk.instead}`"
        text += [f"- source: {told.source}", f"- touches: {told.touches}", f"- {knobs}", ""]
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
- **Drawn worlds** beside the known official frames, with measured errors and rates: [worlds](../worlds.md).
- **Your own images**: `betavae.from_array` takes a grid, `betavae.from_table` any images with labels;
  `examples/own_dataset.py` is a page of both. Where the labels are a full grid they become factors. Else a notice says
  which column or how many combinations are to blame, and `labels` (classes, int64 `[N, K]`), `label_names` and
  `label_values` keep them. uint8 pixels of 0 and 1 alone are black and white, and a notice says so.
- **In Python** a dataset is a sequence: `len(data)`, `data[i]` is an image `[C, H, W]` in [0, 1], a
  `torch.utils.data.DataLoader` takes it, a notebook shows its images and factors. Devices are `cpu` and `cuda`.
"""


def datasets() -> str:
    """How data is come by, and a line for every dataset."""
    text = [FILES, "| name | images | factors | comes |", "|---|--:|---|---|"]
    for name, card in CARDS.items():
        grid = " · ".join(f"{factor} {size}" for factor, size in card.factors) or "none are known"
        shape = " × ".join(map(str, card.shape))
        text += [f"| [`{name}`]({name}.md) | {card.images:,} of {shape} | {grid} | {card.source} |"]
    return "\n".join([*text, ""])


def dataset(name: str, card: Card) -> str:
    """A dataset's card, its images, and each of its factors swept."""
    text = [f"# {name}", "", f"**{card.title}**", ""]
    if (HERE / "images" / f"{name}.png").is_file():
        text += [f"![Images of {name}](../images/{name}.png)", ""]
    text += [f"- {key}: {value}" for key, value in card.rows()]
    if entry := CATALOGUE.get(name):
        known = [f"{kind} `{digest}`" for kind, digest in entry.published.items()]
        size = [f"{entry.size:,} bytes"] if entry.size else []
        text += [f"- file: `{entry.file}`, {', '.join([*size, *known])}"]
        text += [f"- from: `{address}`" for address in entry.mirrors]
    return "\n".join([*text, "", *factors(name, card), "## Cite", "", "```bibtex", card.bibtex, "```", ""])


def factors(name: str, card: Card) -> list[str]:
    """The factors of a dataset as pictures: one swept through its values, the others at their middle."""
    text = ["## Factors", ""]
    if not card.factors:
        return [
            *text,
            "These are photographs: no factors are known, and metrics that hold codes against factors refuse them.",
            "",
        ]
    shown = name if name in SWEEPS else next(drawn for drawn in SWEEPS if CARDS[drawn].factors == card.factors)
    said = (
        ""
        if shown == name
        else f" The pictures are of `{shown}`, which is drawn on the same grid; the official images differ."
    )
    text += [
        f"Each row sweeps one factor through at most {SWEPT} of its values; the others stay at their middle.{said}",
        "",
    ]
    text += ["| factor | values | from 0 on |", "|---|--:|---|"]
    for factor, size in card.factors:
        picture = f"../images/factors/{shown}-{factor}.png"
        text += [f"| {factor} | {size} | ![{factor} of {shown}, swept]({picture}) |"]
    return [*text, ""]


def sweeps(name: str) -> dict[str, bytes]:
    """The PNG of each factor of a drawn dataset, by where it lies under ``docs``."""
    import torch

    from betavae.datasets.pictures import strip

    data = betavae.load(name)
    grid = data.factors
    assert grid is not None
    middle = torch.tensor(grid.sizes) // 2
    found = {}
    for k, (factor, size) in enumerate(zip(grid.names, grid.sizes, strict=True)):
        values = torch.linspace(0, size - 1, min(size, SWEPT)).round().long()
        address = strip(data.render(grid.walk(middle, k)[values]), gap=2)
        found[f"images/factors/{name}-{factor}.png"] = base64.b64decode(address.partition(",")[2])
    return found


def reference(title: str, said: str, *parts: tuple[str, Iterable[str]]) -> str:
    """A page of the reference: what stands in the docstrings of these names, under a heading for each part."""
    text = [f"# {title}", "", said, ""]
    for heading, names in parts:
        text += [f"## {heading}", ""]
        for name in names:
            text += [f"::: {name}", ""]
    return "\n".join(text)


def of(table: dict[str, str]) -> list[str]:
    """Where the names of a table lie, each once."""
    return list(dict.fromkeys(line.partition("@")[0].replace(":", ".") for line in table.values()))


def verbs() -> str:
    """The names of the package itself."""
    errors = ["Misuse", "Fault", "Notice", "BetavaeError"]
    data = ["load", "Dataset", "Factors", "from_array", "from_table"]
    rest = [name for name in betavae.__all__ if name not in (*errors, *data, "metrics")]
    made = ["betavae.api.table.Table", "betavae.api.pages.Page", "betavae.api.stores.Ran"]
    return reference(
        "The package",
        "Everything here is `betavae.NAME`. Images are `[n, C, H, W]` float32 with pixels in [0, 1], codes `[n, Z]`, "
        "losses nats per image.",
        ("Data", [f"betavae.{name}" for name in data]),
        ("Verbs", [f"betavae.{name}" for name in rest]),
        ("What they give", made),
        ("Errors", [f"betavae.{name}" for name in errors]),
    )


def measures() -> str:
    """Metrics and what they are made of."""
    base = "betavae.metrics.base"
    parts = ("Metric", "Probe", "Draw", "Reads", "Answer", "Subject", "Codes", "ask")
    return reference(
        "Metrics",
        "A factory takes the knobs of a study file and gives a metric or a measure; `betavae.metrics.named` finds it "
        "by its name, which is the function's. [Metrics](../metrics/index.md) says what each means and cannot see.",
        ("By name", ["betavae.metrics.named", "betavae.metrics.rotations.rotated", *of(METRICS)]),
        ("What a metric is", [f"{base}.{part}" for part in parts]),
    )


def losses() -> str:
    """Objectives, likelihoods and what they are made of."""
    base = "betavae.objectives.base"
    parts = ("Objective", "Knob", "Pass", "Terms", "Group", "Costs", "Likelihood", "kl_nats")
    return reference(
        "Objectives",
        "Nats per image: sums over pixels and latents, means over the batch. "
        "[Objectives](../objectives/index.md) has the formulas.",
        ("By name", of(OBJECTIVES)),
        ("Likelihoods", of(LIKELIHOODS)),
        ("What an objective is", [f"{base}.{part}" for part in parts]),
    )


def models() -> str:
    """Architectures, representations, optimisers, and what they are made of."""
    base = "betavae.models.base"
    return reference(
        "Models",
        "An architecture is a list of layers; a representation, trained or fitted, is a codec.",
        (
            "Architectures",
            [*of(MODELS), *(f"{base}.{part}" for part in ("Architecture", "Layer", "Model", "Posterior"))],
        ),
        ("Representations", [*of(METHODS), "betavae.representation.base.Codec"]),
        ("Training", ["betavae.training.recipe.Recipe", *of(OPTIMISERS), "betavae.training.optimisers.Optimiser"]),
    )


def studies() -> str:
    """Studies as plain data, and the code that they may name."""
    cells = ("Study", "Job", "Cell", "Question")
    return reference(
        "Studies",
        "A study is plain data: cells to train or fit, and questions to each. "
        "[Your own study](../studies.md) is the file.",
        ("Files", ["betavae.study.study_file.read", "betavae.study.study_file.write", "betavae.names.trusted"]),
        ("Data", [f"betavae.study.cells.{part}" for part in cells]),
        ("The explorer", ["betavae.explorer.page", "betavae.explorer.Explored", "betavae.explorer.Score"]),
    )


def package() -> str:
    """The README as the package carries it: without pictures, and without links that lead nowhere outside the tree."""
    text = (HERE.parent / "README.md").read_text("utf-8")
    text = re.sub(r"^!\[[^\n]*\n\n(?:\*(?:[^\n]+\n)+\n)?", "", text, flags=re.MULTILINE)  # with the caption below
    return re.sub(r"\[([^\]]+)\]\((?!https:)[^)]+\)", r"\1", text)


SWEEPS = [name for name in CARDS if name == "dsprites" or name in DRAWN.values()]
"""The datasets that are drawn here, whose factors are shown."""
PAGES = {
    "commands.md": commands,
    "package.md": package,
    "quirks.md": quirks,
    "datasets/index.md": datasets,
    **{f"datasets/{name}.md": partial(dataset, name, CARDS[name]) for name in DATASETS},
    "reference/index.md": verbs,
    "reference/metrics.md": measures,
    "reference/objectives.md": losses,
    "reference/models.md": models,
    "reference/studies.md": studies,
}

if __name__ == "__main__":
    for page, write in PAGES.items():
        (HERE / page).parent.mkdir(exist_ok=True)
        (HERE / page).write_text(write(), encoding="utf-8")
    (HERE / "images" / "factors").mkdir(exist_ok=True)
    for shown in SWEEPS:
        for picture, png in sweeps(shown).items():
            (HERE / picture).write_bytes(png)

"""The drawn worlds beside the known official frames: contact sheets and errors, for docs/worlds.md.

    python -m benchmarks.worlds [FOLDER]

FOLDER holds the official frames (default: ../shared/data). Writes the sheets to docs/images and the numbers between the
marks of docs/worlds.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from benchmarks import frames
from benchmarks.frames import Known
from betavae import datasets
from betavae.datasets.base import Dataset
from betavae.rng import generator

HERE = Path(__file__).resolve().parents[1]
PAGE, IMAGES = HERE / "docs" / "worlds.md", HERE / "docs" / "images"
BEGIN, END = "<!-- numbers: python -m benchmarks.worlds -->", "<!-- end of numbers -->"
TWICE, GAP, MARGIN = 2, 4, 120  # how much frames are enlarged; pixels between them; and for a row's name
SHOWN = 5  # frames of a sweep


def main(folder: Path) -> None:
    """Draw both sheets and write the table."""
    room, arm = datasets.load("shapes3d-drawn"), datasets.load("mpi3d-drawn")
    IMAGES.mkdir(exist_ok=True)
    lines = ["| dataset | official frames | how many | mean error | worst frame |", "|---|---|--:|--:|--:|"]

    kinds = list(frames.shapes3d(folder / "shapes3d_frames.npz"))
    _save(_sheet(_pairs(room, kinds)), "shapes3d")
    lines += [_line(room, kind, "lossless, of a notebook" if kind.kind == "notebook" else "of a gif") for kind in kinds]

    assert arm.factors is not None
    factors = dict(zip(*arm.factors, strict=True))
    for animation in frames.STARTS:
        tiles = list(frames.mpi3d(folder / f"mpi3d_toy{animation}_gif.npz", animation, factors))
        _save(_sheet(_sweeps(arm, tiles)), f"mpi3d-{animation}")
        lines += [_line(arm, tile, f"gif {animation}, {tile.kind}") for tile in tiles]
    _save(_sheet(_some(arm)), "mpi3d-some")

    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    PAGE.write_text("\n".join([before + BEGIN, *lines, END + rest.split(END)[1]]), encoding="utf-8")


def _line(dataset: Dataset, known: Known, kind: str) -> str:
    errors = known.error(dataset)
    print(f"{dataset.name}, {kind}: {errors.mean():.2f}")
    return f"| {dataset.name} | {kind} | {len(errors)} | {errors.mean():.2f} | {errors.max():.2f} |"


def _drawn(dataset: Dataset, values: np.ndarray) -> np.ndarray:
    assert dataset.factors is not None
    images = 255 * dataset.render(dataset.factors.index(torch.from_numpy(values)))
    return images.permute(0, 2, 3, 1).round().byte().numpy()


def _pairs(dataset: Dataset, kinds: Iterable[Known]) -> Iterator[tuple[str, np.ndarray]]:
    """Ten frames of each kind, official above and drawn below."""
    for kind in kinds:
        chosen = np.linspace(0, len(kind.frames) - 1, 2 * SHOWN).astype(int)
        yield f"official\n({kind.kind})", kind.frames[chosen]
        yield "drawn", _drawn(dataset, kind.values[chosen])


def _sweeps(dataset: Dataset, tiles: Iterable[Known]) -> Iterator[tuple[str, np.ndarray]]:
    """Up to five values of each tile's factor, official on the left and drawn on the right."""
    for k, tile in enumerate(tiles):
        _, first = np.unique(tile.values[:, k], return_index=True)
        chosen = first[np.linspace(0, len(first) - 1, min(SHOWN, len(first))).astype(int)]
        blank = np.full((SHOWN - len(chosen), *tile.frames.shape[1:]), 255, np.uint8)
        yield tile.kind, np.concatenate([tile.frames[chosen], blank, _drawn(dataset, tile.values[chosen]), blank])


def _some(dataset: Dataset) -> Iterator[tuple[str, np.ndarray]]:
    """Images at random, all drawn."""
    assert dataset.factors is not None
    values = dataset.factors.sample(generator("worlds", dataset.name), (4, 2 * SHOWN)).numpy()
    yield from (("drawn", _drawn(dataset, row)) for row in values)


def _sheet(rows: Iterable[tuple[str, np.ndarray]]) -> Image.Image:
    rows = list(rows)
    side = TWICE * frames.SIDE + GAP
    sheet = Image.new("RGB", (MARGIN + 2 * SHOWN * side + GAP, len(rows) * side + GAP), "white")
    pen = ImageDraw.Draw(sheet)
    for i, (name, images) in enumerate(rows):
        pen.text((GAP, GAP + i * side + side // 2 - 8), name, fill="black")
        for j, image in enumerate(images):
            enlarged = Image.fromarray(image).resize((side - GAP, side - GAP), Image.Resampling.NEAREST)
            half = GAP if j >= SHOWN else 0  # a wider gap between the left half and the right
            sheet.paste(enlarged, (MARGIN + j * side + half, GAP + i * side))
    return sheet


def _save(sheet: Image.Image, name: str) -> None:
    sheet.save(IMAGES / f"worlds-{name}.png", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent / "shared" / "data")

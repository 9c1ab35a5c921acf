"""What a person must know of a dataset before trusting a number made from it: the cards of all, and a card as text.

This file imports no array library, so that reports can read it.
"""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass, replace

from betavae.datasets.files.catalogue import (
    CATALOGUE,
    DSPRITES_BIBTEX,
    DSPRITES_CITATION,
    SHAPES3D_BIBTEX,
    SHAPES3D_CITATION,
)


@dataclass(frozen=True)
class Card:
    """What a dataset is, where it comes from, on what terms, and what is wrong with it; plain data, free of PyTorch.

    ``source`` is "official", "drawn" or "jpeg copies"; ``shape`` is C, H, W; ``factors`` names and sizes the full grid
    in its order, last factor fastest, and is empty where no factors are known. ``split`` says which images train: the
    first ``train``, and the rest test, where that is a number.
    """

    title: str
    what: str
    source: str
    licence: str
    citation: str
    bibtex: str
    shape: tuple[int, int, int]
    images: int
    factors: tuple[tuple[str, int], ...] = ()
    split: str = "none is published: all images are one set"
    train: int | None = None
    defects: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        product = math.prod(size for _, size in self.factors)
        if self.factors and product != self.images:
            raise ValueError(f"{self.title}: {self.images} images, but the grid has {product}")

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes of the factors; the number of images where there are none."""
        return tuple(size for _, size in self.factors) or (self.images,)

    def rows(self) -> list[tuple[str, str]]:
        """The card as named lines, the defects one by one."""
        grid = " · ".join(f"{name} {size}" for name, size in self.factors)
        return [
            ("what", self.what),
            ("source", self.source),
            ("images", f"{self.images:,} of {' × '.join(map(str, self.shape))} (channels, rows, columns)"),
            ("grid", f"{grid}; the last factor is fastest" if grid else "no factors are known"),
            ("split", self.split),
            ("licence", self.licence),
            ("cite", self.citation),
            *(("defect", defect) for defect in self.defects),
        ]


def text(card: Card) -> str:
    """The card for a terminal, lines wrapped."""
    lines = [card.title, ""]
    for name, value in card.rows():
        lines += textwrap.wrap(value, 100, initial_indent=f"{name:<10}", subsequent_indent=" " * 10)
    return "\n".join([*lines, "", card.bibtex])


SHAPES3D = (
    ("floor_hue", 10),
    ("wall_hue", 10),
    ("object_hue", 10),
    ("scale", 8),
    ("shape", 4),
    ("orientation", 15),
)
MPI3D = (
    ("object_color", 6),
    ("object_shape", 6),
    ("object_size", 2),
    ("camera_height", 3),
    ("background_color", 3),
    ("horizontal_axis", 40),
    ("vertical_axis", 40),
)
_DRAWN = "images drawn here: MIT, as this package"
_SPLIT = "50,000 train, then 10,000 test"
_DIGEST = "Only the md5 of the 2019 file is public; whether today's addresses serve the same bytes is not known."
_CHALLENGE = "A file of 460,800 images goes about: that of the 2019 challenge, with part of the grid. It is refused."
_LOSSY = "JPEG is lossy: the pixels, and Fréchet distances with them, differ from those of the official files."
_RESIZED = "Resized bilinearly from 32 × 32 to the 64 × 64 of the paper's Table 4: it holds no more detail."


def _official(
    name: str,
    title: str,
    what: str,
    shape: tuple[int, int, int],
    images: int,
    factors: tuple[tuple[str, int], ...] = (),
    *defects: str,
) -> Card:
    """The card of a file of the catalogue, its terms as they stand there."""
    entry = CATALOGUE[name]
    terms = (entry.licence, entry.citation, entry.bibtex)
    return Card(title, what, "official", *terms, shape, images, factors, defects=defects)


def _mpi3d(name: str, title: str, what: str) -> Card:
    return _official(name, title, what, (3, 64, 64), 1_036_800, MPI3D, _DIGEST, _CHALLENGE)


def _cifar(name: str, title: str, classes: int) -> Card:
    what = f"Photographs of {classes} classes, the same number of each."
    return replace(_official(name, title, what, (3, 32, 32), 60_000), split=_SPLIT, train=50_000)


def _at_64(card: Card) -> Card:
    return replace(card, title=f"{card.title}, at 64 × 64", shape=(3, 64, 64), defects=(*card.defects, _RESIZED))


_TEN = _cifar("cifar10", "CIFAR-10", 10)
_HUNDRED = _cifar("cifar100", "CIFAR-100", 100)
_COPIES = replace(_TEN, title="CIFAR-10, JPEG copies", source="jpeg copies", defects=(_LOSSY,))

CARDS: dict[str, Card] = {
    "dsprites": Card(
        title="dSprites (2Dshapes of the paper)",
        what="Black-and-white sprites: a square, an ellipse or a heart in 6 sizes, 40 orientations and 32 × 32 "
        "positions, every combination once.",
        source="drawn",
        licence=f"{_DRAWN}; the official file: Apache-2.0",
        citation=DSPRITES_CITATION,
        bibtex=DSPRITES_BIBTEX,
        shape=(1, 64, 64),
        images=737_280,
        factors=(("shape", 3), ("scale", 6), ("orientation", 40), ("posX", 32), ("posY", 32)),
        defects=(
            "Unless the official file is given, the images are drawn by formulas fitted to the official animation. "
            "Its 320 frames agree bit for bit, but the official file was not compared; the rounding and edge rules "
            "that the animation leaves open touch 598 images (0.08%).",
            "Orientations 0 and 39 are the same angle (0 and 2π): all 18,432 such pairs show the same image.",
            "Only 715,706 of the 737,280 drawn images are different. Besides orientation 39, squares repeat 2,620 "
            "times and ellipses 522 times in another orientation, hearts never.",
            "Orientation shows only up to a quarter turn for squares and half a turn for ellipses.",
            "The official file has a sixth factor, colour, of a single value; it is left out.",
        ),
    ),
    "shapes3d-drawn": Card(
        title="3D Shapes (3Dshapes of the paper), drawn",
        what="A cube, cylinder, sphere or capsule in a room, 10 hues each of floor, wall and object, 8 sizes and 15 "
        "orientations of the camera, every combination once.",
        source="drawn",
        licence=_DRAWN,
        citation=SHAPES3D_CITATION,
        bibtex=SHAPES3D_BIBTEX,
        shape=(3, 64, 64),
        images=480_000,
        factors=SHAPES3D,
        defects=(
            "Drawn, not official: a scene fitted to official frames. Against 52 known frames the mean absolute error "
            "is 0.64 grey levels of 255 on 25 lossless ones (worst frame 0.89) and 1.59 on 27 of a gif's palette "
            "(worst 2.54). Scores on it are not scores on 3D Shapes.",
        ),
    ),
    "mpi3d-drawn": replace(
        _mpi3d("mpi3d-toy", "MPI3D-toy (MPI3DToy of the paper), drawn", ""),
        what="A robot arm that holds an object over a ring: 6 colours, 6 shapes and 2 sizes of the object, 3 heights "
        "of the camera, 3 colours of the ring, 40 positions of each of the arm's two axes, every combination once.",
        source="drawn",
        licence=_DRAWN,
        defects=(
            "Drawn, not official: a scene fitted to two official animations. Against their 14 tiles of 20 frames, at "
            "factor values inferred from the sweeps, the mean absolute error is 1.4 to 1.8 grey levels of 255 by tile "
            "(worst frame 2.4). Scores on it are not scores on MPI3D.",
        ),
    ),
    "shapes3d": _official(
        "shapes3d",
        "3D Shapes (3Dshapes of the paper)",
        "Renderings of one object in a room, every combination of six factors once.",
        (3, 64, 64),
        480_000,
        SHAPES3D,
        "Published descriptions disagree on the range of the scale factor's values; only its eight indices are used.",
    ),
    "mpi3d-toy": _mpi3d(
        "mpi3d-toy", "MPI3D-toy (MPI3DToy of the paper)", "Simple renderings of a robot arm that holds an object."
    ),
    "mpi3d-realistic": _mpi3d(
        "mpi3d-realistic", "MPI3D-realistic", "Realistic renderings of a robot arm that holds an object."
    ),
    "mpi3d-real": _mpi3d("mpi3d-real", "MPI3D-real", "Photographs of a robot arm that holds an object."),
    "cifar10": _TEN,
    "cifar100": _HUNDRED,
    "cifar10-jpeg": _COPIES,
    "cifar10-64": _at_64(_TEN),
    "cifar100-64": _at_64(_HUNDRED),
    "cifar10-jpeg-64": _at_64(_COPIES),
}

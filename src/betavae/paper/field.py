"""The field's metrics asked of the paper's cells: which, of which cells, on how many images; beyond the Higgins metric.

The paper asks the Higgins metric alone; its Section 4.1 says of the others that they are inconsistent. All that hold
codes against factors are asked but those that take minutes (boosted trees, DCI-ES, downstream tasks), and the three of
codes alone. Six are those of Locatello et al. (2020); these are asked on a second draw of images too, so that what two
metrics disagree on can be told from what a redraw changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from betavae.paper.published import FACTOR_COUNT
from betavae.study.cells import Cell, Job, Question, pairs

HIGGINS = "higgins"
FITTED: dict[str, dict[str, Any]] = {"dci": {"model": "lasso"}, "med": {}, "explicitness": {}}
"""Those that keep images to test on, with their knobs. They lie together, so that their codes and fits are shared."""
COUNTED = ("mig", "mig_sup", "jemmig", "dcimig", "modularity", "sap", "irs", "matrix", "factor_vae", "infomec")
ALONE = ("gaussian_tc", "wasserstein", "mutual_information")
"""Those of codes alone: less is better."""
REDRAWN = ("mig", "modularity", "sap", "factor_vae", "dci")
"""Locatello et al.'s, asked on a second draw; the sixth, the Higgins metric, has further draws of its own."""
SECOND = 1
"""The question seed of the second draw."""
FLOORS = ("untrained", "projection", "noise", "factors")
"""Floors that are asked. Raw pixels are not: their hundreds of codes would take as long as all else."""


@dataclass(frozen=True)
class Size:
    """How many images the field's metrics look at, ``test`` more where some are kept to test on, the batch and votes of
    the FactorVAE score; ``one`` where they are asked of each dataset's first seed alone.
    """

    images: int
    test: int
    batch: int
    votes: int
    one: bool = False


SIZES = {
    "smoke": Size(300, 150, 4, 100, one=True),
    "laptop": Size(10_000, 5_000, 64, 10_000, one=True),
    "overnight": Size(10_000, 5_000, 64, 10_000),
    "paper": Size(10_000, 5_000, 64, 10_000),
    "beyond": Size(10_000, 5_000, 64, 10_000),
}
"""The sizes by scale."""


def with_field(jobs: Iterable[Job], scale: str) -> Iterator[Job]:
    """The jobs of a scale, the field's questions put to those of the paper's own models and of floors."""
    size, first = SIZES[scale], dict[str, int]()
    for job in jobs:
        cell = job.cell
        if _asked(cell) and (first.setdefault(cell.dataset, cell.seed) == cell.seed or not size.one):
            yield Job(cell, (*job.questions, *_questions(size, again=cell.method not in FLOORS)))
        else:
            yield job


def _asked(cell: Cell) -> bool:
    """Whether the field's metrics are put to a cell: on factors, with no quirk on, a β-VAE, a baseline or a floor."""
    plain = not cell.quirks and cell.objective in (None, "beta_vae") and cell.dataset in FACTOR_COUNT
    return plain and (cell.recipe is not None or cell.fit is not None or cell.method in FLOORS)


def _questions(size: Size, again: bool) -> Iterator[Question]:
    """All of them on one draw, and ``again`` those of REDRAWN on another."""
    counted = {"images": size.images}
    fitted = {"images": size.images, "test_images": size.test}
    votes = {"batch": size.batch, "votes": size.votes, "test_votes": size.votes // 2}
    knobs = {name: pairs(counted | (votes if name == "factor_vae" else {})) for name in (*COUNTED, *ALONE)}
    knobs |= {name: pairs(fitted | own) for name, own in FITTED.items()}
    yield from (Question(name, told) for name, told in knobs.items())
    if again:
        yield from (Question(name, knobs[name], SECOND) for name in REDRAWN)

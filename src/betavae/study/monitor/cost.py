"""What a study will cost, before it runs: image passes, multiply-adds, and the time they take on this machine.

Operations are counted from the architectures; the machine's own rate is measured by ``pace``; the share of it that each
kind of work reaches is measured by ``benchmarks/`` and kept here as literal numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from betavae import models, objectives
from betavae.datasets import OUTLINES, outline
from betavae.errors import BetavaeError
from betavae.models import Size
from betavae.names import foreign
from betavae.study.cells import Cell, Job, Question
from betavae.study.monitor import measured, pace
from betavae.study.monitor.measured import Measured
from betavae.training.recipe import BINS

if TYPE_CHECKING:
    from betavae.metrics.costs import Price

SHARE = {("conv", 1, 64): 0.60, ("conv", 3, 64): 0.51, ("conv", 3, 32): 0.48, ("mlp", 1, 64): 0.81}
"""Share of a core's single-precision matrix-product rate that training reaches with the other cores at work, by method,
channels and side; a stranger trains like the nearest of its method.
"""
ENCODE = {"conv": 0.70, "mlp": 0.95}
"""The same of encoding."""
STEP, PARAMETER = 2e-3, 1.3e-9
"""Seconds of one optimiser step beside its images: a constant, and for each parameter."""
RENDER = {"dsprites": 4e-6, "shapes3d-drawn": 3.5e-5, "mpi3d-drawn": 3e-5}
"""Seconds to render one image; 2e-5 for others."""
DRAWING = {"dsprites": 3.4, "shapes3d-drawn": 3.6, "mpi3d-drawn": 19.0}
"""Seconds to draw a dataset, once per machine."""
OPEN = 0.3
"""Seconds to open a dataset that is ready, its digest checked: once per job."""
WHOLE, INDEPENDENT = 3.7e-9, 5e-6
"""Seconds of one pass of a power iteration over one pixel of one image, and of FastICA over one image."""
RECORD = 1500
"""Bytes of a record, about."""


class Cost(NamedTuple):
    """What a job costs: image passes of training, images encoded, and core-seconds."""

    passes: int
    encoded: int
    seconds: float


def shape_of(dataset: str) -> tuple[int, int, int]:
    """The image shape of a dataset by name; (3, 64, 64) for a stranger."""
    return outline(dataset)[0] if dataset in OUTLINES or foreign(dataset) else (3, 64, 64)


def size_of(cell: Cell) -> Size:
    """What a VAE's cell costs an image, and its parameters, its objective's among them."""
    own = objectives.named(cell.objective or "beta_vae").costs(cell.codes)
    size = models.size(cell.method, shape_of(cell.dataset), cell.codes)
    return size._replace(parameters=size.parameters + own.parameters)


def work(cell: Cell) -> int:
    """Multiply-adds of one image of training: forwards, backwards to what each layer takes and to its weights, and what
    the objective takes.
    """
    size = size_of(cell)
    return 3 * (size.encoder + size.decoder) + objectives.named(cell.objective or "beta_vae").costs(cell.codes).macs


@lru_cache(maxsize=1024)
def price(question: Question) -> Price:
    """What a question costs: of the house's own names without opening them; nothing where it cannot be made here."""
    from betavae.metrics import costs, named

    if known := costs.price(question.measure, dict(question.knobs)):
        return known
    try:
        made = named(question.measure, **dict(question.knobs))
    except BetavaeError:
        return costs.Price(0, 0.0)
    return costs.Price(made.looks, made.seconds, getattr(made, "draws", ""), getattr(made, "pictures", 0))


def encodings(question: Question, size: int) -> int:
    """How many different images a question has encoded."""
    looks = price(question).looks
    return min(size, looks(size) if callable(looks) else looks)


def share(method: str, shape: tuple[int, int, int]) -> float:
    """The share of the matrix product's rate at which a method trains on images of a shape; a stranger like conv."""
    alike = method if any(m == method for m, _, _ in SHARE) else "conv"
    return min((abs(c - shape[0]) + abs(s - shape[1]), v) for (m, c, s), v in SHARE.items() if m == alike)[1]


def cost(job: Job, rate: float | None = None, held: Measured | None = None) -> Cost:
    """The cost of one job on one core, of this machine or of so many multiply-adds a second; of a kind of work that
    was measured (``held``), as that says.
    """
    held = held or (measured.known() if rate is None else measured.NOTHING)
    cell = job.cell
    shape = shape_of(cell.dataset)
    known = cell.dataset in OUTLINES or foreign(cell.dataset)
    size = math.prod(outline(cell.dataset)[1]) if known else 100_000
    rate = rate or pace.product_rate()
    seconds, passes, encoder = OPEN, 0, math.prod(shape) * cell.codes
    image: float | None = None
    render = RENDER.get(cell.dataset, 2e-5)
    if cell.recipe:
        made = size_of(cell)
        encoder = made.encoder
        passes = cell.recipe.steps * cell.recipe.batch
        own = objectives.named(cell.objective or "beta_vae").costs(cell.codes).macs  # dense products, as the MLP's
        each = (work(cell) - own) / share(cell.method, shape) + own / share("mlp", shape)
        reckoned = cell.recipe.batch * each / rate + STEP + PARAMETER * made.parameters
        step, image = held.step(cell), held.image(cell)
        seconds += cell.recipe.steps * (step or reckoned) + passes * render
    else:
        seconds += held.rest * _fitting(cell, size, render)
    encoded = 0
    for at in sorted({a for q in job.questions for a in q.at}):
        asked = [q for q in job.questions if at in q.at]
        # Metrics of one seed and stream share a draw, and so its codes: the largest counts once.
        draws: dict[tuple[int, str], int] = {}
        for q in asked:
            seconds += held.rest * price(q).seconds
            if stream := price(q).draws:
                draws[q.seed, stream] = max(draws.get((q.seed, stream), 0), encodings(q, size))
            else:
                encoded += encodings(q, size)
        encoded += round(size * -math.expm1(-sum(draws.values()) / size))
    speed = rate * ENCODE.get(cell.method, ENCODE["conv"])
    return Cost(passes, encoded, seconds + encoded * ((image or encoder / speed) + render))


def _fitting(cell: Cell, size: int, render: float) -> float:
    """Seconds to fit a baseline: power iterations on a subset, and where all are asked for two more passes over all."""
    if cell.method not in ("pca", "ica"):
        return 0.1
    pixels = math.prod(shape_of(cell.dataset))
    subset = cell.fit or min(size, 10_000)
    seconds = 0.3 + subset * (3.6e-8 * pixels + render)
    if cell.fit is None:
        seconds += 2 * size * (WHOLE * pixels + render)
    return seconds + (1.0 + INDEPENDENT * subset if cell.fit else INDEPENDENT * size) * (cell.method == "ica")


def footprint(job: Job) -> int:
    """Bytes that a finished job keeps in its store: its parameters, its pictures, its records."""
    cell, pixels, records = job.cell, math.prod(shape_of(job.cell.dataset)), 1
    kept = 0
    if cell.recipe:
        kept += 4 * size_of(cell).parameters
        kept += 8 * BINS * (cell.codes + 3)
    for question in job.questions:
        kept += len(question.at) * price(question).pictures * pixels
        records += len(question.at)
    return kept + RECORD * records


def drawing(jobs: Iterable[Job]) -> list[float]:
    """Seconds of each dataset that these jobs need and that is not drawn yet."""
    from betavae.datasets.files import cache

    ready = cache.folder(None) / "ready"
    names = {job.cell.dataset for job in jobs} & DRAWING.keys()
    return [DRAWING[name] for name in sorted(names) if not any(ready.glob(f"{name}*/manifest.json"))]


def total(jobs: Iterable[Job], rate: float | None = None) -> Cost:
    """The cost of many jobs, as ``cost`` gives that of one."""
    each = [cost(job, rate) for job in jobs]
    return Cost(sum(c.passes for c in each), sum(c.encoded for c in each), sum(c.seconds for c in each))


def label(cell: Cell) -> str:
    """A cell in a few words: ``dsprites conv β=4 seed 123``; another objective than the β-VAE is named."""
    beta = "" if cell.beta is None else f" β={cell.beta:g}"
    named = f" {cell.objective}" if cell.objective not in (None, "beta_vae") else ""
    rest = [(k, v if isinstance(v, str) else f"{v:g}") for k, v in cell.knobs if cell.recipe and k != "beta"]
    knobs = "".join(f" {k}={v}" for k, v in rest)
    linear = cell.method in ("pca", "ica")
    fit = "" if not linear else f" on {cell.fit:,}" if cell.fit else " on all"
    quirks = "".join(f" +{q}" for q in cell.quirks)
    rule = f" where {cell.train_on}" if cell.train_on else ""
    return f"{cell.dataset} {cell.method}{named}{beta}{knobs}{fit}{rule} seed {cell.seed}{quirks}"

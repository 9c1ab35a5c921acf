"""What a study will cost, before it runs: image passes, multiply-adds, and the time they take on this machine.

Operations are counted from the architectures; the machine's own matrix-product rate is measured in a blink; the
share of it that each kind of work reaches is measured by ``benchmarks/`` and kept here as literal numbers.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from betavae.datasets import OUTLINES
from betavae.study.cells import Cell, Job, Question

SHARE = {"conv": 0.62, "mlp": 0.70, "encode": 0.45}
"""Share of a core's single-precision matrix-product rate that training and encoding reach."""
SCORE = {"logistic": 0.3, "forest": 1.2, "linear": 1.5, "mlp": 12.0}
"""Seconds to fit one classifier on 1,000 votes, by name."""
FEATURE_RATE = 60.0
"""Images per second through the offline feature network."""
BINS = 100
"""Points of a training curve that is kept."""
RECORD = 1500
"""Bytes of a record, about."""


class Cost(NamedTuple):
    """What a job costs: image passes of training, images encoded, and core-seconds."""

    passes: int
    encoded: int
    seconds: float


def shape_of(dataset: str) -> tuple[int, int, int]:
    """The image shape of a dataset by name; (3, 64, 64) for a stranger."""
    return OUTLINES[dataset][0] if dataset in OUTLINES else (3, 64, 64)


def macs(method: str, shape: tuple[int, int, int], codes: int) -> tuple[int, int]:
    """Multiply-adds per image of the encoder and the decoder (Table 4 of the paper)."""
    channels, side, _ = shape
    if method == "mlp":
        pixels = math.prod(shape)
        encoder = pixels * 1200 + 1200 * 1200 + 1200 * 2 * codes
        return encoder, codes * 1200 + 2 * 1200 * 1200 + 1200 * pixels
    convolutions, width, into = 0, side, channels
    while width > 4:
        width //= 2
        convolutions += width * width * 16 * into * 32
        into = 32
    dense = 512 * 256 + 256 * 256
    return convolutions + dense + 256 * 2 * codes, convolutions + dense + 256 * codes


def parameters(method: str, shape: tuple[int, int, int], codes: int) -> int:
    """Parameters of a VAE (Table 4 of the paper)."""
    channels, side, _ = shape

    def dense(*widths: int) -> int:
        return sum(into * out + out for into, out in itertools.pairwise(widths))

    heads = 2 * dense(1200 if method == "mlp" else 256, codes)
    if method == "mlp":
        pixels = math.prod(shape)
        return dense(pixels, 1200, 1200) + heads + dense(codes, 1200, 1200, 1200, pixels)
    inner = (side.bit_length() - 4) * (32 * 32 * 16 + 32)
    outer = 2 * channels * 32 * 16 + 32 + channels
    return outer + 2 * inner + dense(512, 256, 256) + heads + dense(codes, 256, 256, 512)


@lru_cache(maxsize=1)
def product_rate() -> float:
    """Multiply-adds per second of one core in a 1024-cube single-precision product, the best of a few."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    a, b = torch.ones(1024, 1024), torch.ones(1024, 1024)
    best = math.inf
    for _ in range(6):
        begun = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - begun)
    torch.set_num_threads(before)
    return 1024**3 / best


def encodings(question: Question, size: int) -> int:
    """How many different images a question has encoded."""
    knobs = dict(question.knobs)
    if question.measure in ("higgins", "rotation"):
        if knobs.get("pool"):
            return int(knobs["pool"])
        looked = 2 * int(knobs.get("pairs", 64)) * (int(knobs.get("votes", 1000)) + int(knobs.get("test_votes", 1000)))
        return round(size * -math.expm1(-looked / size))
    return int(knobs.get("images", 200))


def cost(job: Job) -> Cost:
    """The cost of one job on one core of this machine."""
    cell = job.cell
    shape = shape_of(cell.dataset)
    size = math.prod(OUTLINES[cell.dataset][1]) if cell.dataset in OUTLINES else 100_000
    rate, seconds, passes = product_rate(), 0.0, 0
    if cell.recipe:
        encoder, decoder = macs(cell.method, shape, cell.codes)
        passes = cell.recipe.steps * cell.recipe.batch
        seconds += passes * 3 * (encoder + decoder) / (rate * SHARE[cell.method])
    else:
        encoder, decoder = math.prod(shape) * cell.codes, 0
        seconds += 3e-5 * (cell.fit or size) + 2.0 if cell.method in ("pca", "ica") else 0.1
    encoded = 0
    for at in sorted({a for q in job.questions for a in q.at}):
        asked = [q for q in job.questions if at in q.at]
        # Questions that share a draw share its codes: the largest counts once.
        shared = max((encodings(q, size) for q in asked if q.measure in ("higgins", "rotation")), default=0)
        encoded += shared + sum(encodings(q, size) for q in asked if q.measure not in ("higgins", "rotation"))
        seconds += sum(_answering(q) for q in asked)
    return Cost(passes, encoded, seconds + encoded * (encoder / (rate * SHARE["encode"]) + 2e-5))


def _answering(question: Question) -> float:
    knobs = dict(question.knobs)
    if question.measure in ("higgins", "rotation"):
        return SCORE.get(str(knobs.get("classifier", "logistic")), 1.0) * int(knobs.get("votes", 1000)) / 1000
    if question.measure == "frechet":
        return 2 * int(knobs.get("images", 1000)) / FEATURE_RATE
    return 0.05


def footprint(job: Job) -> int:
    """Bytes that a finished job keeps in its store: its parameters, its pictures, its records."""
    cell, pixels, records = job.cell, math.prod(shape_of(job.cell.dataset)), 1
    kept = 0
    if cell.recipe:
        kept += 4 * parameters(cell.method, shape_of(cell.dataset), cell.codes)
        kept += 8 * BINS * (cell.codes + 3)
    for question in job.questions:
        knobs = dict(question.knobs)
        pictures = {
            "samples": int(knobs.get("images", 40)),
            "reconstructions": 2 * int(knobs.get("images", 16)),
            "traversals": 1 + int(knobs.get("steps", 7)) * int(knobs.get("top", 6)),
        }
        kept += len(question.at) * pictures.get(question.measure, 0) * pixels
        records += len(question.at)
    return kept + RECORD * records


def total(jobs: Iterable[Job]) -> Cost:
    """The cost of many jobs."""
    each = [cost(job) for job in jobs]
    return Cost(sum(c.passes for c in each), sum(c.encoded for c in each), sum(c.seconds for c in each))


def label(cell: Cell) -> str:
    """A cell in a few words: ``dsprites conv β=4 seed 123``."""
    beta = "" if cell.beta is None else f" β={cell.beta:g}"
    linear = cell.method in ("pca", "ica")
    fit = "" if not linear else f" on {cell.fit:,}" if cell.fit else " on all"
    quirks = "".join(f" +{q}" for q in cell.quirks)
    return f"{cell.dataset} {cell.method}{beta}{fit} seed {cell.seed}{quirks}"

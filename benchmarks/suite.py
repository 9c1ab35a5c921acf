"""``python -m benchmarks.suite``: all of ``betavae score --metric all``, of codes whose truth is known and of a VAE.

The table of docs/metrics/field.md: the codes of the tests, and a convolutional VAE trained for it (β = 4, 50,000 images
of 2Dshapes), each on 10,000 images; of the VAE also the sd over redraws, its codes rotated, those that move, and the
seconds of one draw beside encoding. Ten minutes on one core.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import torch

import betavae
from benchmarks.field import recipes
from betavae.cli.suite import ALL, questions
from betavae.datasets.base import Dataset
from betavae.metrics.base import Codes, Metric
from betavae.metrics.suite import Line, suite
from betavae.representation import encoders
from betavae.representation.base import Codec
from betavae.study import machine

NAMES = ("perfect", "rotated", "dup", "realistic", "mixed", "discrete", "zeros")
IMAGES, SEEDS = 50_000, 3
PARTS = ("completeness", "informativeness", "compactness", "explicitness")
"""Scores beside a metric's first that are read as its own."""


def remembered(codec: Codec, dataset: Dataset, asked: dict[str, Any]) -> Codec:
    """The codec with the codes of all that will be asked made already, so that seconds are those of the metrics."""
    codes, table = Codes(dataset, codec), torch.zeros(dataset.size, codec.codes)
    for seed in range(SEEDS):
        for metric in asked.values():
            assert isinstance(metric, Metric)
            generator = betavae.rng.generator(seed, metric.draws, "plan", dataset.name)
            index = metric.plan(generator, dataset).index.reshape(-1)
            table[index] = codes(index)
    return codec._replace(told=lambda index: table[index])


def cell(line: Line) -> str:
    """The scores that are read as the metric's, or that there are none."""
    if line.row.refused:
        return line.row.refused.partition(":")[0].partition(";")[0]
    given = list(line.row.scores[0])
    keys = [given[0], *(key for key in given[1:] if key in PARTS)]
    texts = (f"{found.mean:.3f}" for key in keys if (found := line.row.spread(key)))
    return ", ".join(texts).replace("-0.000", "0.000")


def rows(dataset: Dataset, model: Codec) -> list[list[str]]:
    """The table, a metric a line."""
    golden, asked = recipes(), questions(ALL, {}, whole=False)
    columns: list[list[Line]] = []
    for name in NAMES:
        codec = encoders.codec(golden.codes(name, golden.grid()).astype("float32"), dataset)
        begun = time.perf_counter()
        columns.append(list(suite(asked, dataset, codec, (0,))))
        print(f"{name}: {time.perf_counter() - begun:.0f} s", file=sys.stderr)
    vae = list(suite(asked, dataset, remembered(model, dataset, asked), range(SEEDS)))
    found = []
    for *known, mine in zip(*columns, vae, strict=True):
        spread = mine.row.spread(next(iter(mine.row.scores[0]))) if mine.row.scores else None
        told = [spread.sd if spread else None, mine.noise, mine.rotated]
        texts = ["–" if value is None else f"{value:.3f}" for value in told]
        counted = [str(mine.notes.get("active", "–")), f"{mine.seconds:.2f}"]
        found.append([f"`{mine.metric}`", *map(cell, known), cell(mine), *texts, *counted])
        print("| " + " | ".join(found[-1]) + " |", flush=True)
    return found


def main() -> int:
    torch.set_num_threads(1)
    print(f"one core of {machine.cpu()}", file=sys.stderr)
    dataset = betavae.load("dsprites")
    model = betavae.fit(dataset, beta=4.0, images=IMAGES, seed=1, quiet=True)
    header = ["metric", *NAMES, "VAE", "sd", "noise", "rotated", "active", "s"]
    print("| " + " | ".join(header) + " |\n|" + "---|" * len(header))
    rows(dataset, model.codec)
    return 0


if __name__ == "__main__":
    sys.exit(main())

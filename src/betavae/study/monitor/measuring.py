"""A process that measures: it trains each kind of cell for about a second on images of noise, encodes, fits a
classifier, and tells what a core took. Run by ``measured.measure``.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import torch

from betavae.datasets.base import Dataset
from betavae.metrics import classifiers
from betavae.metrics.costs import FITTING
from betavae.models import named
from betavae.objectives import named as objective_named
from betavae.representation import vae
from betavae.study.cells import Cell
from betavae.study.jobs.attempt import prepare_process
from betavae.study.monitor import measured
from betavae.study.monitor.cost import shape_of
from betavae.training import single
from betavae.training.gradient import Task
from betavae.training.single import Member

IMAGES, BATCH = 512, 250
"""Images of noise that are trained on, and those encoded at once."""
VOTES, CODES, FACTORS = 1000, 10, 5
"""The votes that a classifier is fitted to."""


def main() -> int:
    """Read cells from standard input, write their seconds to standard output."""
    cells = [Cell.from_plain(plain) for plain in json.load(sys.stdin)]
    prepare_process(1)
    seconds: dict[str, float] = {}
    begun, spent = time.perf_counter(), time.process_time()
    for cell in cells:
        seconds |= trained(cell)
    seconds[measured.REST] = rest()
    told: dict[str, Any] = {"seconds": seconds, "core": time.process_time() - spent}
    json.dump({**told, "wall": time.perf_counter() - begun}, sys.stdout)
    return 0


def each(act: Callable[[], object], seconds: float) -> float:
    """Seconds of a core that one call takes, of as many as fit into so many seconds; the first is not counted."""
    act()
    count, begun, spent = 0, time.perf_counter(), time.process_time()
    while count < 2 or time.perf_counter() - begun < seconds:
        act()
        count += 1
    return (time.process_time() - spent) / count


def trained(cell: Cell) -> dict[str, float]:
    """The seconds of one step of a cell's training, and of one image encoded."""
    assert cell.recipe is not None
    shape = shape_of(cell.dataset)
    noise = torch.rand(IMAGES, *shape, generator=torch.Generator().manual_seed(0))
    data = Dataset(cell.dataset, shape, IMAGES, None, "noise", "noise", lambda index: noise[index])
    task = Task(data, named(cell.method, shape, cell.codes), objective_named(cell.objective or "beta_vae"), cell.recipe)
    member = Member(cell.seed, dict(cell.knobs), cell.recipe)
    state = single.start(task, member)

    def step() -> None:
        if state.step == task.recipe.steps:  # a budget of a few steps: the same ones again
            state.step = 0
        single.advance(task, member, state, state.step + 1)

    name, share = measured.kind(cell), measured.EACH / 4
    found = {f"step {name}": each(step, 3 * share)}
    encode = vae.codec(task.model, state.params).encode
    return {**found, f"encode {name}": each(lambda: encode(noise[:BATCH]), share) / BATCH}


def rest() -> float:
    """By how much the linear classifier takes longer than the table says: as many steps whatever its votes."""
    generator = torch.Generator().manual_seed(0)
    answer = torch.randint(FACTORS, (VOTES,), generator=generator)
    votes = torch.rand(VOTES, CODES, generator=generator) * (1 + torch.eye(FACTORS, CODES)[answer])
    took = each(lambda: classifiers.linear(generator, votes, answer, votes, FACTORS), measured.EACH)
    return took / sum(FITTING["linear"])


if __name__ == "__main__":
    sys.exit(main())

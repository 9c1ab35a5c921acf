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

from betavae.datasets import OUTLINES, outline
from betavae.datasets.base import Dataset
from betavae.factors import Factors
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
from betavae.training.single import Member, State

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
    data = noise(cell.dataset)
    model, objective = named(cell.method, data.shape, cell.codes), objective_named(cell.objective or "beta_vae")
    task, member = Task(data, model, objective, cell.recipe), Member(cell.seed, dict(cell.knobs), cell.recipe)
    state, name, share = single.start(task, member), measured.kind(cell), measured.EACH / 4
    took = stepped(task, member, state, 3 * share)
    images, encode = data.render(torch.arange(BATCH)), vae.codec(task.model, state.params).encode
    found = {f"encode {name}": each(lambda: encode(images), share) / BATCH}
    return found if took is None else {f"step {name}": took, **found}


def noise(dataset: str) -> Dataset:
    """Images of noise of a dataset's shape, on its grid where it has one, which objectives of pairs want."""
    shape, sizes = outline(dataset) if dataset in OUTLINES else (shape_of(dataset), ())
    images = torch.rand(IMAGES, *shape, generator=torch.Generator().manual_seed(0))
    factors = Factors(tuple(map(str, range(len(sizes)))), sizes) if len(sizes) > 1 else None
    size = factors.size if factors else IMAGES
    return Dataset(dataset, shape, size, factors, "noise", "noise", lambda index: images[index % IMAGES])


def stepped(task: Task, member: Member, state: State, seconds: float) -> float | None:
    """Seconds of a core that a step takes in one training of so many seconds, its beginning and its first step not
    counted: None where it left the finite numbers before there was anything to count.
    """
    begun, marks = time.perf_counter(), list[float]()

    def see(state: State) -> None:
        marks.append(time.process_time())
        if len(marks) > 2 and time.perf_counter() - begun > seconds:
            state.step = task.recipe.steps
        elif state.step == task.recipe.steps:  # a budget of a few steps: the same ones again
            state.step = 0

    single.advance(task, member, state, task.recipe.steps, see)
    return (marks[-1] - marks[0]) / (len(marks) - 1) if len(marks) > 1 else None


def rest() -> float:
    """By how much the linear classifier takes longer than the table says: as many steps whatever its votes."""
    generator = torch.Generator().manual_seed(0)
    answer = torch.randint(FACTORS, (VOTES,), generator=generator)
    votes = torch.rand(VOTES, CODES, generator=generator) * (1 + torch.eye(FACTORS, CODES)[answer])
    took = each(lambda: classifiers.linear(generator, votes, answer, votes, FACTORS), measured.EACH)
    return took / sum(FITTING["linear"])


if __name__ == "__main__":
    sys.exit(main())

"""What this machine was measured to take: seconds of a core for a step of each kind of training, an image encoded, and
the rest beside the table that ``cost`` holds. Kept in the user's cache folder, read without PyTorch.

``measure`` trains, encodes and classifies for a few seconds in as many processes as a run has workers, each kind as it
is in the study. What it keeps are seconds of a core by its own clock: how much of its time a core gives is another
matter, and is looked at whenever a run is forecast.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from betavae.disk import Unwritable, write_atomic
from betavae.errors import Fault
from betavae.names import foreign
from betavae.study import machine
from betavae.study.cells import Cell, Job, canonical

EACH = 1.2
"""Seconds that one kind of training is measured for, its encoding included."""
REST = "rest"
"""The name of what is neither trained nor encoded: seconds of a core beside those that tables hold."""
BEGIN = 5.0
"""Seconds until a process that measures has begun."""


class Measured(NamedTuple):
    """Seconds of a core by kind of work, and the share of its time that a core gave when that was measured."""

    seconds: dict[str, float]
    free: float

    def step(self, cell: Cell) -> float | None:
        """Seconds of one step of a cell's training but for rendering its images; None where that was not measured."""
        return self.seconds.get(f"step {kind(cell)}")

    def image(self, cell: Cell) -> float | None:
        """Seconds to encode one image, rendered."""
        return self.seconds.get(f"encode {kind(cell)}")

    @property
    def rest(self) -> float:
        """By how much everything else takes longer than the tables say."""
        return self.seconds.get(REST, 1.0)


NOTHING = Measured({}, 1.0)
"""Where nothing was measured."""


def kind(cell: Cell) -> str:
    """All of a cell that its rates depend on, as a name: not its seed, its budget or the values of its knobs."""
    from betavae.study.monitor.cost import shape_of

    assert cell.recipe is not None
    c, s, _ = shape_of(cell.dataset)
    return f"{cell.method} {c}x{s}x{s} {cell.codes} {cell.objective} {cell.recipe.optimiser} {cell.recipe.batch}"


def place() -> Path:
    """The file of this machine's rates."""
    from betavae.datasets.files import cache

    return cache.folder() / "rates.json"


def _machine() -> dict[str, Any]:
    return {"cpu": machine.cpu(), "torch": machine.version("torch"), "betavae": machine.version("betavae")}


def known() -> Measured:
    """The rates that were measured on this machine with these versions; none where there are none to be read."""
    return _read(place())


@lru_cache(maxsize=4)
def _read(path: Path) -> Measured:
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
        told = json.loads(path.read_text(encoding="utf-8"))
        if told["machine"] == _machine():
            seconds = {str(name): float(value) for name, value in told["seconds"].items() if 0 < float(value) < 1e6}
            return Measured(seconds, min(1.0, max(0.01, float(told["free"]))))
    return NOTHING


def brought(cell: Cell) -> bool:
    """Whether a training is on a stranger's images, or by a stranger's code."""
    return any(map(foreign, (cell.dataset, cell.method, cell.objective or "")))


def lacking(jobs: Sequence[Job], held: Measured) -> list[Cell]:
    """One cell of each kind of training that no rate is known of; strangers' code is not run to be measured."""
    kinds: dict[str, Cell] = {}
    for cell in (job.cell for job in jobs):
        if cell.recipe and not brought(cell):
            kinds.setdefault(kind(cell), cell)
    return [cell for cell in kinds.values() if held.step(cell) is None]


def takes(cells: Sequence[Cell]) -> float:
    """About how many seconds ``measure`` takes on a machine that has nothing else to do."""
    return BEGIN + EACH * (len(cells) + 1)


def measure(cells: Sequence[Cell], workers: int) -> Measured:
    """Measure kinds of training, and the rest, in so many processes side by side, and keep what was found.

    Raises Fault where a process that measures fails.
    """
    words = [sys.executable, "-m", "betavae.study.monitor.measuring"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    asked = canonical([cell.plain() for cell in cells])
    processes = [
        subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
        for _ in range(workers)
    ]
    told = []
    with contextlib.ExitStack() as stack:
        for process in processes:  # where one failed, or a person has had enough, none goes on beside what comes next
            stack.enter_context(process)
            stack.callback(process.kill)
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(asked.encode())
            process.stdin.close()
        for process in processes:
            assert process.stdout is not None and process.stderr is not None  # noqa: PT018
            out, wrong = process.stdout.read(), process.stderr.read()
            if process.wait():
                last = wrong.decode(errors="replace").strip().rpartition("\n")[2]
                raise Fault(f"the machine could not be measured: {last[:200] or 'its process ended'}")
            told.append(json.loads(out))
    each = {name: sum(one["seconds"][name] for one in told) / len(told) for name in told[0]["seconds"]}
    free = sum(one["core"] for one in told) / sum(one["wall"] for one in told)
    found = Measured({**known().seconds, **each}, min(1.0, free))
    kept = {"machine": _machine(), "seconds": found.seconds, "free": found.free}
    with contextlib.suppress(Unwritable):  # a forecast needs no disk
        write_atomic(place(), canonical(kept).encode())
    _read.cache_clear()
    return found

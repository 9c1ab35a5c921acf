"""What a person sees while a study runs: bars on a terminal, a line now and then in a log. It goes to standard
error.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn
from rich.progress import Progress as Bars

from betavae.study.cells import Job
from betavae.study.jobs.messages import Asking, Finished, Fitting, Kept, Lost, Note, Prepared, Preparing, Said, Step
from betavae.study.monitor import cost

LINE_EVERY = 15.0
"""Seconds between lines where no terminal is listening."""


class Progress:
    """Hears what the workers say and shows it: cells done, images per second, loss terms, time left.

    ``left`` are the jobs as long as they still take, where checkpoints hold a part of their training: what was done
    before counts neither as work nor as done.
    """

    def __init__(
        self, jobs: Sequence[Job], workers: int, predicted: float, quiet: bool = False, left: Sequence[Job] = ()
    ) -> None:
        self.labels = {job.cell.id: cost.label(job.cell) for job in jobs}
        pairs = [(job.cell, rest) for job, rest in zip(jobs, left or jobs, strict=True)]
        self.costs = {cell.id: cost.cost(rest).seconds for cell, rest in pairs}
        self.left_of = {cell.id: rest.cell.recipe.steps for cell, rest in pairs if rest.cell.recipe}
        self.share: dict[str, float] = dict.fromkeys(self.labels, 0.0)
        self.done: set[str] = set()
        self.quiet, self.predicted, self.begun, self.spoken = quiet, predicted, time.perf_counter(), 0.0
        self.doing: dict[int, str] = {}
        self.console = Console(stderr=True)
        self.bars: Bars | None = None
        self.rows: dict[int, TaskID] = {}
        if sys.stderr.isatty() and not quiet:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TextColumn("{task.fields[extra]}"),
            )
            self.bars = Bars(*columns, console=self.console, refresh_per_second=4, transient=True)
            self.all = self.bars.add_task("cells", total=len(self.labels), extra="")
            for k in range(workers):
                self.rows[k] = self.bars.add_task(f"worker {k}", total=1, extra="starting")

    def __enter__(self) -> Progress:
        if self.bars:
            self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bars:
            self.bars.stop()

    def left(self) -> str:
        """The time left, from what the work done so far took against what it was reckoned to take."""
        whole = sum(self.costs.values()) or 1.0
        share = sum(self.costs[c] * (1.0 if c in self.done else self.share[c]) for c in self.costs) / whole
        spent = time.perf_counter() - self.begun
        # The reckoning counts for as much as the first tenth of the work.
        total = (self.predicted * 0.1 + spent) / (0.1 + share) if share < 1 else spent
        seconds = max(0, round(total - spent))
        return f"{seconds // 60}:{seconds % 60:02d} left"

    def hear(self, worker: int, message: Said) -> None:
        """Take in one message of a worker."""
        match message:
            case Note(text):
                self._line(text)
            case Lost(cell):
                self._line(f"worker {worker} died doing {self._name(cell)}; going on from its checkpoint")
            case Preparing(dataset):
                self._show(worker, f"preparing {dataset}", 0, 1)
            case Prepared(dataset, seconds, failure):
                self._line(failure or f"{dataset} ready in {seconds:.1f} s")
            case Step(cell, step, steps, rate, reconstruction, kl):
                left = self.left_of.get(cell, steps)
                self.share[cell] = max(0.0, 1 - (steps - step) / left)
                terms = f"reconstruction {_number(reconstruction)} + KL {_number(kl)} nats"
                self._show(worker, self._name(cell), step, steps, f"{rate:,.0f} images/s, {terms}")
            case Fitting(cell):
                self._show(worker, self._name(cell), 0, 1, "fitting")
            case Asking(cell, measure):
                self._show(worker, self._name(cell), 1, 1, f"asking {measure}")
            case Kept(cell, status=("error" | "diverged") as status, message=said):
                self._line(f"{self._name(cell)}: {status}: {said}")
            case Finished(fates):
                for cell, fate in fates.items():
                    if fate not in ("elsewhere", "trained", "paused"):
                        self.done.add(cell)
                    if fate not in ("done", "trained", "paused"):
                        what = "another process does it; waiting for that" if fate == "elsewhere" else fate
                        self._line(f"{self._name(cell)}: {what}")
                self._tick()

    def _name(self, cell: str) -> str:
        return self.labels.get(cell, cell)

    def _show(self, worker: int, what: str, step: int, steps: int, extra: str = "") -> None:
        self.doing[worker] = f"{what} {extra}"
        if self.bars and worker in self.rows:
            self.bars.update(self.rows[worker], description=what, completed=step, total=steps, extra=extra)
        self._tick()

    def _tick(self) -> None:
        if self.bars:
            self.bars.update(self.all, completed=len(self.done), extra=self.left())
        elif time.perf_counter() - self.spoken > LINE_EVERY:
            self.spoken = time.perf_counter()
            self._line(f"{len(self.done)}/{len(self.labels)} cells, {self.left()} | " + " | ".join(self.doing.values()))

    def _line(self, text: str) -> None:
        if not self.quiet:
            self.console.print(text, highlight=False, soft_wrap=True, markup=False)


def _number(value: float | None) -> str:
    return "beyond all numbers" if value is None else f"{value:.1f}"

"""What a person sees while a study runs: bars on a terminal, a line now and then in a log. It goes to standard
error.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn
from rich.progress import Progress as Bars

from betavae.study.cells import Job
from betavae.study.monitor import cost

LINE_EVERY = 15.0
"""Seconds between lines where no terminal is listening."""


class Progress:
    """Hears what the workers say and shows it: cells done, images per second, loss terms, time left."""

    def __init__(self, jobs: Sequence[Job], workers: int, predicted: float, quiet: bool = False) -> None:
        self.labels = {job.cell.id: cost.label(job.cell) for job in jobs}
        self.costs = {job.cell.id: cost.cost(job).seconds for job in jobs}
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

    def hear(self, worker: int, message: dict[str, Any]) -> None:
        """Take in one message of a worker."""
        cell = str(message.get("cell", ""))
        name = self.labels.get(cell, cell)
        if "note" in message:
            self._line(message["note"])
        elif "lost" in message:
            self._line(
                f"worker {worker} died doing {self.labels.get(message['lost'], '')}; going on from its checkpoint"
            )
        elif "preparing" in message:
            self._show(worker, f"preparing {message['preparing']}", 0, 1)
        elif "prepared" in message:
            self._line(message["failure"] or f"{message['prepared']} ready in {message['seconds']:.1f} s")
        elif "step" in message:
            self.share[cell] = message["step"] / message["steps"]
            terms = f"reconstruction {message['reconstruction']:.1f} + KL {message['kl']:.1f} nats"
            self._show(worker, name, message["step"], message["steps"], f"{message['rate']:,.0f} images/s, {terms}")
        elif "fitting" in message:
            self._show(worker, name, 0, 1, "fitting")
        elif "asking" in message:
            self._show(worker, name, 1, 1, f"asking {message['asking']}")
        elif message.get("status") in ("error", "diverged"):
            self._line(f"{name}: {message['status']}: {message['message']}")
        elif "finished" in message:
            for key, fate in message["finished"].items():
                if fate not in ("elsewhere", "trained"):
                    self.done.add(key)
                if fate not in ("done", "trained"):
                    what = "another process does it; waiting for that" if fate == "elsewhere" else fate
                    self._line(f"{self.labels.get(key, key)}: {what}")
            self._tick()

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

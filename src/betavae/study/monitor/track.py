"""Trackers as listeners: the loss terms and the rate of every cell, from the messages that the driver hears.

One protocol serves all: a tracker opens a run for a cell, the run takes scalars by step and is finished. A tracker's
own trouble is said once and costs the study nothing.
"""

from __future__ import annotations

import contextvars
import importlib.util
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from betavae.errors import Misuse, choose
from betavae.names import opened
from betavae.study.jobs.messages import Finished, Said, Step

SCALARS = {"reconstruction": "nats/reconstruction", "kl": "nats/KL", "rate": "images per second"}
"""What a message of progress says, and what a tracker calls it."""
TRACKERS = {
    "tensorboard": "betavae.study.monitor.track:tensorboard",
    "trackio": "betavae.study.monitor.track:trackio",
    "wandb": "betavae.study.monitor.track:wandb",
}
"""Where scalars go: functions ``(folder, project)`` that give what opens the run of a cell by its id."""


class Run(Protocol):
    """What the scalars of one cell go to."""

    def log(self, scalars: Mapping[str, float], step: int) -> None:
        """Take the scalars of one step."""

    def finish(self) -> None:
        """Keep what was given; nothing comes after."""


Tracker = Callable[[str], Run]


def installed(tracker: str) -> None:
    """Raises Misuse where there is no such tracker, or its package is absent."""
    choose(TRACKERS, tracker, "tracker")
    if importlib.util.find_spec(tracker) is None:
        raise _absent(tracker)


def _absent(tracker: str) -> Misuse:
    extra = "'betavae[track]'" if tracker == "tensorboard" else tracker
    return Misuse(f"--track {tracker} needs a package that is not here: `pip install {extra}`")


class Track:
    """``hear`` is a listener of a run of a study: each cell becomes a run of the tracker. Raises Misuse where that is
    not installed.
    """

    def __init__(self, folder: Path, tracker: str = "tensorboard", project: str = "betavae") -> None:
        choose(TRACKERS, tracker, "tracker")
        try:
            self._open: Tracker | None = opened(TRACKERS, tracker, "tracker")(folder, project)
        except ImportError:
            raise _absent(tracker) from None
        self._runs: dict[str, Run] = {}

    def __enter__(self) -> Track:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for cell in list(self._runs):
            self._kept(self._finish, cell)

    def hear(self, worker: int, message: Said) -> None:
        """Take in one message of a worker: scalars of its step, or the end of its cells."""
        del worker
        if isinstance(message, Finished):
            for cell in message.fates:
                self._kept(self._finish, cell)
        elif isinstance(message, Step):
            self._kept(self._log, message)

    def _log(self, message: Step) -> None:
        if message.cell not in self._runs and self._open:
            self._runs[message.cell] = self._open(message.cell)
        told = {tag: getattr(message, key) for key, tag in SCALARS.items()}
        self._runs[message.cell].log({tag: v for tag, v in told.items() if v is not None}, message.step)

    def _finish(self, cell: str) -> None:
        run = self._runs.pop(cell, None)
        if run:
            run.finish()

    def _kept(self, act: Callable[[Any], None], what: Any) -> None:
        """Do it, unless the tracker has failed before; its failure ends the tracking and not the study."""
        if self._open is None:
            return
        try:
            act(what)
        except Exception as error:  # of a library that may talk to anywhere
            self._open = None
            said = " ".join(str(error).split())[:200]
            print(
                f"betavae: the tracker failed and is left out from here: {type(error).__name__}: {said}",
                file=sys.stderr,
            )


class _Events:
    """A folder of TensorBoard's events."""

    def __init__(self, writer: Any) -> None:
        self._writer, self.finish = writer, writer.close

    def log(self, scalars: Mapping[str, float], step: int) -> None:
        for tag, value in scalars.items():
            self._writer.add_scalar(tag, value, step)


def tensorboard(folder: Path, project: str) -> Tracker:
    """TensorBoard: a folder of events for each cell."""
    del project
    from torch.utils.tensorboard import SummaryWriter

    return lambda cell: _Events(SummaryWriter(str(folder / cell)))


def trackio(folder: Path, project: str) -> Tracker:
    """Trackio, on this machine's disk. It holds one run to a context, so each cell gets a context of its own."""
    del folder
    import trackio as library

    def begin(cell: str) -> Run:
        start = partial(library.init, project=project, name=cell, resume="allow", embed=False)
        run: Run = contextvars.Context().run(start)
        return run

    return begin


def wandb(folder: Path, project: str) -> Tracker:
    """Weights & Biases, where its own settings send it (``WANDB_MODE=offline`` keeps all here); files in ``folder``."""
    import wandb as library

    def begin(cell: str) -> Run:
        folder.mkdir(parents=True, exist_ok=True)
        run: Run = library.init(
            project=project, id=cell, name=cell, dir=str(folder), resume="allow", reinit="create_new"
        )
        return run

    return begin

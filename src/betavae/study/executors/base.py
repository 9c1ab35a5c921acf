"""What every executor is: something that does groups of jobs, and tells of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from betavae.study.cells import Job
from betavae.study.jobs.messages import Hear
from betavae.study.settings import Settings
from betavae.types import Json

Group = tuple[Job, ...]
"""Jobs that are done together: one, or on a GPU all that share a program."""
TRIES = 3
"""How often a job is begun before it counts as failed."""


FATES = ("done", "elsewhere", "trained", "paused")
"""What may become of a cell that has not failed, as ``messages.Finished`` says."""


class Executor(Protocol):
    """Where groups of jobs are done."""

    def slots(self, device: str) -> int:
        """How many workers there is room for."""
        ...

    def execute(
        self, groups: Sequence[Group], *, store: Path, study: dict[str, Json], settings: Settings, hear: Hear
    ) -> dict[str, str]:
        """Do all groups; ``hear(worker, message)`` is told what happens. Returns the failures: cell id to reason.

        Raises Unwritable where a disk refuses: nothing that is done then could be kept. Raises Fault where workers
        cannot work at all.
        """
        ...

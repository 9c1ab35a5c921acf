"""A terminal that is not ours, and workers that are no processes: commands run as they stand, cheaply."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from betavae.study.executors.base import Group
from betavae.study.executors.worker import together
from betavae.study.jobs.context import StoreContext
from betavae.study.jobs.messages import Finished, Hear, Perform
from betavae.study.settings import Settings
from betavae.study.store import Store
from betavae.types import Json


class Screen:
    """What a terminal of one byte a letter was given, ``out`` and ``err``, so far."""

    def __init__(self, encoding: str) -> None:
        self._streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True) for _ in range(2)]
        self.encoding = encoding

    @property
    def streams(self) -> Sequence[io.TextIOWrapper]:
        return self._streams

    def read(self) -> tuple[str, str]:
        """What came since the last look."""
        said = []
        for stream in self._streams:
            assert isinstance(stream.buffer, io.BytesIO)
            said.append(stream.buffer.getvalue().decode(self.encoding))
            stream.buffer.seek(0)
            stream.buffer.truncate()
        return said[0], said[1]


@contextlib.contextmanager
def terminal(encoding: str) -> Iterator[Screen]:
    """Standard output and error as a terminal that has only the letters of ``encoding``."""
    screen = Screen(encoding)
    out, err = screen.streams
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield screen


class Here:
    """An executor that does its jobs in this process: the work and the records of a worker without its start."""

    def slots(self, device: str) -> int:
        return 1

    def execute(
        self, groups: Sequence[Group], *, store: Path, study: dict[str, Json], settings: Settings, hear: Hear
    ) -> dict[str, str]:
        context = StoreContext(Store(store), study, settings, lambda message: hear(0, message))
        failed: dict[str, str] = {}
        for group in groups:
            task = Perform.of(group, store=str(store), study=study, settings=settings)
            fates = together(task, context)
            hear(0, Finished(fates))
            failed |= {cell: fate for cell, fate in fates.items() if fate not in ("done", "elsewhere")}
        return failed

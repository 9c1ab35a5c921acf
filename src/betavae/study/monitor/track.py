"""TensorBoard as a listener: the loss terms and the rate of every cell, from the messages that the driver hears."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

from betavae.errors import Misuse
from betavae.study.jobs.messages import Finished, Said, Step

SCALARS = {"reconstruction": "nats/reconstruction", "kl": "nats/KL", "rate": "images per second"}
"""What a message of progress says, and what TensorBoard calls it."""


class Track:
    """Writes an event folder per cell; ``hear`` is a listener of a run. Raises Misuse where TensorBoard is absent."""

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise Misuse("--track needs TensorBoard; install it with `pip install 'betavae[track]'`") from None
        self.folder, self._open = folder, SummaryWriter
        self._writers: dict[str, Any] = {}

    def __enter__(self) -> Track:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for cell in list(self._writers):
            self._close(cell)

    def hear(self, worker: int, message: Said) -> None:
        """Take in one message of a worker: scalars of its step, or the end of its cells."""
        del worker
        if isinstance(message, Finished):
            for cell in message.fates:
                self._close(cell)
        if not isinstance(message, Step):
            return
        if message.cell not in self._writers:
            self._writers[message.cell] = self._open(str(self.folder / message.cell))
        for key, tag in SCALARS.items():
            if (value := getattr(message, key)) is not None:
                self._writers[message.cell].add_scalar(tag, value, message.step)

    def _close(self, cell: str) -> None:
        writer = self._writers.pop(cell, None)
        if writer:
            writer.close()

"""What a driver and its workers say to each other: a JSON object on a line of its own, whether it goes down a pipe or
through a cluster. Nothing is pickled.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from betavae.study.cells import Job
from betavae.study.settings import Settings

Done = set[tuple[str, str | None, float]]
"""What has a record: cell id, question id (None for the fit), and the fraction of training it was put at."""


class Message(msgspec.Struct, tag_field="is", tag=lambda name: name.lower(), omit_defaults=True):
    """One line, whichever way it goes."""


class Prepare(Message):
    """Draw, convert or check a dataset, so that it is ready for whoever asks for it."""

    dataset: str
    settings: Settings


class Perform(Message):
    """Do jobs that share a program together, or one job alone.

    Who cannot read records is told what is ``done``, which ``weights`` a cell's fit ended with, and where the driver's
    data are. ``trains`` is False where only what is trained is to be asked, ``waits`` True where who holds a cell is
    waited for, ``cautious`` as in ``jobs.perform``.
    """

    jobs: list[dict[str, Any]]
    store: str
    study: dict[str, Any]
    settings: Settings
    trains: bool = True
    waits: bool = False
    cautious: bool = False
    threads: int = 1
    done: list[tuple[str, str | None, float]] = []
    weights: dict[str, str] = {}
    data: str | None = None

    @classmethod
    def of(cls, jobs: Sequence[Job], store: str, study: dict[str, Any], settings: Settings, **more: Any) -> Perform:
        """The message that asks for these jobs."""
        return cls([job.plain() for job in jobs], store, study, settings, **more)

    def opened(self) -> list[Job]:
        """The jobs. Raises ValueError where they are none."""
        return [Job.from_plain(plain) for plain in self.jobs]


class Ready(Message):
    """A worker is up."""

    process: int


class Preparing(Message):
    """A dataset is about to be prepared."""

    dataset: str


class Prepared(Message):
    """A dataset is ready after so many seconds, or why it is not."""

    dataset: str
    seconds: float
    failure: str = ""


class Begun(Message):
    """A task has begun on a node, by a process; ``shared`` says whether the store's folder is seen from there."""

    cells: list[str]
    node: str
    process: int
    shared: bool


class Step(Message):
    """How far a training is: images per second, and the loss terms in nats per image (None beyond all numbers)."""

    cell: str
    step: int
    steps: int
    rate: float
    reconstruction: float | None
    kl: float | None


class Fitting(Message):
    """A baseline is being fitted."""

    cell: str
    method: str


class Asking(Message):
    """A question is being put."""

    cell: str
    measure: str


class Kept(Message):
    """A record is in the store."""

    cell: str
    kind: str
    status: str
    measure: str | None = None
    message: str = ""


class Found(Message):
    """A record that is not in the store yet, as its line will read, and its arrays as the bytes of a safetensors
    file: nothing for none.
    """

    record: msgspec.Raw
    arrays: bytes = b""


class Note(Message):
    """Something a person should read."""

    text: str


class Refused(Message):
    """A disk refuses: nothing that is done from now on could be kept."""

    reason: str


class Lost(Message):
    """A worker died doing a group that begins with this cell, which has now been begun so many times."""

    cell: str
    tries: int


class Finished(Message):
    """What became of each cell: "done", "trained" where questions are left, "elsewhere", "paused" where the sitting is
    over, or why it failed.
    """

    fates: dict[str, str]


Said = Ready | Preparing | Prepared | Begun | Step | Fitting | Asking | Kept | Found | Note | Refused | Lost | Finished
"""What workers say, and what a driver adds for whoever listens."""
Hear = Callable[[int, Said], None]
"""A listener: the number of a worker and what it said."""

_SAID: msgspec.json.Decoder[Said] = msgspec.json.Decoder(Said)
_TOLD: msgspec.json.Decoder[Prepare | Perform] = msgspec.json.Decoder(Prepare | Perform)


def line(message: Message) -> bytes:
    """A message as a line."""
    return msgspec.json.encode(message) + b"\n"


def said(text: bytes) -> Said:
    """What a worker's line says. Raises msgspec.DecodeError where it is none, as one that was cut by a kill."""
    return _SAID.decode(text)


def told(text: bytes) -> Prepare | Perform:
    """What a driver's line asks for. Raises msgspec.DecodeError where it is none."""
    return _TOLD.decode(text)


def finite(value: float) -> float | None:
    """A number as JSON can tell it."""
    return value if math.isfinite(value) else None

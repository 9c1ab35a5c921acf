"""How a study is run. Of all this only the precision and the device may touch a number's last digits."""

from __future__ import annotations

import math
import time

import msgspec

from betavae.trust import Source


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is told once and everything beneath it reads: it goes as it is to every worker.

    ``precision`` is that of matrix products in training (a name of ``precision.PRECISIONS``). After ``every``
    so many seconds of training a checkpoint is written, and none before ``leisure`` times as long as the last one took:
    together they take under a fiftieth of training, though what the first will take is not known beforehand. The newest
    ``checkpoints`` are kept. ``workers`` None: as many as the machine or the cluster has room for. A training tells of
    itself every ``say_every`` seconds. ``threads`` are those of each library in a worker process: two workers of one
    use two cores better than one of two. ``sources`` is the code from outside that workers may import. At ``ends``
    (seconds since 1970; None: never) a sitting is over: trainings are put down in a checkpoint, nothing is begun that
    would not end before, and the same command goes on later.
    """

    device: str = "cpu"
    precision: str = "float32"
    every: float = 60.0
    leisure: float = 60.0
    checkpoints: int = 2
    say_every: float = 0.5
    threads: int = 1
    sources: tuple[Source, ...] = ()
    workers: int | None = None
    ends: float | None = None

    @property
    def left(self) -> float:
        """Seconds until the sitting is over."""
        return math.inf if self.ends is None else self.ends - time.time()

    def on(self, device: str) -> Settings:
        """The same on a device; what is not done on the one chosen is done in single precision."""
        precision = self.precision if device == self.device else "float32"
        return msgspec.structs.replace(self, device=device, precision=precision)

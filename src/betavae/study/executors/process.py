"""A worker process as its driver sees it: JSON lines in, JSON lines out, and how it ended."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any, NamedTuple

from betavae.study.cells import Job

Group = tuple[Job, ...]

THREADS = 1
"""Threads of a worker: two workers of one thread use two cores better than one of two."""


class Post(NamedTuple):
    """What a worker is there for: its device, and whether it trains VAEs, does all the rest, or both."""

    device: str
    trains: bool = True
    rests: bool = True


class Order(NamedTuple):
    """Jobs to be done together, and what of them: the training with the questions on its way, the rest, or both."""

    group: Group
    trains: bool = True
    rests: bool = True


class Worker:
    """One worker process, and what it is doing."""

    def __init__(self, number: int, post: Post, command: list[str], log: Path, inbox: queue.Queue[Any]) -> None:
        self.number, self.post = number, post
        self.order: Order | None = None
        self.prepares = ""
        environment = {**os.environ, "OMP_NUM_THREADS": str(THREADS), "MKL_NUM_THREADS": str(THREADS)}
        self.log = log.open("ab")
        # In a process group of its own: an interrupt at the keyboard is for the driver, whose pipe ends the worker.
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, env=environment, text=True,
            process_group=0,
        )  # fmt: skip
        self.thread = threading.Thread(target=self._listen, args=(inbox,), daemon=True)
        self.thread.start()

    def _listen(self, inbox: queue.Queue[Any]) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                try:
                    inbox.put((self, json.loads(line)))
                except ValueError:  # a line cut by a kill
                    break
        self.process.wait()
        inbox.put((self, None))

    def send(self, task: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # its death arrives in the inbox
            self.process.stdin.write(json.dumps(task) + "\n")
            self.process.stdin.flush()

    def fall(self) -> str:
        """How its process ended, in words."""
        code = self.process.returncode
        how = f"by signal {-code}" if code and code < 0 else f"with exit code {code}"
        return how + (", as where memory runs out" if code == -signal.SIGKILL else "")

    @property
    def idle(self) -> bool:
        return not self.order and not self.prepares

    def takes(self, order: Order) -> bool:
        """Whether this worker is there for all that an order wants done."""
        return order.trains <= self.post.trains and order.rests <= self.post.rests

    def stop(self) -> None:
        if self.process.stdin:
            with contextlib.suppress(OSError):  # its other end may be gone
                self.process.stdin.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.thread.join(timeout=5)
        self.log.close()

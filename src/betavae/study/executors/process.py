"""A worker process as its driver sees it: lines in, lines out, and how it ended."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec

from betavae.study.executors.division import Role, Task
from betavae.study.jobs.messages import Perform, Prepare, Said, line, said

KILLED = int(getattr(signal, "SIGKILL", 9))
if sys.platform == "win32":
    FLAGS, GROUP = subprocess.CREATE_NEW_PROCESS_GROUP, None
else:
    FLAGS, GROUP = 0, 0
"""A process group of its own: an interrupt at the keyboard is for the driver, whose pipe ends the worker."""

Inbox = queue.Queue[tuple["Worker", Said | None]]
"""What all workers of a driver said, in the order in which it came; None where one has ended."""


class Worker:
    """One worker process, and what it is doing."""

    def __init__(
        self, number: int, role: Role, command: Sequence[str], log: Path, inbox: Inbox, threads: int = 1
    ) -> None:
        self.number, self.role = number, role
        self.task: Task | None = None
        self.prepares = ""
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
        self.log = log.open("ab")
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            env=environment,
            creationflags=FLAGS,
            process_group=GROUP,
        )
        self.thread = threading.Thread(target=self._listen, args=(inbox,), daemon=True)
        self.thread.start()

    def _listen(self, inbox: Inbox) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for text in lines:
                try:
                    inbox.put((self, said(text)))
                except msgspec.DecodeError:  # a line cut by a kill
                    break
        self.process.wait()
        inbox.put((self, None))

    def send(self, message: Prepare | Perform) -> None:
        """Give it something to do."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # its death arrives in the inbox
            self.process.stdin.write(line(message))
            self.process.stdin.flush()

    def fall(self) -> str:
        """How its process ended, in words."""
        code = self.process.returncode
        how = f"by signal {-code}" if code and code < 0 else f"with exit code {code}"
        return how + (", as where memory runs out" if code == -KILLED else "")

    @property
    def idle(self) -> bool:
        return not self.task and not self.prepares

    def stop(self) -> None:
        """End it, whatever it is doing."""
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

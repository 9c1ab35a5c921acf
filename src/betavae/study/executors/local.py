"""The local executor: one worker process per core, one thread each, jobs spread over them as they come free.

A worker that dies hands its jobs back; they go on from their checkpoints in a new worker, at most ``TRIES`` times.
A cell that another run of this machine is doing is waited for, so that a run ends when its study has.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from betavae.disk import Unwritable
from betavae.errors import Fault
from betavae.study import machine
from betavae.study.cells import Job
from betavae.types import Json

TRIES = 3
"""How often a job is begun before it counts as failed."""
COMMAND = (sys.executable, "-m", "betavae.study.executors.worker")

Group = tuple[Job, ...]
Hear = Callable[[int, dict[str, Any]], None]


class Worker:
    """One worker process and what it is doing."""

    def __init__(self, number: int, command: list[str], threads: int, log: Path, inbox: queue.Queue[Any]) -> None:
        self.number = number
        self.group: Group = ()
        self.prepares = ""
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
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
        return not self.group and not self.prepares

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


def slots(device: str) -> int:
    """How many workers this machine takes: one per core, or one for its GPU."""
    return machine.cores() if device == "cpu" else 1


def execute(
    groups: Sequence[Group],
    *,
    store: Path,
    study: dict[str, Json],
    device: str,
    workers: int,
    threads: int,
    every: float,
    hear: Hear,
    checkpoints: int = 2,
) -> dict[str, str]:
    """Do all groups; ``hear(worker, message)`` is told what happens. Returns the failures: cell id -> reason.
    Raises Unwritable where the disk refuses: nothing that is done then could be kept.

    A dataset is prepared (drawn, converted, checked) once, by one worker, before any of its groups begins.
    """
    logs = store / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    desk = {"store": str(store), "study": study, "device": device, "every": every, "checkpoints": checkpoints}
    command = [*COMMAND, json.dumps(desk)]
    inbox: queue.Queue[Any] = queue.Queue()
    waiting, failures, tries = list(groups), dict[str, str](), Counter[str]()
    elsewhere: set[str] = set()
    unprepared = list(dict.fromkeys(job.cell.dataset for group in groups for job in group))
    prepared: set[str] = set()
    crew: list[Worker] = []

    def hire(number: int) -> Worker:
        return Worker(number, command, threads, logs / f"worker-{number}.log", inbox)

    def assign(worker: Worker) -> None:
        if not worker.idle:
            return
        ready = next((g for g in waiting if g[0].cell.dataset in prepared), None)
        if ready:
            waiting.remove(ready)
            worker.group = ready
            plain = [{"cell": j.cell.plain(), "questions": [q.plain() for q in j.questions]} for j in ready]
            worker.send({"jobs": plain, "wait": ready[0].cell.id in elsewhere})
        elif unprepared:
            worker.prepares = unprepared.pop(0)
            hear(worker.number, {"preparing": worker.prepares})
            worker.send({"prepare": worker.prepares})

    def fail(group: Group, reason: str) -> None:
        failures.update({job.cell.id: reason for job in group})

    def without(dataset: str, reason: str) -> None:
        for group in [g for g in waiting if g[0].cell.dataset == dataset]:
            waiting.remove(group)
            fail(group, reason)

    try:
        crew.extend(hire(k) for k in range(max(1, min(workers, len(groups)))))
        while waiting or any(not w.idle for w in crew):
            for worker in crew:
                assign(worker)
            worker, message = inbox.get()
            if message is None:
                lost, worker.group = worker.group, ()
                if lost:
                    key = lost[0].cell.id
                    tries[key] += 1
                    hear(worker.number, {"lost": key, "tries": tries[key]})
                    if tries[key] < TRIES:
                        waiting.insert(0, lost)
                    else:
                        fail(lost, f"its worker died {TRIES} times, at last {worker.fall()}; see {worker.log.name}")
                elif worker.prepares:
                    tries[worker.prepares] += 1
                    if tries[worker.prepares] < TRIES:
                        unprepared.insert(0, worker.prepares)
                    else:
                        reason = f"preparing {worker.prepares} killed its worker {TRIES} times, at last {worker.fall()}"
                        without(worker.prepares, f"{reason}; see {worker.log.name}")
                else:
                    tries["idle"] += 1
                    if tries["idle"] >= TRIES:
                        raise Fault(f"workers die before they begin, {worker.fall()}; see {worker.log.name}")
                worker.stop()
                crew[crew.index(worker)] = hire(worker.number)
                continue
            hear(worker.number, message)
            if "prepared" in message:
                worker.prepares = ""
                prepared.add(message["prepared"])
                if message["failure"]:
                    without(message["prepared"], message["failure"])
            elif "refused" in message:
                raise Unwritable(message["refused"])
            elif "finished" in message:
                fates, tried, worker.group = message["finished"], worker.group, ()
                failures.update({k: v for k, v in fates.items() if v not in ("done", "elsewhere")})
                # Alone and after all else: who waits holds no lease that others could wait for.
                others = [(job,) for job in tried if fates[job.cell.id] == "elsewhere"]
                waiting.extend(others)
                elsewhere |= {job.cell.id for (job,) in others}
    finally:
        for worker in crew:
            worker.stop()
    return failures

"""The local executor: one worker process per core, one thread each, jobs spread over them as they come free.

With a GPU one worker trains its populations, and as soon as one is trained the others, on the CPU, put its questions
while the GPU goes on with the next. A worker that dies gives its jobs back; they go on from their checkpoints in a new
worker, at most ``TRIES`` times. A cell that another run of this machine is doing is waited for, so that a run ends when
its study has.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from betavae.disk import Unwritable
from betavae.errors import Fault
from betavae.study import machine
from betavae.study.executors.base import FATES, TRIES, Group
from betavae.study.executors.division import Role, Task, first_tasks, roles, then
from betavae.study.executors.process import Inbox, Worker
from betavae.study.jobs.messages import Finished, Hear, Lost, Perform, Prepare, Prepared, Preparing, Refused
from betavae.study.settings import Settings
from betavae.study.store import Store
from betavae.types import Json

COMMAND = (sys.executable, "-m", "betavae.study.executors.worker")


class Local:
    """Worker processes of this machine, each begun by ``command`` and doing what its role says."""

    def __init__(
        self,
        command: Sequence[str] | None = None,
        roles: Callable[[str, int], list[Role]] = roles,
        worker: Callable[..., Worker] = Worker,
    ) -> None:
        self.command, self.roles, self.worker = command or COMMAND, roles, worker

    def slots(self, device: str) -> int:
        """How many workers this machine takes: one per core, and with a GPU one at least beside the one that trains."""
        return machine.cores() if device == "cpu" else max(2, machine.cores())

    def execute(
        self, groups: Sequence[Group], *, store: Path, study: dict[str, Json], settings: Settings, hear: Hear
    ) -> dict[str, str]:
        """Do all groups, as ``Executor`` says.

        A dataset is prepared (drawn, converted, checked) once, by one worker, before any of its groups begins.
        """
        if settings.left <= 0:
            return {}
        workers = max(1, min(settings.workers or self.slots(settings.device), sum(map(len, groups))))
        wanted = self.roles(settings.device, workers)
        if not any(job.questions or not job.cell.recipe for group in groups for job in group):
            wanted = [role for role in wanted if role.trains]
        return _Execution(self, wanted, groups, Store(store), study, settings, hear).run()


class _Execution:
    """All groups of one run on their way through the workers."""

    def __init__(
        self,
        local: Local,
        roles: list[Role],
        groups: Sequence[Group],
        store: Store,
        study: dict[str, Json],
        settings: Settings,
        hear: Hear,
    ) -> None:
        self.local, self.roles, self.store, self.study, self.settings = local, roles, store, study, settings
        self.hear, self.inbox = hear, Inbox()
        self.logs = store.path / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.asked = {job.cell.id: job for group in groups for job in group}
        self.waiting, self.failures = first_tasks(groups, roles, store), dict[str, str]()
        self.tries: Counter[object] = Counter()
        self.elsewhere: set[object] = set()
        self.unprepared = list(dict.fromkeys(job.cell.dataset for group in groups for job in group))
        self.prepared: set[str] = set()
        self.workers: list[Worker] = []

    def run(self) -> dict[str, str]:
        """Go on until nothing waits and nobody works."""
        try:
            self.workers += map(self._start, range(len(self.roles)))
            while self._goes_on():
                for worker in self.workers:
                    self._assign(worker)
                worker, message = self.inbox.get()
                if message is None:
                    self._replace(worker)
                    continue
                if isinstance(message, Finished):
                    message = Finished(self._finish(worker, message.fates))
                self.hear(worker.number, message)
                if isinstance(message, Prepared):
                    worker.prepares = ""
                    self.prepared.add(message.dataset)
                    if message.failure:
                        self._without(message.dataset, message.failure)
                elif isinstance(message, Refused):
                    raise Unwritable(message.reason)
        finally:
            for worker in self.workers:
                worker.stop()
        return self.failures

    def _goes_on(self) -> bool:
        """Whether somebody works or something waits: nothing does any more when the sitting is over."""
        if self.settings.left <= 0:
            self.waiting, self.unprepared = [], []
        return bool(self.waiting) or any(not w.idle for w in self.workers)

    def _start(self, number: int) -> Worker:
        log, role = self.logs / f"worker-{number}.log", self.roles[number]
        return self.local.worker(number, role, self.local.command, log, self.inbox, self.settings.threads)

    def _assign(self, worker: Worker) -> None:
        if not worker.idle:
            return
        settings = self.settings.on(worker.role.device)
        ready = (t for t in self.waiting if t.group[0].cell.dataset in self.prepared and t.suits(worker.role))
        if task := next(ready, None):
            self.waiting.remove(task)
            worker.task = task
            worker.send(
                Perform.of(
                    task.group, str(self.store.path), self.study, settings, trains=task.trains,
                    waits=task.name in self.elsewhere, cautious=self.tries[task.name] == TRIES - 1,
                    threads=settings.threads,
                )
            )  # fmt: skip
        elif self.unprepared:
            worker.prepares = self.unprepared.pop(0)
            self.hear(worker.number, Preparing(worker.prepares))
            worker.send(Prepare(worker.prepares, settings))

    def _finish(self, worker: Worker, fates: dict[str, str]) -> dict[str, str]:
        """Take the fates of a worker's jobs, and say what they are when what can go on is sent on."""
        task, worker.task = worker.task, None
        assert task is not None
        fates = self._pass_on(task, fates)
        self.failures.update({k: v for k, v in fates.items() if v not in FATES})
        # Alone and after all else: who waits holds no lease that others could wait for.
        others = [task._replace(group=(job,)) for job in task.group if fates[job.cell.id] == "elsewhere"]
        self.waiting += others
        self.elsewhere.update(other.name for other in others)
        return fates

    def _pass_on(self, task: Task, fates: dict[str, str]) -> dict[str, str]:
        if task.rests:
            return fates
        rest, fates = then(task, fates, self.asked, self.store.done())
        self.waiting += rest
        return fates

    def _replace(self, worker: Worker) -> None:
        """Give what a dead worker was doing to others, or give it up, and start another in its place."""
        lost, worker.task = worker.task, None
        if lost:
            self.tries[lost.name] += 1
            self.hear(worker.number, Lost(lost.group[0].cell.id, self.tries[lost.name]))
            if self.tries[lost.name] < TRIES:
                self.waiting.insert(0, lost)
            else:
                reason = f"its worker died {TRIES} times, at last {worker.fall()}; see {worker.log.name}"
                fates = self._pass_on(lost, dict.fromkeys((job.cell.id for job in lost.group), reason))
                self.failures.update({k: v for k, v in fates.items() if v == reason})
        elif worker.prepares:
            self.tries[worker.prepares] += 1
            if self.tries[worker.prepares] < TRIES:
                self.unprepared.insert(0, worker.prepares)
            else:
                reason = f"preparing {worker.prepares} killed its worker {TRIES} times, at last {worker.fall()}"
                self._without(worker.prepares, f"{reason}; see {worker.log.name}")
        else:
            self.tries["idle"] += 1
            if self.tries["idle"] >= TRIES:
                raise Fault(f"workers die before they begin, {worker.fall()}; see {worker.log.name}")
        worker.stop()
        self.workers[worker.number] = self._start(worker.number)

    def _without(self, dataset: str, reason: str) -> None:
        """Give up what needs a dataset that cannot be had."""
        for task in [t for t in self.waiting if t.group[0].cell.dataset == dataset]:
            self.waiting.remove(task)
            self.failures.update({job.cell.id: reason for job in task.group})

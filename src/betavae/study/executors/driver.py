"""The driver of a run on a Ray cluster: what waits, what is out, and the only pen that writes records.

A task that is lost with its worker or node is begun again elsewhere, from its cells' checkpoints in the store's
folder, which all nodes share; at most ``TRIES`` times. Ray's own retries are off: only the driver knows what has
arrived.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from betavae.disk import Unwritable
from betavae.errors import Fault
from betavae.study.cells import Job
from betavae.study.executors import stream
from betavae.study.executors.base import FATES, TRIES, Group
from betavae.study.jobs.context import kept, weights
from betavae.study.jobs.messages import Begun, Finished, Found, Hear, Lost, Perform, Refused, Said, line, said
from betavae.study.leases import try_lease
from betavae.study.settings import Settings
from betavae.study.store import Store
from betavae.types import Json

LOOK = 2.0
"""Seconds between looks at how large the cluster is."""

Needs = dict[str, float]
"""CPUs and GPUs (or a share of one), by Ray's names for them."""


class Running(NamedTuple):
    """A task that is out: which worker number it goes by, what it does, what it holds."""

    slot: int
    group: Group
    needs: Needs


class Driver:
    """One run's hand on a cluster; ``total()`` is what the cluster has, ``needs(group)`` what a task asks of it."""

    def __init__(
        self,
        store: Store,
        study: dict[str, Json],
        settings: Settings,
        hear: Hear,
        total: Callable[[], Needs],
        needs: Callable[[Group], Needs],
    ) -> None:
        self.store, self.study, self.settings, self.hear = store, study, settings, hear
        self.total, self.needs = total, needs
        self.failures: dict[str, str] = {}
        self.tries: Counter[str] = Counter()
        self.waiting: list[Group] = []
        self.elsewhere: list[Job] = []
        self.running: dict[Any, Running] = {}
        self.leases: dict[str, contextlib.ExitStack] = {}

    def work(self, groups: Sequence[Group], workers: int) -> dict[str, str]:
        """Hand out all groups and take in what comes until nothing is left; the reason of each failure by cell id."""
        import ray

        (self.store.path / "checkpoints").mkdir(parents=True, exist_ok=True)  # by this, nodes know the folder
        self.waiting = list(groups)
        try:
            while self.waiting or self.running or self.elsewhere:
                if self.settings.left <= 0:
                    self.waiting, self.elsewhere = [], []
                    if not self.running:
                        break
                total = self.total()
                while self.waiting and len(self.running) < workers and self._room(self.waiting[0], total):
                    self._begin(self.waiting.pop(0))
                if self.running:
                    ready, _ = ray.wait(list(self.running), num_returns=1, timeout=LOOK)
                    for task in ready:
                        self._take(task)
                elif self.elsewhere:  # what another run is doing: waited for alone, when this one holds nothing
                    self._begin((self.elsewhere.pop(0),), wait=True)
        finally:
            for task in self.running:
                ray.cancel(task, force=True)
            for held in self.leases.values():
                held.close()
        return self.failures

    def _room(self, group: Group, total: Needs) -> bool:
        needs, out = self.needs(group), list(self.running.values())
        return not out or all(sum(r.needs[kind] for r in out) + needs[kind] <= total[kind] for kind in needs)

    def _begin(self, group: Group, wait: bool = False) -> None:
        import ray

        slot = min(set(range(len(self.running) + 1)) - {r.slot for r in self.running.values()})
        mine = tuple(job for job in group if self._lease(job.cell.id, wait))
        self.elsewhere += [job for job in group if job not in mine]
        if not mine:
            return
        needs = self.needs(mine)
        last = self.tries[mine[0].cell.id] == TRIES - 1
        cells = {job.cell.id for job in mine}
        held = {cell: told for cell, told in weights(self.store.records()).items() if cell in cells}
        text = line(
            Perform.of(
                mine, str(self.store.path), self.study, self.settings, cautious=last, threads=int(needs["CPU"]),
                done=[key for key in self.store.done() if key[0] in cells], weights=held,
                data=os.environ.get("BETAVAE_DATA"),
            )
        )  # fmt: skip
        remote = ray.remote(_task).options(
            num_cpus=needs["CPU"], num_gpus=needs["GPU"], max_retries=0, num_returns="streaming"
        )
        self.running[remote.remote(text)] = Running(slot, mine, needs)

    def _lease(self, cell: str, wait: bool) -> bool:
        if cell not in self.leases:
            lease = try_lease(self.store, cell, wait=wait, ends=self.settings.ends)
            if lease is None:
                return False
            self.leases[cell] = contextlib.ExitStack()
            self.leases[cell].enter_context(lease)
        return True

    def _take(self, task: Any) -> None:
        """Take in the next lines of a task, or its end, or its loss."""
        import ray

        out = self.running[task]
        try:
            messages = [said(text) for text in ray.get(next(task)).splitlines()]
        except StopIteration:
            self._end(task)
            return
        except ray.exceptions.RayTaskError as error:  # an error of ours, outside the jobs
            self.failures.update({job.cell.id: str(error.cause or error) for job in out.group})
            self._end(task)
            return
        except ray.exceptions.RayError as error:
            self._lost(task, error)
            return
        for message in messages:
            if isinstance(message, Begun) and not message.shared:
                raise Fault(f"node {message.node} has no folder {self.store.path}; give a --store that all nodes share")
            if isinstance(message, Refused):
                raise Unwritable(message.reason)
            if isinstance(message, Finished):
                self.failures.update({k: v for k, v in message.fates.items() if v not in FATES})
            self.hear(out.slot, self._keep(message) if isinstance(message, Found) else message)

    def _keep(self, found: Found) -> Said:
        """Write a record and its arrays; what to say of it."""
        from safetensors.numpy import load

        record = json.loads(bytes(found.record))
        record["arrays"] = self.store.put(load(found.arrays)) if found.arrays else None
        self.store.append(record)
        return kept(record)

    def _end(self, task: Any) -> None:
        for job in self.running.pop(task).group:
            self.leases.pop(job.cell.id).close()

    def _lost(self, task: Any, error: Exception) -> None:
        out = self.running[task]
        key = out.group[0].cell.id
        self.tries[key] += 1
        self.hear(out.slot, Lost(key, self.tries[key]))
        if self.tries[key] < TRIES:
            del self.running[task]
            self.waiting.insert(0, out.group)
        else:
            said = f"its worker or node died {TRIES} times, at last: {str(error).splitlines()[0]}"
            self.failures.update({job.cell.id: said for job in out.group})
            self._end(task)


def _task(text: bytes) -> Iterator[bytes]:
    import ray

    yield from stream.work(text, ray.get_runtime_context().get_node_id())

"""The Ray executor: every group of cells is a task somewhere in a cluster, with its CPUs and its share of a GPU."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from betavae.errors import Fault
from betavae.study import executors, machine
from betavae.study.executors.base import Group
from betavae.study.executors.driver import Driver, Needs
from betavae.study.jobs.messages import Hear
from betavae.study.settings import Settings
from betavae.study.store import Store
from betavae.types import Json

MEMBERS, PARTS = 64, 8
"""So many members make a task that asks for a whole GPU; fewer ask for their share of it in eighths."""
MEMORY = 256 * 1024**2
"""Bytes of the object store of a Ray that is started here: records and a few pictures pass through it."""


@contextlib.contextmanager
def cluster(address: str | None = None) -> Iterator[Cluster]:
    """The cluster at an address ("auto": the one this machine belongs to), or one of this machine alone for None.

    Raises Misuse where Ray is not installed, Fault where no cluster answers.
    """
    # Before the import: nothing is reported to anybody, and a task without a GPU leaves CUDA's variables alone.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    executors.suits("ray", address)
    import ray

    joined = ray.is_initialized()
    if not joined:
        common: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
        alone: dict[str, Any] = {"num_cpus": machine.cores(), "include_dashboard": False, "object_store_memory": MEMORY}
        try:
            if address is None:
                ray.init(address="local", _node_ip_address="127.0.0.1", **alone, **common)
            else:
                ray.init(address=address, **common)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise Fault(
                f"no Ray cluster at {address or 'this machine'}: {str(error).splitlines()[0]}; "
                "start one with `ray start --head`"
            ) from error
    try:
        yield Cluster()
    finally:
        if not joined:
            ray.shutdown()


class Cluster:
    """A connected cluster as an executor."""

    def total(self) -> Needs:
        """The CPUs and GPUs of all nodes that live."""
        import ray

        found = ray.cluster_resources()
        return {kind: float(found.get(kind, 0.0)) for kind in ("CPU", "GPU")}

    def slots(self, device: str) -> int:
        """The most tasks at once: one per CPU, or so many of the smallest as its GPUs hold. Raises Fault for none."""
        kind, each = ("CPU", 1) if device == "cpu" else ("GPU", PARTS)
        found = int(self.total()[kind])
        if not found:
            raise Fault(
                f"no node of the cluster has a {kind}; say `ray start … --num-{kind.lower()}s=N` on one that has"
            )
        return each * found

    def needs(self, group: Group, device: str) -> Needs:
        """One CPU; or a share of a GPU by the number of members, with as large a share of the CPUs beside it."""
        if device == "cpu":
            return {"CPU": 1.0, "GPU": 0.0}
        share = min(1.0, math.ceil(PARTS * len(group) / MEMBERS) / PARTS)
        total = self.total()
        return {"CPU": float(max(1, int(share * total["CPU"] / max(1.0, total["GPU"])))), "GPU": share}

    def execute(
        self, groups: Sequence[Group], *, store: Path, study: dict[str, Json], settings: Settings, hear: Hear
    ) -> dict[str, str]:
        """Do all groups, as ``Executor`` says. Raises Fault where a node does not see the store's folder.

        At most ``workers`` tasks are out at once, and no more than the cluster has room for.
        """
        device = settings.device
        workers = min(self.slots(device), settings.workers or self.slots(device))
        home = Store(store.absolute())
        populations = [group[k : k + MEMBERS] for group in groups for k in range(0, len(group), MEMBERS)]
        driver = Driver(home, study, settings, hear, self.total, lambda group: self.needs(group, device))
        return driver.work(populations, workers)

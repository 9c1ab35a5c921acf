"""Where jobs are done: worker processes on this machine (``local``), or tasks of a Ray cluster (``ray``)."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator
from typing import TYPE_CHECKING

from betavae.errors import Misuse

if TYPE_CHECKING:
    from betavae.study.executors.base import Executor


def suits(name: str, address: str | None) -> None:
    """Raises Misuse where an executor has no such address, or Ray is wanted and not installed."""
    if name != "ray":
        if address:
            raise Misuse(f"--address {address} is of a Ray cluster; give --executor ray with it")
    elif importlib.util.find_spec("ray") is None:
        raise Misuse("the ray executor needs Ray; install it with `pip install 'betavae[ray]'`")


@contextlib.contextmanager
def named(name: str, address: str | None = None) -> Iterator[Executor]:
    """The executor ``local`` or ``ray``, while it is needed; ``address`` is a Ray cluster's. Raises Misuse, Fault."""
    suits(name, address)
    if name == "ray":
        from betavae.study.executors import ray

        with ray.cluster(address) as executor:
            yield executor
        return
    from betavae.study.executors.local import Local

    yield Local()

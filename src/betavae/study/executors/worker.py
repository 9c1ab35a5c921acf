"""A worker process: tasks come in on lines, messages go out on lines, records go to the store.

Run by the local executor as ``python -m betavae.study.executors.worker``. Plain pipes and plain JSON: a killed worker
cannot wedge a shared lock, and a worker whose driver is gone ends at once, whatever it is doing.
"""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from betavae import datasets, trust
from betavae.disk import Unwritable
from betavae.study.jobs.attempt import DeviceLost, attempt, leave, prepare_process
from betavae.study.jobs.context import StoreContext, reason
from betavae.study.jobs.messages import Finished, Message, Perform, Prepare, Prepared, Ready, Refused, line, told
from betavae.study.leases import try_lease
from betavae.study.store import Store


def main() -> int:
    """Serve tasks until standard input closes."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not break the protocol
    prepare_process(int(os.environ.get("OMP_NUM_THREADS", "1")))

    def say(message: Message) -> None:
        try:
            out.write(line(message))
            out.flush()
        except BrokenPipeError:
            os._exit(0)

    stores: dict[str, Store] = {}
    say(Ready(os.getpid()))
    for task in _tasks():
        trust.use(task.settings.sources)
        trust.permit(task.settings.sources)
        if isinstance(task, Prepare):
            say(_prepared(task.dataset))
            continue
        store = stores.setdefault(task.store, Store(Path(task.store)))  # what it has read it need not read again
        try:
            say(Finished(together(task, StoreContext(store, task.study, task.settings, say))))
        except Unwritable as error:
            say(Refused(str(error)))
        except DeviceLost:
            leave()
    return 0


def _tasks() -> Iterator[Prepare | Perform]:
    """The tasks that come in. When standard input closes, the driver is done or dead, and this process ends there."""
    inbox: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def listen() -> None:
        for text in sys.stdin.buffer:
            inbox.put(text)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        yield told(inbox.get())


def _prepared(dataset: str) -> Prepared:
    begun, failure = time.perf_counter(), ""
    try:
        datasets.load(dataset, device="cpu")
    except Exception as error:
        failure = reason(error)
    return Prepared(dataset, time.perf_counter() - begun, failure)


def together(task: Perform, context: StoreContext) -> dict[str, str]:
    """Do the jobs whose lease is free; the rest belong to another process. Returns each cell's fate. Raises
    Unwritable, DeviceLost.
    """
    held, fates = [], {}
    with contextlib.ExitStack() as stack:
        for job in task.opened():
            lease = try_lease(context.store, job.cell.id, wait=task.waits, ends=task.settings.ends)
            fates[job.cell.id] = "done" if lease else "paused" if task.waits else "elsewhere"
            if lease:
                stack.enter_context(lease)
                held.append(job)
        context.refresh()
        if held:
            said = attempt(held, context, task.trains, task.cautious)
            fates.update({job.cell.id: said for job in held})
    return fates


if __name__ == "__main__":
    sys.exit(main())

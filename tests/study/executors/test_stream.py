"""What goes over the wire: a message is what was said, and a task's lines are what a worker writes itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from safetensors.numpy import load
from short import short_study, timeless

from betavae.study.cells import Cell, Job
from betavae.study.executors import stream
from betavae.study.jobs.messages import (
    Asking,
    Begun,
    Finished,
    Fitting,
    Found,
    Kept,
    Lost,
    Message,
    Note,
    Perform,
    Prepare,
    Prepared,
    Preparing,
    Ready,
    Refused,
    Step,
    line,
    said,
    told,
)  # fmt: skip
from betavae.study.run import run
from betavae.study.settings import Settings
from betavae.study.store import Store
from betavae.trust import Source

SAID: list[Message] = [
    Ready(7), Preparing("dsprites"), Prepared("dsprites", 0.1, "no room"), Begun(["a", "b"], "node", 7, True),
    Step("a", 3, 9, 1e300, None, 0.1), Fitting("a", "pca"), Asking("a", "higgins"), Kept("a", "fit", "ok"),
    Kept("a", "answer", "error", "higgins", "β\n"), Found(msgspec.Raw(b'{"x":0.1,"b":[null]}'), b"\0\n\xff"), Note("β"),
    Refused("full"), Lost("a", 2), Finished({"a": "done"}),
]  # fmt: skip
"""One of each kind."""
STUDY = {"name": "short", "scale": "smoke"}


@pytest.mark.parametrize("message", SAID, ids=lambda m: type(m).__name__)
def test_a_line_is_what_was_said(message: Message) -> None:
    text = line(message)
    assert text.endswith(b"\n")
    assert text.count(b"\n") == 1
    assert said(text) == message
    for cut in range(len(text) - 1):
        with pytest.raises(msgspec.DecodeError):
            said(text[:cut])


def test_every_kind_of_message_is_tried() -> None:
    assert {type(m) for m in SAID} == {*Message.__subclasses__()} - {Prepare, Perform}


def test_a_task_arrives_as_it_was_sent() -> None:
    jobs = list(short_study(2, 64).jobs)
    settings = Settings(device="cuda:1", every=0.1, sources=(Source("mine.py", "/x/mine.py", "ab"),))
    done = [("a", None, 1.0), ("a", "q", 0.1)]
    sent = Perform.of(jobs, "/store", STUDY, settings, done=done, weights={"a": "0f3a"}, cautious=True)
    arrived = told(line(sent))
    assert arrived == sent
    assert isinstance(arrived, Perform)
    assert arrived.opened() == jobs
    assert [stream.StreamContext(arrived).weights(key) for key in ("a", "b")] == ["0f3a", ""]
    assert told(line(Prepare("dsprites", settings))) == Prepare("dsprites", settings)


def worked(task: Perform) -> list[Any]:
    """All that a task of a cluster says."""
    return [said(text) for lines in stream.work(line(task), "here") for text in lines.splitlines()]


def test_a_node_without_the_folder_says_so(tmp_path: Path) -> None:
    (message,) = worked(Perform.of(short_study(1, 32).jobs, str(tmp_path / "absent"), STUDY, Settings()))
    assert (message.shared, message.node) == (False, "here")
    assert list(tmp_path.iterdir()) == []


def test_what_a_task_sends_is_what_a_worker_writes(tmp_path: Path) -> None:
    """Without any engine: a task's lines, put into a store, are the local run's records; what is done is not sent."""
    (job,) = (study := short_study(cells=1, passes=32 * 4)).jobs
    run(study, local := Store(tmp_path / "local"), Settings(workers=1), quiet=True)
    store = Store(tmp_path / "stream")
    (store.path / "checkpoints").mkdir(parents=True)
    heard = worked(Perform.of([job], str(store.path), STUDY, Settings()))
    for found in (m for m in heard if isinstance(m, Found)):
        arrays = load(found.arrays) if found.arrays else None
        store.append({**json.loads(bytes(found.record)), "arrays": store.put(arrays) if arrays else None})
    assert heard[-1] == Finished({job.cell.id: "done"})
    assert timeless(store) == timeless(local)
    again = worked(Perform.of([job], str(store.path), STUDY, Settings(), done=list(store.done())))
    assert not [m for m in again if isinstance(m, Found)]


def test_arrays_travel_whole() -> None:
    arrays = {"b": np.arange(6.0).reshape(2, 3), "a": np.array([1, 2])}
    back = load(stream.frozen(arrays))
    assert sorted(back) == ["a", "b"]
    assert all(np.array_equal(back[key], value) for key, value in arrays.items())
    assert stream.frozen({}) == b""


def test_a_cell_that_cannot_begin_says_why(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    bad = Job(Cell("dsprites", "no-such-method", 4, 1, fit=10), ())
    (found,) = (m for m in worked(Perform.of([bad], str(tmp_path), STUDY, Settings())) if isinstance(m, Found))
    record = json.loads(bytes(found.record))
    assert (record["status"], record["cell_id"]) == ("error", bad.cell.id)
    assert "no-such-method" in record["message"]

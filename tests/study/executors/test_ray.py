"""A study on a Ray cluster: the records of a local run, each once, whatever node dies in the middle.

The nodes are processes of this machine that speak over the loopback alone. ``make test-ray`` runs all of this file.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from short import RECORDS, short_study, timeless

from betavae.study.cells import Study
from betavae.study.jobs.messages import Begun, Kept, Lost, Note
from betavae.study.run import run
from betavae.study.settings import Settings
from betavae.study.store import Store

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
# A token of this run's own: whoever else is on this machine stays out, and none is written into the user's home.
os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(16)}
ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'betavae[ray]'")

QUICK = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 300, "health_check_failure_threshold": 3}
"""A dead node is noticed within a second; by default it takes a quarter of a minute."""


SOCKET, INSIDE = 107, 68
"""Letters of a socket's name at most, and how many of them Ray takes inside the folder that it is given."""


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], Any]]:
    """Starts a cluster of so many nodes with one CPU each, connected to its head; ends it afterwards."""
    from ray.cluster_utils import Cluster

    made: list[Any] = []
    short = [place for place in (tempfile.gettempdir(), "/tmp") if len(place) + len("/r12345678") <= SOCKET - INSIDE]
    folder = tempfile.mkdtemp(prefix="r", dir=short[0])
    # Beside the folder it is given, Ray writes the address of a cluster into this one, and expects "ray" in it.
    monkeypatch.setenv("RAY_TMPDIR", folder)
    os.mkdir(os.path.join(folder, "ray"))

    def start(count: int) -> Any:
        # Ray takes 127.0.0.1 for a machine's outer address; its neighbours are as local and left alone.
        small = {"num_cpus": 1, "object_store_memory": 80 * 1024**2, "include_dashboard": False}
        head = {**small, "node_ip_address": "127.0.0.2", "temp_dir": folder, "_system_config": QUICK}
        made.append(cluster := Cluster(initialize_head=True, head_node_args=head))
        for k in range(3, count + 2):
            cluster.add_node(**small, node_ip_address=f"127.0.0.{k}", temp_dir=folder)
        ray.init(address=cluster.address, _node_ip_address="127.0.0.2", log_to_driver=False, logging_level="error")
        return cluster

    yield start
    ray.shutdown()
    for cluster in made:
        cluster.shutdown()
    shutil.rmtree(folder, ignore_errors=True)


def killed_in_the_middle(cluster: Any, study: Study, store: Store) -> list[Any]:
    """Run a study; the moment one of its cells on another node than the head is half-way, that node is killed.

    Returns all messages.
    """
    from betavae.study.executors.ray import cluster as connected

    others = {node.node_id: node for node in cluster.worker_nodes}
    where: dict[str, str] = {}
    heard: list[Any] = []

    def listen(worker: int, message: Any) -> None:
        heard.append(message)
        if isinstance(message, Begun):
            where.update(dict.fromkeys(message.cells, message.node))
        if not isinstance(message, Kept):
            return
        victim = others.get(where[message.cell])
        if victim in cluster.worker_nodes and len(cluster.worker_nodes) == len(others):
            cluster.remove_node(victim, allow_graceful=False)

    with connected() as executor:
        outcome = run(study, store, Settings(every=0.0), quiet=True, executor=executor, listen=listen)
    assert outcome.failures == {}
    return heard


def check(cluster: Any, study: Study, folder: Path) -> None:
    """With one node killed: every record there once, equal to the local run's, and the lost cell went on."""
    before = len(cluster.worker_nodes)
    store, local = Store(folder / "ray"), Store(folder / "local")
    heard = killed_in_the_middle(cluster, study, store)
    assert len(cluster.worker_nodes) == before - 1
    lost = [m.cell for m in heard if isinstance(m, Lost)]
    assert len(lost) == 1
    begun = [cell for m in heard if isinstance(m, Begun) for cell in m.cells]
    assert sorted(begun) == sorted([*(j.cell.id for j in study.jobs), *lost])
    assert any(m.text.startswith(f"{lost[0]}: going on from step") for m in heard if isinstance(m, Note))

    assert run(study, local, Settings(workers=2), quiet=True).failures == {}
    assert timeless(store) == timeless(local)
    for name in {r["arrays"] for r in local.records() if r["arrays"]}:
        mine, theirs = store.arrays(name), local.arrays(name)
        assert all(np.array_equal(mine[key], theirs[key]) for key in theirs)
    files = list((store.path / "records").glob("*.jsonl"))
    lines = [json.loads(text) for f in files for text in f.read_text().splitlines()]
    keys = [(r["cell_id"], r["question_id"], r["at"]) for r in lines if r["kind"] != "run"]
    assert len(keys) == len(set(keys)) == RECORDS * len(study.jobs)


@pytest.mark.slow
def test_a_node_killed_in_the_middle_changes_nothing(nodes: Callable[[int], Any], tmp_path: Path) -> None:
    check(nodes(2), short_study(cells=4, passes=32 * 24), tmp_path)


@pytest.mark.slow
def test_three_nodes_twelve_cells_one_node_killed(nodes: Callable[[int], Any], tmp_path: Path) -> None:
    check(nodes(3), short_study(cells=12, passes=32 * 40), tmp_path)


@pytest.mark.slow
def test_a_cell_that_kills_its_worker_fails_after_three_tries(nodes: Callable[[int], Any], tmp_path: Path) -> None:
    from betavae.study.executors.ray import cluster as connected

    nodes(1)
    study = short_study(cells=2, passes=32 * 8)
    doomed = study.cells[0].id
    heard: list[Any] = []

    def listen(worker: int, message: Any) -> None:
        heard.append(message)
        if isinstance(message, Begun) and doomed in message.cells:
            os.kill(message.process, signal.SIGKILL)

    with connected() as executor:
        outcome = run(study, store := Store(tmp_path), quiet=True, executor=executor, listen=listen)
    assert [m.tries for m in heard if isinstance(m, Lost)] == [1, 2, 3]
    assert list(outcome.failures) == [doomed]
    assert "died 3 times" in outcome.failures[doomed]
    assert {r["cell_id"]: r["status"] for r in store.records() if r["kind"] == "fit"} == {
        doomed: "error",
        study.cells[1].id: "ok",
    }

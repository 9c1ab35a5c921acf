"""A study killed at random, from outside and in the middle of disk operations, ends with the numbers of one that was
not; an interrupt at the keyboard leaves nobody behind.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
from pathlib import Path

import pytest
import soak

from betavae.study.monitor import status
from betavae.study.store import Store
from betavae.training import checkpoint


def test_kills_change_nothing(tmp_path: Path) -> None:
    """At least five SIGKILLs, a trap in every second worker among them: all numbers are the undisturbed run's."""
    tally = soak.soak(tmp_path, kills=6, seconds=60, images=480, seed=3)
    print(tally.words())
    assert tally.kills >= 5
    assert tally.mismatches == 0
    assert tally.rounds >= 1


@pytest.mark.slow
def test_kills_in_the_middle_of_a_critics_training_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FactorVAE's critic, its moments and its permutations come out of a checkpoint as they went in."""
    grid = soak.STUDY.replace("beta = [1, 4]", 'objective = "factor_vae"\ngamma = [10]').partition("[[grid]]\ndataset")
    vaes = grid[2].partition("[[grid]]")[0]
    monkeypatch.setattr(soak, "STUDY", grid[0] + grid[1] + vaes)
    tally = soak.soak(tmp_path, kills=4, seconds=120, images=480, seed=5)
    print(tally.words())
    assert tally.kills >= 3
    assert tally.resumes >= 1
    assert tally.mismatches == 0
    for cell in (tmp_path / "undisturbed" / "checkpoints").iterdir():
        found = checkpoint.latest(cell)
        assert found is not None
        assert "params/critic.0.weight" in found.tensors


def study(folder: Path, images: int) -> Path:
    path = folder / "soak.toml"
    path.write_text(soak.STUDY.format(images=images))
    return path


@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL], ids=lambda blow: blow.name)
def test_no_worker_outlives_its_driver(blow: signal.Signals, tmp_path: Path) -> None:
    """Stopped in the middle of training: workers are gone, the exit code tells, what was done is there, the rest is
    still to do.
    """
    store = tmp_path / "store"
    words = soak.command("run", str(study(tmp_path, 80_000)), "--store", str(store), "--workers", "2", "--every", "0.1")
    driver = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    while not list(store.glob("checkpoints/*/step-*")):
        with contextlib.suppress(subprocess.TimeoutExpired):
            assert driver.wait(timeout=0.05) is None
    workers = [os.pidfd_open(pid) for pid in soak.family(driver.pid)]
    assert len(workers) == 2
    driver.send_signal(blow)
    said = driver.communicate(timeout=60)[1]
    for worker in workers:
        assert select.select([worker], [], [], 20)[0], "a worker lives on"
        os.close(worker)
    if blow is signal.SIGINT:
        assert driver.returncode == 130
        assert said.splitlines()[-1] == "betavae: interrupted; the same command goes on from here"
    else:
        assert driver.returncode == -blow
    shown = status.status(Store(store, create=False))
    assert "  running   0\n" in shown
    assert f"`betavae run {store}` would do" in shown
    assert re.search(r"squares conv β=\d seed \d, saved at step [\d,]+ of 10,000\n", shown)
    assert "Traceback" not in said + "".join(log.read_text() for log in store.glob("logs/*"))

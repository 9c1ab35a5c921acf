"""Kill a small study over and over and compare what it finds with a run that was never disturbed.

    python tests/soak.py --kills 100 --seconds 600        (make soak)

The study runs through the command line itself. Its driver and its workers are killed (SIGKILL) from outside at random
times, and from inside in the middle of a write, before an fsync, before or after a rename: each process may carry a
trap that springs at one of its first disk operations. Nothing in the package knows of it: the trap and a dataset that
is quick to draw are put in place here, before the package's own entry points are called.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from betavae import datasets, disk

HERE = Path(__file__).resolve()
TRAP = "SOAK_TRAP"
"""Where in the environment a process finds its trap: a seed and the file to confess to."""
CALLS = 24
"""A trap springs at one of so many first disk operations."""

STUDY = """
name = "soak"

[questions.votes]
measure = "higgins"
votes = 60
test_votes = 60
pairs = 16
pool = 200

[questions.loss]
measure = "reconstruction"
images = 16
at = [0.25, 0.5, 1.0]

[[grid]]
dataset = ["squares"]
method = ["conv"]
codes = 4
seed = [1, 2]
beta = [1, 4]
recipe = {{ optimiser = "adam", learning_rate = 5e-4, batch = 8, images = {images} }}
questions = ["votes", "loss"]

[[grid]]
dataset = ["squares"]
method = ["pca"]
codes = 4
seed = [1]
fit = [300]
questions = ["votes"]
"""


def load(name: str, *, source: Any, root: Any, device: Any) -> Any:
    """The dataset of the soak, as ``betavae.datasets`` asks for it; the deadly ones kill a process that asks for them,
    or for one of their images.
    """
    sys.path.append(str(HERE.parent / "helpers"))
    from tiny import squares

    def die(*given: Any) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)

    return {"squares": squares, "deadly-preparation": die, "deadly-work": lambda: replace(squares(), renderer=die)}[
        name
    ]()


class Trap:
    """The ``os`` of ``betavae.disk`` with a trap in it: one of its next writes, fsyncs or renames is the last."""

    def __init__(self, seed: str, confess: str) -> None:
        chance = random.Random(f"{seed} {os.getpid()} {time.time_ns()}")
        self.left, self.late, self.confess = chance.randrange(CALLS), chance.random() < 0.5, confess

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def write(self, descriptor: int, data: Any) -> int:
        if self._due():
            self._spring("half a write", os.readlink(f"/proc/self/fd/{descriptor}"), descriptor, bytes(data))
        return os.write(descriptor, data)

    def fsync(self, descriptor: int) -> None:
        if self._due():
            self._spring("before an fsync", os.readlink(f"/proc/self/fd/{descriptor}"))
        os.fsync(descriptor)

    def replace(self, source: Path, target: Path) -> None:
        if self._due():
            if self.late:
                os.replace(source, target)
            self._spring("after a rename" if self.late else "before a rename", str(target))
        os.replace(source, target)

    def _due(self) -> bool:
        self.left -= 1
        return self.left == -1

    def _spring(self, moment: str, path: str, descriptor: int = -1, data: bytes = b"") -> None:
        kind = next((k for k in ("records", "checkpoints", "arrays") if f"/{k}" in path), "study")
        line = os.open(self.confess, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.write(line, f"{moment}, {kind}\n".encode())
        if data:
            os.write(descriptor, data[: len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)


def inside(words: list[str]) -> int:
    """What a child of the soak does: the package's own command line, or its own worker, trap and dataset in place."""
    datasets.DATASETS.update(dict.fromkeys(("squares", "deadly-preparation", "deadly-work"), f"{__name__}:load"))
    if TRAP in os.environ:
        trap = json.loads(os.environ[TRAP])
        if random.Random(f"{time.time_ns()} {os.getpid()}").random() < trap[words[0]]:
            disk.os = Trap(trap["seed"], trap["confess"])  # type: ignore[assignment]
    if words[0] == "worker":
        from betavae.study.executors import worker

        return worker.main()
    from betavae.cli.main import main
    from betavae.study import settings
    from betavae.study.executors import local

    # Ten times as many checkpoints as a real run writes.
    settings.Settings = partial(settings.Settings, leisure=5.0)  # type: ignore[assignment,misc]
    local.COMMAND = (sys.executable, str(HERE), "worker")
    return main(words)


def command(*words: str) -> list[str]:
    """The command line of the package with the soak's dataset, as a child process."""
    return [sys.executable, str(HERE), *words]


def family(pid: int) -> list[int]:
    """The children of a process."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(stat.parent.name))
        except (OSError, IndexError, ValueError):
            continue
    return found


def numbers(folder: Path) -> dict[tuple[Any, ...], Any]:
    """All that a store holds but for times: by what was asked of what, and when."""
    from betavae.study.store import Store

    return {
        (r["cell_id"], r["question_id"], r["at"]): (r["status"], r["message"], r["scores"], r["notes"], r["arrays"])
        for r in Store(folder, create=False).records()
        if r["kind"] != "run"
    }


@dataclass
class Tally:
    """What a soak came to."""

    outside: Counter[str] = field(default_factory=Counter)
    inside: Counter[str] = field(default_factory=Counter)
    rounds: int = 0
    resumes: int = 0
    mismatches: int = 0
    seconds: float = 0.0
    undisturbed: float = 0.0

    @property
    def kills(self) -> int:
        return self.outside.total() + self.inside.total()

    def words(self) -> str:
        lost = (self.seconds - self.rounds * self.undisturbed) / max(1, self.kills)
        lines = [f"{self.kills} kills in {self.rounds} studies: {self.outside.total()} from outside at random times"]
        lines += [f"  {count:4} of {who}" for who, count in sorted(self.outside.items())]
        lines += [f"{self.inside.total()} from inside a disk operation"]
        lines += [f"  {count:4} {moment}" for moment, count in sorted(self.inside.items())]
        lines += [
            f"{self.resumes} times a cell went on from a checkpoint",
            f"{self.mismatches} mismatches with the undisturbed study",
            f"{lost:.1f} s lost per kill, starting processes again included "
            f"({self.seconds:.0f} s for {self.rounds} studies of {self.undisturbed:.0f} s)",
        ]
        return "\n".join(lines)


def round_(folder: Path, study: Path, tally: Tally, kills: int, chance: random.Random, until: float) -> None:
    """Run the study in ``folder`` to its end, killing while ``kills`` are due and the clock is before ``until``."""
    confess, base = folder.with_suffix(".kills"), tally.kills
    confess.touch()
    counted = 0
    words = command("run", str(study), "--store", str(folder), "--workers", "2", "--every", "0.02")
    while True:
        due = tally.kills - base < kills and time.monotonic() < until
        # The command line's own disk operations are few: its trap springs early or not at all.
        trap = {"seed": chance.random(), "confess": str(confess), "run": 0.1 * due, "worker": 0.6 * due}
        with tempfile.TemporaryFile("w+") as said:
            driver = subprocess.Popen(words, env={**os.environ, TRAP: json.dumps(trap)}, stderr=said)
            while due and driver.poll() is None:
                try:
                    driver.wait(timeout=chance.uniform(1.0, 8.0))
                except subprocess.TimeoutExpired:
                    victims = {driver.pid: "the driver"} | dict.fromkeys(family(driver.pid), "a worker")
                    victim = chance.choice(list(victims))
                    try:
                        os.kill(victim, signal.SIGKILL)
                        tally.outside[victims[victim]] += 1
                    except ProcessLookupError:
                        continue
                due = tally.kills - base < kills and time.monotonic() < until
            code = driver.wait()
            said.seek(0)
            tally.resumes += len(re.findall(r"going on from step \d+", said.read()))
        confessed = confess.read_text().splitlines()
        tally.inside.update(confessed[counted:])
        counted = len(confessed)
        if code == 0:
            tally.rounds += 1
            return


def soak(folder: Path, kills: int, seconds: float, images: int = 2400, per_round: int = 25, seed: int = 0) -> Tally:
    """Kill studies until ``kills`` have hit or ``seconds`` are over; every study is run to its end and compared."""
    study, tally, chance = folder / "soak.toml", Tally(), random.Random(seed)
    study.write_text(STUDY.format(images=images))
    begun = time.monotonic()
    subprocess.run(command("run", str(study), "--store", str(folder / "undisturbed"), "--workers", "2"),
                   check=True, stderr=subprocess.DEVNULL)  # fmt: skip
    tally.undisturbed = time.monotonic() - begun
    wanted, until = numbers(folder / "undisturbed"), time.monotonic() + seconds
    begun = time.monotonic()
    while tally.kills < kills and time.monotonic() < until:
        store = folder / f"round-{tally.rounds}"
        round_(store, study, tally, min(per_round, kills - tally.kills), chance, until)
        found = numbers(store)
        tally.mismatches += sum(found.get(key) != wanted.get(key) for key in found.keys() | wanted.keys())
    tally.seconds = time.monotonic() - begun
    return tally


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=600.0, help="no kill after so many seconds")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tally = soak(Path(folder), options.kills, options.seconds, seed=options.seed)
    print(tally.words())
    return int(tally.mismatches > 0 or tally.kills == 0)


if __name__ == "__main__":
    sys.exit(inside(sys.argv[1:]) if sys.argv[1:2] and not sys.argv[1].startswith("-") else main())

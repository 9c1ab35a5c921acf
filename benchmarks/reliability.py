"""What safety costs and what it cannot give: reading a store, checkpoints, and scores under other threads and kernels.

python -m benchmarks.reliability             (minutes on 2 cores; docs/reliability.md has the figures)
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

from betavae import models, objectives
from betavae.study import machine
from betavae.study.cells import Cell, Job, Question, canonical, pairs
from betavae.study.executors.local import Local
from betavae.study.settings import Settings
from betavae.study.store import Store
from betavae.training.gradient import Task
from betavae.training.recipe import Recipe

RECORDS = 10_000
SEEDS = (1, 2)
ASKED = (
    Question("higgins", pairs({"votes": 300, "test_votes": 300, "pairs": 16, "pool": 2000})),
    Question("reconstruction", pairs({"images": 500})),
)
PLACES: dict[str, tuple[int, dict[str, str]]] = {
    "one thread": (1, {}),
    "one thread again": (1, {}),
    "two threads": (2, {}),
    "kernels of an older processor": (1, {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}),
}
"""Where the same cells are trained: threads, and what the environment says."""


def job(seed: int) -> Job:
    """A training short enough to repeat, long enough to drift."""
    recipe = Recipe("adam", 5e-4, 64, 64 * 80)
    return Job(Cell("dsprites", "conv", 10, seed, "beta_vae", pairs({"beta": 4.0}), recipe), ASKED)


def train(folder: Path, threads: int, environment: dict[str, str]) -> tuple[list[dict[str, Any]], float]:
    """The records of the cells trained in one worker, and the seconds it took."""
    before = {key: os.environ.get(key) for key in environment}
    os.environ.update(environment)
    begun = time.perf_counter()
    failures = Local().execute(
        [(job(seed),) for seed in SEEDS], store=folder, study={"name": "drift", "scale": "own"},
        settings=Settings(workers=1, threads=threads), hear=lambda worker, message: None,
    )  # fmt: skip
    for key, value in before.items():
        os.environ.pop(key) if value is None else os.environ.update({key: value})
    assert not failures, failures
    return Store(folder).records(), time.perf_counter() - begun


def scores(records: list[dict[str, Any]]) -> dict[tuple[int, str], float]:
    """Every score by seed and name."""
    return {
        (r["cell"]["seed"], f"{(r['question'] or {'measure': 'training'})['measure']} {name}"): float(value)
        for r in records
        for name, value in r["scores"].items()
    }


def drift(folder: Path) -> list[dict[str, Any]]:
    """How far every score moves from one thread to each other place; gives the records of the first."""
    found = {}
    for number, (place, (threads, environment)) in enumerate(PLACES.items()):
        found[place], seconds = train(folder / str(number), threads, environment)
        print(f"  {place}: {seconds:.0f} s")
    first = scores(found["one thread"])
    for place in list(PLACES)[1:]:
        other = scores(found[place])
        moved = {name for key, name in first if any(first[s, name] != other[s, name] for s in SEEDS)}
        print(f"{place} against one thread: {len(moved)} of {len({n for _, n in first})} scores move")
        for name in sorted(moved):
            far = max(abs(first[s, name] - other[s, name]) for s in SEEDS)
            print(f"  {name:32} at most {far:.3g}  (of {', '.join(f'{first[s, name]:.6g}' for s in SEEDS)})")
    return found["one thread"]


def reading(folder: Path, like: dict[str, Any]) -> None:
    """Seconds to read a store of 10,000 records the size of real ones, and to ask again what is done."""
    (folder / "records").mkdir(parents=True)
    lines = [canonical({**like, "at": k / RECORDS}) + "\n" for k in range(RECORDS)]
    for writer in range(4):
        (folder / "records" / f"w{writer}.jsonl").write_text("".join(lines[writer::4]))
    best = []
    for _ in range(5):
        store = Store(folder)
        begun = time.perf_counter()
        assert len(store.records()) == RECORDS
        middle = time.perf_counter()
        store.done()
        best.append((middle - begun, time.perf_counter() - middle))
    first, again = (min(b[k] for b in best) for k in (0, 1))
    print(f"{RECORDS:,} records of {len(lines[0]):,} bytes read in {first:.2f} s; asked again in {again:.3f} s")


def checkpoints(folder: Path) -> None:
    """What a checkpoint costs beside the training it keeps, for the models of the paper."""
    import torch

    from betavae.datasets import load
    from betavae.study.jobs import checkpointing
    from betavae.training import checkpoint, single

    torch.set_num_threads(1)
    dataset = load("dsprites")
    for name, recipe in (("conv", Recipe("adam", 5e-4, 256, 10**9)), ("mlp", Recipe("adagrad", 1e-2, 256, 10**9))):
        task = Task(dataset, models.named(name, dataset.shape, 10), objectives.named("beta_vae"), recipe)
        state = single.advance(task, single.Member(1, {"beta": 4.0}), single.start(task, single.Member(1, {})), 2)
        took = []
        for step in range(8):
            begun = time.perf_counter()
            path = checkpoint.save(folder / name, step, *checkpointing.pack(state))
            took.append(time.perf_counter() - begun)
        cost = sorted(took)[len(took) // 2]
        every = max(60.0, Settings().leisure * cost)
        size = path.stat().st_size / 1e6
        share = 100 * cost / (every + cost)
        print(f"a checkpoint of the {name} VAE: {size:.1f} MB in {cost * 1e3:.0f} ms, at worst {max(took) * 1e3:.0f}")
        print(f"  one every {every:.0f} s of training is {share:.2f} % of it")


def main() -> None:
    """Measure and print."""
    print(machine.cpu())
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        records = drift(folder)
        reading(folder / "many", next(r for r in records if r["kind"] == "answer"))
        checkpoints(folder / "checkpoints")


if __name__ == "__main__":
    main()

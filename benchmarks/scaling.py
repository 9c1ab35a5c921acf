"""What a large study would take, and what its driver and store would carry: the page ``docs/scaling.md``'s numbers.

python -m benchmarks.scaling

The study is that of Locatello et al. 2020, "A Sober Look": 7 datasets × 6 methods × 6 strengths × 50 seeds, 300,000
steps of 64. Every model counts as this package's convolutional VAE. What one core does is measured here; what a GPU
does is assumed, and said so.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from betavae import models
from betavae.study import machine
from betavae.study.cells import Cell, Job, Question, canonical, pairs
from betavae.study.executors import ray as on_ray
from betavae.study.executors.ray import MEMBERS
from betavae.study.jobs.messages import Found, line, said
from betavae.study.monitor import cost, pace
from betavae.study.monitor.forecast import GPU_PASSES
from betavae.study.records import SCHEMA
from betavae.study.store import Store
from betavae.training.recipe import Recipe

GREY, COLOUR, METHODS, STRENGTHS, SEEDS = 2, 5, 6, 6, 50
"""Datasets of one channel and of three, and what each is crossed with."""
RECIPE = Recipe("adam", 1e-4, 64, 64 * 300_000)
VOTES = {"pairs": 64, "votes": 10_000, "test_votes": 5_000}
ASKED = (
    *(Question("higgins", pairs({**VOTES, "classifier": kind})) for kind in ("logistic", "forest", "linear", "mlp")),
    Question("rotation", pairs(VOTES)),
    Question("reconstruction", pairs({"images": 10_000})),
    Question("reconstructions", pairs({"images": 16})),
    Question("traversals", pairs({"steps": 7, "top": 6})),
)
DAY = 86_400.0


def groups() -> list[tuple[str, int]]:
    """The populations of the study: dataset and members; what differs in seed and strength alone trains together."""
    found = []
    for dataset in ["dsprites"] * GREY + ["shapes3d"] * COLOUR:
        for _ in range(METHODS):
            left = STRENGTHS * SEEDS
            while left:
                found.append((dataset, min(left, MEMBERS)))
                left -= found[-1][1]
    return found


def job(dataset: str) -> Job:
    """One of its models with its questions."""
    return Job(Cell(dataset, "conv", 10, 1, "beta_vae", pairs({"beta": 4.0}), RECIPE), ASKED)


def untold(dataset: str) -> Job:
    """The same without its questions."""
    return Job(job(dataset).cell, ())


def makespan(seconds: list[float], workers: int) -> float:
    """Wall seconds where each worker takes the longest task left."""
    clocks = [0.0] * workers
    for each in sorted(seconds, reverse=True):
        clocks[clocks.index(min(clocks))] += each
    return max(clocks)


def core_rate(dataset: str) -> float:
    """Images per second of one core: this machine's matrix product now, times the share of it that training reaches."""
    shape = cost.shape_of(dataset)
    encoder, decoder, _ = models.size("conv", shape, 10)
    return pace.product_rate() * cost.share("conv", shape) / (3 * (encoder + decoder))


def record(k: int) -> dict[str, Any]:
    """A record of the usual size."""
    each = job("dsprites")
    cell = Cell(each.cell.dataset, "conv", 10, k, "beta_vae", each.cell.knobs, RECIPE)
    question = ASKED[0]
    return {
        "schema": SCHEMA, "kind": "answer", "study": {"name": "sober", "scale": "own"}, "cell": cell.plain(),
        "cell_id": cell.id, "question": question.plain(), "question_id": question.id, "at": 1.0, "status": "ok",
        "message": "", "scores": {"higgins": 0.8231, "train": 0.9312}, "notes": {"active": 6}, "arrays": None,
        "seconds": 12.3, "images": 0, "when": "2021-01-01T00:00:00+00:00",
        "machine": machine.describe("cpu", 1, "float32"), "data": {"source": "drawn", "digest": "0" * 64},
    }  # fmt: skip


def appended(folder: Path, count: int = 100) -> float:
    """Records per second that the store takes, each durable before the next."""
    store, records = Store(folder), [record(k) for k in range(count)]
    begun = time.perf_counter()
    for each in records:
        store.append(each)
    return count / (time.perf_counter() - begun)


def heard(count: int = 1000) -> float:
    """Frames per second, of a record each, that a driver takes from one task of a Ray cluster of this machine."""
    import ray

    text = msgspec.Raw(canonical(record(0)).encode())

    def tell() -> Iterator[bytes]:
        for _ in range(count):
            yield line(Found(text, b""))

    with on_ray.cluster():
        task = ray.remote(tell).options(num_returns="streaming").remote()
        said(ray.get(next(task)))
        begun = time.perf_counter()
        for _ in range(count - 1):
            said(ray.get(next(task)))
        return (count - 1) / (time.perf_counter() - begun)


def main() -> None:
    """Measure what can be measured here, reckon the rest, print it as the page has it."""
    core = {name: core_rate(name) for name in ("dsprites", "shapes3d")}
    tasks, passes = groups(), RECIPE.steps * RECIPE.batch
    trained = sum(members for _, members in tasks)
    macs = {name: sum(models.size("conv", cost.shape_of(name), 10)[:2]) for name in core}
    gpu = {name: GPU_PASSES * macs["dsprites"] / macs[name] for name in core}
    print(f"{trained:,} models, {trained * passes:,} image passes, {len(tasks)} populations of at most {MEMBERS}")
    told = ", ".join(f"{name} {rate:,.0f} images/s" for name, rate in core.items())
    print(f"\none core of {machine.cpu()}, its matrix product measured now: {told}")
    years = sum(members * passes / core[name] for name, members in tasks) / DAY / 365
    asked = sum(members * (cost.cost(job(name)).seconds - cost.cost(untold(name)).seconds) for name, members in tasks)
    print(f"the study on such cores: {years:,.1f} core-years of training, {asked / DAY / 365:,.1f} of questions")
    print("\nassumed, not measured, of one GPU: " + ", ".join(f"{name} {r:,.0f} images/s" for name, r in gpu.items()))
    print("\n| GPUs | training | with populations in whole rounds |\n|--:|--:|--:|")
    seconds = [members * passes / gpu[name] for name, members in tasks]
    for count in (1, 8, 64):
        wall = makespan(seconds, count)
        print(f"| {count} | {sum(seconds) / count / 3600:,.1f} h | {wall / 3600:,.1f} h |")
    with tempfile.TemporaryDirectory() as folder:
        rate = appended(Path(folder))
    size, frames = len(canonical(record(0))) + 1, heard()
    each = 1 + sum(len(q.at) for q in ASKED)
    kept = sum(members * cost.footprint(job(name)) for name, members in tasks)
    state = 3 * 4 * models.size("conv", (1, 64, 64), 10).parameters
    print(f"\nrecords: {trained * each:,} of {size:,} bytes, {trained * each * size / 1e9:.2f} GB")
    print(f"store when done, pictures and parameters too: {kept / 1e9:,.0f} GB")
    print(f"\nmeasured: {rate:,.0f} records/s appended durably, {frames:,.0f} frames/s taken from Ray")
    wall = makespan(seconds, 64)
    print(f"asked of them on 64 GPUs: {trained * each / wall:.1f} records/s and 64 frames/s of progress")
    for every in (60, 600):
        flow = 64 * MEMBERS * state / every / 1e6
        print(f"checkpoints on 64 GPUs, --every {every}: {flow:,.0f} MB/s to the shared folder")
    print(f"checkpoints in the making: {2 * 64 * MEMBERS * state / 1e9:.1f} GB")


if __name__ == "__main__":
    main()

"""How long a run will take: what ``cost`` reckons of each job, laid out over a machine's workers or beside a GPU."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from betavae.study.cells import Cell, Job
from betavae.study.monitor import cost
from betavae.study.monitor.pace import Pace, pace

GPU_PASSES = 300_000.0
"""Images per second assumed of one large GPU for the convolutional VAE at 1×64², where none was measured."""
USUAL = Cell("dsprites", "conv", 10, 0, "beta_vae")
"""The training that a GPU's rate is said of."""
MEASURED = Path("results/bench")
"""Where ``make gpu-check`` leaves what it measured."""
BEGIN = 6.0
"""Seconds that workers take to begin."""


def predict(jobs: Sequence[Job], workers: int, device: str = "cpu", here: Pace | None = None) -> float:
    """Wall seconds the jobs should take: datasets are drawn, then each worker takes the longest job left.

    ``here`` is the machine (None: this one, as busy as it is now). More workers than it has cores only share them.
    With a GPU one of the workers trains on it, group by group, and the others fit the baselines and put the questions
    of each group that is trained.
    """
    here = here or pace(workers)
    drawing, at = cost.drawing(jobs), (here.rate, here.measured)
    if device == "cpu":
        seconds = drawing + [cost.cost(job, *at).seconds for job in jobs]
        return BEGIN + _makespan(seconds, min(workers, here.cores)) / here.free
    rate, usual = gpu_rate()[0], cost.work(USUAL)
    clocks, now = [0.0] * max(1, min(workers, here.cores) - 1), 0.0

    def asked(job: Job) -> float:
        if not job.cell.recipe:
            return 0.0
        return cost.cost(job, *at).seconds - cost.cost(Job(job.cell, ()), *at).seconds

    def rest(seconds: float, ready: float) -> None:
        k = clocks.index(min(clocks))
        clocks[k] = max(clocks[k], ready) + seconds

    made = groups(jobs, device)
    for (job,) in (group for group in made if group[0].cell.recipe is None):
        rest(cost.cost(job, *at).seconds, 0.0)
    for group in made:
        for job in group:
            if recipe := job.cell.recipe:
                share = cost.work(job.cell) / usual
                now += recipe.steps * recipe.batch * share / rate + asked(job.early)
        for job in group:  # handed on when the whole group is trained
            if job.cell.recipe and job.late.questions:
                rest(cost.OPEN + asked(job.late), now)
    return BEGIN + sum(drawing) + max(now, *clocks)


def groups(jobs: Iterable[Job], device: str) -> list[tuple[Job, ...]]:
    """Jobs as they are handed out: one by one on a CPU, longest first; members of one program together on a GPU, which
    takes as many at once as its memory holds, in the order of the study: what it names first is there first.
    """
    if device == "cpu":
        return [(job,) for job in sorted(jobs, key=lambda job: -cost.cost(job).seconds)]
    alike: dict[object, list[Job]] = {}
    for job in jobs:
        c = job.cell
        # What is trained alike but for seed, numbers and learning-rate drop is one program; a baseline is its own.
        program = replace(c.recipe, drop_at=0.0, drop_to=0.0) if c.recipe else c.id
        shaping = tuple((k, None if isinstance(v, float) else v) for k, v in c.knobs)  # words and counts shape it
        alike.setdefault((c.dataset, c.train_on, c.method, c.codes, c.objective, program, shaping), []).append(job)
    return [tuple(jobs) for jobs in alike.values()]


def _makespan(seconds: Sequence[float], workers: int) -> float:
    clocks = [0.0] * max(1, min(workers, len(seconds)))
    for each in sorted(seconds, reverse=True):
        clocks[clocks.index(min(clocks))] += each
    return max(clocks)


def gpu_rate() -> tuple[float, str]:
    """Images per second of the fastest GPU that was measured here, and its name; what is assumed and "" without one."""
    rates = []
    for path in MEASURED.glob("*.json"):
        try:
            told = json.loads(path.read_text())
            if told["kind"] == "gpu":
                rate = float(told["results"]["population conv"]["images per second, as the package runs it"])
                rates.append((max(rate, 1.0), path.stem))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return max(rates, default=(GPU_PASSES, ""))

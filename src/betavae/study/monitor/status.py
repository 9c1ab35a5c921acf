"""A study in words, for a terminal: what it would do, and how far it is."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import replace

from betavae.study import machine
from betavae.study.cells import Cell, Study
from betavae.study.leases import holder
from betavae.study.monitor import cost
from betavae.study.monitor.forecast import BEGIN, gpu_rate, predict
from betavae.study.monitor.measured import brought, lacking, takes
from betavae.study.monitor.pace import Pace, pace
from betavae.study.run import diverged, failures, pending, remaining
from betavae.study.store import Store
from betavae.training import checkpoint


def plan(study: Study, workers: int | None, store: Store, here: Pace | None = None) -> str:
    """What a run of this study would do now, cell by cell, and what it would cost on this machine, or on another: what
    a store has of it, and the steps in its checkpoints, are left out.
    """
    todo = pending(study, store)
    lines = [f"{study.name} at scale {study.scale}: {len(study.jobs)} cells, records in {store.path}"]
    if done := len(study.jobs) - len(todo):
        lines.append(f"{done} of {len(study.jobs)} cells done; forecast is what is left")
    if not todo and study.jobs:
        return "\n".join([*lines, "", "nothing is left: everything asked has a record"])
    left = replace(study, jobs=tuple(remaining(job, store) for job in todo))
    workers = workers or machine.cores()
    here = here or pace(workers)
    lines.append("")
    lines.append(f"{'cell':16}  {'what':48}  {'image passes':>13}  {'encoded':>10}  {'core-s':>8}  questions")
    for job, key in zip(left.jobs, (job.cell.id for job in todo), strict=True):
        c = cost.cost(job, here.rate, here.measured)
        asked = Counter(q.measure for q in job.questions)
        words = ", ".join(f"{m}×{n}" if n > 1 else m for m, n in asked.items())
        lines.append(f"{key:16}  {cost.label(job.cell):48}  {c.passes:13,}  {c.encoded:10,}  {c.seconds:8.1f}  {words}")
    whole, seconds = cost.total(left.jobs, here.rate), predict(left.jobs, workers, here=here)
    alone = BEGIN + (seconds - BEGIN) * here.free
    questions = sum(len(j.questions) for j in left.jobs)
    lines += [
        "",
        f"image passes {whole.passes:,}; images encoded {whole.encoded:,}; {questions} questions",
        f"disk {_bytes(sum(map(cost.footprint, study.jobs)))} when done, up to {_bytes(_afoot(left, workers))} more "
        "while it trains",
        f"predicted {_duration(seconds)} on {workers} workers of this machine ({machine.cpu()}), {here.load}; "
        f"{_duration(alone)} with all of it",
        *_rates(left, here),
        _on_a_gpu(left, workers, here),
        *_small_pools(left),
    ]
    return "\n".join(lines)


def _small_pools(study: Study) -> list[str]:
    """A line for each pool that is too small, with how many questions draw from it."""
    from betavae.metrics.costs import small_pool

    pools = Counter(dict(q.knobs).get("pool") for job in study.jobs for q in job.questions)
    return [
        f"mind: {said}; {count} question{'s' if count > 1 else ''} here"
        for pool, count in pools.items()
        if isinstance(pool, int) and (said := small_pool(pool))
    ]


def _rates(study: Study, here: Pace) -> list[str]:
    """Where the rates of a forecast come from: what was measured here, what is reckoned; nothing without trainings."""
    trained = [cell for cell in study.cells if cell.recipe]
    theirs = sum(map(brought, trained))
    lines = ["trainings by code from outside are reckoned, not measured: it is not run for that"] if theirs else []
    if theirs == len(trained):
        return lines
    if cells := lacking(study.jobs, here.measured):
        kinds = f"{len(cells)} kinds" if len(cells) > 1 else "one kind"
        return [
            f"the rates of {kinds} of training are reckoned, not measured here: `--dry-run --measure` measures this "
            f"machine, in about {takes(cells):.0f} s",
            *lines,
        ]
    return [f"every {'other ' if theirs else ''}kind of training as it was measured on this machine", *lines]


def _on_a_gpu(study: Study, workers: int, here: Pace) -> str:
    """What the study takes on the fastest GPU that was measured here, or on one that is assumed."""
    rate, name = gpu_rate()
    source = f"measured on {name}" if name else "assumed, not measured"
    beside = max(2, workers) - 1
    took = _duration(predict(study.jobs, workers, "cuda", here))
    return f"with a GPU at {rate:,.0f} images/s ({source}) and {beside} workers beside it: {took}"


def _afoot(study: Study, workers: int) -> int:
    """Bytes of the checkpoints of cells in training: two each, parameters and at most two moments of each."""
    cells = [c for c in study.cells if c.recipe]
    each = sorted(4 * cost.size_of(c).parameters for c in cells)
    return 2 * 3 * sum(each[-workers:])


def _bytes(count: int) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"


def status(store: Store) -> str:
    """How far a store's study is: counts, who holds what, failures with reasons, and what a run would do next."""
    told = store.remembers
    study = store.recalled() if told else store.asked()
    left = pending(study, store)
    todo = {job.cell.id for job in left}
    held = {job.cell.id: who for job in left if (who := holder(store, job.cell.id))}
    fell, wrong = diverged(study, store), failures(study, store)
    lines = [
        f"{study.name} at scale {study.scale} in {store.path}",
        *([] if told else ["  wanted    unknown: there is no study.json; counted is what the records tell of"]),
        f"  done      {len(study.jobs) - len(todo)} of {len(study.jobs)} cells",
        f"  running   {len(held)}",
        *(f"    {_name(study, cell)}  by {who}" for cell, who in held.items()),
        f"  diverged  {len(fell)}",
        *(f"    {_name(study, cell)}: {said}" for cell, said in fell.items()),
        f"  failed    {len(wrong)}",
        *(f"    {_name(study, r['cell_id'])} {_measure(r)}: {r['message']}" for r in wrong),
    ]
    if not told:
        here = shlex.quote(str(store.path))
        lines.append(f"  next      unknown: run the study by its name or its file with --store {here}")
    elif left:
        lines.append(
            f"  next      `betavae run {shlex.quote(str(store.path))}` would do {len(left)} cells, "
            f"{sum(len(j.questions) for j in left)} questions:"
        )
        lines += [f"    {job.cell.id}  {cost.label(job.cell)}{_saved(store, job.cell)}" for job in left[:12]]
        lines += [f"    … and {len(left) - 12} more"] if len(left) > 12 else []
    else:
        lines.append("  next      nothing: everything asked has a record")
    return "\n".join(lines)


def _saved(store: Store, cell: Cell) -> str:
    step = checkpoint.newest(store.path / "checkpoints" / cell.id)
    return f", saved at step {step:,} of {cell.recipe.steps:,}" if step and cell.recipe else ""


def _measure(record: dict[str, object]) -> str:
    question = record["question"]
    return str(question["measure"]) if isinstance(question, dict) else "fit"


def _name(study: Study, cell: str) -> str:
    return next((cost.label(j.cell) for j in study.jobs if j.cell.id == cell), cell)

"""One job, done: train or fit the cell, put its questions, hand over the records.

Whatever the executor, this is what runs. A job's numbers depend on its cell and its questions alone; what is
already done is skipped; an error in one question is recorded and the next one is asked.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import torch

from betavae import datasets, metrics
from betavae.datasets.base import Dataset
from betavae.errors import Fault
from betavae.metrics.base import Answer, Codes, Subject, ask, told
from betavae.precision import precise
from betavae.representation.base import Codec
from betavae.study.cells import Job
from betavae.study.jobs.checkpointing import Watch, going_on, steps_at
from betavae.study.jobs.context import Context, Paused, failed, reason, record, sound
from betavae.study.jobs.fit import PARAMETERS, fall, finish
from betavae.study.jobs.messages import Asking, Fitting, Note
from betavae.study.jobs.tasks import baseline_of, codec_of, task_of
from betavae.study.monitor import cost
from betavae.study.records import asked
from betavae.training import autotune, population, sweep
from betavae.training.gradient import Task
from betavae.training.population import How
from betavae.training.single import Member, State
from betavae.types import Json


def perform(
    jobs: Sequence[Job], context: Context, trains: bool = True, cautious: bool = False, dataset: Dataset | None = None
) -> None:
    """Do jobs that share a task together, or one job alone. Out of memory: halve the group and go on, said aloud.

    ``cautious`` trains in the plain way without trying others, one of which may have been the end of a worker. Raises
    Fault where ``trains`` is False and a cell's training is not there to be asked. ``dataset`` is opened by its name
    unless it is given. Raises Paused where the sitting is over first.
    """
    if context.settings.left <= 0:
        raise Paused
    population.release()  # what the jobs before left on a GPU is neither room nor a reason to keep images off it
    if dataset is None:
        dataset = datasets.load(jobs[0].cell.dataset, device=context.settings.device)
    if dataset.device.index is not None:
        torch.cuda.set_device(dataset.device)  # graphs are recorded on the current one
    with precise("float32"):  # fits and questions, whatever a training inside asks for itself
        if jobs[0].cell.recipe:
            _together(jobs, dataset, context, trains, cautious)
        for job in jobs:
            if job.cell.recipe is None:
                _baseline(job, dataset, context)


def _together(jobs: Sequence[Job], dataset: Dataset, context: Context, trains: bool, cautious: bool) -> None:
    """Train members of one program and put their questions, as many at once as the device takes."""
    most = _room(jobs, dataset, context)
    if len(jobs) > most:
        _each([jobs[first : first + most] for first in range(0, len(jobs), most)], dataset, context, trains, cautious)
        return
    try:
        _train(jobs, dataset, context, trains, cautious)
        return
    except torch.OutOfMemoryError as error:
        if len(jobs) == 1:
            failed(jobs[0], context, reason(error))
            return
    # Outside the handler: the error holds on to the frames, and they to the tensors that were too many.
    half = len(jobs) // 2
    context.say(Note(f"out of memory with {len(jobs)} members; going on with {half} and {len(jobs) - half}"))
    _each([jobs[:half], jobs[half:]], dataset, context, trains, cautious)


def _each(parts: Sequence[Sequence[Job]], dataset: Dataset, context: Context, trains: bool, cautious: bool) -> None:
    """One part after another. Raises Paused where there was no time for some, once all are begun or all time is up."""
    late = False
    for part in parts:
        try:
            _together(part, dataset, context, trains, cautious)
        except Paused:
            late = True
            if context.settings.left <= 0:
                raise
    if late:
        raise Paused


def _room(jobs: Sequence[Job], dataset: Dataset, context: Context) -> int:
    """How many of these members the device takes at once, said aloud; on a CPU they go one by one anyway."""
    if dataset.device.type != "cuda":
        return len(jobs)
    population.release()
    task, (free, whole) = task_of(jobs[0].cell, dataset), torch.cuda.mem_get_info(dataset.device)
    most = population.capacity(task, free)
    each = f"about {population.need(task) / 2**20:,.0f} MiB each"
    memory = f"{free / 2**30:,.1f} of {whole / 2**30:,.1f} GiB free"
    context.say(Note(f"{len(jobs)} members of {dataset.name} {task.model.name}: {each}, {memory}: {most} at once"))
    return most


def _answer(job: Job, at: float, dataset: Dataset, codec: Codec, context: Context) -> None:
    """Put every question due at this fraction that has no answer yet; codes are made once for all of them."""
    subject, late = Subject(dataset, codec, Codes(dataset, codec)), False
    for question in job.questions:
        if at not in question.at or context.done(job.cell.id, question.id, at):
            continue
        if context.settings.left <= 0:
            raise Paused
        if wanted := _too_long(context, Job(job.cell, (question,)), fit=False):
            long = f"{question.measure} of {job.cell.id} is forecast at {wanted:,.0f} s"
            context.say(Note(f"{long}; a sitting begins it with twice that left"))
            late = True
            continue
        begun = time.perf_counter()
        context.say(Asking(job.cell.id, question.measure))
        found, status, message = Answer(), "ok", ""
        reads: dict[str, Json] | None = None
        try:
            measure = metrics.named(question.measure, **dict(question.knobs))
            reads = told(measure, dict(question.knobs), dataset)
            found = sound(ask(measure, question.measure, subject, question.seed, job.cell.seed))
            reads["main"] = next(iter(found.scores), None)  # a record's scores are in order of their names
            reads |= {} if reads["chance"] is not None else {"chance": found.notes.get("floor")}
        except Exception as error:  # an error is a record; the other questions go on
            found, status, message = Answer(), "error", reason(error)
        answer = record(
            context, dataset, job.cell, **asked(question, at), reads=reads,
            status=status, message=message, scores=found.scores, notes=found.notes, seconds=time.perf_counter() - begun,
        )  # fmt: skip
        context.keep(answer, found.arrays)
    if late:
        raise Paused


def _baseline(job: Job, dataset: Dataset, context: Context) -> None:
    cell, begun = job.cell, time.perf_counter()
    due = [q for q in job.questions if not context.done(cell.id, q.id, 1.0)]
    if context.done(cell.id, None, 1.0) and not due:
        return
    if context.settings.left <= 0 or _too_long(context, Job(cell, ()), fit=True):
        raise Paused
    context.say(Fitting(cell.id, cell.method))
    try:
        codec = baseline_of(cell, dataset)
    except Exception as error:
        context.keep(record(context, dataset, cell, status="error", message=reason(error)), {})
        return
    if not context.done(cell.id, None, 1.0):
        seen = codec.notes.get("images", 0)
        images = seen if isinstance(seen, int) else 0
        notes: dict[str, Json] = dict(codec.notes)
        context.keep(
            record(context, dataset, cell, notes=notes, seconds=time.perf_counter() - begun, images=images), {}
        )
    _answer(job, 1.0, dataset, codec, context)


def _too_long(context: Context, job: Job, fit: bool) -> float:
    """The seconds forecast for a fit, or for a question of a job, where the sitting has not twice that left; else 0."""
    if not math.isfinite(left := context.settings.left):
        return 0.0
    wanted = cost.cost(job).seconds - (0.0 if fit else cost.cost(Job(job.cell, ())).seconds)
    return wanted if left < 2 * wanted else 0.0


def _train(jobs: Sequence[Job], dataset: Dataset, context: Context, trains: bool, cautious: bool) -> None:
    task = task_of(jobs[0].cell, dataset)
    missing = {at for job in jobs for q in job.questions for at in q.at if not context.done(job.cell.id, q.id, at)}
    fractions = sorted(missing | {1.0 for job in jobs if not context.done(job.cell.id, None, 1.0)})
    members = [Member(j.cell.seed, dict(j.cell.knobs), j.cell.recipe) for j in jobs]
    taken = [going_on(task, j, m, context) for j, m in zip(jobs, members, strict=True)]
    states = [found.state for found in taken]
    if fractions and not trains and any(s.step < task.recipe.steps and s.diverged is None for s in states):
        raise Fault(
            f"{context.folder(jobs[0].cell.id)} holds no last checkpoint that can be believed; "
            "delete it, and the same command trains the cell again"
        )
    afoot = sum(s.step < task.recipe.steps and s.diverged is None for s in states)
    together = max(1, afoot) if dataset.device.type == "cuda" else 1
    how = How(context.settings.precision)
    if dataset.device.type == "cuda" and not cautious:
        how = autotune.quickest(task, members, states, how, lambda text: context.say(Note(text)))
    stepped = f"{together} by {how}" if dataset.device.type == "cuda" else sweep.told(task, how.precision)
    watches = [
        Watch(task, job.cell, context, found, how.precision, len(jobs), together, stepped=stepped)
        for job, found in zip(jobs, taken, strict=True)
    ]
    down = set[int]()

    def see(k: int, state: State) -> None:
        if k in down:  # and so have all others of its group been put down
            raise Paused
        watches[k](state)
        if context.settings.left <= 0:
            watches[k].save(state)
            down.add(k)

    for at in fractions:
        states = population.advance(task, members, states, steps_at(task, at), see, how=how)
        for watch in watches:
            watch.pause()
        try:
            _all_due(jobs, at, task, states, dataset, context)
        except Paused:
            for job, watch, state in zip(jobs, watches, states, strict=True):
                if at == 1.0:  # what is trained is trained, whatever has still to be asked
                    finish(job, task, state, watch, dataset, context)
                elif watch.trains:
                    watch.save(state)
            raise
        for watch, state in zip(watches, states, strict=True):
            watch.resume(state.step)
    for job, state, watch in zip(jobs, states, watches, strict=True):
        finish(job, task, state, watch, dataset, context)


def _all_due(
    jobs: Sequence[Job], at: float, task: Task, states: Sequence[State], dataset: Dataset, context: Context
) -> None:
    """What is due of every member. Raises Paused where the sitting had no time for some, once all others are asked."""
    late = False
    for job, state in zip(jobs, states, strict=True):
        try:
            _due(job, at, task, state, dataset, context)
        except Paused:
            late = True
    if late:
        raise Paused


def _due(job: Job, at: float, task: Task, state: State, dataset: Dataset, context: Context) -> None:
    if state.diverged is None and not all(bool(torch.isfinite(v).all()) for v in state.params.values()):
        state.diverged = (state.step, PARAMETERS)  # in the last update: no later loss could show it
    if state.diverged is None:
        _answer(job, at, dataset, codec_of(job.cell, task, state.params), context)
        return
    for question in job.questions:
        if at in question.at and not context.done(job.cell.id, question.id, at):
            told = record(context, dataset, job.cell, status="diverged", message=fall(state), **asked(question, at))
            context.keep(told, {})

"""What is told of a training that has come to its end: its last checkpoint, its curve, its scores."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import torch

from betavae import rng
from betavae.datasets.base import Dataset
from betavae.representation import vae
from betavae.study.cells import Job
from betavae.study.jobs.checkpointing import Watch
from betavae.study.jobs.context import Context, record
from betavae.study.jobs.messages import Note
from betavae.training import checkpoint
from betavae.training.gradient import Task
from betavae.training.single import State

if TYPE_CHECKING:
    from betavae.types import Array

COLLAPSED = 0.01
"""A latent whose KL stays below this many nats differs from the prior nowhere; a constant offset passes for more."""
ACTIVE, LOOKED = 0.01, 1000
"""A code is active where its posterior mean has a larger variance over images, so many of them (Burda et al. 2016)."""
BATCH = 250
OTHERS = (
    "{cell}: its weights are {mine} now, and {theirs} in the record of its fit: it was trained again in another "
    "precision, or by other kernels. What is asked from here on is asked of another model than before; for one model "
    "throughout, run the cell in a new store"
)
"""What is said of a training whose end is not the one that its record tells of."""
PARAMETERS = "parameters"
"""The term named where no loss has shown a divergence yet, but the parameters have."""


def finish(job: Job, task: Task, state: State, watch: Watch, dataset: Dataset, context: Context) -> None:
    """Keep the record of a fit and its last checkpoint, unless they are there."""
    if context.done(job.cell.id, None, 1.0):  # it was trained again for the sake of an earlier time, or of a lost end
        ended = state.step == task.recipe.steps or state.diverged is not None
        mine, theirs = _weights(state), context.weights(job.cell.id)
        if ended and theirs not in ("", mine):
            context.say(Note(OTHERS.format(cell=job.cell.id, mine=mine, theirs=theirs)))
        there = checkpoint.latest(context.folder(job.cell.id)) if ended else None
        if ended and (there is None or there.step != state.step):  # or its last is broken
            watch.save(state, final=True)
        checkpoint.tidy(context.folder(job.cell.id), keep=1)
        return
    watch.save(state, final=True)
    count = sum(v.numel() for v in state.params.values())
    kept = {"trained_on": task.dataset.size} if job.cell.train_on else {}
    fit = record(
        context, dataset, job.cell, precision=", ".join(watch.precisions), stepped="; ".join(watch.stepped),
        status="diverged" if state.diverged else "ok", message=fall(state) if state.diverged else "",
        scores=_scores(job, task, state) | _active(job, task, state, dataset),
        seconds=watch.spent(), images=state.step * task.recipe.batch,
        notes={"parameters": count, "weights": _weights(state), **kept},
    )  # fmt: skip
    context.keep(fit, arrays_of(task, state))


def arrays_of(task: Task, state: State) -> dict[str, Array]:
    """The training curve as arrays: steps done, images seen, and every term."""
    curve = task.columns.curve(state.trace)
    return {
        "step": curve.steps.numpy(),
        "seen": (curve.steps * task.recipe.batch).numpy(),
        "reconstruction": curve.reconstruction.numpy(),
        "kl": curve.kl.numpy(),
        **{name: values.numpy() for name, values in curve.extra.items()},
    }


def fall(state: State) -> str:
    """A divergence in words."""
    assert state.diverged is not None
    step, term = state.diverged
    what = "a parameter" if term == PARAMETERS else f"the {term} term"
    return f"{what} left the finite numbers at step {step}"


def _scores(job: Job, task: Task, state: State) -> dict[str, float]:
    """Every term at the end of the curve, the loss that they make there, and how many latents carry nothing."""
    curve = task.columns.curve(state.trace)
    if not len(curve.steps):
        return {}
    reconstruction, terms = curve.last()
    share = torch.tensor(state.step / task.recipe.steps, dtype=torch.float64)
    rest = task.objective.penalty(terms, task.settled(dict(job.cell.knobs)), share)
    return {
        "reconstruction": reconstruction,
        "kl": float(terms.kl.sum()),
        **{name: float(value) for name, value in terms.extra.items()},
        "collapsed": float((terms.kl < COLLAPSED).sum()),
        "loss": reconstruction + float(rest),
    }


def _active(job: Job, task: Task, state: State, dataset: Dataset) -> dict[str, float]:
    """How many codes move: those whose posterior mean varies over seeded images of the train split."""
    if state.diverged is not None:
        return {}
    begin, end = dataset.splits["train"]
    generator = rng.generator(job.cell.seed, "active codes", dataset.name)
    index = torch.randperm(end - begin, generator=generator)[:LOOKED] + begin
    encode = vae.codec(task.model, state.params).encode
    means = torch.cat([encode(dataset.render(part)) for part in index.split(BATCH)])
    return {"active": float((means.var(0, correction=0) > ACTIVE).sum())}


def _weights(state: State) -> str:
    """The first 16 hex digits of the sha256 of all parameters: trainings that share it ended at the very same model."""
    whole = hashlib.sha256()
    for name, leaf in sorted(state.params.items()):
        whole.update(name.encode() + leaf.detach().cpu().contiguous().numpy().tobytes())
    return whole.hexdigest()[:16]

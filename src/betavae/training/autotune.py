"""Which way to step a population is the quickest on a device that nobody has measured: the device is asked.

Each way is tried for a few steps on copies of the members. It must give the plain way's numbers to rounding, and the
quickest of those that do is taken. A way that the device, its driver or a compiler refuses is said and passed over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from betavae.training import population
from betavae.training.gradient import Task
from betavae.training.population import How
from betavae.training.single import Member, State
from betavae.training.trace import sums

WARM, TRIED, MOST = 6, 32, 2048
"""Steps that compile, record and warm up; steps that are timed, four times more until they last; the most of these."""
LASTING = 0.3
"""Seconds that the timed steps should take: what is not a step's is a few hundredths."""
WORTH, COMPILING = 60.0, 1200.0
"""Seconds of training from which on a trial is worth its time, and from which on waiting for a compiler is."""
NEAR = {"float32": 1e-3, "tf32": 1e-2, "bf16": 5e-2}
"""Differences of the first losses, as shares of the reconstruction's, that rounding explains, by precision."""
WAYS = (
    How(graphs=True),
    How(products=True, graphs=True),
    How(compiled=True, graphs=True),
    How(products=True, compiled=True, graphs=True),
)
"""The ways that are tried beside the plain one."""


def quickest(
    task: Task,
    members: Sequence[Member],
    states: Sequence[State],
    plain: How,
    say: Callable[[str], None],
    ways: Sequence[How] = WAYS,
) -> How:
    """The quickest way to step these members on their device; ``plain`` where too little is left to try any.

    What is tried, its rate, and what is taken are told to ``say``. The states are left as they are. Raises the error
    of a device whose CUDA context is lost.
    """
    last = task.recipe.steps
    living = [(m, s) for m, s in zip(members, states, strict=True) if s.diverged is None and s.step < last]
    start = min((s.step for _, s in living), default=last)
    pairs = [(m, replace(s, step=start)) for m, s in living]  # after a resume they may stand apart
    left = last - start - WARM - TRIED
    if left <= 0:
        return plain
    trained, each = _tried(task, pairs, start, plain)
    if left * each < WORTH:
        return plain
    passes, best, quick = len(pairs) * task.recipe.batch, plain, each
    say(f"stepped by {plain}: {passes / each:,.0f} images/s")
    for way in ways:
        how = way._replace(precision=plain.precision)
        if (how.products and task.model.products is None) or (how.compiled and left * quick < COMPILING):
            continue
        try:
            found, each = _tried(task, pairs, start, how)
            apart = _apart(found, trained)
        except Exception as error:  # whatever a driver or a compiler has to say: there is a way that works
            answers(task.dataset.device)
            reason = next(iter(str(error).strip().splitlines()), "")[:160]
            say(f"stepped by {how}: {type(error).__name__}: {reason}")
            continue
        if not each:
            say(f"stepped by {how}: too quick to be told from its beginning; not taken")
            continue
        told = f"stepped by {how}: {passes / each:,.0f} images/s"
        if not apart <= NEAR[plain.precision]:
            say(f"{told}, but its losses are {apart:.1e} apart; not taken")
            continue
        say(told)
        if each < quick:
            best, quick = how, each
    say(f"taken: {best}")
    return best


def answers(device: torch.device) -> None:
    """Raises the error of a lost CUDA context: then no way is left, the plain one neither."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _tried(task: Task, pairs: Sequence[tuple[Member, State]], start: int, how: How) -> tuple[torch.Tensor, float]:
    """The members' mean terms over the first steps, ``[M, 1 + Z + E]``, and the seconds of one step after them.

    Two runs of different lengths: what compiling, recording and copying take is in both, and cancels.
    """
    members, states = [m for m, _ in pairs], [s for _, s in pairs]

    def run(steps: int) -> tuple[float, list[State]]:
        begun = time.perf_counter()
        moved = population.advance(task, members, states, start + steps, together=True, how=how)
        return time.perf_counter() - begun, moved  # states are parted on the host's side: nothing is under way

    run(WARM)  # for whoever compiles
    before, moved = run(WARM)
    losses = torch.stack([sums(s.trace - old.trace) for s, old in zip(moved, states, strict=True)])
    steps, took = TRIED, run(WARM + TRIED)[0] - before
    while took < LASTING and steps < MOST and start + WARM + 4 * steps <= task.recipe.steps:
        steps *= 4
        took = run(WARM + steps)[0] - before
    return losses / WARM, max(took, 0.0) / steps


def _apart(found: torch.Tensor, trained: torch.Tensor) -> float:
    """The largest difference of two tables of mean losses, as a share of the member's reconstruction: a latent's KL may
    be nought. Members that fell before they had a loss are alike if they fell in both.
    """
    fell = (found[:, 0] == 0) & (trained[:, 0] == 0)
    shares = (found - trained).abs() / trained[:, :1].abs()
    return float(shares[~fell].max()) if bool((~fell).any()) else 0.0

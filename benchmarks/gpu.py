"""``python -m benchmarks.gpu`` (``make gpu-check``): everything about a GPU that a machine without one cannot show.

Agreement with the CPU, of trainings and of every question of the paper's study; scores by precision; memory against
the reckoning; the plain way on the same card; images per second of populations from 1 to 256 members: every way to
write a convolution, every precision, compiled, and as CUDA graphs; then what the paper's own scale would take at the
rate that ``betavae run`` reaches. Some twelve minutes.
Without a GPU it says so and ends with exit code 2. A way that fails is a line with its reason; the rest goes on.

python -m benchmarks.gpu --rehearse     the same on a CPU in tiny sizes: that it runs, and nothing of its numbers
"""

from __future__ import annotations

import itertools
import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch

from benchmarks import convolutions, machines, questions
from benchmarks.__main__ import keep, show
from benchmarks.plain import Plain
from benchmarks.training import member
from betavae import datasets, metrics, models, objectives
from betavae.metrics.base import Codes, Subject, ask
from betavae.paper.published import images_in_all
from betavae.paper.scales import SIZES
from betavae.precision import PRECISIONS, precise
from betavae.representation import vae
from betavae.training import autotune, population, single
from betavae.training.gradient import Task
from betavae.training.population import How
from betavae.training.recipe import Recipe

FIRST, AIM, PLAIN, MINUTES = 300_000.0, 1_000_000.0, 30.0, 60.0
"""Wanted: images per second as a first landing and as the aim, over the plain loop, and of the paper's own scale."""
WARM = 8
"""Steps before any are timed."""
FINALISTS = 3
"""Ways that are measured with every number of members; all are measured with LOOKED."""


class Sizes(NamedTuple):
    """How large everything is."""

    members: tuple[int, ...] = (1, 4, 16, 64, 256)
    looked: int = 16
    batch: int = 256
    lasting: float = 3.0
    steps: int = 50
    seeds: int = 8
    images: int = 192_000
    votes: int = 1000
    pairs: int = 64
    cells: int = 9


REHEARSAL = Sizes((1, 2), 2, 4, 0.01, 3, 2, 64, 60, 4, 2)


def task(method: str, device: str, batch: int = 256, images: int = 0) -> Task:
    """The 2Dshapes training of the paper on drawn images that live on the device."""
    dataset = datasets.load("dsprites", device=device)
    optimiser, rate = ("adam", 5e-4) if method == "conv" else ("adagrad", 1e-2)
    recipe = Recipe(optimiser, rate, batch, images or batch * 10**6)
    return Task(dataset, models.named(method, dataset.shape, 10), objectives.named("beta_vae"), recipe)


def tried() -> Iterator[tuple[str, How]]:
    """Every way to write the convolutions, in every precision; graphs and compilers for the package's own two."""
    for rival, precision in itertools.product(convolutions.RIVALS, PRECISIONS):
        yield rival, How(precision)
    for precision, products in itertools.product(PRECISIONS, (False, True)):
        yield "kernels", How(precision, products, graphs=True)
    for products, graphs in itertools.product((False, True), repeat=2):
        yield "kernels", How("tf32", products, compiled=True, graphs=graphs)
    for precision in PRECISIONS:
        yield "kernels", How(precision, products=True)


def named(rival: str, how: How) -> str:
    """A way in words: ``products, as a graph, tf32``."""
    return f"{how if rival == 'kernels' else rival}, {how.precision}"


def agreement(device: str, sizes: Sizes) -> dict[str, float]:
    """The largest relative difference between the training curves of one member on the CPU and in a population."""
    found = {}
    for method in ("conv", "mlp"):
        curves = []
        for where in ("cpu", device):
            given = task(method, where, 64, 64 * sizes.steps)
            pair = [member(1), member(2)]
            states = [single.start(given, m) for m in pair]
            together = where != "cpu" or device == "cpu"
            curves.append(population.advance(given, pair, states, sizes.steps, together=together))
        a, b = (torch.stack([given.columns.curve(s.trace).reconstruction for s in states]) for states in curves)
        found[f"{method}, {sizes.steps} steps"] = float(((a - b) / a).abs().max())
    return found


def scores(device: str, sizes: Sizes) -> dict[str, float]:
    """The Higgins score and the loss of the same seeds trained in each precision, against float32: the mean and the
    largest difference of a seed, beside the standard deviation over the seeds of float32.
    """
    given = task("conv", device, 64, sizes.images)
    members, found = [member(k) for k in range(sizes.seeds)], dict[str, float]()
    asked = metrics.named("higgins", pairs=sizes.pairs, votes=sizes.votes, test_votes=sizes.votes)
    exact: list[tuple[float, float]] = []
    for precision in PRECISIONS:
        states = [single.start(given, m) for m in members]
        states = population.advance(given, members, states, given.recipe.steps, together=True, how=How(precision))
        told = []
        for state in states:
            codec = vae.codec(given.model, state.params)
            with precise("float32"):  # as a run puts its questions
                answer = ask(asked, "higgins", Subject(given.dataset, codec, Codes(given.dataset, codec)), 0)
            told.append((answer.scores["higgins"], float(given.columns.curve(state.trace).reconstruction[-1])))
        exact = exact or told
        for k, name in enumerate(("score", "loss")):
            values = [each[k] for each in told]
            apart = [a - b[k] for a, b in zip(values, exact, strict=True)]
            found[f"{name}, {precision}: mean over seeds"] = statistics.fmean(values)
            found[f"{name}, {precision}: standard deviation over seeds"] = statistics.stdev(values)
            found[f"{name}, {precision}: mean difference of a seed from float32"] = statistics.fmean(apart)
            found[f"{name}, {precision}: largest difference of a seed from float32"] = max(map(abs, apart))
    return found


def rate(given: Task, size: int, rival: str, how: How, lasting: float) -> float:
    """Images per second of ``size`` members in one program, all together."""
    given = given._replace()  # another task for who remembers what was compiled: it may be written another way now
    members = [member(k) for k in range(size)]
    states = [single.start(given, m) for m in members]
    with convolutions.written(rival):
        # Compiled and warm; then a few steps that say how many more are worth timing.
        states = population.advance(given, members, states, WARM, together=True, how=how)
        begun = time.perf_counter()
        states = population.advance(given, members, states, 2 * WARM, together=True, how=how)
        steps = max(2, min(2000, int(lasting * WARM / (time.perf_counter() - begun))))
        begun = time.perf_counter()
        population.advance(given, members, states, 2 * WARM + steps, together=True, how=how)
    return size * steps * given.recipe.batch / (time.perf_counter() - begun)


def attempt(given: Task, size: int, rival: str, how: How, lasting: float) -> float | str:
    """The rate, or why there is none: a way that this card or this PyTorch does not take is a result too."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    try:
        found: float | str = rate(given, size, rival, how, lasting)
    except Exception as error:
        found = f"{type(error).__name__}: {str(error)[:160]}"
    told = found if isinstance(found, str) else f"{found:,.0f} images/s"
    print(f"  {given.model.name} {named(rival, how)}, {size} members: {told}", flush=True)
    return found


def populations(method: str, device: str, sizes: Sizes) -> dict[str, Any]:
    """Rates by way and members; memory of the largest against what was reckoned."""
    given, found = task(method, device, sizes.batch), dict[str, Any]()
    on_gpu = torch.cuda.is_available()
    most = population.capacity(given, torch.cuda.mem_get_info()[0]) if on_gpu else max(sizes.members)
    found["members that memory is reckoned to hold"] = most
    ways_here = [w for w in tried() if method == "conv" or (w[0] == "kernels" and not w[1].products)]
    if not on_gpu:
        ways_here = [(rival, how) for rival, how in ways_here if not (how.graphs or how.compiled)]
    looked = {w: attempt(given, min(sizes.looked, most), *w, sizes.lasting) for w in ways_here}
    ranked = sorted(looked, key=lambda w: -value if isinstance(value := looked[w], float) else 0.0)
    for way, value in looked.items():
        found[f"{named(*way)}, {min(sizes.looked, most)} members, images/s"] = value
    for way in dict.fromkeys([("kernels", How()), *ranked[:FINALISTS]]):
        for size in sizes.members:
            if size > most or size == sizes.looked:
                continue
            value = attempt(given, size, *way, sizes.lasting)
            found[f"{named(*way)}, {size} members, images/s"] = value
            if isinstance(value, str):
                break
            if on_gpu and way == ("kernels", How()):
                reckoned = size * population.need(given)
                found[f"peak memory / reckoned, {size} members"] = torch.cuda.max_memory_allocated() / reckoned
    return found


def chosen(method: str, device: str, sizes: Sizes, precision: str) -> float:
    """Images per second of the paper's sixteen members in the way that ``betavae run`` finds for itself."""
    epochs = 40 if method == "conv" else 10
    given = task(method, device, sizes.batch, epochs * SIZES["dsprites"])  # as long as the paper's: see ways.COMPILING
    members = [member(k) for k in range(sizes.looked)]
    states = [single.start(given, m) for m in members]
    offered = autotune.WAYS if torch.cuda.is_available() else [How(products=True)]

    def say(text: str) -> None:
        print(f"  {precision}: {text}", flush=True)

    how = autotune.quickest(given, members, states, How(precision), say, offered)
    return rate(given, sizes.looked, "kernels", how, sizes.lasting)


def measured(device: str, sizes: Sizes) -> Iterator[tuple[str, dict[str, Any]]]:
    """All of it, block by block."""
    yield "agreement with the CPU, largest relative difference of the curves", agreement(device, sizes)
    ceilings = {"product, operations/s": machines.product(device), "copy, bytes/s": machines.copying(device)}
    yield "ceilings", ceilings
    for method in ("conv", "mlp"):
        given = task(method, device, sizes.batch)
        pixels = (given.dataset.render(torch.arange(machines.IMAGES, device=device)) * 255).byte().cpu()
        plain = Plain(method, pixels, 10, sizes.batch, device)
        plain.rate(4)
        alone = plain.rate(24)
        run = {p: chosen(method, device, sizes, p) for p in PRECISIONS}
        rates = populations(method, device, sizes)
        best = max([*run.values(), *(v for k, v in rates.items() if k.endswith("images/s") and isinstance(v, float))])
        floor = machines.floor(given)
        limit = min(ceilings["copy, bytes/s"] / floor["bytes per image"],
                    ceilings["product, operations/s"] / floor["operations per image"])  # fmt: skip
        yield f"population {method}", {
            "best / plain": best / alone, "best / wanted first": best / FIRST, "best / aim": best / AIM,
            "best / plain over wanted": best / alone / PLAIN, "best / limit": best / limit,
            "images per second, best": best, "images per second, as the package runs it": run["float32"],
            **{f"as the package runs it with --precision {p}, images per second": r for p, r in run.items()},
            "minutes of the paper's own scale at float32": images_in_all() / run["float32"] / 60,
            "wanted minutes / minutes at float32": MINUTES / (images_in_all() / run["float32"] / 60),
            "plain images per second": alone, "limit, images per second": limit, **floor, **rates,
        }  # fmt: skip
    yield "scores by precision", scores(device, sizes)
    yield "the paper's questions, put on the device", questions.agreement(device, sizes.cells)


def main(words: list[str]) -> int:
    rehearsing = "--rehearse" in words
    if not torch.cuda.is_available() and not rehearsing:
        print("no GPU here: nothing was measured. `make gpu-check` wants a machine with a CUDA device and its PyTorch.")
        return 2
    device = "cpu" if rehearsing else "cuda"
    print("a rehearsal on a CPU: its numbers mean nothing" if rehearsing else torch.cuda.get_device_name())
    found = dict[str, Any]()
    for name, block in measured(device, REHEARSAL if rehearsing else Sizes()):
        found[name] = block
        show(name, block)
        if not rehearsing:  # after every block: what is interrupted keeps what it has
            print(f"kept as results/bench/{keep('gpu', device, found).name}")
    if rehearsing:
        return 0
    print("next, best first and to be interrupted at will:\n  betavae run paper --scale paper --device cuda")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

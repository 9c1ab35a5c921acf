"""What shorter trainings of the PyTorch classifiers cost in score: ours against the published code's settings.

    python benchmarks/classifiers.py [conv] [pca] [ica] [projection] [untrained]

The same votes (1,000 to train, 1,000 to test, a pool of 8,000 images), three draws each: the linear classifier after
3,000 and 10,000 Adagrad steps, the MLP by 400 Adam steps of 250 votes and by 5,000 Adagrad steps of all votes. The
first draws of its output are in docs/metrics/higgins.md.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from betavae import datasets, models, objectives, rng
from betavae.datasets.base import Dataset
from betavae.metrics.base import Codes
from betavae.metrics.classifiers import Said, linear, mlp
from betavae.metrics.votes import features, higgins
from betavae.representation import fitted, vae
from betavae.representation.base import Codec
from betavae.training import single
from betavae.training.gradient import Task
from betavae.training.recipe import Recipe

VOTES = 1000
SEEDS = (0, 1, 2)
IMAGES = 50_000


def published_mlp(generator: torch.Generator, x: Tensor, y: Tensor, test: Tensor, classes: int) -> Said:
    """The published MLP but for its dropout at test time: 5,000 Adagrad steps of rate .001 on all votes."""
    layers = []
    for into, out in ((x.shape[1], 256), (256, 256), (256, classes)):
        bound = 1 / math.sqrt(into)
        layers.append(torch.empty(out, into).uniform_(-bound, bound, generator=generator).requires_grad_())
        layers.append(torch.empty(out).uniform_(-bound, bound, generator=generator).requires_grad_())
    optimiser = torch.optim.Adagrad(layers, lr=1e-3, weight_decay=1e-4)

    def forward(x: Tensor, dropout: bool) -> Tensor:
        for k in (0, 2):
            x = torch.relu(F.linear(x, layers[k], layers[k + 1]))
            if dropout:
                x = x * (torch.rand(x.shape, generator=generator) < 0.5) * 2.0
        return F.linear(x, layers[4], layers[5])

    for _ in range(5000):
        optimiser.zero_grad(set_to_none=True)
        F.cross_entropy(forward(x, True), y).backward()
        optimiser.step()
    with torch.no_grad():
        return Said(forward(test, False).argmax(-1))


JUDGES: dict[str, Callable[..., Said]] = {
    "linear, 3,000 Adagrad steps": lambda *given: linear(*given, steps=3_000),
    "linear, 10,000 Adagrad steps (ours, published)": linear,
    "MLP, 400 Adam steps of 250 (ours)": mlp,
    "MLP, 5,000 Adagrad steps of 1,000 (published)": published_mlp,
}


def conv(dataset: Dataset) -> Codec:
    """The convolutional VAE, β = 4, after 50,000 image passes."""
    model = models.named("conv", dataset.shape, 10)
    task = Task(dataset, model, objectives.named("beta_vae"), Recipe("adam", 5e-4, 64, IMAGES))
    member = single.Member(1, {"beta": 4.0})
    state = single.advance(task, member, single.start(task, member), task.recipe.steps)
    return vae.codec(model, state.params)


def main() -> None:
    """Print the table of one or more representations."""
    torch.set_num_threads(1)
    dataset = datasets.load("dsprites")
    for name in sys.argv[1:] or ["conv", "pca", "untrained"]:
        codec = conv(dataset) if name == "conv" else fitted(name, dataset, codes=10, seed=0, fit=2500)
        codes = Codes(dataset, codec)
        metric = higgins(votes=VOTES, test_votes=VOTES, pool=8000)
        scores: dict[str, list[float]] = {judge: [] for judge in JUDGES}
        seconds = dict.fromkeys(JUDGES, 0.0)
        for seed in SEEDS:
            draw = metric.plan(rng.generator(seed, "higgins", "plan", dataset.name), dataset)
            x = features(codes(draw.index))
            for judge, fit in JUDGES.items():
                begun = time.process_time()
                said = fit(rng.generator(seed, judge), x[:VOTES], draw.answer[:VOTES], x[VOTES:], 5)
                seconds[judge] += (time.process_time() - begun) / len(SEEDS)
                scores[judge].append(float((said.classes == draw.answer[VOTES:]).double().mean()))
        for judge, found in scores.items():
            each = "  ".join(f"{100 * s:.1f}" for s in found)
            print(f"{name:10}  {judge:46}  {100 * sum(found) / len(found):5.1f} %  ({each})  {seconds[judge]:5.1f} s")


if __name__ == "__main__":
    main()

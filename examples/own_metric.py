"""Your own metric: a draw of images, and a judgement of their codes. It never sees an image.

Run it: `python examples/own_metric.py`. It takes a second and shows that this metric notices a random rotation of
perfect codes, which the Higgins metric cannot.
"""

import torch
from torch import Tensor

import betavae
from betavae.metrics.base import Draw, Metric
from betavae.representation import fitted


def plan(generator: torch.Generator, dataset: betavae.Dataset) -> Draw:
    """1,000 random images, and the factor values they show."""
    index = torch.randint(dataset.size, (1000,), generator=generator)
    return Draw(index, dataset.factors.values(index))


def score(generator: torch.Generator, draw: Draw, codes: Tensor) -> dict[str, float]:
    """Per factor the largest |correlation| with any one code; their mean is 1 where each factor has a code of its own.

    The first key is the metric's own score; more may follow.
    """
    both = torch.cat([codes, draw.answer.float()], 1)
    table = torch.corrcoef(both.T).nan_to_num()[: codes.shape[1], codes.shape[1] :].abs()
    best = table.max(0).values
    return {"alignment": float(best.mean()), "worst": float(best.min())}


alignment = Metric("alignment", plan, score)
dataset = betavae.load("dsprites")
perfect = fitted("factors", dataset, codes=10, seed=0)
for metric in (alignment, betavae.metrics.higgins(pool=4000)):
    scores = betavae.evaluate(betavae.metrics.rotated(metric), dataset, perfect, seed=0)
    print(metric.name, {key: round(value, 4) for key, value in scores.items()})

"""What a Higgins score costs on one core once the codes are there, and how fast codes come."""

from __future__ import annotations

import time

import torch

from benchmarks import machines
from betavae.datasets.base import Dataset
from betavae.factors import Factors
from betavae.metrics import higgins
from betavae.metrics.base import Codes, Subject, ask
from betavae.metrics.classifiers import CLASSIFIERS
from betavae.models import MODELS, size
from betavae.representation import vae
from betavae.representation.base import Codec
from betavae.rng import generator

GRID = Factors(("shape", "scale", "orientation", "posX", "posY"), (3, 6, 40, 32, 32))
VOTES, TEST_VOTES, PAIRS = 10_000, 5_000, 64
WANTED = 3.0  # seconds for the main classifier


def encoding(name: str) -> dict[str, float]:
    """Images encoded per second, and the share of the matrix product's rate that this is."""
    task, _ = machines.task(name)
    codec = vae.codec(task.model, task.model.init(generator("bench")))
    images = task.dataset.render(torch.arange(256))
    took = machines.seconds(lambda: codec.encode(images), 5)
    encoder = size(task.model.name, task.model.shape, task.model.codes).encoder
    rate = len(images) / took
    return {"share of the matrix product": rate * 2 * encoder / machines.product(), "images per second": rate}


def scores() -> dict[str, float]:
    """Seconds of each classifier at 10,000 / 5,000 votes of 64 pairs on codes that are there, the draw included; and at
    1,000 / 1,000.
    """
    turn = torch.linalg.qr(torch.randn(10, 10, generator=generator("turn"))).Q[:5]
    sizes = torch.tensor(GRID.sizes).float()
    codec = Codec(10, lambda images: images, told=lambda index: (GRID.values(index).float() / sizes) @ turn)
    dataset = Dataset("grid", (1, 1, 1), GRID.size, GRID, "drawn", "grid", lambda i: torch.zeros(len(i), 1, 1, 1))
    subject = Subject(dataset, codec, Codes(dataset, codec, 65_536))
    subject.codes(torch.arange(GRID.size))
    found = {}
    for votes, tests in ((VOTES, TEST_VOTES), (1000, 1000)):
        for name in CLASSIFIERS:
            begun = time.perf_counter()
            metric = higgins(pairs=PAIRS, votes=votes, test_votes=tests, classifier=name)
            ask(metric, "higgins", subject, 0)
            found[f"{name} {votes}/{tests}, s"] = time.perf_counter() - begun
    return {"wanted / logistic": WANTED / found[f"logistic {VOTES}/{TEST_VOTES}, s"], **found}


def encoders() -> tuple[str, ...]:
    """The cases whose encoders are timed."""
    return tuple(name for name in machines.CASES if machines.CASES[name][0] in MODELS and "batch" not in name)

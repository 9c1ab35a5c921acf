"""How the published code scores PCA: with the optimiser that has just trained a VAE's classifier (a quirk)."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from betavae import rng
from betavae.datasets.base import Dataset
from betavae.errors import choose
from betavae.metrics import costs
from betavae.metrics.base import Answer, Codes, Probe, Subject
from betavae.metrics.fits.shared_adagrad import KINDS, Shared
from betavae.metrics.votes import features, higgins
from betavae.representation import fitted
from betavae.representation.base import Codec

FITTED = {1: 25_000, 3: 3_500}
"""Images that PCA is fitted on, by the images' channels (App. B of the paper)."""
_PCA: dict[tuple[object, ...], Codec] = {}
"""The last PCA: the same for the VAEs of one seed, whatever their β."""


def leak(
    *,
    pairs: int = 64,
    votes: int = 1000,
    test_votes: int = 1000,
    classifier: str = "linear",
    ask: Sequence[str] | None = None,
    pool: int | None = None,
) -> Probe:
    """What PCA scores when its classifier is trained after this representation's, by one Adagrad and one schedule.

    Only the weights are drawn anew between the two. Knobs are those of ``higgins``; ``classifier`` "linear" makes
    10,000 full-batch steps, "mlp" 5,000, as published. Scores: "leaked", then "fresh", the same PCA on the same votes
    with an optimiser of its own, both in [0, 1]. Raises Misuse.
    """
    kind = choose(KINDS, classifier, "classifier of a PyTorch optimiser")
    metric = higgins(pairs=pairs, votes=votes, test_votes=test_votes, classifier=classifier, ask=ask, pool=pool)

    def measure(generator: torch.Generator, subject: Subject) -> Answer:
        dataset = subject.dataset
        width = int(subject.codes(torch.zeros(1, dtype=torch.long)).shape[-1])  # an encoder of outside says none
        pca = _pca(dataset, width, rng.spawn_seed(generator))
        draw = metric.plan(generator, dataset)
        before = features(subject.codes(draw.index))
        x = features(Codes(dataset, pca)(draw.index))
        classes = int(draw.answer.max()) + 1 if ask is None else len(ask)
        start = rng.spawn_seed(generator)

        def score(after: bool) -> float:
            shared, weights = Shared(kind), rng.generator(start, "weights")
            if after:
                shared.fit(rng.generator(start, "weights before"), before[:votes], draw.answer[:votes], classes)
            said = shared.fit(weights, x[:votes], draw.answer[:votes], classes)(x[votes:])
            return float((said == draw.answer[votes:]).double().mean())

        return Answer({"leaked": score(True), "fresh": score(False)}, notes={"fit": pca.notes["images"]})

    return Probe(measure, metric.reads, metric.looks, costs.of_leak(votes, classifier), metric.cites)


def _pca(dataset: Dataset, codes: int, seed: int) -> Codec:
    begin, end = dataset.splits["train"]
    fit = min(FITTED.get(dataset.shape[0], FITTED[3]), end - begin)
    key = (dataset.name, dataset.shape, dataset.digest, codes, seed, fit)
    if key not in _PCA:
        _PCA.clear()
        _PCA[key] = fitted("pca", dataset, codes=codes, seed=seed % 2**31, fit=fit)
    return _PCA[key]

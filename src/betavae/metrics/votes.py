"""The disentanglement metric of Higgins et al. 2016 (Algorithm 1 of the paper): can a classifier tell the shared
factor?

A vote looks at L pairs of images; the two of a pair share the value of factor y and differ freely in the others.
The mean absolute difference of their codes over the pairs is the vote's feature, y its answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from betavae.datasets.base import Dataset
from betavae.errors import Misuse, choose, notice, shown, unknown
from betavae.factors import Factors
from betavae.metrics import costs
from betavae.metrics.base import Answer, Draw, Metric, Reads
from betavae.metrics.classifiers import CLASSIFIERS, AsPublished
from betavae.metrics.field.draws import classed
from betavae.types import Knobs, Scores

CHUNK = 500
"""Votes whose codes are differenced at once: keeps the working set small."""
PER_FACTOR = 16
"""Up to so many asked factors each have an accuracy of their own."""


def higgins(
    *,
    pairs: int = 64,
    votes: int = 1000,
    test_votes: int = 1000,
    classifier: str = "logistic",
    ask: Sequence[str] | None = None,
    pool: int | None = None,
    standardise: bool = False,
    dropout_at_test: bool = False,
    ica_adam: bool = False,
) -> Metric:
    """The Higgins score: the classifier's accuracy on ``test_votes`` fresh votes, in [0, 1]; chance is 1 / len(ask).

    ``pairs`` is L. ``ask`` names the factors that votes may share (None: all that have two values or more); the others
    still vary inside every pair.
    ``pool`` forms the pairs inside that many seeded images instead of fresh ones, training and test votes from disjoint
    parts: fewer encodings for votes that are slightly dependent. The classifier sees the differences as they are
    (Algorithm 1); ``standardise`` brings every code's to unit variance first, a variant that lets representations that
    learnt nothing score far above chance. The remaining knobs are quirks of the published code.
    The result's keys: "higgins", then "train", the accuracy on the training votes, "converged" (0 or 1) where the
    classifier has a rule to stop by, and "accuracy.NAME", of the test votes that share the factor NAME, for up to 16
    asked factors. Raises Misuse.
    """
    given = {"pairs": (pairs, 1), "votes": (votes, 2), "test_votes": (test_votes, 1)}
    for name, (value, least) in (given if pool is None else {**given, "pool": (pool, 2)}).items():
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise Misuse(f"{name} is {value!r}; wanted a whole number of at least {least}")
    if pool is not None and (isinstance(pool, bool) or not isinstance(pool, int) or pool < 1):
        raise Misuse(f"pool is {shown(pool)}; wanted a whole number of images, or None for fresh ones")
    judge = choose(CLASSIFIERS, classifier, "classifier")
    habits = AsPublished(dropout_at_test=dropout_at_test, adam=ica_adam)

    def plan(generator: torch.Generator, dataset: Dataset) -> Draw:
        if dataset.factors is None and dataset.labels is not None:
            return labelled(generator, dataset, ask, votes, test_votes, pairs, pool)
        factors = grid_of(dataset)
        asked, factors = asked_of(factors, ask), factors.varying
        names = tuple(factors.names[k] for k in asked.tolist())
        if pool is None:
            return replace(fresh(generator, factors, asked, votes + test_votes, pairs), names=names)
        return replace(pooled(generator, factors, asked, votes, test_votes, pairs, pool), names=names)

    def score(generator: torch.Generator, draw: Draw, codes: Tensor) -> Scores:
        x = features(codes)
        train, test = x[:votes], x[votes:]
        if standardise:
            mean, scale = train.mean(0), train.std(0)
            scale = torch.where(
                scale > 0, scale, torch.ones_like(scale)
            )  # a dead code says nothing and must not divide
            train, test = (train - mean) / scale, (test - mean) / scale
        classes = int(draw.answer.max()) + 1 if ask is None else len(ask)
        said = judge(generator, train, draw.answer[:votes], torch.cat([test, train]), classes, habits)
        right = (said.classes == torch.cat([draw.answer[votes:], draw.answer[:votes]])).double()
        scores = {"higgins": float(right[:test_votes].mean()), "train": float(right[test_votes:].mean())}
        scores |= {} if said.converged is None else {"converged": float(said.converged)}
        for k, name in enumerate(draw.names if len(draw.names) <= PER_FACTOR else ()):
            mine = draw.answer[votes:] == k
            if bool(mine.any()):
                scores[f"accuracy.{name}"] = float(right[:test_votes][mine].mean())
        return scores

    cost = costs.of_votes(pairs, votes, test_votes, classifier, pool)
    warned = Answer(notes={"warning": costs.small_pool(pool)}) if costs.small_pool(pool) else None
    beside = (lambda generator, draw, codes: warned) if warned else None
    return Metric(
        "higgins", plan, score, Reads(chance=_chance), cost.looks, cost.seconds, ("higgins2017",), beside=beside
    )


def _chance(knobs: Knobs, sizes: tuple[int, ...]) -> float:
    ask = knobs.get("ask")
    return 1 / (sum(size > 1 for size in sizes) if ask is None else len(ask))


def grid_of(dataset: Dataset) -> Factors:
    """The factors of a dataset. Raises Misuse where it has none."""
    if dataset.factors is None:
        raise Misuse(f"{dataset.name} has no full grid of factors; the Higgins metric needs one to form its pairs")
    return dataset.factors


def asked_of(factors: Factors, ask: Sequence[str] | None) -> Tensor:
    """The positions of the asked factors among those that vary; None asks them all, and a Notice names the others.

    Two images always share a factor of one value: a vote for it has no right answer. Raises Misuse for an unknown name,
    a repeat, a factor of one value, or fewer than two.
    """
    single = [name for name, size in zip(*factors, strict=True) if size < 2]
    names = factors.varying.names if ask is None else (ask,) if isinstance(ask, str) else tuple(ask)
    if ask is None and single:
        notice(f"{', '.join(single)}: a factor of one value, left out of what is asked ({', '.join(names)})")
    for name in names:
        if name not in factors.names:
            raise unknown("factor", name, factors.names)
        if name in single:
            raise Misuse(f"ask is {list(names)}, but {name} has one value: two images always share it; leave it out")
    if len(set(names)) != len(names) or len(names) < 2:
        raise Misuse(f"ask is {list(names)}; wanted at least two different factors of {', '.join(factors.names)}")
    return torch.tensor([factors.varying.names.index(name) for name in names])


def fresh(generator: torch.Generator, factors: Factors, asked: Tensor, votes: int, pairs: int) -> Draw:
    """Votes over fresh images: index ``[P, L, 2]``, answer ``[P]``.

    The pair axis is drawn outermost, so the votes with L = 16 are the first 16 pairs of those with L = 256.
    """
    count = len(factors.sizes)
    answer = torch.randint(len(asked), (votes,), generator=generator)
    values = torch.rand(pairs, votes, 2 * count, generator=generator).unflatten(-1, (2, count))
    values = (values * torch.tensor(factors.sizes)).long()
    shared = asked[answer].expand(pairs, votes)[..., None]
    values[:, :, 1].scatter_(-1, shared, values[:, :, 0].gather(-1, shared))
    return Draw(factors.index(values).transpose(0, 1).contiguous(), answer)


def pooled(
    generator: torch.Generator, factors: Factors, asked: Tensor, votes: int, test_votes: int, pairs: int, pool: int
) -> Draw:
    """Votes over the pairs of a pool of images: a pair is a random image and a random other that shares factor y."""
    answer = torch.randint(len(asked), (votes + test_votes,), generator=generator)
    images = torch.randperm(factors.size, generator=generator)[:pool]  # no image twice: the two sides share none
    cut = round(len(images) * votes / (votes + test_votes))
    parts = []
    for part, said in ((images[:cut], answer[:votes]), (images[cut:], answer[votes:])):
        if len(part) < 2 * max(factors.sizes):
            raise Misuse(
                f"a pool of {pool} of {factors.size} images leaves {len(part)} for {len(said)} votes; wanted at least "
                f"{2 * max(factors.sizes)} on each side: enlarge it, or do without a pool"
            )
        parts.append(part[_pairs_within(generator, factors.values(part), asked, said, pairs)])
    return Draw(torch.cat(parts), answer)


def labelled(
    generator: torch.Generator,
    dataset: Dataset,
    ask: Sequence[str] | None,
    votes: int,
    test_votes: int,
    pairs: int,
    pool: int | None,
) -> Draw:
    """Votes over images whose labels are no grid: as of a pool, among the images that share every asked label's value
    with another; a Notice says how many. Raises Misuse where fewer than half do.
    """
    assert dataset.labels is not None
    sizes = tuple(map(len, dataset.label_values))
    varying = Factors(dataset.label_names, sizes).varying.names
    names = tuple(varying[k] for k in asked_of(Factors(dataset.label_names, sizes), ask).tolist())
    columns, asked = [dataset.label_names.index(name) for name in names], torch.arange(len(names))
    table, _ = classed(dataset.labels[:, columns], names, tuple(dataset.label_values[k] for k in columns))
    images = torch.randperm(dataset.size, generator=generator)[:pool]
    cut = round(len(images) * votes / (votes + test_votes))
    answer = torch.randint(len(asked), (votes + test_votes,), generator=generator)
    parts, kept = [], 0
    for part, said in ((images[:cut], answer[:votes]), (images[cut:], answer[votes:])):
        values = table[part]
        shared = _shared(values)
        if len(shared) < 2 or 2 * len(shared) < len(part):
            raise Misuse(
                f"{dataset.name}: {len(shared):,} of {len(part):,} images share the value of every asked label with "
                "another; too few to form pairs: ask fewer labels, or cut those of many values"
            )
        kept += len(shared)
        parts.append(part[shared][_pairs_within(generator, values[shared], asked, said, pairs)])
    notice(f"{dataset.name}: pairs are formed among {kept:,} of {len(images):,} images, whose values others share")
    return Draw(torch.cat(parts), answer, names)


def _shared(values: Tensor) -> Tensor:
    """The rows of ``[n, K]`` classes that are not alone with any of their values, once those that are have gone."""
    rows = torch.arange(len(values))
    while len(rows):
        counts = [torch.bincount(column)[column] for column in values[rows].T]
        together = (torch.stack(counts) > 1).all(0)
        if bool(together.all()):
            break
        rows = rows[together]
    return rows


def _pairs_within(generator: torch.Generator, values: Tensor, asked: Tensor, said: Tensor, pairs: int) -> Tensor:
    first = torch.randint(len(values), (pairs, len(said)), generator=generator)
    u = torch.rand(pairs, len(said), generator=generator)
    second = torch.empty_like(first)
    for position, factor in enumerate(asked.tolist()):
        # Images sorted by the factor's value: those that share it stand together.
        column = values[:, factor]
        ranked = column.argsort(stable=True)
        counts = torch.bincount(column, minlength=int(column.max()) + 1)
        begins = counts.cumsum(0) - counts
        place = torch.empty_like(ranked).scatter_(0, ranked, torch.arange(len(ranked))) - begins[column]
        mine = said == position
        one = first[:, mine]
        value = column[one]
        offset = (u[:, mine] * (counts[value] - 1)).long()
        offset += offset >= place[one]  # an image is no partner of its own, unless it has no other
        second[:, mine] = ranked[begins[value] + torch.minimum(offset, counts[value] - 1)]
    return torch.stack([first, second], -1).transpose(0, 1).contiguous()


def features(codes: Tensor) -> Tensor:
    """Mean absolute difference over the pairs: codes ``[P, L, 2, Z]`` to ``[P, Z]``."""
    return torch.cat([(part[:, :, 0] - part[:, :, 1]).abs().mean(1) for part in codes.split(CHUNK)])

"""The study of "β-VAE Reproducibility: Challenges and Extensions" as data: its cells, its questions, at five scales.

``paper("laptop")`` is for two cores and a quarter of an hour, and says how small a part of the paper's budget it is;
``paper("paper")`` is its 72 trainings and about 1.35 billion image passes. Recipes are those of Table 4 and App. A;
epochs are not in the paper: 10 (MLP) and 40 (convolutional) are read from its code's history. Recipes change where a
budget is below one epoch: batches are then of 16 (convolutional) and 32 (MLP), since the paper's leave so few steps
that more trainings stay at the mean image. On 2Dshapes, β = 4, 32,000 images bring the convolutional VAE to 581 nats
in batches of 64 and to 126 in batches of 16.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from betavae.errors import choose
from betavae.paper.field import with_field
from betavae.paper.published import BETAS, CLASSIFIERS, FIGURE_6_PAIRS
from betavae.paper.scales import SCALES, SIZES, Scale
from betavae.study.cells import Cell, Job, Question, Study, merge, pairs
from betavae.study.quirks import all_switched, switched
from betavae.training.recipe import Recipe

FLOORS = ("untrained", "projection", "pixels", "noise", "factors")
FOUR = ("scale", "orientation", "posX", "posY")

DRAWN = {"dsprites": "dsprites", "shapes3d": "shapes3d-drawn", "mpi3d": "mpi3d-drawn"}
OFFICIAL = {"dsprites": "dsprites", "shapes3d": "shapes3d", "mpi3d": "mpi3d-toy"}
CIFARS = ("cifar10", "cifar100", "cifar10-jpeg")


def recipe(family: str, method: str, passes: int) -> Recipe:
    """The paper's recipe (Table 4, App. A) with a budget of image passes; smaller batches below one epoch."""
    short = passes < SIZES[family]
    if method == "mlp":
        return Recipe("adagrad", 1e-2, 32 if short else 256, passes)
    rate = 1e-4 if family == "shapes3d" else 5e-4
    return Recipe("adam", rate, 16 if short else 256 if family == "dsprites" else 64, passes)


def paper(
    scale: str = "laptop", *, have: Collection[str] = (), data: str = "drawn", features: str | None = None
) -> Study:
    """The paper's study at a scale of SCALES.

    ``data`` is "drawn" or "official" (3Dshapes and MPI3D). ``have`` names the CIFAR datasets at hand; where there is
    none, the drawn MPI3D stands in for Figures 7 to 10.
    ``features`` is the network of the Fréchet distance, None for none.
    """
    size = choose(SCALES, scale, "scale")
    names = choose({"drawn": DRAWN, "official": OFFICIAL}, data, "kind of data")
    jobs = with_field(merge(_jobs(size, names, [c for c in CIFARS if c in have], features)), scale)
    return Study("paper", scale, tuple(jobs), looks=size.looks)


def _jobs(size: Scale, names: dict[str, str], cifars: list[str], features: str | None) -> Iterator[Job]:
    vote = {"votes": size.votes, "test_votes": size.test_votes} | ({"pool": size.pool} if size.pool else {})
    for family, dataset in names.items():
        plain: list[Job] = []
        for seed in size.seeds[family]:
            mine = [*_baselines(family, dataset, seed, size, vote), *_vaes(family, dataset, seed, size, vote)]
            if family == "mpi3d" and not cifars:  # the stand-in for Figures 7 to 10
                mine += [_pictures(j, size, features, split="train") for j in mine if j.cell.method == "conv"]
            plain += mine
        yield from plain
        for seed in size.linear.get(family, ()):
            yield from map(_linearly, _baselines(family, dataset, seed, size, vote))
        yield from _floors(family, dataset, size, vote)
        yield from _twins(plain, size)
    for dataset in cifars:
        plain = []
        for seed in size.seeds["cifar"]:
            for beta in BETAS:
                cell = _vae("cifar", dataset, "conv", 128, seed, beta, size)
                plain.append(_pictures(Job(cell, (Question("architecture"),)), size, features, split="test"))
        yield from plain
        yield from _twins(plain, size)
        yield _calibrated("cifar", dataset, 128, size.seeds["cifar"][0], size, "test")
    if not cifars:
        yield _calibrated("mpi3d", names["mpi3d"], 10, size.seeds["mpi3d"][0], size, "train")


def _calibrated(family: str, dataset: str, codes: int, seed: int, size: Scale, split: str) -> Job:
    """Section 4.2's σ-VAE: the likelihood's variance is learnt, so no β is chosen."""
    made = recipe(family, "conv", size.passes[family, "conv"])
    asked = (
        Question("reconstruction", pairs({"images": 2 * size.frames, "split": split})),
        Question("reconstructions", pairs({"images": 16, "split": split})),
        Question("calibration"),
    )
    return Job(Cell(dataset, "conv", codes, seed, "sigma_vae", pairs({"beta": 1.0}), made), asked)


def _baselines(family: str, dataset: str, seed: int, size: Scale, vote: dict[str, int]) -> Iterator[Job]:
    subset = {"pca": 25_000, "ica": 2_500} if family == "dsprites" else {"pca": 3_500, "ica": 1_000}  # App. B
    for method, fit in subset.items():
        # The principal components of all images are the same under every seed, but for the accuracy of their iteration.
        once = size.small or method == "pca"
        full = size.full_fits and family == "dsprites" and not (once and seed != size.seeds[family][0])
        fits = [fit, None] if full else [fit]
        for images in fits:
            extra = [Question("samples", pairs({"images": 40})), Question("reconstructions", pairs({"images": 16}))]
            yield Job(Cell(dataset, method, 10, seed, fit=images), (*_votes(family, size, vote, sweep=True), *extra))


def _linearly(job: Job) -> Job:
    """A job with the questions of the linear classifier alone."""
    return Job(job.cell, tuple(q for q in job.questions if dict(q.knobs).get("classifier") == "linear"))


def _floors(family: str, dataset: str, size: Scale, vote: dict[str, int]) -> Iterator[Job]:
    """What scores are read against: representations that learnt nothing, noise, and the true factors."""
    asked = [Question("higgins", pairs({**vote, "pairs": 64, "classifier": c})) for c in ("linear", "logistic")]
    if family == "dsprites":
        asked.append(Question("higgins", pairs({**vote, "pairs": 64, "classifier": "linear", "ask": FOUR})))
    asked.append(_standardised(vote))
    for method in FLOORS:
        once = size.small or method in ("pixels", "factors")  # no seed changes these
        for seed in size.seeds[family][: 1 if once else None]:
            yield Job(Cell(dataset, method, 10, seed), tuple(asked))


def _standardised(vote: dict[str, int]) -> Question:
    """The variant that is not the protocol: every code's differences at unit variance before they are classified."""
    return Question("higgins", pairs({**vote, "pairs": 64, "classifier": "logistic", "standardise": True}))


def _vae(family: str, dataset: str, method: str, codes: int, seed: int, beta: float, size: Scale) -> Cell:
    made = recipe(family, method, size.passes[family, method])
    return Cell(dataset, method, codes, seed, "beta_vae", pairs({"beta": beta}), made)


def _vaes(family: str, dataset: str, seed: int, size: Scale, vote: dict[str, int]) -> Iterator[Job]:
    for method in ("mlp", "conv") if family == "dsprites" else ("conv",):
        for beta in BETAS:
            cell = _vae(family, dataset, method, 10, seed, beta, size)
            shown = [
                Question("architecture"),
                Question("reconstruction", pairs({"images": 2 * size.frames})),
                Question("reconstructions", pairs({"images": 16})),
                Question("traversals", pairs({"steps": 7, "top": 6})),
                Question("latent_space"),
            ]
            if (method, beta, seed) == ("conv", 1.0, size.seeds[family][0]):
                shown.append(Question("equivalence"))
            yield Job(cell, (*_votes(family, size, vote, sweep=method == "mlp"), *shown))


def _votes(family: str, size: Scale, vote: dict[str, int], sweep: bool) -> Iterator[Question]:
    """The Higgins questions of one representation: Tables 1 and 2, Figures 3 and 6, and the rotation test."""
    for seed in size.vote_seeds:
        again = size.small and seed != size.vote_seeds[0]
        for classifier in ("logistic",) if again else CLASSIFIERS:
            yield Question("higgins", pairs({**vote, "pairs": 64, "classifier": classifier}), seed)
        if family == "dsprites" and not again:
            yield Question("higgins", pairs({**vote, "pairs": 64, "classifier": "linear", "ask": FOUR}), seed)
    if family == "dsprites" and sweep:
        for count in FIGURE_6_PAIRS:
            yield Question("higgins", pairs({**vote, "pairs": count, "classifier": "linear"}))
    yield _standardised(vote)
    yield Question("rotation", pairs({**vote, "pairs": 64, "classifier": "logistic"}))


def _pictures(job: Job, size: Scale, features: str | None, split: str) -> Job:
    """The questions of Section 3.2 put to a job: Fréchet distances and losses along training, samples,
    reconstructions.
    """
    asked = [
        Question("samples", pairs({"images": 40})),
        Question("reconstructions", pairs({"images": 16, "split": split})),
        Question("reconstruction", pairs({"images": 2 * size.frames, "split": split}), at=size.curve),
    ]
    if features:
        look = {"features": features, "images": size.frames, "split": split}
        asked.append(Question("frechet", pairs({**look, "of": "reconstruction"}), at=size.curve))
        asked.append(Question("frechet", pairs({**look, "of": "prior"})))
    return Job(job.cell, (*job.questions, *asked))


def _twins(plain: list[Job], size: Scale) -> Iterator[Job]:
    """The twins of a scale, one quirk at a time and all together; where a scale is small, on the first seed, β = 4 and
    one question each.
    """
    first = plain[0].cell.seed if plain else None
    put = [(job, tuple(_at_the_end(job))) for job in plain]
    for name in (*size.twins, ALL):
        for job, asked in put:
            if size.small:
                c = job.cell
                # What the optimiser's state does to PCA depends on the VAE beside it: there every β of the MLP.
                beside = name == "adagrad-leak" and c.method == "mlp"
                if c.seed != first or not (beside or c.beta in (None, 4.0)) or not (c.recipe or c.fit):
                    continue
                asked = tuple(q for q in asked if _cheap(q, name))
            twin = all_switched(Job(job.cell, asked)) if name == ALL else switched(Job(job.cell, asked), name)
            if twin and name == ALL:
                twin = Job(twin.cell, tuple(_as_published(q, twin.cell, size) for q in twin.questions))
            if twin:
                yield twin


def _at_the_end(job: Job) -> Iterator[Question]:
    """What a twin may be asked: the protocol's questions when training has ended."""
    for question in job.questions:
        if 1.0 in question.at and "standardise" not in dict(question.knobs):
            yield replace(question, at=(1.0,))


ALL = "all"
"""The twin with every quirk on."""


def _as_published(question: Question, cell: Cell, size: Scale) -> Question:
    """A Fréchet distance of all CIFAR images, as published, where the scale can afford it."""
    if question.measure != "frechet" or not cell.dataset.startswith("cifar") or not size.published_frames:
        return question
    return replace(question, knobs=pairs({**dict(question.knobs), "images": size.published_frames}))


def _cheap(question: Question, quirk: str) -> bool:
    """Whether a small scale's twin is asked this: the main votes, and the slow classifier only for its own quirk."""
    knobs = dict(question.knobs)
    slow = knobs.get("classifier") == "mlp" and quirk not in ("dropout-on", ALL)
    return knobs.get("pairs", 64) == 64 and "ask" not in knobs and not question.seed and not slow

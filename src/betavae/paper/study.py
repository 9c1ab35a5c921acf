"""The study of "β-VAE Reproducibility: Challenges and Extensions" as data: its cells, its questions, at four scales.

``paper("laptop")`` is for two cores and a quarter of an hour, and says how small a part of the paper's budget it is;
``paper("paper")`` is its 72 trainings and about 1.35 billion image passes. Recipes are those of Table 4 and App. A;
epochs are not in the paper: 10 (MLP) and 40 (convolutional) are read from its code's history. Recipes change where a
budget is below one epoch: batches are then of 16 (convolutional) and 32 (MLP), since the paper's leave so few steps
that nothing is learnt. On 2Dshapes, β = 4, 32,000 images bring the convolutional VAE to 581 nats in batches of 64 and
to 126 in batches of 16.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from betavae.errors import choose
from betavae.paper.field import with_field
from betavae.paper.published import BETAS, CLASSIFIERS, FIGURE_6_PAIRS
from betavae.study.cells import Cell, Job, Question, Study, merge, pairs
from betavae.study.quirks import QUIRKS, switched
from betavae.training.recipe import Recipe

SEEDS = (123, 427, 235, 921)  # App. A
CIFAR_SEEDS = (4723, 1263)  # App. A
FLOORS = ("untrained", "projection", "pixels", "noise", "factors")
FOUR = ("scale", "orientation", "posX", "posY")
MORE = tuple(range(1001, 1027))  # the seeds that `beyond` adds to the paper's four

SIZES = {"dsprites": 737_280, "shapes3d": 480_000, "mpi3d": 1_036_800, "cifar": 50_000}


@dataclass(frozen=True)
class Scale:
    """How much of the paper a run does: image passes per training, seeds, and the size of its questions.

    ``small`` scales ask their twins, and fit baselines on all images, for one seed alone. ``pool`` draws the votes from
    that many images instead of fresh ones; ``frames`` is the number of images behind a Fréchet distance; ``curve`` the
    fractions of training at which Figures 7 and 8 are asked; ``vote_seeds`` the draws of votes, of which a small scale
    puts the first to every classifier and the others to logistic regression, the quickest.
    """

    passes: dict[tuple[str, str], int]
    seeds: dict[str, tuple[int, ...]]
    votes: int
    test_votes: int
    pool: int | None
    frames: int
    curve: tuple[float, ...]
    twins: tuple[str, ...]
    full_fits: bool
    small: bool = False
    vote_seeds: tuple[int, ...] = (0,)


def _epochs(mlp: int, conv: int) -> dict[tuple[str, str], int]:
    passes = {(family, "conv"): conv * size for family, size in SIZES.items()}
    return {**passes, ("dsprites", "mlp"): mlp * SIZES["dsprites"]}


_PAPER_SEEDS = {"dsprites": SEEDS, "shapes3d": SEEDS[:3], "mpi3d": SEEDS[:3], "cifar": CIFAR_SEEDS}

SCALES: dict[str, Scale] = {
    "smoke": Scale(
        passes={("dsprites", "mlp"): 512, ("dsprites", "conv"): 512, ("shapes3d", "conv"): 256, ("mpi3d", "conv"): 256,
                ("cifar", "conv"): 256},
        seeds={"dsprites": SEEDS[:1], "shapes3d": SEEDS[:1], "mpi3d": SEEDS[:1], "cifar": CIFAR_SEEDS[:1]},
        votes=100, test_votes=100, pool=600, frames=24, curve=(0.5, 1.0), twins=tuple(QUIRKS),
        full_fits=False, small=True,
    ),
    "laptop": Scale(
        passes={("dsprites", "mlp"): 16_384, ("dsprites", "conv"): 28_800, ("shapes3d", "conv"): 12_800,
                ("mpi3d", "conv"): 12_800, ("cifar", "conv"): 16_000},
        seeds={"dsprites": SEEDS[:2], "shapes3d": SEEDS[:1], "mpi3d": SEEDS[:1], "cifar": CIFAR_SEEDS[:1]},
        votes=1000, test_votes=1000, pool=8000, frames=500, curve=(0.25, 0.5, 0.75, 1.0), twins=tuple(QUIRKS),
        full_fits=True, small=True, vote_seeds=(0, 1, 2),
    ),
    "paper": Scale(
        passes=_epochs(10, 40), seeds=_PAPER_SEEDS, votes=1000, test_votes=1000, pool=None, frames=10_000,
        curve=(0.1, 0.25, 0.5, 0.75, 1.0), twins=tuple(QUIRKS), full_fits=True, vote_seeds=(0, 1, 2),
    ),
    "beyond": Scale(
        passes=_epochs(10, 40),
        seeds={"dsprites": SEEDS + MORE, "shapes3d": SEEDS[:3] + MORE[:7], "mpi3d": SEEDS[:3] + MORE[:7],
               "cifar": CIFAR_SEEDS + MORE[:8]},
        votes=10_000, test_votes=5_000, pool=None, frames=10_000, curve=(0.1, 0.25, 0.5, 0.75, 1.0),
        twins=tuple(QUIRKS), full_fits=True, vote_seeds=(0, 1, 2),
    ),
}  # fmt: skip

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
    return Study("paper", scale, tuple(jobs))


def _jobs(size: Scale, names: dict[str, str], cifars: list[str], features: str | None) -> Iterator[Job]:
    vote = {"votes": size.votes, "test_votes": size.test_votes} | ({"pool": size.pool} if size.pool else {})
    for family, dataset in names.items():
        plain: list[Job] = []
        for seed in size.seeds[family]:
            plain += _baselines(family, dataset, seed, size, vote)
            plain += _vaes(family, dataset, seed, size, vote)
            if family == "mpi3d" and not cifars:  # the stand-in for Figures 7 to 10
                plain += [_pictures(j, size, features, split="train") for j in plain if j.cell.method == "conv"]
        yield from plain
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
    """The twins of a scale, one quirk at a time; where a scale is small, on the first seed, β = 4 and one question
    each.
    """
    first = plain[0].cell.seed if plain else None
    for name in size.twins:
        for job in plain:
            variants = [q for q in job.questions if "standardise" in dict(q.knobs)]
            asked = tuple(replace(q, at=(1.0,)) for q in job.questions if 1.0 in q.at and q not in variants)
            if size.small:
                c = job.cell
                if c.seed != first or c.beta not in (None, 4.0) or not (c.recipe or c.fit):
                    continue
                asked = tuple(q for q in asked if _cheap(q, name))
            twin = switched(Job(job.cell, asked), name)
            if twin:
                yield twin


def _cheap(question: Question, quirk: str) -> bool:
    """Whether a small scale's twin is asked this: the main votes, and the slow classifier only for its own quirk."""
    knobs = dict(question.knobs)
    slow = knobs.get("classifier") == "mlp" and quirk != "dropout-on"
    return knobs.get("pairs", 64) == 64 and "ask" not in knobs and not question.seed and not slow

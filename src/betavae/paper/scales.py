"""How much of the paper a run does: its five scales, from a test of the chain to many more seeds than it had."""

from __future__ import annotations

from dataclasses import dataclass, field

from betavae.study.quirks import QUIRKS

SEEDS = (123, 427, 235, 921)  # App. A
CIFAR_SEEDS = (4723, 1263)  # App. A
MORE = tuple(range(1001, 1027))  # the seeds that `beyond` adds to the paper's four

SIZES = {"dsprites": 737_280, "shapes3d": 480_000, "mpi3d": 1_036_800, "cifar": 50_000}


@dataclass(frozen=True)
class Scale:
    """How much of the paper a run does: image passes per training, seeds, and the size of its questions.

    ``small`` scales ask their twins, and fit baselines on all images, for one seed alone. ``pool`` draws the votes from
    that many images instead of fresh ones; ``frames`` is the number of images behind a Fréchet distance,
    ``published_frames`` that of its published twin (0: the same); ``curve`` the fractions of training at which Figures
    7 and 8 are asked; ``vote_seeds`` the draws of votes, of which a small scale puts the first to every classifier and
    the others to logistic regression, the quickest. ``linear`` are seeds of which PCA and ICA alone are fitted, and
    scored by the linear classifier alone: seconds each, and enough for the claims that are of them. ``looks`` are the
    numbers of seeds after which claims are judged (none: once, on all).
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
    published_frames: int = 0
    linear: dict[str, tuple[int, ...]] = field(default_factory=dict)
    looks: tuple[int, ...] = ()


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
        passes={("dsprites", "mlp"): 12_288, ("dsprites", "conv"): 24_000, ("shapes3d", "conv"): 12_800,
                ("mpi3d", "conv"): 3_200, ("cifar", "conv"): 12_800},
        seeds={"dsprites": SEEDS[:2], "shapes3d": SEEDS[:1], "mpi3d": SEEDS[:1], "cifar": CIFAR_SEEDS},
        votes=1000, test_votes=1000, pool=8000, frames=500, curve=(0.25, 0.5, 0.75, 1.0), twins=tuple(QUIRKS),
        full_fits=False, small=True, vote_seeds=(0, 1),
        linear={"dsprites": SEEDS[2:] + MORE[:6], "shapes3d": SEEDS[1:3] + MORE[:3], "mpi3d": SEEDS[1:3] + MORE[:3]},
    ),
    "overnight": Scale(  # chosen by a pilot and powers: docs/overnight.md
        passes={("dsprites", "mlp"): 40_000, ("dsprites", "conv"): 80_000, ("shapes3d", "conv"): 120_000,
                ("mpi3d", "conv"): 200_000, ("cifar", "conv"): 60_000},
        seeds={"dsprites": SEEDS + MORE[:16], "shapes3d": SEEDS[:3] + MORE[:7], "mpi3d": SEEDS[:3] + MORE[:7],
               "cifar": CIFAR_SEEDS + MORE[:10]},
        votes=1000, test_votes=1000, pool=8000, frames=500, curve=(0.25, 0.5, 0.75, 1.0), twins=tuple(QUIRKS),
        full_fits=True, small=True, vote_seeds=(0, 1),
    ),
    "paper": Scale(
        passes=_epochs(10, 40), seeds=_PAPER_SEEDS, votes=1000, test_votes=1000, pool=None, frames=10_000,
        curve=(0.1, 0.25, 0.5, 0.75, 1.0), twins=tuple(QUIRKS), full_fits=True, vote_seeds=(0, 1, 2),
        published_frames=50_000,
    ),
    "beyond": Scale(
        passes=_epochs(10, 40),
        seeds={"dsprites": SEEDS + MORE, "shapes3d": SEEDS[:3] + MORE[:7], "mpi3d": SEEDS[:3] + MORE[:7],
               "cifar": CIFAR_SEEDS + MORE[:8]},
        votes=10_000, test_votes=5_000, pool=None, frames=10_000, curve=(0.1, 0.25, 0.5, 0.75, 1.0),
        twins=tuple(QUIRKS), full_fits=True, vote_seeds=(0, 1, 2), published_frames=50_000,
        looks=(10, 20, 30),
    ),
}  # fmt: skip

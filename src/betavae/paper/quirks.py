"""The published code's deviations that can move a published number, by name, each a change of a job's plain data.

Sources are places in the paper's published code (Mandelbrot99/BetaVAE, commit 2554f34). All are off by default; the
paper's study runs twins with one quirk on, so that a report can show how much each explains.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from betavae.errors import choose
from betavae.study.cells import Cell, Job, Question, pairs

LINEAR = ("pca", "ica")
RGB = ("shapes3d", "shapes3d-drawn", "mpi3d-toy", "mpi3d-drawn", "mpi3d-realistic", "mpi3d-real")


@dataclass(frozen=True)
class Quirk:
    """One deviation: what the code does, where, which published number it touches, and the knobs that switch it on.

    ``cell`` knobs change what is trained or fitted, ``question`` knobs change how it is asked; ``applies`` tells
    where it can matter.
    """

    name: str
    what: str
    source: str
    touches: str
    measures: tuple[str, ...]
    cell: tuple[tuple[str, Any], ...] = ()
    question: tuple[tuple[str, Any], ...] = ()
    recipe: tuple[tuple[str, Any], ...] = ()
    applies: Callable[[Cell], bool] = lambda cell: True
    asks: Callable[[Question], bool] = lambda question: True


def _classifier(name: str) -> Callable[[Question], bool]:
    return lambda q: dict(q.knobs).get("classifier", "logistic") == name


_ALL = (
    Quirk(
        "rgb-layout",
        "PCA and ICA are fitted on bytes 0-255 laid out row, column, channel, and then score pixels in [0, 1] laid out "
        "channel, row, column: permuted and 255 times smaller, which the classifiers are left to see.",
        "evaluate.py:152-154, 174-176, 360-381",
        "Figure 3, PCA and ICA on 3Dshapes and MPI3DToy",
        ("higgins",),
        cell=(("layout", "hwc255"),),
        question=(("standardise", False),),
        applies=lambda c: c.method in LINEAR and c.dataset in RGB,
    ),
    Quirk(
        "ica-scale",
        "scikit-learn 0.24 gives ICA codes of variance 1/n, and classifiers see them unscaled; ICA's linear PyTorch "
        "classifier gets Adam with learning rate 1 to make up for it, scikit-learn's gets nothing.",
        "evaluate.py:147-188, 240",
        "Tables 1 and 2, Figures 3 and 6, ICA",
        ("higgins",),
        cell=(("whiten", "arbitrary-variance"),),
        question=(("standardise", False), ("ica_adam", True)),
        applies=lambda c: c.method == "ica",
        asks=lambda q: dict(q.knobs).get("classifier", "logistic") != "forest",
    ),
    Quirk(
        "unscaled-votes",
        "Classifiers see the vote differences as they are; their scale depends on the method.",
        "evaluate.py:235-300",
        "Tables 1 and 2, every classifier but the forest",
        ("higgins",),
        question=(("standardise", False),),
        asks=lambda q: dict(q.knobs).get("classifier", "logistic") != "forest",
    ),
    Quirk(
        "dropout-on",
        "The MLP classifier's dropout is not told that training is over: half its units are off while it is scored.",
        "models/classifier.py:28, 30",
        "Table 2, MLP",
        ("higgins",),
        question=(("dropout_at_test", True),),
        asks=_classifier("mlp"),
    ),
    Quirk(
        "adagrad-leak",
        "One Adagrad serves the VAE's classifier and then PCA's: the weights are drawn anew, its accumulators are not. "
        "Here they come from a first training on the same votes, since no VAE stands beside a PCA.",
        "evaluate.py:235, 292",
        "Tables 1 and 2, Figures 3 and 6, PCA with the linear PyTorch classifier",
        ("higgins",),
        question=(("adagrad_leak", True),),
        applies=lambda c: c.method == "pca",
        asks=_classifier("linear"),
    ),
    Quirk(
        "votes-501",
        "1,000 votes train the classifier and 501 test it (the loop runs to 0.5 B inclusive).",
        "evaluate.py:215",
        "Tables 1 and 2, Figures 3 and 6: vote noise of about 2 points",
        ("higgins",),
        question=(("test_votes", 501),),
    ),
    Quirk(
        "mlp-no-drop",
        "The MLP's Adagrad run has no learning-rate schedule, though the paper divides by 5 in all experiments.",
        "main.py:175-182",
        "Table 1 and Figure 6, the MLP rows",
        ("higgins",),
        recipe=(("drop_to", 1.0),),
        applies=lambda c: c.method == "mlp",
    ),
    Quirk(
        "traversal-range",
        "The posterior traversal runs over (-v, v) with v = μ - 1.96σ: symmetric about 0, not about μ, and of no "
        "width where μ = 1.96σ.",
        "utils/visualize.py:89-94",
        "Figure 4",
        ("traversals",),
        question=(("range", "published"),),
    ),
    Quirk(
        "last-batch",
        "Evaluation losses are divided by the size of the last training batch: 50,000 mod 64 = 16 instead of 64, "
        "four times too large.",
        "training.py:61, 101; evaluate.py:75",
        "Figure 8",
        ("reconstruction",),
        question=(("divide_by_last_batch", True),),
        applies=lambda c: c.dataset.startswith("cifar"),
    ),
    Quirk(
        "sampled-codes",
        "Codes are sampled in evaluation too, so reconstructions, losses, FID and the points of Figure 5 are noisy.",
        "models/betaVAEBurgess.py (reparameterize); viz_new_plots.py:71-157",
        "Table 3, Figures 5 and 7 to 10",
        ("reconstruction", "frechet", "latent_space"),
        question=(("code", "sample"),),
        asks=lambda q: dict(q.knobs).get("of", "reconstruction") == "reconstruction",
    ),
    Quirk(
        "no-held-out",
        "There is no held-out split: losses and FID are of training images.",
        "utils/datasets.py:58-86; utils/fid.py:206-225",
        "Table 3, Figures 7 and 8",
        ("reconstruction", "frechet"),
        question=(("split", "train"),),
        applies=lambda c: c.dataset.startswith("cifar"),
    ),
)  # fmt: skip

QUIRKS: dict[str, Quirk] = {quirk.name: quirk for quirk in _ALL}


def switched(job: Job, name: str) -> Job | None:
    """The twin of a job with one quirk on, asked only what the quirk can move; None where it cannot matter."""
    quirk = choose(QUIRKS, name, "quirk")
    cell = job.cell
    asked = [q for q in job.questions if q.measure in quirk.measures and quirk.asks(q)]
    if not quirk.applies(cell) or not asked or (quirk.recipe and not cell.recipe):
        return None
    if quirk.cell or quirk.recipe:
        recipe = replace(cell.recipe, **dict(quirk.recipe)) if cell.recipe else None
        knobs = pairs({**dict(cell.knobs), **dict(quirk.cell)})
        cell = replace(cell, knobs=knobs, recipe=recipe, quirks=(*cell.quirks, name))
    twins = (
        replace(q, knobs=pairs({**dict(q.knobs), **dict(quirk.question)}), quirks=(*q.quirks, name)) for q in asked
    )
    return Job(cell, tuple(twins))

"""What ``betavae train``, ``score``, ``figure`` and ``doctor`` take. Nothing heavy is imported here."""

from __future__ import annotations

import argparse
import math
import tomllib
from collections.abc import Callable
from pathlib import Path

from betavae.errors import shown
from betavae.names import DATASETS, METHODS, OBJECTIVES, OPTIMISERS

Verb = Callable[[str, str, str], argparse.ArgumentParser]
"""(name, what it does, an example) to the parser of a new verb."""

VERBS = ("train", "score", "figure", "doctor")
NOUNS = ("traversals", "latent_space", "reconstructions", "samples")


def declare(verb: Verb) -> None:
    """Add the verbs of this folder."""
    _train(
        verb(
            "train",
            "Train or fit one cell, the same that a study would.",
            "betavae train --dataset dsprites --method conv --beta 4 --seed 1 --images 50_000",
        )
    )
    _score(
        verb(
            "score",
            "Score an encoder, with floors and the true factors beside it.",
            "betavae score --encoder mine:encode --dataset dsprites --metric higgins",
        )
    )
    _figure(
        verb(
            "figure",
            "Draw one figure of trained cells, or samples of a dataset.",
            "betavae figure traversals runs/single-own --out traversals.png",
        )
    )
    verb("doctor", "Check the installation: versions, data folder, extras, a short training.", "betavae doctor")


def _train(this: argparse.ArgumentParser) -> None:
    this.add_argument("--dataset", required=True, choices=DATASETS, metavar="dataset", help="see `betavae data list`")
    this.add_argument(
        "--method", default="conv", choices=METHODS, metavar="method", help=f"{', '.join(METHODS)} (default: conv)"
    )
    this.add_argument("--seed", type=whole(0), default=1, help="the seed of everything random (default: 1)")
    this.add_argument("--codes", type=whole(1, 4096), default=10, help="how many codes (default: 10)")
    this.add_argument("--beta", type=positive, help="β of a VAE (default: 1)")
    this.add_argument("--images", type=whole(1), help="image passes of a VAE's training (default: 50,000)")
    this.add_argument(
        "--objective", choices=OBJECTIVES, metavar="objective", help=f"{', '.join(OBJECTIVES)} (default: beta_vae)"
    )
    this.add_argument("--sigma", type=positive, help="σ of the objective gaussian (default: 1)")
    this.add_argument(
        "--optimiser", choices=OPTIMISERS, metavar="optimiser", help="default: the paper's for this method"
    )
    this.add_argument("--learning-rate", type=positive, help="default: the paper's for this method and dataset")
    this.add_argument(
        "--batch", type=whole(1, 65_536), help="default: the paper's; 16 (conv) or 32 (mlp) below one epoch"
    )
    this.add_argument("--fit", type=whole(2), help="images that PCA or ICA is fitted on (default: all)")
    this.add_argument("--store", type=Path, help="the folder of records (default: runs/single-own)")
    this.add_argument("--device", default="cpu", help="cpu or cuda (default: cpu)")
    this.add_argument("--quiet", action="store_true", help="no progress")


def _score(this: argparse.ArgumentParser) -> None:
    this.add_argument(
        "--encoder",
        required=True,
        metavar="WHAT",
        help="module:function (of this folder or installed; it is imported and run), codes.npy (an array [N, Z] over "
        "all images), model.pt (TorchScript: it holds code that runs, so give only files you trust; its sha256 is "
        "printed), model.onnx (extra export), the id of a trained cell, or a method that needs no training, as factors",
    )
    this.add_argument("--dataset", choices=DATASETS, metavar="dataset", help="see `betavae data list`")
    this.add_argument(
        "--metric", default="higgins", metavar="NAME", help="higgins, reconstruction or frechet (default: higgins)"
    )
    this.add_argument(
        "--knob",
        action="append",
        default=[],
        type=knob,
        metavar="KEY=VALUE",
        help="a knob of the metric, as in a study file: --knob pairs=16 --knob ask=scale,posX",
    )
    this.add_argument(
        "--seeds", type=whole(1, 1000), default=5, help="how many draws of the question: the interval's (default: 5)"
    )
    this.add_argument("--rotated", action="store_true", help="beside each score, that of the codes randomly rotated")
    this.add_argument("--alone", action="store_true", help="the encoder alone, without floors")
    this.add_argument("--store", type=Path, help="where a cell's id is looked up (default: all under runs/)")
    this.add_argument("--json", action="store_true", help="the table as JSON")


def _figure(this: argparse.ArgumentParser) -> None:
    this.add_argument("noun", choices=NOUNS, metavar="noun", help=", ".join(NOUNS))
    this.add_argument("what", metavar="what", help="a store, the id of a trained cell, or for samples a dataset's name")
    this.add_argument("--out", type=Path, required=True, help="the file: .png, .pdf or .svg")
    this.add_argument(
        "--knob",
        action="append",
        default=[],
        type=knob,
        metavar="KEY=VALUE",
        help="as in a study file: range=posterior",
    )
    this.add_argument("--seed", type=whole(0), default=0, help="which images are shown (default: 0)")
    this.add_argument("--store", type=Path, help="where a cell's id is looked up (default: all under runs/)")


def whole(least: int, most: int = 2**62) -> Callable[[str], int]:
    """A reader of whole numbers within bounds, underscores allowed."""

    def read(text: str) -> int:
        plain = text.replace("_", "")
        if not (plain.isascii() and plain.isdecimal() and len(plain) < 20) or not least <= int(plain) <= most:
            end = f" to {most:,}" if most < 2**62 else " on"
            raise argparse.ArgumentTypeError(f"{shown(text)} is not a whole number from {least}{end}")
        return int(plain)

    return read


def positive(text: str) -> float:
    """A positive, finite number."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 1e-12 <= number <= 1e12:
        raise argparse.ArgumentTypeError(f"{shown(text)} is not a positive number")
    return number


def knob(text: str) -> tuple[str, object]:
    """``key=value`` with the value as in a study file; a bare word is a string, words with commas are a list, none
    is None.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.isidentifier():
        raise argparse.ArgumentTypeError(f"{shown(text)} is no knob; write key=value, as in votes=500")
    if value == "none":
        return key, None
    try:
        return key, tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        return key, value.split(",") if "," in value else value

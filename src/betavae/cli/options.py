"""What the command ``betavae`` takes: its verbs, their options, and errors that are one clear line."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import NoReturn

from betavae.cli import steps as steps
from betavae.errors import Misuse, shown, unknown

SCALES = ("smoke", "laptop", "paper", "beyond")
PRECISIONS = ("float32", "tf32", "bf16")


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one clear line with the near match."""

    def error(self, message: str) -> NoReturn:
        line = " ".join(message.split())
        raise Misuse(f"{line[:300]}{'…' if len(line) > 300 else ''}; see `{self.prog} --help`")

    def _check_value(self, action: argparse.Action, value: object) -> None:
        if action.choices is not None and value not in action.choices:
            raise unknown(
                action.metavar if isinstance(action.metavar, str) else action.dest, value, map(str, action.choices)
            )


def _verb(verbs: argparse._SubParsersAction[Parser], name: str, what: str, example: str) -> Parser:
    return verbs.add_parser(
        name, help=what[0].lower() + what[1:], description=what, epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip


def parser() -> Parser:
    """The whole command line."""
    top = Parser(
        prog="betavae",
        description="Run a whole β-VAE study and tell the truth about it.",
        epilog="example:\n  betavae run paper --scale laptop && betavae report runs/paper-laptop",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="store_true", help="print the version and stop")
    verbs = top.add_subparsers(dest="verb", metavar="verb", parser_class=Parser)
    _data(verbs)
    _run(verbs)
    status = _verb(
        verbs,
        "status",
        "Show what is done, diverged, failed, and what a run would do next.",
        "betavae status runs/paper-laptop",
    )
    status.add_argument("store", nargs="?", type=Path, help="the folder of a study (default: the newest under runs/)")
    report = _verb(verbs, "report", "Write the report of one or more stores, from their records alone.",
                   "betavae report runs/paper-laptop --out reports/laptop")  # fmt: skip
    report.add_argument(
        "stores", nargs="*", type=Path, metavar="store", help="folders of studies (default: the newest under runs/)"
    )
    report.add_argument("--out", type=Path, help="where the pages go (default: STORE/report)")
    report.add_argument(
        "--checklist", action="store_true", help="print the reproducibility checklist instead, filled from the records"
    )
    steps.declare(partial(_verb, verbs))
    _export(verbs)
    return top


def _export(verbs: argparse._SubParsersAction[Parser]) -> None:
    export = _verb(verbs, "export", "Write records as Parquet and CSV, tables as LaTeX, figures, and trained models.",
                   "betavae export runs/paper-laptop --out paper --what records,tables,figures")  # fmt: skip
    export.add_argument("stores", nargs="+", type=Path, metavar="store", help="folders of studies")
    export.add_argument("--out", type=Path, required=True, help="where the files go")
    export.add_argument("--what", type=lambda text: text.split(","), metavar="KINDS",
                        help="records,tables,figures,models (default: all but models)")  # fmt: skip
    export.add_argument("--only", action="append", default=[], metavar="ID", help="only models whose id begins so")
    cite = _verb(verbs, "cite", "Print BibTeX for the paper, and for the datasets and metrics that stores used.",
                 "betavae cite runs/paper-laptop > used.bib")  # fmt: skip
    cite.add_argument("stores", nargs="*", type=Path, metavar="store", help="folders of studies (default: none)")


def _data(verbs: argparse._SubParsersAction[Parser]) -> None:
    data = _verb(verbs, "data", "List, fetch, adopt, check and compare datasets.", "betavae data fetch shapes3d")
    nouns = data.add_subparsers(dest="action", metavar="action", required=True, parser_class=Parser)
    actions = [
        _verb(nouns, "list", "List every dataset, where it comes from and whether it is here.", "betavae data list"),
        _verb(nouns, "card", "Print the card of a dataset.", "betavae data card dsprites"),
        _verb(nouns, "fetch", "Fetch an official file and check its hash.", "betavae data fetch shapes3d"),
        _verb(nouns, "add", "Adopt a file, after checking its hash.", "betavae data add shapes3d ~/3dshapes.h5"),
        _verb(nouns, "verify", "Check what is here against its hashes.", "betavae data verify dsprites"),
        _verb(nouns, "compare", "Count the images of an official file that differ from the drawn grid.",
              "betavae data compare dsprites dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz"),
    ]  # fmt: skip
    for action in actions:
        action.add_argument("--root", type=Path, help="the data folder (default: $BETAVAE_DATA, else the user's cache)")
    listing, card, fetch, add, verify, compare = actions
    del listing
    for action in (fetch, add):
        action.add_argument("name", help="a dataset's name, or inception for the FID network's weights")
    card.add_argument("name", help="a dataset's name")
    compare.add_argument("name", help="dsprites: the only one that is drawn to the bit")
    verify.add_argument("name", nargs="?", help="a dataset's name (default: all that is here)")
    add.add_argument("file", type=Path)
    add.add_argument(
        "--sha256",
        help="a digest you vouch for, in place of the published one: the file must have it",
    )
    compare.add_argument("file", type=Path)
    fetch.add_argument("--offline", action="store_true", help="never touch the network")


def _run(verbs: argparse._SubParsersAction[Parser]) -> None:
    run = _verb(verbs, "run", "Run a study: the paper's, or your own from a file. Again: what is missing.",
                "betavae run paper --scale laptop --dry-run")  # fmt: skip
    run.add_argument("study", help="paper, a study file (.toml), or a store: what its records tell of")
    run.add_argument("--scale", choices=SCALES, help="how much of the paper (default: laptop)")
    run.add_argument(
        "--data",
        choices=("drawn", "official"),
        help="3Dshapes and MPI3D drawn here, or from the official files (default: drawn)",
    )
    run.add_argument("--store", type=Path, help="the folder of records (default: runs/NAME-SCALE)")
    run.add_argument("--workers", type=_positive,
                     help="worker processes (default: one per core); with a GPU one of them trains on it")  # fmt: skip
    run.add_argument("--device", default="cpu", help="cpu or cuda (default: cpu)")
    run.add_argument("--precision", choices=PRECISIONS, default="float32",
                     help="of a GPU's matrix products in training (default: float32)")  # fmt: skip
    run.add_argument("--executor", choices=("local", "ray"), default="local",
                     help="worker processes of this machine, or tasks of a Ray cluster (default: local)")  # fmt: skip
    run.add_argument("--address", metavar="HOST:PORT", help="the Ray cluster, or auto for the one this machine is in")
    run.add_argument("--only", action="append", default=[], metavar="ID", help="only cells whose id begins so")
    run.add_argument("--shard", type=_shard, metavar="I/N", help="only the I-th of N parts, I from 0")
    run.add_argument("--dry-run", action="store_true", help="print cells, image passes and predicted time; run nothing")
    run.add_argument("--every", type=_seconds, default=60.0, metavar="SECONDS",
                     help="training between two checkpoints (default: 60; more where the disk is slow)")  # fmt: skip
    run.add_argument("--keep", type=_positive, default=2, metavar="N", help="checkpoints kept (default: 2)")
    run.add_argument("--print", action="store_true", help="print the study as a study file; run nothing")
    run.add_argument("--quiet", action="store_true", help="no progress")
    run.add_argument("--track", action="store_true", help="write loss terms for TensorBoard into STORE/track")


def _positive(text: str) -> int:
    if not text.isdecimal() or len(text) > 9 or not 0 < int(text) <= 4096:
        raise argparse.ArgumentTypeError(f"{shown(text)} is not a whole number from 1 to 4096")
    return int(text)


def _seconds(text: str) -> float:
    if not text.replace(".", "", 1).isdecimal() or not 0 < float(text) <= 86_400:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0, up to 86400")
    return float(text)


def _shard(text: str) -> tuple[int, int]:
    first, slash, second = text.partition("/")
    numbers = slash and len(text) < 20 and first.isdecimal() and second.isdecimal()
    if not numbers or not 0 <= int(first) < int(second) <= 100_000:
        raise argparse.ArgumentTypeError(f"{shown(text)} is not a shard; write I/N with I from 0 to N-1, as in 0/3")
    return int(first), int(second)

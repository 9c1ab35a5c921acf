"""``betavae run``: a study, the paper's or one's own; run again, what is missing of it."""

from __future__ import annotations

import argparse
import contextlib
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from betavae import trust
from betavae.cli.options import PRECISIONS, SCALES, Verb, device, positive, trusting, whole
from betavae.errors import Misuse, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from betavae.study.cells import Job, Study
    from betavae.study.monitor.pace import Pace


def declare(verb: Verb) -> None:
    """Add the verb."""
    this = verb("run", "Run a study: the paper's, or your own from a file. Again: what is missing.",
                "betavae run paper --scale laptop --dry-run")  # fmt: skip
    this.add_argument("study", help="paper, a study file (.toml), or a store: the study last run there")
    this.add_argument("--scale", choices=SCALES, help="how much of the paper (default: laptop)")
    this.add_argument(
        "--data",
        choices=("drawn", "official"),
        help="3Dshapes and MPI3D drawn here, or from the official files (default: drawn)",
    )
    this.add_argument("--store", type=Path, help="the folder of records (default: runs/NAME-SCALE)")
    this.add_argument("--workers", type=whole(1, 4096),
                      help="worker processes (default: one per core); with a GPU one of them trains on it")  # fmt: skip
    trusting(this)
    device(this)
    this.add_argument("--precision", choices=PRECISIONS, default="float32",
                      help="of matrix products in training; tf32 is a GPU's (default: float32)")  # fmt: skip
    this.add_argument("--executor", choices=("local", "ray"), default="local",
                      help="worker processes of this machine, or tasks of a Ray cluster (default: local)")  # fmt: skip
    this.add_argument("--address", metavar="HOST:PORT", help="the Ray cluster, or auto for the one this machine is in")
    this.add_argument(
        "--only", action="append", default=[], metavar="CELLS",
        help="only cells whose id begins so, or that have these settings, as dataset=dsprites,beta=4; may be repeated",
    )  # fmt: skip
    this.add_argument("--shard", type=_shard, metavar="I/N", help="only the I-th of N parts, I from 0")
    this.add_argument(
        "--dry-run", action="store_true", help="print cells, image passes and predicted time; run nothing"
    )
    this.add_argument(
        "--measure", action="store_true",
        help="with --dry-run: measure this machine for some seconds first, and keep what it takes for later forecasts",
    )  # fmt: skip
    this.add_argument(
        "--hours", type=positive, metavar="H",
        help="a sitting: end by then, trainings put down in checkpoints; the same command goes on",
    )  # fmt: skip
    this.add_argument(
        "--until", choices=("decided",),
        help="go look by look, as the study declares looks, and end once every claim is decided",
    )  # fmt: skip
    this.add_argument("--every", type=_seconds, default=60.0, metavar="SECONDS",
                      help="training between two checkpoints (default: 60; more where the disk is slow)")  # fmt: skip
    this.add_argument("--keep", type=whole(1, 4096), default=2, metavar="N", help="checkpoints kept (default: 2)")
    this.add_argument("--print", action="store_true", help="print the study as a study file; run nothing")
    this.add_argument("--quiet", action="store_true", help="no progress")
    this.add_argument(
        "--track",
        nargs="?",
        const="tensorboard",
        metavar="TRACKER",
        help="give loss terms to tensorboard (the default, into STORE/track), trackio or wandb",
    )


def act(options: argparse.Namespace) -> int:
    """Do what is missing of the study, or say what that would be; exit code 1 where a cell failed, or all diverged."""
    from betavae.api.sittings import looks_of, sit
    from betavae.study import executors, machine
    from betavae.study.monitor import status
    from betavae.study.monitor.track import Track
    from betavae.study.run import diverged, pending, select
    from betavae.study.settings import Settings
    from betavae.study.store import Store

    with trust.announced(lambda text: print(f"betavae: {text}", file=sys.stderr)) if options.dry_run else nullcontext():
        whole = studied(options)
    study = select(whole, options.only, options.shard)
    if options.measure and not options.dry_run:
        raise Misuse("--measure is for a forecast; give --dry-run with it")
    if options.until and (options.only or options.shard):
        raise Misuse("--until decided judges whole claims; it goes without --only and --shard")
    if options.until:
        looks_of(whole, options.until)
    folder = options.store or _store_of(options) or Path("runs") / f"{study.name}-{study.scale}"
    if options.print:
        from betavae.study.study_file import write

        print(write(study), end="")
        return 0
    _at_hand(options)
    if not options.dry_run:  # which may be of another machine
        machine.suits(options.device, options.precision)
        if options.executor == "local":
            machine.usable(options.device)
    store = Store(folder)
    store.expect(whole)
    todo = pending(study, store)
    if options.study != "paper":  # whose questions are known to be sound: a plan of it needs no PyTorch
        from betavae.study.jobs.rehearsal import rehearse, same_images

        rehearse(todo, study.places, files=options.executor == "local")
        same_images((cell.dataset for cell in study.cells), store.records(), str(folder))
    if options.dry_run:
        here = _measured(todo, options) if options.measure and todo else None
        print(status.plan(study, options.workers, store, here))
        if (study.name, study.scale) == ("paper", "overnight"):
            from betavae.paper.pilot import seeds_needed as papers

            print("\n".join(["", *papers(whole)]))
        if study.claims:
            from betavae.report.statistics.claims import seeds_needed

            print("\n".join(seeds_needed(whole)))
        return 0
    settings = Settings(
        device=options.device, precision=options.precision, every=options.every, checkpoints=options.keep,
        workers=options.workers,
    )  # fmt: skip
    with contextlib.ExitStack() as stack:
        executor = stack.enter_context(executors.named(options.executor, options.address))
        track = Track(folder / "track", options.track, whole.name) if options.track else None
        listen = stack.enter_context(track).hear if track else lambda worker, message: None
        its_own = (given := _store_of(options)) is not None and folder.resolve() == given.resolve()
        if store.remembers or not its_own:  # what records alone tell of is not what was wanted
            store.remember(whole)
        print(
            f"{study.name} at scale {study.scale}: {len(todo)} of {len(study.jobs)} cells to do, records in {folder}",
            file=sys.stderr,
        )
        outcome = sit(
            study, store, settings, hours=options.hours, until=options.until, quiet=options.quiet, executor=executor,
            listen=listen,
        )  # fmt: skip
    fell = diverged(study, store)
    for cell, reason in outcome.failures.items():
        print(f"betavae: cell {cell} failed: {reason}", file=sys.stderr)
    when = " when the hours are over" if options.hours else ""
    left = f"; {outcome.left} are left{when}: the same command goes on" if outcome.left else ""
    of_all = " for all that was open" if outcome.left else ""
    print(
        f"{outcome.done} cells done in {outcome.seconds:.0f} s (predicted {outcome.predicted:.0f}{of_all}), "
        f"{len(fell)} diverged, {len(outcome.failures)} failed{left}",
        file=sys.stderr,
    )
    return 1 if outcome.failures or (study.jobs and len(fell) == len(study.jobs)) else 0


def _measured(jobs: Sequence[Job], options: argparse.Namespace) -> Pace:
    """What this machine gives now, each kind of work of these jobs measured. Raises Fault."""
    from betavae.study import machine
    from betavae.study.monitor import measured
    from betavae.study.monitor.pace import pace

    workers = min(options.workers or machine.cores(), machine.cores())
    cells = measured.lacking(jobs, measured.NOTHING)
    print(f"betavae: measuring this machine, about {measured.takes(cells):.0f} s", file=sys.stderr)
    found = measured.measure(cells, workers)
    return pace(workers)._replace(free=found.free, measured=found)


def studied(options: argparse.Namespace) -> Study:
    """The study a command line names. Raises Misuse."""
    path = Path(options.study)
    for name in ("scale", "data"):
        if getattr(options, name) and path.exists() and options.study != "paper":
            raise Misuse(f"--{name} is for the paper's study; {path} says itself what it is")
    from betavae.api import stores

    part = bool(options.only) or options.print  # of a store's records; as a study file they are for a person to judge
    return stores.studied(options.study, options.scale or "laptop", options.data or "drawn", part)


def _store_of(options: argparse.Namespace) -> Path | None:
    """The store that a command line names as its study, if it does."""
    path = Path(options.study)
    return path if options.study != "paper" and (path / "records").is_dir() else None


def _at_hand(options: argparse.Namespace) -> None:
    """Raises Misuse where an extra, or for the paper's study an official file, is absent."""
    from betavae.study import executors
    from betavae.study.monitor import track

    executors.suits(options.executor, options.address)
    if options.track:
        track.installed(options.track)
    if options.study == "paper" and options.data == "official":
        from betavae.api.stores import official_here

        official_here()


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

"""``betavae status``: what a store has done, and what a run would do next."""

from __future__ import annotations

import argparse
from pathlib import Path

from betavae.cli.options import Verb, newest


def declare(verb: Verb) -> None:
    """Add the verb."""
    this = verb("status", "Show what is done, diverged, failed, and what a run would do next.",
                "betavae status runs/paper-laptop")  # fmt: skip
    this.add_argument("store", nargs="?", type=Path, help="the folder of a study (default: the newest under runs/)")


def act(options: argparse.Namespace) -> int:
    """Print it; exit code 1 where records had to be left out."""
    from betavae.study.monitor import status
    from betavae.study.store import Store

    store = Store(options.store or newest(), create=False)
    print(status.status(store))
    return 1 if store.problems else 0

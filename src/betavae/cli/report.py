"""``betavae report``: the report of one or more stores, from their records alone."""

from __future__ import annotations

import argparse
from pathlib import Path

from betavae.cli.options import Verb, newest, stores


def declare(verb: Verb) -> None:
    """Add the verb."""
    this = verb("report", "Write the report of one or more stores, from their records alone.",
                "betavae report runs/paper-laptop --out reports/laptop")  # fmt: skip
    stores(this, "*", "the newest under runs/")
    this.add_argument("--out", type=Path, help="where the pages go (default: STORE/report)")
    this.add_argument(
        "--checklist", action="store_true", help="print the reproducibility checklist instead, filled from the records"
    )


def act(options: argparse.Namespace) -> int:
    """Write it and print where it is; exit code 1 where records had to be left out."""
    from betavae.paper.report import checked, write
    from betavae.study.store import Store

    folders = options.stores or [newest()]
    opened = [Store(folder, create=False) for folder in folders]
    if options.checklist:
        print(checked(opened))
        return 0
    print(write(opened, options.out or folders[0] / "report"))
    return 1 if any(store.problems for store in opened) else 0

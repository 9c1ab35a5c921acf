"""``betavae export``: records, tables, figures and trained models as files for others."""

from __future__ import annotations

import argparse
from pathlib import Path

from betavae.cli.options import Verb, stores, trusting


def declare(verb: Verb) -> None:
    """Add the verb."""
    this = verb("export", "Write records as Parquet and CSV, tables as LaTeX, figures, and trained models.",
                "betavae export runs/paper-laptop --out paper --what records,tables,figures")  # fmt: skip
    stores(this, "+")
    this.add_argument("--out", type=Path, required=True, help="where the files go")
    this.add_argument("--what", type=lambda text: text.split(","), metavar="KINDS",
                      help="records,tables,figures,models (default: all but models)")  # fmt: skip
    this.add_argument("--only", action="append", default=[], metavar="ID", help="only models whose id begins so")
    trusting(this)


def act(options: argparse.Namespace) -> int:
    """Write them and print where they are; exit code 1 where records had to be left out."""
    from betavae.export import USUAL, export
    from betavae.study.store import Store

    stores = [Store(folder, create=False) for folder in options.stores]
    for path in export(stores, options.out, options.what or USUAL, options.only):
        print(path)
    return 1 if any(store.problems for store in stores) else 0

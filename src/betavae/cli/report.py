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
    from betavae.paper import report as paper
    from betavae.report.own import page
    from betavae.report.own.answers import study_of
    from betavae.study.store import Store

    folders = options.stores or [newest()]
    opened = [Store(folder, create=False) for folder in folders]
    study = study_of(opened)
    whose = study.name == "paper"
    if options.checklist:
        print(paper.checked(opened, study) if whose else page.checked(opened, study))
        return 1 if any(store.problems for store in opened) else 0
    out = options.out or folders[0] / "report"
    explore = None
    if any((store.path / "checkpoints").is_dir() for store in opened):
        from betavae.explorer.found import within

        explore = within(opened, out)
    if whose:
        print(paper.write(opened, out, study=study, explore=explore))
    else:
        print(page.write(opened, study, out, explore))
    return 1 if any(store.problems for store in opened) else 0

"""``betavae cite``: BibTeX for the paper and for what stores used."""

from __future__ import annotations

import argparse

from betavae.cli.options import Verb, stores


def declare(verb: Verb) -> None:
    """Add the verb."""
    this = verb("cite", "Print BibTeX for the paper, and for the datasets and metrics that stores used.",
                "betavae cite runs/paper-laptop > used.bib")  # fmt: skip
    stores(this, "*", "none")


def act(options: argparse.Namespace) -> int:
    """Print the entries; exit code 1 where records had to be left out."""
    from betavae.export.cite import entries
    from betavae.study.store import Store, read

    opened = [Store(folder, create=False) for folder in options.stores]
    print("\n\n".join(entries(read(opened))))
    return 1 if any(store.problems for store in opened) else 0

"""``betavae explore``: trained VAEs in one page that decodes where it is read."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from betavae.cli.options import Verb, trusting
from betavae.disk import write_atomic
from betavae.errors import Misuse

if TYPE_CHECKING:
    from betavae.explorer import Explored


def declare(verb: Verb) -> None:
    """Add the verb."""
    this = verb("explore", "Write a page of trained VAEs that one can move: sliders, sweeps, traversals.",
                "betavae explore runs/paper-laptop --out explorer.html")  # fmt: skip
    this.add_argument(
        "models",
        nargs="+",
        metavar="what",
        help="stores (of many models: the first 8), ids of trained cells, saved models",
    )
    this.add_argument("--out", type=Path, help="the page (default: explorer.html in the first store, or here)")
    this.add_argument("--only", action="append", default=[], metavar="ID", help="only models whose id begins so")
    this.add_argument(
        "--serve",
        action="store_true",
        help="instead of a file, serve the page to this machine's browsers alone, decoded by PyTorch: for what no page "
        "can hold",
    )
    trusting(this)
    this.add_argument("--store", type=Path, help="where a cell's id is looked up (default: all under runs/)")


def act(options: argparse.Namespace) -> int:
    """Write the page and print where it is, or serve it until Ctrl-C."""
    from betavae.api.pages import gathered
    from betavae.explorer import page

    if options.serve and options.out:
        raise Misuse("--serve writes no file; leave --out out")
    models = gathered(options.models, options.only, options.store)
    home = Path(options.models[0])
    where = options.out or (home if home.is_dir() else Path()) / "explorer.html"
    where = where / "explorer.html" if where.is_dir() else where
    title = "" if len(models) == 1 else f"{len(models)} models of {', '.join(Path(m).name for m in options.models)}"
    if options.serve:
        return _served(models, title)
    write_atomic(where, page(models, title=title).encode("utf-8"))
    print(where)
    return 0


def _served(models: Sequence[Explored], title: str) -> int:
    """Serve the page until Ctrl-C; its address is all that goes to standard output."""
    from betavae.explorer.serve import Server

    with Server(models, title=title) as server:
        print(server.address, flush=True)
        print("betavae: serving to this machine alone; Ctrl-C ends it", file=sys.stderr)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()
    return 0

"""``betavae data``: datasets and their files. Each action takes the options, prints, and returns an exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from betavae.cli.options import Parser, Verb, verb
from betavae.errors import Fault, Misuse, choose


def declare(add: Verb) -> None:
    """Add the verb and its actions."""
    data = add("data", "List, fetch, adopt, check and compare datasets.", "betavae data fetch shapes3d")
    nouns = data.add_subparsers(dest="action", metavar="action", required=True, parser_class=Parser)
    make = partial(verb, nouns)
    make("list", "List every dataset, where it comes from and whether it is here.", "betavae data list")
    card = make("card", "Print the card of a dataset.", "betavae data card dsprites")
    fetch = make("fetch", "Fetch an official file and check its hash.", "betavae data fetch shapes3d")
    adopt = make("add", "Adopt a file, after checking its hash.", "betavae data add shapes3d ~/3dshapes.h5")
    verify = make("verify", "Check what is here against its hashes.", "betavae data verify dsprites")
    compare = make("compare", "Count the images of an official file that differ from the drawn grid.",
                   "betavae data compare dsprites dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz")  # fmt: skip
    for action in nouns.choices.values():
        action.add_argument("--root", type=Path, help="the data folder (default: $BETAVAE_DATA, else the user's cache)")
    for action in (fetch, adopt):
        action.add_argument("name", help="a dataset's name, or inception for the FID network's weights")
    card.add_argument("name", help="a dataset's name")
    compare.add_argument("name", help="dsprites: the only one that is drawn to the bit")
    verify.add_argument("name", nargs="?", help="a dataset's name (default: all that is here)")
    adopt.add_argument("file", type=Path)
    adopt.add_argument(
        "--sha256",
        help="a digest you vouch for: the file must have it; it replaces the published one where that is of an older "
        "upload (mpi3d-toy, mpi3d-realistic, mpi3d-real), elsewhere it counts beside it",
    )
    compare.add_argument("file", type=Path)
    fetch.add_argument("--offline", action="store_true", help="never touch the network")


def act(options: argparse.Namespace) -> int:
    """Do one of the actions."""
    return ACTIONS[options.action](options)


def _listed(options: argparse.Namespace) -> int:
    from betavae.datasets.cards import CARDS
    from betavae.datasets.files import cache, fetch
    from betavae.datasets.files.catalogue import CATALOGUE

    rows = [
        (r.name, r.source, r.state, f"{r.size / 1e6:,.1f} MB" if r.size else "", r.licence)
        for r in fetch.listing(options.root)
    ]
    for name, card in CARDS.items():
        if card.source == "drawn":
            made = (cache.folder(options.root) / "ready").glob(f"{name}*/manifest.json")
            rows.append((name, "drawn", "ready" if any(made) else "drawn at first use", "", card.licence))
        elif name not in CATALOGUE:
            plain = name.removesuffix("-64")
            rows.append((name, card.source, f"resized from {plain}", "", card.licence))
    head = ("name", "source", "state", "size", "licence")
    wide = [max(len(row[k]) for row in [head, *rows]) for k in range(4)]
    for row in [head, *sorted(rows)]:
        print("  ".join(text.ljust(width) for text, width in zip(row, [*wide, 0], strict=True)).rstrip())
    print(f"data folder: {cache.folder(options.root)}", file=sys.stderr)
    return 0


def _card(options: argparse.Namespace) -> int:
    from betavae import datasets
    from betavae.datasets.cards import text

    print(text(datasets.card(options.name)))
    return 0


def _fetch(options: argparse.Namespace) -> int:
    from betavae.datasets.files import fetch

    print(fetch.fetch(options.name, root=options.root, offline=options.offline))
    return 0


def _add(options: argparse.Namespace) -> int:
    from betavae.datasets.files import fetch

    print(fetch.add(options.name, options.file, root=options.root, sha256=options.sha256))
    return 0


def _verify(options: argparse.Namespace) -> int:
    """Every raw file that is here and every ready array, or one name; exit code 1 where one is not what it should
    be.
    """
    from betavae import datasets
    from betavae.datasets.files import cache, fetch
    from betavae.datasets.files.catalogue import CATALOGUE

    names = [r.name for r in fetch.listing(options.root) if r.state != "absent"]
    ready = sorted(p.parent.name for p in (cache.folder(options.root) / "ready").glob("*/manifest.json"))
    if options.name:
        choose({**datasets.DATASETS, **dict.fromkeys(CATALOGUE, "")}, options.name, "dataset")
        name = options.name if options.name in CATALOGUE else options.name.removesuffix("-64")
        ready = [each for each in ready if each in (name, CATALOGUE[name].ready if name in CATALOGUE else name)]
        # What is drawn is here without the official file, whose absence is then no fault of it.
        names = [name] if name in CATALOGUE and (name in names or not ready) else []
    checks = [check for name in names for check in fetch.verify(name, root=options.root)]
    seen = {check.what for check in checks}
    for name in ready:
        if f"ready/{name}" not in seen:
            try:
                checks.append(
                    fetch.Check(f"ready/{name}", True, f"sha256 {cache.verify(name, options.root)}, as written")
                )
            except Fault as fault:
                checks.append(fetch.Check(f"ready/{name}", False, str(fault)))
    for check in checks:
        print(f"{'good' if check.good else 'BAD '}  {check.what}: {check.said}")
    if not checks:
        print("nothing is here yet; drawn datasets are drawn at first use", file=sys.stderr)
    return 0 if all(check.good for check in checks) else 1


def _compare(options: argparse.Namespace) -> int:
    from betavae import datasets
    from betavae.datasets.dsprites import compare

    if options.name != "dsprites":
        raise Misuse(f"only dsprites is drawn image by image as published; {options.name!r} cannot be compared")
    official = datasets.load("dsprites", source=str(options.file), root=options.root)
    drawn = datasets.load("dsprites", root=options.root)

    def tell(done: int, whole: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{done:,} of {whole:,} images", end="", file=sys.stderr)

    count = compare(official, drawn, progress=tell)
    print(f"\r{count:,} of {drawn.size:,} images differ")
    return 0


ACTIONS: dict[str, Callable[[argparse.Namespace], int]] = {
    "list": _listed,
    "card": _card,
    "fetch": _fetch,
    "add": _add,
    "verify": _verify,
    "compare": _compare,
}

"""What ``betavae data …`` does: each action takes the parsed options, prints, and returns an exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from betavae import datasets
from betavae.datasets.cards import CARDS, text
from betavae.datasets.files import cache, fetch
from betavae.datasets.files.catalogue import CATALOGUE
from betavae.errors import Fault, Misuse, choose


def here(name: str) -> bool:
    """Whether a file of the catalogue has been fetched, added or converted."""
    return fetch.row(CATALOGUE[name], None).state != "absent"


def _listed(options: argparse.Namespace) -> int:
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
    print(text(datasets.card(options.name)))
    return 0


def _fetch(options: argparse.Namespace) -> int:
    print(fetch.fetch(options.name, root=options.root, offline=options.offline))
    return 0


def _add(options: argparse.Namespace) -> int:
    print(fetch.add(options.name, options.file, root=options.root, sha256=options.sha256))
    return 0


def _verify(options: argparse.Namespace) -> int:
    """Every raw file that is here and every ready array, or one name; exit code 1 where one is not what it should
    be.
    """
    names = [options.name] if options.name else [r.name for r in fetch.listing(options.root) if r.state != "absent"]
    checks = [check for name in names if name in CATALOGUE for check in fetch.verify(name, root=options.root)]
    seen = {check.what for check in checks}
    ready = sorted(p.parent.name for p in (cache.folder(options.root) / "ready").glob("*/manifest.json"))
    if options.name:
        choose({**datasets.DATASETS, **dict.fromkeys(CATALOGUE, "")}, options.name, "dataset")
        ready = [name for name in ready if name == options.name or name.startswith(f"{options.name}-")]
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

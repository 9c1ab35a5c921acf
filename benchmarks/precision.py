"""Whether a precision moves what a study finds: the same cells, trained in two of them, seed by seed.

    betavae run paper --scale overnight --store runs/one --only ID …
    betavae run paper --scale overnight --store runs/two --only ID … --precision bf16
    python -m benchmarks.precision runs/one runs/two

A line per score: both means with the sd over seeds, and the mean of the paired differences with its 90 % t interval.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from scipy import stats

from betavae.study.records import Record
from betavae.study.store import Store

COVERAGE = 0.9


class Pair(NamedTuple):
    """One score of the same seeds in two precisions: both means and sds, the mean difference and half its interval."""

    name: str
    seeds: int
    one: tuple[float, float]
    other: tuple[float, float]
    apart: float
    half: float


def compared(one: Mapping[str, float], other: Mapping[str, float], name: str = "") -> Pair:
    """What the cells that both hold (by id) say. Raises ValueError where fewer than two are."""
    both = sorted(one.keys() & other.keys())
    if len(both) < 2:
        raise ValueError(f"{name}: {len(both)} cells are in both stores; wanted two at least")
    sides = [[side[key] for key in both] for side in (one, other)]
    apart = [b - a for a, b in zip(*sides, strict=True)]
    half = float(stats.t.ppf((1 + COVERAGE) / 2, len(both) - 1)) * statistics.stdev(apart) / math.sqrt(len(both))
    means = [(statistics.fmean(side), statistics.stdev(side)) for side in sides]
    return Pair(name, len(both), means[0], means[1], statistics.fmean(apart), half)


def scores(store: Store) -> dict[str, dict[str, float]]:
    """The numbers of every cell of a store, by what they are and by the cell's id."""
    found: dict[str, dict[str, float]] = {}
    for record in store.records():
        if record["status"] == "ok" and record["at"] == 1.0:
            for name, value in _named(record):
                found.setdefault(name, {})[record["cell_id"]] = value
    return found


def _named(record: Record) -> Iterator[tuple[str, float]]:
    if record["kind"] == "fit":
        yield from ((f"training: {key}", value) for key, value in record["scores"].items())
    elif record["kind"] == "answer" and not record["question"]["seed"]:
        measure, knobs = record["question"]["measure"], record["question"]["knobs"]
        told = [str(v) for k, v in knobs.items() if k in ("classifier", "model")]
        told += [f"{len(knobs['ask'])} factors"] if knobs.get("ask") else []
        told += [f"L = {knobs['pairs']}"] if knobs.get("pairs", 64) != 64 else []
        told += ["standardised"] if knobs.get("standardise") else []
        for key, value in record["scores"].items():
            if not key.startswith(("accuracy.", "gap.")):
                yield ", ".join([measure if key == measure else f"{measure}: {key}", *told]), value


def main() -> None:
    """Read both stores and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("one", type=Path, help="the store of the precision to hold the other against")
    parser.add_argument("other", type=Path, help="the store of the other")
    given = parser.parse_args()
    one, other = (scores(Store(path, create=False)) for path in (given.one, given.other))
    print(f"| | seeds | {given.one.name} | {given.other.name} | difference, 90 % |\n|---|--:|--:|--:|--:|")
    for name in one:
        if len(one[name].keys() & other.get(name, {}).keys()) > 1:
            p = compared(one[name], other[name], name)
            sides = " | ".join(f"{mean:.4g} ± {sd:.2g}" for mean, sd in (p.one, p.other))
            print(f"| {p.name} | {p.seeds} | {sides} | {p.apart:+.2g} ± {p.half:.2g} |")


if __name__ == "__main__":
    main()

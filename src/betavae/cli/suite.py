"""``betavae score --metric mig,dci`` and ``--metric all``: many metrics of one encoder, or of codes from a file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from betavae.cli.score import scored, source, subject, trained_by
from betavae.errors import Misuse, unknown
from betavae.metrics import of_one_factor

if TYPE_CHECKING:
    from betavae.metrics.base import Metric, Probe
    from betavae.metrics.suite import Line

ALL = ("mig", "mig_sup", "jemmig", "dcimig", "modularity", "sap", "irs", "matrix", "factor_vae", "higgins", "dci",
       "med", "explicitness", "infomec", "gaussian_tc", "wasserstein", "mutual_information")  # fmt: skip
"""What ``all`` asks."""
LONG = "left out of all, for they take minutes: dci with --knob model=gbt, dci_es, downstream; name them to ask them"
WIDTHS = (20, 8, 18, 8, 8, 8, 7, 8, 7)
HEADING = ("metric", "score", "interval", "sd", "noise", "rotated", "active", "images", "seconds")


def act(options: argparse.Namespace) -> int:
    """Ask them, print a line as each is done, or all as JSON."""
    names = list(ALL) if options.metric == "all" else [scored(name) for name in options.metric.split(",")]
    if options.codes:
        from betavae.metrics.tables import read

        codec, dataset = read(options.codes, options.labels)
    else:
        codec, dataset = subject(options)
    from betavae.metrics.suite import suite

    metrics = questions(names, dict(options.knob), whole=codec.told is not None)
    found = []
    for line in suite(metrics, dataset, codec, range(options.seeds), trained_by(codec)):
        found.append(line)
        if not options.json:
            print(*([] if found[1:] else [_columns(HEADING)]), told(line), sep="\n", flush=True)
    failed = int(all(not line.row.scores for line in found))  # what cannot be asked is told beside what can
    if options.json:
        about: dict[str, Any] = {"encoder": source(options.encoder, codec)} if options.encoder else {}
        about |= {"dataset": dataset.name, "data": {"source": dataset.source, "digest": dataset.digest}}
        print(json.dumps({**about, "metrics": [plain(line) for line in found]}, indent=1))
        return failed
    whose = options.codes or options.encoder
    print(f"{whose}: {codec.codes} codes, on {dataset.name} ({dataset.size:,} images)", file=sys.stderr)
    if options.metric == "all":
        print(LONG, file=sys.stderr)
    return failed


def distances(options: argparse.Namespace) -> int:
    """The distances between two sets of images, a line each, or as JSON."""
    if options.features and not options.images:
        raise Misuse("--features is for --images; a metric takes its network as --knob features=…")
    if not (options.images and options.reference) or options.encoder:
        raise Misuse("--images goes with --reference, and without an encoder")
    given = {"--dataset": options.dataset, "--codes": options.codes, "--labels": options.labels, "--knob": options.knob}
    if alien := [name for name, value in given.items() if value]:
        raise Misuse(f"{alien[0]} is not for --images, which go with --reference and --features alone")
    from betavae.metrics.fidelity.images import between

    scores = between(options.images, options.reference, options.features or "efficientnet_lite0")
    if options.json:
        print(json.dumps({"images": str(options.images), "reference": str(options.reference), "scores": scores}))
    else:
        print("\n".join(f"{name}  {value:.4f}" for name, value in scores.items()))
    return 0


def questions(names: Iterable[str], given: Mapping[str, Any], whole: bool) -> dict[str, Metric | Probe]:
    """The metrics of these names: each takes those of the knobs that it has. ``whole``: codes are at hand, so that a
    whole grid costs nothing. Raises Misuse for a knob that none has.
    """
    from betavae import names as tables
    from betavae.metrics import METRICS, named
    from betavae.metrics.comparison import LIGHT, quick

    made: dict[str, Metric | Probe] = {}
    used: set[str] = set()
    for name in names:
        known = {"like", *tables.knobs(METRICS, name, "measure")}
        mine = {key: value for key, value in given.items() if key in known}
        used |= set(mine)
        usual = {} if "like" in mine else {**({} if whole else quick(name)), **LIGHT.get(name, {})}
        metric = named(name, **{**usual, **mine})
        made[getattr(metric, "name", name) if name == "dci" else name] = metric
    if left := set(given) - used:
        known_to_some = {key for name in names for key in tables.knobs(METRICS, name, "measure")}
        raise unknown("knob of these metrics", sorted(left)[0], known_to_some)
    if not made:
        raise Misuse("--metric is empty; wanted names, as mig,dci")
    return made


def told(line: Line) -> str:
    """A line as text: the first score, or why there is none."""
    if line.row.refused:
        return _columns([line.metric, f"- {line.row.refused}"])
    key = next(iter(line.row.scores[0]))
    spread = line.row.spread(key)
    assert spread is not None
    between = "-" if spread.low is None else f"{spread.low:.3f} to {spread.high:.3f}"
    beside = ["-" if value is None else f"{value:.3f}" for value in (spread.sd, line.noise, line.rotated)]
    counted = [str(line.notes.get(name, "-")) for name in ("active", "images")]
    name = line.metric if key in (line.metric, "disentanglement") else f"{line.metric} {key}"
    first = _columns([name, f"{spread.mean:.3f}", between, *beside, *counted, f"{line.seconds:.2f}"])
    means = [(other, line.row.spread(other)) for other in list(line.row.scores[0])[1:] if not of_one_factor(other)]
    rest = [f"{other} {found.mean:.3f}" for other, found in means if found]
    return "\n".join([first, *([f"  {', '.join(rest)}"] if rest else [])])


def _columns(texts: Iterable[str]) -> str:
    return "  ".join(text.ljust(width) for text, width in zip(texts, WIDTHS, strict=False)).rstrip()


def plain(line: Line) -> dict[str, Any]:
    """A line as plain JSON, every draw included."""
    if line.row.refused:
        return {"metric": line.metric, "refused": line.row.refused}
    spreads = {key: line.row.spread(key) for key in line.row.scores[0]}
    return {
        "metric": line.metric,
        "scores": {key: found._asdict() for key, found in spreads.items() if found},
        "draws": list(line.row.scores),
        "noise": line.noise,
        "rotated": line.rotated,
        "notes": dict(line.notes),
        "seconds": round(line.seconds, 3),
    }

"""``betavae score``: one encoder on one metric, with floors and the true factors beside it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from betavae.cli.options import Verb, knob, permitted, trusting, whole
from betavae.datasets import DATASETS
from betavae.errors import Misuse, unknown
from betavae.representation import METHODS

if TYPE_CHECKING:
    from betavae.datasets.base import Dataset
    from betavae.metrics.base import Measure, Metric
    from betavae.metrics.comparison import Row
    from betavae.representation.base import Codec

PICTURES = ("samples", "reconstructions", "traversals", "latent_space", "architecture", "udr")
"""Measures that give no score of one representation."""


def declare(verb: Verb) -> None:
    """Add the verb."""
    this = verb("score", "Score an encoder, with floors and the true factors beside it.",
                "betavae score --encoder mine:encode --dataset dsprites --metric higgins")  # fmt: skip
    this.add_argument(
        "--encoder",
        metavar="WHAT",
        help="module:function or file.py:function (it is imported and run), codes.npy (an array [N, Z] over "
        "all images), model.pt (TorchScript: it holds code that runs, so give only files you trust; its sha256 is "
        "printed), model.onnx (extra export), model.safetensors (of `betavae export`), the id of a trained cell, or a "
        "method that needs no training, as factors",
    )
    this.add_argument("--output", metavar="NAME", help="which of several outputs of the encoder are its codes")
    this.add_argument(
        "--images",
        type=Path,
        help="instead of an encoder, images (.npz, .npy, a folder of pictures): their Fréchet distance to --reference",
    )
    this.add_argument("--reference", type=Path, help="the images to hold --images against, or an .npz of moments")
    this.add_argument("--features", help="for --images (default: efficientnet_lite0; inception2015 gives the FID)")
    this.add_argument("--dataset", choices=DATASETS, metavar="dataset", help="see `betavae data list`")
    this.add_argument("--codes", type=Path, help="instead of an encoder, codes of an .npy file [N, Z], with --labels")
    this.add_argument("--labels", type=Path, help="the labels of --codes: a .csv file with a line of names, or .npy")
    this.add_argument(
        "--metric",
        default="higgins",
        metavar="NAME",
        help="one (default: higgins), several as mig,dci,sap, or all: a "
        "table of them, each beside what codes of noise and the same codes rotated score",
    )
    this.add_argument(
        "--knob",
        action="append",
        default=[],
        type=knob,
        metavar="KEY=VALUE",
        help="a knob of the metric, as in a study file: --knob pairs=16 --knob ask=scale,posX",
    )
    this.add_argument(
        "--seeds", type=whole(1, 1000), default=5, help="how many draws of the question: the interval's (default: 5)"
    )
    this.add_argument("--rotated", action="store_true", help="beside each score, that of the codes randomly rotated")
    this.add_argument("--alone", action="store_true", help="the encoder alone, without floors")
    trusting(this)
    this.add_argument("--store", type=Path, help="where a cell's id is looked up (default: all under runs/)")
    this.add_argument("--json", action="store_true", help="the table as JSON")


def act(options: argparse.Namespace) -> int:
    """Score, print the table (or JSON), say on standard error what was looked at."""
    if options.images or options.reference or options.features:
        from betavae.cli.suite import distances

        return distances(options)
    if bool(options.codes) != bool(options.labels) or (options.codes and (options.encoder or options.dataset)):
        raise Misuse("--codes goes with --labels, and without an encoder and a dataset")
    if options.encoder is None and not options.codes:
        raise Misuse("--encoder is missing; or give --codes and --labels, or --images and --reference")
    if options.codes or "," in options.metric or options.metric == "all":
        from betavae.cli.suite import act as several

        return several(options)
    scored(options.metric)
    metric, knobs = asked(options)
    encoder, dataset = subject(options)
    from betavae.metrics import comparison, of_one_factor

    rows: list[Row] = []
    for row in answered(options, metric, encoder, dataset):
        if row.refused and not rows:
            raise Misuse(row.refused)
        rows.append(row)
        if not options.json:
            keys = [key for key in rows[0].scores[0] if not of_one_factor(key)]  # --json has them all
            wide = max(len(name) for name in (options.encoder, *METHODS))
            print(*([] if rows[1:] else [heading(keys, wide)]), line(row, keys, wide), sep="\n", flush=True)
    if options.json:
        print(json.dumps(plain(options, dataset, encoder, knobs, rows), indent=1))
        return 0
    data = f"{dataset.name} ({dataset.source}, digest {dataset.digest[:12]})"
    said = ", ".join(f"{k} {v}" for k, v in knobs.items()) or "its usual knobs"
    print(f"{options.metric} on {data}; {said}; question seeds 0 to {options.seeds - 1}", file=sys.stderr)
    if options.seeds > 1:
        print(f"interval: {comparison.KIND}", file=sys.stderr)
    return 0


def scored(name: str) -> str:
    """A metric's name. Raises Misuse where it is none, or gives no score."""
    from betavae.metrics import METRICS

    known = [each for each in METRICS if each not in PICTURES]
    if name not in known:
        raise unknown("metric", name, known)
    return name


def trained_by(encoder: Codec) -> tuple[int, ...]:
    """The training seed of a study's cell, which meets the draws of its record; nothing of any other encoder."""
    seed = encoder.notes.get("seed")
    return (seed,) if isinstance(seed, int) else ()


def answered(options: argparse.Namespace, metric: Metric | Measure, encoder: Codec, dataset: Dataset) -> Iterator[Row]:
    """The rows as they come: the encoder's own at once, then what stands beside it."""
    from betavae.metrics.comparison import compare
    from betavae.representation import beside

    seeds, within = range(options.seeds), trained_by(encoder)
    yield from compare(metric, options.metric, dataset, {options.encoder: encoder}, seeds, within)
    if not options.alone:
        floors = beside(dataset, codes=encoder.codes, seed=0)
        floors.pop(options.encoder, None)
        yield from compare(metric, options.metric, dataset, floors, seeds, within)


def asked(options: argparse.Namespace) -> tuple[Metric | Measure, dict[str, Any]]:
    """The metric of a command line, rotated beside itself where that is asked for, and its knobs. Raises Misuse."""
    from betavae.metrics import named, rotated
    from betavae.metrics.base import Metric
    from betavae.metrics.comparison import quick

    knobs: dict[str, Any] = quick(options.metric) | dict(options.knob)
    metric = named(options.metric, **knobs)
    if options.rotated:
        if not isinstance(metric, Metric):
            raise Misuse(f"--rotated is for metrics of codes alone; {options.metric} looks at images")
        metric = rotated(metric)
    return metric, knobs


def subject(options: argparse.Namespace) -> tuple[Codec, Dataset]:
    """The encoder that a command line names, and the dataset it is scored on. Raises Misuse, Fault."""
    from betavae.study import trained

    text = options.encoder
    cell = None
    if trained.looks_like_id(text):
        cell = trained.find(text, trained.stores(options.store))
    name = options.dataset or (cell.cell.dataset if cell else None)
    if name is None:
        raise Misuse(f"--dataset is missing; wanted one of {', '.join(DATASETS)}")
    permitted(options.dataset)  # of a cell's own dataset its store is no permission
    import torch

    from betavae import datasets
    from betavae.metrics.base import Codes
    from betavae.representation import encoder_files, fitted

    dataset = datasets.load(name)
    if cell:
        if datasets.outline(name)[0] != datasets.outline(cell.cell.dataset)[0]:
            raise Misuse(
                f"cell {text} was trained on images of {cell.cell.dataset}; those of {name} have another shape"
            )
        codec = trained.codec(cell, datasets.load(cell.cell.dataset) if cell.cell.recipe is None else dataset)
        codec = codec._replace(notes={**codec.notes, "seed": cell.cell.seed})
    elif text in METHODS:
        codec = fitted(text, dataset, codes=10, seed=0)
    elif not set(text) & set(":."):
        told = unknown("encoder", text, METHODS)
        raise Misuse(f"{told} Or give {encoder_files.FORMS}, or the id of a trained cell")
    else:
        codec = encoder_files.opened(text, dataset, options.output)
    if "sha256" in codec.notes:
        print(f"{text}: sha256 {codec.notes['sha256']}", file=sys.stderr)
    width = Codes(dataset, codec).encode(torch.zeros(1, dtype=torch.long)).shape[1]
    return codec._replace(codes=width), dataset


def heading(keys: Sequence[str], wide: int) -> str:
    """The names of the columns of ``line``; the first is ``wide`` characters wide."""
    return _columns(["encoder", "codes", keys[0], "interval", "sd of one draw", *keys[1:]], keys, wide)


def line(row: Row, keys: Sequence[str], wide: int) -> str:
    """A row as text: the first score with its interval, the others' means, or why there is none."""
    spread = row.spread(keys[0])
    if spread is None:
        return _columns([row.name, str(row.codes), f"- {row.refused}"], keys, wide)
    between = "-" if spread.low is None else f"{spread.low:.3f} to {spread.high:.3f}"
    apart = "-" if spread.sd is None else f"{spread.sd:.3f}"
    rest = [f"{found.mean:.3f}" if (found := row.spread(key)) else "-" for key in keys[1:]]
    return _columns([row.name, str(row.codes), f"{spread.mean:.3f}", between, apart, *rest], keys, wide)


def _columns(texts: Sequence[str], keys: Sequence[str], wide: int) -> str:
    first, *rest = (max(7, len(key)) for key in keys)
    widths = (wide, 5, first, 20, 14, *rest)
    return "  ".join(text.ljust(width) for text, width in zip(texts, widths, strict=False)).rstrip()


def source(name: str, codec: Codec) -> dict[str, Any]:
    """What was scored, and the sha256 of the file or code that it came from."""
    return {"name": name, **({"sha256": codec.notes["sha256"]} if "sha256" in codec.notes else {})}


def plain(
    options: argparse.Namespace, dataset: Dataset, encoder: Codec, knobs: dict[str, Any], rows: Sequence[Row]
) -> dict[str, Any]:
    """The table as plain JSON, every draw included."""
    from betavae.metrics.comparison import KIND

    def one(row: Row) -> dict[str, Any]:
        if row.refused:
            return {"encoder": row.name, "codes": row.codes, "refused": row.refused}
        spreads = {key: row.spread(key) for key in row.scores[0]}
        return {
            "encoder": row.name,
            "codes": row.codes,
            "scores": {key: found._asdict() for key, found in spreads.items() if found},
            "draws": list(row.scores),
        }

    return {
        "metric": options.metric,
        "knobs": knobs,
        "encoder": source(options.encoder, encoder),
        "dataset": dataset.name,
        "data": {"source": dataset.source, "digest": dataset.digest},
        "seeds": list(range(options.seeds)),
        "interval": KIND,
        "rows": [one(row) for row in rows],
    }

"""``betavae figure``: one figure of trained cells, made now from their models, not from records."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from betavae.cli.options import Verb, knob, permitted, trusting, whole
from betavae.datasets import DATASETS
from betavae.disk import write_atomic
from betavae.errors import Misuse, unknown
from betavae.names import foreign

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from betavae.metrics.base import Answer

NOUNS = ("traversals", "latent_space", "reconstructions", "samples", "matrix")
PANELS = 12
"""Most cells of one figure."""
SUFFIXES = (".png", ".pdf", ".svg")

Panel = tuple[str, "Answer"]


def declare(verb: Verb) -> None:
    """Add the verb."""
    this = verb("figure", "Draw one figure of trained cells, or samples of a dataset.",
                "betavae figure traversals runs/single-own --out traversals.png")  # fmt: skip
    this.add_argument("noun", choices=NOUNS, metavar="noun", help=", ".join(NOUNS))
    this.add_argument(
        "what", metavar="what",
        help="a store, the id of a trained cell, or for samples and with --encoder a dataset's name",
    )  # fmt: skip
    this.add_argument("--out", type=Path, required=True, help="the file: .png, .pdf or .svg")
    this.add_argument(
        "--knob",
        action="append",
        default=[],
        type=knob,
        metavar="KEY=VALUE",
        help="as in a study file: range=posterior",
    )
    this.add_argument("--seed", type=whole(0), default=0, help="which images are shown (default: 0)")
    this.add_argument(
        "--encoder", metavar="WHAT",
        help="one's own instead of a trained cell, on the dataset that is named: as in `betavae score`",
    )  # fmt: skip
    this.add_argument(
        "--decoder", metavar="WHAT",
        help="its way back, codes [n, Z] to images in [0, 1]: module:function or file.py:function (it is imported and "
        "run), model.pt (TorchScript: it holds code that runs) or model.onnx; its sha256 is printed",
    )  # fmt: skip
    this.add_argument("--output", metavar="NAME", help="which of several outputs of the encoder are its codes")
    trusting(this)
    this.add_argument("--store", type=Path, help="where a cell's id is looked up (default: all under runs/)")


def act(options: argparse.Namespace) -> int:
    """Draw it, write it, print where it is."""
    if options.out.suffix.lower() not in SUFFIXES:
        raise Misuse(f"--out is {str(options.out)!r}; wanted a file that ends in {', '.join(SUFFIXES)}")
    from betavae.metrics import named

    named(options.noun, **dict(options.knob))
    if options.noun == "samples" and (options.what in DATASETS or foreign(options.what)):
        panels = [(options.what, _samples(options))]
    elif options.encoder or options.decoder:
        panels = [_own(options)]
    else:
        panels = _answers(options)
    save(DRAWN[options.noun](panels), options.out)
    print(options.out)
    return 0


def _samples(options: argparse.Namespace) -> Answer:
    from betavae import datasets
    from betavae.representation import fitted

    permitted(options.what)
    dataset = datasets.load(options.what)
    return _ask(options, dataset, fitted("chance", dataset, codes=1, seed=0))


def _own(options: argparse.Namespace) -> Panel:
    """The answer of an encoder and decoder of one's own, on the dataset that is named. Raises Misuse."""
    from betavae import datasets
    from betavae.representation import decoders, encoder_files

    if not options.encoder:
        raise Misuse("--decoder goes with --encoder: traversals begin at the code of an image")
    if options.what not in DATASETS and not foreign(options.what):
        raise Misuse(f"with --encoder, what is drawn is of a dataset: {unknown('dataset', options.what, DATASETS)}")
    permitted(options.what)
    dataset = datasets.load(options.what)
    codec = encoder_files.opened(options.encoder, dataset, options.output)
    told = {options.encoder: codec.notes.get("sha256")}
    if options.decoder:
        decode, told[options.decoder] = decoders.opened(options.decoder, dataset)
        codec = codec._replace(decode=decode)
    for name, digest in told.items():
        print(f"{name}: sha256 {digest}", file=sys.stderr)
    if options.noun in ("traversals", "reconstructions") and codec.decode is None:
        raise Misuse(f"{options.noun} need a way back to images: give --decoder")
    if options.noun == "traversals" and codec.posterior is None:
        options.knob = [("range", "codes"), *options.knob]  # a stranger's has codes alone
    return options.encoder, _ask(options, dataset, codec)


def _ask(options: argparse.Namespace, dataset: Any, codec: Any) -> Answer:
    from betavae.metrics import named
    from betavae.metrics.base import Codes, Subject, ask
    from betavae.metrics.comparison import quick

    subject = Subject(dataset, codec, Codes(dataset, codec))
    knobs = quick(options.noun) | dict(options.knob)
    return ask(named(options.noun, **knobs), options.noun, subject, options.seed)


def _answers(options: argparse.Namespace) -> list[Panel]:
    """The answers of one cell by its id, or of every cell of a store. Raises Misuse."""
    from betavae import datasets
    from betavae.study import trained
    from betavae.study.monitor import cost

    path = Path(options.what)
    if (path / "records").is_dir():
        found = trained.cells(trained.stores(path)[0])
        if options.noun == "traversals":  # only a VAE has a posterior to move through
            found = [each for each in found if each.cell.recipe]
    elif trained.looks_like_id(options.what):
        found = [trained.find(options.what, trained.stores(options.store))]
    else:
        raise Misuse(
            f"{options.what!r} is no store and no cell's id; wanted a folder with records, or an id of `status`"
        )
    if not 1 <= len(found) <= PANELS:
        raise Misuse(
            f"{path} has {len(found)} cells to draw; wanted 1 to {PANELS}: name one by its id, with --store {path}"
        )
    panels = []
    for each in sorted(found, key=lambda e: (e.cell.dataset, e.cell.method, e.cell.beta or 0.0, e.cell.seed)):
        dataset = datasets.load(each.cell.dataset)
        panels.append((cost.label(each.cell), _ask(options, dataset, trained.codec(each, dataset))))
    return panels


def save(drawn: Figure, out: Path) -> None:
    """Write a figure whole or not at all, without date or program name. Raises Fault."""
    kind, buffer = out.suffix.lower().removeprefix("."), io.BytesIO()
    stamp = {"png": {"Software": None}, "pdf": {"CreationDate": None}, "svg": {"Date": None}}[kind]
    drawn.savefig(buffer, format=kind, metadata=stamp)
    write_atomic(out, buffer.getvalue())


def _drawn_samples(panels: Sequence[Panel]) -> Figure:
    from betavae.report import gallery

    return gallery.samples([(title, answer.arrays["images"]) for title, answer in panels])


def _drawn_reconstructions(panels: Sequence[Panel]) -> Figure:
    from betavae.report import gallery

    return gallery.reconstructions([(t, a.arrays["images"], a.arrays["reconstructions"]) for t, a in panels])


def _drawn_traversals(panels: Sequence[Panel]) -> Figure:
    from betavae.report import gallery

    return gallery.traversals([gallery.traversal(title, answer.arrays) for title, answer in panels])


def _drawn_spaces(panels: Sequence[Panel]) -> Figure:
    from betavae.report import gallery

    if len({str(answer.notes["factors"]) for _, answer in panels}) > 1:
        raise Misuse("the cells are of datasets with different factors; name one cell by its id")
    names = cast("list[str]", panels[0][1].notes["factors"])
    return gallery.spaces(
        [gallery.Space(t, **{k: a.arrays[k] for k in ("points", "factor", "value")}, names=names) for t, a in panels]
    )


def _drawn_matrices(panels: Sequence[Panel]) -> Figure:
    from betavae.report import gallery

    return gallery.matrices(
        [gallery.Matrix(t, a.arrays["matrix"], cast("list[str]", a.notes["columns"])) for t, a in panels]
    )


DRAWN: Mapping[str, Callable[[Sequence[Panel]], Figure]] = {
    "samples": _drawn_samples,
    "reconstructions": _drawn_reconstructions,
    "traversals": _drawn_traversals,
    "latent_space": _drawn_spaces,
    "matrix": _drawn_matrices,
}

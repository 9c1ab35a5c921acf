"""``betavae train``: one cell into a store, by the same run and with the same records as a study's."""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from betavae import objectives, trust
from betavae.cli.options import Verb, device, knob, permitted, positive, trusting, whole
from betavae.datasets import DATASETS
from betavae.errors import Misuse
from betavae.models import MODELS
from betavae.names import foreign
from betavae.names import knobs as knobs_of
from betavae.objectives import OBJECTIVES
from betavae.representation import METHODS
from betavae.training import OPTIMISERS

if TYPE_CHECKING:
    from betavae.study.cells import Cell

STORE = Path("runs/single-own")
IMAGES = 50_000
ONLY_TRAINED = ("beta", "sigma", "images", "objective", "optimiser", "learning_rate", "batch")


def declare(verb: Verb) -> None:
    """Add the verb."""
    this = verb("train", "Train or fit one cell, the same that a study would.",
                "betavae train --dataset dsprites --method conv --beta 4 --seed 1 --images 50_000")  # fmt: skip
    this.add_argument(
        "--dataset",
        required=True,
        choices=DATASETS,
        metavar="dataset",
        help="see `betavae data list`; or file.py:function of yours",
    )
    this.add_argument(
        "--method",
        default="conv",
        choices=[*MODELS, *METHODS],
        metavar="method",
        help=f"{', '.join([*MODELS, *METHODS])} (default: conv)",
    )
    this.add_argument("--seed", type=whole(0), default=1, help="the seed of everything random (default: 1)")
    this.add_argument("--codes", type=whole(1, 4096), default=10, help="how many codes (default: 10)")
    this.add_argument("--beta", type=_weight, help="β of the objective (default: the objective's: 1 of beta_vae)")
    this.add_argument("--images", type=whole(1), help="image passes of a VAE's training (default: 50,000)")
    this.add_argument(
        "--objective", choices=OBJECTIVES, metavar="objective", help=f"{', '.join(OBJECTIVES)} (default: beta_vae)"
    )
    this.add_argument("--sigma", type=positive, help="σ of the objective gaussian (default: 1)")
    this.add_argument(
        "--knob", action="append", default=[], type=knob, metavar="KEY=VALUE",
        help="a knob of the objective, as in a study file: --knob gamma=30",
    )  # fmt: skip
    this.add_argument(
        "--optimiser", choices=OPTIMISERS, metavar="optimiser", help="default: the paper's for this method"
    )
    this.add_argument("--learning-rate", type=positive, help="default: the paper's for this method and dataset")
    this.add_argument(
        "--batch", type=whole(1, 65_536), help="default: the paper's; 16 (conv) or 32 (mlp) below one epoch"
    )
    this.add_argument(
        "--train-on", metavar="RULE", default="all",
        help="a rule on factor values, as 'posX < 16 or shape != 2': only images that it keeps are trained on",
    )  # fmt: skip
    this.add_argument("--fit", type=whole(2), help="images that PCA or ICA is fitted on (default: all)")
    this.add_argument("--store", type=Path, help="the folder of records (default: runs/single-own)")
    trusting(this)
    device(this)
    this.add_argument("--quiet", action="store_true", help="no progress")


def _weight(text: str) -> float:
    """A weight, which may be 0."""
    return 0.0 if re.fullmatch(r"\s*0+(\.0*)?\s*", text) else positive(text)


def cell(options: argparse.Namespace) -> Cell:
    """The cell that a command line names: the one a study file of the same nouns holds. Raises Misuse."""
    from betavae.paper.study import recipe
    from betavae.study.cells import Cell, pairs
    from betavae.study.grid_file import rule_of

    rule = rule_of(options.train_on, options.method)
    if options.method not in MODELS and not (foreign(options.method) and options.fit is None):
        for name in ONLY_TRAINED:
            if getattr(options, name) is not None:
                raise Misuse(f"--{name.replace('_', '-')} is for {' and '.join(MODELS)}; {options.method} is fitted")
        if options.knob:
            raise Misuse(
                f"--knob is for objectives, and {options.method} is fitted; its own go into a study file's grid"
            )
        return Cell(options.dataset, options.method, options.codes, options.seed, fit=options.fit, train_on=rule)
    if options.fit is not None:
        raise Misuse(f"--fit is for pca and ica; {options.method} is trained on --images")
    if foreign(options.method) and "seed" in knobs_of(METHODS, options.method, "method"):
        raise Misuse(f"{options.method} takes a seed, so it is fitted: give --fit N, or name it in a study file")
    objective = options.objective or "beta_vae"
    own = {k: getattr(options, k) for k in ("beta", "sigma") if getattr(options, k) is not None} | dict(options.knob)
    chosen = objectives.named(objective)
    if options.sigma is not None and "sigma" not in objectives.knobs(chosen, own):
        raise Misuse(f"--sigma is for the objective gaussian; {objective} has none to set")
    knobs = objectives.said(chosen, own)
    if foreign(options.dataset):
        from betavae.api.training import usual
        from betavae.datasets import load

        begun = usual(load(options.dataset), options.method, options.images or IMAGES)
    else:
        family = next(f for f in ("dsprites", "shapes3d", "mpi3d", "cifar") if options.dataset.startswith(f))
        begun = recipe(family, options.method, options.images or IMAGES)
    given = {k: getattr(options, k) for k in ("optimiser", "learning_rate", "batch") if getattr(options, k) is not None}
    made = replace(begun, **given)
    trained = (objective, pairs(knobs), made)
    return Cell(options.dataset, options.method, options.codes, options.seed, *trained, train_on=rule)


def act(options: argparse.Namespace) -> int:
    """Train or fit the cell, unless the store has it; print its id and where it is."""
    from betavae.study import machine
    from betavae.study.cells import Job, Study, merge
    from betavae.study.jobs.rehearsal import rehearse, same_images
    from betavae.study.leases import try_lease
    from betavae.study.run import run
    from betavae.study.settings import Settings
    from betavae.study.store import Store

    sources = permitted(options.dataset, options.method, options.objective)
    trust.use(sources.values())
    job = Job(cell(options), ())
    machine.usable(options.device)
    rehearse([job])
    store = Store(options.store or STORE)
    same_images([options.dataset], store.records(), str(store.path))
    lease = try_lease(store, "study", wait=True)  # of two that begin at once, the second adds to what the first wrote
    assert lease is not None
    with lease:
        known = store.recalled() if store.remembers else Study("single", "own", ())
        held = tuple({**{source.name: source for source in known.sources}, **sources}.values())
        if store.remembers or not store.records():  # records alone do not become a study of this one cell
            store.remember(replace(known, jobs=merge([*known.jobs, job]), sources=held))
    outcome = run(
        replace(known, jobs=(job,), sources=tuple(sources.values())),
        store,
        Settings(workers=1, device=options.device),
        quiet=options.quiet,
    )
    for reason in outcome.failures.values():
        print(f"betavae: {reason}", file=sys.stderr)
    fit = next((r for r in store.records() if r["kind"] == "fit" and r["cell_id"] == job.cell.id), None)
    if fit is None or fit["status"] == "error":
        return 1
    scores = "  ".join(f"{name} {value:.2f}" for name, value in fit["scores"].items())
    print(f"cell {job.cell.id}  {fit['status']}  {fit['seconds']:.0f} s  {scores}".rstrip())
    if fit["status"] != "ok":
        print(f"betavae: {fit['message']}; records in {store.path}", file=sys.stderr)
        return 1
    print(
        f"records in {store.path}; score it: betavae score --encoder {job.cell.id} --store {store.path}",
        file=sys.stderr,
    )
    return 0

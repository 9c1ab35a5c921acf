"""The models that a command line names: of stores, by ids, or folders that ``export`` and ``save`` wrote."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from statistics import fmean
from typing import Any
from urllib.parse import quote

from betavae.datasets import OUTLINES
from betavae.errors import BetavaeError, Fault, Misuse
from betavae.explorer import decoder
from betavae.explorer.document import page
from betavae.explorer.shown import Explored, Score
from betavae.metrics import of_one_factor
from betavae.models import MODELS
from betavae.names import foreign
from betavae.report.document import Embedded, Explore, literal
from betavae.report.rows import quirks_of
from betavae.study import trained
from betavae.study.cells import Cell
from betavae.study.monitor import cost
from betavae.study.records import Record
from betavae.study.store import Store
from betavae.study.trained import Trained

MOST = 8
"""Models of a page where none are chosen."""
FLOORS = ("factors", "ica", "pca", "untrained", "projection", "pixels", "noise", "chance")
"""What a recorded score is read against, in the order of its columns."""
EMBEDDED = 2_000_000
"""Characters of weights in a report, at most: a convolutional decoder's, not an MLP's."""
_Asked = tuple[str, str]
_Fitted = tuple[str, int, str]
"""A floor's method, the images that it was fitted on (0: all, or none), and its other settings in words."""


def named(words: Sequence[str], only: Sequence[str], store: Path | None = None) -> list[Trained]:
    """The trained VAEs that these words name: stores, or ids of cells (looked up in ``store``, else under ``runs/``).

    Of a store that holds more than MOST, the convolutional ones come first, by dataset, seed and β; what is left out is
    said. ``only`` keeps the ids that begin so. Raises Misuse where a word names nothing.
    """
    if not words:
        raise Misuse("no model to explore; give models, folders of studies, or ids of trained cells")
    found: dict[str, Trained] = {}
    for word in words:
        if (Path(word) / "records").is_dir():
            each = [one for one in trained.cells(trained.stores(Path(word))[0]) if one.cell.recipe]
        elif trained.looks_like_id(word):
            each = [trained.find(word, trained.stores(store))]
            if each[0].cell.recipe is None:
                raise Misuse(f"cell {word} is {each[0].cell.method}; the explorer decodes {' and '.join(MODELS)}")
        else:
            raise Misuse(f"{word!r} is no store and no cell's id; wanted a folder with records, or an id of `status`")
        found |= {one.cell.id: one for one in each if not only or one.cell.id.startswith(tuple(only))}
    if not found:
        said = f" whose id begins with {', '.join(only)}" if only else ""
        raise Misuse(f"{', '.join(words)}: no trained VAE{said}; `betavae status STORE` names what is there")
    counted = Counter(one.cell.dataset for one in found.values())
    return sorted(found.values(), key=lambda one: _place(one.cell, counted))


def first(found: Sequence[Trained]) -> list[Trained]:
    """The first MOST of them, those left out said on standard error."""
    if len(found) > MOST:
        print(
            f"betavae: {MOST} of {len(found)} models, by dataset, seed and β; others by --only ID, as "
            f"{found[MOST].cell.id} ({cost.label(found[MOST].cell)})",
            file=sys.stderr,
        )
    return list(found[:MOST])


def _place(cell: Cell, counted: Mapping[str, int]) -> tuple[Any, ...]:
    """Small decoders first, then grids of factors, then the dataset of the most models; twins of quirks last."""
    grid = cell.dataset in OUTLINES and OUTLINES[cell.dataset][1]
    where = (not grid, -counted[cell.dataset], cell.dataset)
    return (cell.method != "conv", *where, bool(cell.quirks), cell.seed, cell.beta or 0.0, cell.id)


def explored(models: Iterable[Trained]) -> list[Explored]:
    """Their codecs, curves and scores, each dataset opened once. Raises Fault where a checkpoint is gone."""
    from betavae import datasets

    opened = lru_cache(maxsize=None)(datasets.load)
    read = lru_cache(maxsize=None)(Store.records)
    out = []
    for one in models:
        cell = one.cell
        data, records = opened(cell.dataset), read(one.store)
        fit = next(r for r in records if r["kind"] == "fit" and r["cell_id"] == cell.id)
        try:
            curve = one.store.arrays(fit["arrays"]) if fit["arrays"] else {}
        except Fault as error:
            print(f"betavae: {error}; the page shows no curve of {cell.id}", file=sys.stderr)
            curve = {}
        out.append(
            Explored(cost.label(cell), data, trained.codec(one, data), facts(fit), curve, scores(records, cell.id))
        )
    return out


def within(stores: Sequence[Store], out: Path) -> Explore:
    """What a report in the folder ``out`` embeds of these stores: the small page of one cell by its id.

    There is none of a stranger's code, which a report does not run, nor where the model is gone or is too large.
    """
    first, whole = stores[0].path, stores[0].path / "explorer.html"
    told: list[BetavaeError] = []

    def explore(key: str) -> Embedded | None:
        try:
            one = next((one for store in stores for one in trained.cells(store) if one.cell.id == key), None)
            if one is None or any(map(foreign, (one.cell.dataset, one.cell.method, one.cell.objective or ""))):
                return None
            (model,) = explored([one])
            if decoder.size(model.codec, model.name) > EMBEDDED:
                return None
            html = page([model], small=True)
        except BetavaeError as error:
            if not told:
                print(f"betavae: the report cannot show every model: {error}", file=sys.stderr)
            told.append(error)
            return None
        name = literal(model.name)
        said = f"{name}, decoded where this page is read; `betavae explore {literal(str(first))}` writes its models."
        lies = quote(os.path.relpath(whole, out)) if whole.is_file() else ""
        return Embedded(f"Explorer of {name}", html, said, lies)

    return explore


def facts(fit: Record) -> dict[str, str]:
    """What a page says of a training, from its record."""
    cell, recipe = fit["cell"], fit["cell"]["recipe"]
    said = {
        "objective": ", ".join([cell["objective"], *(f"{k} {_number(v)}" for k, v in cell["knobs"].items())]),
        "trained on": f"{fit['images']:,} images of {cell['dataset']}, batches of {recipe['batch']}",
        "seed": str(cell["seed"]),
        "cell": fit["cell_id"],
    }
    if cell["quirks"]:
        said["quirks"] = ", ".join(cell["quirks"])
    return said


def scores(records: Sequence[Record], cell: str) -> list[Score]:
    """The recorded scores of a cell at the end of its training, each the mean over the draws of its question, beside
    the floors' answers to the same on the same dataset. Questions with a quirk on are left to the report.
    """
    mine, floors = dict[_Asked, list[float]](), dict[tuple[_Asked, _Fitted], list[float]]()
    own = next((r["cell"] for r in records if r["cell_id"] == cell), {"dataset": "", "codes": 0})
    for record in records:
        if record["kind"] != "answer" or record["status"] != "ok" or record["at"] != 1.0 or quirks_of(record):
            continue
        question, method = record["question"], record["cell"]["method"]
        knobs = ", ".join(f"{k} {v}" for k, v in sorted(question["knobs"].items()) if v is not None)
        for name, value in record["scores"].items():
            asked = (name, f"{question['measure']}: {knobs}" if knobs else str(question["measure"]))
            if name in ("train", "converged") or of_one_factor(name):
                continue
            if record["cell_id"] == cell:
                mine.setdefault(asked, []).append(float(value))
            elif method in FLOORS and _comparable(record["cell"], own):
                more = [f"{k} {v}" for k, v in sorted(record["cell"]["knobs"].items())]
                more += [rule] if (rule := record["cell"].get("train_on")) else []
                fitted = method, int(record["cell"].get("fit") or 0), ", ".join(more)
                floors.setdefault((asked, fitted), []).append(float(value))
    fits = sorted({fitted for _, fitted in floors}, key=lambda fitted: (FLOORS.index(fitted[0]), *fitted[1:]))
    methods = [method for method, *_ in fits]
    told = {f: f"{f[0]} on {f'{f[1]:,}' if f[1] else 'all'}{f', {f[2]}' if f[2] else ''}" for f in fits}
    labels = {f: f[0] if methods.count(f[0]) == 1 else told[f] for f in fits}
    return [
        Score(*asked, fmean(values), [(labels[f], fmean(floors[asked, f])) for f in fits if (asked, f) in floors])
        for asked, values in sorted(mine.items())
    ]


def _comparable(floor: Mapping[str, Any], own: Mapping[str, Any]) -> bool:
    """Whether a floor is read beside a model: on its dataset, of as many codes where it can have as many."""
    as_many = floor["codes"] == own["codes"] or floor["method"] in ("factors", "pixels", "chance")
    return bool(floor["dataset"] == own["dataset"] and as_many)


def _number(knob: Any) -> str:
    """A knob's value in words: a number short, a word as it is."""
    return knob if isinstance(knob, str) else f"{knob:g}"

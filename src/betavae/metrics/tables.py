"""Codes and labels straight from files, without images: what a metric of codes needs, and no more."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from betavae.datasets import labels as tables
from betavae.datasets.base import Dataset
from betavae.datasets.files.formats import npy_mapped
from betavae.errors import Fault, Misuse
from betavae.factors import Factors
from betavae.representation import encoders
from betavae.representation.base import Codec

if TYPE_CHECKING:
    from betavae.types import Array

LARGEST = 1_000_000_000
"""Bytes of a table of labels."""


def read(codes: Path, labels: Path) -> tuple[Codec, Dataset]:
    """Codes ``[N, Z]`` of an .npy file with the labels of the same N rows: a .csv file whose first line names them, or
    an .npy file of numbers ``[N, K]``.

    Where every combination of labels occurs once, in any order, they are a grid of factors. Raises Misuse for files of
    another form, Fault where they do not hold what they say.
    """
    if codes.suffix.lower() != ".npy":
        raise Misuse(f"{codes} holds no codes; wanted an .npy file of an array [N, Z]")
    given = npy_mapped(_there(codes))
    if given.ndim != 2:
        raise Misuse(f"{codes} is an array of shape {list(given.shape)}; wanted codes [N, Z]")
    names, table = _labels(labels)
    if len(table) != len(given):
        raise Misuse(f"{codes} has {len(given):,} rows and {labels} {len(table):,}; wanted one of each for every image")
    found = tables.table(str(labels), table, names, len(given))
    order = tables.grid_order(found)
    digest = hashlib.sha256(repr((found.names, found.values)).encode())
    digest.update(np.ascontiguousarray(found.classes).data)

    def blind(index: Tensor) -> Tensor:
        raise Misuse(f"{labels} has labels alone; this metric looks at images: give --dataset and --encoder")

    dataset = Dataset(
        name=labels.stem,
        shape=(1, 1, 1),
        size=len(given),
        factors=None if order is None else Factors(found.names, found.sizes),
        source="labels",
        digest=digest.hexdigest(),
        renderer=blind,
        labels=torch.from_numpy(found.classes) if order is None else None,
        label_names=found.names if order is None else (),
        label_values=found.values if order is None else (),
    )
    return encoders.codec(np.asarray(given if order is None else given[order]), dataset, str(codes)), dataset


def _there(path: Path) -> Path:
    if not path.is_file():
        raise Misuse(f"{path} is not there")
    return path


def _labels(path: Path) -> tuple[tuple[str, ...], Array]:
    """The names and the table ``[N, K]`` of a file of labels."""
    match _there(path).suffix.lower():
        case ".npy":
            table = npy_mapped(path)
            table = table[:, None] if table.ndim == 1 else table
            if table.ndim != 2:
                raise Misuse(f"{path} is an array of shape {list(table.shape)}; wanted labels [N, K]")
            return tuple(f"label {k}" for k in range(table.shape[1])), np.asarray(table)
        case ".csv":
            return _csv(path)
    raise Misuse(f"{path} holds no labels; wanted a .csv file with a line of names, or an .npy file")


def _csv(path: Path) -> tuple[tuple[str, ...], Array]:
    if path.stat().st_size > LARGEST:
        raise Misuse(f"{path} is larger than {LARGEST:,} bytes")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise Fault(f"{path} is no .csv file of UTF-8 text: {str(error)[:120]}") from None
    if len(rows) < 2:
        raise Misuse(f"{path} has {len(rows)} lines; wanted a line of names and a line for every image")
    names, wide = tuple(name.strip() for name in rows[0]), len(rows[0])
    short = next((k for k, row in enumerate(rows, 1) if len(row) != wide), None)
    if short:
        raise Misuse(f"{path}:{short}: {len(rows[short - 1])} values, the first line names {wide}")
    return names, np.array([list(map(_number, column)) for column in zip(*rows[1:], strict=True)], dtype=object).T


def _number(text: str) -> str | float | int | None:
    """A value of a label as a number where it is one; nothing is None, which is refused by row."""
    text = text.strip()
    if not text or text.lower() == "nan":
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text

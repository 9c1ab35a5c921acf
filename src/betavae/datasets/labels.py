"""A table of labels as classes: what each column holds, whether its rows are a full grid, and if not, why."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from betavae.errors import Misuse, shown

if TYPE_CHECKING:
    from betavae.types import Array

NEAR = 1e-6
"""Values of a column closer than this share of its range are one value with noise, not two."""


class Labels(NamedTuple):
    """K columns of N labels: ``classes`` int64 ``[N, K]`` count into the ``values`` of each column, in their order."""

    names: tuple[str, ...]
    classes: Array
    values: tuple[tuple[Any, ...], ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many different values each column has."""
        return tuple(map(len, self.values))


def named(name: str, what: str, given: Any) -> tuple[str, ...]:
    """Names as a tuple of strings, from any sequence of strings or bytes. Raises Misuse for others and for repeats."""
    try:
        if isinstance(given, str | bytes):
            raise TypeError
        names = tuple(each.decode() if isinstance(each, bytes) else each for each in given)
    except (TypeError, ValueError):
        raise Misuse(f"{name}: {what} are {shown(given)}; wanted a sequence of names") from None
    if not names or not all(isinstance(each, str) and each for each in names) or len(set(names)) != len(names):
        raise Misuse(f"{name}: {what} are {shown(given)}; wanted different names, each a string")
    return tuple(map(str, names))


def table(name: str, given: Any, names: Sequence[str], count: int) -> Labels:
    """A table ``[count, K]`` of numbers or words as classes. Raises Misuse where it does not fit or one is missing."""
    if np.ma.is_masked(given):
        raise Misuse(f"{name}: labels are masked; leave such images out, or give the label a value")
    array = plain(f"{name}: labels", given)
    if array.dtype.kind in "US" and isinstance(given, list | tuple):
        array = np.asarray(given, dtype=object)  # rows of words and numbers: NumPy had made words of all
    if array.shape != (count, len(names)):
        raise Misuse(f"{name}: labels have shape {array.shape}, wanted {(count, len(names))}")
    found = [_column(f"{name}: label {label!r}", column) for label, column in zip(names, array.T, strict=True)]
    classes = np.stack([each for _, each in found], 1).astype(np.int64)
    return Labels(tuple(names), classes, tuple(tuple(values.tolist()) for values, _ in found))


def plain(what: str, given: Any) -> Array:
    """Anything array-like as a NumPy array: tensors of any device, lists, data frames. Raises Misuse for the rest."""
    try:
        if isinstance(given, torch.Tensor):
            given = given.detach().cpu()
            given = given.float() if given.dtype is torch.bfloat16 else given
        array = np.asarray(given)
    except (TypeError, ValueError, RuntimeError, NotImplementedError) as error:
        parts = [np.shape(each) for each in given[:1000]] if isinstance(given, list | tuple) and _sized(given) else []
        other = next((shape for shape in parts if shape != parts[0]), None)
        if other is not None:
            raise Misuse(f"{what} are of different shapes, {parts[0]} and {other}; wanted one for all") from None
        raise Misuse(f"{what} are no array: {' '.join(str(error).split())[:120]}") from None
    return array


def _sized(given: Any) -> bool:
    try:
        return all(isinstance(np.shape(each), tuple) for each in given[:1000])
    except (TypeError, ValueError, RuntimeError):
        return False


def _column(what: str, column: Array) -> tuple[Array, Array]:
    """The distinct values of a column in order, and the class of each row."""
    if column.dtype == object:
        column = _of_one_kind(what, column.tolist())
    if column.dtype.kind not in "biufUSM":
        raise Misuse(f"{what} holds {column.dtype}; wanted numbers or words")
    missing = np.isnan(column) if column.dtype.kind == "f" else np.isnat(column) if column.dtype.kind == "M" else None
    if missing is not None and missing.any():
        raise _missing(what, int(missing.argmax()), int(missing.sum()))
    if column.dtype.kind == "f" and np.isinf(column).any():
        raise Misuse(f"{what} of image {int(np.isinf(column).argmax()):,} is infinite; wanted finite numbers or words")
    if column.dtype.kind == "S":
        column = np.char.decode(column, errors="replace")
    values, classes = np.unique(column, return_inverse=True)
    return values, classes.reshape(-1)


def _of_one_kind(what: str, cells: list[Any]) -> Array:
    missing = [row for row, cell in enumerate(cells) if cell is None or (isinstance(cell, float) and cell != cell)]
    if missing:
        raise _missing(what, missing[0], len(missing))
    words = [isinstance(cell, str | bytes) for cell in cells]
    numbers = all(isinstance(cell, int | float | np.number | np.bool_) for cell in cells)
    if not all(words) and (any(words) or not numbers):
        kinds = " and ".join(sorted({type(cell).__name__ for cell in cells})[:3])
        raise Misuse(f"{what} holds {kinds}; wanted numbers alone or words alone")
    column = np.array([cell.decode(errors="replace") if isinstance(cell, bytes) else cell for cell in cells])
    if column.dtype == object:  # whole numbers beyond 64 bits
        raise Misuse(f"{what} holds numbers that are too large; wanted 64 bits")
    return column


def _missing(what: str, row: int, count: int) -> Misuse:
    more = f" and of {count - 1:,} more" if count > 1 else ""
    return Misuse(f"{what} of image {row:,}{more} is missing; leave such images out, or give the label a value")


def grid_order(labels: Labels) -> Array | None:
    """The rows in the order of a full grid, last column fastest; None where combinations are missing or repeated."""
    count = len(labels.classes)
    if math.prod(labels.sizes) != count:
        return None
    place = np.ravel_multi_index(tuple(labels.classes.T), labels.sizes)
    order = np.argsort(place, kind="stable")
    return order if np.array_equal(place[order], np.arange(count)) else None


def why_no_grid(labels: Labels) -> str:
    """What keeps the rows from being a full grid, the columns at fault by name."""
    noisy = [
        f"{name} has {len(values):,} different values, {few:,} if those within a millionth of its range are one: round"
        " it, if it should be a factor"
        for name, values in zip(labels.names, labels.values, strict=True)
        if (few := _apart(values)) < len(values)
    ]
    if noisy:
        return "; ".join(noisy)
    count, product = len(labels.classes), math.prod(labels.sizes)
    sizes = " · ".join(f"{name} {size:,}" for name, size in zip(labels.names, labels.sizes, strict=True))
    said = f"{sizes} would be {product:,} images, given are {count:,}"
    if product < 2**62:
        seen = len(np.unique(np.ravel_multi_index(tuple(labels.classes.T), labels.sizes)))
        said += f" that show {seen:,} combinations"
    wide = [name for name, size in zip(labels.names, labels.sizes, strict=True) if size > count / 2 and size > 2]
    return f"{said}; {', '.join(wide)}: nearly every image has a value of its own" if wide and len(wide) < 4 else said


def _apart(values: Sequence[Any]) -> int:
    """How many of the sorted values are left when those that noise alone parts are taken as one."""
    if len(values) < 2 or not all(isinstance(value, float) and math.isfinite(value) for value in values):
        return len(values)
    gaps = np.diff(np.array(values))
    return 1 + int((gaps > NEAR * (values[-1] - values[0])).sum())

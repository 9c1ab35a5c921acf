"""A rule on factor values says which images of a full grid a training may see: ``"abs(posX - posY) <= 8"``.

It has the grammar of Python's expressions and is never run as code. Values count from 0, in the order of the grid.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from betavae.errors import Misuse, shown, unknown

if TYPE_CHECKING:
    import torch

    from betavae.datasets.base import Dataset
    from betavae.factors import Factors
    from betavae.types import Array

LONGEST = 300
"""Characters of a rule."""
EXAMPLES = "posX < 16 or shape != 2, abs(posX - posY) <= 8, scale in (0, 1)"
_TOKEN = re.compile(r"\s*((?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|\w+|[<>=!]=|.)", re.ASCII | re.IGNORECASE)
_ARITHMETIC: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Mod: operator.mod,
}  # fmt: skip
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}  # fmt: skip


class Rule(NamedTuple):
    """A rule: its ``text``, spaced in the one way that enters a cell's id, and the ``names`` of the factors in it."""

    text: str
    names: tuple[str, ...]
    tree: ast.expr

    def keeps(self, factors: Factors) -> Array:
        """Which images of the grid it keeps, bool ``[N]``. Raises Misuse for a factor that the grid does not have."""
        import numpy as np

        for name in self.names:
            if name not in factors.names:
                raise Misuse(f"train_on is {self.text!r}: {unknown('factor', name, factors.names)}")
        axes = np.ogrid[tuple(slice(size) for size in factors.sizes)]
        values = {name: axis.astype(np.float64) for name, axis in zip(factors.names, axes, strict=True)}
        kept = _truth(self.tree, values)
        return np.broadcast_to(np.asarray(kept, bool), factors.sizes).reshape(-1)


def read(text: Any) -> Rule:
    """The rule that a text is. Raises Misuse where it is none: what is wrong, and how one is written."""
    if not isinstance(text, str) or not 0 < len(text) <= LONGEST or "#" in text:
        raise _refused(text, f"wanted a text of at most {LONGEST} characters, without #")
    try:
        line = " ".join(text.split())
        tree = ast.parse(line, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _refused(text, "it is no expression") from None
    if any(not each.id.isascii() for each in ast.walk(tree) if isinstance(each, ast.Name)):
        raise _refused(text, "factors in it are named by plain letters")
    names = [each.id for each in ast.walk(tree) if isinstance(each, ast.Name) and each.id != "abs"]
    try:
        _truth(tree, dict.fromkeys(names, 1.0), text)
    except (RecursionError, OverflowError):
        raise _refused(text, "it is nested too deeply, or has a number of hundreds of digits") from None
    spaced = " ".join(_TOKEN.findall(line))
    for given, wanted in (("( ", "("), (" )", ")"), ("abs (", "abs("), (" ,", ","), ("[ ", "["), (" ]", "]")):
        spaced = spaced.replace(given, wanted)
    if not _same(spaced, tree):
        raise _refused(text, "its numbers are written plainly, as 16 or 0.5")
    return Rule(spaced, tuple(dict.fromkeys(names)), tree)


def _same(text: str, tree: ast.expr) -> bool:
    """Whether a text is that expression: one with 1_6 or 0x10 in it falls apart when it is spaced."""
    try:
        return ast.dump(ast.parse(text, mode="eval").body) == ast.dump(tree)
    except SyntaxError:
        return False


def restricted(dataset: Dataset, text: str | None, least: int = 2) -> Dataset:
    """The images that a rule keeps, as a dataset of the same name that has no grid; all for None.

    Raises Misuse where the dataset has no factors, or the rule names another, keeps fewer than ``least`` images, or
    keeps all.
    """
    if text is None:
        return dataset
    import torch

    rule = read(text)
    if dataset.factors is None:
        raise Misuse(f"train_on is a rule on factor values, and {dataset.name} has no full grid of factors")
    begin, end = dataset.splits["train"]
    kept = torch.from_numpy(rule.keeps(dataset.factors).nonzero()[0])
    kept = kept[(kept >= begin) & (kept < end)]
    if len(kept) < least:
        raise Misuse(
            f"train_on is {rule.text!r}, which keeps {len(kept):,} of {end - begin:,} images of {dataset.name}; wanted "
            f"at least {least:,}"
        )
    if len(kept) == end - begin:
        raise Misuse(
            f"train_on is {rule.text!r}, which keeps every image of {dataset.name}; leave it out, or say 'all'"
        )
    there, renderer = kept.to(dataset.device), dataset.renderer

    def rendered(index: torch.Tensor) -> torch.Tensor:
        return renderer(there[index])

    return replace(
        dataset, size=len(kept), factors=None, renderer=rendered, splits={"train": (0, len(kept))},
        labels=None, label_names=(), label_values=(),
    )  # fmt: skip


def _refused(text: Any, why: str) -> Misuse:
    return Misuse(f"train_on is {shown(text)}: {why}; a rule compares factors, as in {EXAMPLES}")


def _truth(node: ast.expr, values: Mapping[str, Any], text: str = "") -> Any:
    """Where an expression is true. Raises Misuse where it is none that is true or false."""
    import numpy as np

    match node:
        case ast.BoolOp(op=ast.And(), values=parts):
            return np.logical_and.reduce(np.broadcast_arrays(*(_truth(part, values, text) for part in parts)))
        case ast.BoolOp(op=ast.Or(), values=parts):
            return np.logical_or.reduce(np.broadcast_arrays(*(_truth(part, values, text) for part in parts)))
        case ast.UnaryOp(op=ast.Not(), operand=part):
            return np.logical_not(_truth(part, values, text))
        case ast.Compare(left=left, ops=ops, comparators=others):
            found: Any = True
            for op, one, other in zip(ops, [left, *others], others, strict=False):
                found = np.logical_and(found, _compared(op, one, other, values, text))
            return found
    raise _refused(text, "it is a number, not a comparison")


def _compared(op: ast.cmpop, one: ast.expr, other: ast.expr, values: Mapping[str, Any], text: str) -> Any:
    import numpy as np

    if isinstance(op, ast.In | ast.NotIn) and isinstance(other, ast.Tuple | ast.List):
        among = np.isin(_number(one, values, text), [_number(each, {}, text) for each in other.elts])
        return among if isinstance(op, ast.In) else np.logical_not(among)
    if type(op) not in _COMPARISONS:
        raise _refused(text, "it compares by < <= > >= == !=, or with numbers: in (0, 1)")
    return _COMPARISONS[type(op)](_number(one, values, text), _number(other, values, text))


def _number(node: ast.expr, values: Mapping[str, Any], text: str) -> Any:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool) and math.isfinite(value):
            return float(value)
        case ast.Name(id=name) if name in values:
            return values[name]
        case ast.UnaryOp(op=ast.USub(), operand=part):
            return -_number(part, values, text)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            import numpy as np

            with np.errstate(all="ignore"):  # what is divided by nought is no number, and near none
                return _ARITHMETIC[type(op)](np.asarray(_number(left, values, text)), _number(right, values, text))
        case ast.Call(func=ast.Name(id="abs"), args=[part], keywords=[]):
            return abs(_number(part, values, text))
    raise _refused(text, "it is made of factors, numbers, + - * / % and abs(…)")

"""Gradient-boosted classification trees with importances, exact, at a fraction of scikit-learn's time.

The same trees as ``GradientBoostingClassifier()`` with its defaults (100 rounds of a depth-3 regression tree for each
class, rate .1): every split between two different values is weighed. Each code is sorted once, not at every node; one
of few values is summed by value, and of two children only the smaller anew. Only ties between equally good splits are
broken otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from betavae.types import Array

ROUNDS, DEPTH, RATE = 100, 3, 0.1
NOTHING = 1e-15
"""A split that lowers the mean squared residual of its node by at most this is none."""
FEW = 8
"""A code with at most the rows over this number of different values is summed by value, not sorted."""


class Codes(NamedTuple):
    """Codes ready for splitting: ``x [Z, n]`` float32, as scikit-learn's trees take them.

    ``many``: the codes of many values, and the rows in the order of each, ``orders [many, n]``. ``few``: the other
    codes; their ``values`` one after the other, the place of every row among them, ``cells [few, n]``, and which code
    each place is of, ``of``.
    """

    x: Array
    many: Array
    orders: Array
    few: Array
    values: Array
    cells: Array
    of: Array


class Node(NamedTuple):
    """A node that may be split: its number, its rows, their orders, and by place their residuals' sums and number."""

    number: int
    rows: Array
    orders: Array
    sums: Array
    counts: Array


class Tree(NamedTuple):
    """A tree: each node's code (-1: a leaf), threshold and first child, the second beside it; each row's ``leaf``."""

    code: list[int]
    threshold: list[float]
    child: list[int]
    leaf: Array


def boosted(x: Array, v: Array, test: Array) -> tuple[Array, Array]:
    """Importances ``[Z]`` that sum to 1 (all 0 where nothing splits) and the classes predicted for ``test [m, Z]``, of
    trees fitted to codes ``x [n, Z]`` and classes ``v [n]``.
    """
    classes, v = np.unique(v, return_inverse=True)
    gains, held_x = np.zeros(x.shape[1]), np.ascontiguousarray(test.T.astype(np.float32))
    if len(classes) == 1:
        return gains, np.full(len(test), classes[0])
    codes = _ready(x)
    rows = np.arange(len(x))
    hot_cells = csr_array(
        (np.ones(codes.cells.size), (codes.cells.ravel(), np.tile(rows, len(codes.few)))), (len(codes.of), len(x))
    )
    counts = np.bincount(codes.cells.ravel(), minlength=len(codes.of))
    binary = len(classes) == 2
    shares = np.bincount(v) / len(v)
    start = np.log(shares[1:] / shares[:1]) if binary else np.log(shares)
    train, held = np.tile(start[:, None], len(x)), np.tile(start[:, None], len(test))
    hot = (v == (np.array([[1]]) if binary else np.arange(len(classes))[:, None])).astype(np.float64)
    rate = RATE if binary else RATE * (len(classes) - 1) / len(classes)
    for _ in range(ROUNDS):
        chance = _chances(train, binary)
        residual, curve = hot - chance, chance * (1 - chance)
        sums = (hot_cells @ residual.T).T
        for c, mine in enumerate(residual):
            tree = _grown(codes, mine, Node(0, rows, codes.orders, sums[c], counts), gains)
            top = np.bincount(tree.leaf, mine, minlength=len(tree.code))
            bottom = np.bincount(tree.leaf, curve[c], minlength=len(tree.code))
            step = np.where(np.abs(bottom) > 1e-150, rate * top / np.where(bottom == 0, 1.0, bottom), 0.0)
            train[c] += step[tree.leaf]
            held[c] += step[_reached(tree, held_x)]
    said = (held[0] > 0).astype(int) if binary else held.argmax(0)
    return gains / (gains.sum() or 1.0), classes[said]


def _chances(margin: Array, binary: bool) -> Array:
    if binary:
        return np.asarray(1 / (1 + np.exp(-margin)))
    raised = np.exp(margin - margin.max(0))
    return np.asarray(raised / raised.sum(0))


def _ready(x: Array) -> Codes:
    columns = np.ascontiguousarray(x.T.astype(np.float32))
    found = [np.unique(column, return_inverse=True) for column in columns]
    sizes = np.array([len(values) for values, _ in found])
    many, few = np.flatnonzero(sizes * FEW > len(x)), np.flatnonzero(sizes * FEW <= len(x))
    begins = np.cumsum(sizes[few]) - sizes[few]
    return Codes(
        columns,
        many,
        np.argsort(columns[many], axis=1, kind="stable"),
        few,
        np.concatenate([np.zeros(0, np.float32), *(found[j][0] for j in few)]),
        np.array([found[j][1] for j in few], np.intp).reshape(len(few), len(x)) + begins[:, None],
        np.repeat(np.arange(len(few)), sizes[few]),
    )


def _grown(codes: Codes, residual: Array, root: Node, gains: Array) -> Tree:
    """A regression tree of the residuals ``[n]``; what each split gains is added to its code's ``gains``."""
    tree = Tree([-1], [0.0], [0], np.zeros(len(residual), np.intp))
    level = [root]
    for depth in range(DEPTH):
        below = []
        for node in level:
            if len(node.rows) < 2:
                continue
            gain, j, threshold = max(_by_order(codes, residual, node), _by_value(codes, node))
            if gain <= NOTHING * len(node.rows):
                continue
            first = len(tree.code)
            tree.code[node.number], tree.threshold[node.number], tree.child[node.number] = j, threshold, first
            tree.code.extend((-1, -1))
            tree.threshold.extend((0.0, 0.0))
            tree.child.extend((0, 0))
            gains[j] += gain
            goes = codes.x[j, node.rows] <= threshold
            sides = np.compress(goes, node.rows), np.compress(~goes, node.rows)
            tree.leaf[sides[0]], tree.leaf[sides[1]] = first, first + 1
            if depth + 1 < DEPTH:
                below += _children(codes, residual, node, first, sides)
        level = below
    return tree


def _children(codes: Codes, residual: Array, node: Node, first: int, sides: tuple[Array, Array]) -> list[Node]:
    small = int(len(sides[1]) < len(sides[0]))
    sums, counts = node.sums, node.counts
    if len(codes.few):
        cells = codes.cells[:, sides[small]]
        weights = np.broadcast_to(residual[sides[small]], cells.shape).ravel()
        sums = np.bincount(cells.ravel(), weights, minlength=len(codes.of))
        counts = np.bincount(cells.ravel(), minlength=len(codes.of))
    mine, every = np.zeros(0, bool), node.orders.ravel()
    if len(codes.many):
        inside = np.zeros(len(residual), bool)
        inside[sides[small]] = True
        mine = inside[every]
    found = []
    for side, rows in enumerate(sides):  # compress takes a quarter of what an index of truths takes
        orders = np.compress(mine if side == small else ~mine, every).reshape(len(codes.many), len(rows))
        kept = (sums, counts) if side == small else (node.sums - sums, node.counts - counts)
        found.append(Node(first + side, rows, orders, *kept))
    return found


Split = tuple[float, int, float]
"""By how much a split lowers the squared error, on which code, and up to which value it goes left."""
NONE: Split = (0.0, -1, 0.0)


def _by_order(codes: Codes, residual: Array, node: Node) -> Split:
    """The best split on a code of many values: sums along the sorted rows."""
    if not len(codes.many):
        return NONE
    count = len(node.rows)
    sums = residual.take(node.orders)
    sums -= sums[0].mean()
    sums = np.cumsum(sums, axis=1, out=sums)[:, :-1]
    places = np.arange(1.0, count)
    np.square(sums, out=sums)
    sums *= count / (places * (count - places))
    for _ in range(len(sums) + 1):
        row, place = divmod(int(sums.argmax()), count - 1)
        if sums[row, place] <= 0:
            break
        j = int(codes.many[row])
        low, high = codes.x[j, node.orders[row, place : place + 2]]
        if low < high:
            return float(sums[row, place]), j, _between(low, high)
        ranked = codes.x[j].take(node.orders[row])  # between equal values nothing splits: looked at where it matters
        sums[row] *= ranked[1:] != ranked[:-1]
    return NONE


def _by_value(codes: Codes, node: Node) -> Split:
    """The best split on a code of few values: sums over the rows of each value."""
    if not len(codes.few):
        return NONE
    count = len(node.rows)
    left = node.counts.cumsum() - codes.of * count
    inner = (left > 0) & (left < count)
    whole = float(node.sums[codes.of == 0].sum())
    sums = node.sums.cumsum() - whole * (codes.of + left / count)
    gain = np.where(inner, sums**2 * count / np.where(inner, left * (count - left), 1), 0.0)
    at = int(gain.argmax())
    if gain[at] <= 0:
        return NONE
    later = at + 1 + int(np.flatnonzero(node.counts[at + 1 :])[0])
    return float(gain[at]), int(codes.few[codes.of[at]]), _between(codes.values[at], codes.values[later])


def _between(low: float, high: float) -> float:
    """The middle of two values in single precision, or the lower where there is none."""
    middle = float(np.float32(low / 2 + high / 2))
    return float(low) if middle >= high else middle


def _reached(tree: Tree, x: Array) -> Array:
    """The leaf that each row of ``x [Z, m]`` comes to."""
    code, threshold, child = np.array(tree.code), np.array(tree.threshold), np.array(tree.child)
    node, rows = np.zeros(x.shape[1], np.intp), np.arange(x.shape[1])
    for _ in range(DEPTH):
        inner = code[node] >= 0
        on = child[node] + (x[code[node], rows] > threshold[node])
        node = np.where(inner, on, node)
    return node

"""Rules on factor values: what they keep by hand, the one way they are spaced, what is none, what is left then."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from tiny import squares

import betavae
from betavae.datasets.rules import read, restricted
from betavae.errors import Misuse
from betavae.factors import Factors

GRID = Factors(("a", "b", "c"), (3, 4, 5))
RULES: list[tuple[str, Any]] = [
    ("a < 2", lambda a, b, c: a < 2),
    ("a==1 and b!=3", lambda a, b, c: a == 1 and b != 3),
    ("not (a > 0 or c >= 2)", lambda a, b, c: not (a > 0 or c >= 2)),
    ("abs(b - c) <= 1", lambda a, b, c: abs(b - c) <= 1),
    ("0 < b < 3 <= c", lambda a, b, c: 0 < b < 3 <= c),
    ("c in (0, 2, 4)", lambda a, b, c: c in (0, 2, 4)),
    ("a not in [1] or b == -(-2)", lambda a, b, c: a != 1 or b == 2),
    ("(a + b + c) % 2 == 0", lambda a, b, c: (a + b + c) % 2 == 0),
    ("b / 3 - c / 4 > .2", lambda a, b, c: b / 3 - c / 4 > 0.2),
    ("2 * a + 1 == b * c", lambda a, b, c: 2 * a + 1 == b * c),
    ("b / a > 1", lambda a, b, c: (a > 0 and b / a > 1) or (a == 0 and b > 0)),
    ("1 < 2 and a >= 0 and b < 1", lambda a, b, c: b < 1),
]


@pytest.mark.parametrize(("text", "wanted"), RULES, ids=[text for text, _ in RULES])
def test_a_rule_keeps_what_it_says(text: str, wanted: Any) -> None:
    """Against plain Python, combination by combination in the order of the grid."""
    by_hand = [wanted(*values) for values in itertools.product(range(3), range(4), range(5))]
    kept = read(text).keeps(GRID)
    assert kept.tolist() == by_hand
    assert 0 < sum(by_hand) < GRID.size


@pytest.mark.parametrize(
    ("given", "spaced"),
    [
        ("posX<16", "posX < 16"),
        ("  posX  <\n16 ", "posX < 16"),
        ("abs( posX-posY )<=8 and( scale!=2 )", "abs(posX - posY) <= 8 and (scale != 2)"),
        ("scale in(0,1)", "scale in (0, 1)"),
        ("scale in [ 0 , 1 ]", "scale in [0, 1]"),
        ("a/3>=.5", "a / 3 >= .5"),
        ("a<1e3", "a < 1e3"),
    ],
)
def test_spaces_do_not_matter(given: str, spaced: str) -> None:
    assert read(given).text == spaced
    assert read(spaced).text == spaced


@pytest.mark.parametrize(
    "given",
    [
        "", None, 3, "a", "a + 1", "1", "True", "a < True", "a <", "a; b", "a < 1\nimport os", "__import__('os')",
        "a.size < 2", "a[0] < 2", "abs(a, b) < 1", "abs < 1", "max(a, b) < 1", "a < '1'", "a is 1", "a in b",
        "a in (b, c)", "lambda: a < 1", "[a for a in b] < 1", "(a := 1) < 2", "a ** 99999 < 2", "a < 1e999",
        "(" * 150 + "a" + ")" * 150, f"{'not ' * 70}a < 1" * 2, "a" * 301, "a < 1_0_", "a < 1 # b",
        "a < 1 " + "or a < 1 " * 100, "a \0< 1", "ä < 1", "f'{a}' < 1", "a if b else c", "*a < 1", "yield", "{a} < 1",
        "a < 1_6", "a < 0x10",
    ],
)  # fmt: skip
def test_what_is_no_rule_is_refused(given: Any) -> None:
    with pytest.raises(Misuse, match="train_on is "):
        read(given)


def test_the_images_kept_are_those_of_the_grid() -> None:
    data = squares()
    assert data.factors is not None
    part = restricted(data, "posX < 4 and size != 2", least=16)
    kept = [i for i in range(data.size) if data.factors.values(torch.tensor(i)).tolist()[0] != 2]
    kept = [i for i in kept if data.factors.values(torch.tensor(i)).tolist()[2] < 4]
    assert (part.size, part.splits, part.factors, part.name) == (len(kept), {"train": (0, len(kept))}, None, "squares")
    assert torch.equal(part.render(torch.arange(part.size)), data.render(torch.tensor(kept)))
    assert restricted(data, None) is data


@pytest.mark.parametrize(
    ("rule", "least", "part"),
    [
        ("colour == 1", 2, "train_on is 'colour == 1': unknown factor 'colour'; known: brightness, posX, posY, size"),
        ("posX > 7", 2, "train_on is 'posX > 7', which keeps 0 of 768 images of squares; wanted at least 2"),
        ("posX == 0 and posY == 0", 16, "which keeps 12 of 768 images of squares; wanted at least 16"),
        ("posX >= 0", 2, "which keeps every image of squares"),
    ],
)
def test_a_rule_that_leaves_nothing_to_do_is_refused(rule: str, least: int, part: str) -> None:
    with pytest.raises(Misuse) as caught:
        restricted(squares(), rule, least)
    assert part in str(caught.value)


@pytest.mark.filterwarnings("ignore")
def test_a_dataset_without_factors_has_none_to_speak_of() -> None:
    table = betavae.from_table("photographs", np.zeros((6, 8, 8), bool), np.arange(6)[:, None] // 2, ["of"])
    with pytest.raises(Misuse, match="rule on factor values, and photographs has no full grid of factors"):
        restricted(table, "of == 1")

"""Laws of the trial of ways: the quickest that gives the plain way's numbers is taken; the members do not notice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from test_training import ADAM, member, same, task

from betavae.training import autotune, population, single
from betavae.training.gradient import Task
from betavae.training.population import How
from betavae.training.recipe import Recipe

LONG = Recipe("adam", 5e-4, 4, 4 * 100_000)
GRAPH, PRODUCTS, BOTH, COMPILED = (
    How(graphs=True),
    How(products=True),
    How(products=True, graphs=True),
    How(compiled=True),
)


def tried(
    monkeypatch: pytest.MonkeyPatch, table: dict[How, Any], given: Task, offered: Sequence[How]
) -> tuple[How, list[str]]:
    """What is taken where a trial of each way gives what the table says: seconds per step, seconds and a factor on the
    losses, or an error.
    """

    def trial(task: Task, pairs: Any, start: int, how: How) -> tuple[torch.Tensor, float]:
        told = table[how]
        if isinstance(told, Exception):
            raise told
        each, factor = told if isinstance(told, tuple) else (told, 1.0)
        return factor * torch.tensor([[90.0, 0.0, 1.0]]), each

    monkeypatch.setattr(autotune, "_tried", trial)
    said: list[str] = []
    states = [single.start(given, member(1))]
    return autotune.quickest(given, [member(1)], states, How(), said.append, offered), said


def test_the_quickest_that_agrees_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {
        How(): 0.010,
        GRAPH: 0.004,
        PRODUCTS: 0.003,
        BOTH: (0.001, 1.01),
    }
    taken, said = tried(monkeypatch, table, task(recipe=LONG), list(table)[1:])
    assert taken == PRODUCTS
    assert said == [
        "stepped by kernels: 400 images/s",
        "stepped by kernels, as a graph: 1,000 images/s",
        "stepped by products: 1,333 images/s",
        "stepped by products, as a graph: 4,000 images/s, but its losses are 1.0e-02 apart; not taken",
        "taken: products",
    ]


def test_a_way_that_is_refused_is_said_and_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {How(): 0.02, COMPILED: RuntimeError("no compiler\nhere"), GRAPH: torch.OutOfMemoryError("too much"),
             PRODUCTS: (0.001, float("nan")), BOTH: 0.0,
             How(compiled=True, graphs=True): NotImplementedError()}  # fmt: skip
    taken, said = tried(monkeypatch, table, task(recipe=LONG), list(table)[1:])
    assert taken == How()
    assert "stepped by kernels, compiled: RuntimeError: no compiler" in said
    assert "stepped by kernels, as a graph: OutOfMemoryError: too much" in said
    assert "stepped by kernels, compiled, as a graph: NotImplementedError: " in said
    assert "stepped by products, as a graph: too quick to be told from its beginning; not taken" in said
    assert said[-1] == "taken: kernels"


def test_a_device_that_answers_no_more_ends_the_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    """After some errors every call fails: the plain way would fail too, and each group after this one."""

    def dead(device: torch.device) -> None:
        raise RuntimeError("an illegal memory access was encountered")

    monkeypatch.setattr(autotune, "answers", dead)
    with pytest.raises(RuntimeError, match="illegal memory access"):
        tried(monkeypatch, {How(): 0.02, GRAPH: RuntimeError("no graph"), PRODUCTS: 0.01}, task(recipe=LONG), [GRAPH])


@pytest.mark.parametrize(
    ("each", "offered", "wanted"),
    [
        (autotune.WORTH / 100_000, [GRAPH], {How()}),  # a little less is left than makes a trial worth its time
        (1.1 * autotune.WORTH / 100_000, [GRAPH, COMPILED], {How(), GRAPH}),  # too little for a compiler
        (1.1 * autotune.COMPILING / 100_000, [COMPILED, GRAPH], {How(), GRAPH, COMPILED}),
    ],
)
def test_what_is_tried_is_worth_its_time(
    each: float, offered: list[How], wanted: set[How], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = set[How]()

    class Table(dict[How, Any]):
        def __missing__(self, how: How) -> float:
            asked.add(how)
            return each

    taken, _ = tried(monkeypatch, Table(), task(recipe=LONG), offered)
    assert taken == How()  # none is quicker
    assert asked == wanted


def test_a_model_without_products_is_not_asked_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    taken, said = tried(monkeypatch, {How(): 0.02, GRAPH: 0.01}, task("mlp", LONG), [BOTH, GRAPH])
    assert taken == GRAPH
    assert not any("products" in line for line in said)


def test_a_trial_leaves_the_members_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """On this device, in earnest: members that stand at step 3, one of them fallen, are where they were."""
    monkeypatch.setattr(autotune, "WORTH", 0.0)
    monkeypatch.setattr(autotune, "TRIED", 2)
    given, trio = task(recipe=Recipe("adam", 5e-4, 2, 2 * 100)), [member(1), member(2, 1.0), member(3)]
    states = population.advance(given, trio, [single.start(given, m) for m in trio], 3, together=True)
    states[2].diverged = (3, "kl")
    before = [{k: v.clone() for k, v in (s.params | s.moments).items()} | {"trace": s.trace.clone()} for s in states]
    said: list[str] = []
    taken = autotune.quickest(given, trio, states, How(), said.append, [PRODUCTS])
    assert said[-1] == f"taken: {taken}"
    assert len(said) == 3
    assert not any("apart" in line or "Error" in line for line in said)
    for state, old in zip(states, before, strict=True):
        assert same(state.params | state.moments | {"trace": state.trace}, old)
        assert state.step == 3


def test_products_are_the_kernels_numbers() -> None:
    """Twelve steps of a population in float64, either way: the same members."""
    given, pair = task(recipe=ADAM), [member(1), member(2, 1.0)]
    found = []
    for how in (How(), PRODUCTS):
        states = [single.start(given, m) for m in pair]
        for s in states:
            s.params, s.moments = ({k: v.double() for k, v in tree.items()} for tree in (s.params, s.moments))
        found.append(population.advance(given, pair, states, 12, together=True, how=how))
    for a, b in zip(*found, strict=True):
        assert torch.allclose(a.trace, b.trace, rtol=1e-8)
        assert all(torch.allclose(a.params[k], b.params[k], rtol=1e-5, atol=1e-7) for k in a.params)


def test_members_that_fell_at_once_veto_no_way() -> None:
    trained = torch.tensor([[90.0, 1.0], [0.0, 0.0]])
    assert autotune._apart(trained + torch.tensor([[0.9, 0.0], [0.0, 0.0]]), trained) == pytest.approx(0.01, rel=1e-5)
    assert not autotune._apart(torch.tensor([[90.0, 1.0], [5.0, 0.0]]), trained) <= 1.0  # it fell in one way alone
    assert autotune._apart(trained[1:], trained[1:]) == 0.0

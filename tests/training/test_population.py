"""Laws of training many at once: a population equals its members, neighbours do not matter, the fallen freeze alone."""

from __future__ import annotations

import math
import resource
import statistics
from dataclasses import replace
from functools import partial

import pytest
import torch
from test_training import ADAGRAD, ADAM, member, same, task

from betavae import models
from betavae.errors import Misuse
from betavae.models import MODELS, layers
from betavae.objectives import OBJECTIVES
from betavae.objectives.base import no_draws
from betavae.training import batches, population, single
from betavae.training.gradient import Task
from betavae.training.population import How
from betavae.training.recipe import Recipe
from betavae.training.single import Member, State

BOTH = pytest.mark.parametrize("together", [False, True], ids=["one by one", "together"])


def begun(given: Task, members: list[Member], dtype: torch.dtype = torch.float32) -> list[State]:
    states = [single.start(given, m) for m in members]
    for s in states:
        s.params = {k: v.to(dtype) for k, v in s.params.items()}
        s.moments = {k: v.to(dtype) for k, v in s.moments.items()}
    return states


@pytest.mark.parametrize(
    ("method", "recipe", "steps"),
    [
        ("mlp", ADAGRAD, 200),
        ("mlp", ADAM, 200),
        ("conv", ADAM, 20),
        pytest.param("conv", ADAM, 200, marks=pytest.mark.slow),  # float64 convolutions are slow on a CPU
    ],
)
def test_population_equals_singles(method: str, recipe: Recipe, steps: int) -> None:
    """One program for members of different β, seed and learning-rate drop gives each what it gets alone: 200 steps in
    float64, to 1e-5.
    """
    given = task(method, replace(recipe, batch=2, images=2 * steps), hidden=48)
    flat = replace(given.recipe, drop_at=0.5, drop_to=1.0)
    members = [member(1, 1.0), member(2, 4.0)._replace(recipe=flat)]
    alone = population.advance(given, members, begun(given, members, torch.float64), steps, together=False)
    many = population.advance(given, members, begun(given, members, torch.float64), steps, together=True)
    for a, b in zip(alone, many, strict=True):
        assert a.step == b.step == steps
        assert all(torch.allclose(a.params[k], b.params[k], rtol=1e-5, atol=1e-5) for k in a.params)
        assert torch.allclose(a.trace, b.trace, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("method", MODELS)
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_model_and_objective_trains_together(method: str, objective: str) -> None:
    """Also one whose likelihood has a parameter of its own, a single number: six steps in float64, as alone."""
    given = task(method, replace(ADAM, batch=2, images=12), objective, hidden=48)
    knobs = {"beta": 4.0}
    members = [Member(1, knobs), Member(2, {**knobs, "beta": 1.0})]
    alone, many = (
        population.advance(given, members, begun(given, members, torch.float64), 6, together=together)
        for together in (False, True)
    )
    for a, b in zip(alone, many, strict=True):
        assert a.step == b.step == 6
        assert a.params.keys() == b.params.keys()
        assert all(a.params[k].shape == b.params[k].shape for k in a.params)
        assert all(torch.allclose(a.params[k], b.params[k], rtol=1e-5, atol=1e-6) for k in a.params)
        assert torch.allclose(a.trace, b.trace, rtol=1e-6)


def test_a_drop_is_the_members_own() -> None:
    given = task(recipe=replace(ADAM, images=16 * 8))
    held = member(1)._replace(recipe=replace(given.recipe, drop_to=1.0))
    dropped, kept = population.advance(given, [member(1), held], begun(given, [held, held]), 8, together=True)
    assert not same(dropped.params, kept.params)
    assert torch.equal(dropped.trace[:6], kept.trace[:6])


def test_population_equals_singles_within_seed_noise_in_float32() -> None:
    """How members are run moves the last loss by less than a tenth of what the seed moves it by."""
    given = task("mlp", replace(ADAM, batch=4, images=4 * 200), hidden=48)
    members = [member(seed) for seed in range(3)]
    alone, many = (
        [
            float(given.columns.curve(s.trace).reconstruction[-10:].mean())
            for s in population.advance(given, members, begun(given, members), 200, together=together)
        ]
        for together in (False, True)
    )
    apart = [abs(a - b) for a, b in zip(alone, many, strict=True)]
    assert max(apart) < 0.1 * statistics.stdev(alone)


@BOTH
def test_neighbours_do_not_matter(together: bool) -> None:
    given, me = task(), member(5, 4.0)
    trios = [[member(1, 1.0), me, member(2, 10.0)], [member(9, 0.1), me, member(8, 100.0)]]
    first, second = (population.advance(given, trio, begun(given, trio), 10, together=together)[1] for trio in trios)
    assert same(first.params, second.params)


@BOTH
def test_a_diverged_member_leaves_others_unchanged(together: bool) -> None:
    """A NaN planted in one of eight: it freezes and says where; seven end bitwise as where it never was planted."""
    given, members = task(), [member(k, 4.0) for k in range(8)]

    def states(poison: bool) -> list[State]:
        made = begun(given, members)
        if poison:
            next(iter(made[3].params.values())).view(-1)[0] = math.nan
        return made

    clean = population.advance(given, members, states(False), 12, together=together)
    dirty = population.advance(given, members, states(True), 12, together=together)
    assert dirty[3].diverged is not None
    assert dirty[3].diverged[0] == dirty[3].step == 0
    assert not dirty[3].trace.any()
    for k in set(range(8)) - {3}:
        assert dirty[k].diverged is None
        assert same(clean[k].params, dirty[k].params)
        assert same(clean[k].moments, dirty[k].moments)
        assert torch.equal(clean[k].trace, dirty[k].trace)


def test_a_member_that_falls_on_its_way_is_found_at_the_step_it_falls() -> None:
    given, members = task("mlp", ADAGRAD, hidden=48), [member(1), member(2)]
    states = population.advance(given, members, begun(given, members), 3, together=True)
    for key, leaf in states[0].params.items():
        if "logvar" in key:
            leaf.fill_(1e30)
    before = {k: v.clone() for k, v in states[0].params.items()}
    fallen, well = population.advance(given, members, states, 10, together=True)
    assert fallen.diverged is not None
    assert (fallen.diverged[0], fallen.step, well.step, well.diverged) == (3, 3, 10, None)
    assert same(fallen.params, before)


def test_a_cell_may_begin_one_way_and_go_on_in_the_other() -> None:
    """Members that stand at different steps meet; float64, so that the way shows only in the last digits."""
    given, members = task(), [member(1), member(2)]
    whole = population.advance(given, members, begun(given, members, torch.float64), 12, together=False)
    parts = begun(given, members, torch.float64)
    parts[0] = single.advance(given, members[0], parts[0], 5)
    parts = population.advance(given, members, parts, 12, together=True)
    assert [s.step for s in parts] == [12, 12]
    for a, b in zip(whole, parts, strict=True):
        assert all(torch.allclose(a.params[k], b.params[k], rtol=1e-6, atol=1e-8) for k in a.params)


def test_draws_ahead_are_the_draws_of_each_step() -> None:
    """Blocks straddle epochs and end with the noise's own blocks."""
    drawn = batches.Drawn("squares", (100, 160), 16, 3, "beta_vae", no_draws)
    ahead = batches.Ahead([7, 8], drawn, torch.device("cpu"))
    step = 60
    while step < 150:
        orders, noises, _ = ahead.block(step, 150)
        for k, (index, noise) in enumerate(zip(orders, noises, strict=True)):
            for s, seed in enumerate((7, 8)):
                assert torch.equal(index[s], batches.order(seed, "squares", (100, 160), 16, step + k))
                assert torch.equal(noise[s], batches.noise(seed, "squares", 16, 3, step + k))
        step += len(orders)
    assert step == 150


@pytest.mark.parametrize("method", ["mlp", "conv"])
def test_no_recompilation_after_the_first_step(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seventy steps, a learning-rate drop and a dead member among them: one graph, and the numbers of the plain way."""
    from torch._dynamo.utils import counters

    monkeypatch.setattr(layers, "NARROW", 0)  # a GPU takes the library's kernel, as here
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))  # traced as ever, compiled by none
    given, members = task(method, replace(ADAM, batch=4, images=4 * 70), hidden=48), [member(1), member(2)]

    def states() -> list[State]:
        made = begun(given, members)
        next(iter(made[1].params.values())).view(-1)[0] = math.nan
        return made

    plain = population.advance(given, members, states(), 70, together=True)
    counters.clear()
    traced = population.advance(given, members, states(), 70, together=True, how=How(compiled=True))
    again = population.advance(given, members, states(), 5, together=True, how=How(compiled=True))
    assert again[0].step == 5
    assert counters["stats"]["unique_graphs"] == 1
    assert not counters["graph_break"]
    assert all(torch.allclose(plain[0].params[k], traced[0].params[k], rtol=1e-4, atol=1e-5) for k in plain[0].params)


@BOTH
def test_memory_does_not_grow(together: bool) -> None:
    """1,000 steps of tiny members after 100: the peak of resident memory moves by less than 4 MiB."""
    given, members = task("mlp", Recipe("adam", 1e-3, 4, 4 * 1100), hidden=8), [member(1), member(2)]
    states = population.advance(given, members, begun(given, members), 100, together=together)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    states = population.advance(given, members, states, 1100, together=together)
    assert states[0].step == 1100
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 4096


def test_precision_is_one_of_three_and_bf16_is_near_float32() -> None:
    given, members = task("mlp", hidden=48), [member(1), member(2)]
    exact, tf32, rough = (
        population.advance(given, members, begun(given, members), 6, together=True, how=How(precision))
        for precision in ("float32", "tf32", "bf16")
    )
    assert same(exact[0].params, tf32[0].params)  # a CPU has no TF32
    assert not same(exact[0].params, rough[0].params)
    assert all(v.dtype == torch.float32 for v in rough[0].params.values())
    assert torch.allclose(exact[0].trace, rough[0].trace, rtol=2e-2, atol=0.5)
    with pytest.raises(Misuse, match="bf16"):
        population.advance(given, members, begun(given, members), 1, together=True, how=How("bf61"))
    with pytest.raises(Misuse, match="one by one"):
        population.advance(given, members, begun(given, members), 1, together=False, how=How("tf32"))


def test_the_population_follows_from_the_memory() -> None:
    """At least the parameters' own bytes thirteen times over, at most a share of what is free, at least one member."""
    given = task()
    one = population.need(given)
    parameters = sum(v.numel() for v in given.model.init(torch.Generator().manual_seed(0)).values())
    assert one > 4 * population.COPIES * parameters
    for free in (one, 10 * one, 80 * 2**30):
        members = population.capacity(given, free)
        assert members * one <= population.SHARE * free or members == 1
        assert (members + 1) * one > population.SHARE * free
    assert population.capacity(given, 0) == 1
    larger = given._replace(recipe=replace(given.recipe, batch=10 * given.recipe.batch))
    assert population.need(larger) > one


@pytest.mark.skipif(
    not torch.cuda.is_available(), reason="no GPU here; `make gpu-check` says more on a machine with one"
)
@pytest.mark.parametrize(("method", "recipe"), [("conv", ADAM), ("mlp", ADAGRAD)])
def test_a_member_on_a_gpu_agrees_with_itself_on_a_cpu(method: str, recipe: Recipe) -> None:
    from betavae import datasets

    def trained(device: str) -> list[State]:
        dataset = datasets.load("dsprites", device=device)
        given = task(method, recipe)._replace(dataset=dataset, model=models.named(method, dataset.shape, 4))
        members = [member(1), member(2, 1.0)]
        return population.advance(given, members, [single.start(given, m) for m in members], 20)

    for a, b in zip(trained("cpu"), trained("cuda"), strict=True):
        assert torch.allclose(a.trace, b.trace, rtol=1e-3)

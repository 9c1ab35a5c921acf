"""What every objective of the table keeps: in a population as alone, in chunks as whole, resumed as never stopped."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hand_batch import minimised
from test_training import ADAM, same
from tiny import squares
from torch import Tensor

from betavae import objectives
from betavae.errors import Misuse
from betavae.factors import Factors
from betavae.models import mlp
from betavae.models.layers import build
from betavae.objectives import LIKELIHOODS, OBJECTIVES, ada_vae, factor_vae
from betavae.objectives.base import Objective
from betavae.study.jobs.checkpointing import pack, unpack
from betavae.training import batches, checkpoint, population, single
from betavae.training.gradient import Batch, Task, gradient
from betavae.training.single import Member

EVERY = pytest.mark.parametrize("name", OBJECTIVES)
NOTHING: dict[str, dict[str, float]] = {
    "annealed_vae": {"gamma": 1.0, "capacity": 0.0},
    "factor_vae": {"gamma": 0.0},
    "dip_vae_i": {"lambda_od": 0.0, "lambda_d": 0.0},
    "dip_vae_ii": {"lambda_od": 0.0, "lambda_d": 0.0},
    "info_vae": {"alpha": 0.0, "mmd": 0.0},
    "beta_tcvae": {"beta": 1.0, "weights": "dl"},  # type: ignore[dict-item]
}
"""Knobs at which an objective is the VAE."""
OTHERS: dict[str, dict[str, Any]] = {
    "beta_tcvae": {"beta": 6.0}, "factor_vae": {"gamma": 3.0}, "annealed_vae": {"gamma": 50.0, "capacity": 3.0},
    "dip_vae_i": {"lambda_d": 2.0}, "dip_vae_ii": {"lambda_d": 2.0}, "info_vae": {"mmd": 40.0},
}  # fmt: skip


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(factor_vae, "HIDDEN", 16)


def task(name: str, batch: int = 8, steps: int = 12, side: int = 16) -> Task:
    data = squares(side)
    recipe = replace(ADAM, batch=batch, images=batch * steps)
    return Task(data, build("mlp", data.shape, 3, mlp.layers(data.shape, 3, 24)), objectives.named(name), recipe)


def begun(given: Task, members: list[Member], dtype: torch.dtype = torch.float64) -> list[single.State]:
    states = [single.start(given, m) for m in members]
    for s in states:
        s.params, s.moments = ({k: v.to(dtype) for k, v in tree.items()} for tree in (s.params, s.moments))
    return states


def pair(name: str) -> list[Member]:
    return [Member(1, {}), Member(2, OTHERS.get(name, {"beta": 0.5}))]


@pytest.mark.parametrize("name", NOTHING)
def test_without_its_weights_it_is_the_vae(name: str) -> None:
    """Loss and gradient, bit for bit in float64."""
    if name == "factor_vae":
        critic = factor_vae.init(torch.Generator().manual_seed(0), 3)
        mine = minimised(name, NOTHING[name], **{k: v.double() for k, v in critic.items()})
        whole = mine[0] - mine[2].extra["critic"]
    else:
        mine = minimised(name, NOTHING[name])
        whole = mine[0]
    its = minimised("beta_vae", {"beta": 1.0})
    leaves = ("mean", "logvar")
    assert name == "factor_vae" or torch.equal(whole.detach(), its[0].detach())
    ours = torch.autograd.grad(mine[0], [mine[3][k] for k in leaves])
    vaes = torch.autograd.grad(its[0], [its[3][k] for k in leaves])
    assert all(torch.equal(a, b) for a, b in zip(ours, vaes, strict=True))


@pytest.mark.parametrize("name", [name for name in OBJECTIVES if "beta" in objectives.named(name).knobs])
def test_no_weight_at_all_still_samples(name: str) -> None:
    given = task(name)
    (state,) = population.advance(given, [Member(1, {"beta": 0.0})], begun(given, [Member(1, {})]), 3)
    assert state.step == 3
    assert state.diverged is None


@EVERY
def test_a_population_equals_its_members(name: str) -> None:
    given, members = task(name), pair(name)
    alone, many = (
        population.advance(given, members, begun(given, members), 12, together=together) for together in (False, True)
    )
    for a, b in zip(alone, many, strict=True):
        assert a.params.keys() == b.params.keys()
        assert a.moments.keys() == b.moments.keys()
        assert all(torch.allclose(a.params[k], b.params[k], rtol=1e-6, atol=1e-8) for k in a.params)
        assert torch.allclose(a.trace, b.trace, rtol=1e-6, atol=1e-8)
    assert not torch.allclose(alone[0].trace, alone[1].trace, rtol=1e-3)


@EVERY
def test_neighbours_do_not_matter(name: str) -> None:
    given, (me, other) = task(name, steps=4), pair(name)
    first, second = ([me, other], [Member(9, {}), me])
    a = population.advance(given, first, begun(given, first), 4, together=True)[0]
    b = population.advance(given, second, begun(given, second), 4, together=True)[1]
    assert same(a.params, b.params)
    assert same(a.moments, b.moments)


@EVERY
@pytest.mark.parametrize("chunk", [2, 6])
def test_chunks_do_not_change_the_gradient(name: str, chunk: int) -> None:
    """Of any objective: one that looks at the batch as a whole is chunked at the model's two ends alone."""
    given = task(name, batch=12)
    knobs = given.settled({})
    params = {k: v.double().requires_grad_(True) for k, v in single.start(given, Member(1, {})).params.items()}
    index, noise, draws = batches.Drawn.of(given, knobs).step(1, 0)
    whole, seen = gradient(given, params, index, Batch(noise, draws), knobs, 12, 0.5)
    parts, again = gradient(given, params, index, Batch(noise, draws), knobs, chunk, 0.5)
    assert all(torch.allclose(whole[k], parts[k], rtol=1e-8, atol=1e-11) for k in whole)
    assert torch.allclose(seen, again, rtol=1e-9)


@EVERY
def test_resumed_it_ends_as_if_never_stopped(name: str, tmp_path: Path) -> None:
    """Parameters, moments and curve bit for bit, a critic's among them."""
    given, me = task(name, steps=8), Member(3, OTHERS.get(name, {}))
    whole = single.advance(given, me, single.start(given, me), 8)
    part = single.advance(given, me, single.start(given, me), 5)
    checkpoint.save(tmp_path, part.step, *pack(part))
    found = checkpoint.latest(tmp_path)
    assert found is not None
    rest = single.advance(given, me, unpack(found), 8)
    assert same(whole.params, rest.params)
    assert same(whole.moments, rest.moments)
    assert torch.equal(whole.trace, rest.trace)
    assert all(v.any() for k, v in whole.moments.items() if k.startswith("square/critic."))


@EVERY
def test_every_term_is_a_column_of_the_curve(name: str) -> None:
    given, me = task(name, steps=4), Member(1, {})
    curve = given.columns.curve(single.advance(given, me, single.start(given, me), 4).trace)
    assert tuple(curve.extra) == given.objective.extra
    for values in (curve.reconstruction, curve.kl, *curve.extra.values()):
        assert len(values) == 4
        assert bool(torch.isfinite(values).all())


@EVERY
def test_a_divergence_is_found_and_named(name: str) -> None:
    given, me = task(name), Member(1, {})
    (state,) = begun(given, [me], torch.float32)
    for key, leaf in state.params.items():
        if key.startswith("logvar"):
            leaf.fill_(1e30)
    for together in (False, True):
        (fell,) = population.advance(given, [me], [state], 4, together=together)
        assert fell.diverged is not None
        assert fell.diverged[0] == fell.step == 0
        assert fell.diverged[1] in ("reconstruction", "kl", *given.objective.extra)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_any_likelihood_goes_with_it(likelihood: str) -> None:
    given = task("beta_tcvae", steps=3)
    members = [Member(1, {"likelihood": likelihood}), Member(2, {"likelihood": likelihood, "beta": 1.0})]
    alone, many = (
        population.advance(given, members, begun(given, members), 3, together=together) for together in (False, True)
    )
    assert all(torch.allclose(a.trace, b.trace, rtol=1e-8) for a, b in zip(alone, many, strict=True))
    with pytest.raises(Misuse, match="differ in"):
        population.advance(given, [members[0], Member(2, {"likelihood": "gaussian", "weights": "mss"})],
                           begun(given, members), 3, together=True)  # fmt: skip


def test_a_critic_has_its_own_rate_and_optimiser() -> None:
    """Adagrad for the VAE, Adam at 1e-4 for the critic: its first step moves every parameter by that."""
    given = task("factor_vae")
    given = given._replace(recipe=replace(given.recipe, optimiser="adagrad", learning_rate=1e-2))
    me = Member(1, {})
    for together in (False, True):
        (before,), (state,) = begun(given, [me]), begun(given, [me])
        (after,) = population.advance(given, [me], [state], 1, together=together)
        slots = {k.split("/")[0] for k in after.moments if "/critic." in k}
        assert slots == {"mean", "square"}
        moved = {k: (after.params[k] - before.params[k]).detach().abs() for k in after.params}
        assert float(moved["critic.6.weight"].max()) == pytest.approx(1e-4, rel=1e-3)
        assert float(moved["mean.weight"].max()) == pytest.approx(1e-2, rel=1e-3)


def test_a_term_of_the_whole_batch_is_refused_in_chunks() -> None:
    def of_batch(params: Any, seen: Any, knobs: Any) -> dict[str, Tensor]:
        return {"spread": seen.codes.std()}

    plain = objectives.named("beta_vae")
    wrong = Objective("mine", plain.knobs, plain.penalty, of_batch, ("spread",), coupled=False)
    given = task("beta_vae")._replace(objective=wrong)
    with pytest.raises(Misuse, match="coupled = True"):
        single.advance(given, Member(1, {}), single.start(given, Member(1, {})), 1)
    clash = task("beta_vae")._replace(objective=wrong._replace(extra=("loss",)))
    with pytest.raises(Misuse, match="a term called loss"):
        single.start(clash, Member(1, {}))


GRID = Factors(("a", "b", "c", "d"), (3, 4, 1, 8))


@pytest.mark.parametrize(("changed", "counts"), [(1, {1}), (2, {2}), (3, {3}), (0, {1, 2})])
def test_partners_differ_in_so_many_factors(changed: int, counts: set[int]) -> None:
    index = torch.arange(GRID.size).repeat(8)
    drawn = ada_vae.partners(torch.Generator().manual_seed(0), GRID, index, {"changed": changed, "values": "new"})
    differ = GRID.values(drawn) != GRID.values(index)
    assert set(differ.sum(-1).tolist()) == counts
    assert not differ[:, 2].any()  # it has one value
    assert all(0.2 < float(share) <= 1 for share in differ[:, [0, 1, 3]].double().mean(0))
    new = GRID.values(drawn)[:, 3][GRID.values(index)[:, 3] == 0]
    assert set(new.tolist()) - {0} == set(range(1, 8))  # every other value is met
    with pytest.raises(Misuse, match="changed is 4; the images have 3"):
        ada_vae.partners(torch.Generator(), GRID, index, {"changed": 4, "values": "new"})


def test_published_partners_may_differ_in_nothing() -> None:
    index = torch.arange(GRID.size).repeat(4)
    drawn = ada_vae.partners(torch.Generator().manual_seed(0), GRID, index, {"changed": 1, "values": "published"})
    count = (GRID.values(drawn) != GRID.values(index)).sum(-1)
    assert set(count.tolist()) == {0, 1}


def test_pairs_need_a_grid_and_an_even_batch() -> None:
    given = task("ada_gvae", batch=7)
    with pytest.raises(Misuse, match="batch is 7, wanted it even"):
        single.advance(given, Member(1, {}), single.start(given, Member(1, {})), 1)
    bare = replace(given.dataset, factors=None)
    with pytest.raises(Misuse, match="squares is none"):
        single.advance(given._replace(dataset=bare), Member(1, {}), single.start(given, Member(1, {})), 1)


def test_rows_of_a_batch_are_pairs_of_the_order() -> None:
    given = task("ada_gvae")
    drawn = batches.Drawn.of(given, given.settled({}))
    index, noise, _ = drawn.step(5, 2)
    assert (len(index), len(noise)) == (8, 8)
    assert torch.equal(index[0::2], batches.order(5, "squares", given.split, 4, 2))
    factors = given.dataset.factors
    assert factors is not None
    assert set((factors.values(index[0::2]) != factors.values(index[1::2])).sum(-1).tolist()) == {1}
    ahead = batches.Ahead([4, 5], drawn, torch.device("cpu")).block(0, 6)[0]
    assert torch.equal(ahead[2, 1], index)


@EVERY
def test_knobs_are_read_without_an_array_library(name: str) -> None:
    assert objectives.settled(objectives.named(name), {}).keys() == objectives.knobs(objectives.named(name), {}).keys()
    if name == "beta_vae":
        code = "import sys; from betavae import objectives as o; [o.knobs(o.named(n), {}) for n in o.OBJECTIVES];"
        code += "[o.named(n).costs(10) for n in o.OBJECTIVES]; sys.exit('torch' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@EVERY
def test_costs_are_those_of_its_parameters(name: str) -> None:
    objective = objectives.named(name)
    drawn = objective.init(torch.Generator().manual_seed(0), 5)
    assert objective.costs(5).parameters == sum(leaf.numel() for leaf in drawn.values())
    assert all(any(key.startswith(start) for start in objective.groups) for key in drawn)

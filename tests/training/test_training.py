"""Laws of training one member: hand-computed losses, chunks change nothing, resume is exact."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from tiny import squares
from torch import Tensor

from betavae import models, objectives
from betavae.models import mlp
from betavae.models.base import Model, Posterior, Shape
from betavae.models.layers import build
from betavae.objectives.base import Terms, kl_nats
from betavae.objectives.likelihoods import LOG_SIGMA, bernoulli, calibrated, gaussian_nats
from betavae.training import batches, checkpoint, optimisers, single
from betavae.training.gradient import Batch, Loss, Task, gradient
from betavae.training.recipe import Recipe
from betavae.training.single import Member

SIDE = 32
ADAM = Recipe("adam", 5e-4, 16, 16 * 40)
ADAGRAD = Recipe("adagrad", 1e-2, 16, 16 * 40)


def task(
    method: str = "conv", recipe: Recipe = ADAM, objective: str = "beta_vae", codes: int = 4, hidden: int = mlp.HIDDEN
) -> Task:
    """A training on squares; an MLP may have fewer ``hidden`` units."""
    dataset = squares(SIDE)
    return Task(dataset, sized(method, dataset.shape, codes, hidden), objectives.named(objective), recipe)


def sized(method: str, shape: Shape, codes: int, hidden: int) -> Model:
    """The model of a name, an MLP of so many hidden units."""
    small = method == "mlp" and hidden != mlp.HIDDEN
    return build("mlp", shape, codes, mlp.layers(shape, codes, hidden)) if small else models.named(method, shape, codes)


def member(seed: int = 1, beta: float = 4.0, **knobs: float) -> Member:
    return Member(seed, {"beta": beta, **knobs})


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def test_kl_is_zero_at_the_prior() -> None:
    assert torch.equal(kl_nats(Posterior(torch.zeros(3, 2), torch.zeros(3, 2))), torch.zeros(3, 2))


def test_kl_equals_the_closed_form_and_its_sampled_mean() -> None:
    mean, sigma = 1.5, 0.5
    by_hand = -math.log(sigma) + (sigma**2 + mean**2) / 2 - 0.5
    given = kl_nats(Posterior(torch.tensor([[mean]]), torch.tensor([[2 * math.log(sigma)]])))
    assert float(given) == pytest.approx(by_hand, rel=1e-6)
    q, p = torch.distributions.Normal(mean, sigma), torch.distributions.Normal(0.0, 1.0)
    assert float(torch.distributions.kl_divergence(q, p)) == pytest.approx(by_hand, rel=1e-6)


def test_a_batch_computed_by_hand() -> None:
    """Two images of two pixels, logits 0 and 2: the loss is the sum over pixels, β times the sum over latents, the
    mean of two.
    """
    logits = torch.tensor([[[[0.0, 2.0]]], [[[2.0, 0.0]]]])
    images = torch.tensor([[[[1.0, 1.0]]], [[[0.0, 1.0]]]])
    nats = bernoulli.nats({}, logits, images, {})
    first = math.log(2) + math.log(1 + math.exp(-2))
    second = 2 + math.log(1 + math.exp(-2)) + math.log(2)
    assert nats.tolist() == pytest.approx([first, second], rel=1e-6)
    kl = kl_nats(Posterior(torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.zeros(2, 2)))
    assert kl.tolist() == [[0.5, 0.0], [0.0, 2.0]]
    rest = objectives.named("beta_vae").penalty(Terms(kl.mean(0)), {"beta": 4.0}, torch.ones(()))
    assert float(nats.mean() + rest) == pytest.approx((first + second) / 2 + 4 * 1.25, rel=1e-6)


def test_beta_one_is_the_elbo() -> None:
    """At β = 1 the loss is -E_q[log p(x, z) - log q(z)], estimated here from its definition."""
    given = task(codes=2)
    params = given.model.init(torch.Generator().manual_seed(0))
    images = given.dataset.render(torch.arange(3))
    noise = torch.randn(20_000, 2, generator=torch.Generator().manual_seed(1))
    each = []
    with torch.no_grad():
        for image in images:
            posterior = given.model.encode(params, image[None])
            z = posterior.sample(noise)
            q = torch.distributions.Normal(posterior.mean, (0.5 * posterior.logvar).exp())
            prior = torch.distributions.Normal(0.0, 1.0)
            regret = q.log_prob(z).sum(-1) - prior.log_prob(z).sum(-1)
            each.append(float(regret.mean()))
            kl = float(kl_nats(posterior).sum())
            assert each[-1] == pytest.approx(kl, abs=5 * float(regret.std()) / math.sqrt(len(noise)))
        loss = Loss.of(given, {}).whole
        whole, reconstruction, seen = loss(params, images, Batch(noise[:3]), {"beta": 1.0}, torch.ones(()))
        assert float(whole) == pytest.approx(float(reconstruction + seen.kl.sum()), rel=1e-6)


def test_gaussian_nats_equal_torch_distributions() -> None:
    generator = torch.Generator().manual_seed(0)
    x, y = torch.rand(3, 1, 4, 4, generator=generator), torch.rand(3, 1, 4, 4, generator=generator)
    expected = -torch.distributions.Normal(y, 0.3).log_prob(x).flatten(1).sum(-1)
    assert torch.allclose(gaussian_nats(y, x, math.log(0.3)), expected, rtol=1e-5)


def test_beta_vae_at_sigma_squared_is_the_rescaled_vae() -> None:
    """Section 4.2 of the paper: unit σ with β = σ² has the gradient of (σ, β = 1) times σ², exactly up to rounding."""
    sigma, given = 0.35, task("mlp", objective="gaussian", codes=3)
    params = {k: v.double() for k, v in given.model.init(torch.Generator().manual_seed(3)).items()}
    for leaf in params.values():
        leaf.requires_grad_(True)
    index, noise = torch.arange(8), torch.randn(8, 3, generator=torch.Generator().manual_seed(4))
    beta, _ = gradient(given, params, index, Batch(noise), {"beta": sigma**2, "sigma": 1.0}, 8)
    vae, _ = gradient(given, params, index, Batch(noise), {"beta": 1.0, "sigma": sigma}, 8)
    for key in beta:
        assert torch.allclose(beta[key], vae[key] * sigma**2, rtol=1e-9, atol=1e-12), key
    other, _ = gradient(given, params, index, Batch(noise), {"beta": 2 * sigma**2, "sigma": 1.0}, 8)
    assert any(not torch.allclose(other[k], vae[k] * sigma**2, rtol=1e-3) for k in beta)


def test_sigma_vae_learns_the_noise_of_the_images() -> None:
    """With the decoder held, the learnt σ goes to the root mean squared error (Rybkin et al. 2020, Eq. 8)."""
    params = calibrated.init()
    images = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    logits = torch.zeros_like(images)
    params[LOG_SIGMA].requires_grad_(True)
    optimiser = torch.optim.Adam([params[LOG_SIGMA]], lr=0.05)
    for _ in range(400):
        optimiser.zero_grad()
        calibrated.nats(params, logits, images, {}).mean().backward()
        optimiser.step()
    sigma = math.exp(-6 + math.log1p(math.exp(float(params[LOG_SIGMA].detach()) + 6)))
    assert sigma == pytest.approx(float((images - 0.5).square().mean().sqrt()), rel=1e-2)


@pytest.mark.parametrize("chunk", [1, 5, 16])
def test_chunks_do_not_change_the_gradient(chunk: int) -> None:
    given = task()
    params = {k: v.double().requires_grad_(True) for k, v in given.model.init(torch.Generator().manual_seed(0)).items()}
    index, noise = torch.arange(16), torch.randn(16, 4, generator=torch.Generator().manual_seed(1))
    whole, seen = gradient(given, params, index, Batch(noise), {"beta": 4.0}, 16)
    parts, again = gradient(given, params, index, Batch(noise), {"beta": 4.0}, chunk)
    assert all(torch.allclose(whole[k], parts[k], rtol=1e-9, atol=1e-12) for k in whole)
    assert torch.allclose(seen, again)


def test_the_optimisers_are_pytorchs() -> None:
    adamw = replace(ADAM, optimiser="adamw", weight_decay=0.1)
    for recipe, rival in ((ADAM, torch.optim.Adam), (ADAGRAD, torch.optim.Adagrad), (adamw, torch.optim.AdamW)):
        generator = torch.Generator().manual_seed(0)
        ours = {"w": torch.randn(5, 3, generator=generator)}
        theirs = ours["w"].clone().requires_grad_(True)
        optimiser = rival([theirs], lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
        parts = optimisers.parts(recipe, {})
        mine = parts[""]
        moments = {f"{slot}/w": torch.zeros(5, 3) for slot in mine.optimiser.slots}
        rows = {"rows": ours["w"].view(1, -1).clone(), **{s: torch.zeros(1, 15) for s in mine.optimiser.slots}}
        for step in range(5):
            slope = torch.randn(5, 3, generator=generator)
            theirs.grad = slope.clone()
            optimiser.step()
            optimisers.update(parts, ours, {"w": slope}, moments, step, recipe.learning_rate)
            lasting, count = torch.full((1, 1), recipe.learning_rate), torch.tensor(step + 1)
            rows = mine.optimiser.rows(rows, slope.view(1, -1), lasting, count, mine.settings)
        assert torch.allclose(ours["w"], theirs.detach(), rtol=1e-5, atol=1e-7)
        assert torch.allclose(rows["rows"].view(5, 3), theirs.detach(), rtol=1e-5, atol=1e-7)


def test_the_learning_rate_falls_by_five_for_the_last_quarter() -> None:
    recipe = Recipe("adam", 1.0, 1, 8)
    assert [single.rate(recipe, s) for s in range(8)] == pytest.approx([1.0] * 6 + [0.2] * 2)


def test_every_epoch_shows_every_image_once() -> None:
    seen = torch.cat(
        [batches.order(7, "squares", (0, 60), 16, s) for s in range(15)]
    )  # four epochs of 60, in batches of 16
    assert all(sorted(part.tolist()) == list(range(60)) for part in seen.split(60))
    assert seen[:60].tolist() != seen[60:120].tolist()
    assert batches.order(7, "squares", (100, 160), 16, 0).min() >= 100


def test_divergence_is_found_at_its_step_and_term() -> None:
    given = task("mlp", ADAGRAD)
    state = single.start(given, member())
    state = single.advance(given, member(), state, 3)
    for key, leaf in state.params.items():
        if "logvar" in key:
            leaf.fill_(1e30)
    state = single.advance(given, member(), state, 10)
    assert state.diverged is not None
    assert state.diverged[0] == 3
    assert state.step == 3


@pytest.mark.parametrize(("method", "recipe"), [("conv", ADAM), ("mlp", ADAGRAD)])
def test_resume_equals_uninterrupted(method: str, recipe: Recipe, tmp_path: object) -> None:
    from pathlib import Path

    from betavae.study.jobs.checkpointing import pack, unpack

    folder = Path(str(tmp_path))
    given, me = task(method, recipe), member()
    whole = single.advance(given, me, single.start(given, me), 12)
    part = single.advance(given, me, single.start(given, me), 7)
    checkpoint.save(folder, part.step, *pack(part))
    found = checkpoint.latest(folder)
    assert found is not None
    rest = single.advance(given, me, unpack(found), 12)
    assert rest.step == whole.step == 12
    assert same(whole.params, rest.params)
    assert same(whole.moments, rest.moments)
    assert torch.equal(whole.trace, rest.trace)


def test_the_curve_counts_every_step_once() -> None:
    given, me = task(recipe=Recipe("adam", 5e-4, 4, 4 * 130)), member()
    state = single.advance(given, me, single.start(given, me), 130)
    steps, reconstruction, kl, _ = given.columns.curve(state.trace)
    assert len(steps) == 100
    assert int(steps[-1]) == 130
    assert reconstruction.shape == (100,)
    assert kl.shape == (100, 4)
    assert float(reconstruction[-1]) < float(reconstruction[0])

"""Every loss on a batch done by hand, to 1e-6 in float64; the peers' variants that must not be met beside them."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hand_batch import CRITIC, IMAGES, KL, LENDER, LOGITS, LOGVAR, MEAN, PRIOR, RECONSTRUCTION, given, minimised, table

from betavae import objectives
from betavae.errors import Misuse
from betavae.models.base import Layer, Posterior
from betavae.objectives import ada_vae, dip_vae, factor_vae, info_vae
from betavae.objectives.annealed_vae import capacity
from betavae.objectives.likelihoods import LOG_SIGMA, continuous_mean, continuous_nats


@pytest.fixture(autouse=True)
def one_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The critic of the hand batch: z W + b."""
    monkeypatch.setattr(factor_vae, "layers", lambda codes: [Layer("linear", "critic.0", (2, codes))])


LOSSES: list[tuple[str, dict[str, Any], float]] = [
    ("beta_vae", given(beta=0.0), 1.7479686305090758),
    ("beta_vae", given(beta=1.0), 2.703721722301924),
    ("beta_vae", given(beta=4.0), 5.570980997680468),
    ("beta_vae", given(beta=0.0, likelihood="gaussian", sigma=1.0), 3.897324011711944),
    ("annealed_vae", given(gamma=1000.0, capacity=5.0), 4045.9948768376616),
    ("annealed_vae", given(gamma=1000.0, capacity=25.0), 24045.994876837663),
    ("annealed_vae", given(gamma=100.0, capacity=0.5), 47.32327780979387),
    ("beta_tcvae", given(beta=1.0), 2.824874898712018),
    ("beta_tcvae", given(beta=6.0, weights="plain"), 3.926336265948781),
    ("beta_tcvae", given(beta=6.0, weights="mws"), 73.00388905577014),
    ("beta_tcvae", given(beta=6.0, weights="mss"), 2.9408623817677784),
    ("beta_tcvae", given(beta=6.0, weights="mss_published"), 3.2013304434342147),
    ("beta_tcvae", given(alpha=0.0, beta=4.0, gamma=0.5, weights="plain"), 2.617884375061652),
    ("beta_tcvae", given(alpha=0.0, beta=4.0, gamma=0.5, weights="mws"), 47.51829368844554),
    ("beta_tcvae", given(alpha=0.0, beta=4.0, gamma=0.5, weights="mss"), 1.499576624641037),
    ("beta_tcvae", given(alpha=0.0, beta=4.0, gamma=0.5, weights="mss_published"), 1.8973062392280873),
    ("beta_tcvae", given(beta=1.0, weights="dl"), 2.703721722301924),
    ("beta_tcvae", given(beta=4.0, weights="dl"), -4.953167624075361),
    ("beta_tcvae", given(beta=6.0, weights="dl"), -10.057760521660217),
    ("dip_vae_i", given(lambda_od=10.0, lambda_d=100.0), 143.35207328480192),
    ("dip_vae_ii", given(lambda_od=10.0, lambda_d=10.0), 4.122606164855188),
    ("info_vae", given(alpha=0.0, mmd=0.0, kernel="rbf"), 2.703721722301924),
    ("info_vae", given(alpha=0.0, mmd=9.0, kernel="rbf"), 1.8090578373544304),
    ("info_vae", given(alpha=-0.5, mmd=3.5, kernel="rbf"), 2.8336734240521),
    ("info_vae", given(alpha=1.0, mmd=10.0, kernel="rbf"), 0.753897647234083),
    ("ada_gvae", given(beta=1.0), RECONSTRUCTION + 0.812788),
    ("ada_ml_vae", given(beta=1.0), RECONSTRUCTION + 0.816477),
    ("ada_gvae", given(beta=1.0, distance="symmetric"), RECONSTRUCTION + 0.910521),
    ("ada_ml_vae", given(beta=1.0, distance="symmetric"), RECONSTRUCTION + 0.930043),
]


@pytest.mark.parametrize(("name", "knobs", "wanted"), LOSSES, ids=str)
def test_the_loss_of_the_hand_batch(name: str, knobs: dict[str, Any], wanted: float) -> None:
    assert float(minimised(name, knobs)[0].detach()) == pytest.approx(wanted, abs=1e-6, rel=1e-9)


@pytest.mark.parametrize(
    ("gamma", "wanted"), [(0.0, 2.703721722301924), (1.0, 3.2419663624776156), (10.0, 8.086168124058844),
                          (35.0, 21.542284128451143)],
)  # fmt: skip
def test_the_factor_vaes_loss_and_its_critics(gamma: float, wanted: float) -> None:
    whole, _, terms, _ = minimised("factor_vae", {"gamma": gamma}, **CRITIC)
    critic = 0.7686033542862087
    assert float(terms.extra["critic"].detach()) == pytest.approx(critic, abs=1e-9)
    assert float(terms.extra["total_correlation"].detach()) == pytest.approx(0.538244640175692, abs=1e-9)
    assert float(whole.detach()) == pytest.approx(wanted + critic, abs=1e-9)


def test_neither_gradient_of_the_factor_vae_leaks_into_the_other() -> None:
    """The encoder's is that of the loss without the critic's, bit for bit; the critic's that of its own loss alone.

    Three toolkits let the critic's loss into the encoder: by (-.0407, .0102, .0356) in the first row here.
    """
    whole, _, terms, params = minimised("factor_vae", {"gamma": 10.0}, **CRITIC)
    leaves = [params["mean"], params["logvar"]]
    both = torch.autograd.grad(whole, leaves, retain_graph=True)
    without = torch.autograd.grad(whole - terms.extra["critic"], leaves, retain_graph=True)
    assert all(torch.equal(a, b) for a, b in zip(both, without, strict=True))
    plain, _, _, other = minimised("beta_vae", {"beta": 1.0})
    vaes = torch.autograd.grad(plain, [other["mean"]])[0]
    assert torch.allclose(both[0] - vaes, table(*[[2.0, -0.5, -1.75]] * 4), atol=1e-12)
    critics = [params[k] for k in CRITIC]
    mine = torch.autograd.grad(whole, critics, retain_graph=True)
    its = torch.autograd.grad(terms.extra["critic"], critics)
    assert all(torch.equal(a, b) for a, b in zip(mine, its, strict=True))
    assert any(bool(g.any()) for g in mine)


def test_an_untrained_critic_tells_nothing() -> None:
    """W = 0: TC is the difference of the biases, the critic's loss ½(softplus(-.4) + softplus(.4)); ln 2 at b = 0."""
    for bias, tc, loss in (([0.3, -0.1], 0.4, 0.7130152), ([0.0, 0.0], 0.0, math.log(2))):
        zero = {"critic.0.weight": torch.zeros(2, 3).double(), "critic.0.bias": torch.tensor(bias).double()}
        extra = minimised("factor_vae", {}, **zero)[2].extra
        assert float(extra["total_correlation"].detach()) == pytest.approx(tc, abs=1e-6)
        assert float(extra["critic"].detach()) == pytest.approx(loss, abs=1e-6)


def test_each_latent_is_permuted_over_the_batch_on_its_own() -> None:
    drawn = factor_vae.draws(torch.Generator().manual_seed(0), 50, 4)["lender"]
    codes = torch.randn(50, 4, generator=torch.Generator().manual_seed(1))
    permuted = codes.gather(0, drawn)
    assert torch.equal(permuted.sort(0).values, codes.sort(0).values)  # each column keeps its codes
    orders = {tuple(drawn[:, k].tolist()) for k in range(4)}
    assert len(orders) == 4
    assert not torch.equal(
        permuted.sort(1).values, codes.sort(1).values
    )  # within rows, as one toolkit has it, it would
    assert torch.equal(codes.gather(0, LENDER[:, :1].repeat(1, 4))[0], codes[2])


@pytest.mark.parametrize(
    ("share", "anneal", "wanted"),
    [(0.0, 1.0, 0.0), (1e-5, 1.0, 0.00025), (0.5, 1.0, 12.5), (1.0, 1.0, 25.0), (0.5, 0.25, 25.0)],
)  # fmt: skip
def test_capacity_grows_from_nought_and_stays(share: float, anneal: float, wanted: float) -> None:
    knobs = given(gamma=10.0, capacity=25.0, anneal=anneal)
    assert float(capacity(knobs, torch.tensor(share).double())) == pytest.approx(wanted, abs=1e-6)
    whole, _, terms, _ = minimised("annealed_vae", knobs, share=share)
    assert float(whole.detach()) == pytest.approx(RECONSTRUCTION + 10 * abs(KL - wanted), abs=1e-6)
    assert float(terms.extra["capacity"]) == pytest.approx(wanted, abs=1e-6)


def test_no_capacity_is_the_beta_vae() -> None:
    mine, its = minimised("annealed_vae", given(gamma=4.0, capacity=0.0)), minimised("beta_vae", given(beta=4.0))
    assert float(mine[0].detach()) == float(its[0].detach())


def test_covariances_are_drawn_to_the_identity() -> None:
    """Three toolkits add the mean variance to every entry (1.4229 where .1419 is right), or centre over latents."""
    first = objectives.named("dip_vae_i").penalty, objectives.named("dip_vae_ii").penalty
    assert first[0] is first[1]
    for name, wanted in (("dip_vae_i", (1.0, 10.0, 14.06483515625)), ("dip_vae_ii", (1.0, 1.0, 0.1418884442553264))):
        off, on, penalty = wanted
        whole = minimised(name, given(lambda_od=off, lambda_d=on))[0]
        assert float(whole.detach()) - RECONSTRUCTION - KL == pytest.approx(penalty, abs=1e-9)
    ones, zero = table([1, 1], [-1, -1]), torch.zeros(2, 2).double()
    _, _, terms, _ = minimised("dip_vae_i", {}, mean=ones, logvar=zero, noise=zero)
    assert (float(terms.extra["off_diagonal"].detach()), float(terms.extra["diagonal"].detach())) == (2.0, 0.0)
    white = table([1, 1], [1, -1], [-1, 1], [-1, -1])
    _, _, terms, _ = minimised("dip_vae_i", {}, mean=white, logvar=white, noise=white)
    assert not any(float(v.detach()) for v in terms.extra.values())
    _, _, terms, _ = minimised("dip_vae_ii", {}, mean=0 * white, logvar=0 * white, noise=white)
    assert not any(float(v.detach()) for v in terms.extra.values())


@pytest.mark.parametrize("name", ["dip_vae_i", "dip_vae_ii"])
def test_covariances_know_neither_order_nor_place(name: str) -> None:
    def of(mean: torch.Tensor, logvar: torch.Tensor) -> list[float]:
        return [float(v.detach()) for v in minimised(name, {}, mean=mean, logvar=logvar)[2].extra.values()]

    order = torch.tensor([2, 0, 3, 1])
    assert of(MEAN[order], LOGVAR[order]) == pytest.approx(of(MEAN, LOGVAR), rel=1e-12)
    assert of(MEAN + table([5.0, -3.0, 1.0]), LOGVAR) == pytest.approx(of(MEAN, LOGVAR), rel=1e-12)
    assert torch.equal(dip_vae.apart(torch.eye(3))["off_diagonal"], torch.zeros(()))


@pytest.mark.parametrize(
    ("kernel", "wanted"),
    [("rbf", -0.09940709832749928), ("rbf_zhao", -0.07559367232147007), ("imq", -0.4134505959727921)],
)  # fmt: skip
def test_the_discrepancy_of_two_samples(kernel: str, wanted: float) -> None:
    codes = Posterior(MEAN, LOGVAR).sample(table([0.3, -0.2, 1], [-1.1, 0.4, 0], [0.7, 0, -0.6], [0.2, -0.9, 0.5]))
    assert float(info_vae.discrepancy(kernel, codes, PRIOR)) == pytest.approx(wanted, abs=1e-9)
    apart, itself = (float(info_vae.kernel(kernel, codes[:1], codes[k : k + 1])) for k in (1, 0))
    assert float(info_vae.discrepancy(kernel, codes[:2], codes[:2])) == pytest.approx(apart - itself, abs=1e-12)
    far = info_vae.discrepancy(kernel, codes + 3, PRIOR)
    assert float(far) > 5 * abs(wanted)  # minimised, it draws codes to the prior: its weight is never negative


def test_the_mmds_weight_is_never_negative() -> None:
    """One toolkit's defaults maximise it."""
    objective = objectives.named("info_vae")
    with pytest.raises(Misuse, match="mmd is -1; wanted a number from 0"):
        objectives.checked(objective, {"mmd": -1})
    with pytest.raises(Misuse, match=r"alpha is 1\.5; wanted a number from"):
        objectives.checked(objective, {"alpha": 1.5})
    assert objectives.checked(objective, {"alpha": -0.5, "mmd": 0}) == {"alpha": -0.5, "mmd": 0.0}


def test_alpha_and_gamma_are_refused_where_the_kl_is_not_taken_apart() -> None:
    objective = objectives.named("beta_tcvae")
    with pytest.raises(Misuse, match="'dl' has no alpha and no gamma"):
        objectives.checked(objective, {"weights": "dl", "alpha": 1, "gamma": 2})
    with pytest.raises(Misuse, match="did you mean 'mss'"):
        objectives.checked(objective, {"weights": "msss"})


def test_shared_latents_of_the_hand_pairs() -> None:
    pair = Posterior(MEAN[:2], LOGVAR[:2])
    assert ada_vae.shared(pair, "kl").tolist() == [[False, True, True]]
    assert ada_vae.shared(pair, "symmetric").tolist() == [[False, False, True]]
    swapped = Posterior(MEAN[[1, 0]], LOGVAR[[1, 0]])
    assert ada_vae.shared(swapped, "symmetric").tolist() == [[False, False, True]]
    assert ada_vae.shared(swapped, "kl").tolist() == [[False, False, True]]  # KL is not symmetric
    rows = (MEAN[:1], LOGVAR[:1], MEAN[1:2], LOGVAR[1:2])
    mean, logvar = ada_vae.gvae(*rows)
    assert torch.allclose(mean, table([1, -0.4, -0.15]), atol=1e-12)
    assert torch.allclose(logvar, table([-1.379885, -0.719070, 0.051249]), atol=1e-6)
    mean, logvar = ada_vae.ml_vae(*rows)
    assert torch.allclose(mean, table([1.231059, -0.253049, -0.142506]), atol=1e-6)
    assert torch.allclose(logvar, table([-1.620115, -0.780930, 0.048751]), atol=1e-6)
    # By hand: δ = (2, ½, 0), threshold 1; KL ½(.125 + 2.125).
    mean = table([0, 0, 0], [2, 1, 0])
    _, _, terms, _ = minimised("ada_gvae", {}, mean=mean, logvar=0 * mean, noise=mean)
    assert float(terms.kl.sum().detach()) == pytest.approx(1.125, abs=1e-12)
    assert float(terms.extra["shared"]) == 2.0


@pytest.mark.parametrize("name", ["ada_gvae", "ada_ml_vae"])
def test_identical_images_keep_their_posterior(name: str) -> None:
    twice = Posterior(MEAN.repeat_interleave(2, 0), LOGVAR.repeat_interleave(2, 0))
    changed = objectives.named(name).posterior(twice, {"distance": "kl"})
    assert torch.allclose(changed.mean, twice.mean, atol=1e-12)
    assert torch.allclose(changed.logvar, twice.logvar, atol=1e-12)


def test_the_likelihoods_keep_their_constants() -> None:
    optimal = math.log(math.exp(-1.100082219739816 + 6) - 1) - 6  # through the soft bound at -6
    whole = minimised(
        "beta_vae", given(beta=0.0, likelihood="calibrated"), **{LOG_SIGMA: torch.tensor(optimal).double()}
    )
    assert float(whole[0].detach()) == pytest.approx(1.2754252538594275, abs=1e-9)
    wanted = table([-1.7764456818303722, -1.955183350849505, -1.7677422945109074, -0.505911])[0]
    assert torch.allclose(continuous_nats(LOGITS, IMAGES), wanted, atol=1e-6)
    flat = torch.zeros(1, 1, 1, 1).double()
    assert float(continuous_nats(flat, flat + 0.7)) == 0.0  # at a logit of 0 the density is 1


@pytest.mark.parametrize("logit", [-60.0, -5.0, -0.1001, -0.0999, 0.0, 1e-3, 0.0999, 0.1001, 2.0, 60.0])
def test_the_continuous_bernoulli_is_a_density_with_its_mean(logit: float) -> None:
    """∫ exp(-nats) dx = 1 and ∫ x exp(-nats) dx the mean, by the trapezoidal rule; its gradient is mean - x."""
    x = torch.linspace(0, 1, 200_001, dtype=torch.float64)
    logits = torch.full((len(x), 1, 1, 1), logit, dtype=torch.float64, requires_grad=True)
    nats = continuous_nats(logits, x.view(-1, 1, 1, 1))
    density = (-nats).exp().detach()
    assert float(torch.trapezoid(density, x)) == pytest.approx(1, abs=1e-6)
    mean = float(continuous_mean(logits[:1].detach()))
    assert float(torch.trapezoid(density * x, x)) == pytest.approx(mean, abs=1e-6)
    (gradient,) = torch.autograd.grad(nats.sum(), logits)
    assert torch.allclose(gradient.flatten(), mean - x, atol=1e-6)
    rough = logits[:1].detach().float()
    assert float(continuous_mean(rough)) == pytest.approx(mean, abs=3e-6)
    assert math.isfinite(float(continuous_nats(rough, rough * 0)))

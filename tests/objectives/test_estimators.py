"""The β-TCVAE's estimators of mutual information, total correlation and dimension-wise KL, by closed forms and means.

That the three sum to the one-sample KL divergence holds for any weights, right or wrong; so each is held alone.
"""

from __future__ import annotations

import math

import pytest
import torch
from hand_batch import RECONSTRUCTION, SAMPLED_KL, given, minimised
from torch import Tensor

from betavae.models.base import Posterior
from betavae.objectives.base import Pass
from betavae.objectives.beta_tcvae import WEIGHTS, log_weights, terms

PARTS = ("mutual_information", "total_correlation", "dimension_kl")
SAMPLED = [name for name in WEIGHTS if name != "dl"]


def parts(weights: str, mean: Tensor, logvar: Tensor, noise: Tensor, size: int = 1000) -> list[float]:
    posterior = Posterior(mean, logvar)
    seen = Pass(posterior, posterior.sample(noise), {}, size, torch.ones(()))
    found = terms({}, seen, {"weights": weights})
    return [float(found[name].mean()) for name in PARTS]


@pytest.mark.parametrize(
    ("weights", "wanted"),
    [
        ("plain", [0.879120693229258, 0.22029227344735303, -0.02250669847367126]),
        ("mws", [7.786875972211396, 14.035802831411626, -20.74577253542008]),
        ("mss", [1.736072756217086, 0.023197496611152668, -0.6823639846252989]),
        ("mss_published", [1.3052688133759953, 0.0752911089444398, -0.30365365411749545]),
    ],
)
def test_the_terms_of_the_hand_batch(weights: str, wanted: list[float]) -> None:
    extra = minimised("beta_tcvae", given(weights=weights))[2].extra
    assert [float(extra[name].detach()) for name in PARTS] == pytest.approx(wanted, abs=1e-9)


def test_disentanglement_libs_total_correlation_lacks_its_constant() -> None:
    found = float(minimised("beta_tcvae", given(weights="dl"))[2].extra["total_correlation"].detach())
    assert found == pytest.approx(-2.5522964487924282, abs=1e-9)
    assert found == pytest.approx(0.22029227344735303 - 2 * math.log(4), abs=1e-9)


@pytest.mark.parametrize("weights", SAMPLED)
@pytest.mark.parametrize("size", [5, 1000, 737_280])
def test_all_weights_one_is_the_one_sample_elbo(weights: str, size: int) -> None:
    whole = minimised("beta_tcvae", given(beta=1.0, weights=weights), size=size)[0]
    assert float(whole.detach()) == pytest.approx(RECONSTRUCTION + SAMPLED_KL, abs=1e-9)


def test_the_size_of_the_training_set_is_a_constant_under_mws() -> None:
    """The gradient is that of the plain weights, whatever the size; the terms are theirs plus constants."""
    found = []
    for weights, size in (("plain", 1000), ("mws", 1000), ("mws", 737_280)):
        whole, _, _, params = minimised("beta_tcvae", given(beta=6.0, weights=weights), size=size)
        found.append(torch.autograd.grad(whole, [params["mean"], params["logvar"]]))
    for other in found[1:]:
        assert all(torch.allclose(a, b, atol=1e-12) for a, b in zip(found[0], other, strict=True))
    stratified = minimised("beta_tcvae", given(beta=6.0, weights="mss"), size=737_280)
    slope = torch.autograd.grad(stratified[0], stratified[3]["mean"])[0]
    assert not torch.allclose(slope, found[0][0], atol=1e-2)  # another estimator, by its own name


def test_stratified_weights_sum_to_one_and_are_plain_where_the_batch_is_all() -> None:
    weights = torch.tensor(log_weights("mss", 64, 1000), dtype=torch.float64).exp()
    assert torch.allclose(weights.sum(1), torch.ones(64).double())
    assert torch.allclose(weights.diagonal(), torch.full((64,), 1e-3).double())
    whole = torch.tensor(log_weights("mss", 64, 64), dtype=torch.float64)
    assert torch.allclose(whole, torch.tensor(log_weights("plain", 64, 64), dtype=torch.float64))
    published = torch.tensor(log_weights("mss_published", 64, 1000), dtype=torch.float64).exp()
    assert not torch.allclose(published.diagonal()[2:], torch.full((62,), 1e-3).double(), atol=1e-3)


def test_identical_and_far_posteriors_by_hand() -> None:
    """Identical: nothing is told of the image. A thousand apart: its number is, ln 2 as the batch has it, ln N as the
    training set has.
    """
    zero, ln = torch.zeros(4, 3).double(), math.log(1000)
    noise = torch.randn(4, 3, generator=torch.Generator().manual_seed(0)).double()
    for weights in ("plain", "mss"):
        assert parts(weights, zero, zero, noise) == pytest.approx([0, 0, 0], abs=1e-12)
    assert parts("mws", zero, zero, noise) == pytest.approx([ln, 2 * ln, -3 * ln], abs=1e-9)
    assert parts("dl", zero, zero, noise)[1] == pytest.approx(-2 * math.log(4), abs=1e-12)
    far, noise = torch.tensor([[0.0] * 3, [1000.0] * 3]).double(), noise[:2]
    for weights, once in (("plain", math.log(2)), ("mss", ln), ("dl", 0.0)):
        mutual, total, _ = parts(weights, far, 0 * far, noise)
        assert (mutual, total) == (pytest.approx(once, abs=1e-9), pytest.approx(2 * once, abs=1e-9))


def means(codes: int, truth: float, batch: int, size: int, batches: int, weights: str) -> list[float]:
    """The mean of each term over batches of factorised Gaussian codes, q(z) = N(0, I): posteriors of variance s² have
    a mutual information of -Z ln s, which is ``truth``.
    """
    generator, spread = torch.Generator().manual_seed(3), math.exp(-truth / codes)
    rows = []
    for _ in range(batches):
        mean = torch.randn(batch, codes, generator=generator, dtype=torch.float64) * math.sqrt(1 - spread**2)
        noise = torch.randn(batch, codes, generator=generator, dtype=torch.float64)
        rows.append(parts(weights, mean, torch.full_like(mean, 2 * math.log(spread)), noise, size))
    found: list[float] = torch.tensor(rows).mean(0).tolist()
    return found


@pytest.mark.parametrize(
    ("codes", "truth", "batch", "size", "batches", "weights", "wanted", "near"),
    [
        (4, 3.32, 64, 10_000, 120, "plain", (2.83, 0.40, 0.10), 0.06),
        (4, 3.32, 64, 10_000, 120, "mss", (3.80, -0.38, -0.10), 0.06),
        (4, 3.32, 2048, 10_000, 3, "plain", (3.29, 0.035, 0.002), 0.06),
        (4, 3.32, 2048, 10_000, 3, "mss", (3.34, -0.010, -0.003), 0.06),
        (10, 11.5, 64, 10_000, 200, "plain", (4.15, 6.9, 0.35), 0.15),
        (10, 11.5, 64, 10_000, 200, "mss", (9.2, 2.7, -0.46), 0.25),
    ],
)
def test_means_over_batches_are_the_tabulated_ones(
    codes: int, truth: float, batch: int, size: int, batches: int, weights: str, wanted: tuple[float, ...], near: float
) -> None:
    """Gaussian codes of which truth is (MI, 0, 0): how far each estimator is from it at each size of a batch."""
    assert means(codes, truth, batch, size, batches, weights) == pytest.approx(wanted, abs=near)


@pytest.mark.parametrize(("weights", "wanted"), [("plain", (1.90, 0.92, 0.33)), ("mss", (2.19, 0.81, 0.17))])
def test_correlated_codes_have_the_tabulated_means(weights: str, wanted: tuple[float, ...]) -> None:
    """Two pairs of correlated latents: TC = -ln(1 - ρ²), DW = 2(v - 1 - ln v) and MI = ½ ln det(Σ / s²) are .884, .242
    and 2.045; 64 images of 10,000.
    """
    rho, v = math.sqrt(1 - math.exp(-0.884)), 0.585202
    assert 2 * (v - 1 - math.log(v)) == pytest.approx(0.242, abs=1e-5)
    noise = math.exp(math.log(v) + math.log(1 - rho**2) / 2 - 2.045 / 2)
    pair = v * torch.tensor([[1, rho], [rho, 1]], dtype=torch.float64)
    whole = torch.block_diag(pair, pair)
    assert float(0.5 * (whole / noise).logdet()) == pytest.approx(2.045, abs=1e-9)
    way = torch.linalg.cholesky(whole - noise * torch.eye(4, dtype=torch.float64)).T
    generator, rows = torch.Generator().manual_seed(3), []
    for _ in range(200):
        mean, drawn = torch.randn(2, 64, 4, generator=generator, dtype=torch.float64)
        rows.append(parts(weights, mean @ way, torch.full_like(mean, math.log(noise)), drawn, 10_000))
    assert torch.tensor(rows).mean(0).tolist() == pytest.approx(wanted, abs=0.06)

"""Laws of the Fréchet distance, its streamed moments, and the kernel distance."""

from __future__ import annotations

import importlib.util
import itertools
import sys
import types

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor

from betavae import rng
from betavae.errors import Misuse
from betavae.metrics.fidelity.distance import Moments, frechet, kid


def gaussian(name: str, n: int, d: int, spread: float = 1.0, mean: float = 0.0) -> Tensor:
    """Correlated features that belong to a name, ``[n, d]`` float64."""
    source = rng.generator("test_frechet", name)
    mix = torch.randn(d, d, generator=source, dtype=torch.float64) / d**0.5
    return mean + spread * torch.randn(n, d, generator=source, dtype=torch.float64) @ mix


def moments(features: Tensor) -> Moments:
    return Moments.none(features.shape[1]).add(features)


def given(mean: Tensor, covariance: Tensor, size: int = 100) -> Moments:
    """Moments with exactly this mean and covariance."""
    return Moments(size, mean.double(), covariance.double() * (size - 1))


def textbook(a: Moments, b: Moments, extra: float = 0.0) -> float:
    """The usual formula with a matrix square root of the product, in SciPy; ``extra`` is added to both diagonals."""
    ridge = extra * np.eye(len(a.mean))
    first, second = a.covariance.numpy() + ridge, b.covariance.numpy() + ridge
    root = np.real(scipy.linalg.sqrtm(first @ second))
    gap = (a.mean - b.mean).numpy()
    return float(gap @ gap + np.trace(first + second - 2 * root))


def test_equal_covariances_leave_the_squared_distance_of_the_means() -> None:
    covariance = moments(gaussian("cov", 200, 7)).covariance
    mean = torch.arange(7.0)
    assert frechet(given(mean, covariance), given(mean + 2, covariance)) == pytest.approx(28.0, rel=1e-12)


def test_commuting_diagonals_have_a_closed_form() -> None:
    a, b = torch.tensor([4.0, 9.0, 0.0]), torch.tensor([1.0, 16.0, 25.0])
    zero = torch.zeros(3)
    # (2 - 1)² + (3 - 4)² + (0 - 5)²
    assert frechet(given(zero, a.diag()), given(zero, b.diag())) == pytest.approx(27.0, rel=1e-12)


def test_one_dimension_is_the_distance_of_means_and_deviations() -> None:
    # μ 0 and 3, σ 1 and 5: 9 + 16
    one, two = given(torch.zeros(1), torch.ones(1, 1)), given(torch.tensor([3.0]), torch.tensor([[25.0]]))
    assert frechet(one, two) == pytest.approx(25.0, rel=1e-12)


@pytest.mark.parametrize("n", [12, 400])
def test_distance_is_symmetric_and_zero_for_itself(n: int) -> None:
    a, b = moments(gaussian("a", n, 40)), moments(gaussian("b", n, 40, spread=2))
    assert frechet(a, b) == pytest.approx(frechet(b, a), rel=1e-12)
    assert frechet(a, a) == pytest.approx(0, abs=1e-10)
    assert frechet(a, b) > 1


@pytest.mark.parametrize("d", [3, 48])
def test_agrees_with_the_textbook_formula_at_full_rank(d: int) -> None:
    a, b = moments(gaussian("a", 500, d)), moments(gaussian("b", 300, d, spread=1.5, mean=0.3))
    assert frechet(a, b) == pytest.approx(textbook(a, b), rel=1e-9)


def test_agrees_with_torch_fidelity(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec("torch_fidelity")
    if found is None:
        pytest.skip("torch-fidelity is not installed: pip install --no-deps torch-fidelity")
    # Its package imports torchvision, which its arithmetic does not need: import the one module, the rest hollow.
    for name in ("torch_fidelity", "torch_fidelity.helpers", "torch_fidelity.utils"):
        hollow = types.ModuleType(name)
        hollow.__dict__["__getattr__"] = lambda attribute: lambda *given: None
        monkeypatch.setitem(sys.modules, name, hollow)
    sys.modules["torch_fidelity"].__path__ = list(found.submodule_search_locations or ())
    theirs = importlib.import_module("torch_fidelity.metric_fid")
    monkeypatch.delitem(sys.modules, "torch_fidelity.metric_fid")
    x, y = gaussian("a", 500, 48), gaussian("b", 300, 48, spread=1.5, mean=0.3)
    statistics = [theirs.fid_features_to_statistics(s) for s in (x, y)]
    wanted = theirs.fid_statistics_to_metric(*statistics, False)[theirs.KEY_METRIC_FID]
    assert frechet(moments(x), moments(y)) == pytest.approx(wanted, rel=1e-8)


def test_fewer_images_than_dimensions_is_the_limit_of_the_regularised_formula() -> None:
    a, b = moments(gaussian("a", 20, 60)), moments(gaussian("b", 25, 60, spread=1.5))
    ridge = 1e-10 * torch.eye(60, dtype=torch.float64)
    first, second = given(a.mean, a.covariance + ridge), given(b.mean, b.covariance + ridge)
    assert frechet(first, second) == pytest.approx(textbook(first, second), rel=1e-5)
    assert frechet(a, b) == pytest.approx(textbook(a, b, extra=1e-10), rel=1e-4)


def test_fewer_images_than_dimensions_is_exact() -> None:
    x, y = gaussian("a", 20, 60), gaussian("b", 25, 60, spread=1.5)
    # With as few images, the root's trace is the nuclear norm of the product of the centred features themselves.
    centred = [(s - s.mean(0)) / (len(s) - 1) ** 0.5 for s in (x, y)]
    root = torch.linalg.svdvals(centred[0] @ centred[1].T).sum()
    wanted = (x.mean(0) - y.mean(0)).square().sum() + sum(c.square().sum() for c in centred) - 2 * root
    assert frechet(moments(x), moments(y)) == pytest.approx(float(wanted), rel=1e-12)


def test_a_rotation_of_all_features_changes_nothing_and_a_scale_scales() -> None:
    x, y = gaussian("a", 100, 9), gaussian("b", 100, 9, spread=2)
    turn = torch.linalg.qr(gaussian("turn", 9, 9)).Q
    distance = frechet(moments(x), moments(y))
    assert frechet(moments(x @ turn), moments(y @ turn)) == pytest.approx(distance, rel=1e-10)
    assert frechet(moments(3 * x), moments(3 * y)) == pytest.approx(9 * distance, rel=1e-10)


@pytest.mark.parametrize("cuts", [[100], [1, 99], [7, 13, 80], [50, 0, 50]])
def test_streamed_moments_are_those_of_all_at_once(cuts: list[int]) -> None:
    x = gaussian("a", 100, 6, mean=5)
    streamed = Moments.none(6)
    for part in x.split(cuts):
        streamed = streamed.add(part)
    assert streamed.size == 100
    np.testing.assert_allclose(streamed.mean, x.mean(0), rtol=1e-13)
    np.testing.assert_allclose(streamed.covariance, np.cov(x.T.numpy()), rtol=1e-11, atol=1e-13)


def test_merging_is_the_same_in_every_order() -> None:
    parts = [moments(part) for part in gaussian("a", 60, 5).split([10, 20, 30])]
    merged = [a.merge(b).merge(c) for a, b, c in itertools.permutations(parts)]
    for other in merged[1:]:
        np.testing.assert_allclose(other.scatter, merged[0].scatter, rtol=1e-11)


def test_a_large_mean_loses_no_digits() -> None:
    x = gaussian("a", 300, 4)
    far = Moments.none(4)
    for part in (x + 1e7).split(50):
        far = far.add(part)
    np.testing.assert_allclose(far.covariance, moments(x).covariance, rtol=1e-6, atol=1e-8)
    raw = (x + 1e7).T @ (x + 1e7) / 299 - torch.outer((x + 1e7).mean(0), (x + 1e7).mean(0)) * 300 / 299
    assert not np.allclose(raw, moments(x).covariance, rtol=1e-2, atol=1e-2)  # what sums of raw products would give


def test_moments_are_float64_whatever_the_features() -> None:
    a = Moments.none(3).add(torch.ones(5, 3, dtype=torch.float16))
    assert a.mean.dtype == a.scatter.dtype == torch.float64


def test_mistakes_are_named() -> None:
    with pytest.raises(Misuse, match=r"wanted \[n, 4\]"):
        Moments.none(4).add(torch.zeros(2, 3))
    with pytest.raises(Misuse, match="not finite"):
        Moments.none(3).add(torch.full((2, 3), float("nan")))
    with pytest.raises(Misuse, match="at least 2 features, given 1"):
        _ = Moments.none(3).add(torch.zeros(1, 3)).covariance
    with pytest.raises(Misuse, match="3 and of 4 dimensions"):
        frechet(moments(torch.zeros(5, 3)), moments(torch.zeros(5, 4)))
    with pytest.raises(Misuse, match="kernel distance"):
        kid(torch.zeros(1, 3), torch.zeros(5, 3), rng.generator(0))


def test_kernel_distance_of_two_points_by_hand() -> None:
    x = torch.tensor([[0.0], [1.0]])
    # k(0,0) = k(0,1) = 1, k(1,1) = 8: 1 + 1 - 2·(1 + 1 + 1 + 8)/4
    assert kid(x, x, rng.generator(0), subsets=1).value == pytest.approx(-3.5)


def test_kernel_distance_is_the_double_sum_over_pairs() -> None:
    x, y = gaussian("a", 6, 3), gaussian("b", 6, 3, mean=0.5)

    def k(p: Tensor, q: Tensor) -> float:
        return float((p @ q / 3 + 1) ** 3)

    within = sum(k(s[i], s[j]) for s in (x, y) for i in range(6) for j in range(6) if i != j) / 30
    across = sum(k(p, q) for p in x for q in y) / 36
    assert kid(x, y, rng.generator(0), subsets=2).value == pytest.approx(within - 2 * across, rel=1e-10)


def test_kernel_distance_has_no_bias_from_the_number_of_images() -> None:
    values = []
    for i in range(200):
        x = torch.randn(40, 4, generator=rng.generator("kid", i))
        values.append(kid(x[:20], x[20:], rng.generator(0), subsets=1).value)
    assert abs(np.mean(values)) < 3 * np.std(values) / len(values) ** 0.5
    assert min(values) < 0


@pytest.mark.parametrize("images", [24, 240])
def test_a_perfect_codec_is_at_no_kernel_distance_however_few_the_images(images: int) -> None:
    """Matched pairs left out, equal sides are at 0; counted in, they would be at about -33 / N."""
    x = gaussian("a", images, 5)
    assert kid(x, x, rng.generator(0), subsets=3, size=images // 2, matched=True).value == pytest.approx(0, abs=1e-12)
    assert kid(x, x, rng.generator(0), subsets=3, size=images).value < -1 / images
    with pytest.raises(Misuse, match="matched sides of 24"):
        kid(x[:24], x[:20], rng.generator(0), matched=True)


def test_kernel_distance_sees_a_shift_and_follows_its_generator() -> None:
    x, y = gaussian("a", 200, 5), gaussian("b", 200, 5, mean=1)
    here = kid(x, y, rng.generator("s", 1), subsets=5, size=50)
    assert here == kid(x, y, rng.generator("s", 1), subsets=5, size=50)
    assert here != kid(x, y, rng.generator("s", 2), subsets=5, size=50)
    assert here.value > 0.5
    assert here.spread > 0


def test_where_eigh_does_not_converge_singular_values_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """A collapsed model's images differ by rounding alone, and some of their covariances defeat LAPACK's eigh."""
    sides = [Moments.none(6).add(torch.randn(n, 6, generator=torch.Generator().manual_seed(n))) for n in (4, 40)]
    usual = frechet(*sides)

    def refuse(matrix: torch.Tensor) -> None:
        raise torch.linalg.LinAlgError("failed to converge")

    monkeypatch.setattr(torch.linalg, "eigh", refuse)
    assert frechet(*sides) == pytest.approx(usual, rel=1e-9)

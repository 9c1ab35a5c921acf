"""Distances between two sets of features: Fréchet's, from streamed moments, and the kernel distance, from the features.

Nothing here knows an image or a network. Moments are float64 and can be added to, merged, and used again.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from betavae.errors import Misuse


class Moments(NamedTuple):
    """How many features, their mean ``[d]`` and scatter ``[d, d]`` (sum of outer products about the mean), float64.

    Sums about the mean, joined by the formula of Chan, Golub & LeVeque 1983, lose no digits where the mean is large.
    """

    size: int
    mean: Tensor
    scatter: Tensor

    @staticmethod
    def none(width: int, device: torch.device | str = "cpu") -> Moments:
        """The moments of no features yet."""
        nought = torch.zeros(width + 1, width, dtype=torch.float64, device=device)
        return Moments(0, nought[0], nought[1:])

    @property
    def covariance(self) -> Tensor:
        """The unbiased covariance ``[d, d]``. Raises Misuse for fewer than two features."""
        if self.size < 2:
            raise Misuse(f"a covariance needs at least 2 features, given {self.size}")
        return self.scatter / (self.size - 1)

    def add(self, features: Tensor) -> Moments:
        """With a batch ``[n, d]`` more. Raises Misuse where the shape does not fit or a feature is not finite."""
        if features.ndim != 2 or features.shape[1] != len(self.mean):
            raise Misuse(f"features of shape {tuple(features.shape)}, wanted [n, {len(self.mean)}]")
        if not bool(torch.isfinite(features).all()):
            raise Misuse("some features are not finite; were the images finite, and in [0, 1]?")
        if len(features) == 0:
            return self
        features = features.to(self.mean)
        mean = features.mean(0)
        centred = features - mean
        return self.merge(Moments(len(features), mean, centred.T @ centred))

    def merge(self, other: Moments) -> Moments:
        """The moments of both sets together, in whatever order and however they were cut."""
        size = self.size + other.size
        if size == 0:
            return self
        shift = other.mean - self.mean
        mean = self.mean + shift * (other.size / size)
        spread = torch.outer(shift, shift) * (self.size * other.size / size)
        return Moments(size, mean, self.scatter + other.scatter + spread)


def frechet(a: Moments, b: Moments) -> float:
    """The squared Fréchet distance of two Gaussians, |μ_a - μ_b|² + tr(A + B - 2 (A^½ B A^½)^½) (Dowson & Landau 1982).

    The trace of the root is the sum of the singular values of F_aᵀ F_b, where A = F_a F_aᵀ and B = F_b F_bᵀ: real by
    construction, and exact also where there are fewer images than dimensions, since null directions drop out.
    Raises Misuse where the widths differ or a side has fewer than two features.
    """
    if len(a.mean) != len(b.mean):
        raise Misuse(f"features of {len(a.mean)} and of {len(b.mean)} dimensions cannot be compared")
    root = torch.linalg.svdvals(_factor(a.covariance).T @ _factor(b.covariance)).sum()
    distance = (a.mean - b.mean).square().sum() + a.covariance.trace() + b.covariance.trace() - 2 * root
    return max(float(distance), 0.0)  # equal sides may differ by rounding


def _factor(covariance: Tensor) -> Tensor:
    """F ``[d, rank]`` with F Fᵀ equal to the covariance."""
    values: Tensor
    vectors: Tensor
    try:
        values, vectors = torch.linalg.eigh(covariance)
    except RuntimeError:  # LinAlgError: images that are all but equal leave rounding alone, which can defeat it
        vectors, values, _ = torch.linalg.svd(covariance)
    kept = values > values.max().clamp(min=0) * len(values) * torch.finfo(values.dtype).eps
    return vectors[:, kept] * values[kept].sqrt()


class Kid(NamedTuple):
    """The kernel distance, and its standard deviation over the subsets."""

    value: float
    spread: float


def kid(
    x: Tensor, y: Tensor, generator: torch.Generator, subsets: int = 100, size: int = 1000, matched: bool = False
) -> Kid:
    """The kernel inception distance of features ``[n, d]`` and ``[m, d]`` (Bińkowski et al. 2018, Sec. 4).

    The unbiased squared maximum mean discrepancy under (x·y / d + 1)³, averaged over random subsets of ``size`` (or of
    all, where there are fewer). The number of images brings no bias, so the value may be below zero. Where the sides
    are ``matched``, row i of both of the same image, subsets are of the same rows and an image does not meet itself:
    a perfect codec is then at 0, not below. Raises Misuse below two features, or where matched sides differ in number.
    """
    size = min(size, len(x), len(y))
    if size < 2 or subsets < 1:
        raise Misuse(f"a kernel distance needs 2 features a side and 1 subset, given {size} and {subsets}")
    if matched and len(x) != len(y):
        raise Misuse(f"matched sides of {len(x)} and {len(y)} features; wanted as many on both")
    found = []
    for _ in range(subsets):
        rows = torch.randperm(len(x), generator=generator)[:size]
        others = rows if matched else torch.randperm(len(y), generator=generator)[:size]
        one, two = x[rows.to(x.device)].double(), y[others.to(y.device)].double()
        found.append(_discrepancy(one, two, matched))
    values = torch.stack(found)
    return Kid(float(values.mean()), float(values.std(correction=0)))


def _discrepancy(x: Tensor, y: Tensor, matched: bool) -> Tensor:
    """The unbiased squared maximum mean discrepancy of two equally large sets, pairs of one with itself left out, and
    where the sets are matched pairs of one with its match.
    """
    n, width = x.shape
    xx, yy, xy = ((p @ q.T / width + 1).pow(3) for p, q in ((x, x), (y, y), (x, y)))
    within = xx.sum() - xx.trace() + yy.sum() - yy.trace()
    across = (xy.sum() - xy.trace()) / (n * (n - 1)) if matched else xy.mean()
    return within / (n * (n - 1)) - 2 * across

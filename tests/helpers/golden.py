"""Codes with known scores: recipes of tables over 2Dshapes' grid, and draws of their images.

The values that belong to them, in ``tests/metrics/golden.json``, were made with the original implementations on these
very arrays.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

from betavae.metrics.base import Draw, Metric
from betavae.types import Scores

NAMES = ("shape", "scale", "orientation", "posX", "posY")
SIZES = (3, 6, 40, 32, 32)
COUNT = int(np.prod(SIZES))
CODES = ("perfect", "rotated", "dup", "realistic", "mixed", "discrete", "zeros")


def grid() -> np.ndarray:
    """The factors of every image, ``[N, 5]``, last factor fastest."""
    return np.stack(np.unravel_index(np.arange(COUNT), SIZES), -1)


@lru_cache(maxsize=2)
def _noise() -> np.ndarray:
    return np.random.RandomState(11).randn(COUNT, 10)


def codes(name: str, f: np.ndarray) -> np.ndarray:
    """A code of images with these factors ``[n, 5]``, ``[n, Z]`` float64."""
    n = np.array(SIZES, float)
    u = (f - (n - 1) / 2) / np.sqrt((n * n - 1) / 12)
    zeros = np.zeros((len(f), 5))
    match name:
        case "perfect":
            return np.hstack([u, zeros])
        case "rotated":
            return u @ np.linalg.qr(np.random.RandomState(7).randn(10, 10))[0][:5]
        case "dup":
            return np.hstack([u, u])
        case "zeros":
            return np.hstack([zeros, zeros])
        case "realistic":
            turn = 2 * np.pi * f[:, 2] / 40
            return np.column_stack([u[:, 3], u[:, 4], 0.9 * u[:, 1] + 0.3 * u[:, 0], np.cos(turn), np.sin(turn),
                                    0.05 * np.sin(3 * u[:, 0]), 0.001 * u[:, 1], zeros[:, :3]])  # fmt: skip
        case "discrete":
            return np.column_stack([f[:, 0], f[:, 1], f[:, 2] // 4, f[:, 3] // 4, f[:, 4] // 8,
                                    (f[:, 0] + f[:, 1]) % 2]).astype(float)  # fmt: skip
        case "mixed":
            e = _noise()[np.ravel_multi_index(tuple(f.T), SIZES)]
            return np.column_stack([
                u[:, 3] + 0.3 * e[:, 0], u[:, 4] + 0.3 * e[:, 1], 0.8 * u[:, 1] + 0.4 * u[:, 2] + 0.3 * e[:, 2],
                0.6 * u[:, 2] - 0.5 * u[:, 1] + 0.3 * e[:, 3], u[:, 0] + 0.2 * u[:, 1] + 0.5 * e[:, 4],
                0.7 * u[:, 3] + 0.7 * u[:, 4] + 0.2 * e[:, 5], 0.5 * u[:, 0] * u[:, 1] + 0.3 * e[:, 6],
                e[:, 7], 0.02 * e[:, 8], 0.03 * u[:, 2] + 0.01 * e[:, 9]])  # fmt: skip
    raise ValueError(name)


def factors(source: np.random.RandomState, count: int) -> np.ndarray:
    """Factors drawn column by column, ``[count, 5]``."""
    return np.column_stack([source.randint(n, size=count) for n in SIZES])


@lru_cache(maxsize=4)
def drawn(name: str, fit: int = 10_000, test: int = 0, seed: int = 0) -> tuple[Draw, torch.Tensor]:
    """``fit`` images, then ``test`` more, with the codes of this name."""
    source = np.random.RandomState(seed)
    f = np.vstack([factors(source, count) for count in (fit, test) if count])
    index = torch.from_numpy(np.ravel_multi_index(tuple(f.T), SIZES))
    answer = torch.from_numpy(f.astype(np.int64))
    return Draw(index, answer, NAMES, fit, answer.double()), torch.from_numpy(np.ascontiguousarray(codes(name, f)))


@lru_cache(maxsize=1)
def whole(name: str) -> tuple[Draw, torch.Tensor]:
    """Every image of the grid, once."""
    answer = torch.from_numpy(grid().astype(np.int64))
    return Draw(torch.arange(COUNT), answer, NAMES, COUNT, answer.double()), torch.from_numpy(codes(name, grid()))


def scored(metric: Metric, asked: tuple[Draw, torch.Tensor], seed: int = 0) -> Scores:
    """What a metric gives to a draw and its codes."""
    return metric.score(torch.Generator().manual_seed(seed), *asked)

"""Would the metric notice? Any metric of codes beside itself on a random rotation of the same codes."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from betavae.metrics.base import Draw, Metric
from betavae.metrics.votes import higgins
from betavae.types import Scores


def rotation(**knobs: object) -> Metric:
    """The Higgins score of the codes beside that of the same codes under a random rotation; takes ``higgins``' knobs.

    The result's keys: "higgins", then "rotated", and "converged" where the classifier has a rule to stop by: 1 where
    both fits met it. Raises Misuse.
    """
    metric = rotated(higgins(**knobs), even=bool(knobs.get("standardise")))  # type: ignore[arg-type]
    return metric._replace(cites=(*metric.cites, "locatello2020"))


functools.update_wrapper(rotation, higgins, assigned=(), updated=())  # its knobs are those of higgins


def rotated(metric: Metric, even: bool = True) -> Metric:
    """A metric that scores the codes as ``metric`` does, and adds "rotated": its score of the same codes, mixed.

    A metric that cannot tell the two apart cannot see disentanglement. Both meet the same draw. Where ``even``, codes
    are brought to unit variance first, so that the rotation mixes them evenly; for a metric that sees the scale of
    codes, as the Higgins metric does, that would be another change beside the rotation.
    """

    def score(generator: torch.Generator, draw: Draw, codes: Tensor) -> Scores:
        plain, after = _both(metric, even, generator, draw, codes)
        key = next(iter(plain))
        met = {"converged": min(plain["converged"], after["converged"])} if "converged" in plain else {}
        return {key: plain[key], "rotated": after[key], **met}

    return metric._replace(score=score, seconds=2 * metric.seconds)


def beside(metric: Metric, even: bool = True) -> Metric:
    """A metric with all of its scores and, after them, "rotated" as ``rotated`` has it: a question's."""

    def score(generator: torch.Generator, draw: Draw, codes: Tensor) -> Scores:
        plain, after = _both(metric, even, generator, draw, codes)
        return {**plain, "rotated": after[next(iter(plain))]}

    return metric._replace(score=score, seconds=2 * metric.seconds)


def _both(metric: Metric, even: bool, generator: torch.Generator, draw: Draw, codes: Tensor) -> tuple[Scores, Scores]:
    """The scores of codes, and of the same rotated, with the same randomness."""
    before = generator.get_state()
    plain = metric.score(generator, draw, codes)
    mixed = turned(generator, codes, even)
    again = torch.Generator()
    again.set_state(before)
    return plain, metric.score(again, draw, mixed)


def turned(generator: torch.Generator, codes: Tensor, even: bool = True) -> Tensor:
    """Codes ``[*n, Z]``, centred (``even``: standardised), under a rotation or reflection drawn uniformly."""
    size = codes.shape[-1]
    q, r = torch.linalg.qr(torch.randn(size, size, generator=generator, dtype=torch.float64))
    q = (q * r.diagonal().sign()).float()  # without the signs QR would favour some directions (Mezzadri 2007)
    flat = codes.reshape(-1, size)
    flat = flat - flat.mean(0)
    if even:
        scale = flat.std(0)
        flat = flat / torch.where(scale > 0, scale, torch.ones_like(scale))
    mixed: Tensor = flat @ q
    return mixed.reshape(codes.shape)

"""The exact permutation test of a contrast within blocks, on the values themselves.

Where the conditions of a seed can be exchanged under the null (the same seed trained at several β), every order of its
values is as likely as every other. Ranks use that too, but forget how far apart values lie: with two conditions they
leave the sign test, which needs half as many seeds again for the same power on normal differences.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import permutations

import numpy as np
from scipy.signal import fftconvolve

from betavae.report.statistics.exact_tests import LISTED, Block, Tested, block_test

STEPS = 1024
"""Values are rounded to so many steps of the widest block before anything is compared: the test is exact for those."""


def contrast_test(blocks: Sequence[Block]) -> Tested:
    """The sum over blocks of weights times values against all orders of the values within each block, two-sided.

    The null distribution is the convolution of the blocks' own, each over all its orders: nothing is sampled. It need
    not be symmetric; p is twice the smaller tail, so that no skew decides with fewer seeds than ranks would. Values
    that are not finite (a diverged run as the worst) have no size, so such blocks are judged on ranks; so are blocks of
    more values than have their orders listed, and all where half of them would be rounded away beside the widest.
    """
    long = any(len(block.values) > LISTED for block in blocks)
    if long or not all(math.isfinite(v) for block in blocks for v in block.values):
        return block_test(blocks)
    span = max((max(block.values) - min(block.values) for block in blocks), default=0.0)
    if not span:
        return Tested(1.0, 0.0)
    spans = [max(block.values) - min(block.values) for block in blocks]
    if 2 * sum(0 < width < span / STEPS for width in spans) >= len(blocks):  # the same in every order of the values
        return block_test(blocks)
    total, variance, null, start, rarest = 0, 0.0, np.ones(1), 0, 1.0
    for block in blocks:
        weights = _whole(block.weights)
        low = min(block.values)
        steps = [round((v - low) / span * STEPS) for v in block.values]
        sums = np.array([sum(w * s for w, s in zip(weights, order, strict=True)) for order in permutations(steps)])
        here = sum(w * s for w, s in zip(weights, steps, strict=True))
        total, rarest = total + here, rarest * float((sums == here).mean())
        variance += float(np.square(sums).mean())
        first = int(sums.min())
        null, start = fftconvolve(null, np.bincount(sums - first) / len(sums)), start + first
    at = np.arange(len(null)) + start
    tail = min(float(null[at >= total].sum()), float(null[at <= total].sum()))
    p = min(1.0, 2 * max(tail, rarest))  # a transform's rounding may leave less than the outcome's own chance
    return Tested(p, total / math.sqrt(variance) if variance else 0.0)


def _whole(weights: Sequence[float]) -> list[int]:
    """Weights about their mean, as the smallest whole numbers in the same proportion."""
    exact = [Fraction(w).limit_denominator(1000) for w in weights]
    centre = sum(exact, Fraction()) / len(exact)
    centred = [w - centre for w in exact]
    scale = math.lcm(*(w.denominator for w in centred))
    whole = [int(w * scale) for w in centred]
    return [w // (math.gcd(*whole) or 1) for w in whole]

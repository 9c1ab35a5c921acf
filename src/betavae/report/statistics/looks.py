"""Looking more than once: how a claim's α is spent over the numbers of seeds at which it is judged.

A claim that is judged after 6, 10 and 20 seeds and called decided at the first p below .05 is called decided too often.
Here every look has an α of its own, fixed before the first: they add up to the claim's, so whatever exact test gives
the p's, and however they depend on each other, the chance of a false decision at any look is at most the claim's α. The
shares follow O'Brien and Fleming's boundary as Lan and DeMets (1983) spend it: next to nothing early, almost all at the
last look, which therefore costs little power.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from scipy import stats

from betavae.errors import Misuse
from betavae.report.statistics.summary import ALPHA


def shares(looks: Sequence[int], alpha: float = ALPHA) -> tuple[float, ...]:
    """The α of each look; ``looks`` are rising numbers of seeds, the last of them all that are planned.

    Up to the share t of the seeds 2 - 2·Φ(z₁₋α/₂ / √t) has been spent. Raises Misuse for looks that do not rise.
    """
    if not looks or any(n < 1 for n in looks) or any(a >= b for a, b in itertools.pairwise(looks)):
        raise Misuse(f"looks are {list(looks)}; wanted numbers of seeds that rise, such as [6, 10, 20]")
    if len(looks) == 1:
        return (alpha,)
    z = float(stats.norm.ppf(1 - alpha / 2))
    spent = [2 * float(stats.norm.sf(z / math.sqrt(n / looks[-1]))) for n in looks]
    return tuple(b - a for a, b in itertools.pairwise([0.0, *spent]))


def first_decided(ps: Sequence[float | None], looks: Sequence[int], alpha: float = ALPHA) -> int | None:
    """The place of the first look whose p (None: not reached yet) is within its share, or None."""
    allowed = zip(ps, shares(looks, alpha), strict=False)
    return next((k for k, (p, share) in enumerate(allowed) if p is not None and p <= share), None)

"""What the Higgins metric cannot see: the failure mode of Kim & Mnih (2018) that Sec. 2.2.2 of the paper cites.

Codes that say nothing at all of one factor can score 100 %: votes that share it are those in which no code stands
still.
"""

from __future__ import annotations

import pytest
import torch
from test_higgins import GRID, perfect, score
from torch import Tensor

FEW = {"votes": 500, "test_votes": 500, "pool": 8000}


def without(factor: int, index: Tensor) -> Tensor:
    """The true factors but one."""
    return torch.cat([perfect(index)[:, :factor], perfect(index)[:, factor + 1 : 5]], 1)


@pytest.mark.parametrize("factor", range(5), ids=GRID.names)
def test_codes_of_all_factors_but_one_score_a_hundred_per_cent(factor: int) -> None:
    assert score(lambda index: without(factor, index), **FEW) == 1.0


def test_of_two_missing_factors_one_is_a_guess() -> None:
    """Votes that share either look the same, so half of two fifths is lost: .8; the metric is blind for one alone."""
    two = score(lambda index: perfect(index)[:, 2:5], **FEW)
    assert two == pytest.approx(0.8, abs=5 * (0.8 * 0.2 / 500) ** 0.5)

"""The grid of factors: its arithmetic, its bounds, its draws."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from betavae.factors import Factors
from betavae.rng import generator

SPRITES = Factors(("shape", "scale", "orientation", "posX", "posY"), (3, 6, 40, 32, 32))
grids = st.lists(st.integers(1, 6), min_size=1, max_size=5).map(
    lambda sizes: Factors(tuple("abcde"[: len(sizes)]), tuple(sizes))
)


@given(grids)
def test_index_and_values_are_inverse_and_the_last_factor_is_fastest(factors):
    index = torch.arange(factors.size)
    values = factors.values(index)
    assert torch.equal(factors.index(values), index)
    grid = torch.cartesian_prod(*(torch.arange(size) for size in factors.sizes)).reshape(factors.size, -1)
    assert torch.equal(values, grid)


def test_an_index_found_by_hand():
    """((1 * 6 + 2) * 40 + 3) * 1024 + 4 * 32 + 5 = 330,885 of 737,280."""
    assert SPRITES.size == 737_280
    assert int(SPRITES.index(torch.tensor([1, 2, 3, 4, 5]))) == 330_885
    assert SPRITES.values(torch.tensor(330_885)).tolist() == [1, 2, 3, 4, 5]


def test_leading_axes_are_kept():
    index = torch.arange(24).reshape(2, 3, 4)
    assert SPRITES.values(index).shape == (2, 3, 4, 5)
    assert torch.equal(SPRITES.index(SPRITES.values(index)), index)
    assert SPRITES.values(torch.empty(0, dtype=torch.int64)).shape == (0, 5)


@pytest.mark.parametrize("factor", range(5))
def test_a_value_outside_its_factor_is_refused(factor):
    """The size itself is outside: the first value too many, not the second."""
    for wrong in (SPRITES.sizes[factor], -1):
        values = torch.zeros(3, 5, dtype=torch.int64)
        values[1, factor] = wrong
        with pytest.raises(ValueError, match=SPRITES.names[factor]):
            SPRITES.index(values)


def test_an_index_outside_the_grid_is_refused():
    for wrong in (-1, SPRITES.size):
        with pytest.raises(ValueError, match="0 to 737279"):
            SPRITES.values(torch.tensor([0, wrong]))


def test_values_of_another_length_are_refused():
    for shape in ((4,), (2, 6), ()):
        with pytest.raises(ValueError, match="the last axis must be 5"):
            SPRITES.index(torch.zeros(shape, dtype=torch.int64))


def test_samples_are_uniform_independent_and_the_generators_own():
    values = SPRITES.sample(generator("factors", 1), (200, 150))
    assert values.shape == (200, 150, 5)
    assert torch.equal(values, SPRITES.sample(generator("factors", 1), (200, 150)))
    assert not torch.equal(values, SPRITES.sample(generator("factors", 2), (200, 150)))
    flat = values.reshape(-1, 5)
    for factor, size in enumerate(SPRITES.sizes):
        counts = torch.bincount(flat[:, factor], minlength=size).double()
        assert len(counts) == size
        chi_square = float((counts - 30_000 / size).square().sum() / (30_000 / size))
        assert chi_square < (size - 1) + 5 * (2 * (size - 1)) ** 0.5
    correlations = torch.corrcoef(flat.T.double()) - torch.eye(5)
    assert float(correlations.abs().max()) < 5 / 30_000**0.5


@given(grids, st.data())
def test_a_walk_changes_one_factor_through_all_its_values(factors, data):
    centre = factors.values(torch.tensor(data.draw(st.integers(0, factors.size - 1))))
    factor = data.draw(st.integers(0, len(factors.sizes) - 1))
    path = factors.values(factors.walk(centre, factor))
    assert path[:, factor].tolist() == list(range(factors.sizes[factor]))
    others = [k for k in range(len(factors.sizes)) if k != factor]
    assert torch.equal(path[:, others], centre[others].expand(len(path), -1))


def test_what_varies_has_the_same_images_at_the_same_indices():
    padded = Factors(("one", "shape", "two", "scale"), (1, 3, 1, 6))
    assert padded.varying == Factors(("shape", "scale"), (3, 6))
    index = torch.arange(padded.size)
    assert torch.equal(padded.values(index)[:, [1, 3]], padded.varying.values(index))


def test_a_value_between_two_is_refused_and_not_cut():
    for wrong in (torch.tensor([0.5, 0, 0, 0, 0]), "abcde", None, [1, 2, "x", 4, 5], torch.tensor(float("nan"))):
        with pytest.raises(ValueError, match="factor values are whole numbers"):
            SPRITES.index(wrong)
        with pytest.raises(ValueError, match="indices are whole numbers"):
            SPRITES.values(wrong)
    assert int(SPRITES.index(torch.tensor([1.0, 2, 3, 4, 5]))) == 330_885
    for factor in (5, -1, "posX"):
        with pytest.raises(ValueError, match="wanted a position below 5"):
            SPRITES.walk(torch.zeros(5), factor)
    with pytest.raises(ValueError, match=r"a centre has shape \(2, 5\)"):
        SPRITES.walk(torch.zeros(2, 5), 0)

"""Randomness from names: the same name the same stream, another name another, and nothing else counts."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from betavae.rng import generator, numpy_generator, seed, spawn_seed

names = st.lists(st.integers(-(2**60), 2**60) | st.text(max_size=8) | st.floats(allow_nan=False, allow_infinity=False))


def test_a_seed_is_the_hash_of_its_name():
    """`printf '[1,"train","dsprites"]' | sha256sum` begins with 02a21f8272c79927."""
    first = hashlib.sha256(b'[1,"train","dsprites"]').digest()[:8]
    assert seed(1, "train", "dsprites") == int.from_bytes(first, "big") // 2 == 0x02A21F8272C79927 // 2


@given(names, names)
def test_other_names_have_other_seeds(one, other):
    assert seed(*one) == seed(*one)
    assert 0 <= seed(*one) < 2**63
    if repr(one) != repr(other):
        assert seed(*one) != seed(*other)


def test_order_type_and_grouping_belong_to_the_name():
    assert len({seed(1, 2), seed(2, 1), seed(12), seed("1", 2), seed("1,2"), seed(1.0, 2), seed("12"), seed()}) == 8


def test_a_name_that_is_no_number_is_refused():
    for wrong in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="JSON"):
            seed("noise", wrong)


def test_streams_ignore_global_generators_and_neighbours_and_leave_them_alone():
    alone = torch.randn(5, generator=generator("noise", 7))
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002  (the global generator is what must not matter)
    random.seed(1)
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    neighbour = generator("noise", 8)
    torch.randn(5, generator=neighbour)
    numpy_generator("noise", 8).normal(size=5)
    assert torch.equal(torch.randn(5, generator=generator("noise", 7)), alone)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    assert random.getstate() == before[2]


def test_another_process_draws_the_same():
    code = """
import torch
from betavae.rng import generator, numpy_generator
print(torch.randint(10**9, (3,), generator=generator("a", 1)).tolist())
print(numpy_generator("a", 1).integers(10**9, size=3).tolist())
"""
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    here = torch.randint(10**9, (3,), generator=generator("a", 1)).tolist()
    numbers = numpy_generator("a", 1).integers(10**9, size=3).tolist()
    assert there.strip() == f"{here}\n{numbers}"


def test_a_spawned_seed_fits_and_moves_the_stream_on():
    source = generator("spawn")
    seeds = [spawn_seed(source) for _ in range(100)]
    assert len(set(seeds)) == 100
    assert all(0 <= number < 2**32 for number in seeds)
    assert max(seeds) > 2**31
    again = generator("spawn")
    assert [spawn_seed(again) for _ in range(100)] == seeds

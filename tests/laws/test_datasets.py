"""Every dataset of the table that can be loaded here, held to the laws of datasets."""

from __future__ import annotations

import hashlib
import itertools
import json
import subprocess
import sys

import pytest
import torch

from betavae import datasets
from betavae.datasets import cards
from betavae.datasets.base import Dataset
from betavae.errors import Fault, Misuse
from betavae.rng import generator


@pytest.fixture(scope="module", params=datasets.DATASETS)
def dataset(request) -> Dataset:
    return loaded(request.param)


@pytest.fixture(scope="module", params=[name for name in datasets.DATASETS if not name.startswith("cifar")])
def grid(request) -> Dataset:
    """A dataset with known factors."""
    return loaded(request.param)


def loaded(name: str) -> Dataset:
    try:
        return datasets.load(name)
    except ImportError as error:
        pytest.skip(f"{name}: {error}")
    except Fault as fault:
        pytest.skip(f"{name}: {str(fault).split(';')[0]}")


def some(dataset: Dataset, *names: str | int, count: int = 64) -> torch.Tensor:
    ends = torch.tensor([0, dataset.size - 1])
    drawn = torch.randint(dataset.size, (count - 2,), generator=generator("laws", dataset.name, *names))
    return torch.cat([ends, drawn])


def test_render_is_pure_and_in_unit_range(dataset):
    index = some(dataset, "pure")
    images = dataset.render(index)
    kept = images.clone()
    assert images.dtype == torch.float32
    assert images.shape == (len(index), *dataset.shape)
    assert float(images.min()) >= 0
    assert float(images.max()) <= 1
    images.fill_(7)  # what a caller does to its images must not reach the dataset
    dataset.render(some(dataset, "others"))
    assert torch.equal(dataset.render(index), kept)


def test_images_are_not_all_alike(dataset):
    images = dataset.render(some(dataset, "alike"))
    assert len(torch.unique(images.flatten(1), dim=0)) > 32


def test_any_split_into_batches_gives_the_same_pixels(dataset):
    index = some(dataset, "batches", count=48)
    whole = dataset.render(index)
    for size in (1, 7, 32):
        assert torch.equal(torch.cat([dataset.render(part) for part in index.split(size)]), whole)


def test_leading_axes_of_the_index_are_kept(dataset):
    index = some(dataset, "axes", count=12)
    whole = dataset.render(index)
    assert torch.equal(dataset.render(index.reshape(3, 2, 2)), whole.reshape(3, 2, 2, *dataset.shape))
    assert torch.equal(dataset.render(index[5]), whole[5])
    assert dataset.render(index[:0]).shape == (0, *dataset.shape)
    assert dataset.render(index[:0].reshape(0, 2)).shape == (0, 2, *dataset.shape)


def test_an_index_outside_is_refused(dataset):
    for wrong in (-1, dataset.size):
        with pytest.raises(IndexError, match=f"0 to {dataset.size - 1}"):
            dataset.render(torch.tensor([0, wrong]))


def test_splits_cover_the_images_once(dataset):
    edges = sorted(dataset.splits.values())
    assert edges[0][0] == 0
    assert edges[-1][1] == dataset.size
    assert all(before[1] == after[0] for before, after in itertools.pairwise(edges))


def test_a_dataset_and_its_card_say_what_it_is(dataset):
    card = datasets.card(dataset.name)
    assert dataset.name in datasets.DATASETS
    assert dataset.source == card.source
    assert (dataset.shape, dataset.size) == (card.shape, card.images)
    assert dict(zip(*dataset.factors, strict=True) if dataset.factors else ()) == dict(card.factors)
    assert dataset.digest
    for told in (card.title, card.what, card.licence, card.citation):
        assert told.strip()
    assert card.bibtex.lstrip().startswith("@")


def test_index_and_values_are_inverse(grid):
    index = some(grid, "inverse")
    values = grid.factors.values(index)
    assert torch.equal(grid.factors.index(values), index)
    assert (values[0] == 0).all()
    assert values[1].tolist() == [size - 1 for size in grid.factors.sizes]


def test_one_factor_changes_only_when_its_value_changes(grid):
    """Equal values give equal images, in whatever company; and along each factor's sweep some image differs."""
    factors = grid.factors
    for k, name in enumerate(factors.names):
        if factors.sizes[k] == 1:
            continue
        centres = factors.sample(generator("laws", grid.name, "change", name), (8,))
        changed = False
        for centre in centres:
            path = grid.render(factors.walk(centre, k))
            assert torch.equal(path[centre[k]], grid.render(factors.index(centre)))
            changed = changed or bool((path != path[:1]).any())
        assert changed, f"{grid.name}: no image changes with {name}"


ELSEWHERE = """
import hashlib, json, sys, torch
from betavae import datasets
from betavae.rng import generator
torch.set_num_threads(1)
dataset = datasets.load(sys.argv[1])
index = torch.tensor(json.loads(sys.argv[2]))
pixels = hashlib.sha256(dataset.render(index).numpy().tobytes()).hexdigest()
peak = 0
for batch in range(200):
    dataset.render(torch.randint(dataset.size, (64,), generator=generator("laws", batch)))
    with open("/proc/self/status") as status:
        peak = max(peak, *(int(line.split()[1]) for line in status if line.startswith("RssAnon")))
print(json.dumps({"pixels": pixels, "megabytes": peak / 1024}))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_another_process_sees_the_same_pixels_and_keeps_its_memory_small(dataset):
    index = some(dataset, "elsewhere", count=32)
    command = [sys.executable, "-c", ELSEWHERE, dataset.name, json.dumps(index.tolist())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    there = json.loads(done.stdout)
    assert there["pixels"] == hashlib.sha256(dataset.render(index).numpy().tobytes()).hexdigest()
    assert there["megabytes"] < 1000


def test_an_unknown_name_is_told_its_neighbour():
    for look in (datasets.load, datasets.card):
        with pytest.raises(Misuse, match="unknown dataset 'dsprite'; did you mean 'dsprites'"):
            look("dsprite")


def test_drawn_is_never_passed_off_as_official():
    for name, drawn in datasets.DRAWN.items():
        try:
            dataset = datasets.load(name, source="drawn")
        except ImportError as error:
            pytest.skip(str(error))
        assert (dataset.name, dataset.source) == (drawn, "drawn")


def test_every_dataset_has_a_card_and_a_table_of_cards_needs_no_torch():
    assert list(cards.CARDS) == list(datasets.DATASETS)
    code = "import sys; from betavae.datasets import DATASETS, card; [card(name).rows() for name in DATASETS]; "
    code += "sys.exit(any(heavy in sys.modules for heavy in ('torch', 'numpy')))"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0

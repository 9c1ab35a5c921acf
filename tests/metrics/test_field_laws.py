"""Laws that every metric of the field keeps, as tables: what changes nothing, what scores high and low, the edges."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from betavae.datasets.base import Dataset
from betavae.errors import BetavaeError, Fault, Misuse
from betavae.factors import Factors
from betavae.metrics import METRICS, evaluate, named
from betavae.metrics.base import Codes, Metric, Subject, ask
from betavae.representation import encoders
from betavae.types import Scores

GRID = Factors(("a", "b", "c", "d"), (3, 4, 5, 12))
FIT = {"images": 480, "test_images": 240}


class Law(NamedTuple):
    """What the true factors score at least and independent noise at most; how near a permuted, flipped and shifted code
    must come, and a rescaled one (None where the facts say that it moves); the knobs; whether blurred
    codes score between the two.
    """

    oracle: float
    noise: float
    same: float = 1e-9
    scaled: float | None = 1e-9
    knobs: Mapping[str, Any] = MappingProxyType({})
    steady: bool = True


LAWS = {
    "mig": Law(1, 0.1),
    "mig_sup": Law(1, 0.1),
    "jemmig": Law(1, 0.4),
    "dcimig": Law(1, 0.1),
    "modularity": Law(1, 0.9, steady=False),
    "sap": Law(1, 0.05),
    "irs": Law(0.95, 0.6, scaled=None, steady=False),
    "factor_vae": Law(1, 0.6, 0, 0, {"votes": 400, "test_votes": 200, "batch": 16}),
    "med": Law(0.9, 0.3, knobs=FIT),
    "explicitness": Law(0.85, 0.6, 1e-3, 1e-3, FIT),
    "infomec": Law(0.95, 0.9, 0.1, 0.1, steady=False),
    "dci lasso": Law(0.99, 0.7, 1e-4, 1e-4, {**FIT, "model": "lasso"}, False),
    "dci gbt": Law(0.99, 0.5, 0.05, 0.05, {"images": 200, "test_images": 100, "model": "gbt"}),
    "dci_es": Law(0.5, 1, 0.1, 1e-4, {"images": 200, "test_images": 100}, False),
    "matrix": Law(1, 0.2),
    "downstream": Law(0.7, 0.5, 0.1, 0.1, {"train": [100], "test_images": 100, "model": "gbt"}),
}
"""The metrics that hold codes against factors; a word after the name is the model."""
UNSUPERVISED = ("gaussian_tc", "wasserstein", "mutual_information")
LONG = ("dci gbt", "dci_es", "downstream", "infomec", "explicitness", "med")
"""Metrics that fit for a while: one law is quick enough for every run, the others are not."""


def each(*names: str) -> list[Any]:
    return [pytest.param(name, marks=pytest.mark.slow if name in LONG else ()) for name in names]


def dataset(factors: Factors = GRID) -> Dataset:
    """A full grid without pixels."""
    name = "x".join(map(str, factors.sizes))
    return Dataset(name, (1, 1, 1), factors.size, factors, "drawn", name, lambda i: torch.zeros(len(i), 1, 1, 1))


def truth(factors: Factors = GRID) -> np.ndarray:
    """The factors of every image, ``[N, K]``."""
    return factors.values(torch.arange(factors.size)).numpy().astype(np.float32)


def noise(count: int, codes: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((count, codes)).astype(np.float32)


@lru_cache(maxsize=1)
def blurred() -> np.ndarray:
    """Codes that know a factor each and a little of the next, with noise: something between the best and the worst."""
    v = truth() / np.array(GRID.sizes, np.float32)
    return np.asarray(v + 0.3 * np.roll(v, 1, 1) + 0.05 * noise(*v.shape), np.float32)


def made(name: str) -> Metric:
    metric = named(name.partition(" ")[0], **(LAWS[name].knobs if name in LAWS else {}))
    assert isinstance(metric, Metric)
    return metric


def asked(name: str, codes: np.ndarray, factors: Factors = GRID, seed: int = 0) -> Scores:
    return evaluate(made(name), dataset(factors), codes, seed=seed)


def first(name: str, codes: np.ndarray, factors: Factors = GRID, seed: int = 0) -> float:
    return next(iter(asked(name, codes, factors, seed).values()))


@cache
def usual(name: str) -> float:
    return first(name, blurred())


def test_every_metric_of_the_field_is_in_the_tables() -> None:
    field = {name for name, place in METRICS.items() if ".field." in place}
    assert field == {*(name.partition(" ")[0] for name in LAWS), *UNSUPERVISED, "udr"}


@pytest.mark.parametrize("name", LAWS)
def test_the_true_factors_score_high_and_noise_scores_low(name: str) -> None:
    law = LAWS[name]
    assert first(name, truth()) >= law.oracle - 1e-9
    assert first(name, noise(GRID.size, 4)) <= law.noise
    if law.steady:
        assert law.noise < usual(name) <= first(name, truth())


@pytest.mark.parametrize("name", each(*LAWS))
def test_order_sign_and_offset_of_codes_change_nothing(name: str) -> None:
    turned = blurred()[:, [2, 0, 3, 1]] * np.array([1, -1, -1, 1], np.float32) + 1
    assert first(name, turned) == pytest.approx(usual(name), abs=max(LAWS[name].same, 1e-3 if name == "irs" else 5e-3))


@pytest.mark.parametrize("name", each(*LAWS))
def test_the_scale_of_codes_changes_nothing_or_is_told(name: str) -> None:
    wide = blurred() * np.array([1, 2, 4, 8], np.float32)  # powers of two are exact in single precision
    near = LAWS[name].scaled
    if near is None:
        assert first(name, wide) != pytest.approx(usual(name), abs=1e-3)
    else:
        assert first(name, wide) == pytest.approx(usual(name), abs=near)


@pytest.mark.parametrize("name", each(*LAWS, *UNSUPERVISED))
def test_a_dead_code_changes_nothing(name: str) -> None:
    """A constant, zero or not; only DCI-ES' size and what is said of all codes alike count it."""
    for value in (0.0, 3.7):
        dead = np.hstack([blurred(), np.full((GRID.size, 1), value, np.float32)])
        near = LAWS[name].same if name in LAWS else 1e-9
        assert first(name, dead) == pytest.approx(first(name, blurred()), abs=max(near, 1e-9))


@pytest.mark.parametrize("name", each(*LAWS, *UNSUPERVISED))
def test_the_batch_of_encoding_changes_nothing(name: str) -> None:
    some = torch.from_numpy(blurred())
    codec = encoders.codec(some, dataset())
    metric = made(name)
    found = [ask(metric, name, Subject(dataset(), codec, Codes(dataset(), codec, batch)), 3) for batch in (7, 512)]
    assert found[0].scores == found[1].scores
    assert found[0].notes == found[1].notes
    assert found[0].notes["active"] == 4


EDGES: dict[str, tuple[Factors, np.ndarray]] = {
    "no code moves": (GRID, np.full((GRID.size, 3), 3.7, np.float32)),
    "one code": (GRID, blurred()[:, :1]),
    "fewer codes than factors": (GRID, blurred()[:, :2]),
    "more codes than factors": (GRID, np.hstack([blurred(), noise(GRID.size, 3)])),
    "codes twice": (GRID, np.hstack([blurred(), blurred()])),
    "one factor": (Factors(("a",), (60,)), blurred()[:60]),
    "one factor that varies": (Factors(("a", "b"), (60, 1)), blurred()[:60]),
    "a factor of one value": (Factors(("a", "b", "c", "d", "one"), (*GRID.sizes, 1)), blurred()),
    "a binary code": (GRID, (truth()[:, :1] > 0).astype(np.float32)),
    "two factors of two values": (
        Factors(("a", "b"), (2, 2)),
        np.array([[0, 0], [0, 1], [1, 0], [1, 1.5]], np.float32),
    ),
    "whole numbers": (GRID, truth()),
}


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("name", each(*LAWS, *UNSUPERVISED))
def test_the_edges_give_a_number_or_a_sentence(name: str, edge: str) -> None:
    """Never a NaN, a warning or a traceback."""
    factors, codes = EDGES[edge]
    found, said = {}, ""
    try:
        found = asked(name, codes, factors)
    except BetavaeError as error:
        said = str(error)
    assert found or (len(said) > 30 and "\n" not in said)
    assert all(math.isfinite(value) for value in found.values()), found
    assert all(-1e-9 <= value <= 1 + 1e-9 for key, value in found.items() if key in (name, "all", "disentanglement",
               "completeness", "modularity", "compactness", "train")) or name in UNSUPERVISED  # fmt: skip


def test_what_the_edges_are_known_to_give() -> None:
    dead, twice = EDGES["no code moves"][1], EDGES["codes twice"][1]
    for name in ("mig", "mig_sup", "dcimig", "modularity", "sap", "irs", "factor_vae", "matrix", "infomec", "med"):
        assert first(name, dead) == 0
    assert first("explicitness", dead) == 0.5
    for name in ("mig", "sap"):
        assert first(name, twice) == pytest.approx(0, abs=1e-9)
    assert first("modularity", twice) == pytest.approx(usual("modularity"))
    assert first("gaussian_tc", dead) == first("wasserstein", dead) == first("mutual_information", dead) == 0
    with pytest.raises(Misuse, match=r"singular: 8 codes move in 4 directions"):
        asked("gaussian_tc", twice)


def test_a_factor_of_one_value_is_left_out_and_named() -> None:
    factors, codes = EDGES["a factor of one value"]
    codec = encoders.codec(codes, dataset(factors))
    found = ask(named("mig"), "mig", Subject(dataset(factors), codec, Codes(dataset(factors), codec)), 0)
    assert found.scores["mig"] == pytest.approx(usual("mig"))
    assert "gap.one" not in found.scores
    assert found.notes["left_out"] == ["one"]


@pytest.mark.parametrize("name", ["mig_sup", "modularity", "infomec"])
def test_one_factor_is_too_few_to_compare(name: str) -> None:
    with pytest.raises(Misuse, match="only a varies"):
        asked(name, *reversed(EDGES["one factor that varies"]))


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
@pytest.mark.parametrize("name", each(*LAWS, *UNSUPERVISED))
def test_a_code_that_is_not_finite_is_refused_by_row_and_column(name: str, wrong: float) -> None:
    """Every image's third code is broken: whichever is seen first is named; of one image, that one."""
    broken = blurred().copy()
    broken[:, 2] = wrong
    with pytest.raises(Fault, match=r"row \d+ .*as code 2\b"):
        asked(name, broken)
    broken[:, 2] = 0
    broken[17, 2] = wrong
    if name == "mig":
        with pytest.raises(Fault, match=r"row 17 .*as code 2\b"):
            asked(name, broken)


@pytest.mark.parametrize("name", ["mig", "sap", "modularity", "irs", "jemmig"])
def test_fewer_images_are_part_of_more_and_seeds_redraw(name: str) -> None:
    """Over seeds the score of half the images spreads, around what all of them score."""
    metric = named(name, images=360)
    scores = [next(iter(evaluate(metric, dataset(), blurred(), seed=seed).values())) for seed in range(6)]
    assert len(set(scores)) == 6
    assert scores[0] == next(iter(evaluate(metric, dataset(), blurred(), seed=0).values()))
    assert np.mean(scores) == pytest.approx(usual(name), abs=0.15)


def test_questions_of_one_seed_share_their_codes() -> None:
    """The images of every question, counting or fitting, are among those of the largest."""
    seen: list[torch.Tensor] = []

    def encode(index: torch.Tensor) -> torch.Tensor:
        seen.append(index)
        return torch.from_numpy(blurred())[index]

    this = dataset()
    codec = encoders.codec(torch.from_numpy(blurred()), this)._replace(told=encode)
    codes = Codes(this, codec)
    for name in ("dci lasso", "mig", "med", "irs"):
        knobs = {**FIT, **LAWS[name].knobs} if name in ("dci lasso", "med") else {"images": 300}
        ask(named(name.partition(" ")[0], **knobs), name, Subject(this, codec, codes), 5)
    assert sum(map(len, seen)) == 720


def test_labels_are_needed_to_hold_codes_against() -> None:
    bare = Dataset("bare", (1, 1, 1), 720, None, "own", "bare", lambda i: torch.zeros(len(i), 1, 1, 1))
    with pytest.raises(Misuse, match="neither a grid of factors nor labels"):
        evaluate("mig", bare, blurred(), seed=0)
    assert evaluate("wasserstein", bare, blurred(), seed=0)["wasserstein"] > 0

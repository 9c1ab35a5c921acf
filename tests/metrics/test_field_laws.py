"""Laws that every metric of the field keeps, as tables: what changes nothing, what scores high and low, the edges."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import replace
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from golden import scored

from betavae.datasets.base import Dataset
from betavae.errors import BetavaeError, Fault, Misuse
from betavae.factors import Factors
from betavae.metrics import METRICS, costs, evaluate, named, rotated
from betavae.metrics.agreement import udr
from betavae.metrics.base import Codes, Draw, Metric, Subject, ask
from betavae.metrics.field import downstream
from betavae.models.base import Posterior
from betavae.names import opened
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
    "infomec": Law(0.95, 0.9, 1e-4, 1e-4, steady=False),
    "dci lasso": Law(0.99, 0.7, 1e-4, 1e-4, {**FIT, "model": "lasso"}, False),
    "dci gbt": Law(0.99, 0.5, 0.05, 0.05, {"images": 200, "test_images": 100, "model": "gbt"}),
    "dci_es": Law(0.5, 1, 0.01, 1e-4, {"images": 200, "test_images": 100}, False),
    "matrix": Law(1, 0.2),
    "downstream": Law(0.7, 0.5, 0.1, 0.1, {"train": [100], "test_images": 100, "model": "gbt"}),
}
"""The metrics that hold codes against factors; a word after the name is the model."""
VARIANTS: dict[str, dict[str, Any]] = {
    "dci l1": {**FIT, "model": "l1"},
    "dci forest": {**FIT, "model": "forest"},
    "dci forest_entropy": {**FIT, "model": "forest_entropy"},
    "dci forest_regressor": {**FIT, "model": "forest_regressor"},
    "downstream logistic": {"train": [100], "test_images": 100},
    "sap discrete": {**FIT, "kind": "discrete"},
    "mig frequency": {"binning": "frequency"},
}
"""Knobs of the metrics' other models, which keep the laws of the edges too."""
UNSUPERVISED = ("gaussian_tc", "wasserstein", "mutual_information")
"""Scores of codes alone: 0 of independent codes, and the less the better."""
LONG = ("dci gbt", "dci_es", "downstream", "infomec", "explicitness", "med", *VARIANTS)
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
    metric = named(name.partition(" ")[0], **(LAWS[name].knobs if name in LAWS else VARIANTS.get(name, {})))
    assert isinstance(metric, Metric)
    return metric


def asked(name: str, codes: np.ndarray, factors: Factors = GRID, seed: int = 0) -> Scores:
    return evaluate(made(name), dataset(factors), codes, seed=seed)


def first(name: str, codes: np.ndarray, factors: Factors = GRID, seed: int = 0) -> float:
    return next(iter(asked(name, codes, factors, seed).values()))


@cache
def usual(name: str) -> float:
    return first(name, blurred())


PARTS = "disentanglement completeness informativeness"
FIXED: dict[str, tuple[dict[str, Any], str]] = {
    "mig": ({"bins": 20, "binning": "width"}, "mig gap.a gap.b gap.c gap.d"),
    "mig_sup": ({"bins": 20}, "mig_sup all"),
    "jemmig": ({"bins": 20}, "jemmig raw"),
    "dcimig": ({"bins": 20}, "dcimig"),
    "modularity": ({"bins": 20}, "modularity all"),
    "explicitness": ({"images": 10_000, "test_images": 5000}, "explicitness train"),
    "sap": ({"kind": "continuous"}, "sap"),
    "factor_vae": ({"batch": 64, "votes": 10_000, "test_votes": 5000, "threshold": 0.05}, "factor_vae train active"),
    "dci": ({"model": "gbt", "images": 10_000, "test_images": 5000}, PARTS),
    "dci_es": ({"images": 10_000, "test_images": 5000}, "explicitness size"),
    "irs": ({"quantile": 0.99, "bins": 20}, "irs all"),
    "infomec": ({"images": 10_000}, "modularity compactness explicitness active"),
    "med": ({"top": None, "images": 10_000, "test_images": 5000}, PARTS),
    "gaussian_tc": ({"sampled": False}, "gaussian_tc"),
    "wasserstein": ({"sampled": False}, "wasserstein normalised"),
    "mutual_information": ({"sampled": False}, "mutual_information all"),
    "downstream": ({"model": "logistic", "train": (10, 100, 1000, 10_000), "test_images": 5000},
                   "accuracy.100 worst.100"),
    "udr": ({"kind": "lasso"}, ""),
    "matrix": ({"bins": 20}, "matrix"),
}  # fmt: skip
"""Knobs with their defaults, and keys, the main one first: study files and records are written with them."""


@pytest.mark.parametrize("name", FIXED)
def test_names_knobs_and_defaults_are_fixed(name: str) -> None:
    wanted = FIXED[name][0]
    found = inspect.signature(opened(METRICS, name, "measure")).parameters
    assert {key: found[key].default for key in wanted} == wanted
    if name in ("mig", "mig_sup", "jemmig", "dcimig", "modularity", "sap", "factor_vae", "irs", "matrix"):
        assert found["images"].default is None, "counting metrics look at the whole grid where there is one"


@pytest.mark.parametrize("name", each(*LAWS, *UNSUPERVISED))
def test_keys_are_fixed_and_the_model_is_in_the_name(name: str) -> None:
    plain = name.partition(" ")[0]
    assert list(asked(name, blurred())) == FIXED[plain][1].split()
    if plain == "dci":
        assert made(name).name == name.replace(" ", "_")


def test_every_metric_of_the_field_is_in_the_tables() -> None:
    field = {name for name, place in METRICS.items() if ".field." in place}
    assert field == {*(name.partition(" ")[0] for name in LAWS), *UNSUPERVISED, "udr"} == set(FIXED)


@pytest.mark.parametrize("name", LAWS)
def test_the_true_factors_score_high_and_noise_scores_low(name: str) -> None:
    law = LAWS[name]
    assert first(name, truth()) >= law.oracle - 1e-9
    assert first(name, noise(GRID.size, 4)) <= law.noise
    if law.steady:
        assert law.noise < usual(name) <= first(name, truth())


@pytest.mark.parametrize("name", UNSUPERVISED)
def test_independent_codes_score_nothing_and_dependent_ones_more(name: str) -> None:
    """The factors of a full grid are uncorrelated and independent exactly."""
    assert first(name, truth()) == pytest.approx(0, abs=1e-9)
    assert first(name, noise(GRID.size, 4)) < usual(name)
    assert usual(name) > 0.01


@pytest.mark.parametrize("name", each(*LAWS, *UNSUPERVISED))
def test_order_sign_and_offset_of_codes_change_nothing(name: str) -> None:
    turned = blurred()[:, [2, 0, 3, 1]] * np.array([1, -1, -1, 1], np.float32) + 1
    near = LAWS[name].same if name in LAWS else 1e-9
    assert first(name, turned) == pytest.approx(usual(name), abs=max(near, 1e-3 if name == "irs" else 5e-3))


@pytest.mark.parametrize("name", each(*LAWS, *UNSUPERVISED))
def test_the_scale_of_codes_changes_nothing_or_is_told(name: str) -> None:
    wide = blurred() * np.array([1, 2, 4, 8], np.float32)  # powers of two are exact in single precision
    near = LAWS[name].scaled if name in LAWS else None if name == "wasserstein" else 1e-9
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


def test_every_batch_of_encoding_is_as_long_as_the_others() -> None:
    """So codes hang neither on what was asked before nor on how many images are left for the last batch: this encoder
    gives away how many it was shown.
    """
    this = dataset()
    this = replace(this, renderer=lambda i: i.float().reshape(-1, 1, 1, 1))
    codec = encoders.codec(lambda x: torch.stack([x.flatten(), torch.full((len(x),), float(len(x)))], 1), this)
    index = torch.randperm(this.size, generator=torch.Generator().manual_seed(0))
    at_once, bit_by_bit = Codes(this, codec), Codes(this, codec)
    for some in (index[:3], index[:300], index[280:291]):
        bit_by_bit(some)
    assert torch.equal(at_once(index), bit_by_bit(index))
    assert torch.equal(at_once(index)[:, 0], index.float())
    assert set(at_once(index)[:, 1].tolist()) == {256.0}


@pytest.mark.parametrize("kind", ["lasso", "spearman"])
def test_udr_keeps_the_same_laws(kind: str) -> None:
    """Of two cells: order, sign, offset, scale and a dead code change nothing; one that holds the same scores high, and
    one of noise low.
    """
    one, two = truth() + 0.01 * noise(GRID.size, 4), truth() - 0.01 * noise(GRID.size, 4)
    moved = two[:, [2, 0, 3, 1]] * np.array([1, -2, -4, 8], np.float32) + 1
    dead = np.hstack([two, np.full((GRID.size, 1), 3.7, np.float32)])

    def both(other: np.ndarray) -> list[float]:
        return udr([one, other], [np.full(4, 2.0), np.r_[np.full(4, 2.0), np.zeros(other.shape[1] - 4)]], kind)

    best = 0.9 if kind == "lasso" else 0.86  # the lasso takes a tenth; small correlations dilute Spearman's
    assert both(two) == pytest.approx([best] * 2, abs=0.01)
    assert both(moved) == pytest.approx(both(two), abs=1e-6)
    assert both(dead) == pytest.approx(both(two), abs=1e-9)
    assert max(both(noise(GRID.size, 4))) < 0.2
    assert max(both(one @ np.linalg.qr(noise(4, 4))[0])) < min(both(two)) - 0.2


def test_what_udr_keeps_of_a_cell_hangs_on_no_batch_and_on_no_training_seed() -> None:
    """Every cell keeps the codes of the same images, whatever seed it was trained with and however it is encoded."""
    this = dataset()
    table = torch.from_numpy(blurred())
    this = replace(this, renderer=lambda i: i.float().reshape(-1, 1, 1, 1))

    def posterior(x: torch.Tensor) -> Posterior:
        codes = table[x.reshape(len(x)).long()]
        return Posterior(codes, torch.zeros_like(codes))

    codec = encoders.codec(table, this)._replace(posterior=posterior)
    found = [
        ask(named("udr", images=300), "udr", Subject(this, codec, Codes(this, codec, batch)), 3, trained)
        for batch, trained in ((7, 1), (512, 2))
    ]
    assert np.array_equal(found[0].arrays["codes"], found[1].arrays["codes"])
    assert found[0].arrays["codes"].shape == (300, 4)
    assert found[0].arrays["kl"] == pytest.approx(found[1].arrays["kl"])


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
@pytest.mark.parametrize("name", each(*LAWS, *UNSUPERVISED, *VARIANTS))
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
    assert min(map(len, seen)) > 0  # an encoder is never given nothing


def test_labels_are_needed_to_hold_codes_against() -> None:
    bare = Dataset("bare", (1, 1, 1), 720, None, "own", "bare", lambda i: torch.zeros(len(i), 1, 1, 1))
    with pytest.raises(Misuse, match="neither a grid of factors nor labels"):
        evaluate("mig", bare, blurred(), seed=0)
    assert evaluate("wasserstein", bare, blurred(), seed=0)["wasserstein"] > 0


def test_bins_of_equal_frequency_see_neither_a_monotone_map_nor_an_outlier() -> None:
    frequency, width = named("mig", binning="frequency"), named("mig")
    bent, far = np.exp(2 * blurred()), blurred().copy()
    far[0] = 1e6

    def score(metric: Metric | Any, codes: np.ndarray) -> float:
        return float(evaluate(metric, dataset(), codes, seed=0)["mig"])

    usually = score(frequency, blurred())
    assert score(frequency, bent) == pytest.approx(usually, abs=1e-9)
    assert score(frequency, far) == pytest.approx(usually, abs=0.02)
    assert abs(score(width, bent) - score(width, blurred())) > 0.01
    assert score(width, far) < score(width, blurred()) - 0.1


def test_a_question_may_have_the_rotated_score_beside_its_own() -> None:
    """All scores as without, bit for bit, and the one that the suite prints beside them; of metrics of codes alone."""
    for name, knobs in (("mig", {}), ("dci", {**FIT, "model": "lasso"}), ("modularity", {})):
        plain = evaluate(named(name, **knobs), dataset(), blurred(), seed=3)
        both = evaluate(named(name, rotated=True, **knobs), dataset(), blurred(), seed=3)
        assert {key: both[key] for key in plain} == dict(plain)
        assert [*both] == [*plain, "rotated"]
        assert both["rotated"] == evaluate(rotated(named(name, **knobs)), dataset(), blurred(), seed=3)["rotated"]  # type: ignore[arg-type]
        assert both["rotated"] != next(iter(plain.values()))
        alone, turned = (costs.price(name, knobs | more) for more in ({}, {"rotated": True}))
        assert alone is not None
        assert turned is not None
        assert (turned.seconds, turned.draws) == (2 * alone.seconds, alone.draws)
    with pytest.raises(Misuse, match="rotated is 'yes'; wanted true or false"):
        named("mig", rotated="yes")
    with pytest.raises(Misuse, match="looks at more than codes"):
        named("reconstruction", rotated=True)
    with pytest.raises(Misuse, match="rotated already"):
        named("rotation", rotated=True)


def test_sampled_codes_are_those_of_the_posterior() -> None:
    """Two codes of variance 1 and correlation ½: with a posterior variance of 1 the correlation of samples is ¼, with
    none that of the means.
    """
    this = dataset(Factors(("a", "b"), (100, 200)))
    x = np.random.default_rng(0).standard_normal((this.size, 2)) @ np.linalg.cholesky(np.array([[1, 0.5], [0.5, 1]])).T
    means = torch.from_numpy(x.astype(np.float32))
    this = replace(this, renderer=lambda i: i.float().reshape(-1, 1, 1, 1))

    def found(name: str, logvar: float, **knobs: Any) -> float:
        def posterior(images: torch.Tensor) -> Posterior:
            codes = means[images.reshape(len(images)).long()]
            return Posterior(codes, torch.full_like(codes, logvar))

        codec = encoders.codec(means, this)._replace(posterior=posterior)
        answer = ask(named(name, **knobs), name, Subject(this, codec, Codes(this, codec)), 3)
        return next(iter(answer.scores.values()))

    assert found("gaussian_tc", 0.0) == pytest.approx(-0.5 * math.log(0.75), abs=0.01)
    assert found("gaussian_tc", 0.0, sampled=True) == pytest.approx(-0.5 * math.log(1 - 0.25**2), abs=0.01)
    for name in UNSUPERVISED:
        assert found(name, -60.0, sampled=True) == pytest.approx(found(name, 0.0), abs=1e-4)
        assert found(name, 0.0, sampled=True) != pytest.approx(found(name, 0.0), abs=1e-3)


def test_efficiency_is_of_the_factors_that_both_sizes_can_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two factors one has 25 values, which 20 images cannot tell: its accuracy is in neither side of the ratio."""
    monkeypatch.setattr(downstream, "EFFICIENT", (20, 200))
    draws = np.random.default_rng(0)
    v = np.column_stack([draws.integers(2, size=600), draws.integers(25, size=600)])
    x = torch.from_numpy(np.column_stack([v[:, 0] + 0.4 * draws.standard_normal(600), v[:, 1]]))
    asked = Draw(torch.arange(600), torch.from_numpy(v), ("a", "b"), 300), x
    found = scored(named("downstream", train=[20, 200]), asked)
    alone = scored(
        named("downstream", train=[20, 200]), (Draw(torch.arange(600), torch.from_numpy(v[:, :1]), ("a",), 300), x)
    )
    assert found["efficiency"] == pytest.approx(alone["accuracy.20"] / alone["accuracy.200"])
    assert found["efficiency"] != pytest.approx(found["accuracy.20"] / found["accuracy.200"], abs=1e-3)
    assert found["worst.200"] < found["accuracy.200"]


def test_what_rounding_leaves_of_nothing_is_no_information() -> None:
    """Whether a + b is even tells nothing of a, of b or of c alone; their entropies do not cancel to the last digit."""
    factors = Factors(("a", "b", "c"), (2, 2, 3))
    v = truth(factors)
    parity = ((v[:, :1] + v[:, 1:2]) % 2).astype(np.float32)
    assert asked("modularity", parity, factors) == {"modularity": 0.0, "all": 0.0}

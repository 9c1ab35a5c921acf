"""The Higgins metric: oracles, anti-oracles, golden values, and the laws of its draw."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace

import golden
import numpy as np
import pytest
import torch
from tiny import squares
from torch import Tensor

import betavae
from betavae.datasets.base import Dataset
from betavae.errors import Misuse
from betavae.factors import Factors
from betavae.metrics import METRICS, base, evaluate, higgins, named, rotation
from betavae.metrics.base import Subject, ask
from betavae.metrics.classifiers import CLASSIFIERS, AsPublished, linear, logistic, mlp
from betavae.metrics.fits import shared_adagrad
from betavae.metrics.fits.shared_adagrad import KINDS, Shared
from betavae.metrics.votes import features, fresh, pooled
from betavae.representation.base import Codec

GRID = Factors(("shape", "scale", "orientation", "posX", "posY"), (3, 6, 40, 32, 32))
SIZES = torch.tensor(GRID.sizes).float()


def grid() -> Dataset:
    """2Dshapes' grid without pixels: what a metric of codes alone needs."""
    return Dataset("grid", (1, 1, 1), GRID.size, GRID, "drawn", "grid", lambda i: torch.zeros(len(i), 1, 1, 1))


def perfect(index: Tensor) -> Tensor:
    """The standardised factors and five dead codes (facts of the golden table)."""
    u = (GRID.values(index).float() - (SIZES - 1) / 2) / ((SIZES**2 - 1) / 12).sqrt()
    return torch.cat([u, torch.zeros(len(index), 5)], 1)


TURN = torch.from_numpy(np.linalg.qr(np.random.RandomState(7).randn(10, 10))[0][:5]).float()


def rotated(index: Tensor) -> Tensor:
    return perfect(index)[:, :5] @ TURN


def told(codes: object) -> Codec:
    return Codec(10, lambda images: images, told=codes)  # type: ignore[arg-type]


def scores_of(codes: object, **knobs: object) -> dict[str, float]:
    asked = higgins(votes=200, test_votes=100, pool=4000, **knobs)  # type: ignore[arg-type]
    return betavae.evaluate(asked, grid(), told(codes), seed=0, batch=65_536)


def score(codes: object, seed: int = 0, **knobs: object) -> float:
    return betavae.evaluate(higgins(**knobs), grid(), told(codes), seed=seed, batch=65_536)["higgins"]  # type: ignore[arg-type]


@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_true_factors_score_one(classifier: str) -> None:
    assert score(perfect, votes=400, test_votes=400, classifier=classifier, pool=8000) >= 0.995


@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_noise_and_silence_score_chance(classifier: str) -> None:
    """Chance is 1/5; 600 votes have a standard error of 1.6 points, five of which are allowed."""

    def noise(index: Tensor) -> Tensor:
        return torch.randn(len(index), 10, generator=torch.Generator().manual_seed(int(index.sum()) % 2**31))

    for codes in (noise, lambda index: torch.zeros(len(index), 10)):
        got = score(codes, votes=600, test_votes=600, classifier=classifier, pool=8000)
        assert abs(got - 0.2) < 5 * math.sqrt(0.2 * 0.8 / 600)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "wanted", "near"),
    [("perfect", 1.0, 0.005), ("dup", 1.0, 0.005), ("realistic", 1.0, 0.005), ("mixed", 1.0, 0.01),
     ("discrete", 1.0, 0.005), ("zeros", 0.203, 0.04)],
)  # fmt: skip
def test_the_golden_codes(code: str, wanted: float, near: float) -> None:
    """disentanglement_lib's score of 2,000 and 1,000 votes by logistic regression."""
    codes = golden.codes(code, golden.grid()).astype(np.float32)
    metric = higgins(votes=2000, test_votes=1000, classifier="logistic", pool=None)
    assert evaluate(metric, grid(), codes, seed=0)["higgins"] == pytest.approx(wanted, abs=near)


def test_the_golden_rotated_code() -> None:
    """disentanglement_lib gives .9960 for this code at 2,000/1,000 votes and L = 64."""
    assert score(rotated, votes=2000, test_votes=1000) == pytest.approx(0.996, abs=0.01)


def test_more_pairs_raise_a_mixed_code() -> None:
    """Known for this code with unscaled votes: L 16, 64, 128 give .888, .993, .999 (1,000/501 votes)."""
    got = [score(rotated, votes=1000, test_votes=501, pairs=count, standardise=False) for count in (16, 64, 128)]
    assert got == pytest.approx([0.888, 0.993, 0.999], abs=0.03)
    assert got[0] < got[1] <= got[2] + 0.005


def test_a_rotation_goes_unseen() -> None:
    """What the metric cannot see: perfect codes and their random mixture score the same to a point."""
    got = betavae.evaluate(rotation(votes=1000, test_votes=1000), grid(), told(perfect), seed=0, batch=65_536)
    assert got["higgins"] >= 0.995
    assert got["rotated"] >= 0.97


def test_a_pool_scores_as_fresh_images_do() -> None:
    """Thirty seeds of a hard code (L = 4): the means agree within three standard errors of their difference."""
    fresh_scores = [score(rotated, seed, votes=800, test_votes=800, pairs=4) for seed in range(30)]
    pool_scores = [score(rotated, seed, votes=800, test_votes=800, pairs=4, pool=8000) for seed in range(30)]
    spread = math.sqrt((np.var(fresh_scores, ddof=1) + np.var(pool_scores, ddof=1)) / 30)
    assert abs(np.mean(fresh_scores) - np.mean(pool_scores)) < 3 * spread


def test_scores_ignore_order_scale_and_duplicates() -> None:
    plain = score(rotated, votes=500, test_votes=500, pool=8000, pairs=8)
    order = torch.randperm(10, generator=torch.Generator().manual_seed(0))
    for change in (lambda z: z[:, order], lambda z: z * torch.arange(1, 11), lambda z: torch.cat([z, z], 1)):
        got = score(lambda index, c=change: c(rotated(index)), votes=500, test_votes=500, pool=8000, pairs=8)
        assert got == pytest.approx(plain, abs=0.03)


def test_same_seed_same_score_other_seed_other_draw() -> None:
    knobs = {"votes": 300, "test_votes": 300, "pairs": 4, "pool": 8000}
    assert score(rotated, 1, **knobs) == score(rotated, 1, **knobs)
    assert len({score(rotated, seed, **knobs) for seed in range(4)}) > 1


def test_the_two_of_a_pair_share_what_is_asked_and_only_that() -> None:
    asked = torch.tensor([1, 3])
    for draw in (
        fresh(torch.Generator().manual_seed(0), GRID, asked, 300, 16),
        pooled(torch.Generator().manual_seed(0), GRID, asked, 200, 100, 16, 9000),
    ):
        values = GRID.values(draw.index)
        same = (values[:, :, 0] == values[:, :, 1]).float()
        for vote, position in enumerate(draw.answer.tolist()):
            assert bool(same[vote, :, asked[position]].all())
        # the factor that is not asked for still varies: shape differs in two of three pairs
        assert float(same[..., 0].mean()) == pytest.approx(1 / 3, abs=0.04)
        # each pair has its own shared value
        shared = values[:, :, 0].gather(-1, asked[draw.answer][:, None, None].expand(-1, 16, 1)).squeeze(-1)
        assert float((shared == shared[:, :1]).float().mean()) < 0.4


def test_fewer_pairs_are_a_prefix_of_more() -> None:
    asked = torch.arange(5)
    few = fresh(torch.Generator().manual_seed(3), GRID, asked, 50, 16)
    many = fresh(torch.Generator().manual_seed(3), GRID, asked, 50, 64)
    assert torch.equal(few.answer, many.answer)
    assert torch.equal(few.index, many.index[:, :16])


def test_training_and_test_votes_of_a_pool_share_no_image() -> None:
    draw = pooled(torch.Generator().manual_seed(0), GRID, torch.arange(5), 300, 200, 16, 9000)
    assert not set(draw.index[:300].reshape(-1).tolist()) & set(draw.index[300:].reshape(-1).tolist())
    assert float((draw.index[..., 0] == draw.index[..., 1]).float().mean()) < 0.001


@pytest.mark.parametrize("pool", [None, 9000])
def test_a_factor_of_one_value_changes_nothing_and_is_named(pool: int | None) -> None:
    """The official dSprites layout has a colour of one value. Asked as if it varied, it took a sixth of the votes."""
    wider = Factors(("color", *GRID.names[:2], "void", *GRID.names[2:]), (1, *GRID.sizes[:2], 1, *GRID.sizes[2:]))
    dataset = replace(grid(), factors=wider)
    metric = higgins(votes=300, test_votes=300, pairs=8, pool=pool)
    with pytest.warns(betavae.Notice, match=r"color, void: a factor of one value, left out .*\(shape, scale, ori"):
        got = betavae.evaluate(metric, dataset, told(rotated), seed=0, batch=65_536)
    assert got == betavae.evaluate(metric, grid(), told(rotated), seed=0, batch=65_536)
    with pytest.raises(Misuse, match="color has one value: two images always share it; leave it out"):
        betavae.evaluate(higgins(ask=["color", "scale"]), dataset, told(rotated), seed=0)
    asked = higgins(votes=300, test_votes=300, pairs=8, pool=pool, ask=GRID.names)
    assert betavae.evaluate(asked, dataset, told(rotated), seed=0, batch=65_536) == got
    only = replace(grid(), size=6, factors=Factors(("color", "scale"), (1, 6)))
    with pytest.warns(betavae.Notice), pytest.raises(Misuse, match="at least two different factors"):
        betavae.evaluate(higgins(), only, told(rotated), seed=0)


def test_features_by_hand() -> None:
    codes = torch.tensor([[[[0.0, 1.0], [2.0, 1.0]], [[5.0, 0.0], [4.0, 3.0]]]])  # one vote of two pairs
    assert features(codes).tolist() == [[1.5, 1.5]]


def test_batch_size_does_not_change_scores() -> None:
    dataset = squares(32)
    encode = lambda images: images[:, 0, ::4, ::4].flatten(1)  # noqa: E731
    metric = higgins(votes=60, test_votes=60, pairs=8)
    assert len({betavae.evaluate(metric, dataset, encode, seed=0, batch=b)["higgins"] for b in (1, 7, 256)}) == 1


def test_the_score_comes_first() -> None:
    got = betavae.evaluate(
        higgins(votes=60, test_votes=60, pairs=8), squares(32), lambda x: x.flatten(1)[:, ::16], seed=0
    )
    assert next(iter(got)) == "higgins"


def test_an_encoder_may_give_arrays_and_must_give_codes() -> None:
    metric = higgins(votes=40, test_votes=40, pairs=4)
    betavae.evaluate(metric, squares(32), lambda x: x.flatten(1)[:, ::16].numpy(), seed=0)
    with pytest.raises(betavae.Misuse, match=r"the encoder gave .* for \d+ images; wanted real codes of shape"):
        betavae.evaluate(metric, squares(32), lambda x: x, seed=0)


@pytest.mark.parametrize(
    ("knobs", "part"),
    [
        ({"pairs": 0}, "pairs is 0"),
        ({"votes": 1}, "votes is 1"),
        ({"test_votes": 2.5}, "test_votes is 2.5"),
        ({"classifier": "logistics"}, "did you mean 'logistic'"),
        ({"ask": ["scal", "posY"]}, "did you mean 'scale'"),
        ({"ask": ["posX"]}, "at least two different factors"),
        ({"pool": 50}, "enlarge it"),
    ],
)
def test_misuse_is_named(knobs: dict[str, object], part: str) -> None:
    with pytest.raises(Misuse, match=part):
        score(perfect, **knobs)


def test_an_unknown_knob_is_named() -> None:
    with pytest.raises(Misuse, match="did you mean 'pairs'"):
        named("higgins", pair=3)


def test_linear_equals_autograd() -> None:
    """The gradient written by hand takes the path that autograd and PyTorch's Adagrad take."""
    x = torch.randn(60, 4, generator=torch.Generator().manual_seed(0))
    y = torch.randint(3, (60,), generator=torch.Generator().manual_seed(1))
    ours = linear(torch.Generator().manual_seed(2), x, y, x, 3, steps=200)
    generator = torch.Generator().manual_seed(2)
    weight = torch.empty(5, 3).uniform_(-0.5, 0.5, generator=generator).requires_grad_(True)
    optimiser = torch.optim.Adagrad([weight], lr=0.01)
    ones = torch.cat([x, torch.ones(60, 1)], 1)
    for _ in range(200):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(ones @ weight, y).backward()
        optimiser.step()
    assert torch.equal(ours.classes, (ones @ weight).argmax(-1))


@pytest.mark.parametrize("name", KINDS)
def test_a_shared_adagrad_is_torchs_with_its_schedule(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two classifiers in turn, weights drawn anew: the path of torch.optim.Adagrad under ReduceLROnPlateau. A patience
    of three steps lets the rate fall on the way.
    """
    monkeypatch.setattr(shared_adagrad, "PATIENCE", 3)
    kind = KINDS[name]._replace(hidden=(7,) if name == "mlp" else ())
    data = torch.Generator().manual_seed(0)
    given = [(torch.randn(60, 4, generator=data), torch.randint(3, (60,), generator=data)) for _ in range(2)]
    ours, theirs = Shared(kind), torch.Generator().manual_seed(1)
    draws = torch.Generator().manual_seed(1)
    widths = [4, *kind.hidden, 3]
    weights = [torch.empty(0)] * 2 * (len(widths) - 1)
    parameters = [torch.empty(s).requires_grad_() for a, b in itertools.pairwise(widths) for s in ((b, a), (b,))]
    optimiser = torch.optim.Adagrad(parameters, lr=kind.rate, weight_decay=kind.decay)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, patience=3, min_lr=1e-5)
    for x, y in given:
        said = ours.fit(draws, x, y, 3, steps=40)
        with torch.no_grad():
            for k, (into, out) in enumerate(itertools.pairwise(widths)):
                weights[2 * k : 2 * k + 2] = [torch.empty(out, into), torch.empty(out)]
                for each in weights[2 * k : 2 * k + 2]:
                    each.uniform_(-1 / math.sqrt(into), 1 / math.sqrt(into), generator=theirs)
            for parameter, weight in zip(parameters, weights, strict=True):
                parameter.copy_(weight)
        for _ in range(40):
            optimiser.zero_grad()
            loss = torch.nn.functional.cross_entropy(shared_adagrad._forward(parameters, x, theirs)[-1], y)
            loss.backward()
            optimiser.step()
            schedule.step(loss.item())
        assert torch.equal(said(x), shared_adagrad._forward(parameters, x)[-1].argmax(-1))
    assert ours.rate == optimiser.param_groups[0]["lr"] < kind.rate


def test_what_the_optimiser_has_seen_before_costs_pca_points() -> None:
    """A VAE's large differences fill the accumulators; PCA's classifier then goes nowhere, and a fresh one learns."""
    draw = pooled(torch.Generator().manual_seed(0), GRID, torch.arange(5), 400, 400, 16, 9000)
    x = features(rotated(draw.index.reshape(-1)).reshape(*draw.index.shape, 10))
    right = []
    for before in (None, 30 * x):
        shared = Shared(KINDS["linear"])
        if before is not None:
            shared.fit(torch.Generator().manual_seed(1), before[:400], draw.answer[:400], 5, steps=2000)
        said = shared.fit(torch.Generator().manual_seed(0), x[:400], draw.answer[:400], 5, steps=2000)(x[400:])
        right.append(float((said == draw.answer[400:]).float().mean()))
    assert right[1] < right[0] - 0.03


def test_the_score_is_the_mean_of_its_factors() -> None:
    """An accuracy per asked factor, of the votes that share it; a code that is blind to two of five shows which."""
    blind = lambda index: perfect(index) * torch.tensor([0.0, 0, 1, 1, 1, 0, 0, 0, 0, 0])  # noqa: E731
    found = scores_of(blind)
    each = {name: found[f"accuracy.{name}"] for name in GRID.names}
    assert min(each[name] for name in GRID.names[2:]) > 0.95 > 0.8 > each["shape"] + each["scale"] - 0.3
    assert sum(each.values()) / 5 == pytest.approx(found["higgins"], abs=0.06)
    assert {k for k in scores_of(perfect, ask=GRID.names[1:]) if "." in k} == {f"accuracy.{n}" for n in GRID.names[1:]}


def test_a_small_pool_is_told() -> None:
    asked = higgins(votes=100, test_votes=100, pool=600)
    codes = lambda index: perfect(index.reshape(-1)).reshape(*index.shape, -1)  # noqa: E731
    said = ask(asked, "higgins", Subject(grid(), told(perfect), codes), 0).notes["warning"]
    assert said == "a pool of 600 images lowers Higgins scores by up to 10 points; wanted 4,000 or more"
    assert higgins(pool=4000).beside is None


def test_dropout_left_on_lowers_the_mlp() -> None:
    draw = pooled(torch.Generator().manual_seed(0), GRID, torch.arange(5), 600, 600, 8, 9000)
    x = features(rotated(draw.index.reshape(-1)).reshape(*draw.index.shape, 10))
    x = (x - x.mean(0)) / x.std(0)
    right = []
    for habits in (AsPublished(), AsPublished(dropout_at_test=True)):
        said = mlp(torch.Generator().manual_seed(0), x[:600], draw.answer[:600], x[600:], 5, habits)
        right.append(float((said.classes == draw.answer[600:]).float().mean()))
    assert right[1] < right[0] - 0.01


def test_a_metric_may_be_named() -> None:
    """The same score by name as by hand, and knobs without a name are refused."""
    knobs = {"votes": 40, "test_votes": 40, "pairs": 8}
    dataset, encode = squares(), lambda images: images.flatten(1)[:, ::97]
    by_hand = evaluate(higgins(**knobs), dataset, encode, seed=0)
    assert evaluate("higgins", dataset, encode, seed=0, **knobs) == by_hand
    with pytest.raises(Misuse, match="go with the name"):
        evaluate(higgins(**knobs), dataset, encode, seed=0, pairs=8)
    with pytest.raises(Misuse, match="did you mean 'higgins'"):
        evaluate("higins", dataset, encode, seed=0)


@pytest.mark.parametrize("name", METRICS)
def test_every_measure_says_how_it_is_read(name: str) -> None:
    """What a forecast, a record and a bibliography ask of it; as plain JSON it comes back the same."""
    measure = named(name)
    looked = measure.looks(1000) if callable(measure.looks) else measure.looks
    assert looked >= 0
    assert 0 < measure.seconds < 3600
    said = base.told(measure, {}, squares())
    assert json.loads(json.dumps(said)) == said
    assert set(said) == {"unit", "chance", "higher", "cites"}


def test_chance_counts_what_is_asked() -> None:
    for knobs, chance in (({}, 1 / 4), ({"ask": ["posX", "posY"]}, 1 / 2)):
        assert base.told(named("higgins", **knobs), knobs, squares())["chance"] == chance


def test_untrained_networks_score_chance_unless_their_codes_are_standardised() -> None:
    """Algorithm 1 takes the differences as they are: codes of a hundredth of a unit, which say a little of every image,
    are a guess to a classifier with a prior on its weights, and far from one when they are blown up to unit variance.
    """
    faint = lambda index: 1e-3 * rotated(index)  # noqa: E731
    few = {"votes": 400, "test_votes": 400, "pool": 8000}
    assert abs(score(faint, **few) - 0.2) < 5 * math.sqrt(0.2 * 0.8 / 400)
    assert score(faint, **few, standardise=True) > 0.9


def test_a_study_draws_votes_for_every_training_seed() -> None:
    """Votes of one training seed are the same for whatever is compared within it, and others for another seed."""
    drawn: list[Tensor] = []

    def seen(index: Tensor) -> Tensor:
        drawn.append(index)
        return perfect(index.reshape(-1)).reshape(*index.shape, -1)

    metric = higgins(votes=10, test_votes=10, pairs=2)
    for seeds in ((0, 1), (0, 1), (0, 2), (1, 1)):
        ask(metric, "higgins", Subject(grid(), told(perfect), seen), *seeds)
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert not torch.equal(drawn[0], drawn[3])


def test_a_fit_that_stops_short_says_so() -> None:
    """Three iterations of logistic regression are too few, 500 enough; what makes so many steps has nothing to say."""
    x = torch.randn(300, 10, generator=torch.Generator().manual_seed(0))
    y = torch.randint(5, (300,), generator=torch.Generator().manual_seed(1))
    assert logistic(torch.Generator(), x, y, x, 5).converged
    assert logistic(torch.Generator(), x, y, x, 5, iterations=3).converged is False
    assert scores_of(perfect)["converged"] == 1.0
    assert "converged" not in scores_of(perfect, classifier="forest")


def test_what_compares_training_seeds_image_by_image_looks_at_the_same_images() -> None:
    """UDR holds two trainings' codes of one image against each other; what stands alone draws for every seed anew."""
    seen: list[Tensor] = []

    def measure(generator: torch.Generator, subject: Subject) -> base.Answer:
        seen.append(torch.randint(1000, (5,), generator=generator))
        return base.Answer()

    subject = Subject(grid(), told(perfect), perfect)
    for probe in (base.Probe(measure, shared=True), base.Probe(measure)):
        for seed in (1, 2):
            ask(probe, "udr", subject, 0, seed)
    assert torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[2], seen[3])
    udr = named("udr")
    assert isinstance(udr, base.Probe)
    assert udr.shared

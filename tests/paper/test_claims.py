"""Laws of the claims: a planted effect is found, a planted null stays undecided, few seeds decide nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from factory import FakeStore, higgins, scored, vae
from synthetic import answered

from betavae.paper.claims.table import CLAIMS as OTHERS
from betavae.paper.claims.table import CONTRIBUTIONS
from betavae.paper.evidence import gathered
from betavae.paper.scales import SEEDS
from betavae.paper.study import paper
from betavae.report.judged import SCALES, claims, line
from betavae.report.statistics.comparisons import Arm, Claim, Groups, Identity, in_pairs
from betavae.report.statistics.exact_tests import Block
from betavae.report.statistics.findings import Finding, finding
from betavae.report.statistics.verdicts import (
    CONTRADICTS,
    EQUAL,
    NOT_RUN,
    SUPPORTS,
    UNDECIDED,
    Verdict,
    least,
    likely,
    verdicts,
)
from betavae.study.cells import Cell, Question

LISTED = {
    "beta-above-one", "five-below-four", "spread-grows", "higgins-not-reached", "worst-half", "conv-above-mlp",
    "baselines-fall", "low-beta-mpi3d", "larger-l-raises", "larger-l-unites", "classifiers-agree", "not-disentangled",
    "low-beta-reconstructs", "frechet-low-beta", "frechet-follows-loss", "low-beta-spreads",
}  # fmt: skip
CLAIMS = (*CONTRIBUTIONS, *OTHERS)
FAMILY = {claim.name: sum(c.orders != 0 for c in family) for family in (CONTRIBUTIONS, OTHERS) for claim in family}
BY_NAME = {claim.name: claim for claim in CLAIMS}


def judged(store: FakeStore, *names: str) -> dict[str, Verdict]:
    """The verdicts of a store, on some claims alone or on all."""
    families = [[BY_NAME[n] for n in names]] if names else [CONTRIBUTIONS, OTHERS]
    return {v.claim.name: v for family in families for v in verdicts(gathered([store]), family)}


def higgins_store(seeds: int, effect: float, spread: float = 0.02, seed: int = 0) -> FakeStore:
    """MLPs at every β whose scores rise by ``effect`` above β = 1; a seed's own level is shared by its β's."""
    store, rng = FakeStore(), np.random.default_rng(seed)
    for number in range(seeds):
        level = 0.65 + rng.normal(0, 0.05)
        for beta in (0.1, 1.0, 4.0, 10.0):
            value = level + effect * (beta > 1) + rng.normal(0, spread)
            scored(store, vae(method="mlp", beta=beta, seed=number), higgins(), float(np.clip(value, 0, 1)))
    return store


def test_that_there_is_no_effect_can_be_shown() -> None:
    """Both ways of judging: β moves nothing by five points, and so far fewer seeds show neither."""
    assert judged(higgins_store(20, 0.0, seed=1), "beta-above-one")["beta-above-one"].word == EQUAL
    assert judged(higgins_store(5, 0.0, seed=1), "beta-above-one")["beta-above-one"].word == UNDECIDED
    assert judged(higgins_store(20, 0.12), "beta-above-one")["beta-above-one"].word == SUPPORTS


def table_1_store(
    score: Callable[[float | None], tuple[float, float]], seeds: int = 16, shape: float = -0.2
) -> FakeStore:
    """Every model of Table 1, its scores of five and of four factors given by its β (None: PCA and ICA)."""
    store = FakeStore()
    four = higgins(ask=("scale", "orientation", "posX", "posY"))
    for seed in range(seeds):
        cells = [vae(method="mlp", beta=beta, seed=seed) for beta in (0.1, 1.0, 4.0, 10.0)]
        cells += [Cell("dsprites", method, 10, seed, fit=fit) for method, fit in (("pca", 25_000), ("ica", 2_500))]
        for cell in cells:
            for question, value in zip((higgins(), four), score(cell.beta), strict=True):
                scored(store, cell, question, value, shape)
    return store


def test_every_claim_of_the_paper_is_here() -> None:
    assert set(BY_NAME) >= LISTED
    for claim in CLAIMS:
        assert claim.says.endswith(".")
        assert claim.place.startswith("Sec.")
        assert claim.records
        assert claim.statistic


def test_a_planted_effect_is_found_and_its_size_printed() -> None:
    found = judged(higgins_store(12, 0.12), "beta-above-one")["beta-above-one"]
    assert found.word == SUPPORTS
    assert found.n == 12
    [arm] = found.findings
    assert arm.effect == pytest.approx(0.12, abs=0.02)
    assert arm.interval is not None
    assert 0.12 in arm.interval
    assert arm.chance > 0.9
    text = "\n".join("|".join(row) for row in claims([found], "The paper's")[1].rows)  # type: ignore[union-attr]
    assert "**supports**" in text
    assert re.search(r"\+1[0-4]\.\d points", text)


def test_a_planted_effect_the_other_way_contradicts() -> None:
    found = judged(higgins_store(12, -0.12), "beta-above-one")["beta-above-one"]
    assert (found.word, found.p is not None and found.p < 0.001) == (CONTRADICTS, True)
    assert found.findings[0].effect < 0


@pytest.mark.parametrize("seed", range(12))
def test_a_planted_null_is_undecided_or_shown_to_be_none(seed: int) -> None:
    """No effect supports nothing; where the claim has a margin, thirty such seeds show that there is none."""
    evidence = gathered([higgins_store(30, 0.0, seed=seed)])
    claim = BY_NAME["beta-above-one"]
    (none,), (found,) = (verdicts(evidence, [c]) for c in (claim, replace(claim, margin=None)))
    assert (none.word, found.word) == (EQUAL, UNDECIDED)
    assert found.likely is not None
    assert found.likely > 30


def test_a_table_of_nulls_stays_undecided() -> None:
    """Holm over the table: in 60 whole tables of nulls, a verdict is a rare mistake."""
    rng = np.random.default_rng(0)

    def null(k: int, values: np.ndarray) -> Claim:
        blocks = tuple(Block((-3.0, -1.0, 1.0, 3.0), tuple(row)) for row in values)
        return replace(OTHERS[0], name=f"null {k}", gather=lambda _: [Arm("null", blocks)], orders=24)

    wrong = 0
    for _ in range(60):
        table = [null(k, rng.normal(size=(6, 4))) for k in range(15)]
        wrong += any(v.word != UNDECIDED for v in verdicts(gathered([FakeStore()]), table))
    assert wrong / 60 < 0.05 + 4 * math.sqrt(0.05 * 0.95 / 60)


@pytest.mark.parametrize("seeds", [1, 2, 4])
def test_few_seeds_decide_nothing_however_large_the_effect(seeds: int) -> None:
    found = judged(higgins_store(seeds, 0.3, spread=0.0))["beta-above-one"]
    assert found.word == UNDECIDED
    assert found.least == 7  # 2·3^-7 is the first p below .05/22
    row = next(r for r in claims([found], "The paper's")[1].rows)  # type: ignore[union-attr]
    assert row[-1].startswith("**undecided** (needs ")


def test_no_verdict_without_the_seeds_it_needs() -> None:
    """The whole paper's study, planted to be unanimous, at its own seeds: nothing below ``least`` is decided."""
    store = answered(paper("paper", have=["cifar10", "cifar100"], features="inception2015"))
    for found in judged(store).values():
        if found.word in (SUPPORTS, CONTRADICTS) and found.claim.orders != 0:
            assert found.claim.smallest_p(found.n) <= 0.05
            assert found.p is not None
            assert found.p <= 0.05
        if found.word == UNDECIDED:
            assert found.least == least(found.claim, FAMILY[found.claim.name])
            assert found.likely is None or found.likely >= max(found.least, found.n + 1)


@pytest.mark.parametrize("claim", [c for c in CLAIMS if c.orders != 0], ids=lambda c: c.name)
def test_the_seeds_a_claim_needs_are_the_fewest(claim: Claim) -> None:
    tests = FAMILY[claim.name]
    n = least(claim, tests)
    assert claim.smallest_p(n) <= 0.05 / tests < claim.smallest_p(n - claim.seeds)
    assert n % claim.seeds == 0


@pytest.mark.parametrize("claim", [c for c in CLAIMS if c.orders != 0], ids=lambda c: c.name)
def test_the_smallest_p_is_what_a_unanimous_outcome_gives(claim: Claim) -> None:
    """Seven seeds of the paper's study in perfect order: the test's p is the one that the plan counted on."""
    if claim.orders is None:
        arm = Groups("apart", tuple(range(10, 17)), tuple(range(7)))
    else:
        weights = {2: (-1.0, 1.0), 3: (-2.0, 1.0, 1.0), 4: (-1.0, -1.0, -1.0, 3.0), 6: (-1.0, -1.0, 1.0, 1.0),
                   24: (-3.0, -1.0, 1.0, 3.0)}[claim.orders]  # fmt: skip
        arm = Arm("in order", (Block(weights, tuple(map(float, range(len(weights))))),) * 7)
    assert finding(arm).p == pytest.approx(claim.smallest_p(7 * claim.seeds))


def test_the_beyond_scale_can_carry_every_claim() -> None:
    """Seeds per dataset at `beyond` against the fewest that a claim needs; CIFAR's two datasets count together."""
    from betavae.paper.scales import SCALES

    seeds = SCALES["beyond"].seeds
    for claim in CLAIMS:
        if claim.orders == 0:
            continue
        speaks_of = (("mpi3d", "MPI3D"), ("cifar", "CIFAR"), ("shapes3d", "three"))
        here = [family for family, word in speaks_of if word in claim.records]
        have = min((len(seeds[f]) for f in here or ["dsprites"]), default=0)
        assert have >= least(claim, FAMILY[claim.name]), claim.name


def test_a_diverged_run_is_counted_in_at_chance() -> None:
    store = higgins_store(3, 0.1)
    for beta in (1.0, 4.0, 10.0):
        scored(store, vae(method="mlp", beta=beta, seed=3), higgins(), 0.7 if beta != 4.0 else None)
    [found] = judged(store, "beta-above-one")["beta-above-one"].findings
    assert found.n == 4
    expected = sorted([*(g for g in [(0.2 + 0.7) / 2 - 0.7])])[0]
    assert found.interval is not None
    assert found.interval.low == pytest.approx(expected)


def test_a_diverged_run_reconstructs_infinitely_badly() -> None:
    store = answered(paper("smoke", have=["cifar10"]), diverged=lambda c: c.dataset == "cifar10" and c.beta == 10.0)
    [found] = judged(store, "low-beta-reconstructs")["low-beta-reconstructs"].findings
    assert found.effect == math.inf
    assert found.chance == 1.0


def test_of_equals_in_rank_the_smallest_effect_is_printed() -> None:
    """Three comparisons of one seed tie as far as ranks go: effects of 9, 1 and 4 points print 1."""
    claim = next(c for c in CLAIMS if c.orders and c.unit)
    found = tuple(Finding(f"{e}", 1, e / SCALES[claim.unit][0], None, 1.0, 0.5, 1.0) for e in (9.0, 1.0, 4.0))
    shown = line(Verdict(claim, UNDECIDED, 0.5, 4, None, found))
    assert shown[2].startswith("+1")


def test_an_equation_needs_no_seeds() -> None:
    """Section 4.2 is decided by rounding: within the tolerance it holds, beyond it it does not, Holm left alone."""
    claim = BY_NAME["beta-is-variance"]
    for error, word in ((1e-7, SUPPORTS), (0.1, CONTRADICTS)):
        given = replace(claim, gather=lambda _, e=error: [Identity("gradients", e, 1e-4)])
        [found] = verdicts(gathered([FakeStore()]), [given])
        assert found.word == word


def test_nothing_run_is_said_to_be_not_run() -> None:
    assert {v.word for v in judged(FakeStore()).values()} == {NOT_RUN}


def test_a_claim_of_several_models_needs_all_of_them() -> None:
    """Five factors below four for every model: one model that does not tell them apart keeps it undecided."""
    rng = np.random.default_rng(1)
    store = table_1_store(lambda beta: (0.6 + rng.normal(0, 0.01), 0.7 - 0.1 * (beta == 10.0) + rng.normal(0, 0.01)))
    assert judged(store, "five-below-four")["five-below-four"].word == UNDECIDED
    store = table_1_store(lambda beta: (0.6 + rng.normal(0, 0.01), 0.7 + rng.normal(0, 0.01)))
    assert judged(store, "five-below-four")["five-below-four"].word == SUPPORTS
    store.kept = [r for r in store.kept if r["cell"]["method"] != "ica"]
    assert judged(store, "five-below-four")["five-below-four"].lacking == (
        "ICA", "ICA, the other four − shape",
    )  # fmt: skip


def test_five_below_four_is_not_for_shape_where_shape_is_told_as_often() -> None:
    store = table_1_store(lambda beta: (0.6, 0.7), shape=0.1)
    assert judged(store, "five-below-four")["five-below-four"].word == CONTRADICTS


def test_one_model_the_other_way_is_enough_to_contradict() -> None:
    store = table_1_store(lambda beta: (0.6, 0.5 if beta == 0.1 else 0.7))
    assert judged(store, "five-below-four")["five-below-four"].word == CONTRADICTS


def test_seeds_are_paired_in_their_order_and_an_odd_one_is_left_out() -> None:
    found = {1: {4.0: 0.5}, 2: {4.0: 0.8}, 3: {4.0: 0.6}, 4: {4.0: 0.1}, 5: {4.0: 0.9}}
    assert in_pairs(found, lambda a, b: abs(a - b)) == {1: {4.0: pytest.approx(0.3)}, 3: {4.0: pytest.approx(0.5)}}


def test_a_planted_spread_is_found_by_pairs_of_seeds() -> None:
    store, rng = FakeStore(), np.random.default_rng(2)
    for seed in range(30):
        for beta in (0.1, 1.0, 4.0, 10.0):
            value = 0.6 + rng.normal(0, 0.15 if beta > 1 else 0.01)
            scored(store, vae(method="mlp", beta=beta, seed=seed), higgins(), float(np.clip(value, 0, 1)))
    found = judged(store, "spread-grows")["spread-grows"]
    assert found.word == SUPPORTS
    assert found.n == 30


def test_moments_of_training_are_no_observations() -> None:
    """Asking a run at more moments must not make a claim easier to decide."""
    few = answered(paper("smoke", have=["cifar10"], features="efficientnet_lite0"))
    study = paper("smoke", have=["cifar10"], features="efficientnet_lite0")
    more = FakeStore()
    more.held = few.held
    for record in few.kept:
        more.kept.append(record)
        if record["question"] and record["at"] == 0.5:
            more.kept += [{**record, "at": at} for at in (0.6, 0.7, 0.8)]
    assert study.scale == "smoke"
    for name in ("low-beta-reconstructs", "frechet-follows-loss"):
        a, b = (judged(s, name)[name].findings[0] for s in (few, more))
        assert (a.n, a.p) == (b.n, b.p)


def test_the_paper_asks_the_seeds_of_its_appendix() -> None:
    cells: set[Cell] = set(paper("paper", have=["cifar10"]).cells)
    assert {c.seed for c in cells if c.dataset == "dsprites"} == set(SEEDS)
    assert all(isinstance(q, Question) for j in paper("smoke").jobs for q in j.questions)


def test_a_claim_on_all_is_not_decided_on_some() -> None:
    """Of two arms one was run, and unanimously: the claim was not, and says what is missing."""
    full = Arm("run", (Block((-1.0, 1.0), (0.0, 1.0)),) * 20)
    claim = replace(OTHERS[0], gather=lambda _: [full, Arm("absent", ())], orders=2)
    [found] = verdicts(gathered([FakeStore()]), [claim])
    assert (found.word, found.findings, found.lacking) == (NOT_RUN, (), ("absent",))
    assert "no seed has all of absent" in line(found)[-1]
    [alone] = verdicts(gathered([FakeStore()]), [replace(claim, gather=lambda _: [full])])
    assert alone.word == SUPPORTS


def test_seeds_are_counted_not_datasets() -> None:
    """Two seeds on two datasets are two seeds: each dataset is a comparison of its own."""
    store = answered(paper("smoke", have=["cifar10", "cifar100"], features="inception2015"))
    found = judged(store)["low-beta-reconstructs"]
    assert [f.n for f in found.findings] == [1, 1]
    assert found.n == 1


@pytest.mark.parametrize("n", [8, 16])
def test_the_seeds_for_power_give_it(n: int) -> None:
    """At the effect and spread of a known truth, as many seeds as are printed find it in about four studies of five."""
    rng = np.random.default_rng(n)
    claim = replace(OTHERS[0], orders=2)
    wanted = [
        likely(finding(Arm("", tuple(Block((-1.0, 1.0), (0.0, d)) for d in rng.normal(0.6, 1.0, n)))), claim, 6, 1)
        for _ in range(80)
    ]
    middle = sorted(w for w in wanted if w is not None)[40]
    found = sum(
        finding(Arm("", tuple(Block((-1.0, 1.0), (0.0, d)) for d in rng.normal(0.6, 1.0, middle)))).p <= 0.05
        for _ in range(200)
    )
    assert 0.6 < found / 200 < 0.95

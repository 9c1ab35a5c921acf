"""What a claim of the paper is judged on: nothing before all of its seeds are there, nothing that it does not say, and
in words that hold.
"""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from factory import FakeStore, higgins, scored, vae
from synthetic import answered

from betavae.paper.claims import images
from betavae.paper.claims.judged import judged, waiting
from betavae.paper.claims.models import SPEAKS_OF, cells_of, seeds_here
from betavae.paper.claims.sensitivity import BEYOND, classifiers_agree, rotation_unseen
from betavae.paper.claims.table import CLAIMS, CONTRIBUTIONS
from betavae.paper.evidence import gathered
from betavae.paper.evidence import higgins as score_of
from betavae.paper.names import natural
from betavae.paper.published import BETAS
from betavae.paper.sections.front import said
from betavae.paper.sections.sensitivity import table_2
from betavae.paper.study import paper
from betavae.report.conditions import outdated, wall
from betavae.report.document import Items, Table
from betavae.report.judged import claims, line
from betavae.report.markdown import markdown
from betavae.report.reads import reads
from betavae.report.rows import Row
from betavae.report.statistics.comparisons import Identity
from betavae.report.statistics.exact_tests import MOST
from betavae.report.statistics.findings import Finding
from betavae.report.statistics.verdicts import (
    CONTRADICTS,
    EQUAL,
    NOT_RUN,
    NOT_YET,
    SUPPORTS,
    UNDECIDED,
    Verdict,
    verdicts,
)
from betavae.study.cells import Job, Study

BY_NAME = {claim.name: claim for claim in (*CONTRIBUTIONS, *CLAIMS)}


def by_beta(name: str, scores: tuple[float, ...], seeds: int = 10) -> Verdict:
    """A claim on the scores of the drawn MPI3D, the same at every seed but for a little."""
    store = FakeStore()
    for seed in range(seeds):
        for beta, score in zip(BETAS, scores, strict=True):
            scored(store, vae("mpi3d-drawn", beta=beta, seed=seed), higgins(), score + 1e-4 * seed)
    (found,) = (v for v in verdicts(gathered([store]), CONTRIBUTIONS) if v.claim.name == name)
    return found


@pytest.mark.parametrize(
    ("scores", "word"),
    [
        ((0.45, 0.40, 0.20, 0.10), SUPPORTS),
        ((0.44, 0.45, 0.20, 0.20), CONTRADICTS),  # above the mean of the others, and yet not best
        ((0.45, 0.30, 0.35, 0.10), CONTRADICTS),  # best, and not followed by β = 1
    ],
)
def test_low_beta_is_first_only_where_every_place_of_the_order_is_shown(scores: tuple[float, ...], word: str) -> None:
    assert by_beta("low-beta-mpi3d", scores).word == word


def test_a_distance_that_falls_above_one_does_not_rise() -> None:
    store = FakeStore()
    ask = next(q for job in paper("smoke", features="inception2015").jobs for q in job.questions
               if q.measure == "frechet" and dict(q.knobs)["of"] == "reconstruction")  # fmt: skip
    for seed in range(12):
        for beta, fid in zip(BETAS, (100.0, 250.0, 240.0, 245.0), strict=True):
            store.add(vae("mpi3d-drawn", beta=beta, seed=seed), ask, scores={"fid": fid + seed})
    (arm,) = images.frechet_by_beta(gathered([store]))
    (found,) = verdicts(gathered([store]), [BY_NAME["frechet-low-beta"]])
    assert len(arm.blocks[0].values) == 3  # type: ignore[union-attr]
    assert found.word == CONTRADICTS


def test_a_flat_course_of_training_is_no_order_and_no_verdict() -> None:
    study = paper("smoke", features="inception2015")
    store = answered(study)
    for record in store.kept:
        if record["question"] and record["question"]["measure"] == "reconstruction":
            record["scores"]["reconstruction"] = 100.0
    for arm in images.frechet_along_loss(gathered([store])):
        assert [value for block in arm.blocks for value in block.values] == [0.0, 0.0]  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def study() -> Study:
    """The paper's study at a scale that holds all its questions, one seed of each dataset."""
    return paper("smoke")


def test_a_claim_is_judged_once_when_all_of_its_seeds_are_there(study: Study) -> None:
    """Of a study without looks: with a training to come its claim waits, counts in Holm's table as if nothing were
    known, and says how many seeds there are; the others are judged.
    """
    seeds = range(10)
    jobs = [replace(job, cell=replace(job.cell, seed=seed)) for job in study.jobs for seed in seeds if _plain(job.cell)]
    whole = replace(study, jobs=tuple(dict.fromkeys(jobs)))
    store = answered(whole)
    evidence = gathered([store])
    assert waiting(evidence, whole) == {}
    assert judged(evidence, whole) == judged(evidence)

    late = {job.cell.id for job in whole.jobs if (job.cell.method, job.cell.seed) == ("mlp", 9)}
    store.kept = [r for r in store.kept if r["cell_id"] not in late]
    some = gathered([store])
    others = {v.claim.name: v for v in judged(some, whole)[1]}
    of_mlp = {"beta-above-one", "spread-grows", "conv-above-mlp"}
    assert of_mlp <= waiting(some, whole).keys()
    for name in of_mlp:
        found = others[name]
        assert (found.word, found.p, found.planned, found.n >= 8) == (NOT_YET, None, 10, True)
        assert line(found)[-1] == f"**not judged yet** ({found.n} of 10 planned seeds are there)"
    assert others["conv-around-ninety"].word != NOT_YET
    page = markdown(claims([*others.values()], "The paper's other"))
    assert "judged once, when all the seeds planned" in page
    told = _items(said([], [*others.values()], []))
    assert any("**not judged yet**" in text for text in told)
    at_once = {v.claim.name: v.p for v in verdicts(some, CLAIMS)}
    for found in verdicts(some, CLAIMS, dict.fromkeys(of_mlp, 10)):  # those that wait give nothing to the others
        if found.claim.name not in of_mlp and found.p is not None:
            assert found.p >= (at_once[found.claim.name] or 0.0)


def _plain(cell: object) -> bool:
    return not getattr(cell, "quirks", ()) and getattr(cell, "objective", None) in (None, "beta_vae")


def test_claims_speak_of_models_that_the_study_has(study: Study) -> None:
    assert set(SPEAKS_OF) <= set(BY_NAME)


def test_what_failed_is_no_look_at_it(study: Study) -> None:
    """A look whose answers failed is not had: the run does them again, and judges it then."""
    looked = replace(study, looks=(1,))
    store = answered(looked)
    assert {v.word for family in judged(gathered([store]), looked) for v in family} != {NOT_RUN}
    wrong = next(r for r in store.kept if r["kind"] == "answer")
    wrong |= {"status": "error", "message": "it failed", "scores": {}}
    assert {v.word for family in judged(gathered([store]), looked) for v in family} == {NOT_RUN}


def test_a_diverged_run_is_not_counted_as_agreeing() -> None:
    """Where all classifiers, or codes before and after a rotation, have chance alike, nothing is near to anything."""
    store = answered(paper("smoke"), diverged=lambda cell: cell.beta == 10.0)
    for gather in (classifiers_agree(0.05), rotation_unseen(0.05)):
        for arm in gather(gathered([store])):
            assert {block.values[1] for block in arm.blocks} == {BEYOND}  # type: ignore[union-attr]


def _items(parts: list[object]) -> list[str]:
    return [text for part in parts if isinstance(part, Items) for text in part.lines]


def test_an_identity_that_fails_is_not_said_to_hold() -> None:
    claim = BY_NAME["beta-is-variance"]
    for error, words in ((1e-7, "holds to rounding"), (1e-2, "**does not hold** to rounding")):
        given = replace(claim, gather=lambda _, e=error: [Identity("gradients", e, 1e-4)])
        (text,) = _items(said([], verdicts(gathered([FakeStore()]), [given]), []))[-1:]
        assert words in text


def test_what_the_nearest_to_a_verdict_needs() -> None:
    """With fewer seeds than could decide it, those; with more, those for power; briefness only where it is so."""
    claim, other = BY_NAME["beta-above-one"], BY_NAME["spread-grows"]
    few = Verdict(claim, UNDECIDED, 1.0, 7, None, _findings(4))
    many = Verdict(claim, UNDECIDED, 1.0, 7, 45, _findings(20))
    hopeless = Verdict(other, UNDECIDED, 1.0, 8, MOST + 1, _findings(10))
    texts = [_items(said([], found, [], brief))[-1] for found, brief in (
        ([few], True), ([many], False), ([hopeless], False), ([few, many, hopeless], False))]  # fmt: skip
    assert texts[0].startswith("1 of the paper's 1 other claims is **undecided**: 1 had too few seeds for any verdict "
                               "(the nearest needs at least 7); seeds decide about models")  # fmt: skip
    assert texts[1].endswith("the nearest needs about 45 seeds at the effect seen.")
    assert texts[2].endswith("the nearest needs more than 1000 seeds at the effect seen.")
    assert "3 of the paper's 3 other claims are **undecided**" in texts[3]
    assert "of the others the nearest needs about 45 seeds" in texts[3]
    (front,) = _items(said([many], [], []))[:1]
    assert front.endswith("20 seeds do not decide it; about 45 seeds for 80 % power at the effect seen.")
    assert "at least" not in front


def _findings(n: int) -> tuple[object, ...]:
    return (Finding("a − b", n, 0.01, None, 0.5, 0.6, 0.5),)


def test_no_such_effect_is_of_the_claims_that_have_a_margin() -> None:
    equal = Verdict(BY_NAME["low-beta-mpi3d"], EQUAL, 0.01, 8, None, _findings(10))  # type: ignore[arg-type]
    assert "after Holm over those of the four that have a margin" in _items(said([equal], [], []))[0]


def test_a_table_over_some_of_the_betas_says_which() -> None:
    store = answered(paper("smoke"))
    (table,) = (part for part in table_2(gathered([store])) if isinstance(part, Table))
    assert "alone" not in table.rows[0][0]
    store.kept = [r for r in store.kept if not r["cell"] or r["cell"]["knobs"].get("beta") in (None, 4.0)]
    (table,) = (part for part in table_2(gathered([store])) if isinstance(part, Table))
    assert table.rows[0][0].endswith("β = 4 alone")


def test_a_sitting_is_not_held_against_the_forecast_of_the_whole() -> None:
    store = FakeStore()
    for wall_, predicted, jobs, left in ((9000.0, 27_000.0, 400, 270), (90.0, 100.0, 3, 0)):
        store.add_run(wall_, predicted)
        store.kept[-1]["notes"] = {"workers": 2, "jobs": jobs, "left": left, "done": jobs - left}
    assert wall(gathered([store])) == [
        "Wall time: 2.5 h on 2 workers, a sitting that left 270 cells of 400",
        "Wall time: 90 s on 2 workers, -10 % off the 100 s predicted",
    ]


def test_chance_that_each_has_measured_is_their_median() -> None:
    given = [{"reads": {"unit": "", "chance": chance, "higher": True}} for chance in (0.1, 0.2, 0.9, math.nan, None)]
    assert reads(given).chance == pytest.approx(0.2)
    assert reads([{"reads": None}]).chance is None


def test_a_claim_on_natural_images_waits_for_all_of_them() -> None:
    """Both CIFARs where a study has both, either where it has one, MPI3D where it has none."""
    claim = BY_NAME["low-beta-reconstructs"]

    def planned(**seeds: int) -> tuple[set[str], int]:
        cells = [vae(name.replace("_", "-"), seed=seed) for name, count in seeds.items() for seed in range(count)]
        part = Study("paper", "overnight", tuple(Job(cell, ()) for cell in cells))
        return {cell.dataset for cell in cells_of(part, claim)}, seeds_here(part, claim)

    assert planned(cifar10_jpeg=12, cifar100=5, mpi3d_drawn=10) == ({"cifar10-jpeg", "cifar100"}, 5)
    assert planned(cifar100=5, mpi3d_drawn=10) == ({"cifar100"}, 5)
    assert planned(dsprites=20, mpi3d_drawn=10) == ({"mpi3d-drawn"}, 10)


def test_what_failed_is_not_there(study: Study) -> None:
    """As a run has it, which does it again: its claims wait, and are not judged twice."""
    store = answered(study)
    assert not waiting(gathered([store]), study)
    (cell,) = (c.id for c in study.cells if c.method == "mlp" and c.beta == 10.0 and not c.quirks)
    asked = {(r["question"] or {}).get("measure"): r for r in store.kept if r["cell_id"] == cell}
    asked["architecture"] |= {"status": "error", "scores": {}, "message": "a worker was killed"}
    assert "not-disentangled" in waiting(gathered([store]), study)
    (late,) = (v for v in judged(gathered([store]), study)[0] if v.claim.name == "not-disentangled")
    assert line(late)[-1] == "**not judged yet** (some answers of its 1 planned seeds are missing or failed)"


def test_the_stand_in_is_known_without_a_network_of_features() -> None:
    """By its losses along training, which nothing else is asked."""
    store = answered(paper("smoke"))
    assert not any(r["question"] and r["question"]["measure"] == "frechet" for r in store.records())
    assert natural(gathered([store])) == ["mpi3d-drawn"]


def test_a_report_is_of_what_the_study_asks() -> None:
    """Cells of an earlier plan, however large, do not stand in the place of those that were run for this one."""
    store = FakeStore()
    cells = [vae(beta=beta, images=images) for beta in BETAS for images in (1000, 9000)]
    for cell in cells:
        scored(store, cell, higgins(), 0.3 if cell.recipe and cell.recipe.images == 1000 else 0.6)
    now = Study("paper", "laptop", tuple(Job(cell, (higgins(),)) for cell in cells[::2]))
    evidence = gathered([store], now)
    assert [score_of(evidence, Row("dsprites", "conv", beta)).list for beta in BETAS] == [[0.3]] * 4
    assert (evidence.unasked, evidence.aside) == (4, 0)
    told = markdown([Items(outdated(evidence))])
    assert "4 records are left out: the study, as it was last run here, does not ask for them" in told

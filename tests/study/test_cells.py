"""Laws of the study as data: identity by content, round trips, merging, shards, and the paper's own numbers."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from betavae.datasets import rules
from betavae.errors import Misuse
from betavae.paper.published import BETAS, images_in_all
from betavae.paper.scales import SCALES
from betavae.paper.study import paper
from betavae.study.cells import Cell, Job, Question, Study, canonical, merge, pairs
from betavae.study.quirks import QUIRKS, switched
from betavae.study.run import select
from betavae.training.recipe import Recipe

CELL = Cell("dsprites", "conv", 10, 123, "beta_vae", pairs({"beta": 4.0}), Recipe("adam", 5e-4, 256, 25_600))
ASK = Question("higgins", pairs({"pairs": 64, "votes": 1000, "ask": ["scale", "posX"]}), at=(0.5, 1.0))


def test_cells_and_questions_survive_json() -> None:
    assert Cell.from_plain(json.loads(canonical(CELL.plain()))) == CELL
    assert Question.from_plain(json.loads(canonical(ASK.plain()))) == ASK


def test_an_id_is_the_content() -> None:
    assert replace(CELL, seed=427).id != CELL.id
    assert replace(CELL, knobs=pairs({"beta": 1.0})).id != CELL.id
    assert Cell.from_plain(CELL.plain()).id == CELL.id
    assert replace(ASK, at=(1.0,)).id == ASK.id  # when it is asked is not what is asked
    assert replace(ASK, seed=1).id != ASK.id


IDS = json.loads((Path(__file__).parent / "ids.json").read_text(encoding="utf-8"))
"""Ids that stores have, and what they stand for: written by the first version."""


@pytest.mark.parametrize(("kind", "made"), [("cells", Cell), ("questions", Question)])
def test_ids_never_change(kind: str, made: type[Cell] | type[Question]) -> None:
    """Stores outlive versions: whole numbers stay whole, what is left out and what is said by default are the same."""
    assert len(IDS[kind]) > 40
    for key, plain in IDS[kind].items():
        one = made.from_plain(plain)
        assert one.id == key
        assert canonical(one.plain()) == canonical(plain)
        assert made.from_plain(json.loads(canonical(one.plain()))) == one


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"codes": True}, "codes is True: expected `int`, got `bool`"),
        ({"codes": "ten"}, "codes is 'ten': expected `int`, got `str`"),
        ({"seed": 1.5}, "seed is 1.5: expected `int`, got `float`"),
        ({"colour": 1}, "object contains unknown field `colour`"),
        (
            {"knobs": {"beta": [[1]]}},
            "knobs is {'beta': [[1]]}: expected `bool | int | float | str | null`, got `array`",
        ),
        ({"knobs": {"beta": {"a": 1}}}, "knobs is {'beta': {'a': 1}}: expected"),
        ({"recipe": {}}, "recipe is {}: object missing required field `optimiser`"),
        ({"recipe": {**CELL.plain()["recipe"], "batch": 0}}, "batch is 0: expected `int` >= 1"),  # type: ignore[dict-item]
        ({"quirks": "ab"}, "quirks is 'ab': expected `array`, got `str`"),
    ],
    ids=str,
)
def test_what_is_no_cell_is_told_by_its_place(change: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        Cell.from_plain({**CELL.plain(), **change})


def test_what_is_no_table_is_no_cell() -> None:
    with pytest.raises(ValueError, match="a cell is 'dsprites': expected `object`, got `str`"):
        Cell.from_plain("dsprites")  # type: ignore[arg-type]


def test_merge_unites_questions_of_equal_cells() -> None:
    other = replace(ASK, seed=9)
    assert merge([Job(CELL, (ASK,)), Job(CELL, (other, ASK))]) == (Job(CELL, (ASK, other)),)


def test_what_is_not_trained_is_asked_once() -> None:
    """A grid of trainings and baselines shares its questions; a baseline has no half of its training."""
    pca = Cell("dsprites", "pca", 10, 123, fit=1000)
    assert merge([Job(pca, (ASK, replace(ASK, seed=9, at=(0.25,))))]) == (
        Job(pca, (replace(ASK, at=(1.0,)), replace(ASK, seed=9, at=(1.0,)))),
    )


def test_the_papers_budget_is_72_trainings() -> None:
    study = paper("paper", have=["cifar10", "cifar100"])
    trained = [c for c in study.cells if c.objective == "beta_vae" and not c.quirks]
    assert len(trained) == 72
    assert sum(c.recipe.images for c in trained if c.recipe) == images_in_all()
    assert images_in_all() == pytest.approx(1.35e9, rel=0.005)


@pytest.mark.parametrize("scale", SCALES)
def test_every_scale_covers_the_paper(scale: str) -> None:
    study = paper(scale, have=["cifar10"], features="efficientnet_lite0")
    kinds = {(c.dataset, c.method, c.beta) for c in study.cells if c.recipe}
    assert kinds >= {("dsprites", m, b) for m in ("mlp", "conv") for b in BETAS}
    assert kinds >= {(d, "conv", b) for d in ("shapes3d-drawn", "mpi3d-drawn", "cifar10") for b in BETAS}
    asked = {q.measure for job in study.jobs for q in job.questions}
    assert asked >= {"higgins", "rotation", "frechet", "reconstruction", "samples", "reconstructions", "traversals",
                     "latent_space", "architecture"}  # fmt: skip
    assert len({c.id for c in study.cells}) == len(study.cells)


def test_the_drawn_worlds_stand_in_where_no_cifar_is() -> None:
    study = paper("laptop", features="efficientnet_lite0")
    assert {j.cell.dataset for j in study.jobs for q in j.questions if q.measure == "frechet"} == {"mpi3d-drawn"}


@pytest.mark.parametrize("name", QUIRKS)
def test_a_quirk_changes_only_what_it_names(name: str) -> None:
    """Off is the protocol; on, the cell or the question differs in the quirk's own knobs and in its label alone."""
    quirk = QUIRKS[name]
    study = paper("smoke", have=["cifar10"], features="efficientnet_lite0")
    twins = [(j, t) for j in study.jobs if not j.cell.quirks and (t := switched(j, name))]
    assert twins, "no job of the paper's study is touched by this quirk"
    for job, twin in twins:
        before, after = dict(job.cell.knobs), dict(twin.cell.knobs)
        assert {k: v for k, v in after.items() if k not in dict(quirk.cell)} == {
            k: v for k, v in before.items() if k not in dict(quirk.cell)
        }
        assert (twin.cell == job.cell) == (not quirk.cell and not quirk.recipe)
        for q in twin.questions:
            assert q.measure in (quirk.measures if not quirk.instead else (quirk.instead,))
            assert q.quirks[-1:] == (name,)


def test_no_quirk_is_on_by_default() -> None:
    for job in paper("smoke", have=["cifar10"]).jobs:
        protocol = [q for q in job.questions if not q.quirks]
        if job.cell.quirks or not protocol:
            continue
        knobs = {k for q in protocol for k, _ in q.knobs} | {k for k, _ in job.cell.knobs}
        assert not knobs & {
            "layout",
            "whiten",
            "dropout_at_test",
            "divide_by_last_batch",
            "ica_adam",
        }


def test_standardised_votes_stand_beside_the_protocol_once_a_cell() -> None:
    """A variant by name: every cell that is asked it is asked the same of votes as they are; no twin is asked it."""
    for job in paper("smoke", have=["cifar10"]).jobs:
        known = [(dict(q.knobs), q.quirks) for q in job.questions if q.measure == "higgins"]
        variants = [knobs for knobs, quirks in known if knobs.get("standardise")]
        assert len(variants) == any(not quirks for _, quirks in known)
        for knobs in variants:
            assert ({k: v for k, v in knobs.items() if k != "standardise"}, ()) in known


def test_seeds_of_the_linear_classifier_are_of_baselines_and_asked_nothing_else() -> None:
    """Every L and both sets of factors on 2Dshapes, one score where there are none; and never a seed of a training."""
    scale, asked = SCALES["laptop"], {"dsprites": 5, "shapes3d-drawn": 1, "mpi3d-drawn": 1}
    for (family, seeds), (dataset, count) in zip(scale.linear.items(), asked.items(), strict=True):
        assert not set(seeds) & set(scale.seeds[family])
        jobs = [j for j in paper("laptop").jobs if j.cell.dataset == dataset and j.cell.seed in seeds]
        assert sorted(j.cell.method for j in jobs) == sorted(["pca", "ica"] * len(seeds))
        for job in jobs:
            assert {q.measure for q in job.questions} == {"higgins"}
            assert {dict(q.knobs)["classifier"] for q in job.questions} == {"linear"}
            assert len(job.questions) == count


def test_shards_split_and_cover() -> None:
    study = paper("smoke", have=["cifar10"])
    parts = [select(study, shard=(i, 3)).cells for i in range(3)]
    assert sorted(c.id for part in parts for c in part) == sorted(c.id for c in study.cells)
    assert min(map(len, parts)) > len(study.cells) / 6
    fewer = [select(paper("smoke"), shard=(i, 3)).cells for i in range(3)]
    assert all(c not in other for k, part in enumerate(parts) for c in part for other in fewer[:k] + fewer[k + 1 :])


def test_selecting_what_is_not_there_is_misuse() -> None:
    study = paper("smoke")
    with pytest.raises(Misuse, match="shards of 3 run from 0/3 to 2/3"):
        select(study, shard=(3, 3))
    with pytest.raises(Misuse, match="no cell of 'paper'"):
        select(study, only=["zzzz"])
    with pytest.raises(Misuse, match="has an id that begins with zzzz"):
        select(study, only=[study.cells[0].id, "zzzz"])
    with pytest.raises(Misuse, match="did you mean 'dataset'"):
        select(study, only=["datset=dsprites"])
    with pytest.raises(Misuse, match=r"has beta=3; those to choose from have none, 0.1, 1, 4, 10"):
        select(study, only=["dataset=dsprites,beta=3"])
    with pytest.raises(Misuse, match="did you mean 'laptop'"):
        paper("labtop")


def test_cells_are_selected_by_any_of_their_settings() -> None:
    """Names join, the settings of one name cut: as the same cells picked by hand."""
    study = paper("smoke", have=["cifar10"])

    def picked(*only: str) -> set[str]:
        return {cell.id for cell in select(study, only=only).cells}

    def by(**wanted: object) -> set[str]:
        told = {cell.id: {**cell.settings, "seed": cell.seed} for cell in study.cells}
        return {key for key, held in told.items() if all(held.get(k) == v for k, v in wanted.items())}

    assert picked("dataset=dsprites,method=conv,beta=4") == by(dataset="dsprites", method="conv", beta=4)
    assert picked("beta=4.0") == by(beta=4.0)
    assert picked("seed=123,fit=2500", "dataset=cifar10") == by(seed=123, fit=2500) | by(dataset="cifar10")
    assert picked("quirks=rgb-layout+ica-scale") == by(quirks=("rgb-layout", "ica-scale"))
    assert picked("dataset=dsprites,method=mlp,quirks=none") == by(dataset="dsprites", method="mlp", quirks=None)
    assert picked("dataset=dsprites,train_on=all") == by(dataset="dsprites")
    ruled = replace(CELL, train_on=rules.read("scale in (0, 1)").text)
    part = Study("mine", "own", (Job(CELL, ()), Job(ruled, ())))
    assert select(part, only=["train_on=scale in (0,1),beta=4"]).cells == (ruled,)
    assert all(picked(f"method={c.method}") >= {c.id} for c in study.cells)


@pytest.mark.parametrize("scale", ["smoke", "laptop", "overnight", "paper", "beyond"])
def test_every_dataset_that_is_scored_has_its_five_floors(scale: str) -> None:
    """Untrained, projection, pixels, noise and the true factors, each asked the votes that the models are asked."""
    study = paper(scale)
    scored = {
        (job.cell.dataset, job.cell.method)
        for job in study.jobs
        for q in job.questions
        if q.measure == "higgins" and not job.cell.quirks
    }
    floors = {"untrained", "projection", "pixels", "noise", "factors"}
    datasets = {dataset for dataset, method in scored if method == "conv"}
    assert len(datasets) == 3
    for dataset in datasets:
        assert floors <= {method for where, method in scored if where == dataset}, dataset

"""Training on a part of the grid, by a rule on factor values, and scores on all of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from runs import VOTES
from test_study_files import GOOD, written
from tiny import squares

import betavae
from betavae.cli.main import main
from betavae.datasets.base import Dataset
from betavae.errors import Misuse
from betavae.report.rows import labels, row_of
from betavae.study.cells import Cell
from betavae.study.monitor import cost
from betavae.study.monitor.forecast import groups
from betavae.study.store import Store
from betavae.study.study_file import read, write

RULE = "posX < 4 or size == 0"
FEW = {"images": 96, "batch": 8, "codes": 4, "quiet": True}


def kept(data: Dataset) -> list[int]:
    assert data.factors is not None
    values = data.factors.values(torch.arange(data.size))
    return torch.nonzero((values[:, 2] < 4) | (values[:, 0] == 0)).flatten().tolist()


def alone(data: Dataset) -> Dataset:
    """The images that the rule keeps and nothing else, under the same name."""
    index = torch.tensor(kept(data))
    images = data.render(index)
    return Dataset(data.name, data.shape, len(index), None, data.source, data.digest, lambda i: images[i])


def watched(data: Dataset, seen: set[int]) -> Dataset:
    """The same dataset, which remembers whom it was asked for."""

    def render(index: torch.Tensor) -> torch.Tensor:
        seen.update(index.tolist())
        return data.renderer(index)

    return replace(data, renderer=render)


@pytest.mark.parametrize("method", ["conv", "pca"])
def test_it_is_the_training_on_these_images_alone(method: str) -> None:
    """Bit for bit: the same initial draws, order and noise, the same codes of all images."""
    data, seen = squares(), set[int]()
    words = FEW if method == "conv" else {"codes": 4, "fit": 300, "quiet": True}
    ruled = betavae.fit(watched(data, seen), method, train_on="posX<4 or size==0", **words)
    other = betavae.fit(alone(data), method, **words)
    assert torch.equal(ruled.codes(torch.arange(data.size)), other.encode(data.render(torch.arange(data.size))))
    assert ruled.cell is not None
    assert ruled.cell.train_on == RULE
    if method == "pca":
        assert ruled.data is not None
    else:
        assert ruled.fit is not None
        assert ruled.fit["notes"]["trained_on"] == len(kept(data))


def test_training_looks_at_nothing_else_and_scores_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    from betavae.study.jobs import fit

    monkeypatch.setattr(fit, "_active", lambda *given: {})  # it looks at the whole dataset, as scores do
    data, seen = squares(), set[int]()
    model = betavae.fit(watched(data, seen), train_on=RULE, **FEW)
    assert len(seen) > 0
    assert seen <= set(kept(data))
    assert len(model.codes(torch.arange(data.size))) == data.size
    table = betavae.score(model, metrics={"higgins": VOTES}, seeds=1, floors=False, rotated=False)
    plain = betavae.evaluate("higgins", data, model.codec, seed=0, **VOTES)
    assert table["score"][0] == plain["higgins"]
    assert seen > set(kept(data))


def test_cells_without_a_rule_are_those_they_were(tmp_path: Path) -> None:
    before = read(written(tmp_path, GOOD)).jobs
    same = read(written(tmp_path, GOOD.replace("beta = [1, 4]", 'beta = [1, 4]\ntrain_on = "all"'))).jobs
    assert [job.cell.id for job in same] == [job.cell.id for job in before]
    assert "train_on" not in before[0].cell.plain()
    crossed = GOOD.replace("beta = [1, 4]", 'beta = [1, 4]\ntrain_on = ["all", "posX<16", "abs(posX - posY) <= 8"]')
    study = read(written(tmp_path, crossed))
    trained = [cell for cell in study.cells if cell.recipe]
    assert len({cell.id for cell in trained}) == len(trained) == 3 * 6
    assert {job.cell.id for job in before} <= {cell.id for cell in study.cells}
    assert Cell.from_plain(trained[-1].plain()) == trained[-1]
    assert read(written(tmp_path, write(study))) == study
    assert cost.label(trained[1]) == "dsprites conv β=1 where posX < 16 seed 1"
    assert {len({job.cell.train_on for job in group}) for group in groups(study.jobs, "cuda")} == {1}


def test_pages_tell_them_apart(tmp_path: Path) -> None:
    crossed = GOOD.replace("beta = [1, 4]", 'beta = 4\ntrain_on = ["all", "posX<16"]')
    rows = list(dict.fromkeys(row_of(cell.plain()) for cell in read(written(tmp_path, crossed)).cells if cell.recipe))
    told, shared = labels(rows)
    assert sorted(told.values()) == ["trained on all images", "trained where posX < 16"]
    assert "β = 4" in shared


CLAIM = """
[[claims]]
says = "all images teach more than half"
score = "five"
more = { train_on = "all" }
less = { train_on = "posX<16" }
where = { method = "conv" }
"""


def test_a_claim_may_speak_of_it(tmp_path: Path) -> None:
    crossed = GOOD.replace("beta = [1, 4]", 'beta = 4\ntrain_on = ["all", "posX < 16"]') + CLAIM
    (claim,) = read(written(tmp_path, crossed)).claims
    assert claim.says == "all images teach more than half"
    with pytest.raises(Misuse, match=r"mine.toml:\d+: train_on is 'posX': it is a number, not a comparison"):
        read(written(tmp_path, crossed.replace('less = { train_on = "posX<16" }', 'less = { train_on = "posX" }')))


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("beta = [1, 4]", 'train_on = "posX <"', "mine.toml:12: train_on is 'posX <': it is no expression"),
        ("beta = [1, 4]", "train_on = 3", "mine.toml:12: train_on is 3: wanted a text"),
        ("beta = [1, 4]", 'train_on = "colour == 1"', "mine.toml:12: train_on is 'colour == 1': unknown factor"),
        ("beta = [1, 4]", 'train_on = "posX > 31"', "mine.toml:12: train_on is 'posX > 31', which keeps 0 of 737,280"),
        ("beta = [1, 4]", 'train_on = "posX >= 0"', "keeps every image of dsprites; leave it out"),
        ('["pca", "ica"]', '["pixels"]\ntrain_on = "posX < 9"', "mine.toml:19: train_on is for what learns from"),
        ('["pca", "ica"]', '["pca"]\ntrain_on = "posX == posY == 0 and orientation == 1 and scale < 2"',
         "mine.toml:19: train_on is 'posX == posY == 0 and orientation == 1 and scale < 2', which keeps 6 of 737,280"),
        ('dataset = ["dsprites"]', 'train_on = "a < 1"\ndataset = ["cifar10"]',
         "mine.toml:9: train_on is a rule on factor values, and cifar10 has no full grid of factors"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_is_told_before_training(
    old: str, new: str, part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(betavae.datasets, "absent", lambda name: None)
    monkeypatch.chdir(tmp_path)
    written(tmp_path, GOOD.replace(old, new, 1))
    assert main(["run", "mine.toml", "--dry-run"]) == 2
    assert part in capsys.readouterr().err


def test_the_command_trains_by_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["train", "--dataset", "dsprites", "--images", "32", "--codes", "2", "--train-on", "posX<16", "--quiet"]
    assert main(words) == 0
    (fit,) = [r for r in Store(Path("runs/single-own")).records() if r["kind"] == "fit"]
    assert fit["cell"]["train_on"] == "posX < 16"
    assert fit["notes"]["trained_on"] == 737_280 // 2
    assert main([*words, "--method", "pixels"]) == 2

"""Study files: they round trip with the same ids, and every mistake is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from betavae.errors import Misuse
from betavae.paper.scales import SCALES
from betavae.paper.study import paper
from betavae.study.run import select
from betavae.study.study_file import read, write

GOOD = """
name = "mine"

[questions.five]
measure = "higgins"
votes = 1000

[[grid]]
dataset = ["dsprites"]
method = ["conv"]
seed = [1, 2, 3]
beta = [1, 4]
recipe = { optimiser = "adam", learning_rate = 5e-4, batch = 256, images = 50_000 }
questions = ["five"]

[[grid]]
dataset = "dsprites"
method = ["pca", "ica"]
seed = 1
fit = [2500, "all"]
questions = ["five"]
"""


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "mine.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_grid_is_the_product_of_its_lists(tmp_path: Path) -> None:
    study = read(written(tmp_path, GOOD))
    assert len(study.cells) == 3 * 2 + 2 * 2
    assert {(c.seed, c.beta) for c in study.cells if c.recipe} == {(s, b) for s in (1, 2, 3) for b in (1.0, 4.0)}
    assert all(j.questions[0].measure == "higgins" for j in study.jobs)


@pytest.mark.parametrize("scale", SCALES)
def test_the_papers_study_survives_a_file_with_its_ids(scale: str, tmp_path: Path) -> None:
    study = paper(scale, have=["cifar10", "cifar10-jpeg"], features="efficientnet_lite0")
    assert read(written(tmp_path, write(study))) == study


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ('name = "mine"', 'nam = "mine"', "mine.toml:2: unknown key of a study 'nam'; did you mean 'name'"),
        ('"dsprites"]', '"dsprite"]', "mine.toml:9: unknown dataset 'dsprite'; did you mean 'dsprites'"),
        ('["conv"]', '["convv"]', "mine.toml:10: unknown method 'convv'; did you mean 'conv'"),
        ('["conv"]', '["btcvae"]', "mine.toml:10: unknown method 'btcvae'; that is an objective, 'beta_tcvae'"),
        ("beta =", 'device = "cuda"\nbeta =', "mine.toml:12: unknown key of a grid 'device'; what a study is run on"),
        ("batch = 256", "epochs = 10", "mine.toml:13: unknown key of a recipe 'epochs'; a budget is image passes"),
        ("beta =", "beat =", "mine.toml:12: unknown key of a grid 'beat'; did you mean 'beta'"),
        ("seed = [1, 2, 3]", "seed = [1, 2.5]", "mine.toml:11: seed is 2.5; wanted a whole number"),
        ("seed = [1, 2, 3]", "seed = []", "mine.toml:11: seed is []; wanted at least one value"),
        ("seed = [1, 2, 3]", "seed = [true]", "seed is True; wanted a whole number"),
        ("batch = 256", "batch = 0", "mine.toml:13: batch is 0; wanted a whole number from 1"),
        ("batch = 256, ", "", "the recipe has no batch"),
        ("5e-4", "nan", "learning_rate is nan; wanted a number"),
        ("5e-4", "inf", "learning_rate is inf; wanted a number"),
        ("beta = [1, 4]", "beta = [-1]", "beta is -1; wanted a number"),
        ("beta = [1, 4]", "beta = [[1]]", "beta is [1]; wanted a number"),
        ('questions = ["five"]', 'questions = ["six"]', "unknown question 'six'; known: five"),
        ('measure = "higgins"', 'measure = "higgin"', "unknown measure 'higgin'; did you mean 'higgins'"),
        ("seed = [1, 2, 3]", "seed = " + str(list(range(200_000))), "more than 100,000 cells"),
        ("votes = 1000", "vots = 1000", "mine.toml:6: unknown knob of higgins 'vots'; did you mean 'votes'"),
        ("votes = 1000", "votes = 1", "mine.toml:6: votes is 1; wanted a whole number of at least 2"),
        ("votes = 1000", 'classifier = "mpl"', "mine.toml:6: unknown classifier 'mpl'; did you mean 'mlp'"),
        ('measure = "higgins"', 'measure = "calibration"', "mine.toml:6: calibration has no knob 'votes'"),
        ("fit = [2500,", 'layout = "hwc"\nfit = [2500,', "mine.toml:20: unknown layout 'hwc'"),
        ("fit = [2500,", 'whiten = "unit-variance"\nfit = [2500,', "unknown key of a grid of 'pca' 'whiten'"),
        ('name = "mine"', 'name = "paper"', "name is 'paper'; wanted another name (unsaid, it is the file's)"),
        ('name = "mine"', 'name = "paper"\nscale = "big"', "mine.toml:2: name is 'paper'; wanted another name"),
        ('name = "mine"', 'name = "../mine"', "wanted up to 64 letters"),
        ("[[grid]]", "[grid", "not TOML"),
        ("seed = 1\n", "seed = 1.5\n", "mine.toml:19: seed is 1.5; wanted a whole number"),
        ('seed = 1\nfit = [2500, "all"]', 'seed = 1\nfit = [2500, "al"]', "mine.toml:20: fit is 'al'"),
        ('["pca", "ica"]', '["pca", "icaa"]', "mine.toml:18: unknown method 'icaa'"),
        ("seed = 1\n", "", "mine.toml:16: a grid has no seed"),
        ("seed = [1, 2, 3]", "seed = [1, 1, 1]", "mine.toml:11: seed is [1, 1, 1]; wanted every value once"),
        ("beta = [1, 4]", "beta = [1, 4, 4.0]", "mine.toml:12: beta is [1, 4, 4.0]; wanted every value once"),
        ("seed = [1, 2, 3]", 'seed = ["0-9", 4]', "mine.toml:11: seed is [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 4]"),
        ("seed = [1, 2, 3]", "seed = [1, -1]", "mine.toml:11: seed is -1; wanted a whole number from 0"),
        ("seed = [1, 2, 3]", 'seed = "9-0"', "mine.toml:11: seed is '9-0'; wanted a whole number, a list, or a range"),
        ("seed = [1, 2, 3]", 'seed = "0-999999999999"', "seed is '0-999999999999'; wanted"),
        ("votes = 1000", "votes = " + "[" * 100_000, "not TOML"),
        ('name = "mine"', 'name = "mine"\nname = "yours"', "not TOML"),
    ],
)
def test_every_mistake_is_named(old: str, new: str, part: str, tmp_path: Path) -> None:
    assert old in GOOD
    with pytest.raises(Misuse) as caught:
        read(written(tmp_path, GOOD.replace(old, new, 1)))
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("given", ['"0-9"', '["0-4", 5, "6-9"]'])
def test_seeds_may_be_a_range(given: str, tmp_path: Path) -> None:
    study = read(written(tmp_path, GOOD.replace("seed = [1, 2, 3]", f"seed = {given}")))
    assert {c.seed for c in study.cells if c.recipe} == set(range(10))


def test_a_mark_of_the_byte_order_is_no_mistake(tmp_path: Path) -> None:
    assert read(written(tmp_path, GOOD.encode("utf-8-sig"))) == read(written(tmp_path, GOOD))


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="not UTF-8"):
        read(written(tmp_path, b"name = '\xff\xfe'"))
    with pytest.raises(Misuse, match="cannot be read"):
        read(tmp_path / "absent.toml")
    with pytest.raises(Misuse, match="larger than"):
        read(written(tmp_path, b"#" * 5_000_000))


def test_a_weight_decay_that_an_optimiser_would_ignore_is_refused(tmp_path: Path) -> None:
    for optimiser in ("adam", "adagrad"):
        text = GOOD.replace('"adam"', f'"{optimiser}"').replace(
            "images = 50_000", "images = 50_000, weight_decay = 0.1"
        )
        with pytest.raises(Misuse, match=f"mine.toml:13: weight_decay is 0.1.*{optimiser} has none, adamw has"):
            read(written(tmp_path, text))
    assert read(written(tmp_path, text.replace(optimiser, "adamw"))).cells


def test_the_line_of_a_mistake_is_right_whichever_ends_lines_have(tmp_path: Path) -> None:
    text = GOOD.replace("fit = [2500", "fit = [1")
    for ends in ("\n", "\r\n"):
        with pytest.raises(Misuse, match=r"mine\.toml:20: "):
            read(written(tmp_path, text.replace("\n", ends)))


def test_large_seeds_are_told_apart(tmp_path: Path) -> None:
    """Above 2^53 a float rounds."""
    one, two = 1_700_000_000_000_000_001, 1_700_000_000_000_000_002
    study = read(written(tmp_path, GOOD.replace("[1, 2, 3]", f"[{one}, {two}]")))
    assert {cell.seed for cell in study.cells if cell.recipe} == {one, two}
    assert {cell.seed for cell in select(study, [f"seed={one}"]).cells} == {one}
    with pytest.raises(Misuse, match="every value once"):
        read(written(tmp_path, GOOD.replace("[1, 2, 3]", f"[{one}, {one}]")))

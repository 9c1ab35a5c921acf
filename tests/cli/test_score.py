"""``betavae score`` with the encoders that people have: what is taken is told on standard error, once."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from betavae import metrics
from betavae.cli.main import main
from betavae.cli.options import knob
from betavae.errors import Misuse
from betavae.metrics import comparison, named, of_one_factor

FEW = ["--dataset", "dsprites", "--alone", "--seeds", "2", "--knob", "votes=60", "--knob", "test_votes=60"]
FEW += ["--knob", "pool=400"]
SEVERAL = """
import torch
module = torch.nn.Sequential(torch.nn.AvgPool2d(16), torch.nn.Flatten(), torch.nn.Dropout(0.5))
def encode(images):
    codes = module(images)
    return {"mean": codes, "z": torch.zeros(len(images), 3)}
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "several_for_score.py").write_text(SEVERAL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))


def test_notices_are_lines_of_the_command_each_once(capsys: pytest.CaptureFixture[str]) -> None:
    name = "several_for_score:encode"
    assert main(["score", "--encoder", name, *FEW]) == 0
    out, err = capsys.readouterr()
    told = [line for line in err.splitlines() if line.startswith("betavae: ")]
    assert told == [
        f"betavae: {name} is in training mode: it is run in evaluation mode, and given back in training mode",
        f"betavae: {name} gave mean [256, 16], z [256, 3]: 'mean' is taken",
    ]
    assert out.splitlines()[1].split()[:2] == [name, "16"]
    assert main(["score", "--encoder", name, "--output", "z", *FEW]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[1].split()[:2] == [name, "3"]
    assert "is taken" not in err


@pytest.mark.parametrize(
    ("draws", "share", "low", "high"),
    [
        ([0.1, 0.2, 0.3], True, 0.0, 0.448),  # the t interval alone would begin at -.048
        ([0.9, 0.98, 0.94], True, 0.841, 1.0),
        ([0.1, 0.2, 0.3], False, -0.048, 0.448),
        ([0.5, 0.5, 0.5], True, None, None),
        ([1844.16] * 5, False, None, None),  # a Fréchet distance: no seed redraws its images
        ([0.5], True, None, None),
    ],
)
def test_an_interval_is_of_what_was_redrawn_and_in_its_range(
    draws: list[float], share: bool, low: float | None, high: float | None
) -> None:
    found = comparison.spread(draws, share)
    assert found is not None
    assert found.low == (None if low is None else pytest.approx(low, abs=1e-3))
    assert found.high == (None if high is None else pytest.approx(high, abs=1e-3))
    assert comparison.shares("higgins", metrics.named("higgins"))
    assert not comparison.shares("frechet", metrics.named("frechet"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("ask=scale,posX", ["scale", "posX"]),
        ("train=10,100", [10, 100]),
        ("train=100", 100),
        ("train=[10, 100]", [10, 100]),
        ("top=none", None),
        ("model=lasso", "lasso"),
    ],
)
def test_a_knob_on_the_command_line_is_what_a_study_file_would_hold(text: str, value: object) -> None:
    assert knob(text) == (text.partition("=")[0], value)


def test_one_number_goes_where_a_list_of_them_does() -> None:
    assert named("downstream", train=100).looks == named("downstream", train=[100]).looks
    with pytest.raises(Misuse, match=r"train is .*; wanted a list"):
        named("downstream", train=0)


@pytest.mark.parametrize(
    ("score", "hidden"),
    [("accuracy.posX", True), ("gap.shape", True), ("accuracy.100", False), ("worst.10", False), ("higgins", False)],
)
def test_a_line_leaves_out_what_is_of_one_factor(score: str, hidden: bool) -> None:
    assert of_one_factor(score) is hidden


def test_what_few_images_teach_is_told_by_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its scores are called accuracies too, and are not of one factor."""
    monkeypatch.chdir(tmp_path)
    draws = np.random.default_rng(0)
    labels = draws.integers(0, 3, (200, 2))
    np.save("z.npy", (labels + draws.normal(0, 0.01, labels.shape)).astype("f4"))
    np.savetxt("v.csv", labels, "%d", ",", header="a,b", comments="")
    words = ["--metric", "downstream", "--knob", "train=20,100", "--knob", "test_images=50", "--seeds", "1"]
    assert main(["score", "--codes", "z.npy", "--labels", "v.csv", *words]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in ("accuracy.100", "worst.100", "accuracy.20"))

"""``betavae score`` with the encoders that people have: what is taken is told on standard error, once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from betavae.cli.main import main

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
        f"betavae: {name} gave mean [1, 16], z [1, 3]: 'mean' is taken",
    ]
    assert out.splitlines()[1].split()[:2] == [name, "16"]
    assert main(["score", "--encoder", name, "--output", "z", *FEW]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[1].split()[:2] == [name, "3"]
    assert "is taken" not in err

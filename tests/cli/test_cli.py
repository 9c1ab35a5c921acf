"""The command line: quick, helpful, and exact about mistakes."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from betavae.cli.main import main, parser


def every_parser() -> list[tuple[str, argparse.ArgumentParser]]:
    found, open_ = [], [("betavae", parser())]
    while open_:
        name, this = open_.pop()
        found.append((name, this))
        for action in this._actions:
            if isinstance(action, argparse._SubParsersAction):
                open_ += [(f"{name} {verb}", sub) for verb, sub in action.choices.items()]
    return sorted(found, key=lambda pair: pair[0])


@pytest.mark.parametrize(("name", "this"), every_parser(), ids=lambda v: v if isinstance(v, str) else "")
def test_every_help_ends_with_an_example(name: str, this: argparse.ArgumentParser) -> None:
    text = this.format_help().rstrip()
    assert this.description, name
    assert text.splitlines()[-2] == "example:"
    assert text.splitlines()[-1].startswith("  betavae ")
    for action in this._actions:
        if action.option_strings and action.dest != "help":
            assert action.help, f"{name} {action.option_strings} has no help"


def test_official_data_that_are_absent_are_named_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BETAVAE_DATA", str(tmp_path))
    for more in ([], ["--dry-run"]):
        assert (
            main(["run", "paper", "--scale", "smoke", "--data", "official", "--store", str(tmp_path / "s"), *more]) == 2
        )
        assert "official data need shapes3d and mpi3d-toy; `betavae data fetch NAME`" in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


def test_the_papers_study_is_not_a_folder_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "paper" / "records").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert main(["run", "paper", "--scale", "smoke", "--dry-run"]) == 0
    assert "records in runs/paper-smoke" in capsys.readouterr().out
    assert main(["run", "./paper", "--scale", "smoke", "--dry-run"]) == 2
    assert "--scale is for the paper's study" in capsys.readouterr().err


HEAVY = ("torch", "numpy", "scipy", "sklearn", "matplotlib", "rich", "safetensors", "h5py", "PIL", "requests")


@pytest.mark.parametrize(
    "code", ["import betavae", "import betavae.cli.main", "from betavae import load, evaluate, metrics"]
)
def test_what_an_import_brings(code: str) -> None:
    """Nothing heavy comes with the package or its command line; asking for a public name brings its home."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {code}; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    brought = set(HEAVY) & set(done.stdout.split())
    assert ("torch" in brought) == code.startswith("from")
    assert code.startswith("from") or not brought


def test_help_is_quick_and_imports_no_torch() -> None:
    code = "import sys; sys.argv = ['betavae', '--help']\nfrom betavae.cli.main import main\n"
    code += "try: main()\nexcept SystemExit: pass\n"
    code += f"found = set(sys.modules) & set({HEAVY})\nassert not found, found\n"
    code += "assert len(sys.modules) < 200, len(sys.modules)"
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "betavae run paper" in done.stdout
    assert time.perf_counter() - begun < 5  # a hang, not a timing: benchmarks/ has the timing


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["run", "papr"], "did you mean 'paper'"),
        (["run", "paper", "--scale", "labtop"], "did you mean 'laptop'"),
        (["rum", "paper"], "did you mean 'run'"),
        (["data", "fetch", "3dshape"], "shapes3d"),
        (["data", "card", "dsprite"], "did you mean 'dsprites'"),
        (["run", "paper", "--workers", "-1"], "not a whole number"),
        (["run", "paper", "--shard", "3/3"], "not a shard"),
        (["run", "paper", "--executor", "rey"], "did you mean 'ray'"),
        (["run", "paper", "--device", "cudda"], "did you mean 'cuda'"),
        (["run", "paper", "--precision", "fp32"], "unknown precision 'fp32'"),
        (["run", "paper", "--precision", "tf32"], "a CPU trains in float32"),
        (["train", "--dataset", "dsprites", "--device", "gpu"], "unknown device 'gpu'; a GPU is named 'cuda'"),
        (["run", "paper", "--address", "auto"], "give --executor ray with it"),
        (["export", "no/such/store", "--out", "out"], "no/such/store"),
        (["cite", "no/such/store"], "no/such/store"),
        (["run", "no-such.toml"], "no-such.toml"),
        (["status", "no/such/store"], "no/such/store"),
        (["explore", "no/such/store"], "no/such/store"),
        (["explore", "0f3a"], "no trained cell's id begins with '0f3a'"),
        (["report", "no/such/store"], "no/such/store"),
        (["run"], "betavae run --help"),
        (["run", "paper", "--no-such-option"], "no-such-option"),
        (["train", "--dataset", "dsprites", "--epochs", "10"], "here it is '--images' (image passes: epochs"),
        (["train", "--dataset", "dsprites", "--image-size=3"], "did you mean '--images'?; see `betavae train"),
        (["run", "paper", "laptop"], "unrecognized argument 'laptop'; see `betavae run --help`"),
    ],
)
def test_misuse_is_one_clear_line_and_exit_2(
    words: list[str], part: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BETAVAE_DATA", str(tmp_path / "data"))
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.startswith("betavae: ")
    assert said.count("\n") == 1
    assert part in said
    assert list(tmp_path.iterdir()) == []  # a mistake leaves nothing behind


def test_the_options_are_frozen() -> None:
    """A new option is a decision: it is written here too."""
    options = {
        name: sorted(s for a in this._actions for s in a.option_strings if s not in ("-h", "--help"))
        for name, this in every_parser()
    }
    assert options == {
        "betavae": ["--version"],
        "betavae data": [],
        "betavae data add": ["--root", "--sha256"],
        "betavae data card": ["--root"],
        "betavae data compare": ["--root"],
        "betavae data fetch": ["--offline", "--root"],
        "betavae data list": ["--root"],
        "betavae data verify": ["--root"],
        "betavae doctor": [],
        "betavae figure": ["--decoder", "--encoder", "--knob", "--out", "--output", "--seed", "--store", "--trust"],
        "betavae cite": [],
        "betavae completion": [],
        "betavae explore": ["--only", "--out", "--serve", "--store", "--trust"],
        "betavae export": ["--only", "--out", "--trust", "--what"],
        "betavae report": ["--checklist", "--out"],
        "betavae run": [
            "--address",
            "--data",
            "--device",
            "--dry-run",
            "--every",
            "--executor",
            "--hours",
            "--keep",
            "--measure",
            "--only",
            "--precision",
            "--print",
            "--quiet",
            "--scale",
            "--shard",
            "--store",
            "--track",
            "--trust",
            "--until",
            "--workers",
        ],
        "betavae score": [
            "--alone",
            "--codes",
            "--dataset",
            "--encoder",
            "--features",
            "--images",
            "--json",
            "--knob",
            "--labels",
            "--metric",
            "--output",
            "--reference",
            "--rotated",
            "--seeds",
            "--store",
            "--trust",
        ],
        "betavae status": [],
        "betavae train": [
            "--batch",
            "--beta",
            "--codes",
            "--dataset",
            "--device",
            "--fit",
            "--images",
            "--knob",
            "--learning-rate",
            "--method",
            "--objective",
            "--optimiser",
            "--quiet",
            "--seed",
            "--sigma",
            "--store",
            "--train-on",
            "--trust",
        ],
    }


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_shell_takes_the_completion_and_it_knows_every_verb(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(name.split()[-1] in script for name, _ in every_parser())
    if shutil.which(shell):
        assert subprocess.run([shell, "-n"], input=script, text=True, check=False).returncode == 0

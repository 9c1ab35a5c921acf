"""Every example is short, runs, and shows what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from betavae.cli.main import main
from betavae.study.study_file import read

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
SAYS = {
    "own_dataset.py": ["factors of image 100:", "the table gives the same dataset: True"],
    "own_encoder.py": ["a function:", "an array:      {'higgins': 1.0", "a transformer:"],
    "own_metric.py": ["alignment {'alignment': 1.0, 'rotated': 0.", "higgins {'higgins': 1.0, 'rotated': "],
}


def test_every_example_is_run_here_and_is_short() -> None:
    found = {p.name for p in EXAMPLES.iterdir() if p.suffix in (".py", ".toml")}
    assert found == {*SAYS, "own_study.toml"}
    for path in EXAMPLES.iterdir():
        if path.name in found:
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 40


@pytest.mark.parametrize("name", SAYS)
def test_an_example_runs(name: str, tmp_path: Path) -> None:
    words = [sys.executable, "-W", "error", str(EXAMPLES / name)]
    one = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False, env=one)
    assert done.returncode == 0, done.stderr
    for part in SAYS[name]:
        assert part in done.stdout


def test_the_example_encoder_is_scored_from_the_command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(EXAMPLES)
    monkeypatch.setattr(sys, "path", list(sys.path))
    few = ["--knob", "votes=100", "--knob", "test_votes=100", "--knob", "pool=400", "--seeds", "2", "--alone"]
    assert main(["score", "--encoder", "own_encoder:encode", "--dataset", "dsprites", *few]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:2] == ["own_encoder:encode", "5"]


def test_the_example_study_runs_on_a_small_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (EXAMPLES / "own_study.toml").read_text(encoding="utf-8")
    assert len(read(EXAMPLES / "own_study.toml").cells) == 2 * 4 + 2
    for long, short in (("20_000", "128"), ("votes = 500", "votes = 40"), ("pool = 4000", "pool = 400"),
                        ("[0.5, 1, 4, 16]", "4"), ("[1, 2]", "1"), ("2500", "300")):  # fmt: skip
        assert long in text
        text = text.replace(long, short)
    (tmp_path / "own_study.toml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["run", "own_study.toml", "--quiet", "--workers", "1"]) == 0
    assert (tmp_path / "runs" / "how-much-beta-own" / "records").is_dir()


def test_the_study_of_objectives_is_planned_with_seeds_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Six objectives at two strengths and four more; each claim has the seeds that a unanimous outcome of it needs."""
    path = EXAMPLES.parent / "studies" / "objectives.toml"
    trained = {(cell.objective, cell.knobs) for cell in read(path).cells if cell.recipe}
    strengths = Counter(objective for objective, _ in trained)
    assert sorted(strengths.values()) == [1] * 4 + [2] * 6
    monkeypatch.chdir(tmp_path)
    assert main(["run", str(path), "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert told.count("here 8") == 3
    assert "too few" not in told


def test_the_study_of_metrics_asks_six_of_eight_cells_and_of_a_floor() -> None:
    study = read(EXAMPLES.parent / "studies" / "metrics.toml")
    trained = [job for job in study.jobs if job.cell.recipe]
    assert len(trained) == 8
    assert all(len({q.measure for q in job.questions} - {"matrix", "udr", "gaussian_tc"}) == 6 for job in trained)
    assert {job.cell.method for job in study.jobs if not job.cell.recipe} == {"noise"}

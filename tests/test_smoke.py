"""The paper from end to end at a budget of seconds: every cell kind, question, table and figure, by the command."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from test_report import SECTIONS

from betavae.cli import main
from betavae.paper.study import paper
from betavae.report.rows import FLOORS
from betavae.study.cells import Cell, Job, Question, Study, pairs
from betavae.study.quirks import QUIRKS
from betavae.study.store import Store
from betavae.study.study_file import write

SLOW = ("mlp", "forest")
"""Classifiers that are put to one β alone here."""
REGRESSIONS = ("infomec", "med", "explicitness")
"""Metrics that are asked of one β alone here: they fit a logistic regression for every factor."""


def shrunk(study: Study) -> Study:
    """The smoke scale with a fraction of its images; nothing that it trains or asks is left out, but for repeats."""
    return replace(study, jobs=tuple(Job(_cell(j.cell), _questions(j)) for j in study.jobs))


def _cell(cell: Cell) -> Cell:
    recipe = replace(cell.recipe, images=128) if cell.recipe else None
    return replace(cell, recipe=recipe, fit=cell.fit and 300)


def _questions(job: Job) -> tuple[Question, ...]:
    asked = []
    for question in job.questions:
        knobs = dict(question.knobs)
        if (knobs.get("classifier") in SLOW or question.measure in REGRESSIONS) and job.cell.beta != 4.0:
            continue
        if question.measure in ("frechet", "reconstruction"):
            knobs["images"] = 8
        asked.append(replace(question, knobs=pairs(knobs)))
    return tuple(asked)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of one such run; the report lies beside its records."""
    folder = tmp_path_factory.mktemp("smoke")
    study = folder / "paper.toml"
    study.write_text(write(shrunk(paper("smoke", features="efficientnet_lite0_96"))), encoding="utf-8")
    assert main.main(["run", str(study), "--store", str(folder / "store"), "--quiet"]) == 0
    assert main.main(["report", str(folder / "store"), "--out", str(folder / "report")]) == 0
    return folder


def test_everything_has_a_record_and_nothing_failed(ran: Path) -> None:
    records = Store(ran / "store", create=False).records()
    assert {r["status"] for r in records} <= {"ok", "diverged"}
    asked = {r["question"]["measure"] for r in records if r["question"]}
    assert asked >= {"higgins", "rotation", "reconstruction", "frechet", "samples", "reconstructions", "traversals",
                     "latent_space", "architecture", "equivalence", "calibration"}  # fmt: skip
    trained = {(r["cell"]["dataset"], r["cell"]["method"]) for r in records if r["kind"] == "fit"}
    assert {m for _, m in trained} == {"mlp", "conv", "pca", "ica", *FLOORS} - {"chance"}
    switched = {
        q for r in records if r["cell"] for q in (*r["cell"]["quirks"], *(r["question"] or r["cell"])["quirks"])
    }
    assert switched == set(QUIRKS) - {"last-batch", "no-held-out"}  # these two are of CIFAR


def test_every_table_and_figure_is_there(ran: Path) -> None:
    text = (ran / "report" / "report.md").read_text(encoding="utf-8")
    parts = {part.splitlines()[0]: part for part in text.split("\n## ")[1:]}
    for section in SECTIONS:
        assert section in parts
        missing = re.findall(r"^.*not run at this scale.*$", parts[section], re.MULTILINE)
        assert all(re.match(r"The (last-batch|no-held-out) quirk:", line) for line in missing), missing
    assert "stands in, which no published number speaks of" in parts["Table 3: Fréchet distances"]
    drawn = {p.stem for p in (ran / "report" / "figures").glob("*.png")}
    wanted = {"table-1", "figure-1", "figure-2", "figure-3", "figure-4", "figure-5-mlp", "figure-5-conv", "figure-6",
              "figure-7-mpi3d-drawn-fd-efficientnet-lite0-96", "figure-8-mpi3d-drawn", "figure-9-10-mpi3d-drawn",
              "section-4-2", "losses", "reconstructions", "quirk-traversal-range", "quirk-sampled-codes"}  # fmt: skip
    assert drawn == wanted


def test_running_again_finds_nothing_to_do_and_writes_the_same_report(ran: Path, tmp_path: Path) -> None:
    before = Store(ran / "store", create=False).records()
    assert main.main(["run", str(ran / "paper.toml"), "--store", str(ran / "store"), "--quiet"]) == 0
    assert len(Store(ran / "store", create=False).records()) == len(before)
    assert main.main(["report", str(ran / "store"), "--out", str(tmp_path)]) == 0
    assert (tmp_path / "report.html").read_bytes() == (ran / "report" / "report.html").read_bytes()


def test_the_checklist_of_a_real_run_is_filled(ran: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["report", str(ran / "store"), "--checklist"]) == 0
    text = capsys.readouterr().out
    assert "nothing: _" not in text
    assert "Hardware: cpu" in text

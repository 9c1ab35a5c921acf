"""One file and one line: what a person brings, each in a file outside the package, named in a study file, goes all the
way: through the plan, training, a kill, records, status, report and export.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from betavae.study.store import Store

DATASET = """
import torch, betavae

def discs():
    sizes = [4, 4, 4]
    grid = torch.cartesian_prod(*map(torch.arange, sizes))
    axis = torch.arange(16)
    row, column, radius = (grid[:, k, None, None] for k in range(3))
    inside = (axis[:, None] - 3 * row - 3) ** 2 + (axis - 3 * column - 3) ** 2 <= (radius + 1) ** 2
    return betavae.from_array("discs", inside, ["row", "column", "radius"], sizes)
"""
METRIC = """
import torch
from betavae.metrics.base import Draw, Metric, Reads

def spread(*, images: int = 32):
    def plan(generator, dataset):
        return Draw(torch.randint(dataset.size, (images,), generator=generator), torch.zeros(images).long())

    def score(generator, draw, codes):
        return {"spread": float(codes.std(0).mean())}

    return Metric("spread", plan, score, Reads("standard deviations"), images)
"""
ARCHITECTURE = """
import math
from betavae.models.base import Architecture, Layer

def tiny(shape, codes):
    pixels = math.prod(shape)
    encoder = Layer("linear", "encoder.0", (32, pixels), "relu")
    decoder = Layer("linear", "decoder.0", (32, codes), "relu"), Layer("linear", "decoder.1", (pixels, 32))
    return Architecture((encoder,), decoder)
"""
OBJECTIVE = """
import torch
from torch.nn.functional import softplus
from betavae.objectives.base import Group, Knob, Objective

def init(generator, codes):
    return {"critic.weight": torch.randn(codes, generator=generator)}

def terms(params, seen, knobs):
    # Each code rolled over the batch by a step of its own: what it would be were the codes independent.
    apart = torch.stack([code.roll(k) for k, code in enumerate(seen.codes.unbind(-1))], -1)
    critic = params["critic.weight"]
    tells = softplus(-seen.codes.detach().square() @ critic).mean() + softplus(apart.detach().square() @ critic).mean()
    return {"dependence": (seen.codes.square() @ critic.detach()).mean(), "critic": tells}

def penalty(terms, knobs, share):
    return terms.kl.sum(-1) + knobs["gamma"] * share * terms.extra["dependence"]

critic_vae = Objective(
    "critic_vae", {"gamma": Knob(1.0)}, penalty, terms, extra=("dependence", "critic"), apart=("critic",),
    init=init, groups={"critic.": Group("adam", 1e-3)},
)
"""
STUDY = """
name = "brought"

[questions.wide]
measure = "metric.py:spread"
images = 16

[[grid]]
dataset = ["dataset.py:discs"]
method = ["architecture.py:tiny"]
objective = "objective.py:critic_vae"
seed = [1, 2]
gamma = [0.1, 1]
codes = 3
recipe = { optimiser = "adam", learning_rate = 1e-3, batch = 16, images = 1_600 }
questions = ["wide"]

[[claims]]
says = "a weak critic leaves its codes wider"
score = "wide"
more = { gamma = 0.1 }
less = { gamma = 1 }
"""
FILES = {"dataset.py": DATASET, "metric.py": METRIC, "architecture.py": ARCHITECTURE, "objective.py": OBJECTIVE}


def betavae(folder: Path, *words: str, good: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "betavae", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == good, done.stderr
    return done


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the study and its files; the study is run, killed on its way, and run again."""
    folder = tmp_path_factory.mktemp("one")
    (folder / "brought.toml").write_text(STUDY)
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def ran(here: Path) -> Path:
    planned(here)
    words = [sys.executable, "-m", "betavae", "run", "brought.toml", "--quiet", "--every", "0.01", "--workers", "1"]
    process = subprocess.Popen(words, cwd=here, stderr=subprocess.DEVNULL, process_group=0)
    folder, until = here / "runs" / "brought-own", time.monotonic() + 60
    while not any(folder.glob("checkpoints/*/step-*")) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)  # for another process, of which nothing tells but the disk
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    told = betavae(here, "run", "brought.toml", "--workers", "1").stderr
    assert "0 failed" in told
    return folder


FITTED = """
def corner(dataset, *, codes, seed, fit=None, width=3):
    def encode(images):
        return images[:, 0, :width, :width].flatten(1)[:, :codes]
    return encode
"""
GRID = """
name = "corners"
[[grid]]
dataset = "dataset.py:discs"
method = ["fitted.py:corner"]
codes = 3
seed = 1
width = {width}
"""


def test_a_fitted_method_of_ones_own_takes_its_own_knobs_from_a_grid(here: Path) -> None:
    (here / "fitted.py").write_text(FITTED)
    for width, good in (("[2, 3]", 0), ("[[1, 2]]", 2)):
        (here / "corners.toml").write_text(GRID.format(width=width))
        trust = ["--trust", "fitted.py", "--trust", "dataset.py"]
        told = betavae(here, "run", "corners.toml", "--dry-run", *trust, good=good)
        assert ("2 cells" in told.stdout) == (good == 0)
        assert ("corners.toml:8: " in told.stderr) == (good == 2), told.stderr


def planned(here: Path) -> None:
    """Nothing of them runs before it is trusted; then the plan prices it, and says first what it imports."""
    refused = betavae(here, "run", "brought.toml", "--dry-run", good=2).stderr
    digest = hashlib.sha256(METRIC.encode()).hexdigest()
    assert "brought.toml:5: measure 'metric.py:spread' would run code of" in refused
    assert digest[:12] in refused
    assert "say --trust metric.py" in refused
    told = betavae(here, "run", "brought.toml", "--dry-run", *(word for name in FILES for word in ("--trust", name)))
    assert f"measure 'metric.py:spread' imports {here / 'metric.py'}, sha256 {digest}" in told.stderr
    assert "4 cells" in told.stdout
    assert "image passes 6,400; images encoded" in told.stdout


def kept(ran: Path) -> list[dict[str, Any]]:
    return [record for record in Store(ran).records() if record["kind"] != "run"]


def test_records_say_by_which_source_they_were_made(ran: Path) -> None:
    digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in FILES.items()}
    records = kept(ran)
    assert [record["status"] for record in records] == ["ok"] * 8
    for record in records:
        named = set(FILES) if record["question"] else set(FILES) - {"metric.py"}
        assert record["sources"] == {name: digests[name] for name in named}
        assert record["data"]["source"] == "own"
    answers = [record for record in records if record["question"]]
    assert all(record["scores"]["spread"] > 0 for record in answers)
    fits = [record for record in records if not record["question"]]
    assert all({"dependence", "critic"} <= set(record["scores"]) for record in fits)
    assert {record["reads"]["unit"] for record in answers} == {"standard deviations"}


def test_status_report_and_export_know_them_and_import_nothing(ran: Path, here: Path, tmp_path: Path) -> None:
    """With the files gone: what is read is the records."""
    hidden = [(here / name).rename(tmp_path / name) for name in FILES]
    try:
        assert "done      4 of 4 cells" in betavae(here, "status").stdout
        betavae(here, "report", str(ran))
        page = "".join(path.read_text("utf-8") for path in (ran / "report").rglob("*.md"))
        assert "discs" in page
        assert "a weak critic leaves its codes wider" in page
        betavae(here, "cite", str(ran))
        betavae(here, "export", str(ran), "--out", str(tmp_path / "out"), "--what", "records")
        assert any((tmp_path / "out").iterdir())
    finally:
        for path in hidden:
            path.rename(here / path.name)


def test_an_edited_file_never_prints_old_numbers_as_new(ran: Path, here: Path) -> None:
    before = {record["cell_id"]: record["scores"] for record in kept(ran) if record["question"]}
    edited = METRIC.replace("float(codes.std(0).mean())", "float(2 * codes.std(0).mean())")
    (here / "metric.py").write_text(edited)
    try:
        refused = betavae(here, "run", str(ran), good=2).stderr
        assert "has changed since sha256" in refused
        told = betavae(here, "run", "brought.toml", "--trust", "metric.py", "--workers", "1").stderr
        assert "4 of 4 cells to do" in told  # their answers; their trainings stand
        store = Store(ran)
        after = {r["cell_id"]: r["scores"] for r in store.records() if r["question"]}
        assert after == {cell: {"spread": pytest.approx(2 * each["spread"])} for cell, each in before.items()}
        assert store.outdated == []
        lines = [json.loads(line) for file in (ran / "records").iterdir() for line in file.read_text().splitlines()]
        assert sum(line["kind"] == "fit" for line in lines) == 4
    finally:
        (here / "metric.py").write_text(METRIC)

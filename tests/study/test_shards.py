"""A study in parts: shards divide its cells the same way everywhere, and their records together are one run's."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from factory import baseline, higgins, vae
from runs import cell, tiny_study
from short import timeless
from synthetic import answered

from betavae.cli.main import main
from betavae.study.cells import Job, Study
from betavae.study.run import pending, select
from betavae.study.store import Store, read
from betavae.study.study_file import write

pytestmark = pytest.mark.usefixtures("squares")
SHARDS = 3


def a_study() -> Study:
    """Six cells: some trained, one fitted."""
    return tiny_study(*(cell(seed=seed) for seed in (1, 2, 3)))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study as a file."""
    path = tmp_path_factory.mktemp("study") / "study.toml"
    path.write_text(write(a_study()))
    return path


@pytest.fixture(scope="module")
def whole(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The study, run in one piece."""
    folder = tmp_path_factory.mktemp("whole")
    assert main(["run", str(file), "--store", str(folder), "--workers", "2", "--quiet"]) == 0
    return Store(folder)


def test_shards_divide_a_study_whatever_its_order() -> None:
    study = a_study()
    shuffled = list(study.jobs)
    random.Random(0).shuffle(shuffled)
    for n in range(1, 9):
        parts = [select(study, shard=(i, n)).jobs for i in range(n)]
        assert sorted(job.cell.id for part in parts for job in part) == sorted(job.cell.id for job in study.jobs)
        for i, part in enumerate(parts):
            again: tuple[Job, ...] = select(replace(study, jobs=tuple(shuffled)), shard=(i, n)).jobs
            assert {job.cell.id for job in again} == {job.cell.id for job in part}


@pytest.mark.slow
def test_shards_in_stores_of_their_own_are_one_run_together(file: Path, whole: Store, tmp_path: Path) -> None:
    stores = [tmp_path / str(i) for i in range(SHARDS)]
    for i, folder in enumerate(stores):
        words = ["run", str(file), "--shard", f"{i}/{SHARDS}", "--store", str(folder), "--workers", "1", "--quiet"]
        assert main(words) == 0
    found = [timeless(Store(folder)) for folder in stores]
    assert sum(map(len, found)) == len(timeless(whole))  # none twice
    assert {key: text for each in found for key, text in each.items()} == timeless(whole)
    together = [r for r in read(map(Store, stores)) if r["kind"] != "run"]
    assert len(together) == len(timeless(whole))


def test_the_report_of_three_stores_is_the_report_of_one(tmp_path: Path) -> None:
    """Pages and pictures, byte for byte."""
    cells = [vae(seed=seed, beta=beta) for seed in (123, 427) for beta in (1.0, 4.0)]
    study = Study("paper", "laptop", tuple(Job(c, (higgins(),)) for c in (*cells, baseline())))
    fake = answered(study)
    for record in fake.kept:
        key = record["cell_id"]
        shard = next((i for i in range(SHARDS) for j in select(study, shard=(i, SHARDS)).jobs if j.cell.id == key), 0)
        for folder in ("whole", str(shard)):
            store = Store(tmp_path / folder)
            store.append({**record, "arrays": store.put(fake.held[record["arrays"]]) if record["arrays"] else None})
    whole, parts = tmp_path / "pages" / "whole", tmp_path / "pages" / "parts"
    assert main(["report", str(tmp_path / "whole"), "--out", str(whole)]) == 0
    assert main(["report", *(str(tmp_path / str(i)) for i in range(SHARDS)), "--out", str(parts)]) == 0
    assert [p.name for p in sorted(parts.rglob("*"))] == [p.name for p in sorted(whole.rglob("*"))]
    for path in sorted(whole.rglob("*.*")):
        assert (parts / path.relative_to(whole)).read_bytes() == path.read_bytes(), path.name


def test_shards_in_one_store_are_one_run(file: Path, whole: Store, tmp_path: Path) -> None:
    for i in (2, 0, 1):
        words = ["run", str(file), "--shard", f"{i}/{SHARDS}", "--store", str(tmp_path), "--workers", "1", "--quiet"]
        assert main(words) == 0
    assert timeless(Store(tmp_path)) == timeless(whole)
    assert pending(a_study(), Store(tmp_path)) == ()
    assert [job.cell for job in Store(tmp_path).recalled().jobs] == [job.cell for job in a_study().jobs]

"""What is installed from a wheel is all that is needed: templates, styles and scripts are in it, and a study runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

import betavae

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "betavae"
pytest.importorskip("setuptools", minversion="77", reason="the build backend that pyproject.toml names is not here")

STUDY = """
name = "wheel"
[questions.votes]
measure = "higgins"
votes = 40
test_votes = 40
pairs = 8
pool = 400
[questions.shown]
measure = "traversals"
[[grid]]
dataset = ["dsprites"]
method = ["conv"]
codes = 4
seed = [1]
beta = [4]
recipe = { optimiser = "adam", learning_rate = 5e-4, batch = 16, images = 128 }
questions = ["votes", "shown"]
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as a wheel, unpacked as pip would; built from a copy, so that nothing old is in it."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("*.egg-info", "__pycache__"))
    (folder / "docs").mkdir()
    for name in ("pyproject.toml", "LICENSE", "docs/package.md"):
        shutil.copy(ROOT / name, folder / name)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--wheel-dir", str(folder), str(folder)], check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


def test_every_file_of_the_package_is_in_the_wheel(installed: Path) -> None:
    def files(folder: Path) -> set[str]:
        found = (p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
        return {str(p.relative_to(folder)) for p in found}

    assert files(installed / "betavae") == files(SOURCE)
    assert {p.suffix for p in SOURCE.rglob("*.*") if p.is_file()} >= {".py", ".html", ".css", ".js"}


def test_what_an_index_shows_needs_nothing_beside_it(installed: Path) -> None:
    """One version, from one place; and a description whose links and pictures are all elsewhere's full addresses."""
    (path,) = installed.glob("*.dist-info/METADATA")
    told = message_from_string(path.read_text(encoding="utf-8"))
    assert told["Version"] == betavae.__version__
    assert "Typing :: Typed" in told.get_all("Classifier", [])
    said = str(told.get_payload())
    assert said.startswith("# betavae\n")
    assert re.findall(r"\]\((?!https:)[^)]*\)", said) == []
    assert "## Two commands" in said


def test_the_source_archive_is_whole(tmp_path: Path) -> None:
    """Documentation, examples, studies, tests, versions and citation go with the source."""
    tree = tmp_path / "tree"
    skipped = shutil.ignore_patterns(
        "*.egg-info", "__pycache__", ".*", "site", "runs", "results", "shared", "build", "dist"
    )
    shutil.copytree(ROOT, tree, ignore=skipped, symlinks=True)
    code = "import sys; from setuptools.build_meta import build_sdist; build_sdist(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=tree, check=True, capture_output=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        held = {name.partition("/")[2] for name in opened.getnames()}
    wanted = {
        str(path.relative_to(tree))
        for path in tree.rglob("*")
        if path.is_file() and not {"__pycache__", "betavae.egg-info"} & set(path.parts)
    }
    assert wanted - held == set()
    assert {"CITATION.cff", "constraints.txt", "docs/index.md", "examples/own_study.toml", "Makefile"} <= held


@pytest.mark.slow
def test_a_study_runs_from_it_outside_the_tree(installed: Path, tmp_path: Path) -> None:
    """Run, reported, explored and exported by what was installed alone."""
    (tmp_path / "wheel.toml").write_text(STUDY, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1"}

    def command(*words: str) -> str:
        return subprocess.run(words, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True).stdout

    assert command(sys.executable, "-c", "import betavae; print(betavae.__file__)").startswith(str(installed))
    betavae = (sys.executable, "-m", "betavae")
    command(*betavae, "run", "wheel.toml", "--quiet", "--workers", "1")
    for words in (("report",), ("explore", "--out", "page.html"), ("export", "--out", "out", "--what", "tables")):
        command(*betavae, words[0], "runs/wheel-own", *words[1:])
    assert (tmp_path / "runs/wheel-own/report/report.html").is_file()
    assert (tmp_path / "page.html").stat().st_size > 10_000

"""The documentation is held to the code: its snippets run, its copies are fresh, every name is in it, every link leads
somewhere.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from test_cli import every_parser
from test_layers import LAYERS

from betavae.cli.main import main
from betavae.datasets import DATASETS
from betavae.metrics import METRICS
from betavae.metrics.classifiers import CLASSIFIERS
from betavae.metrics.fidelity.features import FEATURES
from betavae.objectives import LIKELIHOODS, OBJECTIVES
from betavae.representation import METHODS
from betavae.study.quirks import QUIRKS
from betavae.study.study_file import read
from betavae.training import OPTIMISERS

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of one language on a page."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    """mkdocs --strict: every page in the navigation, every internal link and anchor there."""
    pytest.importorskip("mkdocs")
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(tmp_path / "site")]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    page = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert not re.search(r'<(script|link|img)[^>]+(src|href)="(https?:)?//', page)  # it loads nothing from elsewhere


def test_copied_pages_are_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    stale = [page for page, write in generator().PAGES.items() if (DOCS / page).read_text("utf-8") != write()]
    assert stale == [], f"{stale}: run `python docs/generate.py` and look at what changed"


def test_every_command_is_documented_word_for_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    text = (DOCS / "commands.md").read_text(encoding="utf-8")
    for name, this in every_parser():
        assert f"\n## {name}\n" in text
        assert this.format_help().rstrip() in text


NAMES = [*DATASETS, *METRICS, *METHODS, *OBJECTIVES, *LIKELIHOODS, *OPTIMISERS, *QUIRKS, *CLASSIFIERS, *FEATURES]


@pytest.mark.parametrize("name", sorted(set(NAMES)))
def test_every_name_of_a_table_is_documented(name: str) -> None:
    pages = [p for p in PAGES if p.name not in ("commands.md", "design.md")]
    assert any(f"`{name}`" in p.read_text(encoding="utf-8") or f"## {name}\n" in p.read_text("utf-8") for p in pages)


def test_the_design_names_every_part_in_its_layer() -> None:
    rows = re.findall(r"^\| (\d+) \| (.*?) \|", (DOCS / "design.md").read_text(encoding="utf-8"), re.MULTILINE)
    said = {int(number): {part.strip("/") for part in re.findall(r"`([^`]+)`", parts)} for number, parts in rows}
    assert said == {number: {part for part in parts if part != "__main__"} for number, parts in enumerate(LAYERS)}


def links() -> Iterator[tuple[Path, str]]:
    for page in [ROOT / "README.md", ROOT / "CHANGELOG.md", *PAGES]:
        for link in re.findall(r"!?\[[^\]]*\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            yield page, link


def test_links_lead_somewhere() -> None:
    """README's too, which mkdocs does not see; pages of the site link inside it."""
    lost = []
    for page, link in links():
        if not link.startswith(("https://", "#")) and not (page.parent / link.partition("#")[0]).exists():
            lost.append(f"{page.relative_to(ROOT)}: {link}")
    assert lost == []


@pytest.mark.parametrize("page", ["README.md", "docs/encoders.md"])
def test_python_snippets_run(page: str, tmp_path: Path) -> None:
    one = {**os.environ, "OMP_NUM_THREADS": "1"}
    for code in blocks(ROOT / page, "python"):
        words = [sys.executable, "-W", "error", "-c", code]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False, env=one)
        assert done.returncode == 0, done.stderr
        assert "higgins" in done.stdout


def test_the_readmes_study_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file is read as it stands; the commands below it are run on a budget of 256 images and two of six cells."""
    study, claim = blocks(ROOT / "README.md", "toml")
    assert blocks(DOCS / "studies.md", "toml") == [study]
    text = f"{study}\n{claim}"
    monkeypatch.chdir(tmp_path)
    path = Path("mine.toml")
    path.write_text(text, encoding="utf-8")
    assert len(read(path).cells) == 6
    assert len(read(path).claims) == 1
    for long, short in (("50_000", "256"), ("= 500", "= 40"), ("= 4000", "= 400"), ("[1, 2, 3]", "[1]")):
        assert long in text
        text = text.replace(long, short)
    path.write_text(text, encoding="utf-8")
    (commands,) = [block for block in blocks(ROOT / "README.md", "sh") if "mine.toml" in block and "report" in block]
    for line in commands.splitlines():
        words = line.partition("#")[0].split()
        quick = ["--quiet", "--workers", "1"] if words[1] == "run" else []
        assert main([*words[1:], *quick]) == 0, line
    assert (tmp_path / "runs/mine-own/report/report.html").is_file()
    assert "2 of 2 cells" in capsys.readouterr().out


def test_the_home_page_leads_to_a_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (code,) = blocks(DOCS / "index.md", "python")
    (command,) = [b for b in blocks(DOCS / "index.md", "sh") if "score" in b]
    (tmp_path / "mine.py").write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    few = ["--alone", "--seeds", "2", "--knob", "votes=100", "--knob", "test_votes=100", "--knob", "pool=400"]
    assert main([*command.split()[1:], *few]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:2] == ["mine:encode", "16"]


def test_the_rotation_shown_is_what_the_command_gives(capsys: pytest.CaptureFixture[str]) -> None:
    """The live demonstration of docs/metrics: perfect codes and their mixture, to the digits shown."""
    page = DOCS / "metrics" / "rotation.md"
    (command,), (shown,) = blocks(page, "sh"), [b for b in blocks(page, "text") if b.startswith("encoder")]
    assert main(command.split()[1:]) == 0
    head, perfect = capsys.readouterr().out.splitlines()
    there_head, there = shown.splitlines()
    assert head == there_head
    assert perfect.split()[:3] == there.split()[:3] == ["factors", "10", "1.000"]
    assert float(perfect.split()[-1]) == pytest.approx(float(there.split()[-1]), abs=0.002)

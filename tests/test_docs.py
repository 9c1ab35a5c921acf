"""The documentation is held to the code: its snippets run, its copies are fresh, every name is in it, every link leads
somewhere.
"""

from __future__ import annotations

import importlib.util
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image
from test_cli import every_parser
from test_layers import LAYERS

import betavae
from betavae.cli.main import main
from betavae.datasets import DATASETS
from betavae.metrics import METRICS
from betavae.metrics.classifiers import CLASSIFIERS
from betavae.metrics.fidelity.features import FEATURES
from betavae.metrics.peers import PEERS
from betavae.models import MODELS
from betavae.objectives import LIKELIHOODS, OBJECTIVES
from betavae.representation import METHODS
from betavae.study.quirks import QUIRKS
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


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built once, strictly: every page in the navigation, every internal link and anchor there."""
    pytest.importorskip("properdocs")
    folder = tmp_path_factory.mktemp("docs") / "site"
    words = [sys.executable, "-m", "properdocs", "build", "--strict", "-d", str(folder)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


class Links(HTMLParser):
    """Where a page leads, and the places in it that may be led to."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.leads: list[str] = []
        self.places: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.places.update(value for key in ("id", "name") if (value := given.get(key)))
        if (lead := given.get("href" if tag in ("a", "link") else "src")) is not None:
            self.leads.append(lead)
            if tag != "a":  # it loads nothing from elsewhere
                assert not re.match(r"(https?:)?//", lead), lead


def test_every_link_of_the_site_leads_to_a_place_in_it(site: Path) -> None:
    """From disk, without a server; the search index and the reference's own links too."""
    pages = {page.resolve(): Links(page) for page in site.rglob("*.html") if page.name != "404.html"}
    assert len(pages) > 50
    lost = []
    for page, links in pages.items():
        for lead in links.leads:
            where, _, place = lead.partition("#")
            target = (page.parent / unquote(where)).resolve() if where else page
            if re.match(r"(https|mailto|data):", lead) or lead == "#":
                continue
            if not target.is_file() or (place and target in pages and unquote(place) not in pages[target].places):
                lost.append(f"{page.relative_to(site.resolve())}: {lead}")
    assert lost == []


def test_the_reference_has_every_public_name_and_what_it_does(site: Path) -> None:
    """Each with a docstring, and each argument of a public function in its signature."""
    text = {page.stem: page.read_text(encoding="utf-8") for page in (site / "reference").glob("*.html")}
    for name in betavae.__all__:
        assert name == "metrics" or f'id="betavae.{name}"' in text["index"], name
    for table, page in ((METRICS, "metrics"), (OBJECTIVES, "objectives"), (LIKELIHOODS, "objectives"),
                        (METHODS, "models"), (OPTIMISERS, "models"), (MODELS, "models")):  # fmt: skip
        for line in table.values():
            name = line.partition("@")[0].replace(":", ".")
            body = text[page].partition(f'id="{name}"')[2].partition('class="doc doc-object ')[0]
            said = body.partition('class="doc doc-contents')[2]
            assert re.search(r"<p>\s*\S", said), f"{name} has no docstring"
    assert "Raises Misuse" in text["index"]
    assert "traversals" in text["metrics"]


def test_copied_pages_are_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    stale = [page for page, write in generator().PAGES.items() if (DOCS / page).read_text("utf-8") != write()]
    assert stale == [], f"{stale}: run `python docs/generate.py` and look at what changed"


@pytest.mark.parametrize("name", generator().SWEEPS)
def test_the_factors_shown_are_those_of_the_dataset(name: str) -> None:
    """Pixel by pixel; how a PNG is packed is the library's affair."""
    for picture, png in generator().sweeps(name).items():
        with Image.open(DOCS / picture) as there, Image.open(io.BytesIO(png)) as drawn:
            assert np.array_equal(np.asarray(there), np.asarray(drawn)), f"{picture}: run `python docs/generate.py`"


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


def test_every_metric_of_the_field_has_a_line_in_every_table_of_its_page() -> None:
    """What it asks, its formula, what changes it and what it cannot see: three tables that leave none out."""
    tables = re.split(r"\n\n(?=\| name )", (DOCS / "metrics" / "field.md").read_text(encoding="utf-8"))[1:]
    assert len(tables) == 3
    field = {name for name, place in METRICS.items() if ".field." in place}
    for table in tables:
        lines = [line for line in table.split("\n\n")[0].splitlines()[2:] if line.startswith("|")]
        assert {line.split("`")[1] for line in lines} == field
        assert table is tables[0] or all("||" not in line.replace(" ", "") for line in lines)


def test_every_peers_convention_is_told_of() -> None:
    """Each metric of each toolkit that ``like`` knows has a line, with what differs."""
    lines = (DOCS / "metrics" / "peers.md").read_text(encoding="utf-8").splitlines()
    for peer, theirs in PEERS.items():
        for name in theirs:
            assert any(peer in line and f"`{name}`" in line for line in lines if line.startswith("|")), (peer, name)


def test_the_design_names_every_part_in_its_layer() -> None:
    rows = re.findall(r"^\| (\d+) \| (.*?) \|", (DOCS / "design.md").read_text(encoding="utf-8"), re.MULTILINE)
    said = {int(number): {part.strip("/") for part in re.findall(r"`([^`]+)`", parts)} for number, parts in rows}
    assert said == {number: {part for part in parts if part != "__main__"} for number, parts in enumerate(LAYERS)}


def links() -> Iterator[tuple[Path, str]]:
    for page in [ROOT / "README.md", ROOT / "CHANGELOG.md", *PAGES]:
        for link in re.findall(r"!?\[[^\]]*\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            yield page, link


def test_links_lead_somewhere() -> None:
    """README's too, which the site does not hold; pages of the site link inside it."""
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


def test_one_file_of_ones_own_is_scored_and_planned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The blocks of the page as the files that they say they are; such ones are run to the end in test_one_file."""
    (tmp_path / "mine.py").write_text("\n\n".join(blocks(DOCS / "own.md", "python")), encoding="utf-8")
    (study,) = blocks(DOCS / "own.md", "toml")
    (tmp_path / "mine.toml").write_text(study, encoding="utf-8")
    score, run = blocks(DOCS / "own.md", "sh")[:2]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BETAVAE_CONFIG", str(tmp_path / "config"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    assert main([*score.split()[1:], "--seeds", "2"]) == 0
    assert float(capsys.readouterr().out.splitlines()[1].split()[1]) == 1.0  # perfect codes of a row and a column
    assert main(run.splitlines()[0].split()[1:]) == 0
    assert "16 cells" in capsys.readouterr().out


def test_the_rotation_shown_is_what_the_command_gives(capsys: pytest.CaptureFixture[str]) -> None:
    """The live demonstration of docs/metrics: perfect codes and their mixture, to the digits shown."""
    page = DOCS / "metrics" / "rotation.md"
    (command,), (shown,) = blocks(page, "sh"), [b for b in blocks(page, "text") if b.startswith("encoder")]
    assert main(command.split()[1:]) == 0
    head, perfect = capsys.readouterr().out.splitlines()
    there_head, there = shown.splitlines()
    assert head == there_head
    assert perfect.split()[:3] == there.split()[:3] == ["factors", "10", "1.000"]
    assert float(perfect.split()[-2]) == pytest.approx(float(there.split()[-2]), abs=0.002)

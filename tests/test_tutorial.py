"""The tutorial's commands and the notebook's lines run, on budgets of a few images."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from betavae.api import training
from betavae.cli.main import main
from betavae.explorer import shown
from betavae.study.store import Store
from betavae.study.study_file import read

DOCS = Path(__file__).resolve().parents[1] / "docs"
LESS = {"20_000": "64", "50_000": "64", "votes = 500": "votes = 40", "pool = 4000": "pool = 400", "2500": "300",
        "[1, 2, 3, 4, 5, 6]": "[1, 2]"}  # fmt: skip
FEW = ["--alone", "--seeds", "2", "--knob", "votes=40", "--knob", "test_votes=40", "--knob", "pool=400"]


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def less(text: str) -> str:
    """The same on a budget of seconds."""
    for long, short in LESS.items():
        text = text.replace(long, short)
    return text


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shown, "LOOKED", 50)
    monkeypatch.chdir(tmp_path)


def named(images: int) -> str:
    """The id of the tutorial's first training with so many images."""
    data: Any = SimpleNamespace(name="dsprites", size=737_280)
    return training.cell(data, "conv", 1, images, 10, "beta_vae", None, {}, None, {"beta": 4}).id


def test_the_tutorial_leads_to_a_judged_claim(capsys: pytest.CaptureFixture[str]) -> None:
    """Every command of the page in its order, in an empty folder; only budgets are less."""
    page = (DOCS / "tutorial.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\bdf6a[0-9a-f]*\b", page)) == {"df6a", "df6a399aecd1bb3f"}
    assert named(20_000) == "df6a399aecd1bb3f"
    (study,) = blocks("tutorial.md", "toml")
    Path("beta.toml").write_text(study, encoding="utf-8")
    whole = read(Path("beta.toml"))
    assert len(whole.cells) == 2 * 6 + 4
    assert [claim.says for claim in whole.claims] == ["β = 4 tells more factors apart than β = 1"]
    Path("beta.toml").write_text(less(study), encoding="utf-8")
    for line in "".join(blocks("tutorial.md", "sh")).splitlines():
        words = less(line).replace("df6a", named(64)[:8]).split()[1:]
        more = {"score": FEW, "run": ["--workers", "1", "--quiet"], "train": ["--quiet"]}
        assert main([*words, *more.get(words[0], [])]) == 0, line
    said = capsys.readouterr().out
    assert f"cell {named(64)}  ok" in said
    assert Path("explorer.html").is_file()
    assert Path("runs/beta-own/report/report.html").is_file()
    assert len([r for r in Store(Path("runs/beta-own")).records() if r["kind"] == "fit"]) == 2 * 2 + 4


def test_the_notebook_is_the_ten_lines_and_they_run(
    capsys: pytest.CaptureFixture[str], record_property: Callable[[str, Any], None]
) -> None:
    (lines,) = [block for block in blocks("python.md", "python") if "betavae.fit" in block]
    book = json.loads((DOCS / "notebook.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code"]
    assert "\n".join(cells) == "\n".join(line for line in lines.splitlines() if line)
    assert all(not cell.get("outputs") for cell in book["cells"])
    few = (
        '{"higgins": {"votes": 40, "test_votes": 40, "pool": 400}, "mig": {"images": 200}, '
        '"dci": {"images": 200, "test_images": 100}}'
    )
    names: dict[str, Any] = {}
    begun = time.perf_counter()
    for cell in cells:
        exec(less(cell).replace('["higgins", "mig", "dci"]', few + ", seeds=2"), names)
    record_property("counted", f"the ten lines of Python on a small budget: {time.perf_counter() - begun:.1f} s")
    assert Path("m/model.safetensors").is_file()
    assert names["again"].id == names["model"].id
    assert names["images"].shape == (8, 1, 64, 64)
    assert "rotated" in capsys.readouterr().out


def test_other_snippets_run(capsys: pytest.CaptureFixture[str]) -> None:
    (tutorial,) = blocks("tutorial.md", "python")
    (others,) = [block for block in blocks("python.md", "python") if "betavae.wrap" in block]
    for code in (tutorial, others):
        exec(compile(code, "snippet", "exec"), {})
    out = capsys.readouterr().out
    assert "737280 ('shape', 'scale', 'orientation', 'posX', 'posY')" in out
    assert "torch.Size([2, 1, 64, 64])" in out
    assert "betavae.api" in sys.modules

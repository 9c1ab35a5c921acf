"""``betavae explore``: from a store to a page."""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from test_page import inside

import betavae
from betavae.cli.main import main
from betavae.explorer import found, shown
from betavae.study import trained
from betavae.study.store import Store

STUDY = """
[questions.five]
measure = "higgins"
votes = 60
test_votes = 60
pool = 300
[questions.quirky]
measure = "higgins"
votes = 60
test_votes = 60
pool = 300
dropout_at_test = true
quirks = ["dropout-on"]
[questions.again]
measure = "higgins"
votes = 60
test_votes = 60
pool = 300
seed = 1

[[grid]]
dataset = "dsprites"
method = "conv"
seed = 1
beta = [4, 1]
recipe = { optimiser = "adam", learning_rate = 5e-4, batch = 16, images = 64 }
questions = ["five", "quirky", "again"]

[[grid]]
dataset = "dsprites"
method = ["factors", "pixels"]
seed = 1
questions = ["five", "again"]
"""


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a code carries and knows, told from 50 images."""
    monkeypatch.setattr(shown, "LOOKED", 50)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two convolutional VAEs that saw 64 images, a ceiling and a floor, and their scores."""
    folder = tmp_path_factory.mktemp("explore")
    (folder / "tiny.toml").write_text(STUDY, encoding="utf-8")
    assert main(["run", str(folder / "tiny.toml"), "--store", str(folder / "s"), "--quiet", "--workers", "1"]) == 0
    return folder / "s"


def test_a_store_becomes_a_page(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explore", str(store)]) == 0
    assert capsys.readouterr().out == f"{store / 'explorer.html'}\n"
    html = (store / "explorer.html").read_text("utf-8")
    assert "<title>2 models of s – betavae explorer</title>" in html
    data = inside(html)
    assert [m["name"] for m in data["models"]] == ["dsprites conv β=1 seed 1", "dsprites conv β=4 seed 1"]
    assert list(data["scenes"]) == ["dsprites"]
    model = data["models"][0]
    assert dict(model["facts"])["trained on"] == "64 images of dsprites, batches of 16"
    assert model["curve"]["seen"] == [16, 32, 48, 64]


def test_a_score_is_the_mean_of_its_draws_beside_the_floors(store: Path) -> None:
    """Of two draws of one question, and without the question that has a quirk on."""
    records = Store(store).records()
    cell = _cells(store)[0]
    (score,) = found.scores(records, cell)

    def mean(wanted: Any) -> float:
        values = [
            r["scores"]["higgins"]
            for r in records
            if r["kind"] == "answer" and wanted(r) and not r["question"]["quirks"]
        ]
        assert len(values) == 2
        return float(sum(values) / 2)

    assert score.score == "higgins"
    assert score.value == pytest.approx(mean(lambda r: r["cell_id"] == cell))
    assert dict(score.beside) == {
        method: pytest.approx(mean(lambda r, m=method: r["cell"]["method"] == m)) for method in ("factors", "pixels")
    }
    assert dict(score.beside)["factors"] > 0.9


def test_floors_of_other_settings_are_columns_of_their_own(store: Path) -> None:
    """Two PCAs, one of them of a rule's images: the mean of both would be the score of neither."""
    records, cell = Store(store).records(), _cells(store)[0]
    floor = next(r for r in records if r["kind"] == "answer" and r["cell"]["method"] == "pixels")
    made = [{**floor, "cell": {**floor["cell"], "method": "pca", "codes": 10, "fit": 100, "train_on": rule},
             "scores": {"higgins": value}} for rule, value in ((None, 0.2), ("posX < 16", 0.6))]  # fmt: skip
    own = next(r for r in records if r["cell_id"] == cell)["cell"]["codes"]
    for each in made:
        each["cell"]["codes"] = own
    (score,) = found.scores([*records, *made], cell)
    assert {k: v for k, v in score.beside if k.startswith("pca")} == {"pca on 100": 0.2, "pca on 100, posX < 16": 0.6}


def _cells(store: Path) -> list[str]:
    return [one.cell.id for one in trained.cells(Store(store)) if one.cell.recipe]


def test_a_model_that_was_saved_is_a_page(store: Path, tmp_path: Path) -> None:
    betavae.open(store, cell=_cells(store)[0]).save(tmp_path / "m")
    assert main(["explore", str(tmp_path / "m"), "--out", str(tmp_path / "m.html")]) == 0
    (model,) = inside((tmp_path / "m.html").read_text("utf-8"))["models"]
    assert dict(model["facts"])["cell"] == _cells(store)[0]


def test_models_are_named_by_id(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = _cells(store)
    out = tmp_path / "one.html"
    assert main(["explore", first[:8], "--store", str(store), "--out", str(out)]) == 0
    assert [dict(m["facts"])["cell"] for m in inside(out.read_text("utf-8"))["models"]] == [first]
    assert main(["explore", str(store), "--only", second, "--out", str(out)]) == 0
    assert [dict(m["facts"])["cell"] for m in inside(out.read_text("utf-8"))["models"]] == [second]
    capsys.readouterr()
    assert main(["explore", str(store), "--only", "ffffffff"]) == 2
    assert "no trained VAE whose id begins with ffffffff; `betavae status STORE`" in capsys.readouterr().err
    fitted = next(one.cell.id for one in trained.cells(Store(store)) if one.cell.method == "factors")
    assert main(["explore", fitted, "--store", str(store)]) == 2
    assert "is factors; the explorer decodes mlp and conv" in capsys.readouterr().err


def test_of_many_models_the_first_are_taken_and_the_others_named(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(found, "MOST", 1)
    (one,) = found.first(found.named([str(store)], []))
    assert one.cell.beta == 1.0
    assert "1 of 2 models" in capsys.readouterr().err


def test_a_report_holds_one_model_to_move_and_leads_to_all(store: Path, tmp_path: Path) -> None:
    """In a sandbox of its own. Where the models are gone, the page is the same without it."""
    (store / "explorer.html").touch()
    assert main(["report", str(store)]) == 0
    whole = (store / "report/report.html").read_text("utf-8")
    (frame,) = re.findall(r'<iframe [^>]*sandbox="allow-scripts" srcdoc="([^"]*)">', whole)
    small = inside(html.unescape(frame))
    assert small["small"]
    assert [model["name"] for model in small["models"]] == ["dsprites conv β=4 seed 1"]
    assert 'href="../explorer.html"' in whole
    assert "](<../explorer.html>)" in (store / "report/report.md").read_text("utf-8")
    shutil.copytree(store, tmp_path / "s", ignore=shutil.ignore_patterns("checkpoints", "report"))
    assert main(["report", str(tmp_path / "s")]) == 0
    bare = (tmp_path / "s/report/report.html").read_text("utf-8")
    without = re.sub(r'<h2 id="a-model-to-move">.*?</iframe>\s*<p>.*?</p>\s*', "", whole, flags=re.DOTALL)
    assert bare == re.sub(r'<div><a href="#a-model-to-move">.*?</div>', "", without)

"""What leaves the tool comes back the same: tables by other readers, models by other runtimes, cards by the hub's."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
import torch
from factory import FakeStore, baseline, higgins, vae
from PIL import Image
from safetensors.torch import load_file
from synthetic import answered
from tiny import squares

import betavae
from betavae import models, objectives
from betavae.cli.main import main
from betavae.errors import Fault, Misuse
from betavae.export import export, latex, onnx
from betavae.export.model_card import wilson
from betavae.export.records import frame
from betavae.export.works import WORKS
from betavae.models import layers
from betavae.objectives import LIKELIHOODS, OBJECTIVES
from betavae.report.document import Table
from betavae.representation import vae as trained_vae
from betavae.representation.encoder_files import opened
from betavae.study.cells import Cell, Job, Question, Study, pairs
from betavae.study.jobs.checkpointing import pack
from betavae.study.store import Store
from betavae.training import checkpoint
from betavae.training.single import State

CELLS = (vae(seed=123), vae(seed=427), vae(beta=1.0), vae(beta=1.0, method="mlp"))
ASKED = (
    higgins(),
    higgins("logistic"),
    Question("reconstruction", pairs({"images": 40}), at=(0.5, 1.0)),
    Question("reconstructions", pairs({"images": 16})),
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A study's store without its training: every question answered, an error, a divergence, one run."""
    jobs = (*tuple(Job(cell, ASKED) for cell in CELLS), Job(baseline(), (higgins(),)))
    fake = answered(Study("paper", "laptop", jobs), diverged=lambda cell: cell.seed == 427)
    fake.add(CELLS[0], higgins("forest"), status="error", message='the forest, "alas", burnt\ndown: β & 100 %')
    return kept(fake, tmp_path_factory.mktemp("store"))


def kept(fake: FakeStore, folder: Path) -> Store:
    """A store on disk with the records of one in memory."""
    store = Store(folder)
    for record in fake.kept:
        store.append({**record, "arrays": store.put(fake.held[record["arrays"]]) if record["arrays"] else None})
    return store


def finished(store: Store, cell: Cell, step: int | None = None) -> dict[str, torch.Tensor]:
    """Leave a checkpoint of a cell, as if it had been trained to this step (None: to the end); its parameters."""
    assert cell.recipe is not None
    model = models.named(cell.method, (1, 64, 64), cell.codes)
    params = model.init(torch.Generator().manual_seed(cell.seed))
    done = cell.recipe.steps if step is None else step
    tensors, meta = pack(State(params, {}, torch.zeros(1, cell.codes + 2), done), moments=False)
    checkpoint.save(store.path / "checkpoints" / cell.id, done, tensors, meta)
    return params


# Records


def test_a_row_per_score_and_one_where_there_is_none(store: Store) -> None:
    table = frame(store.records())
    wanted = sum(max(1, len(r["scores"])) for r in store.records())
    assert table.height == wanted
    for record in store.records():
        mine = table.filter(
            (polars.col("cell_id").eq_missing(record["cell_id"]))
            & (polars.col("question_id").eq_missing(record["question_id"]))
            & (polars.col("at") == record["at"])
            & (polars.col("kind") == record["kind"])
        )
        names, values = mine["score"].to_list(), mine["value"].to_list()
        assert {n: v for n, v in zip(names, values, strict=True) if n is not None} == record["scores"]
        assert set(mine["status"]) == {record["status"]}
    row = table.filter((polars.col("measure") == "higgins") & (polars.col("score") == "higgins")).row(0, named=True)
    assert (row["dataset"], row["cell_beta"], row["question_pairs"]) == ("dsprites", row["cell_beta"], 64)
    assert table.filter(polars.col("status") == "error")["value"].to_list() == [None]
    assert (table["status"] == "diverged").sum() > 0


def test_parquet_and_csv_are_the_same_to_every_reader(store: Store, tmp_path: Path) -> None:
    import pandas

    parquet, csv = export([store], tmp_path, ["records"])
    wanted = frame(store.records())
    mine = polars.read_parquet(parquet)
    assert mine.equals(wanted.select(mine.columns))
    assert polars.read_csv(csv, schema=mine.schema).equals(mine)
    theirs = pandas.read_parquet(parquet)
    assert list(theirs.columns) == mine.columns
    for name in mine.columns:
        left, right = mine[name].to_list(), theirs[name].astype(object)
        assert [None if pandas.isna(v) else v for v in right] == left, name


def test_records_left_out_are_told_by_the_exit_code(store: Store, tmp_path: Path) -> None:
    for torn, wanted in ((False, 0), (True, 1)):
        folder = tmp_path / str(torn)
        shutil.copytree(store.path, folder)
        (file, *_) = (folder / "records").glob("*.jsonl")
        file.write_text("{}\n" * torn + file.read_text(encoding="utf-8"), encoding="utf-8")
        assert main(["export", str(folder), "--out", str(tmp_path / "out"), "--what", "records"]) == wanted
        assert main(["report", str(folder), "--checklist"]) == wanted


def test_two_stores_are_exported_as_one(store: Store, tmp_path: Path) -> None:
    """The same records twice, and in two halves: the same rows."""
    halves = [Store(tmp_path / "a"), Store(tmp_path / "b")]
    for k, record in enumerate(store.records()):
        halves[k % 2].append(record)
    (whole, _), (parts, _) = (
        export([store, store], tmp_path / "1", ["records"]),
        export(halves, tmp_path / "2", ["records"]),
    )
    assert polars.read_parquet(whole).equals(polars.read_parquet(parts))


def test_without_polars_it_says_what_to_install(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parquet and CSV are an extra; all else is exported without it."""
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(Misuse, match=r"pip install 'betavae\[export\]'"):
        export([store], tmp_path / "a", ["records"])
    assert export([store], tmp_path / "b", ["tables"])


# Tables


def test_latex_takes_no_letter_for_a_command() -> None:
    assert latex.escaped(r"50 % of a_b & {c} #1 $x$ \y ~ ^") == (
        r"50 \% of a\_b \& \{c\} \#1 \$x\$ \textbackslash{}y \textasciitilde{} \textasciicircum{}"
    )
    assert (
        latex.escaped("β ≤ 1 ± σ²")
        == r"\ensuremath{\beta} \ensuremath{\leq} 1 \ensuremath{\pm} \ensuremath{\sigma}\texttwosuperior{}"
    )
    assert latex.escaped("– “so” | ✓ ⟂ 10⁻⁸") == (
        r"\textendash{} \textquotedblleft{}so\textquotedblright{} \textbar{} \ensuremath{\surd} \ensuremath{\perp} "
        r"10\ensuremath{^{-}}\ensuremath{^8}"
    )
    assert latex.escaped("čšø中") == r"\v{c}\v{s}\o{}\ensuremath{\langle}\texttt{U+4E2D}\ensuremath{\rangle}"
    assert latex.inline("**4-VAE** in `a_b`") == r"\textbf{4-VAE} in \texttt{a\_b}"


def test_a_table_as_latex() -> None:
    block = Table("One", ["Model", "n", "said"], [["a_b", "1", "x" * 41 + "\ny"], ["[c]", "2\n3", "z"]], ["50 %"])
    lines = latex.table(block, "one").splitlines()
    assert r"\begin{tabular}{lrp{0.75\linewidth}}" in lines
    assert rf"a\_b & 1 & {'x' * 41} \newline y \\" in lines
    assert r"{[c]} & \begin{tabular}[t]{@{}l@{}}2\\3\end{tabular} & z \\" in lines
    assert r"50 \%" in lines


def balanced(text: str) -> bool:
    """Braces and environments close in the order they open."""
    open_: list[str] = []
    for word in re.findall(r"\\begin\{\w+\}|\\end\{\w+\}|(?<!\\)[{}]", text):
        if word in "{}":
            if word == "{":
                open_.append(word)
            elif not open_ or open_.pop() != "{":
                return False
        elif word.startswith(r"\begin"):
            open_.append(word[7:-1])
        elif not open_ or open_.pop() != word[5:-1]:
            return False
    return not open_


def test_every_table_of_the_report_is_sound_latex(store: Store, tmp_path: Path) -> None:
    paths = export([store], tmp_path, ["tables"])
    assert len(paths) > 5
    labels = []
    for path in paths:
        text = path.read_text(encoding="ascii")  # raises at a letter that LaTeX might not know
        assert balanced(text), path.name
        labels += re.findall(r"\\label\{(.+?)\}", text)
        body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
        inner = re.sub(r"\\begin\{tabular\}.*?\\end\{tabular\}", "", body)
        counts = {line.count(" & ") for line in inner.splitlines() if line.endswith(r"\\")}
        assert len(counts) == 1, path.name
    assert len(set(labels)) == len(paths)
    assert not balanced(r"\begin{table}{")
    assert not balanced(r"\begin{a}\end{b}")
    if engine := shutil.which("pdflatex"):
        inputs = "\n".join(rf"\input{{{path}}}" for path in paths)
        (tmp_path / "all.tex").write_text(
            rf"\documentclass{{article}}\usepackage{{booktabs}}\begin{{document}}{inputs}\end{{document}}"
        )
        words = [engine, "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
        subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)


# Figures


def test_figures_are_pdf_svg_and_png_and_the_same_twice(store: Store, tmp_path: Path) -> None:
    once, again = (export([store], tmp_path / name, ["figures"]) for name in ("1", "2"))
    assert {path.suffix for path in once} == {".pdf", ".svg", ".png"}
    for first, second in zip(once, again, strict=True):
        data = first.read_bytes()
        assert data == second.read_bytes(), first.name
        if first.suffix == ".pdf":
            assert data.startswith(b"%PDF-")
            assert b"/Type3" not in data
        elif first.suffix == ".svg":
            assert ET.fromstring(data).tag == "{http://www.w3.org/2000/svg}svg"
        else:
            with Image.open(first) as image:
                assert min(image.size) > 50


# Models


SHAPES = [("conv", (1, 64, 64), 10), ("conv", (3, 64, 64), 10), ("conv", (3, 32, 32), 128), ("mlp", (1, 64, 64), 10)]


@pytest.mark.parametrize(("name", "shape", "codes"), SHAPES)
def test_onnx_equals_pytorch(name: str, shape: tuple[int, int, int], codes: int, tmp_path: Path) -> None:
    model = models.named(name, shape, codes)
    params = model.init(torch.Generator().manual_seed(1))
    off = onnx.write(model, params, tmp_path)
    assert sorted(off) == ["logvar", "mean", "pixels"]
    assert max(off.values()) <= 1e-5
    codec = trained_vae.codec(model, params)
    for n in (1, 3):  # any number of images
        images = torch.rand(n, *shape, generator=torch.Generator().manual_seed(n))
        found = onnx.run((tmp_path / "encoder.onnx").read_bytes(), {"images": images.numpy()})
        assert np.allclose(found["mean"], codec.encode(images), atol=1e-5)
        assert codec.decode is not None
        back = onnx.run((tmp_path / "decoder.onnx").read_bytes(), {"codes": found["mean"]})
        assert np.allclose(back["pixels"], codec.decode(torch.from_numpy(found["mean"])), atol=1e-5)
        assert back["pixels"].shape == (n, *shape)


@pytest.mark.parametrize(
    ("name", "likelihood"),
    [
        *((name, "bernoulli") for name in OBJECTIVES),
        *(("beta_vae", name) for name in LIKELIHOODS if name != "bernoulli"),
    ],
)
def test_models_of_every_objective_are_exported(name: str, likelihood: str, tmp_path: Path) -> None:
    """Weights without what only training needs, two graphs that are checked, a card that names and cites it."""
    objective = objectives.named(name)
    chosen = {} if objective.likelihood else {"likelihood": likelihood}
    cell = replace(CELLS[0], codes=3, objective=name, knobs=pairs(objectives.settled(objective, chosen)))
    fake = FakeStore()
    fake.add(cell)
    store = kept(fake, tmp_path / "store")
    assert cell.recipe is not None
    params = models.named("conv", (1, 64, 64), 3).init(torch.Generator().manual_seed(1))
    own = objective.init(torch.Generator().manual_seed(2), 3)
    tensors, meta = pack(State({**params, **own}, {}, torch.zeros(1, 5), cell.recipe.steps), moments=False)
    checkpoint.save(store.path / "checkpoints" / cell.id, cell.recipe.steps, tensors, meta)
    files = {path.name: path for path in export([store], tmp_path / "out", ["models"], [])}
    assert set(files) == {"model.safetensors", "config.json", "README.md", "encoder.onnx", "decoder.onnx"}
    assert load_file(files["model.safetensors"]).keys() == params.keys()
    config, card = json.loads(files["config.json"].read_text()), files["README.md"].read_text()
    assert max(config["onnx_difference"].values()) <= 1e-5
    assert config["cell"]["objective"] == name
    assert name in card
    assert all(WORKS[work] in card for work in objective.cites)
    codes = torch.randn(2, 3, generator=torch.Generator().manual_seed(3))
    mean = objectives.likelihood(objective, chosen).mean
    decoded = trained_vae.codec(models.named("conv", (1, 64, 64), 3), params, mean)
    assert decoded.decode is not None
    back = onnx.run(files["decoder.onnx"].read_bytes(), {"codes": codes.numpy()})
    assert np.allclose(back["pixels"], decoded.decode(codes), atol=1e-5)
    whole = betavae.open(files["config.json"].parent, data=squares(64)).codec
    for read in (whole, opened(str(files["model.safetensors"]), squares(64))):
        assert read.decode is not None
        assert torch.equal(read.decode(codes), decoded.decode(codes))


def test_weights_that_are_not_those_exported_are_refused(store: Store, tmp_path: Path) -> None:
    """config.json names their sha256."""
    finished(store, CELLS[0])
    files = {path.name: path for path in export([store], tmp_path, ["models"], [CELLS[0].id])}
    raw = bytearray(files["model.safetensors"].read_bytes())
    raw[-1] ^= 1
    files["model.safetensors"].write_bytes(raw)
    with pytest.raises(Fault, match=r"model\.safetensors has sha256 .* fetch it again"):
        betavae.open(files["config.json"].parent, data=squares(64))


def test_every_activation_has_a_node() -> None:
    assert set(onnx.ACTIVATIONS) | {""} == set(layers.ACTIVATIONS)


def test_a_graph_that_differs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(onnx.ACTIVATIONS, "relu", ("Tanh", {}))
    model = models.named("mlp", (1, 64, 64), 4)
    with pytest.raises(Fault, match="differs from PyTorch"):
        onnx.write(model, model.init(torch.Generator().manual_seed(1)), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def model(store: Store, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, torch.Tensor]]:
    """The folder of one exported model and the parameters it was made from."""
    params = finished(store, CELLS[0])
    out = tmp_path_factory.mktemp("out")
    paths = export([store], out, ["models"], [CELLS[0].id[:8]])
    folder = out / "models" / CELLS[0].id
    assert sorted(p.name for p in folder.iterdir()) == sorted(p.name for p in paths)
    return folder, params


def test_the_card_is_one_to_the_hub(store: Store, model: tuple[Path, Any]) -> None:
    from huggingface_hub import ModelCard

    card = ModelCard.load(model[0] / "README.md")
    assert card.data.license == "unknown"
    assert card.data.library_name == "betavae"
    assert card.data.datasets == ["dsprites"]
    mine = [r for r in store.records() if r["cell_id"] == CELLS[0].id and r["kind"] == "answer" and r["status"] == "ok"]
    wanted = [value for r in mine if r["at"] == 1.0 for value in r["scores"].values()]
    assert sorted(result.metric_value for result in card.data.eval_results) == sorted(wanted)
    assert {result.dataset_type for result in card.data.eval_results} == {"dsprites"}
    parts = ["## Use", "## Not for", "## Training data", "Licence: ", "seed 123", "A Processor", "## Known failures"]
    for part in [*parts, "1 diverged (427)", "95 % interval", "@inproceedings{higgins2017betavae"]:
        assert part in card.text, part


def test_the_snippet_of_the_card_runs(model: tuple[Path, dict[str, torch.Tensor]], monkeypatch: Any) -> None:
    folder, params = model
    (snippet,) = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    images = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    names: dict[str, Any] = {"images": images}
    monkeypatch.chdir(folder)
    exec(snippet, names)
    wanted = trained_vae.codec(models.named("conv", (1, 64, 64), 10), params)
    assert torch.equal(names["codes"], wanted.encode(images))
    assert names["pixels"].shape == (2, 1, 64, 64)
    config = json.loads((folder / "config.json").read_text())
    assert Cell.from_plain(config["cell"]) == CELLS[0]
    assert config["parameters"] == sum(value.numel() for value in params.values())
    found = onnx.run((folder / "encoder.onnx").read_bytes(), {"images": images.numpy()})
    assert np.allclose(found["mean"], names["codes"], atol=1e-5)


def test_models_that_are_not_there(store: Store, tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="begins with 123zzz"):
        export([store], tmp_path, ["models"], ["123zzz"])
    with pytest.raises(Fault, match="no finished training"):
        export([store], tmp_path, ["models"], [CELLS[2].id])
    finished(store, CELLS[2], step=3)
    with pytest.raises(Fault, match="no finished training"):
        export([store], tmp_path, ["models"], [CELLS[2].id])
    with pytest.raises(Misuse, match="--only picks models, and what is exported is records; add --what models"):
        export([store], tmp_path, ["records"], ["123zzz"])
    with pytest.raises(Misuse, match="did you mean 'tables'"):
        export([store], tmp_path, ["table"])
    assert list(tmp_path.iterdir()) == []


def test_the_interval_of_a_share() -> None:
    """Half of 100 votes: 0.5 ± z/2·√(1/(100 + z²)); all of n: from n/(n + z²) to 1."""
    z2 = 1.959964**2
    low, high = wilson(0.5, 100)
    assert (low + high) / 2 == pytest.approx(0.5)
    assert high - 0.5 == pytest.approx(1.959964 / 2 / np.sqrt(100 + z2))
    assert wilson(1.0, 50) == pytest.approx((50 / (50 + z2), 1.0))


def test_the_command(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(store.path), "--out", str(tmp_path / "out"), "--what", "records,tables"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == [str(tmp_path / "out" / "records.parquet"), str(tmp_path / "out" / "records.csv")]
    assert all(Path(line).is_file() for line in said)
    assert main(["export", str(store.path), "--out", str(tmp_path), "--what", "record"]) == 2
    assert "did you mean 'records'" in capsys.readouterr().err

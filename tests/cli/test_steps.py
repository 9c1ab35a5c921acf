"""Single steps: the cell, the scores and the pictures are those of a study; what cannot be done is told in one line."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest

from betavae import metrics, models, representation
from betavae.cli import doctor, figure, train
from betavae.cli.main import main, parser
from betavae.study.cells import Job, Question, Study, pairs
from betavae.study.leases import holder
from betavae.study.monitor import cost
from betavae.study.settings import Settings
from betavae.study.store import Store
from betavae.study.study_file import read, write
from betavae.study.trained import cells, codec

TRAIN = ["train", "--dataset", "dsprites", "--beta", "4", "--seed", "3", "--codes", "4", "--images", "512"]
FEW = ["--knob", "votes=40", "--knob", "test_votes=40", "--knob", "pairs=8", "--knob", "pool=400"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one trained cell in its usual store."""
    here = tmp_path_factory.mktemp("steps")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        assert main([*TRAIN, "--quiet"]) == 0
    return here


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    return folder


def test_the_vocabulary_is_that_of_the_tables() -> None:
    assert set(figure.NOUNS) <= set(metrics.METRICS)


def test_a_single_step_has_the_cell_of_a_study_file(tmp_path: Path) -> None:
    path = tmp_path / "one.toml"
    path.write_text(
        '[[grid]]\ndataset = "dsprites"\nmethod = "conv"\nseed = 3\nbeta = 4\ncodes = 4\n'
        'recipe = { optimiser = "adam", learning_rate = 5e-4, batch = 16, images = 512 }\n'
        '[[grid]]\ndataset = "dsprites"\nmethod = "pca"\nseed = 3\nfit = 300\n'
    )
    trained, fitted = read(path).cells
    assert train.cell(parser().parse_args(TRAIN)).id == trained.id
    words = ["train", "--dataset", "dsprites", "--method", "pca", "--seed", "3", "--fit", "300"]
    assert train.cell(parser().parse_args(words)).id == fitted.id


def test_training_again_does_nothing_and_another_cell_joins_the_store(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(here / "runs/single-own", create=False)
    before = [r for r in store.records() if r["kind"] == "fit"]
    assert main([*TRAIN, "--quiet"]) == 0
    assert capsys.readouterr().out.startswith(f"cell {before[0]['cell_id']}  ok")
    assert [r for r in store.records() if r["kind"] == "fit"] == before
    other = ["train", "--dataset", "dsprites", "--method", "projection", "--quiet", "--store", str(here / "two")]
    assert main(other) == 0
    assert main([*other, "--seed", "2"]) == 0
    assert len(Store(here / "two").recalled().cells) == 2


def test_a_trained_cell_is_scored_by_its_id(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cell = cells(Store(here / "runs/single-own", create=False))[0].cell
    words = ["score", "--encoder", cell.id[:6], "--rotated", "--seeds", "2", *FEW]
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["encoder"] for row in told["rows"]] == [cell.id[:6], *representation.BESIDE]
    assert told["knobs"] == {"pool": 400, "votes": 40, "test_votes": 40, "pairs": 8}
    assert told["dataset"] == "dsprites"
    for row in told["rows"]:
        assert [set(draw) for draw in row["draws"]] == [{"higgins", "rotated", "converged"}] * 2
        found = row["scores"]["higgins"]
        assert found["mean"] == pytest.approx(math.fsum(d["higgins"] for d in row["draws"]) / 2)
        assert found["low"] <= found["mean"] <= found["high"]
    assert main([*words, "--alone"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [
        "encoder",
        "codes",
        "higgins",
        "interval",
        "sd",
        "of",
        "one",
        "draw",
        "rotated",
        "converged",
    ]
    assert lines[1].split()[:3] == [cell.id[:6], "4", f"{told['rows'][0]['scores']['higgins']['mean']:.3f}"]


def test_a_score_is_the_studys(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same question to the same cell, from a study's record and from the command line."""
    from betavae.study.run import run

    store = Store(here / "runs/single-own", create=False)
    cell = next(each.cell for each in cells(store) if each.cell.recipe)
    asked = Question("higgins", pairs({"votes": 40, "test_votes": 40, "pairs": 8, "pool": 400}), 0)
    run(Study("single", "own", (Job(cell, (asked,)),)), store, Settings(workers=1), quiet=True)
    record = next(r for r in store.records() if r["question_id"] == asked.id)
    assert main(["score", "--encoder", cell.id, "--seeds", "1", "--alone", "--json", *FEW]) == 0
    assert json.loads(capsys.readouterr().out)["rows"][0]["draws"] == [record["scores"]]


def test_a_metric_among_others_meets_the_draws_it_meets_alone(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cell = next(each.cell for each in cells(Store(here / "runs/single-own", create=False)) if each.cell.recipe)
    words = ["score", "--encoder", cell.id, "--seeds", "2", "--json", "--knob", "images=500", "--metric"]
    assert main([*words, "mig", "--alone"]) == 0
    alone = json.loads(capsys.readouterr().out)["rows"][0]["draws"]
    assert main([*words, "mig,mig_sup"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"][0]["draws"] == alone


def test_other_metrics_score_what_can_decode(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cell = cells(Store(here / "runs/single-own", create=False))[0].cell
    few = ["--metric", "reconstruction", "--knob", "images=20", "--seeds", "1"]
    assert main(["score", "--encoder", cell.id, "--json", *few]) == 0
    rows = {row["encoder"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert rows[cell.id]["scores"]["reconstruction"]["mean"] > rows["pca"]["scores"]["reconstruction"]["mean"] > 0
    assert "no way back to images" in rows["pixels"]["refused"]


def test_an_absent_file_is_told_before_anything_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BETAVAE_DATA", str(tmp_path / "data"))
    assert main(["train", "--dataset", "shapes3d", "--quiet"]) == 1
    assert "betavae data fetch shapes3d" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("noun", "suffix"), [*((noun, "png") for noun in figure.NOUNS), ("samples", "svg"), ("samples", "pdf")]
)
def test_every_figure_is_drawn_from_a_store(
    noun: str, suffix: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = here / f"{noun}.{suffix}"
    assert main(["figure", noun, "runs/single-own", "--out", str(out)]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    begins = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[suffix]
    assert out.read_bytes().startswith(begins)
    first = out.read_bytes()
    assert main(["figure", noun, "runs/single-own", "--out", str(out)]) == 0
    assert suffix == "svg" or out.read_bytes() == first  # matplotlib numbers an SVG's parts at random


def test_samples_need_no_training(here: Path) -> None:
    assert main(["figure", "samples", "dsprites", "--knob", "images=4", "--out", "samples.png"]) == 0
    assert (here / "samples.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["train", "--dataset", "dsprite"], "unknown dataset 'dsprite'; did you mean 'dsprites'"),
        (["train", "--dataset", "dsprites", "--method", "cnn"], "unknown method 'cnn'"),
        (["train", "--dataset", "dsprites", "--images", "many"], "'many' is not a whole number from 1"),
        (["train", "--dataset", "dsprites", "--beta", "nan"], "'nan' is not a positive number"),
        (["train", "--dataset", "dsprites", "--method", "pca", "--beta", "2"], "--beta is for mlp and conv"),
        (["train", "--dataset", "dsprites", "--fit", "50"], "--fit is for pca and ica"),
        (["train", "--dataset", "dsprites", "--sigma", "2"], "--sigma is for the objective gaussian"),
        (["train"], "--dataset"),
        (["score", "--encoder", "mine"], "--dataset is missing; wanted one of dsprites"),
        (["score", "--encoder", "facters", "--dataset", "dsprites"], "did you mean 'factors'? Or give module:function"),
        (["score", "--encoder", "nothing.npy", "--dataset", "dsprites"], "nothing.npy is not there"),
        (["score", "--encoder", "factors", "--dataset", "dsprites", "--metric", "higgin"], "did you mean 'higgins'"),
        (["score", "--encoder", "factors", "--dataset", "dsprites", "--knob", "vots=3"], "did you mean 'votes'"),
        (["score", "--encoder", "factors", "--dataset", "dsprites", "--knob", "votes"], "'votes' is no knob"),
        (["score", "--encoder", "factors", "--dataset", "dsprites", "--metric", "frechet", "--rotated"], "--rotated"),
        (["score", "--encoder", "0123456789abcdef"], "no trained cell's id begins with '0123456789abcdef'"),
        (["figure", "traversal", "runs/single-own", "--out", "x.png"], "did you mean 'traversals'"),
        (["figure", "traversals", "runs/single-own", "--out", "x.jpg"], "ends in .png, .pdf, .svg"),
        (["figure", "traversals", "nowhere", "--out", "x.png"], "'nowhere' is no store and no cell's id"),
        (["figure", "traversals", "runs/single-own", "--knob", "range=x", "--out", "x.png"], "range is 'x'"),
        (["figure", "traversals", "runs/single-own", "--knob", "rang=x", "--out", "x.png"], "did you mean 'range'"),
    ],
)
def test_mistakes_are_told_in_one_line(
    words: list[str], part: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(here.iterdir())
    assert main(words) == 2
    said = capsys.readouterr().err
    assert part in said
    assert said.startswith("betavae: ")
    assert said.count("\n") == 1
    assert sorted(here.iterdir()) == before


def test_a_lost_checkpoint_is_a_fault(tmp_path: Path, here: Path) -> None:
    from betavae import Fault, load

    found = next(each for each in cells(Store(here / "runs/single-own", create=False)) if each.cell.recipe)
    with pytest.raises(Fault, match="holds no checkpoint"):
        codec(found._replace(store=Store(tmp_path)), load("dsprites"))


def test_what_a_job_keeps_is_predicted(here: Path) -> None:
    """Parameters are counted exactly; a store's files are what was said, to a fifth."""
    for method, shape, codes in (("conv", (1, 64, 64), 10), ("conv", (3, 32, 32), 128), ("mlp", (1, 64, 64), 10)):
        import torch

        params = models.named(method, shape, codes).init(torch.Generator())
        assert models.size(method, shape, codes).parameters == sum(leaf.numel() for leaf in params.values())
    store = Store(here / "runs/single-own", create=False)
    cell = next(each.cell for each in cells(store) if each.cell.recipe)
    kept = sum(p.stat().st_size for p in (store.path / "checkpoints" / cell.id).iterdir())
    assert kept == pytest.approx(cost.footprint(Job(cell, ())), rel=0.2)


def test_the_dry_run_tells_cells_passes_time_and_disk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "one.toml"
    job = Job(train.cell(parser().parse_args(TRAIN)), ())
    path.write_text(write(Study("one", "own", (job,))))
    assert main(["run", str(path), "--dry-run", "--store", str(tmp_path / "store")]) == 0
    told = capsys.readouterr().out
    for part in ("one at scale own: 1 cells", job.cell.id, "image passes 512;", "predicted", "disk 2.0 MB when done"):
        assert part in told
    assert not (tmp_path / "store").exists()


def test_the_doctor_finds_this_installation_well(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import torch

    threads = torch.get_num_threads()
    assert main(["doctor"]) == 0
    torch.set_num_threads(threads)
    told = capsys.readouterr().out
    for what in (
        "python",
        "torch",
        "kernels",
        "data folder",
        "datasets",
        "training",
        *(f"extra {e}" for e in doctor.EXTRAS),
    ):
        assert what in told
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("BETAVAE_DATA", str(tmp_path / "file" / "data"))
    assert main(["doctor"]) == 1
    torch.set_num_threads(threads)
    assert "BAD   data folder" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("noun", "knob", "wanted"),
    [
        ("samples", "images=100000000", "images is 100000000; wanted a whole number from 1 to 10,000"),
        ("samples", "images=0", "images is 0;"),
        ("traversals", "steps=1000000", "steps is 1000000; wanted a whole number from 2 to 100"),
        ("traversals", "images=1000000", "images is 1000000;"),
        ("reconstructions", "images=1000000", "images is 1000000;"),
    ],
)
def test_a_picture_of_more_than_can_be_seen_is_refused(
    noun: str, knob: str, wanted: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["figure", noun, "dsprites", "--out", str(tmp_path / "t.png"), "--knob", knob]
    assert main(words) == 2
    assert wanted in capsys.readouterr().err


def test_two_trainings_that_begin_at_once_are_both_in_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a store remembers is read and written under one lock."""
    monkeypatch.chdir(tmp_path)
    assert main([*TRAIN, "--quiet"]) == 0
    told = list[tuple[str, bool]]()

    def watch(name: str) -> None:
        plain = getattr(Store, name)

        def watched(store: Store, *given: Study) -> Study | None:
            told.append((name, str(holder(store, "study")).startswith(f"process {os.getpid()} ")))
            return plain(store, *given)  # type: ignore[no-any-return]

        monkeypatch.setattr(Store, name, watched)

    watch("recalled")
    watch("remember")
    assert main([*TRAIN, "--beta", "1", "--quiet"]) == 0
    written = told.index(("remember", True))
    assert told[written - 1] == ("recalled", True)
    monkeypatch.undo()
    assert len(Store(tmp_path / "runs" / "single-own").recalled().cells) == 2


def test_knobs_of_what_is_fitted_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """They would change nothing."""
    words = ["train", "--method", "pca", "--dataset", "shapes3d-drawn", "--knob", "layout=hwc255"]
    assert main(words) == 2
    assert "--knob is for objectives, and pca is fitted" in capsys.readouterr().err


def test_beta_may_be_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """β = 0 is an autoencoder with noise; less than nothing is refused."""
    monkeypatch.chdir(tmp_path)
    assert main([*TRAIN, "--beta", "0", "--quiet"]) == 0
    (fit,) = (r for r in Store(tmp_path / "runs" / "single-own").records() if r["kind"] == "fit")
    assert fit["cell"]["knobs"] == {"beta": 0.0}
    assert main([*TRAIN, "--beta", "-1", "--quiet"]) == 2


def test_a_training_that_fell_is_not_offered_to_be_scored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*TRAIN, "--learning-rate", "1e12", "--quiet"]) == 1
    told = capsys.readouterr()
    assert "diverged" in told.out
    assert "left the finite numbers" in told.err
    assert "score it" not in told.err


def test_a_dataset_of_ones_own_trains_where_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    """Naming it on the command line is the permission, for that command alone."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stripes.py").write_text(
        "import torch, betavae\n"
        "def stripes():\n"
        "    images = torch.eye(16, dtype=torch.bool)[:, :, None].expand(16, 16, 16)\n"
        "    return betavae.from_array('stripes', images, ['row', 'one'], [16, 1])\n"
    )
    words = ["train", "--dataset", "stripes.py:stripes", "--method", "mlp", "--images", "64", "--quiet"]
    assert main(words) == 0
    (fit,) = (r for r in Store(tmp_path / "runs" / "single-own").records() if r["kind"] == "fit")
    assert fit["status"] == "ok"
    assert list(fit["sources"]) == ["stripes.py"]
    assert main(["figure", "samples", "stripes.py:stripes", "--knob", "images=4", "--out", "samples.png"]) == 0
    assert (tmp_path / "samples.png").exists()

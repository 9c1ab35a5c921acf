"""Labels that are no full grid, and codes and labels from files: the same numbers as from a grid, or one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from betavae.cli import suite as printed
from betavae.cli.main import main
from betavae.datasets.base import Dataset
from betavae.errors import Misuse, Notice
from betavae.factors import Factors
from betavae.metrics import evaluate, named
from betavae.metrics.field import draws
from betavae.metrics.suite import suite
from betavae.metrics.tables import read

GRID = Factors(("kind", "size", "turn"), (3, 4, 60))
V = GRID.values(torch.arange(GRID.size)).numpy()
CODES = (V / 10 + 0.05 * np.random.default_rng(0).standard_normal(V.shape)).astype(np.float32)


def labelled(rows: np.ndarray, **columns: Any) -> Dataset:
    """A dataset of labels alone: the grid's at these rows, or ``columns`` in their place."""
    table = {name: V[rows, k] for k, name in enumerate(GRID.names)} | columns
    found = [np.unique(column, return_inverse=True) for column in table.values()]
    return Dataset(
        "own", (1, 1, 1), len(rows), None, "own", "own", lambda i: torch.zeros(len(i), 1, 1, 1),
        labels=torch.from_numpy(np.stack([each.reshape(-1) for _, each in found], 1)), label_names=tuple(table),
        label_values=tuple(tuple(values.tolist()) for values, _ in found),
    )  # fmt: skip


EVERY = np.arange(GRID.size)
METRICS = ("mig", "mig_sup", "jemmig", "dcimig", "modularity", "sap", "irs", "matrix", "mutual_information")


@pytest.mark.parametrize("name", METRICS)
def test_labels_of_every_combination_score_as_the_grid(name: str) -> None:
    grid = Dataset("grid", (1, 1, 1), GRID.size, GRID, "own", "grid", lambda i: torch.zeros(len(i), 1, 1, 1))
    by_grid = evaluate(name, grid, CODES, seed=0)
    assert evaluate(name, labelled(EVERY), CODES, seed=0) == pytest.approx(by_grid, abs=1e-9)


def test_words_are_classes_and_repeats_count_twice() -> None:
    words = np.array(["oval", "square", "heart"])[V[:, 0]]
    assert evaluate("mig", labelled(EVERY, kind=words), CODES, seed=0) == pytest.approx(
        evaluate("mig", labelled(EVERY), CODES, seed=0), abs=1e-9
    )
    twice = np.concatenate([EVERY, EVERY])
    assert evaluate("mig", labelled(twice), CODES[twice], seed=0) == pytest.approx(
        evaluate("mig", labelled(EVERY), CODES, seed=0), abs=1e-9
    )


def test_numbers_that_no_two_images_share_are_cut_and_regressed_as_they_are() -> None:
    turn = V[:, 2] + np.random.default_rng(1).random(len(V)) * 0.9
    own = labelled(EVERY, turn=turn)
    with pytest.warns(Notice, match=r"'turn' has 720 different numbers on 720 images; cut into 20 classes"):
        found = evaluate("mig", own, CODES, seed=0)
    assert found["gap.turn"] > 0.7
    x = CODES[:, 2].astype(float)
    with pytest.warns(Notice):
        gap = evaluate("sap", labelled(EVERY, turn=turn), CODES, seed=0)["sap"]
    assert gap == pytest.approx(evaluate("sap", labelled(EVERY), CODES, seed=0)["sap"], abs=0.01)
    assert np.corrcoef(x, turn)[0, 1] ** 2 > 0.98
    names = np.array([f"image {k}" for k in EVERY])
    with pytest.raises(Misuse, match=r"label 'turn' has 720 different values on 720 images; too few share one"):
        evaluate("mig", labelled(EVERY, turn=names), CODES, seed=0)


@pytest.mark.parametrize(
    ("name", "knobs"),
    [
        ("explicitness", {}), ("med", {}), ("dci", {"model": "l1"}), ("sap", {"kind": "discrete"}),
    ],
)  # fmt: skip
def test_a_value_that_only_test_images_have_is_no_error(name: str, knobs: dict[str, Any]) -> None:
    """Two of sixty images have the value: of a dozen draws some fit on none of them."""
    rows = EVERY[::12]
    rare = labelled(rows, rare=np.isin(rows, (36, 480)).astype(int))
    for seed in range(12):
        assert all(np.isfinite(value) for value in evaluate(name, rare, CODES[rows], seed=seed, **knobs).values())


def test_few_images_to_fit_on_are_told_before_anything_is_fitted() -> None:
    with pytest.raises(Misuse, match=r"train is \[1000\], and of 720 images 120 are left to fit on; give smaller"):
        evaluate("downstream", labelled(EVERY), CODES, seed=0, train=[1000])


def test_pairs_are_formed_where_enough_images_share() -> None:
    knobs = {"votes": 600, "test_votes": 200, "pairs": 64}
    with pytest.warns(Notice, match=r"pairs are formed among 7[12]\d of 720 images"):
        found = evaluate("higgins", labelled(EVERY), CODES, seed=0, **knobs)
    assert found["higgins"] > 0.95
    lonely = np.array([f"image {k}" for k in range(len(V))])
    lonely[:100] = "many"
    with pytest.raises(Misuse, match=r"different values|share the value of every asked label"):
        evaluate("higgins", labelled(EVERY, turn=lonely), CODES, seed=0, **knobs)
    few = named("factor_vae", batch=8, votes=200, test_votes=200)
    assert evaluate(few, labelled(EVERY), CODES, seed=0)["factor_vae"] > 0.9
    some = np.where(EVERY < 700, EVERY % 7, 7 + EVERY % 4)
    with pytest.warns(Notice, match="7 of 11 values of turn are shared by 8 images or more, 700 of 720 images"):
        assert evaluate(few, labelled(EVERY, turn=some), CODES, seed=0)["factor_vae"] > 0.3
    with pytest.raises(Misuse, match=r"no value of turn is shared by 64 of the 720 images, but at most by 12"):
        evaluate("factor_vae", labelled(EVERY), CODES, seed=0)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Codes and labels of the grid in another order, in files."""
    order = np.random.default_rng(2).permutation(GRID.size)
    np.save(tmp_path / "z.npy", CODES[order])
    lines = [f"{['oval', 'square', 'heart'][a]},{b},{c}" for a, b, c in V[order]]
    (tmp_path / "v.csv").write_text("\n".join(["kind,size,turn", *lines]) + "\n", encoding="utf-8")
    return tmp_path / "z.npy", tmp_path / "v.csv"


def test_files_of_a_grid_in_any_order_are_the_grid(files: tuple[Path, Path]) -> None:
    codec, dataset = read(*files)
    assert dataset.factors == GRID
    told = {name: evaluate(name, dataset, codec, seed=0) for name in ("mig", "sap")}
    assert told["mig"]["mig"] == pytest.approx(evaluate("mig", labelled(EVERY), CODES, seed=0)["mig"], abs=1e-9)
    with pytest.raises(Misuse, match="has labels alone"):
        dataset.render(torch.zeros(1, dtype=torch.long))


def test_the_command_prints_what_python_gives(files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    words = ["score", "--codes", str(files[0]), "--labels", str(files[1]), "--seeds", "2"]
    assert main([*words, "--metric", "mig,dci,gaussian_tc", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    codec, dataset = read(*files)
    assert [one["metric"] for one in told["metrics"]] == ["mig", "dci_lasso", "gaussian_tc"]
    assert told["metrics"][0]["draws"] == [evaluate("mig", dataset, codec, seed=seed) for seed in (0, 1)]
    assert told["metrics"][0]["noise"] < 0.05 < told["metrics"][0]["rotated"] < told["metrics"][0]["draws"][0]["mig"]
    assert told["metrics"][0]["notes"]["active"] == 3
    assert main([*words, "--metric", "mig,sap"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["metric", "score", "interval", "sd", "noise", "rotated", "active", "images", "seconds"]
    assert [line.split()[0] for line in lines[1:]] == ["mig", "sap"]


WRONG = (
    (["--codes", "z.npy"], "--codes goes with --labels"),
    (["--codes", "z.npy", "--labels", "v.csv", "--dataset", "dsprites"], "without an encoder and a dataset"),
    (["--codes", "nowhere.npy", "--labels", "v.csv"], "nowhere.npy is not there"),
    (["--codes", "z.npy", "--labels", "few.csv"], "z.npy has 720 rows and few.csv 1; wanted one of each"),
    (["--codes", "z.npy", "--labels", "short.csv"], "short.csv:3: 2 values, the first line names 3"),
    (["--codes", "z.npy", "--labels", "empty.csv"], "label 'size' of image 0 and of 719 more is missing"),
    (["--codes", "v.csv", "--labels", "v.csv"], "v.csv holds no codes; wanted an .npy file"),
    (["--codes", "z.npy", "--labels", "z.txt"], "z.txt is not there"),
    (["--codes", "z.npy", "--labels", "v.csv", "--metric", "mig,sapp"], "did you mean 'sap'"),
    (["--codes", "z.npy", "--labels", "v.csv", "--metric", "mig,traversals"], "unknown metric 'traversals'"),
    (["--codes", "z.npy", "--labels", "v.csv", "--metric", "mig,sap", "--knob", "bin=3"], "did you mean 'bins'"),
    (["--codes", "z.npy", "--labels", "v.csv", "--metric", "mig", "--knob", "bins=0"], "bins is 0; wanted a whole"),
)  # fmt: skip


@pytest.mark.parametrize(("words", "said"), WRONG, ids=[said for _, said in WRONG])
def test_mistakes_are_one_sentence(
    words: list[str], said: str, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(files[0].parent)
    Path("few.csv").write_text("kind,size,turn\n1,2,3\n", encoding="utf-8")
    Path("short.csv").write_text("kind,size,turn\n1,2,3\n1,2\n", encoding="utf-8")
    Path("empty.csv").write_text("kind,size,turn\n" + "1,,3\n" * 720, encoding="utf-8")
    assert main(["score", *words]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


def test_a_metric_that_cannot_be_asked_is_a_line_and_the_others_go_on(files: tuple[Path, Path]) -> None:
    codec, dataset = read(*files)
    lines = list(suite({"irs": named("irs"), "reconstruction": named("reconstruction"), "sap": named("sap")},
                       dataset, codec, [0]))  # fmt: skip
    assert [bool(line.row.refused) for line in lines] == [False, True, False]
    assert "- this representation has no way back to images" in printed.told(lines[1])


def test_all_names_only_what_there_is() -> None:
    assert list(printed.questions(printed.ALL, {}, whole=True)) == [
        "dci_lasso" if name == "dci" else name for name in printed.ALL
    ]


@pytest.mark.parametrize(("images", "test"), [(64, 50), (24, 100), (3, 1)])
def test_where_images_are_to_test_on_one_at_the_least_is(images: int, test: int) -> None:
    draw = draws.drawn(0, labelled(EVERY[:images], turn=EVERY[:images] % 3), 10_000, test, labelled=True)
    assert 0 < draw.fitted < len(draw.index) == images


def test_a_label_that_is_not_asked_refuses_nothing() -> None:
    """A name for every image forms no pairs, and none are asked of it."""
    data = labelled(EVERY, file=np.array([f"{k}.png" for k in EVERY]))
    with pytest.warns(Notice, match="pairs are formed"):
        score = evaluate("higgins", data, CODES, seed=0, ask=["kind", "size"], votes=200, test_votes=200)
    assert score["higgins"] > 0.5
    with pytest.raises(Misuse, match="file"):
        evaluate("higgins", data, CODES, seed=0, ask=["kind", "file"])


@pytest.mark.parametrize(("votes", "test_votes"), [(1000, 1), (2, 1000)])
def test_votes_that_leave_no_image_on_one_side_are_told(votes: int, test_votes: int) -> None:
    rows = EVERY[::4]
    with pytest.raises(Misuse, match="too few to form pairs"):
        evaluate("higgins", labelled(rows, turn=rows % 3), CODES[rows], seed=0, votes=votes, test_votes=test_votes)


@pytest.mark.parametrize(
    ("name", "knobs", "said"),
    [
        ("mig", {"norm": "factors"}, "unknown norm 'factors'; did you mean 'factor'"),
        ("mig", {"binning": "freq"}, "unknown binning"),
        ("udr", {"kind": "laso"}, "unknown kind"),
        ("higgins", {"ask": 5}, "ask is 5; wanted a name or a list of names"),
        ("equivalence", {"variances": 1.0}, "wanted a list of numbers"),
        ("equivalence", {"variances": [1.0, -1.0]}, "wanted a list of numbers above 0"),
        ("equivalence", {"variances": []}, "wanted a list of numbers above 0"),
    ],
)
def test_a_wrong_knob_is_told_when_the_metric_is_made(name: str, knobs: dict[str, Any], said: str) -> None:
    with pytest.raises(Misuse, match=said):
        named(name, **knobs)


def test_downstream_takes_fewer_images_than_folds() -> None:
    grid = Dataset("grid", (1, 1, 1), GRID.size, GRID, "own", "grid", lambda i: torch.zeros(len(i), 1, 1, 1))
    found = evaluate("downstream", grid, CODES, seed=0, train=[4], test_images=50)
    assert all(0 <= value <= 1 for value in found.values())


def test_where_no_metric_can_be_asked_the_command_fails(files: tuple[Path, Path]) -> None:
    codes, labels = files
    rows = labels.read_text(encoding="utf-8").splitlines()
    labels.write_text("\n".join(row.partition(",")[0] for row in rows), encoding="utf-8")  # one label: nothing to miss
    table = ["score", "--codes", str(codes), "--labels", str(labels), "--metric"]
    assert main([*table, "mig,mig_sup"]) == 0
    assert main([*table, "mig_sup,higgins"]) == 1

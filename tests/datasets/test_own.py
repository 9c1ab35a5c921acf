"""Own images: a grid, or a table of labels of any kind; what is taken in another way than given is said by name."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import betavae
from betavae import Misuse, Notice

NAMES = ["row", "column", "size"]
SIZES = [4, 3, 2]
COUNT = 24
TABLE = np.stack(np.unravel_index(np.arange(COUNT), SIZES), 1)
IMAGES = np.random.default_rng(0).integers(2, 256, (COUNT, 8, 8), dtype=np.uint8)
SHUFFLED = np.random.default_rng(1).permutation(COUNT)


def table(labels: Any, names: Any = NAMES, images: Any = IMAGES) -> betavae.Dataset:
    return betavae.from_table("mine", images, labels, names)


def all_of(dataset: betavae.Dataset) -> torch.Tensor:
    return dataset.render(torch.arange(dataset.size))


def test_a_table_of_every_combination_is_a_grid_in_whatever_order_and_kind() -> None:
    grid = betavae.from_array("mine", IMAGES, NAMES, SIZES)
    words = np.array([["abcd"[row], "xyz"[column], "ms"[size]] for row, column, size in TABLE])
    for labels in (TABLE, TABLE * 0.1 - 7, words, words.astype("S"), TABLE.astype(object), torch.from_numpy(TABLE)):
        found = table(labels[SHUFFLED], images=IMAGES[SHUFFLED])
        assert found.factors == grid.factors == betavae.Factors(tuple(NAMES), tuple(SIZES))
        assert torch.equal(all_of(found), all_of(grid))
        assert found.digest == grid.digest
        assert found.labels is None
        assert found.label_names == ()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            lambda t: t + np.random.default_rng(0).random(t.shape) * [0, 1e-9, 0],
            r"column has 24 different values, 3 if",
        ),
        (
            lambda t: t + 1e-12 * (np.arange(24) == 0)[:, None],
            r"row has 5 .* values, 4 if .*; column has 4 .*; size has 3",
        ),
        (lambda t: t[[0, *range(23)]], r"row 4 · column 3 · size 2 would be 24 images, given are 24 that show 23"),
        (lambda t: np.where(t == [[3, 2, 1]], 0, t), r"row 3 · column 2 · size 1 would be 6 images, given are 24 that"),
        (
            lambda t: np.c_[t[:, :2], np.random.default_rng(0).random(24)],
            r"size: nearly every image has a value of its",
        ),
        (
            lambda t: np.random.default_rng(0).random(t.shape),
            r"24 · .* that show 24 combinations; row, column, size: ne",
        ),
    ],
    ids=["noise", "rounding", "repeated", "partial", "continuous", "all continuous"],
)
def test_labels_that_are_no_grid_are_kept_and_the_column_named(change: Any, why: str) -> None:
    given = change(TABLE.astype(float))
    with pytest.warns(Notice, match=why):
        found = table(given)
    assert found.factors is None
    assert found.labels is not None
    assert found.labels.dtype == torch.int64
    assert found.label_names == tuple(NAMES)
    back = [[found.label_values[k][c] for k, c in enumerate(row)] for row in found.labels.tolist()]
    assert np.array_equal(np.array(back), given)
    assert all(list(values) == sorted(set(values)) for values in found.label_values)
    assert torch.equal(all_of(found), all_of(betavae.from_array("mine", IMAGES, NAMES, SIZES)))  # in the order given


def test_labels_belong_to_what_a_dataset_is() -> None:
    digests = set()
    for labels in (TABLE // 2, TABLE // 3, (TABLE // 2) * 2):
        with pytest.warns(Notice, match="no full grid"):
            digests.add(table(labels).digest)
    assert len(digests) == 3


def test_pixels_of_zero_and_one_are_black_and_white_however_they_come() -> None:
    square = np.zeros((4, 16, 16), np.uint8)
    for k in range(4):
        square[k, 2 * k : 2 * k + 6, 3:9] = 1
    wanted = torch.from_numpy(square)[:, None].float()
    given = {kind: square.astype(kind) for kind in (np.bool_, np.float16, np.float64, ">f4")} | {"levels": square * 255}
    for kind, images in given.items():
        assert torch.equal(all_of(betavae.from_array("m", images, ["a", "b"], [2, 2])), wanted), kind
    with pytest.warns(Notice, match="uint8 of 0 and 1, taken as black and white"):
        taken = betavae.from_array("m", square, ["a", "b"], [2, 2])
    assert torch.equal(all_of(taken), wanted)
    with pytest.raises(Misuse, match=r"run to 0.00392157, which is black; were pixels of 0 and 1 divided by 255"):
        betavae.from_array("m", square / 255, ["a", "b"], [2, 2])
    black = betavae.from_array("m", square * 0, ["a", "b"], [2, 2])  # nothing to say: there is no white to lose
    assert float(all_of(black).max()) == 0


def test_names_may_be_any_sequence_of_strings_or_bytes() -> None:
    for names, sizes in (
        (np.array(NAMES), np.array(SIZES)),
        ([b"row", b"column", b"size"], [4.0, 3.0, 2.0]),
        (iter(NAMES), torch.tensor(SIZES)),
    ):
        assert betavae.from_array("mine", IMAGES, names, sizes).factors == (tuple(NAMES), tuple(SIZES))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: betavae.from_array("m", IMAGES, "row", [24]), "factor names are 'row'; wanted a sequence of names"),
        (lambda: betavae.from_array("m", IMAGES, None, [24]), "factor names are None; wanted a sequence"),
        (lambda: betavae.from_array("m", IMAGES, ["a", "a"], [4, 6]), "wanted different names, each a string"),
        (lambda: betavae.from_array("m", IMAGES, [1], [24]), "wanted different names, each a string"),
        (lambda: betavae.from_array("m", IMAGES, [], []), "wanted different names, each a string"),
        (
            lambda: betavae.from_array("m", IMAGES, ["a"], ["x"]),
            r"factor sizes are \['x'\]; wanted a whole number from 1",
        ),
        (lambda: betavae.from_array("m", IMAGES, ["a"], [24.5]), "wanted a whole number from 1 on for each of a"),
        (lambda: betavae.from_array("m", IMAGES, ["a", "b"], [24]), "wanted a whole number from 1 on for each of a, b"),
        (lambda: betavae.from_array("m", IMAGES, ["a"], [float("inf")]), "wanted a whole number"),
        (lambda: betavae.from_array("m", IMAGES, ["a"], 24), "factor sizes are 24; wanted a whole number"),
        (lambda: betavae.from_array("m", IMAGES, NAMES, [4, 3, 3]), r"24 images, but the grid 4·3·3 has 36"),
        (lambda: betavae.from_array(7, IMAGES, NAMES, SIZES), "a dataset's name is 7; wanted a string"),
        (
            lambda: betavae.from_array("m", [np.zeros((8, 8)), np.zeros((4, 4))], ["a"], [2]),
            r"m: images are of different shapes, \(8, 8\) and \(4, 4\); wanted one for all",
        ),
        (lambda: betavae.from_array("m", None, ["a"], [2]), r"images have shape \(\)"),
        (lambda: betavae.from_array("m", torch.zeros(24, 8, 8, device="meta"), ["a"], [24]), "images are no array"),
        (lambda: betavae.from_array("m", IMAGES.astype(int), ["a"], [24]), "images are int64, wanted uint8"),
        (lambda: betavae.from_array("m", IMAGES / 127.5 - 1, ["a"], [24]), "from -0.98.* to 1, .*; add 1 and halve"),
        (lambda: betavae.from_array("m", IMAGES.astype(float), ["a"], [24]), "to 255, wanted 0 to 1; divide by 255"),
        (lambda: table(TABLE[:23]), r"labels have shape \(23, 3\), wanted \(24, 3\)"),
        (lambda: table(TABLE, "row"), "label names are 'row'; wanted a sequence"),
        (lambda: table({"row": TABLE}), r"labels have shape \(\), wanted"),
        (
            lambda: table([*TABLE.tolist()[:23], [None, 0, 0]]),
            "label 'row' of image 23 is missing; leave such images out",
        ),
        (
            lambda: table([*TABLE.astype(float).tolist()[:22], [0, np.nan, 0], [0, np.nan, 0]]),
            "label 'column' of image 22 and of 1 more is missing",
        ),
        (lambda: table([*TABLE.tolist()[:23], ["a", 0, 0]]), "label 'row' holds int and str; wanted nu"),
        (
            lambda: table(np.array([*TABLE.tolist()[:23], ["a", 0, 0]], object)),
            "label 'row' holds int and str; wanted nu",
        ),
        (lambda: table(TABLE * 1j), "label 'row' holds complex128; wanted numbers or words"),
        (lambda: table(np.array([[10**30, 0, 0]] * 24, object)), "label 'row' holds numbers that are too large"),
        (lambda: table(torch.from_numpy(TABLE).to_sparse()), "labels are no array"),
        (
            lambda: betavae.from_array("m", IMAGES, ["a"], [24], device="gpu"),
            "unknown device 'gpu'; a GPU is named 'cuda'",
        ),
        (
            lambda: betavae.from_array("m", IMAGES, ["a"], [24], device="mps"),
            "GPUs of Apple are not supported.*use 'cpu'",
        ),
        (
            lambda: betavae.from_array("m", IMAGES, ["a"], [24], device="cpuu"),
            "unknown device 'cpuu'; did you mean 'cpu'",
        ),
        (lambda: betavae.from_array("m", IMAGES, ["a"], [24], device=7), "unknown device '7'; known: cpu, cuda"),
        (lambda: betavae.load("dsprites", device="mps:0"), "GPUs of Apple are not supported"),
        (lambda: betavae.load(["dsprites"]), "unknown dataset"),
        (lambda: betavae.load("dsprites", root=5), "root is 5; wanted a path"),
        (lambda: betavae.load("dsprites", source=b"drawn"), "source is b'drawn'; wanted a path or a word"),
    ],
)
def test_a_mistake_is_told_as_one(call: Any, said: str) -> None:
    with pytest.raises(Misuse, match=said):
        call()


@pytest.mark.parametrize("device", ["mps", "gpu", "cudaa", "cuda:999"])
def test_a_command_refuses_a_device_as_python_does(device: str) -> None:
    from betavae.study.machine import usable

    with pytest.raises(Misuse) as ours:
        usable(device)
    with pytest.raises(Misuse, match=re.escape(str(ours.value))):
        betavae.from_array("mine", IMAGES, NAMES, SIZES, device=device)


def test_labels_with_gradients_are_labels() -> None:
    labels = torch.from_numpy(TABLE).float().requires_grad_()
    assert table(labels).factors == (tuple(NAMES), tuple(SIZES))


def test_a_dataset_is_a_sequence_of_images_and_serves_a_loader() -> None:
    dataset = betavae.from_array("mine", IMAGES, NAMES, SIZES)
    assert len(dataset) == COUNT
    whole = all_of(dataset)
    assert torch.equal(dataset[5], whole[5])
    assert torch.equal(dataset[np.int64(5)], whole[5])
    assert torch.equal(dataset[-1], whole[-1])
    assert torch.equal(dataset[3:9:2], whole[3:9:2])
    assert torch.equal(dataset[[2, 7]], whole[[2, 7]])
    assert torch.equal(torch.stack(list(dataset)), whole)
    loader = DataLoader(dataset, batch_size=10)  # type: ignore[arg-type, var-annotated]
    batches = list(loader)
    assert [len(batch) for batch in batches] == [10, 10, 4]
    assert torch.equal(torch.cat(batches), whole)


@pytest.mark.parametrize("index", [COUNT, -COUNT - 1, 1.5, True, "one", None, torch.tensor([0.0, 1.0]), [True] * COUNT])
def test_what_is_no_index_is_an_index_error(index: Any) -> None:
    """A mask or a fraction would have been cut to whole numbers: other images than meant, without a word."""
    with pytest.raises(IndexError, match="mine has images"):
        betavae.from_array("mine", IMAGES, NAMES, SIZES)[index]


def test_a_dataset_shows_itself_in_a_notebook() -> None:
    import base64
    import io

    from PIL import Image

    names = ["<b>row</b>", "column", "size"]
    for channels in (1, 3):
        images = np.repeat(IMAGES[..., None], channels, -1)
        shown = betavae.from_array("mine & <own>", images, names, SIZES)._repr_html_()
        assert "mine &amp; &lt;own&gt;" in shown
        assert "&lt;b&gt;row&lt;/b&gt; 4 · column 3 · size 2" in shown
        assert "<own>" not in shown
        picture = re.search(r"base64,([^\"]+)", shown)
        assert picture is not None
        sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(picture[1]))))
        assert sheet.shape[:2] == (2 * 9 - 1, 12 * 9 - 1)  # 24 images of 8 x 8 in rows of twelve, a pixel apart
        tiles = {sheet[r : r + 8, c : c + 8].tobytes() for r in (0, 9) for c in range(0, 108, 9)}
        assert tiles == {image.tobytes() for image in images}
    with pytest.warns(Notice, match="no full grid"):
        assert "labels: row 2 · column 2 · size 1" in table(TABLE // 2)._repr_html_()


def test_rows_of_words_and_numbers_keep_the_order_of_numbers() -> None:
    """NumPy makes words of all: 10 would come before 2."""
    rows = [[word, size] for word in ("square", "heart") for size in range(12)]
    found = betavae.from_table("mine", IMAGES, rows, ["shape", "size"])
    assert found.factors == betavae.Factors(("shape", "size"), (2, 12))
    assert found.label_values in ((), (("heart", "square"), tuple(range(12))))
    order = [IMAGES[12 * word + size] for word in (1, 0) for size in range(12)]  # hearts before squares
    assert torch.equal(all_of(found), torch.from_numpy(np.stack(order)).float()[:, None] / 255)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([["red", 1.0]] * 23 + [[float("nan"), 2.0]], "label 'a' of image 23 is missing"),
        (np.ma.masked_equal(np.tile([[0, -1]], (24, 1)), -1), "labels are masked"),
        (np.where(np.eye(24, 2) > 0, np.inf, 1.0), "label 'a' of image 0 is infinite"),
    ],
)
def test_a_missing_or_infinite_label_is_no_value(labels: Any, said: str) -> None:
    with pytest.raises(Misuse, match=said):
        table(labels, ["a", "b"])

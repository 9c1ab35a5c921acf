"""Encoders from outside: whatever form they come in, the same codes give the same score; mistakes are told."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny import squares

import betavae
from betavae.metrics import higgins, rotated, rotation
from betavae.metrics.comparison import compare, spread
from betavae.metrics.rotations import turned
from betavae.representation import BESIDE, METHODS, beside, fitted
from betavae.representation.encoder_files import opened
from betavae.representation.encoders import codec

DATASET = squares(32)
METRIC = higgins(votes=200, test_votes=200, pairs=16)
ROWS = torch.eye(8).repeat_interleave(4, 0).repeat_interleave(32, 0)
MATRIX = torch.cat([ROWS, ROWS.reshape(32, 32, 8).transpose(0, 1).reshape(1024, 8)], 1)
"""Sums over four rows, and over four columns: of brightnesses in quarters, so exact in any order."""


def encode(images: torch.Tensor) -> torch.Tensor:
    """How bright each eighth of the rows and of the columns is."""
    return images.flatten(1) @ MATRIX


class Picked:
    """What scikit-learn's transformers look like."""

    n_features_in_ = 32 * 32

    def transform(self, X: np.ndarray) -> np.ndarray:
        assert X.shape[1] == self.n_features_in_
        return X @ MATRIX.numpy()


class Linear(torch.nn.Module):
    """The same codes as a module, so that it can be traced and exported."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("matrix", MATRIX)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1) @ self.matrix


def whole() -> np.ndarray:
    return encode(DATASET.render(torch.arange(DATASET.size))).numpy()


def archived(folder: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.trace(Linear().eval(), torch.zeros(1, 1, 32, 32)), str(folder / "model.pt"))
    return folder / "model.pt"


def exported(folder: Path) -> Path:
    """images -> flatten -> matrix, written with onnx's own builder."""
    onnx = pytest.importorskip("onnx")
    helper, tensor = onnx.helper, onnx.TensorProto
    matrix = onnx.numpy_helper.from_array(Linear().matrix.numpy(), "matrix")
    nodes = [
        helper.make_node("Flatten", ["images"], ["flat"], axis=1),
        helper.make_node("MatMul", ["flat", "matrix"], ["codes"]),
    ]
    graph = helper.make_graph(
        nodes,
        "encoder",
        [helper.make_tensor_value_info("images", tensor.FLOAT, ["n", 1, 32, 32])],
        [helper.make_tensor_value_info("codes", tensor.FLOAT, ["n", 16])],
        [matrix],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(folder / "model.onnx"))
    return folder / "model.onnx"


def test_every_form_of_the_same_codes_scores_the_same(tmp_path: Path) -> None:
    np.save(tmp_path / "codes.npy", whole())
    pytest.importorskip("onnxruntime")
    forms: list[Any] = [
        encode,
        Linear().eval(),
        whole(),
        torch.from_numpy(whole()),
        Picked(),
        opened(str(tmp_path / "codes.npy"), DATASET),
        opened(str(archived(tmp_path)), DATASET),
        opened(str(exported(tmp_path)), DATASET),
    ]
    scores = [betavae.evaluate(METRIC, DATASET, form, seed=0) for form in forms]
    assert all(score == scores[0] for score in scores)
    assert scores[0]["higgins"] > 0.35  # chance is 1/4, three standard errors 0.09


def test_scikit_learns_own_transformers_are_taken() -> None:
    from sklearn.decomposition import PCA

    images = DATASET.render(torch.arange(0, DATASET.size, 3)).flatten(1).numpy()
    fitted = PCA(5, random_state=0).fit(images)
    score = betavae.evaluate(METRIC, DATASET, fitted, seed=0)
    by_hand = betavae.evaluate(METRIC, DATASET, lambda x: fitted.transform(x.flatten(1).numpy()), seed=0)
    assert score == by_hand
    with pytest.raises(betavae.Misuse, match="was fitted on 1024 numbers; an image of squares has 1 x 16 x 16 = 256"):
        betavae.evaluate(METRIC, squares(16), fitted, seed=0)


def test_a_file_is_named_by_its_hash(tmp_path: Path) -> None:
    import hashlib

    np.save(tmp_path / "codes.npy", whole())
    digest = hashlib.sha256((tmp_path / "codes.npy").read_bytes()).hexdigest()
    assert opened(str(tmp_path / "codes.npy"), DATASET).notes["sha256"] == digest


@pytest.mark.parametrize(
    ("encoder", "part"),
    [
        (np.zeros((5, 3)), r"shape \[5, 3\]; wanted codes \[N, Z\] with a row for each of the 768 images of squares"),
        (np.zeros(768), r"shape \[768\]; wanted codes"),
        (7, "is a int; wanted a callable"),
        (lambda x: x[:2].flatten(1), "for 1 images|for 256 images"),
        (lambda x: x.flatten(1) > 0, "the encoder gave torch.bool"),
        (lambda x: [object()] * len(x), "the encoder gave list; wanted real codes"),
        (np.full((768, 3), "a"), "the encoder gave <U1; wanted real codes"),
        (np.full((768, 3), 1j), "the encoder gave torch.complex128"),
    ],
)
def test_what_gives_no_codes_is_refused(encoder: Any, part: str) -> None:
    with pytest.raises(betavae.Misuse, match=part):
        betavae.evaluate(METRIC, DATASET, encoder, seed=0)


def test_what_fails_says_where() -> None:
    def broken(images: torch.Tensor) -> torch.Tensor:
        raise ZeroDivisionError("no such\nthing")

    with pytest.raises(
        betavae.Fault, match=r"failed on images \[\d+, 1, 32, 32\]: ZeroDivisionError: no such thing \(t"
    ):
        betavae.evaluate(METRIC, DATASET, broken, seed=0)
    with pytest.raises(betavae.Fault, match=r"not finite for \d+ of \d+ images"):
        betavae.evaluate(METRIC, DATASET, lambda x: x.flatten(1) / 0, seed=0)


def test_a_module_here_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine_for_test.py").write_text("def encode(images):\n    return images.flatten(1)[:, ::16]\n")
    (tmp_path / "torn_for_test.py").write_text("1 / 0\n")
    (tmp_path / "poor_for_test.py").write_text("import no_such_package_at_all\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    found = opened("mine_for_test:encode", DATASET)
    same = betavae.evaluate(METRIC, DATASET, lambda x: x.flatten(1)[:, ::16], seed=0)
    assert betavae.evaluate(METRIC, DATASET, found, seed=0) == same
    with pytest.raises(betavae.Misuse, match="unknown name in mine_for_test 'encod'; did you mean 'encode'"):
        opened("mine_for_test:encod", DATASET)
    with pytest.raises(betavae.Misuse, match="unknown module 'mine_for_tst'; did you mean 'mine_for_test'"):
        opened("mine_for_tst:encode", DATASET)
    with pytest.raises(betavae.Fault, match=r"ZeroDivisionError: division by zero \(torn_for_test.py:1\)"):
        opened("torn_for_test:encode", DATASET)
    with pytest.raises(betavae.Fault, match=r"No module named 'no_such_package_at_all' \(poor_for_test.py:1\)"):
        opened("poor_for_test:encode", DATASET)
    for odd in (".mine:encode", "../mine:encode", ":encode", "a..b:c"):
        with pytest.raises(betavae.Misuse, match="unknown module"):
            opened(odd, DATASET)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pickled.npy", b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(128)),
        ("short.npy", b"\x93NUMPY"),
        ("empty.pt", b""),
        ("zip.pt", b"PK\x03\x04 and no more"),
        ("text.onnx", b"no model"),
    ],
)
def test_a_hostile_file_is_a_fault_by_name(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(betavae.Fault, match=name) as caught:
        opened(str(tmp_path / name), DATASET)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_or_of_no_kind_is_misuse(tmp_path: Path) -> None:
    with pytest.raises(betavae.Misuse, match="is not there; wanted module:function"):
        opened(str(tmp_path / "codes.npy"), DATASET)
    with pytest.raises(betavae.Misuse, match="is no encoder; wanted module:function"):
        opened("weights.pkl", DATASET)


def test_a_rotation_keeps_every_distance_of_standardised_codes() -> None:
    codes = torch.randn(50, 6, generator=torch.Generator().manual_seed(0)) * torch.arange(1.0, 7)
    mixed = turned(torch.Generator().manual_seed(1), codes)
    plain = (codes - codes.mean(0)) / codes.std(0)
    apart = [(c[:, None] - c[None]).norm(dim=-1) for c in (mixed, plain)]
    assert torch.allclose(*apart, atol=1e-5)
    assert not torch.allclose(mixed, plain, atol=0.1)


@pytest.mark.parametrize("classifier", ["logistic", "linear"])
def test_beside_its_rotation_a_score_is_what_it_was(classifier: str) -> None:
    metric = higgins(votes=60, test_votes=60, pairs=8, classifier=classifier)
    plain = betavae.evaluate(metric, DATASET, encode, seed=3)
    both = betavae.evaluate(rotated(metric, even=False), DATASET, encode, seed=3)
    assert list(both) == ["higgins", "rotated", *(["converged"] if classifier == "logistic" else [])]
    assert both["higgins"] == plain["higgins"]
    knobs = {"votes": 60, "test_votes": 60, "pairs": 8, "classifier": classifier}
    assert betavae.evaluate(rotation(**knobs), DATASET, encode, seed=3) == both


def test_what_stands_beside_a_score_is_ordered_by_what_it_knows() -> None:
    rows = list(compare(METRIC, "higgins", DATASET, beside(DATASET, codes=6, seed=0), range(2)))
    assert [row.name for row in rows] == list(BESIDE)
    assert set(BESIDE) == set(METHODS)
    score = {row.name: row.spread("higgins").mean for row in rows}  # type: ignore[union-attr]
    assert score["factors"] > 0.95
    assert abs(score["chance"] - 0.25) < 0.12  # 400 votes have a standard error of 2 points
    assert all(row.codes == 6 for row in rows if row.name not in ("pixels", "chance"))


def test_the_interval_is_students() -> None:
    found = spread([0.1, 0.2, 0.3])
    assert found is not None
    assert found.mean == pytest.approx(0.2)
    assert found.sd == pytest.approx(0.1)
    assert found.high == pytest.approx(0.2 + 4.302653 * 0.1 / 3**0.5, abs=1e-6)  # t of 2 degrees of freedom, .975
    assert found.low == pytest.approx(0.4 - found.high)
    assert spread([0.5]) == (0.5, None, None, None)
    assert spread([]) is None


def test_a_codec_is_taken_as_it_is() -> None:
    pca = fitted("pca", DATASET, codes=4, seed=0, fit=100)
    assert codec(pca, DATASET) is pca

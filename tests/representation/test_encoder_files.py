"""Encoders in files: what each kind holds is told before it is used, and nothing of a pickle is run."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny import squares
from torch import Tensor, nn

from betavae import Fault, Misuse, Notice, models
from betavae.metrics.base import Codes
from betavae.representation import onnx_files, vae
from betavae.representation.encoder_files import opened

DATASET = squares(32)
FEW = torch.arange(0, DATASET.size, 7)
IMAGES = DATASET.render(FEW)


def codes_of(path: Path, **more: Any) -> Tensor:
    return Codes(DATASET, opened(str(path), DATASET, **more), 50)(FEW)


def test_a_function_in_a_file_of_a_folder_is_named_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "sub" / "mine.py").write_text("def encode(images):\n    return images.flatten(1)[:, ::64]\n", "utf-8")
    for where, name in ((".", "sub/mine.py:encode"), ("elsewhere", f"{tmp_path}/sub/mine.py:encode")):
        monkeypatch.chdir(tmp_path / where)
        assert torch.equal(codes_of(Path(name)), IMAGES.flatten(1)[:, ::64])


def scripted(module: nn.Module, path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(module).save(str(path))
    return path


class Net(nn.Module):
    """Somebody's class: a pickle of the whole would import it."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 2)


@pytest.mark.parametrize("old", [False, True], ids=["zip", "before 1.6"])
def test_a_state_dict_is_called_one_and_the_four_lines_are_shown(tmp_path: Path, old: bool) -> None:
    path = tmp_path / "weights.pt"
    torch.save(Net().state_dict(), path, _use_new_zipfile_serialization=not old)
    with pytest.raises(Fault) as caught:
        opened(str(path), DATASET)
    said = str(caught.value).splitlines()
    assert said[0].startswith(
        f"{path} holds a state_dict (inner.weight, inner.bias) and no model. Four lines in a file"
    )
    code = "\n".join(line.strip().partition("  #")[0] for line in said[1:5])
    compile(code, "mine.py", "exec")
    assert f"torch.load({str(path)!r}, weights_only=True)" in code
    assert said[5] == "Then: --encoder mine.py:encode"


def test_the_four_lines_make_an_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As they are printed, with the class of a user beside them."""
    model = "class Model(torch.nn.Sequential):\n    def __init__(self):\n        "
    model += (
        "super().__init__(torch.nn.Flatten(), torch.nn.Linear(1024, 3))\n    encode = torch.nn.Sequential.forward\n"
    )
    (tmp_path / "yours.py").write_text("import torch\n" + model)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    linear = nn.Sequential(nn.Flatten(), nn.Linear(1024, 3))
    torch.save(linear.state_dict(), "weights.pt")
    with pytest.raises(Fault) as caught:
        opened("weights.pt", DATASET)
    Path("mine_from_lines.py").write_text("\n".join(line.strip() for line in str(caught.value).splitlines()[1:5]))
    found = Codes(DATASET, opened("mine_from_lines.py:encode", DATASET))(FEW)
    assert torch.equal(found, linear(IMAGES).detach())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            lambda: {"state_dict": Net().state_dict(), "pytorch-lightning_version": "2.0"},
            "holds a checkpoint of Lightning",
        ),
        (lambda: {"model": Net().state_dict(), "epoch": 3}, "holds a state_dict"),
        (Net, r"holds a whole pickled object \(.*test_encoder_files\.Net\), and opening it would run"),
    ],
)
@pytest.mark.parametrize("name", ["x.pt", "x.pth", "x.ckpt"])
def test_other_files_of_torch_save_are_told_apart(tmp_path: Path, content: Any, said: str, name: str) -> None:
    torch.save(content(), tmp_path / name)
    with pytest.raises((Fault, Misuse), match=said) as caught:
        opened(str(tmp_path / name), DATASET)
    assert ('["state_dict"]' in str(caught.value)) == ("Lightning" in said)


def test_the_cause_of_a_torchscript_failure_is_told_whole(tmp_path: Path) -> None:
    path = scripted(nn.Sequential(nn.Conv2d(3, 1, 8, 8), nn.Flatten()), tmp_path / "rgb.pt")
    with pytest.raises(Fault, match=r"RuntimeError: Given groups=1, .* to have 3 channels, but got 1 channels instead"):
        codes_of(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<!DOCTYPE html><html>sign in</html>", "it is a web page; numpy.save writes one"),
        (b"PK\x03\x04 and so on", "it is an archive of several; numpy.save writes one"),
        (b"1.0, 2.0\n", "it is none; numpy.save writes one"),
        (b"", "it is none"),
    ],
)
def test_what_is_no_array_is_never_to_be_unpickled(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "codes.npy").write_bytes(content)
    with pytest.raises(Fault, match=said) as caught:
        opened(str(tmp_path / "codes.npy"), DATASET)
    assert "pickle" not in str(caught.value)
    np.save(tmp_path / "codes.npy", np.array([[None]] * DATASET.size, object))
    with pytest.raises(Fault, match="has pickled objects, wanted numbers; pickles are never opened"):
        opened(str(tmp_path / "codes.npy"), DATASET)


def test_a_table_in_a_file_is_checked_whole_and_taken_in_any_order_of_bytes(tmp_path: Path) -> None:
    path = tmp_path / "codes.npy"
    codes = np.random.default_rng(0).random((DATASET.size, 4), np.float32)
    for kind in (codes, codes.astype(">f4"), np.asfortranarray(codes), codes.astype(np.float64)):
        np.save(path, kind)
        assert np.array_equal(codes_of(path), codes[FEW])
    codes[700] = np.nan
    np.save(path, codes)
    with pytest.raises(Fault, match=rf"{path}: row 700 holds nan as code \d+, not finite; nothing can be scored"):
        opened(str(path), DATASET)


WEIGHT = np.random.default_rng(0).normal(size=(16, 64)).astype(np.float32)


def graph(path: Path, batch: Any, outputs: Sequence[tuple[str, int]], shape: Any = (1, 32, 32), kind: int = 1) -> Path:
    """Means of squares times a matrix for each output, as ONNX; ``kind`` is that of its input (1: float)."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    make, tensor = onnx.helper, onnx.TensorProto
    nodes = [
        make.make_node("Cast", ["images"], ["x"], to=tensor.FLOAT),
        make.make_node("Reshape", ["x", "as"], ["p"]),
        make.make_node("ReduceMean", ["p"], ["f"], axes=[3, 5], keepdims=0),
        make.make_node("Reshape", ["f", "flat"], ["g"]),
    ]
    squares_of_8 = np.array([-1, 1, 4, 8, 4, 8], np.int64)
    weights = [onnx.numpy_helper.from_array(squares_of_8, "as")]
    weights.append(onnx.numpy_helper.from_array(np.array([-1, 16], np.int64), "flat"))
    for name, width in outputs:
        weights.append(onnx.numpy_helper.from_array(WEIGHT[:, :width] + len(weights) - 2, f"w_{name}"))
        nodes.append(make.make_node("MatMul", ["g", f"w_{name}"], [name]))
    outs = [make.make_tensor_value_info(name, tensor.FLOAT, [batch, width]) for name, width in outputs]
    into = make.make_tensor_value_info("images", kind, [batch, *shape])
    whole = make.make_graph(nodes, "g", [into], outs, weights)
    onnx.save(make.make_model(whole, opset_imports=[make.make_opsetid("", 17)], ir_version=8), path)
    return path


def by_hand(width: int, more: int = 0) -> Tensor:
    return torch.nn.functional.avg_pool2d(IMAGES, 8).flatten(1) @ torch.from_numpy(WEIGHT[:, :width] + more)


@pytest.mark.parametrize("batch", ["n", 1, 7, 64])
def test_an_onnx_file_is_fed_as_many_images_as_it_takes(tmp_path: Path, batch: Any) -> None:
    assert torch.allclose(codes_of(graph(tmp_path / "m.onnx", batch, [("mean", 10)])), by_hand(10), atol=1e-5)


@pytest.mark.parametrize("kind", [1, 10, 11], ids=["float", "float16", "double"])
def test_an_onnx_file_is_given_the_floats_it_takes(tmp_path: Path, kind: int) -> None:
    path = graph(tmp_path / "m.onnx", "n", [("mean", 10)], kind=kind)
    assert torch.allclose(codes_of(path), by_hand(10), atol=1e-2 if kind == 10 else 1e-5)


def test_of_several_onnx_outputs_the_one_taken_is_named_and_another_may_be(tmp_path: Path) -> None:
    outputs = [("reconstruction", 64), ("mean", 10), ("logvar", 10)]
    path = graph(tmp_path / "m.onnx", "n", outputs)
    said = r"gives reconstruction \[n, 64\], mean \[n, 10\], logvar \[n, 10\]: 'mean' is taken; another is chosen"
    with pytest.warns(Notice, match=said):
        assert torch.allclose(codes_of(path), by_hand(10, 1), atol=1e-5)
    assert torch.allclose(codes_of(path, output="logvar"), by_hand(10, 2), atol=1e-5)
    with pytest.raises(Misuse, match=r"unknown output of .* 'logva'; did you mean 'logvar'"):
        codes_of(path, output="logva")
    unnamed = graph(tmp_path / "n.onnx", "n", [("a", 5), ("b", 6)])
    with pytest.warns(Notice, match=r"a \[n, 5\], b \[n, 6\]: 'a' is taken"):
        assert torch.allclose(codes_of(unnamed), by_hand(5), atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "kind", "said"),
    [
        ((3, 32, 32), 1, r"takes images \[n, 3, 32, 32\]; images of squares are \[n, 1, 32, 32\]"),
        ((32, 32, 1), 1, r"takes images \[n, 32, 32, 1\]; images of squares are"),
        ((1, 32, 32), 2, r"takes tensor\(uint8\); wanted floats: images in \[0, 1\]"),
    ],
)
def test_an_onnx_file_of_other_images_is_refused_before_it_runs(
    tmp_path: Path, shape: Any, kind: int, said: str
) -> None:
    with pytest.raises(Misuse, match=said):
        opened(str(graph(tmp_path / "m.onnx", "n", [("mean", 3)], shape, kind)), DATASET)


def exported(folder: Path, **changes: Any) -> Path:
    """A model as `betavae export` writes it, in what is needed to take it up again."""
    from safetensors.torch import save_file

    model = models.named("conv", DATASET.shape, 4)
    params = model.init(torch.Generator().manual_seed(0))
    config = {"architecture": "conv", "shape": list(DATASET.shape), "codes": 4} | changes
    folder.mkdir()
    save_file({key: value.contiguous() for key, value in params.items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config))
    return folder / "model.safetensors"


def test_an_exported_model_is_taken_up_again(tmp_path: Path) -> None:
    path = exported(tmp_path / "m")
    model = models.named("conv", DATASET.shape, 4)
    ours = vae.codec(model, model.init(torch.Generator().manual_seed(0)))
    found = opened(str(path), DATASET)
    assert torch.equal(found.encode(IMAGES), ours.encode(IMAGES))
    assert found.decode is not None
    assert ours.decode is not None
    assert torch.equal(found.decode(ours.encode(IMAGES)), ours.decode(ours.encode(IMAGES)))
    assert set(found.notes) == {"file", "sha256"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"shape": [3, 64, 64]}, "encodes images of 3 x 64 x 64; those of squares are 1 x 32 x 32"),
        ({"architecture": "com"}, "unknown architecture 'com'"),
        ({"codes": 5}, "does not hold the weights of conv with 5 codes"),
        ({"codes": "4"}, "are no exported model"),
        ({"codes": 10**9}, "are no exported model"),
        ({"shape": 7}, "are no exported model"),
    ],
)
def test_a_model_that_is_not_what_its_configuration_says_is_refused(tmp_path: Path, changes: Any, said: str) -> None:
    with pytest.raises((Fault, Misuse), match=said):
        opened(str(exported(tmp_path / "m", **changes)), DATASET)


def test_weights_without_a_configuration_are_refused(tmp_path: Path) -> None:
    path = exported(tmp_path / "m")
    (tmp_path / "m" / "config.json").unlink()
    with pytest.raises(Misuse, match=r"has no config.json beside it; wanted a model as `betavae export` writes it"):
        opened(str(path), DATASET)
    path.write_bytes(b"\xff" * 100)
    (tmp_path / "m" / "config.json").write_text('{"architecture": "conv", "shape": [1, 32, 32], "codes": 4}')
    with pytest.raises(Fault, match="are no exported model"):
        opened(str(path), DATASET)


def test_onnx_without_its_packages_says_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(Misuse, match=r"needs onnxruntime; pip install 'betavae\[export\]' brings it"):
        onnx_files.opened(tmp_path / "m.onnx", DATASET)

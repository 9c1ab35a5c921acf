"""Decoders of one's own, and functions that a command names: what runs is what was hashed, figures come of both."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from test_encoder_files import scripted
from tiny import squares
from torch import Tensor, nn

import betavae
from betavae.cli.main import main
from betavae.errors import Fault, Misuse, Notice
from betavae.metrics.base import Codes, Subject, ask
from betavae.metrics.probes import traversals
from betavae.representation.base import Codec
from betavae.representation.decoders import decoder, opened
from betavae.representation.imported import imported

DATA = squares()
MINE = """
import torch
from beside_for_decoders import WIDE
def encode(images):
    return images.flatten(1)[:, ::WIDE]
def decode(codes):
    return torch.sigmoid(codes.sum(1))[:, None, None, None].expand(-1, 1, 64, 64)
raw = lambda codes: 9 * decode(codes)
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    Path("mine_for_decoders.py").write_text(MINE, encoding="utf-8")
    Path("beside_for_decoders.py").write_text("WIDE = 1024\n", encoding="utf-8")


def listed(*names: str) -> str:
    """What sha256sum prints of files, hashed: how several files that run as one are known."""
    lines = "".join(f"{hashlib.sha256(Path(name).read_bytes()).hexdigest()}  {name}\n" for name in sorted(names))
    return hashlib.sha256(lines.encode()).hexdigest()


def test_what_a_command_names_is_known_by_its_sha256() -> None:
    whole = listed("mine_for_decoders.py", "beside_for_decoders.py")
    assert imported("mine_for_decoders:encode", "encoder").sha256 == whole
    assert imported("mine_for_decoders.py:encode", "encoder").sha256 == whole
    assert not any(name.endswith("for_decoders") for name in sys.modules if not name.startswith("trusted_"))
    Path("beside_for_decoders.py").write_text("WIDE = 2048\n", encoding="utf-8")
    found = imported("mine_for_decoders:encode", "encoder")
    assert found.sha256 == listed("mine_for_decoders.py", "beside_for_decoders.py") != whole
    assert found.what(torch.zeros(2, 1, 64, 64)).shape == (2, 2)  # the new file is what runs
    installed = imported("betavae.representation.floors:pixels", "encoder")
    file = Path(betavae.__file__).parent / "representation" / "floors.py"
    assert installed.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert imported("math:sqrt", "encoder").what(4) == 2


def test_a_package_too_large_to_be_hashed_is_imported_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("heavy_for_decoders").mkdir()
    Path("heavy_for_decoders/__init__.py").write_text("encode = lambda images: images.flatten(1)\n", encoding="utf-8")
    Path("heavy_for_decoders/weights.bin").write_bytes(b"0" * 1_000_001)
    with pytest.warns(Notice, match="its own file alone is hashed"):
        found = imported("heavy_for_decoders:encode", "encoder")
    assert found.sha256 == hashlib.sha256(Path("heavy_for_decoders/__init__.py").read_bytes()).hexdigest()
    monkeypatch.delitem(sys.modules, "heavy_for_decoders")


@pytest.mark.parametrize(
    ("decode", "error", "part"),
    [
        (3, Misuse, "the decoder is a int; wanted a function"),
        (lambda codes: codes, Misuse, r"gave \[2, 3\] for 2 codes; wanted \[n, \*\[1, 32, 32\]\]"),
        (lambda codes: torch.full((len(codes), 1, 32, 32), 1.5), Misuse, "pixels from 1.5 to 1.5; wanted 0 to 1"),
        (lambda codes: torch.full((len(codes), 1, 32, 32), torch.nan), Misuse, "pixels from nan to nan"),
        (lambda codes: codes @ torch.ones(4, 9), Fault, r"failed on codes \[2, 3\]: RuntimeError"),
        (lambda codes: "pixels", Fault, "failed on codes"),
    ],
)  # fmt: skip
def test_what_is_no_way_back_is_refused(decode: Any, error: type[Exception], part: str) -> None:
    with pytest.raises(error, match=part):
        decoder(decode, DATA)(torch.zeros(2, 3))


def net() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 1024), nn.Dropout(0.5), nn.Sigmoid(), nn.Unflatten(1, (1, 32, 32)))


def test_modules_decode_in_evaluation_mode_and_are_given_back() -> None:
    module, codes = net(), torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    with pytest.warns(Notice, match="is in training mode"):
        images = decoder(module, DATA)(codes)
    assert module.training
    assert torch.equal(images, module.eval()(codes).detach())
    scripted(module, Path("back.pt"))
    decode, digest = opened("back.pt", DATA)
    assert torch.equal(decode(codes), images)
    assert digest == hashlib.sha256(Path("back.pt").read_bytes()).hexdigest()
    module.train()
    with pytest.warns(Notice, match="decode is in training mode"):
        model = betavae.wrap(lambda x: x.flatten(1)[:, :3], module, data=DATA)
    assert module.training
    assert torch.equal(model.decode(codes), images)


def test_an_onnx_file_decodes() -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    h, kind = onnx.helper, onnx.TensorProto
    shape = h.make_tensor("s", kind.INT64, [4], [-1, 1, 32, 32])
    weight = h.make_tensor("w", kind.FLOAT, [3, 1024], torch.ones(3, 1024).flatten().tolist())
    nodes = [h.make_node("MatMul", ["z", "w"], ["a"]), h.make_node("Sigmoid", ["a"], ["b"]),
             h.make_node("Reshape", ["b", "s"], ["x"])]  # fmt: skip
    given = h.make_tensor_value_info("z", kind.FLOAT, ["n", 3])
    made = h.make_tensor_value_info("x", kind.FLOAT, ["n", 1, 32, 32])
    model = h.make_model(h.make_graph(nodes, "g", [given], [made], [shape, weight]))
    model.ir_version, model.opset_import[0].version = 9, 17
    onnx.save(model, "back.onnx")
    decode, _ = opened("back.onnx", DATA)
    codes = torch.tensor([[0.0, 0, 0], [1, 1, -1]])
    wanted = torch.sigmoid(codes.sum(1))[:, None, None, None].expand(-1, 1, 32, 32)
    assert torch.allclose(decode(codes), wanted, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("no.pt", "'no.pt' is no decoder that is there; wanted module:function"),
        ("mine_for_decoders.py", "'mine_for_decoders.py' is no decoder; wanted"),
        ("mine_for_decoders:nothing", "unknown name in mine_for_decoders 'nothing'"),
        ("mine_for_decoders", "is no decoder that is there"),
    ],
)
def test_a_name_that_leads_nowhere_is_refused(text: str, part: str) -> None:
    with pytest.raises(Misuse, match=part):
        opened(text, DATA)


def test_traversals_of_codes_go_through_the_middle_of_them() -> None:
    """Codes that are pixels: the one that moves more first, from its 2.5 % to its 97.5 % quantile, the rest still."""

    def encode(images: Tensor) -> Tensor:
        return torch.stack([images[:, 0, 16, 16], 2 * images[:, 0, 8, 8], torch.zeros(len(images))], 1)

    def decode(codes: Tensor) -> Tensor:
        return codes.clamp(0, 1)[:, :1, None, None].expand(-1, 1, 32, 32)

    codec = Codec(3, encode, decode)
    codes = Codes(DATA, codec)
    found = ask(traversals(range="codes", top=2, steps=5, images=768), "t", Subject(DATA, codec, codes), 0)
    every = codes(torch.arange(DATA.size))
    assert found.arrays["code"].tolist() == every.std(0).argsort(descending=True)[:2].tolist()
    ends = torch.quantile(every, torch.tensor([0.025, 0.975]), dim=0).T
    for line, code in zip(found.arrays["values"], found.arrays["code"], strict=True):
        assert line.tolist() == pytest.approx(torch.linspace(*ends[code].tolist(), 5).tolist())
    image = int(found.notes["image"])  # type: ignore[arg-type]
    row = found.arrays["code"].tolist().index(1) if 1 in found.arrays["code"] else 0
    still = decode(every[image][None])[0, 0, 0, 0] * 255
    assert (found.arrays["images"][row] == still.round().byte().item()).all()  # code 1 moves, and no pixel shows it
    with pytest.raises(Misuse, match="need a way back to images"):
        ask(traversals(range="codes"), "t", Subject(DATA, codec._replace(decode=None), codes), 0)


def test_figures_of_ones_own_decoder(capsys: pytest.CaptureFixture[str]) -> None:
    own = ["dsprites", "--encoder", "mine_for_decoders:encode", "--decoder", "mine_for_decoders.py:decode"]
    for noun in ("traversals", "reconstructions"):
        assert main(["figure", noun, *own, "--knob", "images=9", "--out", f"{noun}.png"]) == 0
        assert Path(f"{noun}.png").read_bytes().startswith(b"\x89PNG")
    out, err = capsys.readouterr()
    whole = listed("mine_for_decoders.py", "beside_for_decoders.py")
    assert out.splitlines() == ["traversals.png", "reconstructions.png"]
    assert err.splitlines()[:2] == [f"mine_for_decoders{each}: sha256 {whole}" for each in (":encode", ".py:decode")]
    for words, part in (
        ([*own[:3], "--out", "x.png"], "need a way back to images: give --decoder"),
        (["dsprites", *own[3:], "--out", "x.png"], "--decoder goes with --encoder"),
        (["dsprits", *own[1:], "--out", "x.png"], "did you mean 'dsprites'"),
        ([*own[:-1], "mine_for_decoders:raw", "--out", "x.png"], "end it with a sigmoid"),
    ):
        assert main(["figure", "traversals", *words]) == 2
        assert part in capsys.readouterr().err
    assert not Path("x.png").exists()

"""The decoder that a page carries gives PyTorch's pixels, run by Node where Node is here."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib import resources

import numpy as np
import pytest
import torch

from betavae import models, rng
from betavae.explorer import decoder
from betavae.representation import vae

NODE = shutil.which("node")
SCRIPT = resources.files("betavae.explorer") / "decoder.js"
RUN = """
const { unpack, decode, unpackHalves } = require(process.argv[1]);
const given = JSON.parse(require("fs").readFileSync(0, "utf8"));
const layers = given.layers && unpack(given.layers);
const out = layers ? given.codes.map((z) => Array.from(decode(layers, z))) : Array.from(unpackHalves(given.halves));
console.log(JSON.stringify(out));
"""


def in_node(given: object) -> object:
    if NODE is None:
        pytest.skip("node is not here; tests/explorer/test_browser.py decodes in a browser")
    done = subprocess.run(
        [NODE, "-e", RUN, str(SCRIPT)], input=json.dumps(given), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def drawn(name: str, shape: tuple[int, int, int], louder: float) -> tuple[object, object, torch.Tensor, torch.Tensor]:
    """An untrained model whose weights are ``louder``, so that its pixels use the whole range; codes; its pixels."""
    model = models.named(name, shape, 6)
    params = {k: v * louder for k, v in model.init(rng.generator(3, "init", "test", name)).items()}
    codes = torch.randn(3, 6, generator=rng.generator(3, "codes"))
    decode = vae.codec(model, params).decode
    assert decode is not None
    return model, params, codes, decode(codes)


@pytest.mark.parametrize(
    ("name", "shape", "louder", "grey"),
    [("conv", (1, 64, 64), 2.5, 1.0), ("conv", (3, 32, 32), 2.5, 1.0), ("mlp", (1, 32, 32), 3.0, 2.5)],
    ids=str,
)
def test_pixels_are_pytorchs(name: str, shape: tuple[int, int, int], louder: float, grey: float) -> None:
    """Within one grey level of 255 from float16 weights; within two and a half from an MLP's int8 rows."""
    model, params, codes, wanted = drawn(name, shape, louder)
    assert float(wanted.max() - wanted.min()) > 0.5  # else any decoder would do
    found = in_node({"layers": decoder.packed(model, params), "codes": codes.tolist()})
    apart = torch.tensor(found).reshape(wanted.shape) - wanted
    assert float(apart.abs().max()) * 255 < grey


def test_every_half_is_read_as_numpy_reads_it() -> None:
    halves = np.arange(65536, dtype="<u2").view("<f2")
    finite = halves[np.isfinite(halves)]
    assert np.array_equal(np.array(in_node({"halves": decoder.text(finite)}), np.float32), finite.astype(np.float32))


@pytest.mark.parametrize("name", ["conv", "mlp"])
def test_the_size_is_known_before_packing(name: str) -> None:
    model, params, _, _ = drawn(name, (1, 64, 64), 1.0)
    whole = len(json.dumps(decoder.packed(model, params)))
    assert decoder.size(model, params) == pytest.approx(whole, rel=0.03)
    assert whole < {"conv": 700_000, "mlp": 11_000_000}[name]

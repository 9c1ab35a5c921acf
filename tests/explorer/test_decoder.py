"""The decoder that a page carries gives PyTorch's pixels, run by Node where Node is here."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from collections.abc import Callable
from importlib import resources

import numpy as np
import pytest
import torch

from betavae import models, rng
from betavae.errors import Misuse
from betavae.explorer import decoder
from betavae.models.base import Architecture, Layer
from betavae.models.layers import build
from betavae.objectives.likelihoods import continuous_mean
from betavae.representation import vae
from betavae.representation.base import Codec

Mean = Callable[[torch.Tensor], torch.Tensor]
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


def tall(shape: tuple[int, int, int], codes: int) -> Architecture:
    """An architecture of nobody's: two layers and three transposed convolutions of different widths, leaky."""
    encoder = (Layer("linear", "e", (16, math.prod(shape)), "tanh"),)
    decoder = (
        Layer("linear", "d0", (40, codes), "leaky_relu"),
        Layer("linear", "d1", (8 * 16, 40), "tanh"),
        Layer("double", "d2", (8, 12, 4, 4), "leaky_relu"),
        Layer("double", "d3", (12, 5, 4, 4), "relu"),
        Layer("double", "d4", (5, shape[0], 4, 4)),
    )
    return Architecture(encoder, decoder)


def drawn(name: str, shape: tuple[int, int, int], louder: float, mean: Mean = torch.sigmoid) -> Codec:
    """An untrained model whose weights are ``louder``, so that its pixels use the whole range."""
    model = build(name, shape, 6, tall(shape, 6)) if name == "tall" else models.named(name, shape, 6)
    params = {k: v * louder for k, v in model.init(rng.generator(3, "init", "test", name)).items()}
    return vae.codec(model, params, mean)


@pytest.mark.parametrize(
    ("name", "shape", "louder", "mean"),
    [
        ("conv", (1, 64, 64), 2.5, torch.sigmoid),
        ("conv", (3, 32, 32), 2.5, torch.sigmoid),
        ("tall", (3, 32, 32), 5.0, continuous_mean),
        ("mlp", (1, 32, 32), 3.0, torch.sigmoid),
    ],
    ids=["conv-64", "conv-32", "continuous-bernoulli", "mlp"],
)
def test_pixels_are_pytorchs(name: str, shape: tuple[int, int, int], louder: float, mean: Mean) -> None:
    """Within one grey level of 255, from float16 weights and from the 12-bit rows of an MLP."""
    codec, codes = drawn(name, shape, louder, mean), torch.randn(3, 6, generator=rng.generator(3, "codes"))
    assert codec.decode is not None
    wanted = codec.decode(codes)
    assert float(wanted.max() - wanted.min()) > 0.5  # else any decoder would do
    found = in_node({"layers": decoder.packed(codec, name), "codes": codes.tolist()})
    apart = torch.tensor(found).reshape(wanted.shape) - wanted
    assert float(apart.abs().max()) * 255 < 1


@pytest.mark.parametrize("shape", [(3, 7), (2, 4)], ids=["odd", "even"])
def test_rows_of_twelve_bits_are_within_half_a_step(shape: tuple[int, int]) -> None:
    weight = torch.randn(shape, generator=rng.generator(0, "rows")).numpy()
    high, low, scale = decoder.rows(weight)
    lower = np.stack([low & 15, low >> 4], 1).reshape(-1)[: weight.size]
    found = (16.0 * high + lower).reshape(shape) * scale[:, None]
    assert np.abs(found - weight).max() <= 0.501 * scale.max()
    assert np.allclose(np.abs(found).max(1), np.abs(weight).max(1), rtol=1e-6)  # the largest of a row is kept


def test_pixels_of_another_kind_are_refused() -> None:
    with pytest.raises(Misuse, match="makes pixels of its logits as a page cannot; wanted sigmoid or continuous"):
        decoder.packed(drawn("conv", (1, 32, 32), 1.0, lambda logits: logits.clamp(0, 1)), "clamped")


def test_every_half_is_read_as_numpy_reads_it() -> None:
    halves = np.arange(65536, dtype="<u2").view("<f2")
    finite = halves[np.isfinite(halves)]
    assert np.array_equal(np.array(in_node({"halves": decoder.text(finite)}), np.float32), finite.astype(np.float32))


@pytest.mark.parametrize("name", ["conv", "mlp"])
def test_the_size_is_known_before_packing(name: str) -> None:
    codec = drawn(name, (1, 64, 64), 1.0)
    whole = len(json.dumps(decoder.packed(codec, name)))
    assert decoder.size(codec, name) == pytest.approx(whole, rel=0.03)
    assert whole < {"conv": 700_000, "mlp": 16_000_000}[name]

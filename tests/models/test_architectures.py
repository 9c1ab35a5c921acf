"""Laws of a list of layers: what fits is built, costs what PyTorch counts and trains; what does not is told where."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from test_training import ADAM
from tiny import squares

from betavae import models, objectives
from betavae.errors import Misuse
from betavae.models import MODELS, Architecture, layers
from betavae.models.base import Layer, Model, Posterior, walk
from betavae.training import population, single
from betavae.training.gradient import Task
from betavae.training.population import How
from betavae.training.single import Member

WIDE = Architecture(
    (Layer("halve", "in", (4, 1, 4, 4), "leaky_relu"), Layer("halve", "on", (6, 4, 4, 4), "relu")),
    (Layer("linear", "out.0", (6 * 16, 3), "tanh"), Layer("double", "out.1", (6, 5, 4, 4), "relu"),
     Layer("double", "out.2", (5, 1, 4, 4))),
    chunk=4,
)  # fmt: skip
"""A stranger's, for 16² images and three codes: no dense layer in its encoder."""


def mine(shape: tuple[int, int, int], codes: int) -> Architecture:
    return WIDE


def as_functions(shape: tuple[int, int, int], codes: int) -> Model:
    """The same as plain functions."""
    built = layers.build("mine", shape, codes, WIDE)
    return Model("mine", shape, codes, built.init, built.encode, built.decode, chunk=4)


@pytest.fixture
def theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MODELS, "mine", f"{__name__}:mine")
    monkeypatch.setitem(MODELS, "functions", f"{__name__}:as_functions")


@pytest.mark.usefixtures("theirs")
def test_a_strangers_layers_and_functions_are_the_same_model() -> None:
    """Parameters, operations and six steps of training, one by one and together, with products and without."""
    sizes = {name: models.size(name, (1, 16, 16), 3) for name in ("mine", "functions")}
    assert sizes["mine"] == sizes["functions"]
    # halve 4·1·16·8², 6·4·16·4²; heads 2·3·96; linear 3·96; double 6·5·16·4², 5·1·16·8².
    assert sizes["mine"].encoder == 4096 + 6144 + 576
    assert sizes["mine"].decoder == 288 + 7680 + 5120
    data, found = squares(16), []
    members = [Member(1, {}), Member(2, {"beta": 3.0})]
    for name, how in (("mine", None), ("mine", How()), ("mine", How(products=True)), ("functions", How())):
        model = models.named(name, data.shape, 3)._replace(name="mine")
        task = Task(data, model, objectives.named("beta_vae"), replace(ADAM, batch=8, images=48))
        states = [single.start(task, m) for m in members]
        for s in states:
            s.params, s.moments = ({k: v.double() for k, v in tree.items()} for tree in (s.params, s.moments))
        found.append(population.advance(task, members, states, 6, together=how is not None, how=how or How()))
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            assert torch.allclose(a.trace, b.trace, rtol=1e-8)
            assert all(torch.allclose(a.params[k], b.params[k], atol=1e-8) for k in a.params)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("side", [16, 32, 64, 128])
def test_every_size_that_people_bring_is_built(name: str, side: int) -> None:
    found = models.outline(name, (3, side, side), 7)
    assert isinstance(found, Architecture)
    steps = list(walk(found.encoder, (3, side, side)))
    assert math.prod(steps[-1].out) == {"conv": 256, "mlp": 1200}[name]
    size = models.size(name, (3, side, side), 7)
    assert size.encoder > 0 < size.parameters


@pytest.mark.parametrize(
    ("encoder", "decoder", "said"),
    [
        ([Layer("linear", "a", (5, 99))], [], r"layer 'a' \(linear, weight \(5, 99\)\) does not take \(1, 16, 16\)"),
        ([Layer("halve", "b", (4, 3, 4, 4))], [], "layer 'b' .* does not take"),
        ([Layer("halve", "c", (4, 1, 3, 3))], [], "layer 'c' .* kinds are linear"),
        ([Layer("pool", "d", (4, 1, 4, 4))], [], "layer 'd' .* kinds are linear"),
        ([], [Layer("linear", "e", (99, 3))], r"the decoder gives \(99,\), wanted the images' \(1, 16, 16\)"),
        ([], [Layer("linear", "f", (256, 3), "relo")], "did you mean 'relu'"),
    ],
)
def test_a_layer_that_does_not_fit_is_named(encoder: list[Layer], decoder: list[Layer], said: str) -> None:
    whole = decoder or [Layer("linear", "out", (256, 3))]
    with pytest.raises(Misuse, match=said):
        layers.build("mine", (1, 16, 16), 3, Architecture(tuple(encoder), tuple(whole)))


def test_a_posterior_is_sampled_without_an_import() -> None:
    posterior = Posterior(torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 2 * math.log(3)]]))
    assert torch.allclose(posterior.sample(torch.tensor([[1.0, -1.0]])), torch.tensor([[2.0, -1.0]]))

"""Laws of the sweep over layers: autograd's gradients for every model, objective and odd architecture."""

from __future__ import annotations

import resource
from dataclasses import replace

import pytest
import torch
from test_training import ADAM, member, same, sized, task
from tiny import squares
from torch import Tensor

from betavae import models, objectives, processor
from betavae.errors import Misuse
from betavae.models import MODELS, layers, onednn
from betavae.models.base import Architecture, Layer
from betavae.objectives import OBJECTIVES
from betavae.objectives.base import Knobs, Pass, Terms
from betavae.rng import generator
from betavae.training import single, sweep
from betavae.training.gradient import Batch, Task, gradient

BATCH = 6
ODD = {
    "nothing in": Architecture((), (Layer("linear", "d", (1024, 3)),)),
    "narrow maps": Architecture(
        (Layer("halve", "a", (3, 1, 4, 4), "tanh"), Layer("halve", "b", (9, 3, 4, 4), "leaky_relu")),
        (
            Layer("linear", "c", (9 * 64, 3), "relu"),
            Layer("double", "d", (9, 2, 4, 4), "tanh"),
            Layer("double", "e", (2, 1, 4, 4), "leaky_relu"),
        ),
    ),
    "maps from codes": Architecture(
        (Layer("linear", "a", (256, 1024), "relu"), Layer("halve", "b", (8, 4, 4, 4), "")),
        (Layer("double", "c", (3, 16, 4, 4), "relu"), Layer("linear", "d", (1024, 64))),
    ),
}
"""Architectures that nobody would train, of one 32x32 channel and three codes."""


def by(
    given: Task, way: str, monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype = torch.float64, chunk: int = 4
) -> tuple[dict[str, Tensor], Tensor]:
    """The gradient and the terms of one batch by the "sweep", "autograd", the sweep in "bf16", or "autocast"."""
    knobs = given.settled({})
    drawn = single.initial(given, knobs, generator("model"), generator("own"))
    params = {k: v.to(dtype).requires_grad_() for k, v in drawn.items()}
    noise = torch.randn(BATCH, given.model.codes, generator=generator("noise"))
    batch = Batch(noise, given.objective.draws(generator("draws"), BATCH, given.model.codes))
    low = {k: v.detach().bfloat16() for k, v in params.items()} if way == "bf16" else None
    with monkeypatch.context() as patch, torch.autocast("cpu", torch.bfloat16, enabled=way == "autocast"):
        patch.setattr(sweep, "swept", lambda task, low: way in ("sweep", "bf16"))
        return gradient(given, params, torch.arange(BATCH) * 37, batch, knobs, chunk, 0.5, low)


@pytest.mark.parametrize(
    ("method", "objective"),
    [*((method, objective) for method in MODELS for objective in OBJECTIVES), *((odd, "sigma_vae") for odd in ODD)],
)
def test_a_swept_gradient_is_autograds(method: str, objective: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the model and the objective, its critic and σ too, in chunks of one or of four images."""
    given = task("mlp", objective=objective, codes=3, hidden=24)
    model = layers.build("odd", (1, 32, 32), 3, ODD[method]) if method in ODD else sized(method, (1, 32, 32), 3, 24)
    given = given._replace(model=model)
    (grads, row), (again, _), (wanted, terms) = (
        by(given, way, monkeypatch, chunk=chunk) for way, chunk in (("sweep", 4), ("sweep", 1), ("autograd", 4))
    )
    assert list(grads) == list(wanted)
    assert torch.allclose(row, terms, rtol=1e-9)
    for key, gradient_of in wanted.items():
        scale = float(gradient_of.abs().max()) + 1e-12
        assert torch.allclose(grads[key], gradient_of, rtol=1e-8, atol=1e-9 * scale), key
        assert torch.allclose(again[key], gradient_of, rtol=1e-8, atol=1e-9 * scale), key


@pytest.mark.parametrize("method", MODELS)
def test_what_an_objective_asks_of_a_layers_own_weights_is_in_its_gradient(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A penalty on the size of weights, which the sweep's gradients of the same weights must not stand in place of."""

    def terms(params: dict[str, Tensor], seen: Pass, knobs: Knobs) -> dict[str, Tensor]:
        return {"size": sum((v.abs().sum() for k, v in params.items() if k.endswith(".weight")), torch.zeros(()))}

    def penalty(found: Terms, knobs: Knobs, share: Tensor) -> Tensor:
        return found.kl.sum() + 0.1 * found.extra["size"]

    plain = objectives.named("beta_vae")
    heavy = plain._replace(terms=terms, extra=("size",), coupled=True, penalty=penalty)
    given = task(method, hidden=24)._replace(objective=heavy)
    (grads, row), (wanted, told) = (by(given, way, monkeypatch) for way in ("sweep", "autograd"))
    assert torch.allclose(row, told, rtol=1e-9)
    for key, gradient_of in wanted.items():
        assert torch.allclose(grads[key], gradient_of, rtol=1e-8, atol=1e-9), key


def apart(a: dict[str, Tensor], b: dict[str, Tensor]) -> float:
    """The distance of two gradients as a share of the second's length."""
    whole = [torch.cat([v.double().flatten() for v in (tree[k] for k in b)]) for tree in (a, b)]
    return float((whole[0] - whole[1]).norm() / whole[1].norm())


@pytest.mark.parametrize("method", MODELS)
def test_float32_rounds_as_float32_and_bf16_as_autocast(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = task(method, hidden=48)
    exact, _ = by(given, "autograd", monkeypatch)
    single_, low, rival = (by(given, way, monkeypatch, torch.float32)[0] for way in ("sweep", "bf16", "autocast"))
    assert apart(single_, exact) < 1e-5
    assert 1e-4 < apart(low, exact) < 1.3 * apart(rival, exact) < 0.2
    assert all(v.dtype == torch.float32 for v in low.values())


def test_a_bf16_training_goes_on_as_if_it_had_never_stopped_and_is_not_float32s() -> None:
    """Masters, moments and trace are single precision: parted and joined again they lose nothing."""
    given = task(recipe=replace(ADAM, batch=4, images=32))
    begun, stopped, other = (single.start(given, member()) for _ in range(3))
    whole = single.advance(given, member(), begun, 8, precision="bf16")
    halves = single.advance(given, member(), stopped, 3, precision="bf16")
    halves = single.advance(given, member(), halves, 8, precision="bf16")
    assert same(whole.params, halves.params)
    assert same(whole.moments, halves.moments)
    assert torch.equal(whole.trace, halves.trace)
    assert all(v.dtype == torch.float32 and v.is_contiguous() for v in whole.params.values())
    exact = single.advance(given, member(), other, 8)
    assert not same(exact.params, whole.params)
    assert torch.allclose(exact.trace[:, 0], whole.trace[:, 0], rtol=0.01)


def test_the_private_product_is_believed_where_it_is_there_and_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    """On this processor or another; without it, or where it rounds as a library's bf16 does, it is not taken."""

    def gone(*given: object) -> Tensor:
        raise AttributeError("_linear_pointwise")

    def rounding(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return (x.bfloat16() @ weight.bfloat16().t()).float() + (0 if bias is None else bias)

    x, weight, bias = (torch.randn(*shape, generator=generator(shape[0])) for shape in ((5, 7), (3, 7), (3,)))
    wanted = x @ weight.t() + bias
    for private, maker, taken in (
        (onednn._private, "AuthenticAMD", "avx512f" in processor.instructions() and onednn.agrees()),
        (onednn._private, "GenuineIntel", False), (gone, "AuthenticAMD", False), (rounding, "AuthenticAMD", False),
    ):  # fmt: skip
        monkeypatch.setattr(onednn, "_private", private)
        monkeypatch.setattr(processor, "maker", lambda maker=maker: maker)
        onednn.pays.cache_clear()
        assert onednn.pays() is taken
        assert torch.allclose(onednn.product(x, weight, bias), wanted, atol=1e-6)
    onednn.pays.cache_clear()


def test_bf16_is_for_layers_that_are_swept() -> None:
    given = task()
    with pytest.raises(Misuse, match="a list of layers"):
        single.advance(given._replace(model=given.model._replace(layers=None)), member(), single.start(given, member()),
                       1, precision="bf16")  # fmt: skip
    with pytest.raises(Misuse, match="tf32"):
        single.advance(given, member(), single.start(given, member()), 1, precision="tf32")


def test_a_training_that_is_done_needs_no_moments() -> None:
    """As its last checkpoint has none: asked again it stays as it is."""
    given = task("conv", replace(ADAM, batch=64, images=64))
    state = single.advance(given, member(), single.start(given, member()), 1)
    kept, state.moments = state.params, {}
    assert same(single.advance(given, member(), state, 1).params, kept)


def test_a_swept_training_does_not_grow() -> None:
    given = task("mlp", replace(ADAM, batch=4, images=4 * 250), hidden=48)
    state = single.advance(given, member(), single.start(given, member()), 50, precision="bf16")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    single.advance(given, member(), state, 250, precision="bf16")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 4096


@pytest.mark.parametrize(
    ("method", "side", "batch", "private", "low", "wanted"),
    [
        ("conv", 32, 64, False, False, True), ("conv", 32, 63, False, False, False),
        ("conv", 64, 2, False, False, True), ("mlp", 64, 256, False, False, False),
        ("mlp", 32, 32, True, False, True), ("mlp", 32, 16, False, True, True),
    ],
)  # fmt: skip
def test_the_rule_is_one_of_kernels_maps_and_batch(
    method: str, side: int, batch: int, private: bool, low: bool, wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onednn, "pays", lambda: private)
    images, recipe = squares(side), replace(ADAM, batch=batch)
    given = Task(images, models.named(method, images.shape, 4), objectives.named("beta_vae"), recipe)
    assert sweep.swept(given, low) is wanted

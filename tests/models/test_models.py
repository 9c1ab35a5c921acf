"""Laws of the architectures: the paper's parameter counts, PyTorch's initialisation, and agreement with its modules."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from betavae import models
from betavae.errors import Misuse
from betavae.models.base import Model
from betavae.models.layers import double, halve
from betavae.objectives.likelihoods import bernoulli_nats

COUNTS = [
    ("mlp", (1, 64, 64), 10, 14_196_516),
    ("conv", (1, 64, 64), 10, 502_005),
    ("conv", (3, 64, 64), 10, 504_055),
    ("conv", (3, 32, 32), 128, 562_083),
]
SMALL = [
    ("mlp", (1, 8, 8), 3), ("conv", (1, 16, 16), 3), ("conv", (1, 32, 32), 3), ("conv", (3, 32, 32), 4),
    ("conv", (3, 64, 64), 2), ("conv", (1, 128, 128), 3),
]  # fmt: skip


def built(name: str, shape: tuple[int, int, int], codes: int) -> tuple[Model, dict[str, Tensor]]:
    model = models.named(name, shape, codes)
    return model, model.init(torch.Generator().manual_seed(0))


def images(shape: tuple[int, int, int], n: int = 3) -> Tensor:
    return torch.rand(n, *shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("name", "shape", "codes", "count"), COUNTS)
def test_parameters_are_as_many_as_the_papers(name: str, shape: tuple[int, int, int], codes: int, count: int) -> None:
    _, params = built(name, shape, codes)
    assert sum(leaf.numel() for leaf in params.values()) == count


@pytest.mark.parametrize(("name", "shape", "codes"), SMALL)
def test_images_go_to_a_posterior_and_back_to_logits_of_their_shape(
    name: str, shape: tuple[int, int, int], codes: int
) -> None:
    model, params = built(name, shape, codes)
    posterior = model.encode(params, images(shape))
    assert posterior.mean.shape == posterior.logvar.shape == (3, codes)
    assert model.decode(params, posterior.mean).shape == (3, *shape)


@pytest.mark.parametrize(("name", "shape", "codes"), SMALL)
def test_an_image_is_coded_alike_in_any_company(name: str, shape: tuple[int, int, int], codes: int) -> None:
    model, params = built(name, shape, codes)
    x = images(shape, 5)
    whole, alone = model.encode(params, x), model.encode(params, x[2:3])
    assert torch.allclose(whole.mean[2:3], alone.mean, atol=1e-6)
    assert torch.allclose(model.decode(params, whole.mean)[2:3], model.decode(params, alone.mean), atol=1e-5)


@pytest.mark.parametrize(("name", "shape", "codes"), SMALL)
def test_initial_weights_are_uniform_within_one_over_the_root_of_the_fan_in(
    name: str, shape: tuple[int, int, int], codes: int
) -> None:
    model, params = built(name, shape, codes)
    again, other = model.init(torch.Generator().manual_seed(0)), model.init(torch.Generator().manual_seed(1))
    for key, leaf in params.items():
        assert torch.equal(leaf, again[key]), key
        assert not torch.equal(leaf, other[key]), key
        if key.endswith(".weight") and leaf.numel() > 1000:
            # PyTorch takes the second axis as the inputs, of transposed convolutions too.
            bound = 1 / math.sqrt(leaf[0].numel())
            assert bound * 0.98 < float(leaf.abs().max()) <= bound, key
            assert float(leaf.std()) == pytest.approx(bound / math.sqrt(3), rel=0.05), key


def by_modules(params: dict[str, Tensor], depth: int, x: Tensor, codes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The convolutional VAE of Table 4 put together from PyTorch's own modules: mean, logvar, logits."""
    channels = x.shape[1]
    ins = [channels] + [32] * (depth - 1)
    steps: list[nn.Module] = []
    for into in ins:
        steps += [nn.Conv2d(into, 32, 4, 2, 1), nn.ReLU()]
    steps += [nn.Flatten(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU()]
    encoder, size = nn.Sequential(*steps), codes.shape[1]
    heads = nn.ModuleList([nn.Linear(256, size), nn.Linear(256, size)])
    steps = [nn.Linear(size, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 512), nn.ReLU()]
    steps.append(nn.Unflatten(1, (32, 4, 4)))
    for k, out in enumerate(ins[::-1]):
        steps.append(nn.ConvTranspose2d(32, out, 4, 2, 1))
        steps += [nn.ReLU()] if k < depth - 1 else []
    decoder = nn.Sequential(*steps)
    ours = iter(params.items())  # in the order of the network, as a dictionary keeps it
    names = []
    with torch.no_grad():
        for module in [*encoder, *heads, *decoder]:
            for kind, leaf in module.named_parameters():
                name, value = next(ours)
                assert name.endswith(kind)
                leaf.copy_(value)
                names.append(name)
        assert names == list(params)
        h = encoder(x)
        return heads[0](h), heads[1](h), decoder(codes)


@pytest.mark.parametrize(("shape", "depth"), [((1, 64, 64), 4), ((3, 64, 64), 4), ((3, 32, 32), 3)])
def test_the_convolutional_vae_is_the_one_of_pytorchs_modules(shape: tuple[int, int, int], depth: int) -> None:
    model, params = built("conv", shape, 5)
    x, codes = images(shape), torch.randn(3, 5, generator=torch.Generator().manual_seed(2))
    mean, logvar, logits = by_modules(params, depth, x, codes)
    with torch.no_grad():
        posterior = model.encode(params, x)
        assert torch.allclose(posterior.mean, mean, atol=1e-5)
        assert torch.allclose(posterior.logvar, logvar, atol=1e-5)
        assert torch.allclose(model.decode(params, codes), logits, atol=1e-5)


def test_the_mlp_is_relu_going_in_and_tanh_coming_out() -> None:
    model, params = built("mlp", (1, 8, 8), 3)
    x, codes = images((1, 8, 8)), torch.randn(3, 3, generator=torch.Generator().manual_seed(2))
    h = x.flatten(1)
    for k in range(2):
        h = (h @ params[f"encoder.{k}.weight"].T + params[f"encoder.{k}.bias"]).clamp(min=0)
    assert torch.allclose(model.encode(params, x).mean, h @ params["mean.weight"].T + params["mean.bias"], atol=1e-5)
    g = codes
    for k in range(3):
        g = torch.tanh(g @ params[f"decoder.{k}.weight"].T + params[f"decoder.{k}.bias"])
    g = g @ params["decoder.3.weight"].T + params["decoder.3.bias"]
    assert torch.allclose(model.decode(params, codes), g.reshape(3, 1, 8, 8), atol=1e-5)


@pytest.mark.parametrize("out", [1, 3, 32])
def test_convolutions_and_their_gradients_are_pytorchs(out: int) -> None:
    """Halving and doubling, in whatever layout and by whatever route they run, in values and gradients."""
    generator = torch.Generator().manual_seed(out)
    for mine, theirs, x_shape, w_shape, bias in (
        (double, F.conv_transpose2d, (2, 32, 8, 8), (32, out, 4, 4), out),
        (halve, F.conv2d, (2, out, 8, 8), (32, out, 4, 4), 32),
    ):
        leaves = [torch.randn(s, generator=generator, dtype=torch.float64) for s in (x_shape, w_shape, (bias,))]
        ours = [leaf.clone().requires_grad_(True) for leaf in leaves]
        rival = [leaf.clone().requires_grad_(True) for leaf in leaves]
        y = mine({"c.weight": ours[1], "c.bias": ours[2]}, "c", ours[0])
        z = theirs(*rival, stride=2, padding=1)
        slope = torch.randn(z.shape, generator=generator, dtype=torch.float64)
        assert torch.allclose(y, z, atol=1e-10)
        y.backward(slope)
        z.backward(slope)
        for a, b in zip(ours, rival, strict=True):
            assert a.grad is not None
            assert b.grad is not None
            assert torch.allclose(a.grad, b.grad, atol=1e-10)


def test_a_wrong_side_pixel_keeps_its_gradient() -> None:
    """At a logit of 40 on the wrong side the loss is 40 nats and its gradient 1: sigmoid first would give exactly 0."""
    logit = torch.full((1, 1, 1, 1), 40.0, requires_grad=True)
    nats = bernoulli_nats(logit, torch.zeros(1, 1, 1, 1))
    nats.sum().backward()
    assert float(nats.detach()) == pytest.approx(40.0)
    assert logit.grad is not None
    assert float(logit.grad) == pytest.approx(1.0)


def test_an_image_size_that_does_not_fit_is_misuse() -> None:
    with pytest.raises(Misuse, match="resize or pad them"):
        models.named("conv", (3, 48, 48), 10)

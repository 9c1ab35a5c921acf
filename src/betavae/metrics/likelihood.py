"""The paper's Section 4.2, shown: a Gaussian likelihood of variance σ² is a β-VAE with β = σ², rescaled."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from betavae import objectives
from betavae.errors import Misuse
from betavae.metrics.base import Answer, Probe, Reads, Subject
from betavae.metrics.losses import subset
from betavae.objectives.likelihoods import LOG_SIGMA, sigma_of
from betavae.training.gradient import Batch, Loss

VARIANCES = (0.1, 1.0, 4.0, 10.0)


def calibration() -> Probe:
    """The σ that a σ-VAE has learnt (Eq. 9 of the paper), in pixels, and σ²: the β it would be at unit variance."""

    def measure(generator: torch.Generator, subject: Subject) -> Answer:
        if LOG_SIGMA not in (subject.codec.params or {}):
            raise Misuse("only a σ-VAE learns a σ; train one with objective sigma_vae")
        assert subject.codec.params is not None
        sigma = float(sigma_of(subject.codec.params))
        return Answer({"sigma": sigma, "variance": sigma**2})

    return Probe(measure, Reads("pixels"), cites=("rybkin2021",))


def equivalence(*, images: int = 64, variances: Sequence[float] = VARIANCES) -> Probe:
    """Gradients of σ²·(VAE of Gaussian likelihood of variance σ²) against the unit-variance β-VAE of β = σ².

    Both from Eq. 7 and 8 of the paper, at the codec's own parameters, on the same images and noise. Arrays: "variance"
    ``[n]``; "matched", the norm of the difference of the two gradients over the norm of the second, ``[n]``;
    "unmatched", the same against β = 1, which is another model wherever σ² is not 1; scores: the largest "matched".
    """

    if not variances or min(variances) <= 0:
        raise Misuse(f"variances is {list(variances)}; wanted a list of numbers above 0")

    def measure(generator: torch.Generator, subject: Subject) -> Answer:
        codec, dataset = subject.codec, subject.dataset
        if codec.model is None or codec.params is None:
            raise Misuse("the equivalence of likelihoods is asked of VAEs; this representation has no gradients")
        x = dataset.render(subset(generator, dataset, "train", images))
        noise = torch.randn(len(x), codec.codes, generator=generator).to(x.device)
        params = {k: v.detach().clone().requires_grad_() for k, v in codec.params.items()}

        objective = objectives.named("gaussian")
        loss = Loss(codec.model, objective, objectives.likelihood(objective, {}), dataset.size)

        def gradient(sigma: float, beta: float) -> Tensor:
            knobs = {"sigma": sigma, "beta": beta}
            whole, _, _ = loss.whole(params, x, Batch(noise), knobs, torch.ones(()))
            leaves = torch.autograd.grad(whole, list(params.values()), allow_unused=True)
            return torch.cat([g.flatten() for g in leaves if g is not None]).double()

        plain = gradient(1.0, 1.0)
        matched, unmatched = [], []
        for variance in variances:
            ours = variance * gradient(math.sqrt(variance), 1.0)
            other = gradient(1.0, variance)
            matched.append(float((ours - other).norm() / other.norm()))
            unmatched.append(float((ours - plain).norm() / plain.norm()))
        found = {"variance": variances, "matched": matched, "unmatched": unmatched}
        arrays = {k: torch.tensor(v, dtype=torch.float64).numpy() for k, v in found.items()}
        return Answer({"matched": max(matched)}, arrays)

    return Probe(measure, Reads(higher=False), images, 1.0, ("rybkin2021",))

"""Measures that bring back pictures and points instead of scores: what the figures are drawn from."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from betavae.errors import Misuse, choose, shown
from betavae.metrics.base import Answer, Probe, Subject
from betavae.metrics.losses import codes_of, subset
from betavae.models.base import whole
from betavae.objectives.base import kl_nats
from betavae.types import Json

RANGES = ("prior", "posterior", "published", "codes")
NARROW = 1.959963984540054
"""Traversals run over the middle 95 % of a normal: this many standard deviations to either side."""


MOST_IMAGES, MOST_STEPS = 10_000, 100
"""What a picture can show, and more than the paper looked at."""


def _within(name: str, value: int, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise Misuse(f"{name} is {shown(value)}; wanted a whole number from {least} to {most:,}")


def _bytes(images: Tensor) -> Tensor:
    return (images.detach().cpu() * 255).round().clamp(0, 255).to(torch.uint8)


def samples(*, images: int = 40, split: str = "train") -> Probe:
    """Images of the dataset itself (Figures 1 and 2): array "images" uint8 ``[n, C, H, W]``. Raises Misuse."""
    _within("images", images, 1, MOST_IMAGES)

    def measure(generator: torch.Generator, subject: Subject) -> Answer:
        begin, end = choose(subject.dataset.splits, split, f"split of {subject.dataset.name}")
        index = torch.randint(begin, end, (images,), generator=generator)
        return Answer(arrays={"images": _bytes(subject.dataset.render(index)).numpy()})

    return Probe(measure, looks=images, pictures=images)


def reconstructions(*, images: int = 16, split: str = "train", code: str = "mean") -> Probe:
    """Images and what comes back of them (Figures 9 and 10): "images", "reconstructions" uint8 ``[n, C, H, W]``.
    Raises Misuse.
    """
    _within("images", images, 1, MOST_IMAGES)

    def measure(generator: torch.Generator, subject: Subject) -> Answer:
        if subject.codec.decode is None:
            raise Misuse("this representation has no way back to images; it cannot be asked for reconstructions")
        x = subject.dataset.render(subset(generator, subject.dataset, split, images))
        y = subject.codec.decode(codes_of(subject, x, code, generator))
        return Answer(
            arrays={"images": _bytes(x).numpy(), "reconstructions": _bytes(y).numpy()}, notes={"split": split}
        )

    return Probe(measure, looks=images, pictures=2 * images)


def traversals(*, steps: int = 7, top: int = 6, range: str = "prior", images: int = 500) -> Probe:
    """One image's code with one latent moved at a time (Figure 4), the ``top`` latents of largest KL on ``images``
    images.

    ``range``: "prior" moves over the 2.5 to 97.5 % quantiles of N(0, 1); "posterior" over those of the image's own
    posterior; "published" over (-v, v) with v = μ - 1.96σ, as the published code does; "codes", which needs no
    posterior, over those of the images' own codes, the ``top`` of largest standard deviation. The other latents stay at
    their means. Arrays: "images" uint8 ``[top, steps, C, H, W]``, "code", "kl" ``[top]``, in nats ("codes": "sd"
    instead), "values" ``[top, steps]``, "original" ``[C, H, W]``. Raises Misuse.
    """
    _within("images", images, 1, MOST_IMAGES)
    _within("steps", steps, 2, MOST_STEPS)
    _within("top", top, 1, MOST_IMAGES)
    if not isinstance(range, str) or range not in RANGES:
        raise Misuse(f"range is {shown(range)}; wanted one of {', '.join(RANGES)}")

    def measure(generator: torch.Generator, subject: Subject) -> Answer:
        if subject.codec.decode is None:
            raise Misuse("traversals need a way back to images, and this representation has none")
        index = subset(generator, subject.dataset, "train", images)
        order, along = _by_codes(subject, index) if range == "codes" else _by_posterior(subject, index, range)
        code = order.argsort(descending=True)[:top]
        one = index[torch.randint(len(index), (1,), generator=generator)]
        centre, ends = along(one, code)
        values = ends[:, :1] + (ends[:, 1:] - ends[:, :1]) * torch.linspace(0, 1, steps)
        moved = centre.repeat(len(code), steps, 1)
        moved.scatter_(-1, code[:, None, None].expand(-1, steps, 1), values[..., None])
        drawn = subject.codec.decode(moved.flatten(0, 1)).unflatten(0, (len(code), steps))
        original = _bytes(subject.dataset.render(one)[0])
        arrays = {"images": _bytes(drawn), "original": original, "code": code, "values": values}
        arrays["sd" if range == "codes" else "kl"] = order[code]
        return Answer(
            arrays={k: v.detach().numpy() for k, v in arrays.items()}, notes={"range": range, "image": int(one)}
        )

    return Probe(measure, looks=images, seconds=0.2, pictures=1 + steps * top)


Along = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""From an image ``[1]`` and codes ``[k]`` to the centre of their traversals ``[Z]`` and the ends of each ``[k, 2]``."""


def _by_posterior(subject: Subject, index: Tensor, range: str) -> tuple[Tensor, Along]:
    """The KL of each latent ``[Z]``, and traversals about an image's posterior mean."""
    posterior = subject.codec.posterior
    if posterior is None:
        raise Misuse('traversals need a VAE: this representation has no posterior; range = "codes" does without')
    kl = kl_nats(posterior(subject.dataset.render(index))).mean(0).cpu()

    def along(one: Tensor, code: Tensor) -> tuple[Tensor, Tensor]:
        mean, logvar = (t.cpu()[0] for t in posterior(subject.dataset.render(one)))
        return mean, torch.stack([_ends(range, float(mean[k]), float((0.5 * logvar[k]).exp())) for k in code])

    return kl, along


def _by_codes(subject: Subject, index: Tensor) -> tuple[Tensor, Along]:
    """The standard deviation of each code ``[Z]``, and traversals about an image's code over the middle 95 % of all."""
    codes = subject.codes(index)
    ends = torch.quantile(codes, torch.tensor([0.025, 0.975]), dim=0).T
    return codes.std(0, correction=0), lambda one, code: (subject.codes(one)[0], ends[code])


def _ends(kind: str, mean: float, sigma: float) -> Tensor:
    if kind == "prior":
        return torch.tensor([-NARROW, NARROW])
    low = mean - NARROW * sigma
    return torch.tensor([low, mean + NARROW * sigma]) if kind == "posterior" else torch.tensor([-low, low])


def latent_space(*, code: str = "mean") -> Probe:
    """Codes of the sweeps of each true factor through the median image, on their first two principal components
    (Figure 5); ``code`` "mean", or "sample" as the published code does.

    Arrays: "points" ``[P, 2]``, "factor" and "value" ``[P]``, "explained" ``[2]``, the share of variance of the two.
    """

    def measure(generator: torch.Generator, subject: Subject) -> Answer:
        factors = subject.dataset.factors
        if factors is None:
            raise Misuse(f"{subject.dataset.name} has no full grid of factors to sweep")
        centre = torch.tensor([size // 2 for size in factors.sizes])
        walks = [factors.walk(centre, k) for k, _ in enumerate(factors.sizes)]
        which = torch.cat([torch.full((len(w),), k) for k, w in enumerate(walks)])
        value = torch.cat([torch.arange(len(w)) for w in walks])
        swept = torch.cat(walks)
        if code == "mean":
            codes = subject.codes(swept).double()
        else:
            codes = codes_of(subject, subject.dataset.render(swept), code, generator).detach().cpu().double()
        codes = codes - codes.mean(0)
        _, strength, axes = torch.linalg.svd(codes, full_matrices=False)
        sign = axes.gather(1, axes.abs().argmax(1, keepdim=True)).sign()  # an axis has no sign of its own: make one
        power = strength.square() / strength.square().sum().clamp(min=1e-30)
        width = min(2, len(axes))
        points = torch.zeros(len(codes), 2)
        points[:, :width] = (codes @ (axes * sign)[:width].T).float()
        explained = torch.zeros(2)
        explained[:width] = power[:width].float()
        arrays = {"points": points, "factor": which, "value": value, "explained": explained}
        notes: dict[str, Json] = {"factors": list(factors.names)}
        return Answer(arrays={k: v.numpy() for k, v in arrays.items()}, notes=notes)

    return Probe(measure, looks=200)


def architecture() -> Probe:
    """The layers of a model (Table 4), read off its architecture, or from its parameters where it is written as
    functions: notes "layers" as (name, shape) pairs and "parameters".
    """

    def measure(generator: torch.Generator, subject: Subject) -> Answer:
        params, model = subject.codec.params, subject.codec.model
        if params is None or model is None:
            raise Misuse("only a VAE has an architecture to print")
        leaves = {name.removesuffix(".weight"): leaf for name, leaf in params.items() if name.endswith(".weight")}
        weights = {name: tuple(leaf.shape) for name, leaf in leaves.items()}
        if model.layers is not None:
            encoder, decoder = whole(model.layers, model.shape, model.codes)
            weights = {step.layer.name: step.layer.shape for step in (*encoder, *decoder)}
        layers: list[Json] = [[name, " × ".join(map(str, shape))] for name, shape in weights.items()]
        notes: dict[str, Json] = {
            "layers": layers,
            "parameters": sum(leaf.numel() for leaf in params.values()),
            "input": list(model.shape),
            "codes": model.codes,
        }
        return Answer(notes=notes)

    return Probe(measure)

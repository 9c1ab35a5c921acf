"""What a VAE minimises: the reconstruction, plus what an objective makes of the posteriors and codes of a batch.

All are nats per image: sums over pixels and latents, means over the batch. Nothing is normalised away, so β is the β
of Higgins et al. 2016, Eq. 4. An objective's file imports no array library before its functions run, so that its knobs
are read in a blink.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from betavae.models.base import Posterior

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from betavae.factors import Factors
    from betavae.types import Params

Knobs = Mapping[str, Any]
"""Numbers by name (a tensor of no axes for a member of a population), and words that shape the program."""


class Knob(NamedTuple):
    """A knob: its default, and which values it takes. One whose default is a float may differ between the members of
    a population; words (one of ``among``) and whole numbers belong to the program that they share.
    """

    default: float | int | str
    low: float = 0.0
    high: float = 1e9
    among: tuple[str, ...] = ()


class Likelihood(NamedTuple):
    """A likelihood of pixels: ``nats(params, logits, images, knobs)`` is -log p(x | z) of every image, ``[n]``.

    ``mean(logits)`` is the expected image, in [0, 1]; ``init()`` what it adds to the parameters. ``gradients(logits,
    images)``, where it has no parameters and knows it, is the nats summed over images, ``[]``, and their gradient with
    respect to the logits; autograd finds it otherwise.
    """

    name: str
    nats: Callable[[Params, Tensor, Tensor, Knobs], Tensor]
    mean: Callable[[Tensor], Tensor]
    knobs: Mapping[str, Knob] = {}
    init: Callable[[], Params] = dict
    cites: tuple[str, ...] = ()
    gradients: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] | None = None


class Pass(NamedTuple):
    """What one forward pass of a batch shows an objective beside the pixels.

    ``posterior`` is what was sampled from, each ``[n, Z]``; ``codes`` the samples ``[n, Z]``; ``draws`` what the
    objective's own ``draws`` drew; ``size`` the number of images in the training split; ``share`` [] the share of
    training that is done.
    """

    posterior: Posterior
    codes: Tensor
    draws: Mapping[str, Tensor]
    size: int
    share: Tensor


class Terms(NamedTuple):
    """The terms of a batch beside the reconstruction, in nats per image: ``kl`` per latent ``[Z]``, and ``extra`` by
    name, each ``[]``.
    """

    kl: Tensor
    extra: Mapping[str, Tensor] = {}


class Group(NamedTuple):
    """How parameters of an objective's own are stepped: an optimiser and a constant rate beside the recipe's."""

    optimiser: str
    learning_rate: float
    beta1: float = 0.9
    beta2: float = 0.999


class Costs(NamedTuple):
    """What an objective costs beside the model: parameters of its own, and multiply-adds for each image of a step,
    forwards and backwards.
    """

    parameters: int = 0
    macs: int = 0


def no_terms(params: Params, seen: Pass, knobs: Knobs) -> dict[str, Tensor]:
    """No term beside reconstruction and KL."""
    return {}


def no_draws(generator: torch.Generator, batch: int, codes: int) -> dict[str, Tensor]:
    """Nothing drawn."""
    return {}


def as_encoded(posterior: Posterior, knobs: Knobs) -> Posterior:
    """The posteriors that the encoder gives."""
    return posterior


def no_parameters(generator: torch.Generator, codes: int) -> Params:
    """No parameters."""
    return {}


def any_knobs(given: Knobs) -> None:
    """Nothing is wrong with these knobs together."""


class Objective(NamedTuple):
    """What is minimised: the likelihood's nats per image + ``penalty(terms, knobs, share of training done)``, ``[]``.

    ``terms(params, pass, knobs)`` gives the ``extra`` terms by name, each ``[n]`` of every image or ``[]`` of the
    batch; each is a column of the training curve and a score. ``apart`` names those that are minimised beside the loss
    by parameters of their own (a critic's), and that ``penalty`` does not hold.

    ``init(generator, codes)`` draws what it adds to the parameters; ``groups`` says by the beginning of their names
    which of these are stepped in a way of their own. ``draws(generator, batch, codes)`` draws what a step needs beside
    the noise, on the CPU, from a generator named by seed and step. ``posterior`` changes posteriors before they are
    sampled; ``partners(generator, factors, index [n], knobs)`` gives each image the one beside it: then rows 2k and
    2k + 1 of a batch are a pair.

    ``coupled`` is False only for a penalty that is linear in the terms and terms of single images: then chunks of a
    batch may be summed. ``likelihood`` is a name of LIKELIHOODS or a Likelihood where the objective has one of its
    own. ``costs(codes)`` is what its own parameters cost.
    ``check(knobs)`` raises Misuse for knobs that do not go together; ``cites`` are keys of the bibliography.
    """

    name: str
    knobs: Mapping[str, Knob]
    penalty: Callable[[Terms, Knobs, Tensor], Tensor]
    terms: Callable[[Params, Pass, Knobs], Mapping[str, Tensor]] = no_terms
    extra: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    likelihood: str | Likelihood = ""
    init: Callable[[torch.Generator, int], Params] = no_parameters
    groups: Mapping[str, Group] = {}
    draws: Callable[[torch.Generator, int, int], Mapping[str, Tensor]] = no_draws
    posterior: Callable[[Posterior, Knobs], Posterior] = as_encoded
    partners: Callable[[torch.Generator, Factors, Tensor, Knobs], Tensor] | None = None
    coupled: bool = True
    costs: Callable[[int], Costs] = lambda codes: Costs()
    check: Callable[[Knobs], None] = any_knobs
    cites: tuple[str, ...] = ()


def kl_nats(posterior: Posterior) -> Tensor:
    """KL(q(z | x) || N(0, I)) per latent, in nats: ``[*n, Z]`` (Kingma & Welling 2014, App. B)."""
    mean, logvar = posterior
    return 0.5 * (mean.square() + logvar.exp() - 1.0 - logvar)

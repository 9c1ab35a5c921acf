"""The four classifiers of Table 2 of the paper, each a pure function of its votes and a generator.

``judge(generator, train_x [P, Z], train_y [P], test_x [Q, Z], classes, as_published) -> Said``. No state survives a
call: what the published code gets wrong is an argument, off by default.
"""

from __future__ import annotations

import math
import warnings
from typing import NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from betavae import rng

LINEAR_STEPS = 10_000
"""Full-batch Adagrad steps of the linear classifier, as many as the published code makes."""
MLP_STEPS, MLP_BATCH = 400, 250
"""Adam steps of the MLP classifier; the published code makes 5,000 full-batch Adagrad steps (see
docs/metrics/higgins.md).
"""
ITERATIONS = 500
"""Iterations that logistic regression may take, as in the published code; a fit that needs more says so."""
TREES = 150


class AsPublished(NamedTuple):
    """Which habits of the published code a classifier takes over; each concerns one of them."""

    dropout_at_test: bool = False
    adam: bool = False


FAIR = AsPublished()
"""None of them."""


class Said(NamedTuple):
    """What a classifier says of its test votes, ``classes [Q]``, and whether its fit met its own rule to stop (None
    where it has none: so many steps, so many trees).
    """

    classes: Tensor
    converged: bool | None = None


class Judge(Protocol):
    """A classifier: fit on the training votes, say the class of the test votes."""

    def __call__(
        self,
        generator: torch.Generator,
        train_x: Tensor,
        train_y: Tensor,
        test_x: Tensor,
        classes: int,
        as_published: AsPublished = FAIR,
    ) -> Said: ...


def linear(
    generator: torch.Generator,
    train_x: Tensor,
    train_y: Tensor,
    test_x: Tensor,
    classes: int,
    as_published: AsPublished = FAIR,
    *,
    steps: int = LINEAR_STEPS,
) -> Said:
    """Softmax regression by full-batch Adagrad of rate .01, as the paper's "linear (PyTorch)".

    ``adam`` is Adam of rate 1 instead, as published for ICA.
    """
    x, test = _with_bias(train_x), _with_bias(test_x)
    target = F.one_hot(train_y, classes).T.to(x.dtype) / len(x)
    turned = x.T.contiguous()
    # Classes first, votes last: a softmax over the first axis fills the vector lanes, one over five columns does not.
    bound = 1 / math.sqrt(train_x.shape[1])
    weight = torch.empty(x.shape[1], classes).uniform_(-bound, bound, generator=generator).T.contiguous()
    sums, mean, square = (torch.zeros_like(weight) for _ in range(3))
    with torch.no_grad():
        for step in range(1, steps + 1):
            # The gradient of the mean cross-entropy of a softmax, by hand: (softmax(W x) - y) xᵀ / n.
            gradient = torch.softmax(weight @ turned, 0).div_(len(x)).sub_(target) @ x
            if as_published.adam:
                mean.lerp_(gradient, 0.1)
                square.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
                root = (square / (1 - 0.999**step)).sqrt_().add_(1e-8)
                weight.addcdiv_(mean, root, value=-1.0 / (1 - 0.9**step))
            else:
                sums.addcmul_(gradient, gradient)
                weight.addcdiv_(gradient, sums.sqrt().add_(1e-10), value=-0.01)
        return Said((test @ weight.T).argmax(-1))


def _with_bias(x: Tensor) -> Tensor:
    return torch.cat([x, torch.ones(len(x), 1)], -1)


def mlp(
    generator: torch.Generator,
    train_x: Tensor,
    train_y: Tensor,
    test_x: Tensor,
    classes: int,
    as_published: AsPublished = FAIR,
    *,
    steps: int = MLP_STEPS,
) -> Said:
    """Two hidden layers of 256 ReLU units, dropout .5 while it learns, by Adam of rate .001.

    ``dropout_at_test`` leaves dropout on while it is scored, as the published code does.
    """
    widths = [(train_x.shape[1], 256), (256, 256), (256, classes)]
    layers = []
    for into, out in widths:
        bound = 1 / math.sqrt(into)
        layers.append(torch.empty(out, into).uniform_(-bound, bound, generator=generator).requires_grad_(True))
        layers.append(torch.empty(out).uniform_(-bound, bound, generator=generator).requires_grad_(True))
    optimiser = torch.optim.Adam(layers, lr=1e-3, weight_decay=1e-4, fused=True)

    def forward(x: Tensor, dropout: bool) -> Tensor:
        for k in (0, 2):
            x = torch.relu(F.linear(x, layers[k], layers[k + 1]))
            if dropout:
                x = x * (torch.rand(x.shape, generator=generator) < 0.5) * 2.0
        return F.linear(x, layers[4], layers[5])

    for _ in range(steps):
        batch = torch.randint(len(train_x), (min(MLP_BATCH, len(train_x)),), generator=generator)
        optimiser.zero_grad(set_to_none=True)
        F.cross_entropy(forward(train_x[batch], True), train_y[batch]).backward()
        optimiser.step()
    with torch.no_grad():
        return Said(forward(test_x, as_published.dropout_at_test).argmax(-1))


def logistic(
    generator: torch.Generator,
    train_x: Tensor,
    train_y: Tensor,
    test_x: Tensor,
    classes: int,
    as_published: AsPublished = FAIR,
    *,
    iterations: int = ITERATIONS,
) -> Said:
    """scikit-learn's logistic regression (L2, C = 1, at most 500 iterations): the paper's "linear (SKlearn)"."""
    del as_published, classes
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    if bool((train_y == train_y[0]).all()):  # scikit-learn refuses a single class
        return Said(train_y[:1].expand(len(test_x)), True)
    model = LogisticRegression(max_iter=iterations, random_state=rng.spawn_seed(generator) % 2**31)
    # A thousand votes are too few to share: more threads than one wait for each other, and may round differently.
    with warnings.catch_warnings(record=True) as caught, threadpool_limits(1, user_api="blas"):
        warnings.simplefilter("always", ConvergenceWarning)
        model.fit(train_x.numpy(), train_y.numpy())
    stopped_short = any(issubclass(warning.category, ConvergenceWarning) for warning in caught)
    return Said(torch.from_numpy(model.predict(test_x.numpy())), not stopped_short)


def forest(
    generator: torch.Generator,
    train_x: Tensor,
    train_y: Tensor,
    test_x: Tensor,
    classes: int,
    as_published: AsPublished = FAIR,
) -> Said:
    """scikit-learn's random forest of 150 trees, seeded (the published code's is not)."""
    del as_published, classes
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(n_estimators=TREES, random_state=rng.spawn_seed(generator) % 2**31)
    return Said(torch.from_numpy(model.fit(train_x.numpy(), train_y.numpy()).predict(test_x.numpy())))


CLASSIFIERS: dict[str, Judge] = {"linear": linear, "mlp": mlp, "logistic": logistic, "forest": forest}
"""The columns of Table 2 by name."""

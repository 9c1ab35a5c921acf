"""What a question costs, told without opening its measure: a forecast of the house's own names needs no PyTorch.

A measure says the same of itself once it is opened, and a test holds the two to one another for every name. A name
without a line here is opened.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from betavae import metrics, names
from betavae.metrics.peers import like

FIT, TEST = 10_000, 5_000
"""Images to fit on and to test on, as in the field's comparisons; in the same proportion where there are fewer."""
FITTING = {"logistic": (0.0, 0.06), "forest": (0.2, 0.19), "linear": (0.2, 0.22), "mlp": (1.3, 0.1)}
"""Seconds to fit a classifier of votes, by name: a constant, and for each 1,000 votes."""
LEAK = {"linear": 3.0, "mlp": 150.0}
"""Seconds of three trainings by the published optimisers, for each 1,000 votes."""
SMALL_POOL = 4000
"""Images of a pool below which votes repeat so often that scores fall, by up to 10 points."""
PAIR = 2e-7
"""Seconds to draw one pair of one vote and to look its codes up."""
DCI = {"gbt": 6e-3, "lasso": 2e-5, "l1": 2e-3, "forest": 2e-3, "forest_entropy": 2e-3, "forest_regressor": 3e-3}
"""Seconds for each image to fit what tells importances, by name."""
FEATURES = {"inception2015": 15.0, "efficientnet_lite0": 60.0, "efficientnet_lite0_96": 330.0}
"""Images a second of one core through a network of features."""
DISTANCE = 1.1
"""Seconds of a Fréchet distance beside its features."""


class Price(NamedTuple):
    """How many different images a question has encoded (a number, or of how many there are), seconds of one core beside
    that, the stream that its draw comes from ("" for none that others share), and the images it keeps.
    """

    looks: int | Callable[[int], int]
    seconds: float = 0.05
    draws: str = ""
    pictures: int = 0


Given = Mapping[str, Any]


def of_votes(pairs: int, votes: int, test_votes: int, classifier: str, pool: int | None) -> Price:
    """Of a metric of votes: the images of its pairs, and one fit of its classifier."""
    once, each = FITTING[classifier]
    count = pairs * (votes + test_votes)

    def looks(size: int) -> int:
        return pool or round(size * -math.expm1(-2 * count / size))

    return Price(looks, once + each * votes / 1000 + PAIR * count, "higgins")


def small_pool(pool: int | None) -> str:
    """What to say of a pool that is too small for its scores to be those of fresh images; nothing of others."""
    if pool is None or pool >= SMALL_POOL:
        return ""
    return f"a pool of {pool:,} images lowers Higgins scores by up to 10 points; wanted {SMALL_POOL:,} or more"


def of_leak(votes: int, classifier: str) -> float:
    """Seconds of what trains a classifier three times by the published optimisers."""
    return LEAK[classifier] * votes / 1000 + 3 * FITTING[classifier][0] + 2.0


def _votes(given: Given) -> Price:
    return of_votes(*(given[knob] for knob in ("pairs", "votes", "test_votes", "classifier", "pool")))


def _rotation(given: Given) -> Price:
    price = _votes(given)
    return price._replace(seconds=2 * price.seconds)


def _leak(given: Given) -> Price:
    return _votes(given)._replace(seconds=of_leak(given["votes"], given["classifier"]), draws="")


def field(seconds: Callable[[Given], float] = lambda given: 0.05) -> Callable[[Given], Price]:
    """Of a metric of codes and labels: of the whole grid where ``images`` is None and none are kept to test on."""

    def price(given: Given) -> Price:
        images, test = given["images"], given.get("test_images") or 0
        looks = (lambda size: size) if images is None and not test else (images or FIT) + test
        return Price(looks, seconds(given), "field")

    return price


def _sap(given: Given) -> Price:
    if given["kind"] == "continuous":
        return field()({**given, "test_images": 0})
    return field(lambda given: 15.0)(given)


def _downstream(given: Given) -> Price:
    rate = 0.03 if given["model"] == "logistic" else 6e-3
    return field(lambda given: sum(set(given["train"])) * rate)({**given, "images": max(given["train"])})


def _unsupervised(given: Given) -> Price:
    told = field()(given)
    return told._replace(draws="") if given["sampled"] else told


PRICES: dict[str, Callable[[Given], Price]] = {
    "higgins": _votes,
    "rotation": _rotation,
    "leak": _leak,
    **dict.fromkeys(("mig", "mig_sup", "jemmig", "dcimig", "modularity", "matrix"), field()),
    "explicitness": field(lambda given: 1.8e-4 * given["images"]),
    "sap": _sap,
    "factor_vae": field(lambda given: 3e-7 * given["batch"] * (given["votes"] + given["test_votes"])),
    "dci": field(lambda given: DCI[given["model"]] * given["images"]),
    "dci_es": field(lambda given: 3e-3 * given["images"] * given["repeats"]),
    "irs": field(lambda given: 0.1),
    "infomec": field(lambda given: 3e-4 * given["images"]),
    "med": field(lambda given: 1.5e-4 * given["images"]),
    **dict.fromkeys(("gaussian_tc", "wasserstein", "mutual_information"), _unsupervised),
    "downstream": _downstream,
    "udr": lambda given: Price(given["images"]),
    "reconstruction": lambda given: Price(given["images"]),
    "frechet": lambda given: Price(given["images"], given["images"] / FEATURES[given["features"]] + DISTANCE),
    "samples": lambda given: Price(given["images"], pictures=given["images"]),
    "reconstructions": lambda given: Price(given["images"], pictures=2 * given["images"]),
    "traversals": lambda given: Price(given["images"], 0.2, pictures=1 + given["steps"] * given["top"]),
    "latent_space": lambda given: Price(200),
    "architecture": lambda given: Price(0),
    "equivalence": lambda given: Price(given["images"], 1.0),
    "calibration": lambda given: Price(0),
}
"""What is known of a question's cost, by its measure's name, given all of its knobs."""
DEFAULTS = {"images": FIT, "test_images": TEST, "train": (10, 100, 1000, 10_000)}
"""Defaults that are no literals in the signatures."""
ALIKE = {"rotation": "higgins"}
"""Measures that take another's knobs."""


def price(name: str, knobs: Given) -> Price | None:
    """The price of a question with these knobs; None where nothing is known of the name, or a knob is none of its."""
    if name not in PRICES:
        return None
    told = dict(knobs)
    peer, turned = told.pop("like", None), told.pop("rotated", False)
    taken = names.knobs(metrics.METRICS, ALIKE.get(name, name), "measure")
    given = {knob: DEFAULTS.get(knob) if each.default is ... else each.default for knob, each in taken.items()}
    told = {**({} if peer is None else like(peer, name)), **told}
    try:
        found = PRICES[name]({**given, **told}) if not set(told) - set(given) else None
        return found._replace(seconds=2 * found.seconds) if found and turned is True else found
    except (KeyError, TypeError, ValueError):  # a value that the measure refuses
        return None

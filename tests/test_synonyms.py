"""What others call things: every word leads to a name that is there, and is none itself; near matches are near."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from betavae.cli.main import VERBS, parser
from betavae.datasets import DATASETS
from betavae.errors import unknown
from betavae.metrics import METRICS
from betavae.metrics.classifiers import CLASSIFIERS
from betavae.metrics.fidelity.features import FEATURES
from betavae.models import MODELS
from betavae.objectives import OBJECTIVES
from betavae.representation import METHODS
from betavae.synonyms import SYNONYMS
from betavae.training import OPTIMISERS

GRID = ("codes", "method", "objective", "dataset", "seed", "beta")
RECIPE = ("learning_rate", "optimiser", "batch", "weight_decay")
(SUB,) = (action.choices for action in parser()._actions if action.dest == "verb")
KNOWN: dict[str, Iterable[str]] = {
    "objective": OBJECTIVES,
    "metric": METRICS,
    "measure": METRICS,
    "method": [*MODELS, *METHODS],
    "encoder": [*METHODS, "conv", "mlp"],
    "dataset": DATASETS,
    "key of a grid": GRID,
    "key of a recipe": RECIPE,
    "key of a study": ("name", "scale", "questions", "grid", "claims"),
    "option": {name for verb in SUB.values() for action in verb._actions for name in action.option_strings},
    "optimiser": OPTIMISERS,
    "classifier": CLASSIFIERS,
    "features": FEATURES,
    "verb": VERBS,
    "device": ("cpu", "cuda"),
}


@pytest.mark.parametrize("kind", SYNONYMS)
def test_every_word_of_others_leads_to_a_name_of_ours(kind: str) -> None:
    known, seen = set(KNOWN[kind]), set[str]()
    for value, words in SYNONYMS[kind].items():
        name = value.partition(" (")[0]
        assert name in known or " " in name
        for word in words:
            assert word not in known or kind == "option"  # which are those of a verb
            assert word not in seen
            seen.add(word)
            assert (repr(name) if name in known else name) in str(unknown(kind, word, known))


@pytest.mark.parametrize(
    ("given", "known", "near"),
    [
        ("votse", ["votes", "pairs"], "votes"),
        ("shapes3d-drwan", DATASETS, "shapes3d-drawn"),
        ("beta_va", OBJECTIVES, "beta_vae"),
        ("higgin", METRICS, "higgins"),
        ("beta_vae_variant", OBJECTIVES, "beta_vae"),
        ("device", ["distance", "dataset"], ""),
        ("btcvae", ["chance", "pca"], ""),
        ("fid", ["dci", "mig"], ""),
        ("x" * 300, ["x" * 299], ""),
        ("", ["mlp"], ""),
    ],
)
def test_only_what_is_near_is_called_near(given: str, known: Iterable[str], near: str) -> None:
    said = str(unknown("thing", given, known))
    assert (f"did you mean {near!r}?" in said) if near else ("known: " in said)

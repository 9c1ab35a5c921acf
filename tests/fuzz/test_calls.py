"""The public functions of Python under 2,000 generated calls: no error but ours, or one that a docstring names."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import betavae
from betavae import BetavaeError
from betavae.metrics import METRICS

COUNT = 2_000
SIZES = [3, 2, 2]
IMAGES = np.random.default_rng(0).integers(2, 256, (12, 8, 8), dtype=np.uint8)
TABLE = np.stack(np.unravel_index(np.arange(12), SIZES), 1)
NAMES = ["a", "b", "c"]
DATASET = betavae.from_array("m", IMAGES, NAMES, SIZES)
FACTORS = betavae.Factors(tuple(NAMES), tuple(SIZES))


class Odd:
    """Something that has attributes, and is nothing."""

    mean = "mean"
    shape = (3, 3)


ODD: list[Callable[[], Any]] = [
    *(
        lambda value=value: value
        for value in (None, True, 0, 1, -1, 2, 12, 1.5, float("nan"), float("inf"), 2**70, 1e300, 1j)
    ),
    *(
        lambda value=value: value
        for value in ("", "m", "β", "a\0b", "x" * 300, "higgins", "mine.py:f", "cpu", "cuda", "mps")
    ),
    *(lambda value=value: value for value in (b"", b"m", (), [], {}, set(), range(3), Odd, ..., Path("m"))),
    Odd,
    lambda: iter([1, 2, 3]),
    lambda: [1, "a", None],
    lambda: [[1], [1, 2]],
    lambda: [None] * 12,
    lambda: {"mean": 1},
    lambda: ["a", "b", "c"],
    lambda: np.zeros(0),
    lambda: np.zeros((12, 0)),
    lambda: np.zeros((0, 8, 8)),
    lambda: np.zeros((12, 8, 8, 3), np.float16),
    lambda: np.zeros((12, 3, 3, 3)),
    lambda: np.full((12, 3), np.nan),
    lambda: np.full((12, 3), 1e300),
    lambda: np.array([None, 1, "a"] * 12, object).reshape(12, 3),
    lambda: np.array([[1, 2, "x"]] * 12),
    lambda: np.zeros((12, 3), "M8[s]"),
    lambda: np.zeros((12, 3), "V4"),
    lambda: np.zeros(12, [("a", int), ("b", float)]),
    lambda: np.zeros((12, 3), complex),
    lambda: np.ma.masked_all((12, 3)),
    lambda: np.arange(36).reshape(12, 3).astype(">i2"),
    lambda: np.float32(1),
    lambda: np.int64(1),
    lambda: torch.zeros(0),
    lambda: torch.zeros(12, 3, requires_grad=True),
    lambda: torch.rand(12, 8, 8, dtype=torch.bfloat16),
    lambda: torch.zeros(12, 3, device="meta"),
    lambda: torch.zeros(12, 3).to_sparse(),
    lambda: torch.zeros(12, 3, dtype=torch.complex64),
    lambda: torch.ones(12, 3, dtype=torch.bool),
    lambda: torch.tensor(1),
    lambda: torch.nn.Linear(8, 2),
    lambda: torch.nn.Flatten(),
    lambda: torch.device("cpu"),
    lambda: torch.distributions.Normal(torch.zeros(3), torch.ones(3)),
    lambda: DATASET,
    lambda: FACTORS,
    lambda: lambda *given, **more: given,
    lambda: lambda images: None,
    lambda: lambda images: images.flatten(1)[:, :5],
    lambda: lambda images: (images.flatten(1), images),
    lambda: lambda images: torch.distributions.Categorical(images.flatten(1) + 1),
]
"""What a caller may put in the place of an argument."""


def encode(images: torch.Tensor) -> torch.Tensor:
    return images.flatten(1)[:, ::8]


def decode(codes: torch.Tensor) -> torch.Tensor:
    return codes.clamp(0, 1).repeat(1, 8).reshape(-1, 1, 8, 8)


def fetched(index: Any) -> Any:
    return DATASET[index]


def recorded(store: Any, frame: Any) -> Any:
    return betavae.records(store, frame=frame)


def explored(model: Any, out: Any) -> Any:
    return betavae.explore(model, out=out)


MODEL = betavae.wrap(encode, decode, data=DATASET, name="mine")

FEW = {"pairs": 4, "votes": 10, "test_votes": 10}
CALLS: list[tuple[Callable[..., Any], dict[str, Any], tuple[type[Exception], ...]]] = [
    (
        betavae.from_array,
        {"name": "m", "images": IMAGES, "factor_names": NAMES, "factor_sizes": SIZES, "device": "cpu"},
        (),
    ),
    (betavae.from_table, {"name": "m", "images": IMAGES, "labels": TABLE, "label_names": NAMES, "device": "cpu"}, ()),
    (betavae.load, {"name": "cifar10", "source": None, "root": None, "device": "cpu"}, ()),
    (
        betavae.evaluate,
        {"metric": "higgins", "dataset": DATASET, "encode": encode, "seed": 0, "batch": 5, "output": None, **FEW},
        (),
    ),
    (betavae.evaluate, {"metric": betavae.metrics.higgins(**FEW), "dataset": DATASET, "encode": encode, "seed": 0}, ()),
    (betavae.metrics.higgins, {**FEW, "classifier": "linear", "ask": None, "pool": None, "standardise": True}, ()),
    (
        betavae.fit,
        {"data": DATASET, "method": "pca", "seed": 1, "codes": 2, "fit": 6, "train_on": "a < 2", "quiet": True},
        (),
    ),
    (betavae.wrap, {"module": encode, "decode": decode, "data": DATASET, "name": None}, ()),
    (
        betavae.score,
        {"model": MODEL, "data": DATASET, "metrics": {"higgins": FEW}, "seeds": 1, "floors": False, "rotated": False},
        (),
    ),
    (betavae.traverse, {"model": MODEL, "data": None, "steps": 3, "top": 2, "range": "codes", "seed": 0}, ()),
    (betavae.matrix, {"model": MODEL, "data": DATASET}, ()),
    (betavae.open, {"what": "nowhere", "cell": None, "data": None}, ()),
    (betavae.run, {"study": "nowhere.toml", "scale": "smoke", "data": "drawn", "store": "s", "workers": 1}, ()),
    (recorded, {"store": "nowhere", "frame": None}, ()),
    (explored, {"model": MODEL, "out": "page.html"}, ()),
    (MODEL.encode, {"images": IMAGES[:, None] / np.float32(255)}, ()),
    (MODEL.decode, {"codes": np.zeros((2, 8), np.float32)}, ()),
    (MODEL.codes, {"index": np.arange(3)}, (IndexError,)),
    (MODEL.save, {"folder": "saved"}, ()),
    (DATASET.render, {"index": torch.arange(3)}, (IndexError,)),
    (fetched, {"index": 3}, (IndexError,)),
    (FACTORS.index, {"values": TABLE}, (ValueError,)),
    (FACTORS.values, {"index": np.arange(12)}, (ValueError,)),
    (FACTORS.walk, {"centre": [1, 1, 1], "factor": 0}, (ValueError,)),
]
"""Each public function with arguments that it takes, and what else its docstring says that it raises."""


def knobs_of(pick: random.Random) -> tuple[Callable[..., Any], dict[str, Any], tuple[type[Exception], ...]]:
    """A metric or measure by its name, with knobs that it may have."""
    name = pick.choice([*METRICS])
    words = ("pairs", "votes", "images", "split", "code", "features", "steps", "top", "range", "pool", "ask", "wrong")
    return betavae.metrics.named, {"name": name, **dict.fromkeys(pick.sample(words, 2), 4)}, ()


@pytest.mark.filterwarnings("ignore")
def test_no_call_ends_in_a_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Any) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BETAVAE_DATA", str(tmp_path / "data"))
    pick = random.Random(0)
    refused, taken = 0, 0
    for number in range(COUNT):
        function, sound, documented = knobs_of(pick) if number % 8 == 0 else pick.choice(CALLS)
        changed = {key: pick.choice(ODD) for key in pick.sample([*sound], min(len(sound), pick.choice([1, 1, 1, 2])))}
        given = sound | {key: make() for key, make in changed.items()}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                function(**given)
            taken += 1
        except (BetavaeError, *documented) as error:
            refused += 1 if str(error).strip() else -COUNT  # an error without a word is none
        except Exception as error:
            shown = {key: repr(given[key])[:200] for key in changed}
            raise AssertionError(f"call {number}: {function.__qualname__} with {shown}: {error!r}") from error
    assert refused > COUNT / 2
    assert taken > COUNT / 20
    record_property(
        "counted", f"{COUNT:,} calls of public functions: {refused:,} refused, {taken:,} taken, no traceback"
    )

"""Synthetic records for tests of the report: shaped like real ones, made from a seed in milliseconds."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

from betavae.paper.published import FACTORS
from betavae.study.cells import Cell, Question, pairs
from betavae.study.versions import made_by
from betavae.training.recipe import Recipe

FOUR = ("scale", "orientation", "posX", "posY")
Record = dict[str, Any]


class FakeStore:
    """What the report asks of a store, held in memory."""

    def __init__(self) -> None:
        self.kept: list[Record] = []
        self.held: dict[str, dict[str, np.ndarray]] = {}

    def records(self) -> list[Record]:
        return json.loads(json.dumps(self.kept))  # as they come from a file

    def arrays(self, digest: str) -> dict[str, np.ndarray]:
        return self.held[digest]

    def add(
        self,
        cell: Cell,
        question: Question | None = None,
        *,
        arrays: dict[str, np.ndarray] | None = None,
        **fields: Any,
    ) -> None:
        """Append one record; ``fields`` override the usual ones."""
        digest = None
        if arrays:
            digest = hashlib.sha256(b"".join(a.tobytes() for a in arrays.values())).hexdigest()
            self.held[digest] = arrays
        record: Record = {
            "schema": 1,
            "kind": "answer" if question else "fit",
            "study": {"name": "paper", "scale": "laptop"},
            "cell": cell.plain(),
            "cell_id": cell.id,
            "question": question.plain() if question else None,
            "question_id": question.id if question else None,
            "at": 1.0,
            "status": "ok",
            "message": "",
            "scores": {},
            "notes": {},
            "arrays": digest,
            "seconds": 2.0,
            "images": 0,
            "when": "2026-01-02T03:04:05+00:00",
            "machine": {
                "device": "cpu",
                "cpu": "A Processor, 2 cores",
                "threads": 1,
                "precision": "float32",
                "python": "3.11.9",
                "versions": {"torch": "2.13.0", "numpy": "2.4.6"},
                "code": {"version": "0.1.0", "git": "abc1234", "dirty": False},
            },
            "data": {"source": "drawn", "digest": "d" * 16},
            **made_by(cell.plain(), question.plain() if question else None),
        }
        self.kept.append({**record, **fields})

    def add_run(self, wall: float, predicted: float, **fields: Any) -> None:
        """Append the record that a run leaves of itself."""
        self.add(vae(), scores={"wall": wall, "predicted": predicted}, notes={"workers": 2, "jobs": 3}, **fields)
        self.kept[-1] |= {"kind": "run", "cell": None, "cell_id": None, "data": None}


def vae(
    dataset: str = "dsprites",
    method: str = "conv",
    beta: float = 4.0,
    seed: int = 123,
    images: int = 25_600,
    **more: Any,
) -> Cell:
    """One VAE's cell with the paper's recipe."""
    recipe = Recipe("adagrad", 1e-2, 256, images) if method == "mlp" else Recipe("adam", 5e-4, 256, images)
    return Cell(dataset, method, 10, seed, "beta_vae", pairs({"beta": beta}), recipe, **more)


def baseline(
    method: str = "pca", dataset: str = "dsprites", seed: int = 123, fit: int | None = 25_000, **more: Any
) -> Cell:
    """One baseline's cell."""
    return Cell(dataset, method, 10, seed, fit=fit, **more)


def higgins(
    classifier: str = "linear", ask: tuple[str, ...] | None = None, seed: int = 0, count: int = 64, **more: Any
) -> Question:
    """One Higgins question."""
    knobs = {"pairs": count, "votes": 1000, "test_votes": 1000, "pool": 8000, "classifier": classifier, "ask": ask}
    return Question("higgins", pairs(knobs), seed, quirks=more.pop("quirks", ()))


def pictures(rng: np.random.Generator, n: int, channels: int, side: int = 64) -> np.ndarray:
    """Images of soft blobs, uint8 ``[n, C, H, W]``."""
    y, x = np.mgrid[:side, :side] / side
    centre = rng.uniform(0.2, 0.8, (n, 2))
    size = rng.uniform(0.02, 0.06, n)
    far = (x - centre[:, :1, None]) ** 2 + (y - centre[:, 1:, None]) ** 2
    blob = np.exp(-far / size[:, None, None] / 0.3)
    tint = rng.uniform(0.3, 1.0, (n, channels, 1, 1)) if channels == 3 else np.ones((n, 1, 1, 1))
    return (255 * blob[:, None] * tint).astype(np.uint8)


def fitted(store: FakeStore, cell: Cell, rng: np.random.Generator, **fields: Any) -> None:
    """A cell's fit record with its loss curves."""
    if cell.recipe is None:
        store.add(cell, images=cell.fit or 737_280, **fields)
        return
    beta, steps = cell.beta or 1.0, 40
    step = np.linspace(1, cell.recipe.steps, steps).astype(np.int64)
    fall = np.exp(-np.arange(steps) / 6)
    reconstruction = 60 + 20 * np.log1p(beta) + 500 * fall + rng.normal(0, 2, steps)
    kl = np.maximum(
        0,
        (12 / (1 + beta / 4) * (1 - fall))[:, None] * rng.dirichlet(np.ones(10), 1) + rng.normal(0, 0.02, (steps, 10)),
    )
    arrays = {"step": step, "seen": step * cell.recipe.batch, "reconstruction": reconstruction, "kl": kl}
    scores = {"loss": float(reconstruction[-1] + beta * kl[-1].sum()), "reconstruction": float(reconstruction[-1]),
              "kl": float(kl[-1].sum()), "collapsed": float((kl[-1] < 0.01).sum()),
              "active": float((kl[-1] > 0.05).sum())}  # fmt: skip
    fields = {
        "scores": scores,
        "images": cell.recipe.images,
        "notes": {"parameters": 502_005},
        "seconds": 60.0,
        **fields,
    }
    store.add(cell, arrays=arrays, **fields)


def scored(
    store: FakeStore, cell: Cell, question: Question, score: float | None, shape: float = -0.2, **fields: Any
) -> None:
    """A Higgins answer, the votes that share shape told by so much more often; no score means that the run diverged."""
    if score is None:
        store.add(cell, question, status="diverged", message="the kl term left the finite numbers at step 7", **fields)
    else:
        each = {f"accuracy.{name}": score + shape * (name == "shape") for name in FACTORS}
        store.add(cell, question, scores={"higgins": score, "train": min(1.0, score + 0.02), **each}, **fields)

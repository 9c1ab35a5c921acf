"""``python -m benchmarks.field``: the metrics of the field beside their originals' algorithms written plainly.

Both sides see the same codes in one process, and what each gives stands beside its time. A few minutes on one core;
``--trees`` fits DCI's boosted trees of all factors instead, ten minutes.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from betavae.metrics import named
from betavae.metrics.field.dci import completeness, disentanglement
from betavae.metrics.field.infomec import neighbours
from betavae.metrics.fits.boosting import boosted
from betavae.study import machine

ROOT = Path(__file__).parents[1]
FIT, TEST = 10_000, 5_000
Made = tuple[float, float]
"""A score, and the seconds that it took."""


def recipes() -> Any:
    """The recipes of the codes that the tests know."""
    spec = importlib.util.spec_from_file_location("golden", ROOT / "tests" / "helpers" / "golden.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def timed(work: Callable[[], float]) -> Made:
    """What a piece of work gives, and its seconds."""
    begun = time.perf_counter()
    return work(), time.perf_counter() - begun


def plain_gaps(x: np.ndarray, v: np.ndarray) -> float:
    """MIG by one count for each two columns, as disentanglement_lib writes it."""
    from sklearn.metrics import mutual_info_score

    binned = np.array([np.digitize(z, np.histogram(z, 20)[1][:-1]) for z in x.T])
    found = np.array([[mutual_info_score(f, z) for f in v.T] for z in binned])
    entropies = np.array([mutual_info_score(f, f) for f in v.T])
    ranked = np.sort(found, axis=0)
    return float(((ranked[-1] - ranked[-2]) / entropies).mean())


def plain_sap(x: np.ndarray, v: np.ndarray) -> float:
    """SAP of numbers by one covariance for each two columns."""
    found = np.empty((x.shape[1], v.shape[1]))
    for j in range(x.shape[1]):
        for k in range(v.shape[1]):
            both = np.cov(x[:, j], v[:, k], ddof=1)
            found[j, k] = both[0, 1] ** 2 / (both[0, 0] * both[1, 1])
    ranked = np.sort(found, axis=0)
    return float((ranked[-1] - ranked[-2]).mean())


def plain_votes(table: np.ndarray, sizes: tuple[int, ...], votes: int, tests: int) -> float:
    """The FactorVAE score a vote at a time, from a table of all codes."""
    draws = np.random.default_rng(0)
    spread = table.var(0, ddof=1)
    kept = np.flatnonzero(np.sqrt(spread) > 0.05)
    counts, answers = np.zeros((table.shape[1], len(sizes)), int), []
    for vote in range(votes + tests):
        factor = int(draws.integers(len(sizes)))
        f = np.column_stack([draws.integers(size, size=64) for size in sizes])
        f[:, factor] = f[0, factor]
        z = table[np.ravel_multi_index(tuple(f.T), sizes)]
        least = kept[np.argmin(z.var(0, ddof=1)[kept] / spread[kept])]
        if vote < votes:
            counts[least, factor] += 1
        else:
            answers.append(counts[least].argmax() == factor)
    return float(np.mean(answers))


def plain_irs(x: np.ndarray, v: np.ndarray) -> float:
    """IRS group by group."""
    binned = np.array([np.digitize(f, np.histogram(f, 20)[1][:-1]) for f in v.T])
    whole, strays = np.abs(x - x.mean(0)).max(0), np.zeros((x.shape[1], len(binned)))
    for k, groups in enumerate(binned):
        for group in np.unique(groups):
            mine = x[groups == group]
            strays[:, k] += np.percentile(np.abs(mine - mine.mean(0)), 99, axis=0) / len(np.unique(groups))
    return float(np.average((1 - strays / whole[:, None]).max(1), weights=whole))


def plain_lasso(x: np.ndarray, v: np.ndarray) -> float:
    """DCI's disentanglement by the lasso's absolute coefficients, factor by factor."""
    from sklearn.linear_model import Lasso

    z = (x - x.mean(0)) / x.std(0)
    told = np.abs([Lasso(0.02).fit(z, (f - f.mean()) / f.std()).coef_ for f in v.T]).T
    weights = told.sum(1)
    p = told[weights > 0] / weights[weights > 0, None]
    each = 1 + np.where(p > 0, p * np.log(np.maximum(p, 1e-300)), 0.0).sum(1) / np.log(v.shape[1])
    return float(np.average(each, weights=weights[weights > 0]))


def ratios() -> dict[str, tuple[Made, Made]]:
    """Ours and the plain way on the code called mixed: the whole grid where both take it, else 10,000 images."""
    golden = recipes()
    whole, some, fits = golden.whole("mixed"), golden.drawn("mixed", FIT), golden.drawn("mixed", FIT, TEST)
    table, grid = whole[1].numpy(), whole[0].answer.numpy()
    x, v = some[1].numpy(), some[0].answer.numpy()
    z, f = fits[1].numpy(), fits[0].answer.numpy()
    z, f = np.ascontiguousarray(z), f[:, 1]

    def ours(name: str, asked: Any, **knobs: Any) -> Callable[[], float]:
        metric = named(name, **knobs)
        return lambda: next(iter(golden.scored(metric, asked).values()))

    def plain_trees() -> float:
        from sklearn.ensemble import GradientBoostingClassifier

        model = GradientBoostingClassifier(random_state=0).fit(z[:FIT], f[:FIT])
        return float((model.predict(z[FIT:]) == f[FIT:]).mean())

    def plain_neighbours() -> float:
        from sklearn.feature_selection import mutual_info_classif

        return float(mutual_info_classif(x[:, :1], v[:, 3], n_neighbors=10, random_state=0)[0])

    def family() -> float:
        found = [ours(name, whole)() for name in ("mig", "mig_sup", "jemmig", "dcimig", "modularity")]
        return found[0]

    pairs = {
        "mutual-information family, whole grid": (family, lambda: plain_gaps(table, grid)),
        "SAP, whole grid": (ours("sap", whole), lambda: plain_sap(table, grid)),
        "FactorVAE score, 10,000/5,000 votes": (
            ours("factor_vae", whole), lambda: plain_votes(table, golden.SIZES, FIT, TEST)),
        "IRS, 10,000 images": (ours("irs", some), lambda: plain_irs(x, v)),
        "DCI lasso, 10,000/5,000": (ours("dci", fits, model="lasso"), lambda: plain_lasso(x, v)),
        "neighbours of one code and factor, 10,000": (
            lambda: neighbours((x[:, 0] - x[:, 0].mean()) / x[:, 0].std(), v[:, 3]), plain_neighbours),
        "boosted trees of one factor of 6 values, 10,000/5,000": (
            lambda: float((boosted(z[:FIT], f[:FIT], z[FIT:])[1] == f[FIT:]).mean()), plain_trees),
    }  # fmt: skip
    return {name: (timed(mine), timed(theirs)) for name, (mine, theirs) in pairs.items()}


def trees() -> None:
    """DCI's boosted trees of every factor of ``mixed`` at 10,000/5,000, ours and scikit-learn's, and both DCIs."""
    from sklearn.ensemble import GradientBoostingClassifier

    golden = recipes()
    draw, codes = golden.drawn("mixed", FIT, TEST)
    x, v = np.ascontiguousarray(codes.numpy()), draw.answer.numpy()
    importance, right, spent = np.zeros((2, x.shape[1], v.shape[1])), np.zeros(2), np.zeros(2)

    def plain(column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        model = GradientBoostingClassifier(random_state=0).fit(x[:FIT], column)
        return np.abs(model.feature_importances_), model.predict(x[FIT:])

    def ours(column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return boosted(x[:FIT], column, x[FIT:])

    for k, name in enumerate(golden.NAMES):
        for way, fit in enumerate((ours, plain)):
            begun = time.process_time()
            importance[way, :, k], said = fit(v[:FIT, k])
            spent[way] += time.process_time() - begun
            right[way] += (said == v[FIT:, k]).mean() / len(golden.NAMES)
        print(f"boosted trees up to {name}: {spent[0]:.0f} s, plain {spent[1]:.0f} s", flush=True)
    told = [
        f"D {disentanglement(m):.4f} C {completeness(m):.4f} I {r:.4f}" for m, r in zip(importance, right, strict=True)
    ]
    print(f"boosted trees of all factors: {spent[1] / spent[0]:.1f} times; {told[0]}; plain {told[1]}")


def main() -> int:
    torch.set_num_threads(1)
    print(f"one core of {machine.cpu()}")
    if "--trees" in sys.argv:
        trees()
        return 0
    for name, ((score, took), (other, long)) in ratios().items():
        print(f"{name}: {took:.2f} s, plain {long:.2f} s, {long / took:.1f} times; {score:.4f} and {other:.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

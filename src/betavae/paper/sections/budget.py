"""How much of the paper's own training stands behind these records, and on what data and seeds beside its own."""

from __future__ import annotations

import statistics
from collections import Counter

from betavae.paper import published
from betavae.paper.evidence import plain
from betavae.paper.published import PAPER_NAME
from betavae.report import wording
from betavae.report.conditions import digests, marked, seeds
from betavae.report.document import Table
from betavae.report.evidence import Evidence
from betavae.report.rows import architecture

TABLES: dict[str, tuple[tuple[str, str], ...]] = {
    "Table 1 and Figure 6": (("2Dshapes", "mlp"), ("2Dshapes", "conv")),
    "Table 2 and Figure 3": (("2Dshapes", "conv"), ("3Dshapes", "conv"), ("MPI3DToy", "conv")),
    "Table 3 and Figures 7 to 10": (("CIFAR10", "conv"), ("CIFAR100", "conv")),
}
"""Which trainings stand behind which tables of the paper."""


def images(evidence: Evidence) -> int:
    """Image passes of the trainings that the paper made too: neither twins with a quirk nor σ-VAEs."""
    return sum(r["images"] for r in evidence.fits if r["cell"]["recipe"] and plain(r["cell"]))


def share_of_one(evidence: Evidence) -> float | None:
    """The median share that one training has of the paper's image passes for it; None without trainings."""
    shares = []
    for fit in evidence.fits:
        key = (PAPER_NAME.get(fit["cell"]["dataset"], ""), fit["cell"]["method"])
        if key in published.RUNS and plain(fit["cell"]):
            shares.append(fit["images"] / published.images_per_run(*key))
    return statistics.median(shares) if shares else None


def budget(evidence: Evidence) -> Table:
    """Image passes of training beside the paper's, by dataset and model and by table."""
    ours: Counter[tuple[str, str]] = Counter()
    runs: Counter[tuple[str, str]] = Counter()
    called: dict[tuple[str, str], set[str]] = {}
    for fit in evidence.fits:
        cell = fit["cell"]
        if cell["recipe"] and plain(cell):
            key = (PAPER_NAME.get(cell["dataset"], cell["dataset"]), cell["method"])
            ours[key] += fit["images"]
            runs[key] += 1
            called.setdefault(key, set()).add(cell["dataset"])
    rows = []
    for key in [*published.RUNS, *(k for k in ours if k not in published.RUNS)]:
        dataset, method = key
        theirs = published.RUNS.get(key, 0)
        each = published.images_per_run(dataset, method) if theirs else 0
        name = architecture(method)
        paper = f"{theirs} × {each / 1e6:.1f} M" if theirs else wording.NOTHING
        if not runs[key]:
            rows.append([f"{dataset}, {name}", "not run", wording.NOTHING, paper, "0 %"])
            continue
        mean = ours[key] / runs[key]
        rows.append([f"{dataset}, {name} ({', '.join(sorted(called[key]))})", f"{runs[key]} × {mean:,.0f}",
                     wording.share(mean, each), paper, wording.share(ours[key], theirs * each)])  # fmt: skip
    for label, keys in TABLES.items():
        part, total = sum(ours[k] for k in keys), sum(published.RUNS[k] * published.images_per_run(*k) for k in keys)
        rows.append([f"**{label}**", f"{part:,}", "", f"{total / 1e6:,.0f} M", wording.share(part, total)])
    header = ["Dataset and model", "trainings × image passes", "one training, share", "paper", "share of the paper"]
    notes = ["Twins with a quirk and the σ-VAEs of Section 4.2, which the paper did not train, are not counted here."]
    return Table("Budget of training, by dataset and by table", header, rows, notes)


def data(evidence: Evidence) -> Table:
    """Every dataset with its source, digest and seeds, the paper's seeds beside them."""
    rows = []
    for dataset in evidence.datasets():
        paper = published.SEEDS.get(PAPER_NAME.get(dataset, ""), ())
        rows.append([f"`{dataset}`", PAPER_NAME.get(dataset, wording.NOTHING), marked(evidence, dataset),
                     digests(evidence, dataset), seeds(evidence, dataset),
                     ", ".join(map(str, paper)) or wording.NOTHING])  # fmt: skip
    header = ["Dataset", "stands for", "source", "digest", "training seeds", "paper's seeds"]
    notes = ["A drawn dataset has the factors of the published one but is not it, unless proven pixel-equal."]
    return Table("Data and seeds", header, rows, notes)

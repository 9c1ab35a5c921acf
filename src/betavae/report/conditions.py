"""The conditions of a study: hardware, versions, time, data and budget, as its records tell them."""

from __future__ import annotations

import statistics
from collections import Counter
from typing import Any

from betavae.paper import published
from betavae.paper.published import PAPER_NAME
from betavae.report import wording
from betavae.report.document import Block, Heading, Items, Table, Text
from betavae.report.evidence import Evidence
from betavae.report.rows import plain, quirks_of

TABLES: dict[str, tuple[tuple[str, str], ...]] = {
    "Table 1 and Figure 6": (("2Dshapes", "mlp"), ("2Dshapes", "conv")),
    "Table 2 and Figure 3": (("2Dshapes", "conv"), ("3Dshapes", "conv"), ("MPI3DToy", "conv")),
    "Table 3 and Figures 7 to 10": (("CIFAR10", "conv"), ("CIFAR100", "conv")),
}
"""Which trainings stand behind which tables of the paper."""


def conditions(evidence: Evidence) -> list[Block]:
    """The section at the end: budget, machine, data, and what came of it."""
    if not evidence.records:
        return [Heading("What it ran on"), Text("No records: not run.")]
    return [
        Heading("What it ran on"),
        Items([*hardware(evidence), *versions(evidence), *code(evidence), *time(evidence), *wall(evidence)]),
        budget(evidence),
        data(evidence),
        *outcomes(evidence),
    ]


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


def _machines(evidence: Evidence) -> list[dict[str, Any]]:
    return [r["machine"] for r in evidence.records]


def hardware(evidence: Evidence) -> list[str]:
    """One line: device, processor, threads, precision."""
    found = {f"{m['device']}: {m['cpu']}, {m['threads']} thread(s) per worker, {m['precision']}"
             for m in (r["machine"] for r in evidence.records if r["kind"] != "run")}  # fmt: skip
    return [f"Hardware: {'; '.join(sorted(found))}"] if found else []


def versions(evidence: Evidence) -> list[str]:
    """One line: Python and the packages that numbers depend on."""
    found = {pair for m in _machines(evidence) for pair in m["versions"].items() if pair[1]}
    pythons = sorted({m["python"] for m in _machines(evidence) if m.get("python")})
    return [f"Versions: Python {', '.join(pythons)}; " + ", ".join(f"{n} {v}" for n, v in sorted(found))]


def code(evidence: Evidence) -> list[str]:
    """One line: version and commit of this package."""
    return [f"Code: {'; '.join(sorted({_commit(m['code']) for m in _machines(evidence)}))}"]


def _commit(given: dict[str, Any]) -> str:
    commit = f", commit {given['git'][:12]}" if given.get("git") else ""
    return f"betavae {given['version']}{commit}{' with uncommitted changes' if given.get('dirty') else ''}"


def time(evidence: Evidence) -> list[str]:
    """One line: worker time of everything, diverged and failed included."""
    work = sum(r["seconds"] for r in evidence.records if r["kind"] != "run")
    return [f"Work: {wording.duration(work)} of worker time, training and questions together"]


def wall(evidence: Evidence) -> list[str]:
    """A line per run: its wall time beside what was predicted before it began."""
    lines = []
    for run in evidence.runs:
        found, predicted = run["scores"].get("wall"), run["scores"].get("predicted")
        if found and predicted:
            off = f"{100 * (found - predicted) / predicted:+.0f} % off the {wording.duration(predicted)} predicted"
            lines.append(f"Wall time: {wording.duration(found)} on {run['notes'].get('workers', '?')} workers, {off}")
    return lines or ["Wall time: not recorded, so no prediction can be held against it"]


def sources(evidence: Evidence, dataset: str) -> list[str]:
    """Where the images of a dataset came from: official, drawn, jpeg copies."""
    mine = (r for r in evidence.records if r["cell"] and r["cell"]["dataset"] == dataset and r["data"])
    return sorted({r["data"]["source"] for r in mine})


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
        name = "MLP" if method == "mlp" else method
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
        mine = [r for r in evidence.records if r["cell"] and r["cell"]["dataset"] == dataset]
        digests = sorted({r["data"]["digest"][:12] for r in mine if r["data"]})
        paper = published.SEEDS.get(PAPER_NAME.get(dataset, ""), ())
        said = [f"**{s}**" if s != "official" else s for s in sources(evidence, dataset)]
        rows.append([f"`{dataset}`", PAPER_NAME.get(dataset, wording.NOTHING), ", ".join(said), ", ".join(digests),
                     _shorten(sorted({r["cell"]["seed"] for r in mine})),
                     ", ".join(map(str, paper)) or wording.NOTHING])  # fmt: skip
    header = ["Dataset", "stands for", "source", "digest", "training seeds", "paper's seeds"]
    notes = ["A drawn dataset has the factors of the published one but is not it, unless proven pixel-equal."]
    return Table("Data and seeds", header, rows, notes)


def _shorten(seeds: list[int]) -> str:
    return ", ".join(map(str, seeds)) if len(seeds) <= 6 else f"{', '.join(map(str, seeds[:4]))} … ({len(seeds)})"


def outcomes(evidence: Evidence) -> list[Block]:
    """How many trainings and answers went well, diverged, failed, and why."""
    rows = []
    for kind, records in (("trainings and fits", evidence.fits), ("answers to questions", evidence.answers)):
        found = Counter(r["status"] for r in records)
        rows.append(
            [kind, *(str(found[s]) for s in ("ok", "diverged", "error")), str(sum(map(bool, map(quirks_of, records))))]
        )
    blocks: list[Block] = [Table("What came of it", ["", "ok", "diverged", "error", "of these with a quirk on"], rows)]
    failed = [r for r in [*evidence.fits, *evidence.answers] if r["status"] == "error"]
    if failed:
        reasons = Counter(f"{(r['question'] or {}).get('measure', 'fit')}: {r['message']}" for r in failed)
        blocks.append(Items([f"{n} × {reason}" for reason, n in reasons.most_common(8)]))
    if evidence.aside:
        said = "Tables use the setting with the largest budget, then the most seeds."
        blocks.append(Text(f"{evidence.aside} cells repeat a row in another setting (budget or code size). {said}"))
    return blocks

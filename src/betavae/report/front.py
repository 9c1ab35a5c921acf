"""The front of the report: what it is, how much of the paper's budget it spent, on what, and what came of it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from betavae.report import words
from betavae.report.document import Block, Heading, Items, Table, Text
from betavae.report.evidence import Evidence, quirks_of
from betavae.study import published
from betavae.study.published import PAPER_NAME

SHORT = (
    " Trainings this short cannot confirm or refute the paper's numbers; they show that the whole chain runs and which "
    "way it leans."
)
TITLE = "β-VAE reproducibility: what was measured, beside what was published"


def front(evidence: Evidence, date: str | None) -> list[Block]:
    """Title, what this is, scale and share of the paper's budget, machine, data, counts."""
    scales = words.several(sorted({f"`{r['study']['scale']}`" for r in evidence.records}))
    trained, whole = images(evidence), published.images_in_all()
    blocks: list[Block] = [Heading(TITLE, 1)]
    if date:
        blocks.append(Text(f"Date: {date}"))
    blocks += [
        Text(
            "Every table and figure of “β-VAE Reproducibility: Challenges and Extensions” (Fil, Mesinovic, Morris, "
            "Wildberger) that these records can answer, each published number beside the measured one. Every seed is "
            "shown. A verdict never says more than its number of seeds allows."
        ),
        Text(
            f"**Scale {scales}: {trained:,} image passes of training, {words.share(trained, whole)} of the paper's "
            f"{whole / 1e9:.2f} billion** (72 trainings; 40 epochs for the convolutional VAE and 10 for the MLP, which "
            f"the paper does not state and its code suggests).{SHORT if trained < 0.5 * whole else ''}"
        ),
    ]  # fmt: skip
    blocks += [
        _budget(evidence),
        Heading("What it ran on", 2),
        Items(_machine(evidence)),
        *_data(evidence),
        *_counts(evidence),
    ]
    return blocks


def images(evidence: Evidence) -> int:
    """Image passes of all VAE trainings in the records, twins with a quirk included."""
    return sum(r["images"] for r in evidence.fits if r["cell"]["recipe"])


def _budget(evidence: Evidence) -> Table:
    rows = []
    ours: Counter[tuple[str, str]] = Counter()
    runs: Counter[tuple[str, str]] = Counter()
    drawn: dict[tuple[str, str], set[str]] = {}
    for fit in evidence.fits:
        cell = fit["cell"]
        if cell["recipe"] and not cell["quirks"]:
            key = (PAPER_NAME.get(cell["dataset"], cell["dataset"]), cell["method"])
            ours[key] += fit["images"]
            runs[key] += 1
            drawn.setdefault(key, set()).add(cell["dataset"])
    for key in [*published.RUNS, *(k for k in ours if k not in published.RUNS)]:
        dataset, method = key
        theirs = published.RUNS.get(key, 0)
        each = published.images_per_run(dataset, method) if theirs else 0
        name = "MLP" if method == "mlp" else method
        if not runs[key]:
            rows.append([f"{dataset}, {name}", "not run", words.NOTHING, f"{theirs} × {each / 1e6:.1f} M", "0 %"])
            continue
        paper = f"{theirs} × {each / 1e6:.1f} M" if theirs else words.NOTHING
        mean = ours[key] / runs[key]
        rows.append([f"{dataset}, {name} ({', '.join(sorted(drawn[key]))})", f"{runs[key]} × {mean:,.0f}",
                     words.share(mean, each), paper, words.share(ours[key], theirs * each)])  # fmt: skip
    for label, keys in TABLES.items():
        part, total = sum(ours[k] for k in keys), sum(published.RUNS[k] * published.images_per_run(*k) for k in keys)
        rows.append([f"**{label}**", f"{part:,}", "", f"{total / 1e6:,.0f} M", words.share(part, total)])
    header = ["Dataset and model", "trainings × image passes", "one training, share", "paper", "share of the paper"]
    return Table(
        "Budget of training, by dataset and by table", header, rows, ["Twins with a quirk are not counted here."]
    )


TABLES: dict[str, tuple[tuple[str, str], ...]] = {
    "Table 1 and Figure 6": (("2Dshapes", "mlp"), ("2Dshapes", "conv")),
    "Table 2 and Figure 3": (("2Dshapes", "conv"), ("3Dshapes", "conv"), ("MPI3DToy", "conv")),
    "Table 3 and Figures 7 to 10": (("CIFAR10", "conv"), ("CIFAR100", "conv")),
}


def _machine(evidence: Evidence) -> list[str]:
    records = evidence.records
    machines = [r["machine"] for r in records]
    hardware = {f"{m['device']}: {m['cpu']}, {m['threads']} thread(s) per worker, {m['precision']}" for m in machines}
    versions = Counter(name_version for m in machines for name_version in m["versions"].items() if name_version[1])
    code = {_commit(m["code"]) for m in machines}
    work = sum(r["seconds"] for r in records if r["kind"] != "run")
    lines = [f"Hardware: {'; '.join(sorted(hardware))}"]
    pythons = sorted({m["python"] for m in machines if m.get("python")})
    lines.append(f"Versions: Python {', '.join(pythons)}; " + ", ".join(f"{n} {v}" for n, v in sorted(versions)))
    lines.append(f"Code: {'; '.join(sorted(code))}")
    lines.append(f"Work: {words.duration(work)} of worker time, training and questions together")
    for run in evidence.runs:
        wall, predicted = run["scores"].get("wall"), run["scores"].get("predicted")
        if wall and predicted:
            off = f"{100 * (wall - predicted) / predicted:+.0f} % off the {words.duration(predicted)} predicted"
            lines.append(f"Wall time: {words.duration(wall)} on {run['notes'].get('workers', '?')} workers, {off}")
    if not evidence.runs:
        lines.append("Wall time: not recorded, so no prediction can be held against it")
    return lines


def _commit(code: dict[str, Any]) -> str:
    commit = f", commit {code['git'][:12]}" if code.get("git") else ""
    return f"betavae {code['version']}{commit}{' with uncommitted changes' if code.get('dirty') else ''}"


def _data(evidence: Evidence) -> list[Block]:
    rows = []
    for dataset in evidence.datasets():
        mine = [r for r in evidence.records if r["cell"] and r["cell"]["dataset"] == dataset]
        sources = sorted({r["data"]["source"] for r in mine if r["data"]})
        digests = sorted({r["data"]["digest"][:12] for r in mine if r["data"]})
        trained = sorted({r["cell"]["seed"] for r in mine})
        said = "**drawn** by this package" if sources == ["drawn"] else ", ".join(sources)
        paper = published.SEEDS.get(PAPER_NAME.get(dataset, ""), ())
        stands = PAPER_NAME.get(dataset, words.NOTHING)
        theirs = ", ".join(map(str, paper)) or words.NOTHING
        rows.append([f"`{dataset}`", stands, said, ", ".join(digests), _shorten(trained), theirs])
    header = ["Dataset", "stands for", "source", "digest", "training seeds", "paper's seeds"]
    notes = ["A drawn dataset has the factors of the published one but is not it, unless proven pixel-equal."]
    return [Table("Data and seeds", header, rows, notes)]


def _shorten(seeds: list[int]) -> str:
    return ", ".join(map(str, seeds)) if len(seeds) <= 6 else f"{', '.join(map(str, seeds[:4]))} … ({len(seeds)})"


def _counts(evidence: Evidence) -> list[Block]:
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

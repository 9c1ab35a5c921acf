"""The conditions of a study: hardware, versions, time, data and outcomes, as its records tell them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from betavae.report import wording
from betavae.report.document import Heading, Items, Part, Table, Text
from betavae.report.evidence import Evidence
from betavae.report.rows import quirks_of
from betavae.study.records import Record


def conditions(evidence: Evidence, tables: Sequence[Part] = ()) -> list[Part]:
    """The section at the end: machine, versions, time, ``tables`` of budget and data, and what came of it."""
    return [*ran_on(evidence, tables), *(outcomes(evidence) if evidence.records else [])]


def ran_on(evidence: Evidence, tables: Sequence[Part] = ()) -> list[Part]:
    """Machine, versions, time, and ``tables`` of budget and data."""
    if not evidence.records:
        return [Heading("What it ran on"), Text("No records: not run.")]
    told = (mixed, hardware, versions, code, time, wall)
    return [
        Heading("What it ran on"),
        Items([line for each in told for line in each(evidence)]),
        *(tables or [data(evidence)]),
    ]


def _machines(evidence: Evidence) -> list[dict[str, Any]]:
    return [r["machine"] for r in evidence.records]


def hardware(evidence: Evidence) -> list[str]:
    """Device, processor, threads, precision; and a line more where records come from processors of different kinds."""
    machines = [r["machine"] for r in evidence.records if r["kind"] != "run"]
    found = {f"{m['device']}: {m['cpu']}, {m['threads']} thread(s) per worker, {m['precision']}" for m in machines}
    kinds = {(m["cpu"].rpartition(",")[0], *m.get("instructions", ())) for m in machines}
    lines = [f"Hardware: {'; '.join(sorted(found))}"] if found else []
    if len(kinds) > 1:
        lines.append(
            "**Records come from different processors.** Their kernels round differently, and short trainings near a "
            "plateau magnify that: compare what was run on one kind of machine."
        )
    return lines


def mixed(evidence: Evidence) -> list[str]:
    """A line for each dataset whose records are of different digests."""
    return [
        f"**{wording.known_as(name)} is of several digests: its images or their labels changed between runs.** What is "
        "scored on the one does not stand beside the other unless they are known to be alike; begin a store for each."
        for name in evidence.datasets()
        if len({r["data"]["digest"] for r in _of(evidence, name) if r["data"]}) > 1
    ]


def outdated(evidence: Evidence) -> list[str]:
    """A line where records are left out because other code than today's made them, with the reasons; and one where the
    study, as last run, does not ask for them.
    """
    asked = f"**{evidence.unasked:,} records are left out: the study, as it was last run here, does not ask for them.**"
    unasked = [asked] if evidence.unasked else []
    if not evidence.outdated:
        return unasked
    listed = [f"{count:,} {reason}" for reason, count in evidence.outdated.most_common(3)]
    rest = evidence.outdated.total() - sum(count for _, count in evidence.outdated.most_common(3))
    why = "; ".join([*listed, *([f"{rest:,} for like reasons"] if rest else [])])
    return [
        f"**{evidence.outdated.total():,} records are left out: other code made them than today's.** {why}. "
        "The same command asks again.",
        *unasked,
    ]


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
    """A line per run: its wall time beside what was predicted before it began; a sitting that left cells over has only
    the first, since what was predicted is of all of them.
    """
    lines = []
    for run in evidence.runs:
        found, predicted = run["scores"].get("wall"), run["scores"].get("predicted")
        if not found or not predicted:
            continue
        off = f"{100 * (found - predicted) / predicted:+.0f} % off the {wording.duration(predicted)} predicted"
        if left := run["notes"].get("left"):
            off = f"a sitting that left {left} cells of {run['notes']['jobs']}"
        lines.append(f"Wall time: {wording.duration(found)} on {run['notes'].get('workers', '?')} workers, {off}")
    return lines or ["Wall time: not recorded, so no prediction can be held against it"]


def sources(evidence: Evidence, dataset: str) -> list[str]:
    """Where the images of a dataset came from: official, drawn, jpeg copies."""
    return sorted({r["data"]["source"] for r in _of(evidence, dataset) if r["data"]})


def marked(evidence: Evidence, dataset: str) -> str:
    """The sources of a dataset for a table, in bold where they are not the official files."""
    return ", ".join(f"**{s}**" if s != "official" else s for s in sources(evidence, dataset))


def digests(evidence: Evidence, dataset: str) -> str:
    """The first digits of the digests of a dataset's images."""
    return ", ".join(sorted({r["data"]["digest"][:12] for r in _of(evidence, dataset) if r["data"]}))


def seeds(evidence: Evidence, dataset: str) -> str:
    """The training seeds on a dataset, and all of them where some are of models that are fitted without training."""
    found = _of(evidence, dataset)
    every, trained = ({r["cell"]["seed"] for r in records} for records in (found, [r for r in found if _trained(r)]))
    if not trained or trained == every:
        return _first(every)
    return f"{_first(trained)}; with what is fitted without training: {_first(every)}"


def _trained(record: Record) -> bool:
    return record["cell"]["recipe"] is not None


def _first(seeds: set[int]) -> str:
    """The first of many seeds, and how many."""
    shown = sorted(seeds) if len(seeds) <= 6 else sorted(seeds)[:4]
    return ", ".join(map(str, shown)) + (f" … ({len(seeds)})" if len(seeds) > 6 else "")


def _of(evidence: Evidence, dataset: str) -> list[Record]:
    return [r for r in evidence.records if r["cell"] and r["cell"]["dataset"] == dataset]


def data(evidence: Evidence) -> Table:
    """Every dataset with its source, digest and training seeds."""
    rows = [[f"`{d}`", marked(evidence, d), digests(evidence, d), seeds(evidence, d)] for d in evidence.datasets()]
    return Table("Data and seeds", ["Dataset", "source", "digest", "training seeds"], rows)


def outcomes(evidence: Evidence) -> list[Part]:
    """How many trainings and answers went well, diverged, failed, and why."""
    rows = []
    for kind, records in (("trainings and fits", evidence.fits), ("answers to questions", evidence.answers)):
        found = Counter(r["status"] for r in records)
        rows.append(
            [kind, *(str(found[s]) for s in ("ok", "diverged", "error")), str(sum(map(bool, map(quirks_of, records))))]
        )
    blocks: list[Part] = [Table("What came of it", ["", "ok", "diverged", "error", "of these with a quirk on"], rows)]
    failed = [r for r in [*evidence.fits, *evidence.answers] if r["status"] == "error"]
    if failed:
        reasons = Counter(f"{(r['question'] or {}).get('measure', 'fit')}: {r['message']}" for r in failed)
        blocks.append(Items([f"{n} × {reason}" for reason, n in reasons.most_common(8)]))
    if evidence.aside:
        said = "Tables use one setting for all β: that with the most β, then the largest budget, then the most cells."
        blocks.append(Text(f"{said} {evidence.aside} cells are of another (budget or code size)."))
    return blocks

"""The records as the paper's tables take them: a row is a model at one β or a baseline, a score is of its metric."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from betavae.report.evidence import Chosen, Evidence, StoreLike
from betavae.report.rows import Row, Sample, classifier_of, factor_count, factors_of, quirks_of
from betavae.study.cells import Study
from betavae.study.claims import asks
from betavae.study.records import Record

CLASSIFIER_ORDER = ("linear", "logistic", "mlp", "forest")


def gathered(stores: Iterable[StoreLike], study: Study | None = None) -> Evidence:
    """The records of stores by the paper's rows, where a ``study`` is given only the answers to what it asks; of
    several settings of a model one stands for all its β.
    """
    whole = Evidence(stores, row_of)
    if study is None:
        return whole
    chosen = Evidence([Chosen(whole, asks(study))], row_of)
    chosen.outdated, chosen.unasked = whole.outdated, len(whole.records) - len(chosen.records)
    return chosen


def model_of(cell: Record) -> Row:
    """The paper's model that a cell is: a method at one β, or fitted on so many images."""
    beta = cell.get("knobs", {}).get("beta") if cell.get("recipe") else None
    return Row(cell["dataset"], cell["method"], None if beta is None else float(beta), cell.get("fit"))


def plain(cell: Record) -> bool:
    """Whether a cell is one of the paper's own: a β-VAE or a baseline with no quirk on."""
    return not cell.get("quirks") and cell.get("objective") in (None, "beta_vae")


def row_of(cell: Record) -> Row | None:
    """The row of the paper's tables that a cell belongs to, or None: twins with a quirk and σ-VAEs have none."""
    return model_of(cell) if plain(cell) else None


def printed_name(row: Row) -> str:
    """The paper's name of a model: ``4-VAE``, ``PCA``, ``ICA``."""
    return row.label.split(",")[0]


def twins(evidence: Evidence, quirk: str) -> list[Record]:
    """The answers at the end of training with this quirk on and no other."""
    return [r for r in evidence.answers if quirks_of(r) == (quirk,) and r["at"] == 1.0]


def main_classifier(evidence: Evidence) -> str:
    """The classifier of the main tables: most answers to the first draw of votes, linear before others."""
    votes = [r for r in evidence.answers if r["question"]["measure"] == "higgins" and not r["question"]["seed"]]
    found = Counter(classifier_of(r) for r in votes if not r["question"]["knobs"].get("standardise"))
    return max(CLASSIFIER_ORDER, key=lambda c: (found[c], -CLASSIFIER_ORDER.index(c)))


def higgins(
    evidence: Evidence,
    row: Row,
    factors: int | None = None,
    classifier: str | None = None,
    pairs: int = 64,
    standardised: bool = False,
    score: str = "higgins",
    draw: int | None = None,
) -> Sample:
    """The Higgins score per seed for so many asked factors (None: all of the dataset's), of votes as they are or
    ``standardised``, on one ``draw`` of votes (None: the mean of all); or another ``score`` of the same answers, as
    "accuracy.shape".
    """
    wanted = factors or factor_count(row.dataset)
    kind = classifier or main_classifier(evidence)

    def fits(record: Record) -> bool:
        if draw not in (None, record["question"]["seed"]):
            return False
        knobs = record["question"]["knobs"]
        told = (factors_of(record), classifier_of(record), knobs.get("pairs", 64), knobs.get("standardise", False))
        return told == (wanted, kind, pairs, standardised)

    return evidence.sample(row, "higgins", score, fits)


def typical(evidence: Evidence, row: Row, measure: str) -> Record | None:
    """The answer with arrays of the run whose Higgins score is nearest its row's median, else of the first seed."""
    found = {r["cell"]["seed"]: r for r in evidence.answers_of(row, measure) if r["arrays"]}
    if not found:
        return None
    scores = {s: v for s, v in higgins(evidence, row).values.items() if s in found}
    if not scores:
        return found[min(found)]
    every = sorted(higgins(evidence, row).list)
    centre = every[len(every) // 2]
    return found[min(scores, key=lambda s: (abs(scores[s] - centre), s))]


def frechet_scores(evidence: Evidence) -> list[str]:
    """Every Fréchet distance that was recorded, by the name its records give it; FID first."""
    found = {s for r in evidence.answers if r["question"]["measure"] == "frechet" for s in r["scores"]}
    return sorted((s for s in found if s.startswith(("fid", "fd_"))), key=lambda s: (not s.startswith("fid"), s))

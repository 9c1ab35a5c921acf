"""Beyond the Higgins metric (Section 4.1): the field's metrics of the paper's models, and whether they agree."""

from __future__ import annotations

import statistics
from collections.abc import Callable

from betavae.paper.claims.other_metrics import SIX, apart, by_seed, themselves
from betavae.paper.evidence import higgins
from betavae.paper.names import known_as
from betavae.paper.published import FACTOR_COUNT
from betavae.paper.sections.common import active, missing
from betavae.report import wording
from betavae.report.document import Heading, Link, Part, Table, Text
from betavae.report.evidence import Evidence
from betavae.report.own.agreement import ranks
from betavae.report.rows import FLOORS, Row, Sample

SCORES = {
    "FactorVAE": ("factor_vae", "factor_vae"),
    "MIG": ("mig", "mig"),
    "MIG-sup": ("mig_sup", "mig_sup"),
    "JEMMIG": ("jemmig", "jemmig"),
    "DCIMIG": ("dcimig", "dcimig"),
    "modularity": ("modularity", "modularity"),
    "SAP": ("sap", "sap"),
    "IRS": ("irs", "irs"),
    "best code": ("matrix", "matrix"),
    "InfoM": ("infomec", "modularity"),
    "InfoC": ("infomec", "compactness"),
    "InfoE": ("infomec", "explicitness"),
    "DCI D": ("dci", "disentanglement"),
    "DCI C": ("dci", "completeness"),
    "DCI I": ("dci", "informativeness"),
    "MED D": ("med", "disentanglement"),
    "MED C": ("med", "completeness"),
    "MED I": ("med", "informativeness"),
    "explicitness": ("explicitness", "explicitness"),
}
"""What is held against the factors: measure and score, in [0, 1] or up to 1, more is better."""
ALONE = {
    "Gaussian TC, nats": ("gaussian_tc", "gaussian_tc"),
    "Wasserstein": ("wasserstein", "normalised"),
    "mutual information, nats": ("mutual_information", "mutual_information"),
}
"""What looks at codes alone: less is better."""
ENDS = ("noise", "factors")
RANKED = ("FactorVAE", "MIG", "MIG-sup", "JEMMIG", "DCIMIG", "modularity", "SAP", "IRS", "InfoM", "DCI D", "MED D",
          "explicitness")  # fmt: skip


TITLE = "Section 4.1: beyond the Higgins metric"


def summary(evidence: Evidence) -> list[Part]:
    """The section of the report: whether metrics order the models of one seed alike; all scores have a page."""
    if not any(_rows(evidence, dataset) for dataset in evidence.datasets(*FACTOR_COUNT)):
        return [Heading(TITLE), missing("The metrics beyond Higgins et al.'s")]
    alike = [part for dataset in evidence.datasets(*FACTOR_COUNT) for part in _redraws(evidence, dataset)]
    return [Heading(TITLE), Text(_said(evidence)), *alike, Link("Every metric of every model and floor", "metrics")]


def other_metrics(evidence: Evidence) -> list[Part]:
    """The page: a table of scores, of ranks and of redraws for each dataset with factors."""
    heading = Heading(TITLE)
    parts: list[Part] = []
    for dataset in evidence.datasets(*FACTOR_COUNT):
        if not (scores := _scores(evidence, dataset)):
            continue
        parts.append(scores)
        if ranked := ranks(dataset, _columns(evidence, dataset)):
            parts.append(ranked)
        parts += _redraws(evidence, dataset)
    if not parts:
        return [heading, missing("The metrics beyond Higgins et al.'s")]
    return [heading, Text(_said(evidence)), *parts]


def _said(evidence: Evidence) -> str:
    seeds = {r["cell"]["seed"] for r in evidence.answers if r["question"]["measure"] == "mig"}
    of = "one training seed of each dataset" if len(seeds) == 1 else f"up to {len(seeds)} training seeds of a dataset"
    return (
        "The paper measures by the Higgins metric alone and says of the others, by Locatello et al. (2020), that they "
        f"are inconsistent. Here they are asked of models like its: of {of}, on the images that the tables name. Left "
        "out are boosted trees, DCI-ES and downstream tasks, which take minutes for one model (DCI is by lasso), raw "
        "pixels, and models with a quirk on. Two models compare within a line, and a line is "
        "read from noise, which comes first, to the true factors beside it."
    )


def sampled(evidence: Evidence, row: Row, measure: str, score: str) -> Sample:
    """A score of the field per training seed, on the first draw."""
    return evidence.sample(row, measure, score, lambda r: not r["question"]["seed"] and _lasso(r["question"]))


def _lasso(question: dict[str, object]) -> bool:
    knobs = question["knobs"]
    return question["measure"] != "dci" or (isinstance(knobs, dict) and knobs.get("model") == "lasso")


def _rows(evidence: Evidence, dataset: str) -> list[Row]:
    """The rows that were asked: noise and the true factors first, which all others are read against."""
    found = [row for row in evidence.rows(dataset) if len(sampled(evidence, row, "mig", "mig"))]
    return sorted(found, key=lambda row: ENDS.index(row.method) if row.method in ENDS else len(ENDS))


def _seeds(evidence: Evidence, row: Row) -> set[int]:
    """The training seeds that the field's metrics were asked of."""
    return set(sampled(evidence, row, "mig", "mig").values)


def _of_the_same(evidence: Evidence, row: Row) -> Sample:
    """The Higgins score of the training seeds that the other metrics have."""
    found, seeds = higgins(evidence, row), _seeds(evidence, row)
    return found if row.fixed else Sample({seed: v for seed, v in found.values.items() if seed in seeds})


def _scores(evidence: Evidence, dataset: str) -> Table | None:
    rows = _rows(evidence, dataset)
    if not rows:
        return None
    of: dict[str, Callable[[Row], Sample]] = {"Higgins": lambda row: _of_the_same(evidence, row)}
    for name, told in (*SCORES.items(), *ALONE.items()):
        of[name] = lambda row, told=told: sampled(evidence, row, *told)  # type: ignore[misc]
    lines = []
    for name, ask in of.items():
        found = [ask(row).list for row in rows]
        if any(found):
            texts = [_number(statistics.median(values)) if values else wording.NOTHING for values in found]
            lines.append([name + (" (less is better)" if name in ALONE else ""), *texts])
    lines.append(["active codes", *(active(evidence, row, _seeds(evidence, row)) for row in rows)])
    lines.append(["training seeds", *(str(len(_seeds(evidence, row))) for row in rows)])
    looked = {r["notes"].get("images") for row in rows for r in evidence.answers_of(row, "mig")}
    notes = [
        f"Medians over training seeds, on {wording.several(f'{n:,}' for n in sorted(looked) if n)} images, a half as "
        "many more to test on where something is fitted. All metrics not marked “less is better” lie at or below 1, "
        "which is best; Higgins is the score of the other tables, all factors asked, of the seeds that the other "
        "metrics have, and so are active codes, as in Table 1.",
        "The FactorVAE score leaves out codes whose standard deviation is at most .05, as its original does: 0 is a "
        "model that has none. Noise codes can have a DCI D and C of 1, as the lasso keeps an accident or nothing of "
        "noise: both are read beside I.",
    ]
    return Table(f"The field's metrics on {known_as(dataset)}", ["Metric", *(row.name for row in rows)], lines, notes)


def _number(value: float) -> str:
    return f"{value:.3f}".replace("-0.000", "0.000")


def _columns(evidence: Evidence, dataset: str) -> dict[str, dict[tuple[Row, int], float]]:
    """The main scores of everything trained or fitted, turned so that more is better."""
    rows = [row for row in _rows(evidence, dataset) if row.method not in FLOORS]
    columns = {"Higgins": {(row, seed): v for row in rows for seed, v in higgins(evidence, row).values.items()}}
    for name, told in ({n: SCORES[n] for n in RANKED} | ALONE).items():
        sign = -1.0 if name in ALONE else 1.0
        columns[name] = {
            (row, seed): sign * v for row in rows for seed, v in sampled(evidence, row, *told).values.items()
        }
    return columns


def _redraws(evidence: Evidence, dataset: str) -> list[Part]:
    """How alike a metric orders one seed's models on two draws, and how alike two metrics do."""
    found = by_seed(evidence, dataset)
    if not found:
        return []
    lines = []
    for name in SIX:
        own = [alike[name] for draws in found.values() if name in (alike := themselves(draws))]
        others = [
            statistics.fmean(apart(draws, name, other) for other in alike if other != name)
            for draws in found.values()
            if name in (alike := themselves(draws)) and len(alike) > 1
        ]
        lines.append([name, *(f"{statistics.median(v):.2f}" if v else wording.NOTHING for v in (own, others))])
    models = sorted({len(next(iter(draws.values()))[0]) for draws in found.values()})
    notes = [
        f"Spearman's ρ over the {wording.several(models)} models of one training seed, its median over "
        f"{len(found)} seed{'s' if len(found) > 1 else ''}. The second draw is of other images, and of other votes for "
        "the Higgins metric (logistic regression). A dash is a metric that scores all models alike.",
    ]
    header = ["Metric", "ρ with itself on another draw", "mean ρ with the five others on another draw"]
    return [Table(f"Do metrics order the models of one seed alike on {known_as(dataset)}?", header, lines, notes)]

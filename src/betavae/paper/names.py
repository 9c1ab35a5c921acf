"""The paper's vocabulary: its names of datasets, its numbers as printed, the orders over β that its claims speak of."""

from __future__ import annotations

from collections.abc import Iterable

from betavae.paper.published import BETAS, FACTOR_COUNT, PAPER_NAME, Printed
from betavae.report import wording
from betavae.report.evidence import Evidence
from betavae.study.records import Record

NATURAL = ("cifar10", "cifar100", "cifar10-jpeg")
"""The datasets of Section 3.2."""


def known_as(dataset: str, source: str = "") -> str:
    """A dataset by the paper's name where it has one, by its own, and "drawn" where it is."""
    return wording.known_as(dataset, source, PAPER_NAME.get(dataset))


def printed(given: Printed | None) -> str:
    """The paper's mean ± sd."""
    if given is None or given.mean is None:
        return wording.NOTHING
    return f"{given.mean:g}" if given.sd is None else f"{given.mean:g} ± {given.sd:g}"


def natural(evidence: Evidence) -> list[str]:
    """The datasets of Section 3.2 in these records, CIFAR-100 first; or whatever stood in for them."""
    found = evidence.datasets(*NATURAL)
    if found:
        return sorted(found, key=lambda d: (d != "cifar100", NATURAL.index(d)))
    measured = {r["cell"]["dataset"] for r in evidence.answers if _of_section_3_2(r)}
    return [d for d in evidence.datasets() if d in measured]


def _of_section_3_2(record: Record) -> bool:
    """Whether only what stands in for natural images is asked this: distances, and losses along training."""
    measure = record["question"]["measure"]
    return bool(measure == "frechet" or (measure == "reconstruction" and record["at"] < 1.0))


def one_of_each(datasets: Iterable[str]) -> list[str]:
    """One dataset for each name of the paper: a copy is not counted beside its original."""
    return list({PAPER_NAME.get(d, d): d for d in sorted(datasets, reverse=True)}.values())


def standing_for(evidence: Evidence, paper_name: str) -> str:
    """The dataset of the records that stands for one of the paper's: the official one where both were run."""
    found = [d for d in evidence.datasets(*FACTOR_COUNT) if PAPER_NAME.get(d) == paper_name]
    return min(found, key=lambda d: (d.endswith("-drawn"), d), default="")


TREND_UP = dict(zip(BETAS, (-3.0, -1.0, 1.0, 3.0), strict=True))
TREND_DOWN = {beta: -weight for beta, weight in TREND_UP.items()}
HIGH_AGAINST_LOW = dict(zip(BETAS, (-1.0, -1.0, 1.0, 1.0), strict=True))
ABOVE_ONE = {1.0: -2.0, 4.0: 1.0, 10.0: 1.0}
LOWEST_BEST = dict(zip(BETAS, (3.0, -1.0, -1.0, -1.0), strict=True))

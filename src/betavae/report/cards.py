"""The card of every dataset in the records: what it is, where it comes from, on what terms, with which defects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from betavae import datasets
from betavae.report import wording
from betavae.report.document import Heading, Items, Part, Text
from betavae.report.evidence import Evidence

if TYPE_CHECKING:
    from betavae.datasets.cards import Card


def known(dataset: str) -> Card | None:
    """The card of a dataset, None for one that this package does not know."""
    return datasets.card(dataset) if dataset in datasets.DATASETS else None


def cards(evidence: Evidence, names: Mapping[str, str] | None = None) -> list[Part]:
    """The section of data cards; ``names`` are what some datasets are also called."""
    also = names or {}
    parts: list[Part] = [Heading("Data cards")]
    for dataset in sorted(evidence.datasets()):
        card = known(dataset)
        parts.append(Heading(wording.known_as(dataset, card.source if card else "", also.get(dataset)), 3))
        if card is None:
            parts.append(Text("A dataset of the study's own: it has no card here."))
            continue
        lines = [f"Licence: {card.licence}", f"Cite: {card.citation}"]
        parts += [Text(card.what), Items([*lines, *(f"Known defect: {defect}" for defect in card.defects)])]
    return parts if len(parts) > 1 else [*parts, Text("No dataset: not run.")]

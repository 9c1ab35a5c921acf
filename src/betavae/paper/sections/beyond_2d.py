"""Figure 3: the convolutional VAE, PCA and ICA beyond 2D datasets, the layout quirk beside them."""

from __future__ import annotations

import statistics

from betavae.paper import published
from betavae.paper.evidence import higgins, main_classifier, model_of, printed_name, twins
from betavae.paper.published import FACTOR_COUNT, PAPER_NAME
from betavae.paper.sections.common import count, marked, missing, warned
from betavae.report import charts, wording
from betavae.report.document import Heading, Part, Table
from betavae.report.evidence import Evidence
from betavae.report.rows import Row, Sample, classifier_of, sample
from betavae.report.style import picture

LAYOUT = "rgb-layout"


def figure_3(evidence: Evidence) -> list[Part]:
    """Figure 3: the convolutional VAE, PCA and ICA on every dataset with factors, the layout quirk beside."""
    parts: list[Part] = [Heading("Figure 3: beyond 2D datasets")]
    panels: dict[str, list[charts.Bar]] = {}
    chance: dict[str, float] = {}
    paper: dict[str, float] = {}
    for dataset in evidence.datasets(*FACTOR_COUNT):
        rows = [r for r in evidence.rows(dataset, "conv", "pca", "ica") if r.fit is not None or r.beta is not None]
        bars = [charts.Bar(_short(r), r, higgins(evidence, r), _quirky(evidence, r)) for r in rows]
        bars = [bar for bar in bars if len(bar.sample)]
        if not bars:
            continue
        title = f"{PAPER_NAME.get(dataset, dataset)} ({_source(evidence, dataset)})"
        panels[title] = bars
        chance[title] = 100 / FACTOR_COUNT[dataset]
        printed = published.TABLE_2.get((PAPER_NAME.get(dataset, ""), main_classifier(evidence)))
        if printed and printed.mean is not None:
            paper[title] = printed.mean
    if not panels:
        return [*parts, missing("Figure 3")]
    figure = charts.medians(panels, chance, paper, "the paper's VAEs, mean of its Table 2", f"the {LAYOUT} quirk")
    caption = (
        "Figure 3. Higgins score of the convolutional VAE per β, of PCA and of ICA: bars are medians, dots training "
        "seeds, all factors asked. The paper prints no numbers for its bars: dashed lines are what its Table 2 says of "
        "the VAEs by the same classifier (the mean over β and seeds); its text says “around "
        f"{published.FIGURE_3_TEXT['2Dshapes']:g} %” of 2Dshapes. Hatched: PCA and ICA as the published code fits them "
        "on RGB images, in another layout and scale than it encodes them."
    )
    return [*parts, picture("figure-3", figure, caption), *_figure_3_table(evidence, panels)]


def _figure_3_table(evidence: Evidence, panels: dict[str, list[charts.Bar]]) -> list[Part]:
    rows, kind = [], main_classifier(evidence)
    for title, bars in panels.items():
        for bar in bars:
            middle = wording.percent(statistics.median(bar.sample.list))
            twin = wording.percent(statistics.median(bar.twin.list)) if bar.twin else wording.NOTHING
            seeds = ", ".join(f"{wording.percent(v)}" for v in bar.sample.list)
            active = count(evidence.active(bar.row))
            name = marked(evidence, f"{title}, {bar.row.label}", bar.row, bar.sample)
            rows.append([name, str(len(bar.sample)), middle, seeds, active, twin])
    header = ["Dataset and model", "n", "median", "every seed", "active codes", f"with `{LAYOUT}`"]
    notes = [
        f"Higgins score in per cent. Classifier: {published.CLASSIFIERS[kind]}. The paper prints no "
        "number for these bars, so none can be judged; the claims test what it reads from them. Active codes as in "
        "Table 1: a VAE with none has collapsed."
    ]
    notes += warned(rows, *(bar.sample for bars in panels.values() for bar in bars))
    return [Table("Figure 3 in numbers", header, rows, notes)]


def _short(row: Row) -> str:
    return f"β={row.beta:g}" if row.beta is not None else printed_name(row)


def _source(evidence: Evidence, dataset: str) -> str:
    found = {
        r["data"]["source"] for r in evidence.records if r["cell"] and r["cell"]["dataset"] == dataset and r["data"]
    }
    return "drawn" if found == {"drawn"} else "official" if "drawn" not in found else "drawn and official"


def _quirky(evidence: Evidence, row: Row) -> Sample | None:
    records = [
        r
        for r in twins(evidence, LAYOUT)
        if model_of(r["cell"]) == row and classifier_of(r) == main_classifier(evidence)
    ]
    return sample(records, "higgins") if records else None

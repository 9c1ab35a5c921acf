"""What the score depends on besides the model: L (Figure 6), the classifier (Table 2), seeds and votes."""

from __future__ import annotations

import statistics

from betavae.paper import published
from betavae.paper.claims.sensitivity import FIRST
from betavae.paper.evidence import higgins
from betavae.paper.names import known_as, printed
from betavae.paper.published import PAPER_NAME
from betavae.paper.sections.common import marked, missing, warned
from betavae.report import charts, reads, wording
from betavae.report.document import Heading, Part, Table
from betavae.report.evidence import Evidence
from betavae.report.rows import Row, Sample
from betavae.report.statistics.summary import limit, noise, summarise
from betavae.report.style import picture

MOST_LINES = 8
"""Models of Figure 6 beyond this many would not be told apart."""

FIGURE_6_NOTE = (
    "The claim that a larger L brings the β-VAEs together is about the VAEs alone; it is tested on the range of their "
    "scores within each seed."
)


def figure_6(evidence: Evidence) -> list[Part]:
    """Figure 6: the score against L."""
    parts: list[Part] = [Heading("Figure 6: sensitivity to L")]
    lines: list[tuple[Row, dict[int, Sample]]] = []
    for row in evidence.rows("dsprites", "mlp", "pca", "ica"):
        found = {pairs: higgins(evidence, row, None, "linear", pairs) for pairs in published.FIGURE_6_PAIRS}
        found = {pairs: s for pairs, s in found.items() if len(s)}
        if len(found) > 1:
            lines.append((row, found))
    lines = [line for line in lines if line[0].beta is not None or line[0].fit is not None][:MOST_LINES]
    if not lines:
        return [*parts, missing("Figure 6")]
    limits = {row: end for row, found in lines if (end := limit({k: s.list for k, s in found.items()})) is not None}
    caption = (
        "Figure 6. Higgins score of the MLP VAE, PCA and ICA on 2Dshapes against L, the pairs averaged in one vote; "
        "linear classifier, all five factors. Dots are training seeds, lines join medians, triangles are the limit of "
        "L to infinity from a straight line in 1/√L: a description of these points, not a law."
    )
    figure = charts.against_pairs(lines, limits, 1 / 5)
    pairs = sorted({p for _, found in lines for p in found})
    rows = []
    for row, found in lines:
        cells = [wording.percent(statistics.median(found[p].list)) if p in found else wording.NOTHING for p in pairs]
        rows.append(
            [
                marked(evidence, row.name, row, *found.values()),
                str(max(map(len, found.values()))),
                *cells,
                wording.percent(limits[row]),
            ]
        )
    vaes = [line for line in lines if line[0].beta is not None]
    for whose, among in (("all models'", lines), ("the VAEs'", vaes)):
        if among:
            middles = [[statistics.median(found[p].list) for _, found in among if p in found] for p in pairs]
            ends = [[limits[row] for row, _ in among], *middles]
            far, *each = (wording.percent(max(m) - min(m)) if m else wording.NOTHING for m in ends)
            rows.append([f"spread of {whose} medians", "", *each, far])
    header = ["Model", "n", *(f"L = {p}" for p in pairs), "L → ∞"]
    return [
        *parts,
        picture("figure-6", figure, caption),
        Table("Figure 6 in numbers: medians, %", header, rows, [FIGURE_6_NOTE, *warned(rows)]),
    ]


def table_2(evidence: Evidence) -> list[Part]:
    """Table 2: four classifiers on the same votes, the convolutional VAE's runs of all β together."""
    return [Heading("Table 2: the choice of classifier"), _classifiers(evidence) or missing("Table 2")]


def _classifiers(evidence: Evidence) -> Table | None:
    rows = []
    for dataset in evidence.datasets(*published.FACTOR_COUNT):
        paper = PAPER_NAME.get(dataset, "")
        models = evidence.rows(dataset, "conv")
        have = {row.beta for row in models if row.beta is not None}
        some = "" if have >= set(published.BETAS) else f", β = {wording.several(f'{b:g}' for b in sorted(have))} alone"
        cells, n = [f"{known_as(dataset)}{some}"], 0
        for classifier in published.CLASSIFIERS:
            found = [higgins(evidence, row, None, classifier, draw=FIRST) for row in models]
            values = [v for sample in found for v in sample.list]
            n = max(n, len(values))
            summary = summarise(values)
            short = reads.marked("", [], sum(sample.short for sample in found))
            cells.append(
                f"{wording.spread(summary)}{short}\n(paper {printed(published.TABLE_2.get((paper, classifier)))})"
            )
        if n:
            rows.append([*cells, str(n)])
    if not rows:
        return None
    notes = [
        "Mean ± sample sd in per cent over all β and seeds of the convolutional VAE, all factors asked; below it the "
        "paper's. The first draw of votes, the same for all four. The sd mixes β with seeds, as the paper's does: it "
        "is not the noise of one model.",
        "No interval and no verdict: β's are not draws of one thing. The claims test what the paper reads from it.",
        'The paper\'s caption says "on 2Dshapes" though its rows are three datasets, and names no architecture.',
    ]
    header = ["Dataset", *published.CLASSIFIERS.values(), "runs"]
    return Table("Table 2. Four classifiers on the same votes", header, rows, [*notes, *warned(rows)])


def spread(evidence: Evidence) -> list[Part]:
    """Where the spread of the score comes from: training seed, draw of votes, classifier."""
    return [Heading("Where the spread comes from"), _sources(evidence) or missing("The noise table")]


def vote_noise(evidence: Evidence) -> list[float]:
    """The standard deviation over draws of votes of every model that was asked on several."""
    rows = [row for dataset in evidence.datasets(*published.FACTOR_COUNT) for row in evidence.rows(dataset)]
    return [votes for row in rows if (votes := noise(_by_source(evidence, row)).votes) is not None]


def _by_source(evidence: Evidence, row: Row) -> dict[tuple[int, int, str], float]:
    found: dict[tuple[int, int, str], float] = {}
    for classifier in published.CLASSIFIERS:
        found |= higgins(evidence, row, None, classifier).several
    return found


def _sources(evidence: Evidence) -> Table | None:
    rows = []
    for dataset in evidence.datasets(*published.FACTOR_COUNT):
        for row in evidence.rows(dataset):
            found = _by_source(evidence, row)
            split = noise(found)
            if split.classifier is None and split.votes is None:
                continue
            name = marked(evidence, f"{known_as(dataset)}, {row.name}", row)
            cells = [name, str(len({k[0] for k in found}))]
            parts = (split.training, split.votes, split.classifier)
            shown = ["not measured" if part is None else wording.percent(part) for part in parts]
            if split.training == 0:
                shown[0] = "not told from votes"
            rows.append([*cells, *shown])
    if not rows:
        return None
    notes = [
        "Standard deviations in points. Votes: over question seeds within one run and classifier. Classifier: over the "
        "four classifiers within one run on the same votes; both of the runs that were asked so. Training seed: over "
        "runs, less what the votes add to it, by the runs and classifiers that were asked on several draws; where they "
        "add more than there is, seeds are not told from votes."
    ]
    header = ["Model", "training seeds", "training seed", "votes", "classifier"]
    return Table("Where the spread comes from", header, rows, [*notes, *warned(rows)])

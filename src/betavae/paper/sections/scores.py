"""Beyond 2Dshapes: Figure 3, Table 2, the sources of noise, Figures 5 and 6, and the rotation test."""

from __future__ import annotations

import statistics

from betavae.paper import published
from betavae.paper.evidence import higgins, main_classifier, model_of, printed_name, twins, typical
from betavae.paper.names import known_as, printed
from betavae.paper.published import FACTOR_COUNT, PAPER_NAME
from betavae.paper.sections import tables
from betavae.paper.sections.shapes2d import missing
from betavae.report import charts, gallery, wording
from betavae.report.document import Heading, Part, Table, Text
from betavae.report.evidence import Evidence
from betavae.report.rows import Row, Sample, classifier_of, sample
from betavae.report.statistics.summary import limit, worst_half_dropped
from betavae.report.style import picture

LAYOUT = "rgb-layout"
MOST_LINES = 8
"""Models of Figure 6 beyond this many would not be told apart."""


def figure_3(evidence: Evidence) -> list[Part]:
    """Figure 3: the convolutional VAE, PCA and ICA on every dataset with factors, the layout quirk beside."""
    blocks: list[Part] = [Heading("Figure 3: beyond 2D datasets")]
    panels: dict[str, list[charts.Bar]] = {}
    chance: dict[str, float] = {}
    said: dict[str, tuple[float, str]] = {}
    for dataset in evidence.datasets(*FACTOR_COUNT):
        rows = [r for r in evidence.rows(dataset, "conv", "pca", "ica") if r.fit is not None or r.beta is not None]
        bars = [charts.Bar(_short(r), r, higgins(evidence, r), _quirky(evidence, r)) for r in rows]
        bars = [bar for bar in bars if len(bar.sample)]
        if not bars:
            continue
        title = f"{PAPER_NAME.get(dataset, dataset)} ({_source(evidence, dataset)})"
        panels[title] = bars
        chance[title] = 100 / FACTOR_COUNT[dataset]
        if dataset in PAPER_NAME and PAPER_NAME[dataset] in published.FIGURE_3_TEXT:
            said[title] = (published.FIGURE_3_TEXT[PAPER_NAME[dataset]], "paper's text: around 90")
        elif (PAPER_NAME.get(dataset, ""), main_classifier(evidence)) in published.TABLE_2:
            mean = published.TABLE_2[PAPER_NAME[dataset], main_classifier(evidence)].mean
            assert mean is not None
            said[title] = (mean, f"paper's Table 2: {mean:g}, VAEs")
    if not panels:
        return [*blocks, missing("Figure 3")]
    figure = charts.medians(panels, chance, said, f"the `{LAYOUT}` quirk".replace("`", ""))
    caption = (
        "Figure 3. Higgins score of the convolutional VAE per β, of PCA and of ICA: bars are medians, dots training "
        "seeds, all factors asked. The paper prints no numbers for its bars: dashed lines are what its text or its "
        "Table 2 (the mean over β and seeds) says of the VAEs. Hatched: PCA and ICA as the published code fits them on "
        "RGB images, in another layout and scale than it encodes them."
    )
    return [*blocks, picture("figure-3", figure, caption), *_figure_3_table(evidence, panels)]


def _figure_3_table(evidence: Evidence, panels: dict[str, list[charts.Bar]]) -> list[Part]:
    rows, kind = [], main_classifier(evidence)
    for title, bars in panels.items():
        for bar in bars:
            middle = wording.percent(statistics.median(bar.sample.list))
            twin = wording.percent(statistics.median(bar.twin.list)) if bar.twin else wording.NOTHING
            seeds = ", ".join(f"{wording.percent(v)}" for v in bar.sample.list)
            active = tables.count(evidence.active(bar.row))
            rows.append([f"{title}, {bar.row.label}", str(len(bar.sample)), middle, seeds, active, twin])
    header = ["Dataset and model", "n", "median", "every seed", "active codes", f"with `{LAYOUT}`"]
    notes = [
        f"Higgins score in per cent. Classifier: {published.CLASSIFIERS[kind]}. The paper prints no "
        "number for these bars, so none can be judged; the claims test what it reads from them. Active codes as in "
        "Table 1: a VAE with none has collapsed."
    ]
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


def table_2(evidence: Evidence) -> list[Part]:
    """Table 2."""
    return [Heading("Table 2: the choice of classifier"), tables.table_2(evidence) or missing("Table 2")]


def noise(evidence: Evidence) -> list[Part]:
    """What the score's spread is made of."""
    return [Heading("Where the spread comes from"), tables.noise_table(evidence) or missing("The noise table")]


def selection(evidence: Evidence) -> list[Part]:
    """Selection shown: Table 1's four factors over all seeds, and with the worst half dropped as Higgins et al. do."""
    rows = []
    for row in evidence.rows("dsprites"):
        values = higgins(evidence, row, published.FOUR).list
        if len(values) < 2:
            continue
        kept = worst_half_dropped(values)
        numbers = (statistics.fmean(values), statistics.median(values), statistics.fmean(kept), statistics.median(kept))
        reprinted = printed(published.TABLE_1_HIGGINS.get(printed_name(row)))
        rows.append([row.name, f"{len(kept)} of {len(values)}", *map(wording.percent, numbers), reprinted])
    if not rows:
        return []
    header = ["Model", "kept", "mean, all", "median, all", "mean, kept", "median, kept", "Higgins et al."]
    notes = ["In per cent, four factors. Higgins et al. report their better half; nothing else in this report does."]
    return [Table("What dropping the worst half of the runs does", header, rows, notes)]


def figure_5(evidence: Evidence) -> list[Part]:
    """Figure 5: the latent space of a low and of a high β, on the paper's pair (0.1 and 4) where both were run."""
    blocks: list[Part] = [Heading("Figure 5: the latent space")]
    for dataset in evidence.datasets("dsprites"):
        for method in ("mlp", "conv"):
            panels = []
            for beta in (0.1, 4.0):
                record = typical(evidence, Row(dataset, method, beta), "latent_space")
                if record:
                    a = evidence.arrays(record)
                    share = wording.percent(float(a["explained"].sum()), 0)
                    title = f"{Row(dataset, method, beta).name}, seed {record['cell']['seed']} ({share} %)"
                    panels.append(
                        gallery.Space(title, a["points"], a["factor"], a["value"], record["notes"]["factors"])
                    )
            if len(panels) == 2:
                kind = "MLP" if method == "mlp" else "convolutional"
                caption = (
                    f"Figure 5, {kind} VAE. Every true factor swept through the image of median factors, encoded, on "
                    "the first two principal components of these codes (in brackets their share of the variance). "
                    "Both panels have the same scale; the claims below measure the spread on every seed."
                )
                blocks.append(picture(f"figure-5-{method}", gallery.spaces(panels), caption))
    return blocks if len(blocks) > 1 else [*blocks, missing("Figure 5")]


def figure_6(evidence: Evidence) -> list[Part]:
    """Figure 6: the score against L."""
    blocks: list[Part] = [Heading("Figure 6: sensitivity to L")]
    lines: list[tuple[Row, dict[int, Sample]]] = []
    for row in evidence.rows("dsprites", "mlp", "pca", "ica"):
        found = {pairs: higgins(evidence, row, None, "linear", pairs) for pairs in published.FIGURE_6_PAIRS}
        found = {pairs: s for pairs, s in found.items() if len(s)}
        if len(found) > 1:
            lines.append((row, found))
    lines = [line for line in lines if line[0].beta is not None or line[0].fit is not None][:MOST_LINES]
    if not lines:
        return [*blocks, missing("Figure 6")]
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
        rows.append([row.name, str(max(map(len, found.values()))), *cells, wording.percent(limits[row])])
    spread = ["spread of the models' medians", ""]
    for p in pairs:
        middles = [statistics.median(found[p].list) for _, found in lines if p in found]
        spread.append(wording.percent(max(middles) - min(middles)))
    rows.append([*spread, wording.percent(max(limits.values()) - min(limits.values()))])
    header = ["Model", "n", *(f"L = {p}" for p in pairs), "L → ∞"]
    return [*blocks, picture("figure-6", figure, caption), Table("Figure 6 in numbers: medians, %", header, rows)]


def rotation(evidence: Evidence) -> list[Part]:
    """Score(z) beside score(Rz): what the metric cannot see."""
    rows = []
    for dataset in evidence.datasets(*FACTOR_COUNT):
        for row in evidence.rows(dataset):
            plain = evidence.sample(row, "rotation", "higgins")
            turned = evidence.sample(row, "rotation", "rotated")
            both = sorted(set(plain.values) & set(turned.values))
            if not both:
                continue
            gaps = [turned.values[s] - plain.values[s] for s in both]
            cells = [f"{known_as(dataset)}, {row.name}", str(len(both))]
            middles = (statistics.median(values) for values in (plain.list, turned.list, gaps))
            rows.append([*cells, *(wording.percent(m) for m in middles)])
    heading = Heading("A high score does not mean disentangled")
    if not rows:
        return [heading, missing("The rotation test")]
    notes = [
        "Medians in per cent over training seeds. The same codes are scored as they are and after a random rotation of "
        "the latent space, on the same votes. A rotation mixes every code into every other: whatever was disentangled "
        "no longer is. A metric of disentanglement would fall wherever codes were disentangled.",
        "Classifier: Linear (SKlearn), so a score(z) may differ from that of a table by another classifier.",
    ]
    header = ["Model", "n", "score(z)", "score(Rz)", "difference"]
    said = Text(
        "The Higgins metric reads which factor was held fixed from the differences of codes. A linear classifier can "
        "undo part of a rotation, so the score says that the factors are there, linearly, not that each has a code "
        "of its own."
    )
    return [heading, said, Table("The rotation test", header, rows, notes)]

"""The 2Dshapes part: Table 1 with its figure, samples, loss curves, reconstructions, and Figure 4's traversals."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from betavae.paper import published
from betavae.paper.evidence import higgins, printed_name, typical
from betavae.paper.names import known_as
from betavae.paper.published import FIVE, FOUR
from betavae.paper.sections import tables
from betavae.report import charts, curves, gallery, wording
from betavae.report.document import Heading, Part, Text
from betavae.report.evidence import Evidence
from betavae.report.rows import Row, Sample
from betavae.report.style import picture
from betavae.study.records import Record

if TYPE_CHECKING:
    from betavae.types import Array


def missing(what: str) -> Text:
    """The one line of a section whose records are not there."""
    return Text(f"{what}: not run at this scale.")


def table_1(evidence: Evidence) -> list[Part]:
    """Table 1 and its figure."""
    blocks: list[Part] = [Heading("Table 1: disentanglement on 2Dshapes")]
    panels: dict[str, list[charts.Strip]] = {}
    for factors in (FIVE, FOUR):
        table = tables.table_1(evidence, factors)
        blocks.append(table or missing(f"Table 1, {factors} factors"))
        if table:
            panels[f"{factors} factors"] = _strips(evidence, factors)
    if panels:
        first = next(iter(panels.values()))
        order = [(s.label, s.row) for s in first]
        panels = {title: _aligned(strips, order) for title, strips in panels.items()}
        chance = {title: 100 / int(title[0]) for title in panels}
        figure = charts.strips(panels, "Higgins score, %", chance)
        caption = (
            "Table 1 as a figure. Every dot is one training seed; the bar is the median, the band the interval of the "
            "median that the table names, the open diamond the paper's median, the star Higgins et al. as reprinted."
        )
        blocks.insert(1, picture("table-1", figure, caption))
    return blocks


def _strips(evidence: Evidence, factors: int) -> list[charts.Strip]:
    found = []
    for row in evidence.rows("dsprites"):
        sample = higgins(evidence, row, factors)
        scaled = _percent(sample)
        paper = published.TABLE_1.get((printed_name(row), factors))
        reprinted = published.TABLE_1_HIGGINS.get(printed_name(row)) if factors == FOUR else None
        strip = charts.Strip(row.name, row, scaled, paper and paper.median, reprinted and reprinted.mean)
        if len(sample):
            found.append(strip)
    return found


def _percent(sample: Sample) -> Sample:
    values = {seed: 100 * value for seed, value in sample.values.items()}
    return Sample(values, sample.diverged, sample.errors, sample.floor)


def _aligned(strips: list[charts.Strip], order: list[tuple[str, Row]]) -> list[charts.Strip]:
    have = {s.row: s for s in strips}
    return [have.get(row) or charts.Strip(label, row, Sample()) for label, row in order]


def samples(evidence: Evidence, datasets: list[str], name: str, title: str) -> list[Part]:
    """Figures 1 and 2: samples of each dataset, from the first answer that holds them."""
    panels: list[tuple[str, Array]] = []
    for dataset in datasets:
        record = next((r for r in _with_arrays(evidence, "samples") if r["cell"]["dataset"] == dataset), None)
        if record:
            panels.append((_plain_name(record), evidence.arrays(record)["images"]))
    if not panels:
        return [missing(title)]
    caption = f"{title}. Images chosen uniformly at random; what this package renders itself is marked “drawn”."
    return [picture(name, gallery.samples(panels), caption)]


def _plain_name(record: Record) -> str:
    return known_as(record["cell"]["dataset"], record["data"]["source"]).replace("`", "")


def _with_arrays(evidence: Evidence, measure: str) -> list[Record]:
    return [r for r in evidence.answers if r["question"]["measure"] == measure and r["status"] == "ok" and r["arrays"]]


def losses(evidence: Evidence, datasets: list[str], name: str) -> list[Part]:
    """Loss curves of every run, one panel per dataset and architecture."""
    panels: dict[str, list[curves.Run]] = {}
    for dataset in datasets:
        for method in ("mlp", "conv"):
            runs = [
                (row, evidence.arrays(fit))
                for row in evidence.rows(dataset, method)
                for _, fit in sorted(evidence.fit(row).items())
                if fit["arrays"]
            ]
            runs = [(row, arrays) for row, arrays in runs if len(arrays["step"])]
            if runs:
                panels[f"{published.PAPER_NAME.get(dataset, dataset)}, {'MLP' if method == 'mlp' else method}"] = runs
    if not panels:
        return [missing("Loss curves")]
    caption = (
        "Loss curves. Reconstruction loss and KL, nats per image, of every training in the tables above; one line per "
        "seed. The first twentieth of a run may lie above the frame. Twins with a quirk are not drawn; their last "
        "losses are in the records."
    )
    return [picture(name, curves.losses(panels), caption)]


def reconstructions(evidence: Evidence, dataset: str, betas: tuple[float, ...], name: str, title: str) -> list[Part]:
    """Originals above reconstructions, one panel per architecture and β, from the run nearest the median score."""
    panels = []
    for method in ("mlp", "conv", "pca", "ica"):
        for row in evidence.rows(dataset, method):
            if row.beta is not None and row.beta not in betas:
                continue
            record = typical(evidence, row, "reconstructions")
            if record:
                arrays = evidence.arrays(record)
                label = f"{row.name}, seed {record['cell']['seed']}"
                panels.append((label, arrays["images"], arrays["reconstructions"]))
    if not panels:
        return [missing(title)]
    caption = f"{title}. Above the original, below its reconstruction; the run nearest the median score of its row."
    return [picture(name, gallery.reconstructions(panels), caption)]


def traversals(evidence: Evidence) -> list[Part]:
    """Figure 4: traversals of the best and of the median run of each architecture."""
    blocks: list[Part] = [Heading("Figure 4: latent traversals")]
    panels = []
    ranges = set()
    for method in ("mlp", "conv"):
        for word, row, seed, score in best_and_median(evidence, "dsprites", method):
            record = next(
                (r for r in evidence.answers_of(row, "traversals") if r["cell"]["seed"] == seed and r["arrays"]), None
            )
            if record:
                a = evidence.arrays(record)
                ranges.add(str(record["question"]["knobs"].get("range", "prior")))
                kind = "MLP" if method == "mlp" else method
                title = f"{kind}, β = {row.beta:g}, seed {seed}: {wording.percent(score)} % ({word})"
                panels.append(gallery.Traversal(title, a["images"], a["kl"], a["code"], a["values"], a["original"]))
    if not panels:
        return [*blocks, missing("Figure 4")]
    caption = (
        "Figure 4. One image of 2Dshapes, one code moved at a time from left to right over the "
        f"{wording.several(sorted(ranges))} range; lines ordered by KL, given beside each in nats. Scores are on all "
        f"five factors. The paper's panels scored {wording.several(f'{s:g}' for s in published.FIGURE_4_SCORES)} %."
    )
    return [*blocks, picture("figure-4", gallery.traversals(panels), caption)]


def best_and_median(evidence: Evidence, dataset: str, method: str) -> list[tuple[str, Row, int, float]]:
    """The best run of an architecture and the run nearest the median of all, as (word, row, seed, score)."""
    runs = [
        (score, row, seed)
        for row in evidence.rows(dataset, method)
        for seed, score in higgins(evidence, row).values.items()
        if seed not in higgins(evidence, row).diverged
    ]
    if not runs:
        return []
    best = max(runs, key=lambda r: r[0])
    centre = statistics.median(score for score, _, _ in runs)
    typical = min(runs, key=lambda r: (abs(r[0] - centre), -r[0]))
    words_ = [(f"best of {len(runs)}", best)] + ([("nearest the median", typical)] if len(runs) > 1 else [])
    return [(word, row, seed, score) for word, (score, row, seed) in words_]

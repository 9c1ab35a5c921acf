"""What the codes look like: Figure 4's traversals, Figure 5's latent space, and the rotation that no score sees."""

from __future__ import annotations

import statistics

from betavae.paper import published
from betavae.paper.evidence import higgins, typical
from betavae.paper.names import known_as
from betavae.paper.published import FACTOR_COUNT
from betavae.paper.sections.common import learnt, marked, missing, warned
from betavae.report import gallery, wording
from betavae.report.document import Explore, Heading, Part, Table, Text
from betavae.report.evidence import Evidence
from betavae.report.rows import Row, architecture
from betavae.report.style import picture


def figure_4(evidence: Evidence, explore: Explore | None = None) -> list[Part]:
    """Figure 4: traversals of the best and of the median run of each architecture; and the best convolutional one to be
    moved, where its page can be had.
    """
    parts: list[Part] = [Heading("Figure 4: latent traversals")]
    panels, shown = [], None
    ranges, lines = set[str](), set[int]()
    for method in ("mlp", "conv"):
        for word, row, seed, score in best_and_median(evidence, "dsprites", method):
            record = next(
                (r for r in evidence.answers_of(row, "traversals") if r["cell"]["seed"] == seed and r["arrays"]), None
            )
            if record:
                a = evidence.arrays(record)
                if explore and method == "conv":
                    shown = shown or explore(record["cell_id"])
                ranges.add(str(record["question"]["knobs"].get("range", "prior")))
                lines.add(len(a["code"]))
                title = f"{architecture(method)}, β = {row.beta:g}, seed {seed}: {wording.percent(score)} % ({word})"
                title += learnt(evidence, row, seed)
                panels.append(gallery.Traversal(title, a["images"], a["kl"], a["code"], a["values"], a["original"]))
    if not panels:
        return [*parts, missing("Figure 4")]
    caption = (
        "Figure 4. One image of 2Dshapes for each training seed, first in its panel, and one code moved at a time "
        f"from left to right over the {wording.several(sorted(ranges))} range: the {wording.several(sorted(lines))} "
        "codes of largest KL in its order, given beside each in nats. Scores are on all five factors. The paper's "
        "third panel is reprinted from Higgins et al.: it is of a model of theirs, which no record here can show. "
        f"Its panels scored {wording.several(f'{s:g}' for s in published.FIGURE_4_SCORES)} %, by the code that drew "
        "them."
    )
    return [*parts, picture("figure-4", gallery.traversals(panels), caption), *([shown] if shown else [])]


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
    median = min(runs, key=lambda r: (abs(r[0] - centre), -r[0]))
    chosen = [(f"best of {len(runs)}", best)] + ([("nearest the median", median)] if len(runs) > 1 else [])
    return [(word, row, seed, score) for word, (score, row, seed) in chosen]


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
            cells = [marked(evidence, f"{known_as(dataset)}, {row.name}", row, plain), str(len(both))]
            middles = (statistics.median(values) for values in (plain.list, turned.list, gaps))
            rows.append([*cells, *(wording.percent(m) for m in middles)])
    heading = Heading("A high score does not mean disentangled")
    if not rows:
        return [heading, missing("The rotation test")]
    notes = [
        "Medians in per cent over training seeds. The same codes are scored as they are and after a random rotation of "
        "the latent space, on the same votes. A rotation mixes every code into every other: whatever was disentangled "
        "no longer is. A metric of disentanglement would fall wherever codes were disentangled. The difference is the "
        "median of the seeds' own, not that of the medians.",
        "Classifier: Linear (SKlearn), so a score(z) may differ from that of a table by another classifier.",
    ]
    header = ["Model", "n", "score(z)", "score(Rz)", "difference"]
    said = Text(
        "The Higgins metric reads which factor was held fixed from the differences of codes. A linear classifier can "
        "undo part of a rotation, so a high score says that holding a factor changes the spread of the codes in a "
        "way that a linear classifier can read, not that each factor has a code of its own."
    )
    return [heading, said, Table("The rotation test", header, rows, [*notes, *warned(rows)])]


def figure_5(evidence: Evidence) -> list[Part]:
    """Figure 5: the latent space of a low and of a high β, on the paper's pair (0.1 and 4) where both were run."""
    parts: list[Part] = [Heading("Figure 5: the latent space")]
    for dataset in evidence.datasets("dsprites"):
        for method in ("mlp", "conv"):
            panels = []
            for beta in (0.1, 4.0):
                record = typical(evidence, Row(dataset, method, beta), "latent_space")
                if record:
                    a = evidence.arrays(record)
                    share = wording.percent(float(a["explained"].sum()), 0)
                    title = f"{Row(dataset, method, beta).name}, seed {record['cell']['seed']} ({share} %)"
                    title += learnt(evidence, Row(dataset, method, beta), record["cell"]["seed"])
                    panels.append(
                        gallery.Space(title, a["points"], a["factor"], a["value"], record["notes"]["factors"])
                    )
            if len(panels) == 2:
                kind = "MLP" if method == "mlp" else "convolutional"
                caption = (
                    f"Figure 5, {kind} VAE. Every true factor swept through the image of median factors, encoded, on "
                    "the first two principal components of these codes (in brackets their share of the variance). "
                    "Both panels have the same scale; a claim of the report measures the spread on every seed."
                )
                parts.append(picture(f"figure-5-{method}", gallery.spaces(panels), caption))
    return parts if len(parts) > 1 else [*parts, missing("Figure 5")]

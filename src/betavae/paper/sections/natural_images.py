"""Section 3.2: Table 3's Fréchet distances, Figures 7 and 8 along training, Figures 9 and 10's reconstructions."""

from __future__ import annotations

import statistics

from betavae.paper import published
from betavae.paper.evidence import frechet_scores, typical
from betavae.paper.names import known_as, natural
from betavae.paper.published import PAPER_NAME
from betavae.paper.sections.common import learnt, missing, verdict
from betavae.report import curves, gallery, wording
from betavae.report.document import Heading, Part, Table, Text
from betavae.report.evidence import Evidence
from betavae.report.rows import Row, Sample, budget, quirks_of
from betavae.report.statistics.summary import summarise
from betavae.report.style import picture
from betavae.study.records import Record

PAPERS_OWN = "cifar100"
"""The dataset of the paper's Figures 7 to 10."""
FID_IMAGES = (50_000, "train")
"""What the published FIDs are of: only distances of equal numbers of images compare."""


def table_3(evidence: Evidence) -> list[Part]:
    """Table 3 under every name its distances were recorded by, of reconstructions and of prior samples."""
    parts: list[Part] = [Heading("Table 3: Fréchet distances"), *_standing_in(evidence)]
    found: list[Part] = [
        table
        for score in frechet_scores(evidence)
        for of in ("reconstruction", "prior")
        if (table := _distances(evidence, score, of))
    ]
    return [*parts, *(found or [missing("Table 3")])]


def _standing_in(evidence: Evidence) -> list[Text]:
    here = natural(evidence)
    if not here or PAPERS_OWN in here:
        return []
    if "cifar10" in here:
        return [
            Text(
                "CIFAR-100 was not at hand: Figures 7 to 10, which the paper draws on it, are of CIFAR-10 here. "
                f"{_how('cifar100')}"
            )
        ]
    if "cifar10-jpeg" in here:
        return [
            Text(
                "CIFAR-100 and the official CIFAR-10 were not at hand. `cifar10-jpeg` holds JPEG copies of the real "
                "60,000 CIFAR-10 images: they stand in for CIFAR-10 in Table 3, and for CIFAR-100 in Figures 7 to 10, "
                "which the paper draws on it. "
                f"{_how('cifar10', 'cifar100')}"
            )
        ]
    names = wording.several(known_as(d) for d in here)
    return [
        Text(
            f"No CIFAR dataset was at hand: {names} stands in, which no published number speaks of. "
            f"{_how('cifar10', 'cifar100')}"
        )
    ]


def _how(*names: str) -> str:
    """How a reader adds the datasets that the paper's figures are of."""
    fetch = wording.several(f"`betavae data fetch {name}`" for name in names)
    return f"To add {'it' if len(names) == 1 else 'them'}: {fetch}, then the study's command again."


def _distances(evidence: Evidence, score: str, of: str) -> Table | None:
    """Table 3: a Fréchet distance per β, of reconstructions or of prior samples, under the name its records give it."""
    rows = []
    asked_images: set[str] = set()
    as_published = _as_published(evidence, score) if of == "reconstruction" else {}
    for dataset in evidence.datasets():
        for row in evidence.rows(dataset, "mlp", "conv"):
            records = [r for r in evidence.answers_of(row, "frechet") if r["question"]["knobs"].get("of") == of]
            sample = evidence.sample(row, "frechet", score, lambda r: r["question"]["knobs"].get("of") == of)
            if not sample.values and not sample.diverged:
                continue
            looked = set[tuple[object, object]]()
            for r in records:
                knobs = r["question"]["knobs"]
                looked.add((knobs.get("images"), knobs.get("split", "train")))
                asked_images.add(f"{knobs.get('images', 'all')} images of the {knobs.get('split', 'train')} split")
            paper = published.TABLE_3.get((PAPER_NAME.get(dataset, ""), row.beta or 0.0))
            summary = summarise(sample.list)
            digits = 1 if score == "fid" else 2
            other = "another score" if score != "fid" else "other images" if looked != {FID_IMAGES} else ""
            line = [f"{known_as(dataset)}, {row.label}", str(len(sample)), wording.spread(summary, 1.0, digits),
                    wording.middle(summary, 1.0, digits), str(len(sample.diverged))]  # fmt: skip
            if as_published:
                there = as_published.get(row)
                fewer = f" (n = {len(there)})" if there and len(there) < len(sample) else ""
                line.append(f"{statistics.median(there):,.{digits}f}{fewer}" if there else wording.NOTHING)
            if of == "reconstruction":  # the paper prints none of images decoded from the prior
                judged = other or verdict(paper, sample.list, len(published.SEEDS["CIFAR10"]), 1.0)
                line += [wording.number(paper), judged if paper else wording.NOTHING]
            rows.append(line)
    if not rows:
        return None
    what = "reconstructions" if of == "reconstruction" else "images decoded from the prior"
    notes = [f"Lower is better. {'; '.join(sorted(asked_images))}."]
    if of == "reconstruction":
        notes.append(
            f"WGAN-GP's {published.WGAN_GP_GENERATION_FID} on CIFAR10, which the paper prints beside these, is the FID "
            "of **generated** images; a reconstruction score is not like for like with it."
        )
    else:
        notes.append("The paper prints no such distance: its FIDs are of reconstructions.")
    if not score.startswith("fid"):
        notes.append(
            f"`{score}` is another network than the paper's Inception: compare its order over β, never its size."
        )
    published_way = ["with the code's quirks"] if as_published else []
    theirs = ["paper's FID", "verdict"] if of == "reconstruction" else []
    if as_published:
        notes.append(
            "“With the code's quirks” is the median of the same models, of as many seeds as stand beside it where they "
            "are fewer, with `sampled-codes` and `no-held-out` on: training images and sampled codes; the published "
            "distance takes all 50,000 images, here "
            f"{_frames(evidence)}."
        )
    header = ["Dataset and model", "n", "mean ± sample sd", "median", "diverged", *published_way, *theirs]
    return Table(f"Table 3. `{score}` of {what}", header, rows, notes)


def _published_twins(evidence: Evidence) -> list[Record]:
    """The Fréchet distances asked as the published code asks them: of training images, with sampled codes."""
    return [
        r
        for r in evidence.answers
        if r["question"]["measure"] == "frechet"
        and quirks_of(r) == ("no-held-out", "sampled-codes")
        and r["status"] == "ok"
    ]


def _as_published(evidence: Evidence, score: str) -> dict[Row, list[float]]:
    found: dict[Row, list[float]] = {}
    for record in _published_twins(evidence):
        row = evidence.row(record)
        if row and score in record["scores"]:
            found.setdefault(row, []).append(float(record["scores"][score]))
    return found


def _frames(evidence: Evidence) -> str:
    counts = {int(r["question"]["knobs"]["images"]) for r in _published_twins(evidence)}
    return wording.several(f"{count:,}" for count in sorted(counts))


def figures_7_and_8(evidence: Evidence) -> list[Part]:
    """Figures 7 and 8: Fréchet distance and reconstruction loss along training per β."""
    parts: list[Part] = [Heading("Figures 7 and 8: along training")]
    for dataset in natural(evidence):
        name = known_as(dataset).replace("`", "")
        for score in frechet_scores(evidence):
            lines = _along(evidence, dataset, "frechet", score, "reconstruction")
            if lines:
                figure = curves.along(lines, name, f"{in_words(score)} of reconstructions", _images(evidence, lines))
                said = f"Figure 7. `{score}` of reconstructions during training on {name}, per β; lower is better."
                said += _stands_in(evidence, dataset)
                parts.append(picture(f"figure-7-{dataset}-{score.replace('_', '-')}", figure, said))
        lines = _along(evidence, dataset, "reconstruction", "reconstruction", None)
        if lines:
            figure = curves.along(lines, name, "reconstruction loss, nats per image", _images(evidence, lines))
            split = _split(evidence, next(iter(lines)))
            said = f"Figure 8. Reconstruction loss of the {split} split during training on {name}, per β."
            said += _stands_in(evidence, dataset)
            parts.append(picture(f"figure-8-{dataset}", figure, said))
    return parts if len(parts) > 1 else [*parts, missing("Figures 7 and 8")]


def _stands_in(evidence: Evidence, dataset: str) -> str:
    """What a caption adds where its figure is of another dataset than the paper's."""
    if dataset == PAPERS_OWN:
        return ""
    return f" The paper draws this on CIFAR100{'' if PAPERS_OWN in natural(evidence) else '; this dataset stands in'}."


def in_words(score: str) -> str:
    """A Fréchet distance as an axis names it."""
    return score.upper() if score == "fid" else f"Fréchet distance ({score.removeprefix('fd_')})"


def _split(evidence: Evidence, row: Row) -> str:
    return str(evidence.answers_of(row, "reconstruction")[0]["question"]["knobs"].get("split", "train"))


def _along(
    evidence: Evidence, dataset: str, measure: str, score: str, of: str | None
) -> dict[Row, dict[float, Sample]]:
    def fits(record: Record) -> bool:
        return of is None or record["question"]["knobs"].get("of") == of

    lines: dict[Row, dict[float, Sample]] = {}
    for row in evidence.rows(dataset, "conv", "mlp"):
        moments = sorted({r["at"] for r in evidence.answers_of(row, measure, None) if fits(r)})
        found = {at: evidence.sample(row, measure, score, fits, at) for at in moments}
        found = {at: s for at, s in found.items() if len(s)}
        if len(found) > 1:
            lines[row] = found
    return lines


def _images(evidence: Evidence, lines: dict[Row, dict[float, Sample]]) -> dict[Row, int]:
    """The whole budget of each row, in images: known from its cells, whether or not a training has ended."""
    asked = {
        row: [r for m in ("frechet", "reconstruction") for r in evidence.answers_of(row, m, None)] for row in lines
    }
    return {row: max(budget(record["cell"]) for record in records) for row, records in asked.items()}


def figures_9_and_10(evidence: Evidence) -> list[Part]:
    """Figures 9 and 10: reconstructions at the lowest and the highest β of the paper."""
    parts: list[Part] = [Heading("Figures 9 and 10: reconstructions at β = 0.1 and β = 10")]
    for dataset in natural(evidence):
        panels = []
        for number, beta in ((9, 0.1), (10, 10.0)):
            row = Row(dataset, "conv", beta)
            record = typical(evidence, row, "reconstructions")
            if record:
                split = record["question"]["knobs"].get("split", "train")
                a = evidence.arrays(record)
                panels.append(
                    (
                        f"Figure {number}. β = {beta:g}{learnt(evidence, row, record['cell']['seed'])}",
                        a["images"],
                        a["reconstructions"],
                    )
                )
        if panels:
            name = known_as(dataset).replace("`", "")
            said = (
                f"Figures 9 and 10. Images of {name} ({split} split) above, their reconstructions below, at β = 0.1 "
                f"and at β = 10.{_stands_in(evidence, dataset)}"
            )
            parts.append(picture(f"figure-9-10-{dataset}", gallery.reconstructions(panels, across=1), said))
    return parts if len(parts) > 1 else [*parts, missing("Figures 9 and 10")]

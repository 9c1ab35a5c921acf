"""Table 1: the score of every model on 2Dshapes, of five and of four factors, and what selecting runs does."""

from __future__ import annotations

import statistics

from betavae.paper import published
from betavae.paper.claims.disentanglement import by_factor as told
from betavae.paper.evidence import higgins, main_classifier, printed_name
from betavae.paper.names import known_as, printed
from betavae.paper.published import FIVE, FOUR
from betavae.paper.sections.common import active, marked, missing, verdict, warned
from betavae.report import charts, wording
from betavae.report.document import Heading, Part, Table
from betavae.report.evidence import Evidence
from betavae.report.rows import FLOORS, Row, Sample, classifier_of, factors_of, quirks_of
from betavae.report.statistics.summary import summarise, worst_half_dropped
from betavae.report.style import picture


def table_1(evidence: Evidence) -> list[Part]:
    """Table 1 and its figure."""
    parts: list[Part] = [Heading("Table 1: disentanglement on 2Dshapes")]
    panels: dict[str, list[charts.Strip]] = {}
    for factors in (FIVE, FOUR):
        table = in_numbers(evidence, factors)
        parts.append(table or missing(f"Table 1, {factors} factors"))
        if table:
            panels[f"{factors} factors"] = _strips(evidence, factors)
    if panels:
        first = next(iter(panels.values()))
        order = [(s.label, s.row) for s in first]
        panels = {title: _aligned(strips, order) for title, strips in panels.items()}
        chance = {title: 100 / int(title[0]) for title in panels}
        figure = charts.strips(panels, "Higgins score, %", chance)
        caption = (
            "Table 1 as a figure. Every filled mark is one training seed; the bar is the median, the band the "
            "interval of the median that the table names. The open diamond is the paper's median, the star Higgins "
            "et al. as reprinted; they stand beside the MLP and the baselines on the paper's subsets, of which "
            "Section 3.1 and App. B speak."
        )
        parts.insert(1, picture("table-1", figure, caption))
    return parts


def by_factor(evidence: Evidence) -> list[Part]:
    """Which factors the votes of Table 1 tell, all five asked: the accuracy of those that share each."""
    rows = []
    for row in evidence.rows("dsprites"):
        found = [told(evidence, row, factor) for factor in published.FACTORS]
        if all(len(sample) for sample in found):
            cells = [wording.percent(statistics.median(sample.list)) for sample in found]
            rows.append([marked(evidence, row.name, row), str(max(map(len, found))), *cells])
    if not rows:
        return []
    notes = [
        "Of the votes that share a factor, the share that the classifier answers rightly, in per cent, medians over "
        "training seeds; all five factors asked, the classifier of Table 1. Their mean is about the score.",
        *warned(rows),
    ]
    return [Table("Table 1 by the factor that is shared", ["Model", "n", *published.FACTORS], rows, notes)]


def _strips(evidence: Evidence, factors: int) -> list[charts.Strip]:
    found = []
    for row in evidence.rows("dsprites"):
        sample = higgins(evidence, row, factors)
        scaled = _percent(sample)
        theirs = row.method == "mlp" or row.fit is not None  # what Section 3.1.2 and App. B speak of
        paper = published.TABLE_1.get((printed_name(row), factors)) if theirs else None
        reprinted = published.TABLE_1_HIGGINS.get(printed_name(row)) if theirs and factors == FOUR else None
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


def in_numbers(evidence: Evidence, factors: int) -> Table | None:
    """Table 1 for five or four asked factors: every model, its seeds, and what is printed for it."""
    rows: list[list[str]] = []
    samples: list[Sample] = []
    classifier = main_classifier(evidence)
    for row in evidence.rows("dsprites"):
        sample = higgins(evidence, row, factors, classifier)
        if not sample.values and not sample.errors:
            continue
        samples.append(sample)
        rows.append(_line(evidence, row, sample, factors))
    if not rows:
        return None
    header = ["Model", "n", "mean ± sample sd", "median", "interval of the median", "active codes", "diverged",
              "paper: mean ± sd", "paper: median"]  # fmt: skip
    if factors == FOUR:
        header.append("Higgins et al.")
    said = (
        "all five factors" if factors == FIVE else "four factors (shape is not asked for, but varies inside the pairs)"
    )
    notes = [
        "Higgins score in per cent; n counts training seeds. The interval is min–max below six seeds, an exact "
        "order-statistic interval from six on; in brackets the chance that such an interval holds the true median.",
        "Active codes: the number of latents whose posterior mean moves, with a variance over images above .01 (Burda "
        "et al. 2016), at the end of training; where seeds differ, of each in order of seed, or of many how often each "
        "number. With none active the model has collapsed.",
        "The verdict: where the median of four further runs like ours would lie, as the paper's is a median of four "
        "seeds. That counts the noise of its seeds beside that of ours, and takes at least 19 of ours.",
        "The paper's Table 1 names no architecture, so its number stands by both; Section 3.1.2 implies the MLP, and "
        "the claims take it so.",
        f"Classifier: {published.CLASSIFIERS[classifier]}. {settings(evidence, classifier, factors)}",
    ]
    if any(row.method in FLOORS for row in evidence.rows("dsprites")):
        notes.append(
            "The last lines are what the others are read against: representations that learnt nothing (floors) and the "
            "true factors (the ceiling). A score near a floor says nothing of learning."
        )
    bootstrapped = [
        f"{row.name} {wording.percent(found.iqm)}, {wording.interval(found.bca)}"
        for row in evidence.rows("dsprites")
        if (found := summarise(higgins(evidence, row, factors, classifier).list))
        and found.iqm is not None
        and found.bca
    ]
    if bootstrapped:
        notes.append(
            "Interquartile mean with its BCa bootstrap interval, in brackets how often such intervals hold (simulated, "
            f"normal values): {'; '.join(bootstrapped)}."
        )
    notes += warned(rows, *samples)
    return Table(f"Table 1. 2Dshapes, {said}", [*header, "verdict on the published median"], rows, notes)


def _line(evidence: Evidence, row: Row, sample: Sample, factors: int) -> list[str]:
    summary = summarise(sample.list)
    whole = row.method in ("pca", "ica") and row.fit is None  # which the paper did not fit
    paper = None if whole else published.TABLE_1.get((printed_name(row), factors))
    target = paper.median if paper else None
    line = [marked(evidence, row.name, row, sample), str(len(sample)), wording.spread(summary), wording.middle(summary),
            wording.interval(summary.interval if summary else None), active(evidence, row),
            str(len(sample.diverged)), printed(paper),
            wording.number(target, 2)]  # fmt: skip
    if factors == FOUR:
        line.append(printed(published.TABLE_1_HIGGINS.get(printed_name(row))))
    seeds = len(published.SEEDS["2Dshapes"])
    return [*line, verdict(target, sample.list, seeds)]


def standardised(evidence: Evidence) -> list[Part]:
    """What bringing every code's vote differences to unit variance does, to models and to what learnt nothing."""
    rows = []
    for dataset in evidence.datasets(*published.FACTOR_COUNT):
        for row in evidence.rows(dataset):
            both = [higgins(evidence, row, None, "logistic", standardised=s) for s in (False, True)]
            as_they_are, scaled = (sample.list for sample in both)
            if not as_they_are or not scaled:
                continue
            raw, even = summarise(as_they_are), summarise(scaled)
            moved = statistics.median(scaled) - statistics.median(as_they_are)
            name = marked(evidence, f"{known_as(dataset)}, {row.name}", row, *both)
            line = [name, str(len(scaled)), active(evidence, row)]
            rows.append([*line, wording.middle(raw), wording.middle(even), f"{100 * moved:+.1f}"])
    if not rows:
        return []
    header = ["Dataset and model", "n", "active codes", "as they are", "standardised", "difference, points"]
    notes = [
        "Median Higgins score in per cent, logistic regression, all factors asked. Algorithm 1 trains on the "
        "differences as they are, and so does every other table here. Brought to unit variance per code first, "
        "codes that hardly move are blown up until a classifier can read them: a network that was never trained, or a "
        "model without an active code, may then score far above chance.",
    ]
    return [Table("What standardising the votes does", header, rows, [*notes, *warned(rows)])]


def settings(evidence: Evidence, classifier: str, factors: int) -> str:
    """The knobs behind the main Higgins questions, in words."""
    found = [
        r["question"]["knobs"]
        for r in evidence.answers
        if r["question"]["measure"] == "higgins"
        and classifier_of(r) == classifier
        and r["question"]["knobs"].get("pairs", 64) == 64
        and factors_of(r) == factors
        and not quirks_of(r)
    ]
    if not found:
        return ""
    knobs = found[0]
    pool = knobs.get("pool")
    drawn = f", votes drawn from a pool of {pool:,} images" if pool else ""
    return f"L = 64, {knobs.get('votes', 1000):,} votes to train and {knobs.get('test_votes', 1000):,} to test{drawn}."


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
        rows.append(
            [
                marked(evidence, row.name, row),
                f"{len(kept)} of {len(values)}",
                *map(wording.percent, numbers),
                reprinted,
            ]
        )
    if not rows:
        return []
    header = ["Model", "kept", "mean, all", "median, all", "mean, kept", "median, kept", "Higgins et al."]
    notes = [
        "In per cent, four factors. Higgins et al. report their better half; nothing else in this report does, but for "
        "the claim on the worst half."
    ]
    return [Table("What dropping the worst half of the runs does", header, rows, [*notes, *warned(rows)])]

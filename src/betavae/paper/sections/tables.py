"""The paper's tables from records, each number beside the published one."""

from __future__ import annotations

from betavae.paper import published
from betavae.paper.evidence import higgins, main_classifier, printed_name
from betavae.paper.names import known_as, printed
from betavae.paper.published import FIVE, FOUR, PAPER_NAME
from betavae.report import wording
from betavae.report.document import Table
from betavae.report.evidence import Evidence
from betavae.report.rows import FLOORS, Row, Sample, classifier_of, factors_of, quirks_of
from betavae.report.statistics.summary import Summary, noise, summarise

FEWEST = 4
"""Below this many seeds nothing is said about a published number."""
ONE = "none: seeds hardly change this fit"
"""The verdict on a number that has no spread of its own to be inside of."""


def verdict(target: float | None, summary: Summary | None, scale: float = 100.0) -> str:
    """Whether a published median lies in our interval, never more than n allows."""
    if target is None:
        return wording.NOTHING
    if summary is None:
        return "not run"
    if summary.n < FEWEST:
        return f"undecided (needs {FEWEST} seeds)"
    given = summary.interval
    assert given is not None
    cover = f"{100 * given.coverage:.1f} % interval"
    if scale * given.low <= target <= scale * given.high:
        return f"published inside our {cover}"
    off = target - scale * (given.low if target < scale * given.low else given.high)
    return f"published outside our {cover}, {abs(off):.1f} {'below' if off < 0 else 'above'}"


def table_1(evidence: Evidence, factors: int) -> Table | None:
    """Table 1 for five or four asked factors: every model, its seeds, and what is printed for it."""
    rows: list[list[str]] = []
    classifier = main_classifier(evidence)
    for row in evidence.rows("dsprites"):
        sample = higgins(evidence, row, factors, classifier)
        if not sample.values and not sample.errors:
            continue
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
        "Active codes: the median number of latents whose KL at the end of training exceeds 0.01 nats. With none "
        "active the model has collapsed, and its score is that of what little the votes, brought to one scale, still "
        "show.",
        "The paper's Table 1 names no architecture, so its number stands by both; Section 3.1.2 speaks of the MLP, and "
        "the claims below take it so.",
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
    return Table(f"Table 1. 2Dshapes, {said}", [*header, "verdict on the published median"], rows, notes)


def _line(evidence: Evidence, row: Row, sample: Sample, factors: int) -> list[str]:
    summary = summarise(sample.list)
    paper = published.TABLE_1.get((printed_name(row), factors))
    target = paper.median if paper else None
    line = [row.name, str(len(sample)), wording.spread(summary), wording.middle(summary),
            wording.interval(summary.interval if summary else None), count(evidence.active(row)),
            str(len(sample.diverged)), printed(paper),
            wording.number(target, 2)]  # fmt: skip
    if factors == FOUR:
        line.append(printed(published.TABLE_1_HIGGINS.get(printed_name(row))))
    return [*line, ONE if row.fixed and target is not None and summary else verdict(target, summary)]


def count(value: float | None) -> str:
    """A median number of codes, or a dash where none was counted."""
    return wording.NOTHING if value is None else f"{value:g}"


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


def table_2(evidence: Evidence) -> Table | None:
    """Table 2: four classifiers on the same votes, the convolutional VAE's runs of all β together."""
    rows = []
    for dataset in evidence.datasets(*published.FACTOR_COUNT):
        paper = PAPER_NAME.get(dataset, "")
        cells, n = [known_as(dataset)], 0
        for classifier in published.CLASSIFIERS:
            values = [
                v for row in evidence.rows(dataset, "conv") for v in higgins(evidence, row, None, classifier).list
            ]
            n = max(n, len(values))
            summary = summarise(values)
            cells.append(f"{wording.spread(summary)}\n(paper {printed(published.TABLE_2.get((paper, classifier)))})")
        if n:
            rows.append([*cells, str(n)])
    if not rows:
        return None
    notes = [
        "Mean ± sample sd in per cent over all β and seeds of the convolutional VAE, all factors asked; below it the "
        "paper's. The sd mixes β with seeds, as the paper's does: it is not the noise of one model.",
        "No interval and no verdict: β's are not draws of one thing. The claims test what the paper reads from it.",
        'The paper\'s caption says "on 2Dshapes" though its rows are three datasets, and names no architecture.',
    ]
    header = ["Dataset", *published.CLASSIFIERS.values(), "runs"]
    return Table("Table 2. Four classifiers on the same votes", header, rows, notes)


def noise_table(evidence: Evidence) -> Table | None:
    """Where the spread of the score comes from: training seed, draw of votes, classifier."""
    rows = []
    for dataset in evidence.datasets(*published.FACTOR_COUNT):
        for row in evidence.rows(dataset):
            found: dict[tuple[int, int, str], float] = {}
            for classifier in published.CLASSIFIERS:
                found |= higgins(evidence, row, None, classifier).several
            split = noise(found)
            if split.classifier is None and split.votes is None:
                continue
            cells = [f"{known_as(dataset)}, {row.name}", str(len({k[0] for k in found}))]
            parts = (split.training, split.votes, split.classifier)
            rows.append([*cells, *("not measured" if part is None else wording.percent(part) for part in parts)])
    if not rows:
        return None
    notes = [
        "Standard deviations in points. Votes: over question seeds within one run and classifier. Classifier: over the "
        "four classifiers within one run on the same votes. Training seed: over runs, less what the votes add to it."
    ]
    header = ["Model", "training seeds", "training seed", "votes", "classifier"]
    return Table("Where the spread comes from", header, rows, notes)


def table_3(evidence: Evidence, score: str, of: str) -> Table | None:
    """Table 3: a Fréchet distance per β, of reconstructions or of prior samples, under the name its records give it."""
    rows = []
    asked_images: set[str] = set()
    for dataset in evidence.datasets():
        for row in evidence.rows(dataset, "mlp", "conv"):
            records = [r for r in evidence.answers_of(row, "frechet") if r["question"]["knobs"].get("of") == of]
            sample = evidence.sample(row, "frechet", score, lambda r: r["question"]["knobs"].get("of") == of)
            if not sample.values and not sample.diverged:
                continue
            for r in records:
                knobs = r["question"]["knobs"]
                asked_images.add(f"{knobs.get('images', 'all')} images of the {knobs.get('split', 'train')} split")
            paper = published.TABLE_3.get((PAPER_NAME.get(dataset, ""), row.beta or 0.0))
            summary = summarise(sample.list)
            digits = 1 if score == "fid" else 2
            same = paper is not None and score == "fid" and of == "reconstruction"
            line = [f"{known_as(dataset)}, {row.label}", str(len(sample)), wording.spread(summary, 1.0, digits),
                    wording.middle(summary, 1.0, digits), str(len(sample.diverged)), wording.number(paper)]  # fmt: skip
            rows.append(
                [*line, verdict(paper, summary, 1.0) if same else "another score" if paper else wording.NOTHING]
            )
    if not rows:
        return None
    what = "reconstructions" if of == "reconstruction" else "images decoded from the prior"
    notes = [f"Lower is better. {'; '.join(sorted(asked_images))}."]
    notes.append(
        f"WGAN-GP's {published.WGAN_GP_GENERATION_FID} on CIFAR10, which the paper prints beside these, is the FID of "
        "**generated** images; a reconstruction score is not like for like with it."
    )
    if not score.startswith("fid"):
        notes.append(
            f"`{score}` is another network than the paper's Inception: compare its order over β, never its size."
        )
    header = ["Dataset and model", "n", "mean ± sample sd", "median", "diverged", "paper's FID", "verdict"]
    return Table(f"Table 3. `{score}` of {what}", header, rows, notes)


def table_4(evidence: Evidence) -> list[Table]:
    """Table 4, from the models themselves as they were recorded; one table per dataset and model."""
    tables = []
    for dataset in evidence.datasets():
        for method in ("mlp", "conv"):
            rows = evidence.rows(dataset, method)
            notes = next(
                (r["notes"] for row in rows for r in evidence.answers_of(row, "architecture") if r["notes"]), None
            )
            if not notes:
                continue
            recipe = next(
                c["recipe"] for c in evidence.cells.values() if c["dataset"] == dataset and c["method"] == method
            )
            paper = published.TABLE_4.get(f"{PAPER_NAME.get(dataset)}, {'MLP' if method == 'mlp' else method}")
            lines = [[str(part), str(text)] for part, text in notes.get("layers", [])]
            lines.append(["parameters", f"{notes['parameters']:,}"])
            lines.append(["trained by", f"{recipe['optimiser']} {recipe['learning_rate']:g}, batch {recipe['batch']}"])
            if paper:
                lines.append(["the paper prints", f"{paper[0]}; {paper[1]}"])
                if not paper[0].endswith(f" {recipe['batch']}"):
                    lines.append(
                        ["not as the paper", f"batch {recipe['batch']}: its own leaves so short a run untrained"]
                    )
            tables.append(Table(f"Table 4. {known_as(dataset)}, {method}", ["Part", "Layers"], lines))
    return tables

"""The whole report of any study, titled by it: what was run, claims, scores, curves, pictures, conditions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from betavae.report import wording
from betavae.report.cards import cards
from betavae.report.checklist import checklist, items
from betavae.report.conditions import ran_on
from betavae.report.document import Explore, Folded, Heading, Items, Part, Table, Text, literal, save
from betavae.report.evidence import StoreLike
from betavae.report.judged import claims, looked
from betavae.report.own.agreement import agreement
from betavae.report.own.answers import Own, Setting, shared
from betavae.report.own.losses import losses
from betavae.report.own.outcomes import cell_of, left_out, outcomes
from betavae.report.own.pictures import architectures, explored, pictures
from betavae.report.own.scores import along, scores
from betavae.report.statistics.claims import own_verdicts
from betavae.report.statistics.looks import still_open
from betavae.report.statistics.verdicts import Verdict
from betavae.study.cells import Study

OUTCOMES = {"ok": "trained or fitted", "diverged": "diverged", "error": "failed", "not run": "not run"}
"""What became of a cell, in words."""
FOLDED = 30
"""A table of more rows than this opens on demand."""
WITHIN = (
    "Where a claim says that scores are equal within a margin, the effect is their plain difference and P the chance "
    "that a difference lies within. It is supported where the difference is shown to lie above the lower margin and "
    "below the upper, and contradicted where it is shown to lie beyond one."
)


def write(stores: Sequence[StoreLike], study: Study, out: Path, explore: Explore | None = None) -> Path:
    """Write ``report.md``, its ``figures/`` and ``report.html`` into a folder; the path of the HTML page.

    The pages are a function of the study and the records alone: the same give the same bytes. ``explore`` may add the
    page of one model.
    """
    return save(study.name, sections(Own(stores, study), explore), Path(out))


def checked(stores: Sequence[StoreLike], study: Study) -> str:
    """The reproducibility checklist of a study as Markdown."""
    own = Own(stores, study)
    return checklist(own.evidence, own_verdicts(study, own.evidence, own.answers))


def sections(own: Own, explore: Explore | None = None) -> list[Part]:
    """Every section of the report in order."""
    judged = own_verdicts(own.study, own.evidence, own.answers)
    notes = [*looked(own.study), *_uncounted(own)]
    notes += [WITHIN] if any(claim.form == "equal_within" for claim in own.study.claims) else []
    return [
        *_front(own, judged),
        *_run(own),
        *(claims(judged, "The study's", notes) if judged else []),
        *scores(own),
        *agreement(own),
        *along(own),
        *losses(own),
        *pictures(own),
        *(explored(own, explore) if explore else []),
        *architectures(own),
        *outcomes(own),
        *left_out(own),
        *cards(own.evidence),
        *ran_on(own.evidence),
        *_checklist(own, judged),
    ]


def _uncounted(own: Own) -> list[str]:
    """That the store holds runs of compared settings whose seeds the study does not name, where it does."""
    cells = {cell.id: replace(cell, seed=0) for cell in own.study.cells}
    compared = {cells[key] for claim in own.study.claims for arm in claim.arms for key in arm}
    fits = [r for r in own.others if r["kind"] == "fit" and r["cell_id"] not in cells]
    count = sum(replace(cell_of(r), seed=0) in compared for r in fits)
    if not count:
        return []
    told = "1 run" if count == 1 else f"{count} runs"
    return [
        f"The store holds {told} of these settings with seeds that the study, as last run, does not name. No verdict "
        "counts them; levels hold for seeds that were chosen before their scores were known."
    ]


def _front(own: Own, judged: Sequence[Verdict]) -> list[Part]:
    """The title and, in a few lines, what the report is of and how far it is."""
    study, states = own.study, Counter(own.status(cell) for cell in own.study.cells)
    told = [f"{len(study.cells)} cells ({_counted(len(own.settings), 'setting')})", f"on {_datasets(own)}"]
    questions = {key for _, key, _ in own.wanted if key}
    asked = Counter(record["status"] for (_, key, _), record in own.answers.items() if key)
    answers = len([key for _, key, _ in own.wanted if key])
    lines = [f"{', '.join(told)}; {_counted(len(questions), 'question')}, {_counted(answers, 'answer')} asked for."]
    done = [f"{states['ok']} of {len(study.cells)} cells and {asked['ok']} of {answers} answers are there"]
    fell = states["diverged"] + states["error"] + asked["diverged"] + asked["error"]
    done += ["what diverged or failed is named below"] if fell else []
    missing = states["not run"] + answers - sum(asked.values())
    open_ = not own.study.looks or not judged or still_open(judged, coming=True)
    on = "still to be run: the same command goes on from there" if open_ else "not run, and no claim needs them"
    done += [f"{missing} are {on}"] if missing else []
    lines.append("; ".join(done).capitalize() + ".")
    if judged:
        words = Counter(verdict.word for verdict in judged)
        lines.append(f"Claims: {', '.join(f'{count} {word}' for word, count in words.items())}.")
    days = sorted({record["when"][:10] for record in own.evidence.records})
    if days:
        lines.append(f"Records of {literal(days[0])}{f' to {literal(days[-1])}' if len(days) > 1 else ''}.")
    scale = "" if study.scale == "own" else f", scale {literal(study.scale)}"
    return [Heading(f"{literal(study.name)}{scale}", 1), Items(lines)]


def _checklist(own: Own, judged: Sequence[Verdict]) -> list[Part]:
    told = items(own.evidence, judged)
    inner = [part for title, lines in told.items() for part in (Heading(title, 3), Items(lines))]
    return [Heading("Reproducibility checklist"), Folded("What reviewers ask, filled from the records", inner)]


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _datasets(own: Own) -> str:
    return wording.several(literal(dataset) for dataset in own.datasets)


def _run(own: Own) -> list[Part]:
    """What was run and asked: what all share is said once, the rest is the label of a row."""
    several = len(own.datasets) > 1
    same = [literal(part) for part in shared(own.settings) if several or part not in own.datasets]
    settings = [setting for dataset in own.datasets for setting in own.of(dataset)]
    found = [Counter(own.status(cell) for cell in setting.cells.values()) for setting in settings]
    states = [state for state in OUTCOMES if state == "ok" or any(count[state] for count in found)]
    rows = [
        [_name(setting, several), _seeds(setting), *(str(count[state]) for state in states)]
        for setting, count in zip(settings, found, strict=True)
    ]
    header = ["Setting", "seeds", *(OUTCOMES[state] for state in states)]
    table = Table("Settings: cells that differ in their seed alone", header, rows)
    parts: list[Part] = [Heading("What was run")]
    parts += [Text(f"The same for all that have it: {', '.join(same)}.")] if same else []
    parts.append(Folded(f"All {len(rows)} settings", [table]) if len(rows) > FOLDED else table)
    return [*parts, *_asked(own)]


def _name(setting: Setting, several: bool) -> str:
    return f"{literal(setting.row.dataset)}: {literal(setting.label)}" if several else literal(setting.label)


def _seeds(setting: Setting) -> str:
    seeds = sorted(setting.cells)
    return ", ".join(map(str, seeds)) if len(seeds) <= 6 else f"{seeds[0]} to {seeds[-1]} ({len(seeds)})"


def _asked(own: Own) -> list[Part]:
    """The questions with their knobs and moments, each once."""
    rows: dict[str, list[str]] = {}
    for asked in own.asked():
        question = asked.question
        knobs = [f"{k} = {' '.join(map(str, v)) if isinstance(v, tuple) else v}" for k, v in question.knobs]
        knobs += [f"quirk {name}" for name in question.quirks]
        moments = sorted({at for row in asked.moments.values() for at in row})
        put = sum(len(one.settings) for one in own.asked() if one.id == asked.id)
        said = literal(", ".join([question.measure, *knobs]))
        row = [f"{literal(asked.name)}\n{said}", str(question.seed), _percent(moments), str(put)]
        rows.setdefault(asked.id, row)
    if not rows:
        return [Text("No question is asked: the study trains alone.")]
    header = ["Question, its measure and knobs", "draw", "asked at", "settings"]
    return [Table("Questions", header, list(rows.values()), ["Knobs that are not named have the measure's default."])]


def _percent(moments: Sequence[float]) -> str:
    return "the end" if list(moments) == [1.0] else ", ".join(f"{100 * at:g} %" for at in moments)

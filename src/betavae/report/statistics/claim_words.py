"""A claim of a study's own in words: of which score of which cells it speaks, and what is compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from betavae.report.document import literal
from betavae.report.rows import LETTERS
from betavae.study import claims
from betavae.study.cells import Question, Study


def names_of(study: Study) -> dict[str, str]:
    """The questions of a study by id, as its file names them; else as their measure, with knobs where two are alike."""
    questions = {q.id: q for q in dict.fromkeys(q for job in study.jobs for q in job.questions)}
    own = dict(study.named)
    measures = [q.measure for key, q in questions.items() if key not in own]
    return {
        key: own.get(key) or (q.measure if measures.count(q.measure) == 1 else f"{q.measure} ({_knobs(q)})")
        for key, q in questions.items()
    }


def _knobs(question: Question) -> str:
    said = [f"{key} {' '.join(map(str, v)) if isinstance(v, tuple) else v}" for key, v in question.knobs]
    return ", ".join([*said, f"draw {question.seed}"])


def records(claim: claims.Claim, names: Mapping[str, str], missing: str) -> str:
    """Of which scores of which cells a claim speaks, and how many are missing."""
    name = names.get(claim.question, "a question that is no longer asked")
    text = f"`{name}`" if name.isidentifier() else literal(name)
    text += f", {literal(claim.key)}" if claim.key else ""
    return text + (f", where {words(claim.table['where'])}" if "where" in claim.table else "") + missing


def statistic(claim: claims.Claim) -> str:
    """What is compared, in words."""
    given = claim.table
    match claim.form:
        case "trend":
            falls, name = given["trend"].startswith("-"), given["trend"].removeprefix("-")
            return f"order of the scores over {_letter(name)}, {'falling' if falls else 'rising'}"
        case "at_least" | "at_most":
            arm = given.get("of") or given.get("more")
            of = f"score of {words(arm)}" if arm else "score"
            return f"{of} {claim.form.replace('_', ' ')} {claim.bound:g}"
        case "equal_within":
            return f"score of {words(given['more'])} within ± {claim.bound:g} of that of {words(given['less'])}"
    return f"score of {words(given['more'])} less that of {words(given['less'])}"


def words(settings: Mapping[str, Any]) -> str:
    """Settings of a claim in words."""
    said = []
    for key, value in settings.items():
        values = value if isinstance(value, list) else [value]
        said.append(f"{_letter(key)} = {' or '.join(f'{v:g}' if isinstance(v, float) else str(v) for v in values)}")
    return literal(", ".join(said))


def _letter(key: str) -> str:
    return LETTERS.get(key, key.replace("_", " "))

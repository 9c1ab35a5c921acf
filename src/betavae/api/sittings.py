"""Running a study in sittings and by its looks: until the hours are over, or until every claim is decided."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from betavae.errors import Misuse
from betavae.study.claims import asks, first
from betavae.study.jobs.messages import Hear
from betavae.study.run import Outcome, run
from betavae.study.settings import Settings

if TYPE_CHECKING:
    from betavae.report.statistics.verdicts import Verdict
    from betavae.study.cells import Study
    from betavae.study.executors.base import Executor
    from betavae.study.store import Store

WORDS = {"undecided": "undecided", "not run": "not judged"}
"""What a look says of verdicts that decide nothing."""
RESERVE = 5.0
"""Seconds before the end at which trainings are put down: workers take some to write and to end."""


def _tell(text: str) -> None:
    print(f"betavae: {text}", file=sys.stderr)


def sit(
    study: Study,
    store: Store,
    settings: Settings = Settings(),  # noqa: B008  (it is frozen)
    *,
    hours: float | None = None,
    until: str | None = None,
    quiet: bool = False,
    executor: Executor | None = None,
    listen: Hear = lambda worker, message: None,
    tell: Callable[[str], None] = _tell,
) -> Outcome:
    """Run what is missing of a study, for so many ``hours`` at most; with ``until`` "decided" look by look, and no look
    more once every claim is decided. ``tell`` hears what each look came to.

    Raises Misuse where there are no looks to go by, or the hours are none.
    """
    parts = [study] if until is None else looks_of(study, until)
    if hours is not None:
        if not hours > 0:
            raise Misuse(f"hours is {hours!r}; wanted a number above 0")
        settings = msgspec.structs.replace(settings, ends=time.time() + 3600 * hours - RESERVE)
    whole = Outcome(0.0, 0.0, {})
    for number, part in enumerate(parts, 1):
        here = run(part, store, settings, quiet=quiet, executor=executor, listen=listen)
        failures = {**whole.failures, **here.failures}
        seconds, predicted = whole.seconds + here.seconds, whole.predicted + here.predicted
        whole = Outcome(seconds, predicted, failures, here.left, whole.done + here.done)
        if until is None or here.left:
            break
        if not asks(part) <= store.done():
            tell(f"look {number} of {len(parts)} lacks what failed; mend that, and the same command judges it")
            break
        from betavae.report.statistics.looks import still_open

        found = judged(study, store)
        words = Counter(WORDS.get(verdict.word, "decided") for verdict in found)
        at = f"look {number} of {len(parts)}, {study.looks[number - 1]} seeds"
        said = ", ".join(f"{count} {word}" for word, count in words.items())
        tell(f"{at}: of {len(found)} claim{'s' * (len(found) != 1)} {said}")
        if not still_open(found, coming=study.name != "paper"):
            break
    return whole


def looks_of(study: Study, until: str) -> list[Study]:
    """The parts of a study that its looks judge. Raises Misuse."""
    if until != "decided":
        raise Misuse(f"until is {until!r}; wanted 'decided'")
    if not study.looks:
        raise Misuse(
            f"--until decided goes look by look, and {study.name!r} declares no looks; "
            "write them above the first table of its file, before anything is run: looks = [6, 10, 20]"
        )
    if not study.claims and study.name != "paper":
        raise Misuse(f"--until decided judges claims, and {study.name!r} has none; add [[claims]] to its file")
    return [first(study, seeds) for seeds in study.looks]


def judged(study: Study, store: Store) -> list[Verdict]:
    """The claims of a study, the paper's or its own, as the records of a store judge them now."""
    if study.name == "paper":
        from betavae.paper.claims.judged import judged as papers
        from betavae.paper.evidence import gathered

        return [verdict for family in papers(gathered([store], study), study) for verdict in family]
    from betavae.report.own.answers import Own
    from betavae.report.statistics.claims import own_verdicts

    own = Own([store], study)
    return own_verdicts(study, own.evidence, own.answers)

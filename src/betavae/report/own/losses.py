"""The terms of the loss along training, every run a line, and where they end."""

from __future__ import annotations

from betavae.report import wording
from betavae.report.document import Heading, Part, Table, literal
from betavae.report.own import figures
from betavae.report.own.answers import Own, Setting, told_apart
from betavae.report.own.scores import decimals, together
from betavae.report.statistics.summary import summarise
from betavae.report.style import picture


def losses(own: Own) -> list[Part]:
    """The section of loss curves: every training, per dataset and objective, and where the terms end."""
    parts: list[Part] = []
    for place, dataset in enumerate(own.datasets, 1):
        trained = [s for s in own.of(dataset) if next(iter(s.cells.values())).recipe]
        objectives = dict.fromkeys(setting.row.objective or "" for setting in trained)
        for number, objective in enumerate(objectives, 1):
            mine = [setting for setting in trained if (setting.row.objective or "") == objective]
            what = f"{literal(objective)} on {literal(dataset)}"
            parts += _curves(own, f"{place}-{number}", mine, what)
            parts += _ends(own, mine, what)
    return [Heading("Loss curves"), *parts] if parts else []


def _curves(own: Own, name: str, settings: list[Setting], what: str) -> list[Part]:
    parts: list[Part] = []
    chunks = [settings[k : k + figures.LINES] for k in range(0, len(settings), figures.LINES)]
    for part, chunk in enumerate(chunks, 1):
        runs, short = [], told_apart(chunk)
        for setting in chunk:
            for cell in setting.cells.values():
                fit = own.record(cell)
                arrays = own.arrays(fit) if fit and fit["arrays"] else {}
                if "seen" in arrays and arrays["seen"].size:
                    length = len(arrays["seen"])
                    runs.append((short[setting.row], {k: a for k, a in arrays.items() if a.shape[:1] == (length,)}))
        terms = list(dict.fromkeys(k for _, a in runs for k in a if k not in ("step", "seen")))
        terms.sort(key=lambda term: ({"reconstruction": 0, "kl": 1}.get(term, 2), term))
        if terms:
            of = f" ({part} of {len(chunks)})" if len(chunks) > 1 else ""
            caption = (
                f"{what}{of}: the terms of the loss during training, one line per run; the first twentieth of a run "
                "may lie outside the frame."
            )
            titles = [{"kl": "KL", "reconstruction": "reconstruction loss"}.get(t, t.replace("_", " ")) for t in terms]
            parts.append(picture(f"losses-{name}-{part}", figures.losses(runs, terms, titles), caption))
    return parts


def _ends(own: Own, settings: list[Setting], what: str) -> list[Table]:
    """What the records of trainings say of their end, mean ± sd over seeds."""
    fits = [[own.record(cell) for cell in setting.cells.values()] for setting in settings]
    good = [[fit["scores"] for fit in row if fit and fit["status"] == "ok"] for row in fits]
    keys = list(dict.fromkeys(key for row in good for told in row for key in told))
    if not keys:
        return []
    digits = {key: decimals([told[key] for row in good for told in row if key in told]) for key in keys}
    rows = [
        [
            literal(setting.label),
            str(len(row)),
            *(together(wording.spread(summarise([t[key] for t in row if key in t]), 1.0, digits[key])) for key in keys),
        ]
        for setting, row in zip(settings, good, strict=True)
    ]
    header = ["Setting", "n", *(literal(key.replace("_", " ")) for key in keys)]
    return [Table(f"{what}: at the end of training, mean ± sd", header, rows)]

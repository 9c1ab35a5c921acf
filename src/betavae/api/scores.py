"""``score``: metrics put to a model, in a table with what they are read against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from betavae.api import arguments
from betavae.api.model import Model
from betavae.api.table import Table
from betavae.errors import Misuse, shown
from betavae.metrics import of_one_factor

if TYPE_CHECKING:
    from betavae.datasets.base import Dataset
    from betavae.metrics.base import Metric, Probe, Subject

NOTE = "interval: 95 % t interval of the mean over {seeds} redrawn questions; what another training gives is not in it"


def score(
    model: Model | Any,
    data: Dataset | None = None,
    metrics: Any = "higgins",
    *,
    seeds: int = 5,
    floors: bool = True,
    rotated: bool = True,
) -> Table:
    """Put metrics to a model, and to floors and a ceiling beside it; all answer the same draws.

    ``model`` is a model, or whatever ``betavae.evaluate`` takes: a function from images to codes, an array of codes, a
    transformer. ``metrics`` is a name, a metric, a list of these, or a mapping of names to knobs, as
    ``{"higgins": {"votes": 500}}``; "dci" is by the lasso unless its ``model`` is given, and its row says so. Each
    question is drawn ``seeds`` times. The row "rotated" is the model's own codes
    under a random rotation: a metric that gives it as much as the model did not see disentanglement.

    A row per metric, score and encoder: ``score`` the mean over draws, ``low`` and ``high`` its interval (None for one
    draw), ``sd`` of one draw; where there are any, ``chance`` and why a metric ``refused`` an encoder.
    Raises Misuse where it cannot be put to the model.
    """
    from betavae.metrics.base import Codes, Subject
    from betavae.metrics.comparison import shares, spread
    from betavae.representation import beside, encoders

    seeds = arguments.whole(seeds, "seeds", 1)
    floors, rotated = arguments.flag(floors, "floors"), arguments.flag(rotated, "rotated")
    if data is None and not isinstance(model, Model):
        raise Misuse("score was given no dataset; wanted score(encoder, data)")
    data = arguments.dataset(data, model if isinstance(model, Model) else None)
    name = model.name if isinstance(model, Model) else "encoder"
    codec = model.on(data).codec if isinstance(model, Model) else encoders.codec(model, data)
    asked = questions(metrics)
    subject = Subject(data, codec, Codes(data, codec))
    width = int(subject.codes(_zero()).shape[-1])
    encoders_ = {name: subject}
    if floors:
        for label, each in beside(data, codes=width, seed=0).items():
            encoders_[label] = Subject(data, each, Codes(data, each))
    rows: list[dict[str, Any]] = []
    for metric, (measure, knobs) in asked.items():
        for label, one in encoders_.items():
            draws = _asked(measure, metric, one, seeds, first=label == name)
            if isinstance(draws, str):
                rows.append(_row(metric, "", label, None, None, draws))
                continue
            keys = [key for key in draws[0] if key not in ("train", "converged") and not of_one_factor(key)]
            for key in keys:
                chance = _chance(measure, knobs, data) if key == keys[0] else None
                rows.append(
                    _row(
                        metric, key, label, spread([d[key] for d in draws if key in d], shares(metric, measure)), chance
                    )
                )
            if label == name and rotated:
                mixed = _mixed(measure, metric, one, seeds)
                if isinstance(mixed, str):
                    rows.append(_row(metric, keys[0], "rotated", None, None, mixed))
                elif mixed:
                    rows.append(_row(metric, keys[0], "rotated", spread(mixed, shares(metric, measure)), None))
    columns = {key: [row[key] for row in rows] for key in rows[0]}
    empty = [key for key in ("chance", "refused") if all(value is None for value in columns[key])]
    columns = {key: values for key, values in columns.items() if key not in empty}
    return Table(columns, NOTE.format(seeds=seeds) if seeds > 1 else "one draw of each question; no interval")


def questions(metrics: Any) -> dict[str, tuple[Metric | Probe, Mapping[str, Any]]]:
    """Metrics by name with their knobs, whichever way they were given. Raises Misuse for what is none."""
    from betavae.metrics import named
    from betavae.metrics.base import Metric, Probe
    from betavae.metrics.comparison import LIGHT, quick

    given = [metrics] if isinstance(metrics, str | Metric | Probe) else metrics
    if not isinstance(given, Mapping | Sequence) or not given:
        raise Misuse(f"metrics is {metrics!r:.60}; wanted a name, a metric, a list of these, or names with their knobs")
    found: dict[str, tuple[Metric | Probe, Mapping[str, Any]]] = {}
    for one in given:
        if isinstance(one, Metric | Probe):
            found[one.name if isinstance(one, Metric) else f"measure {len(found) + 1}"] = (one, {})
        else:
            own = given[one] if isinstance(given, Mapping) else {}
            if not isinstance(own, Mapping):
                raise Misuse(f"the knobs of {shown(one)} are {shown(own)}; wanted names with their values")
            knobs = dict(own) if "like" in own else {**quick(one), **LIGHT.get(one, {}), **own}
            measure = named(one, **knobs)
            found[getattr(measure, "name", one) if one in LIGHT else one] = (measure, knobs)
    return found


def _zero() -> Any:
    import torch

    return torch.zeros(1, dtype=torch.long)


def _asked(
    measure: Metric | Probe, name: str, subject: Subject, seeds: int, first: bool
) -> list[dict[str, float]] | str:
    """The scores of each draw, or why there are none; the model's own refusal is the caller's to hear."""
    from betavae.metrics.base import ask

    try:
        draws = [ask(measure, name, subject, seed).scores for seed in range(seeds)]
    except Misuse as error:
        if first:
            raise
        return str(error)
    if not draws[0]:
        raise Misuse(f"{name} gives pictures, no score; see betavae.traverse, or `betavae figure`")
    return draws


def _mixed(measure: Metric | Probe, name: str, subject: Subject, seeds: int) -> list[float] | str:
    """The scores of the rotated codes, none of what looks at images, or why it refuses them."""
    from betavae.metrics.base import Metric, ask
    from betavae.metrics.rotations import rotated

    if not isinstance(measure, Metric) or name == "rotation":
        return []
    try:
        return [ask(rotated(measure), name, subject, seed).scores["rotated"] for seed in range(seeds)]
    except Misuse as error:  # a rotation spreads the directions of fewer codes over all
        return str(error)


def _chance(measure: Metric | Probe, knobs: Mapping[str, Any], data: Dataset) -> float | None:
    known = measure.reads.chance
    return float(known(knobs, data.factors.sizes)) if known and data.factors else None


def _row(metric: str, key: str, encoder: str, found: Any, chance: float | None, refused: str = "") -> dict[str, Any]:
    low, high, sd, mean = (found.low, found.high, found.sd, found.mean) if found else (None, None, None, None)
    return {"metric": metric, "of": key, "encoder": encoder, "score": mean, "low": low, "high": high, "sd": sd,
            "chance": chance, "refused": refused or None}  # fmt: skip

"""Questions to a representation by name. ``METRICS[name](**knobs)`` is a metric or a measure; see ``base`` for the
two.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from betavae.errors import Misuse, choose, shown, unknown
from betavae.metrics import probes
from betavae.metrics.base import Measure, Metric, evaluate
from betavae.metrics.equivalence import calibration, equivalence
from betavae.metrics.fidelity.frechet import frechet
from betavae.metrics.higgins import higgins
from betavae.metrics.reconstruction import reconstruction
from betavae.metrics.rotation import rotated, rotation

METRICS: dict[str, Callable[..., Metric | Measure]] = {
    "higgins": higgins,
    "rotation": rotation,
    "reconstruction": reconstruction,
    "frechet": frechet,
    "samples": probes.samples,
    "reconstructions": probes.reconstructions,
    "traversals": probes.traversals,
    "latent_space": probes.latent_space,
    "architecture": probes.architecture,
    "equivalence": equivalence,
    "calibration": calibration,
}

__all__ = ["METRICS", "evaluate", "frechet", "higgins", "named", "reconstruction", "rotated", "rotation"]


def named(name: str, **knobs: Any) -> Metric | Measure:
    """The metric or measure of this name with these knobs. Raises Misuse for an unknown name or knob, with the near
    match.
    """
    factory = choose(METRICS, name, "measure")
    known = inspect.signature(higgins if name == "rotation" else factory).parameters
    for knob, value in knobs.items():
        if knob not in known:
            if not known:
                raise Misuse(f"{name} has no knob {knob!r}; it takes none")
            raise unknown(f"knob of {name}", knob, known)
        default = known[knob].default
        counted = type(default) is int or (knob == "pool" and value is not None)
        if counted and (type(value) is not int or value < 1):
            raise Misuse(f"{knob} is {shown(value)}; wanted a whole number of at least 1")
        if type(default) is bool and type(value) is not bool:
            raise Misuse(f"{knob} is {shown(value)}; wanted true or false")
    return factory(**knobs)

"""Questions to a representation by name: ``named(name, **knobs)`` is a metric or a measure; see ``base`` for the two.

A new one is a file and a line of ``METRICS``. What a name stands for is imported when it is opened.
"""

from __future__ import annotations

import ast
import inspect
import math
from typing import TYPE_CHECKING, Any

from betavae import errors
from betavae.errors import Misuse, choose, shown, unknown
from betavae.names import opened

if TYPE_CHECKING:
    from betavae.metrics.base import Metric as Metric
    from betavae.metrics.base import Probe as Probe
    from betavae.metrics.base import evaluate as evaluate
    from betavae.metrics.fidelity.frechet import frechet as frechet
    from betavae.metrics.losses import reconstruction as reconstruction
    from betavae.metrics.rotations import rotated as rotated
    from betavae.metrics.rotations import rotation as rotation
    from betavae.metrics.votes import higgins as higgins

METRICS: dict[str, str] = {
    "higgins": "betavae.metrics.votes:higgins@3",
    "leak": "betavae.metrics.leak:leak",
    "rotation": "betavae.metrics.rotations:rotation@3",
    "mig": "betavae.metrics.field.gaps:mig",
    "mig_sup": "betavae.metrics.field.gaps:mig_sup",
    "jemmig": "betavae.metrics.field.gaps:jemmig",
    "dcimig": "betavae.metrics.field.gaps:dcimig",
    "modularity": "betavae.metrics.field.gaps:modularity",
    "explicitness": "betavae.metrics.field.explicitness:explicitness",
    "sap": "betavae.metrics.field.sap:sap",
    "factor_vae": "betavae.metrics.field.factor_vae:factor_vae",
    "dci": "betavae.metrics.field.dci:dci",
    "dci_es": "betavae.metrics.field.dci_es:dci_es",
    "irs": "betavae.metrics.field.irs:irs",
    "infomec": "betavae.metrics.field.infomec:infomec",
    "med": "betavae.metrics.field.med:med",
    "gaussian_tc": "betavae.metrics.field.unsupervised:gaussian_tc",
    "wasserstein": "betavae.metrics.field.unsupervised:wasserstein",
    "mutual_information": "betavae.metrics.field.unsupervised:mutual_information",
    "downstream": "betavae.metrics.field.downstream:downstream",
    "udr": "betavae.metrics.field.stored:udr",
    "matrix": "betavae.metrics.field.stored:matrix",
    "reconstruction": "betavae.metrics.losses:reconstruction@2",
    "frechet": "betavae.metrics.fidelity.frechet:frechet@3",
    "samples": "betavae.metrics.probes:samples@2",
    "reconstructions": "betavae.metrics.probes:reconstructions@2",
    "traversals": "betavae.metrics.probes:traversals@2",
    "latent_space": "betavae.metrics.probes:latent_space@2",
    "architecture": "betavae.metrics.probes:architecture",
    "equivalence": "betavae.metrics.likelihood:equivalence@2",
    "calibration": "betavae.metrics.likelihood:calibration@2",
}
"""What makes a metric or a measure of its knobs, by name. With ``@2`` draws came to depend on the training seed;
with ``higgins@3`` came an accuracy per factor, with ``rotation@3`` whether both fits converged, with ``frechet@3`` a
kernel distance without matched pairs.
"""

_HOMES = {
    **METRICS,
    "evaluate": "betavae.metrics.base:evaluate",
    "rotated": "betavae.metrics.rotations:rotated",
}

__all__ = ["METRICS", "evaluate", "frechet", "higgins", "named", "reconstruction", "rotated", "rotation"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'betavae.metrics' has no attribute {name!r}")
    return opened(_HOMES, name, "name")


def of_one_factor(score: str) -> bool:
    """Whether a score is of one factor alone: left to where every score is told. ``accuracy.100`` is of all factors,
    after 100 images.
    """
    kind, _, rest = score.partition(".")
    return kind in ("accuracy", "gap") and bool(rest) and not rest.isdecimal()


def named(name: str, **knobs: Any) -> Metric | Probe:
    """The metric or measure of this name with these knobs, over those of another toolkit that ``like`` names. With
    ``rotated`` a metric of codes has one more score, its first of the same codes under a random rotation.

    Raises Misuse for an unknown name or knob, with the near match.
    """
    from betavae.metrics.base import Metric, Probe
    from betavae.metrics.peers import like
    from betavae.metrics.rotations import beside

    peer, turned = knobs.pop("like", None), knobs.pop("rotated", False)
    knobs = {**({} if peer is None else like(peer, name)), **knobs}
    factory = opened(METRICS, name, "measure")
    if not callable(factory):
        raise Misuse(f"measure {shown(name)} is a {type(factory).__name__}; wanted a function that gives one")
    known = inspect.signature(factory).parameters
    if [*known][:2] == ["generator", "subject"]:
        raise Misuse(f"measure {shown(name)} measures by itself; wanted a function of knobs that gives such a function")
    for knob, value in list(knobs.items()):
        if knob not in known:
            if not known:
                raise Misuse(f"{name} has no knob {knob!r}; it takes none")
            raise unknown(f"knob of {name}", knob, known)
        kind = str(known[knob].annotation)
        if kind.startswith("Sequence[int]") and type(value) is int:
            knobs[knob] = value = (value,)  # one number where a list of them goes
        if wanted := _misfit(kind, value):
            raise Misuse(f"{knob} is {shown(value)}; wanted {wanted}")
    with errors.made(f"measure {shown(name)}"):
        made = factory(**knobs)
    if not callable(made) and not isinstance(made, Metric | Probe):
        raise Misuse(f"measure {shown(name)} gives a {type(made).__name__}; wanted a Metric or a function")
    for knob, value in knobs.items():  # what a factory does not choose by, it would read as its default
        among = _among(str(known[knob].annotation))
        if among and value not in among:
            choose(dict.fromkeys(among), value, knob)
    if wanted := _misfit("bool", turned):
        raise Misuse(f"rotated is {shown(turned)}; wanted {wanted}")
    if not isinstance(made, Metric):
        if turned:
            raise Misuse(f"rotated is for metrics of codes, and {name} looks at more than codes; leave it out")
        return made if isinstance(made, Probe) else Probe(made)
    if turned and name == "rotation":
        raise Misuse("rotation is the Higgins metric beside itself rotated already; leave rotated out")
    return beside(made, even=name != "higgins" or bool(knobs.get("standardise"))) if turned else made


def _among(kind: str) -> tuple[str, ...]:
    """The words of an annotation ``Literal["a", "b"]``; none of any other."""
    kind = kind.removeprefix("typing.").removesuffix(" | None")
    if not kind.startswith("Literal[") or not kind.endswith("]"):
        return ()
    try:
        words = ast.literal_eval(f"{kind.removeprefix('Literal[')[:-1]},")
    except (ValueError, SyntaxError):  # several of them, or of what is no literal here
        return ()
    return tuple(words) if all(isinstance(word, str) for word in words) else ()


def _misfit(kind: str, value: Any) -> str:
    """What was wanted where a value does not fit the annotation of its knob, else an empty string."""
    if value is None and kind.endswith("| None"):
        return ""
    match kind.removesuffix(" | None"):
        case "int":
            good, wanted = type(value) is int and value >= 1, "a whole number of at least 1"
        case "bool":
            good, wanted = type(value) is bool, "true or false"
        case "float":
            good, wanted = type(value) in (int, float) and math.isfinite(value), "a number"
        case "Sequence[int]":
            good = isinstance(value, list | tuple) and all(type(one) is int and one >= 1 for one in value)
            wanted = "a list of whole numbers of at least 1"
        case "Sequence[str]":
            listed = value if isinstance(value, list | tuple) else [value]
            good, wanted = all(isinstance(one, str) for one in listed), "a name or a list of names"
        case "Sequence[float]":
            good = isinstance(value, list | tuple) and all(type(one) in (int, float) for one in value)
            good, wanted = good and all(map(math.isfinite, value)), "a list of numbers"
        case _:
            return ""
    return "" if good else wanted

"""The objectives and the likelihoods by name, and the knobs that each takes. Nothing here imports an array library."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

from betavae.errors import Misuse, choose, shown
from betavae.names import opened
from betavae.objectives.base import Knob, Likelihood, Objective

OBJECTIVES: dict[str, str] = {
    "beta_vae": "betavae.objectives.beta_vae:beta_vae",
    "gaussian": "betavae.objectives.beta_vae:gaussian",
    "sigma_vae": "betavae.objectives.beta_vae:sigma_vae",
    "annealed_vae": "betavae.objectives.annealed_vae:annealed_vae",
    "factor_vae": "betavae.objectives.factor_vae:factor_vae",
    "beta_tcvae": "betavae.objectives.beta_tcvae:beta_tcvae",
    "dip_vae_i": "betavae.objectives.dip_vae:dip_vae_i",
    "dip_vae_ii": "betavae.objectives.dip_vae:dip_vae_ii",
    "info_vae": "betavae.objectives.info_vae:info_vae",
    "ada_gvae": "betavae.objectives.ada_vae:ada_gvae",
    "ada_ml_vae": "betavae.objectives.ada_vae:ada_ml_vae",
}
LIKELIHOODS: dict[str, str] = {
    "bernoulli": "betavae.objectives.likelihoods:bernoulli",
    "gaussian": "betavae.objectives.likelihoods:gaussian",
    "calibrated": "betavae.objectives.likelihoods:calibrated",
    "continuous_bernoulli": "betavae.objectives.likelihoods:continuous_bernoulli",
}


def named(name: str) -> Objective:
    """The objective of a name. Raises Misuse for an unknown one."""
    found: Objective = opened(OBJECTIVES, name, "objective")
    if not isinstance(found, Objective):
        raise Misuse(f"objective {shown(name)} is a {type(found).__name__}; wanted an Objective of betavae")
    return found


def likelihood(objective: Objective, given: Mapping[str, Any]) -> Likelihood:
    """The likelihood of the pixels under an objective and the knobs it is given. Raises Misuse for an unknown one."""
    if isinstance(objective.likelihood, Likelihood):
        return objective.likelihood
    name = objective.likelihood or str(given.get("likelihood", "bernoulli"))
    found: Likelihood = opened(LIKELIHOODS, name, "likelihood")
    return found


def knobs(objective: Objective, given: Mapping[str, Any]) -> dict[str, Knob]:
    """Every knob that an objective takes beside those it is given: its own, the choice of a likelihood where it leaves
    one, and that likelihood's. Raises Misuse where those given do not go together.
    """
    choice = {} if objective.likelihood else {"likelihood": Knob("bernoulli", among=tuple(LIKELIHOODS))}
    objective.check(given)
    return {**objective.knobs, **choice, **likelihood(objective, given).knobs}


def checked(objective: Objective, given: Mapping[str, Any]) -> dict[str, Any]:
    """The knobs given, numbers as their defaults are. Raises Misuse for one that is unknown or out of its range."""
    known = knobs(objective, given)
    return {
        name: _within(name, value, choose(known, name, f"knob of {objective.name}")) for name, value in given.items()
    }


def said(objective: Objective, given: Mapping[str, Any]) -> dict[str, Any]:
    """The knobs that a cell names where nobody writes its study file: those given, and the β of the β-VAE and its two
    kin, so that the cell is that of a file which says it. Raises Misuse as ``checked`` does.
    """
    plain = {"beta": 1.0} if objective.name in ("beta_vae", "gaussian", "sigma_vae") else {}
    return {**plain, **checked(objective, given)}


def _within(name: str, value: Any, knob: Knob) -> Any:
    if knob.among:
        return value if value in knob.among else choose(dict.fromkeys(knob.among), value, name)
    whole = isinstance(knob.default, int)
    if type(value) is not bool and isinstance(value, Real):  # of NumPy too, as seeds and codes are
        value = int(value) if isinstance(value, Integral) else float(value)
    good = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not good or not knob.low <= value <= knob.high:
        kind = "a whole number" if whole else "a number"
        raise Misuse(f"{name} is {value!r}; wanted {kind} from {knob.low:g} to {knob.high:g}")
    return value if whole else float(value)


def settled(objective: Objective, given: Mapping[str, Any]) -> dict[str, Any]:
    """The value of every knob: what is given, the default elsewhere. Raises Misuse as ``knobs`` does."""
    return {**{name: knob.default for name, knob in knobs(objective, given).items()}, **given}

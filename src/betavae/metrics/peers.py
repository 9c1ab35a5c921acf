"""Other toolkits' conventions by name: the knobs that make a metric theirs, so that their numbers can be held to ours.

``named("sap", like="disentanglement_lib")`` is that library's SAP. What cannot be had by knobs, because it is a bug, is
told of in ``docs/metrics/peers.md`` and not copied.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from betavae.errors import choose, unknown

PEERS: dict[str, dict[str, dict[str, Any]]] = {
    "disentanglement_lib": {
        "higgins": {"pairs": 64, "votes": 10_000, "test_votes": 5_000, "standardise": False},
        "factor_vae": {"batch": 64, "votes": 10_000, "test_votes": 5_000, "threshold": 0.05},
        "mig": {"images": 10_000, "bins": 20},
        "modularity": {"images": 10_000, "bins": 20},
        "explicitness": {"images": 10_000, "test_images": 5_000},
        "sap": {"images": 10_000, "kind": "discrete"},
        "dci": {"images": 10_000, "model": "gbt"},
        "irs": {"images": 10_000, "quantile": 0.99, "bins": 20},
        "gaussian_tc": {"images": 10_000},
        "wasserstein": {"images": 10_000},
        "mutual_information": {"images": 10_000},
        "downstream": {"train": (10, 100, 1000, 10_000)},
        "udr": {"images": 1000, "kind": "lasso"},
    },
    "carbonneau": {
        "mig": {"bins": 20, "norm": "code"},
        "mig_sup": {"bins": 20, "norm": "code"},
        "jemmig": {"bins": 10},
        "irs": {"quantile": 1.0, "bins": 10},
    },
    "disent": {"factor_vae": {"threshold": 0.0}, "sap": {"kind": "discrete"}, "dci": {"model": "gbt"}},
    "eastwood": {"dci": {"model": "lasso"}},
    "tripod": {"dci": {"model": "forest_entropy"}},
    "cao": {"med": {"images": 10_000, "top": 1}},
}
"""Knobs by toolkit and metric."""


def whole(name: str, knobs: Mapping[str, Any]) -> dict[str, Any]:
    """The knobs of a question with those that its ``like`` stands for, where it has one."""
    peer = PEERS.get(str(knobs.get("like")), {})
    return {**peer.get(name, {}), **knobs}


def like(peer: str, name: str) -> dict[str, Any]:
    """The knobs that make this metric that toolkit's. Raises Misuse where either is unknown."""
    known = choose(PEERS, peer, "toolkit")
    if name not in known:
        raise unknown(f"metric of {peer}", name, known)
    return dict(known[name])

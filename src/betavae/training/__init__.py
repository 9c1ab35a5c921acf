"""Training: one member (``single``), many members (``population``), and what survives a crash (``checkpoint``)."""

OPTIMISERS: dict[str, str] = {
    "adam": "betavae.training.optimisers:ADAM",
    "adagrad": "betavae.training.optimisers:ADAGRAD",
    "adamw": "betavae.training.optimisers:ADAMW",
}
"""The optimisers by name."""

"""Python's verbs, beside the command's: fit, score, draw, open, run. The package's own names lead here.

Nothing is imported until a verb is used. Every verb takes a ``Dataset`` and a ``Model`` where the command line takes
their names, and raises ``Misuse`` for what cannot be and ``Fault`` for what failed, with the same words.
"""

"""``betavae completion``: a script by which a shell completes verbs, options and names."""

from __future__ import annotations

import argparse

from betavae.cli.options import Verb

SHELLS = ("bash", "zsh", "tcsh")


def declare(verb: Verb) -> None:
    """Add the verb."""
    this = verb("completion", "Print a script that completes betavae's words in a shell.",
                "betavae completion bash > ~/.local/share/bash-completion/completions/betavae")  # fmt: skip
    this.add_argument("shell", choices=SHELLS, metavar="shell", help=", ".join(SHELLS))


def act(options: argparse.Namespace) -> int:
    """Print it."""
    import shtab

    from betavae.cli.main import parser

    print(shtab.complete(parser(), options.shell))
    return 0

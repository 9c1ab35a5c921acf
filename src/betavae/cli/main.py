"""The command ``betavae``: a few verbs. Results go to standard output, talk to standard error.

Exit codes: 0 good, 1 a run failed or a file cannot be trusted, 2 misuse, 130 interrupted. Heavy imports happen
inside the verbs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from betavae.cli import cite, completion, data, doctor, explore, export, figure, report, run, score, status, train
from betavae.cli.options import Parser, trusted, verb
from betavae.errors import BetavaeError, Misuse, Notice, shown, unknown

VERBS = {
    "data": data.act,
    "run": run.act,
    "status": status.act,
    "report": report.act,
    "train": train.act,
    "score": score.act,
    "figure": figure.act,
    "explore": explore.act,
    "doctor": doctor.act,
    "export": export.act,
    "cite": cite.act,
    "completion": completion.act,
}
"""What each verb does: options in, an exit code out."""


def parser() -> Parser:
    """The whole command line."""
    top = Parser(
        prog="betavae",
        description="Run a whole β-VAE study and tell the truth about it.",
        epilog="example:\n  betavae run paper --scale laptop && betavae report runs/paper-laptop",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="store_true", help="print the version and stop")
    top.set_defaults(parser=top)
    add = partial(verb, top.add_subparsers(dest="verb", metavar="verb", parser_class=Parser))
    for module in (data, run, status, report, train, score, figure, explore, doctor, export, cite, completion):
        module.declare(add)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a β on a terminal that knows none is told by its number
            stream.reconfigure(errors="backslashreplace")
    os.environ["MPLBACKEND"] = "agg"  # a notebook's, come down to here, may name what is not installed
    with warnings.catch_warnings():
        warnings.simplefilter("always", Notice)
        warnings.showwarning = partial(_notice, warnings.showwarning, set())
        return _run(arguments)


def _notice(usual: Callable[..., None], said: set[str], message: Warning | str, *where: Any, **more: Any) -> None:
    """Tell a notice as a line of the command, each once; other warnings as usual."""
    if not isinstance(message, Notice):
        usual(message, *where, **more)
    elif str(message) not in said:
        said.add(str(message))
        print(f"betavae: {message}", file=sys.stderr)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        options = _read(arguments)
        if options.version:
            from betavae import __version__

            print(f"betavae {__version__}")
            return 0
        if options.verb is None:
            raise Misuse("no verb given; see `betavae --help`")
        if getattr(options, "trust", None):
            trusted(options.trust, Path(getattr(options, "study", ".")).parent)
        return VERBS[options.verb](options)
    except BetavaeError as error:
        print(f"betavae: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("betavae: interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except OSError as error:  # a path that cannot be: too long, a loop of links, in a folder that may not be read
        named = "" if error.filename is None else f"{shown(str(error.filename))}: "
        print(f"betavae: {named}{error.strerror or error}", file=sys.stderr)
        return 1


def _read(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options of a command line. Raises Misuse: of an option that a verb lacks in that verb's own words."""
    options, strange = parser().parse_known_args(arguments)
    for word in strange:
        if word.startswith("-"):
            known = [name for action in options.parser._actions for name in action.option_strings]
            raise Misuse(f"{unknown('option', word.partition('=')[0], known)}; see `{options.parser.prog} --help`")
        options.parser.error(f"unrecognized argument {shown(word)}")
    return options

"""What every verb's arguments are made of: a parser whose errors are one clear line, and readers of values."""

from __future__ import annotations

import argparse
import contextlib
import math
import sys
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Protocol

from betavae.errors import Misuse, shown, unknown
from betavae.names import foreign

if TYPE_CHECKING:
    from betavae.trust import Source

SCALES = ("smoke", "laptop", "overnight", "paper", "beyond")
PLUGGED = ("dataset", "method", "objective", "metric")
"""What may also be code from outside, file.py:name or module:name."""
PRECISIONS = ("float32", "tf32", "bf16")


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one clear line with the near match."""

    def error(self, message: str) -> NoReturn:
        line = " ".join(message.split())
        raise Misuse(f"{line[:300]}{'…' if len(line) > 300 else ''}; see `{self.prog} --help`")

    def _check_value(self, action: argparse.Action, value: object) -> None:
        if action.dest in PLUGGED and foreign(value):
            return
        if action.choices is not None and value not in action.choices:
            raise unknown(
                action.metavar if isinstance(action.metavar, str) else action.dest, value, map(str, action.choices)
            )


class Verb(Protocol):
    """Adds a verb: its name, what it does in a sentence, and an example."""

    def __call__(self, name: str, what: str, example: str) -> Parser: ...


def verb(verbs: argparse._SubParsersAction[Parser], name: str, what: str, example: str) -> Parser:
    """Add a verb to others; its help ends with the example."""
    this = verbs.add_parser(
        name, help=what[0].lower() + what[1:], description=what, epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    this.set_defaults(parser=this)
    return this


def device(this: Parser) -> None:
    """Add ``--device``."""
    this.add_argument("--device", default="cpu", help="cpu or cuda (default: cpu)")


def trusting(this: Parser) -> None:
    """Add ``--trust``."""
    this.add_argument(
        "--trust", action="append", default=[], metavar="WHAT",
        help="a file of Python or a package that the study or store names and whose code may run here; it is hashed "
        "with all that it brings, and remembered until it changes (may be given again)",
    )  # fmt: skip


def permitted(*names: str | None) -> dict[str, Source]:
    """The code that these names lead to, allowed for this command: who names code on the command line has said that it
    may run. Raises Misuse, Fault.
    """
    from betavae import trust

    given = [trust.look(name) for name in names if name and foreign(name)]
    sources = {source.name: source for source in given}
    trust.permit(sources.values())
    return sources


def trusted(names: Iterable[str], *folders: Path) -> None:
    """Remember what ``--trust`` names, here or in ``folders``, and say what that is. Raises Misuse, Fault."""
    from betavae import trust

    for name in names:
        here = Path(name).absolute()
        source = trust.look(str(here) if name.endswith(".py") and here.exists() else name, folders)
        trust.remember(source)
        print(f"betavae: {source.path} may run here, sha256 {source.sha256}", file=sys.stderr)


def stores(this: Parser, count: str, fallback: str = "") -> None:
    """Add ``store``: so many folders of studies."""
    where = f" (default: {fallback})" if fallback else ""
    this.add_argument("stores", nargs=count, type=Path, metavar="store", help=f"folders of studies{where}")


def newest() -> Path:
    """The folder of the study last run under ``runs/``. Raises Misuse where there is none."""
    found = sorted(Path("runs").glob("*/study.json"), key=lambda p: p.stat().st_mtime)
    if not found:
        raise Misuse("no study under runs/; name a store, or start one with `betavae run paper`")
    return found[-1].parent


def whole(least: int, most: int = 2**62) -> Callable[[str], int]:
    """A reader of whole numbers within bounds, underscores allowed."""

    def read(text: str) -> int:
        plain = text.replace("_", "")
        if not (plain.isascii() and plain.isdecimal() and len(plain) < 20) or not least <= int(plain) <= most:
            end = f" to {most:,}" if most < 2**62 else " on"
            raise argparse.ArgumentTypeError(f"{shown(text)} is not a whole number from {least}{end}")
        return int(plain)

    return read


def positive(text: str) -> float:
    """A positive, finite number."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 1e-12 <= number <= 1e12:
        raise argparse.ArgumentTypeError(f"{shown(text)} is not a positive number")
    return number


def knob(text: str) -> tuple[str, object]:
    """``key=value`` with the value as in a study file; a bare word is a string, words or numbers with commas are a
    list, none is None.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.isidentifier():
        raise argparse.ArgumentTypeError(f"{shown(text)} is no knob; write key=value, as in votes=500")
    if value == "none":
        return key, None
    for form in (value, f"[{value}]") if "," in value else (value,):
        with contextlib.suppress(ValueError, RecursionError):
            return key, tomllib.loads(f"value = {form}")["value"]
    return key, value.split(",") if "," in value else value

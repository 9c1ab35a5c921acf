"""Functions of Python that a command names, ``mine:encode`` or ``sub/mine.py:encode``: run because they are named, and
known by the sha256 of what was run.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib
import sys
from pathlib import Path
from typing import Any, NamedTuple

from betavae import trust
from betavae.errors import Fault, Misuse, notice, unknown
from betavae.representation.encoders import told


class Found(NamedTuple):
    """What a name led to, and the sha256 of its code: of the file, and of what it brings from beside it."""

    what: Any
    sha256: str


def named(text: str) -> bool:
    """Whether a text names something of Python, and not a file whose name has a colon in it."""
    return ":" in text and not Path(text).is_file()


def imported(text: str, kind: str) -> Found:
    """What ``module:name`` or ``file.py:name`` stands for. The module is run: who names it in a command has said that
    it may.

    A file, and a module of the working directory, is run from the bytes that were hashed. An installed module, and a
    package too large to be hashed whole, is imported as Python does, and its own file alone is hashed. Raises Misuse
    for a name that leads nowhere, Fault where the module cannot be run.
    """
    where, _, name = text.partition(":")
    part = trust.part(text)
    if where.endswith(".py") or any((Path.cwd() / each).is_file() for each in (f"{part}.py", f"{part}/__init__.py")):
        try:
            source = trust.look(part)
        except Fault as fault:
            if where.endswith(".py"):
                raise
            notice(f"{fault}; {where} is imported as it is, and its own file alone is hashed")
        else:
            with trust.granted(part):
                trust.use([source])  # as it is now, whatever a file of this name was before
                return Found(trust.opened(text, kind), source.sha256)
    found = _imported(where)
    if not hasattr(found, name):
        raise unknown(f"name in {where}", name, [each for each in vars(found) if not each.startswith("_")])
    try:
        digest = hashlib.sha256(Path(str(found.__file__)).read_bytes()).hexdigest()
    except (OSError, AttributeError):  # built in, or a folder of modules
        digest = ""
    return Found(getattr(found, name), digest)


def _imported(module: str) -> Any:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found = importlib.import_module(module) if all(map(str.isidentifier, module.split("."))) else None
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):  # something that the module itself wants
            raise Fault(f"{module} cannot be imported: {told(error)}") from error
        found = None
    except (Exception, SystemExit) as error:
        raise Fault(f"{module} cannot be imported: {told(error)}") from error
    if found is None:
        near = difflib.get_close_matches(module, [p.stem for p in Path.cwd().glob("*.py")], n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"run where {module}.py lies, or install it"
        raise Misuse(f"unknown module {module!r}; {hint}")
    return found

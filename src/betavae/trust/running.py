"""Programs from outside, run from the very bytes that were hashed.

Their modules live under a name of their own, so that nothing of them can stand in for a module of anybody else's.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib.abc
import importlib.machinery
import inspect
import sys
import traceback
import types
from pathlib import Path
from typing import Any

from betavae.errors import BetavaeError, Fault, Misuse, shown, unknown
from betavae.trust.sources import Program, digest


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Serves the modules of programs from memory, each under its program's own name."""

    def __init__(self) -> None:
        self.programs: dict[str, Program] = {}

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        own, _, name = fullname.partition(".")
        program = self.programs.get(own)
        if program is None or (name and name not in program.files):
            return None
        if not name:
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        file = program.files[name][0]
        spec = importlib.machinery.ModuleSpec(fullname, self, origin=str(file), is_package=file.name == "__init__.py")
        spec.has_location = True
        return spec

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        own, _, name = module.__name__.partition(".")
        if not name:
            return
        path, data = self.programs[own].files[name]
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": self._importer(own)}
        exec(compile(data, str(path), "exec", dont_inherit=True), module.__dict__)

    def _importer(self, own: str) -> Any:
        """An ``__import__`` that finds the program's own modules first, under the names that its source gives them."""
        tops = {name.partition(".")[0] for name in self.programs[own].files}

        def imported(
            name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
        ) -> types.ModuleType:
            top = name.partition(".")[0]
            if level or top not in tops:
                return builtins.__import__(name, globals, locals, fromlist, level)
            found = builtins.__import__(f"{own}.{name}", globals, locals, fromlist, 0)
            return found if fromlist else sys.modules[f"{own}.{top}"]

        return imported


_FINDER = _Finder()


def attribute(program: Program, where: str, wanted: str, kind: str) -> Any:
    """What a program's module calls ``wanted``, the module run where it has not been. ``where`` is as it was named.

    Raises Misuse where there is no such attribute of its own, Fault where the module cannot be run.
    """
    name = program.module if where.endswith(".py") else where
    if name not in program.files:
        raise unknown(f"module of {program.path}", name, [each for each in program.files if each[0] != "/"])
    if not wanted.isidentifier() or wanted.startswith("_"):
        raise Misuse(f"{shown(wanted)} is no name of a {kind}; wanted one that {where} defines")
    module = _run(program, name)
    if wanted not in vars(module):
        raise unknown(f"name in {where}", wanted, [each for each in vars(module) if not each.startswith("_")])
    found = vars(module)[wanted]
    home = str(getattr(found, "__module__", "")) if inspect.isroutine(found) or inspect.isclass(found) else None
    if isinstance(found, types.ModuleType) or (home and home.partition(".")[0] != module.__name__.partition(".")[0]):
        whose = home or getattr(found, "__name__", "elsewhere")
        raise Misuse(f"{wanted} of {where} comes from {whose}; wanted a {kind} that {where} makes itself")
    return found


def _run(program: Program, name: str) -> types.ModuleType:
    """The module of this name, run once a process and sha256. Raises Fault for whatever it raises."""
    own = "trusted_" + digest(f"{program.sha256} {program.path}".encode())[:16]
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
    _FINDER.programs[own] = program
    before = set(sys.modules)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            return importlib.import_module(f"{own}.{name}")
    except BetavaeError:
        raise
    except (Exception, SystemExit) as error:
        for each in set(sys.modules) - before:
            if each.partition(".")[0] == own:
                del sys.modules[each]
        raise Fault(f"{program.path} cannot be imported: {_told(error, program).replace(f'{own}.', '')}") from None


def _told(error: BaseException, program: Program) -> str:
    """What an error of a module says, and where in the program it was raised."""
    if isinstance(error, SyntaxError):
        return f"SyntaxError: {str(error.msg)[:200]} ({Path(error.filename or program.path).name}:{error.lineno})"
    mine = {str(path) for path, _ in program.files.values()}
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename in mine]
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    said = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}{f': {said}' if said else ''}{place}"

"""Python source from outside, found by name, read once and hashed whole; nothing is run.

A file comes with the files beside it that it imports, a package with all its files.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
import importlib.util
import itertools
import os
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from betavae.errors import Fault, Misuse, shown

LARGEST, MOST, LONGEST = 1_000_000, 2_000, 500
"""Bytes of a file of source, files of a package, and characters of a name, at most."""


class Program(NamedTuple):
    """Source that is run as one: ``path`` is the file or the package's folder, ``module`` what imports call it,
    ``files`` its modules by name, each with its path and bytes.

    ``sha256`` is that of the file; of several, that of the list that ``sha256sum`` prints of them in order of name.
    """

    path: Path
    module: str
    files: Mapping[str, tuple[Path, bytes]]
    sha256: str


def read(name: str, folders: Sequence[Path] = ()) -> Program:
    """The program of a file ``sub/mine.py`` or of a module ``mine``: in one of ``folders``, in the working directory,
    or installed. Raises Misuse where there is none, or where the name leads out of its folder; Fault.
    """
    if not 0 < len(name) <= LONGEST or not name.isprintable():
        raise Misuse(f"{shown(name)} is no file of Python and no module; wanted file.py:name or module:name")
    homes = list(dict.fromkeys([*(Path(each).resolve() for each in folders), Path.cwd()]))
    if name.endswith(".py"):
        return at(_file(name, homes))
    if not name.isidentifier():
        raise Misuse(f"{shown(name)} is no file of Python and no module; wanted file.py:name or module:name")
    if name in sys.stdlib_module_names or name == "betavae":
        whose = "betavae's own" if name == "betavae" else "Python's own"
        raise Misuse(f"{name} is {whose}; wanted a file of yours, file.py:name, or a package of yours")
    for home in homes:
        if (home / name / "__init__.py").is_file():
            return at(_within(home / name, home, name))
        if (home / f"{name}.py").is_file():
            return at(_within(home / f"{name}.py", home, name))
    return at(_installed(name, homes))


def at(path: Path) -> Program:
    """The program that lies at a path now. Raises Fault."""
    module = path.stem.replace(".", "_")
    if path.is_dir():
        files = dict(_package(path, module, path))
        listed = [f"{digest(data)}  {file.relative_to(path).as_posix()}" for file, data in files.values()]
    else:
        files = {module: (path, _bytes(path))}
        _siblings(path.parent, files)
        if len(files) == 1:
            return Program(path, module, files, digest(files[module][1]))
        listed = [f"{digest(data)}  {file.relative_to(path.parent).as_posix()}" for file, data in files.values()]
    ordered = sorted(listed, key=lambda line: line[66:])
    return Program(path, module, files, digest("".join(f"{line}\n" for line in ordered).encode()))


def _file(name: str, homes: Sequence[Path]) -> Path:
    """A file by its path. Raises Misuse where it is not there, or not in the folder that its name is relative to."""
    if ".." in Path(name).parts:
        raise Misuse(f"{shown(name)} leads out of its folder by '..'; give the path of the file itself")
    if Path(name).is_absolute():
        homes = [Path(name).parent.resolve()]
        name = Path(name).name
    for home in homes:
        if (home / name).exists():
            return _within(home / name, home, name)
    looked = " or ".join(map(str, homes))
    near = difflib.get_close_matches(Path(name).name, [p.name for home in homes for p in home.glob("*.py")], n=1)
    raise Misuse(f"{name} is not in {looked}{f'; did you mean {near[0]!r}?' if near else '; wanted a file of Python'}")


def _within(path: Path, home: Path, name: str) -> Path:
    real = path.resolve()
    if not real.is_relative_to(home) or (real.suffix == ".py") != (not real.is_dir()):
        raise Misuse(f"{shown(name)} leads out of {home}, to {real}; give the path of the file itself")
    return real


def _installed(name: str, homes: Sequence[Path]) -> Path:
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        found = None
    if found is None or found.origin is None or not found.origin.endswith(".py"):
        near = difflib.get_close_matches(name, [p.stem for home in homes for p in home.glob("*.py")], n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"give the path of its file, or run where {name}.py lies"
        raise Misuse(f"unknown module {name!r}; {hint}")
    origin = Path(found.origin).resolve()
    return origin.parent if origin.name == "__init__.py" else origin


def _bytes(path: Path) -> bytes:
    """What an ordinary file of at most LARGEST bytes holds. Raises Fault."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Fault(f"{path}: not an ordinary file; wanted a file of Python")
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise Fault(f"{path} cannot be read: {error.strerror or error}") from None
    if len(data) > LARGEST:
        raise Fault(f"{path}: larger than {LARGEST:,} bytes; no file of Python is")
    return data


def digest(data: bytes) -> str:
    """The sha256 of bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def _package(folder: Path, module: str, root: Path) -> Iterator[tuple[str, tuple[Path, bytes]]]:
    """Every file of a package, modules by their names, other files by their paths. Raises Fault."""
    found = (p for p in folder.rglob("*") if "__pycache__" not in p.parts and not p.is_dir())
    paths = list(itertools.islice(found, MOST + 1))
    if len(paths) > MOST:
        raise Fault(f"{folder} has more than {MOST:,} files; too large a package to be hashed whole")
    for path in sorted(paths):
        if not path.resolve().is_relative_to(root):
            raise Fault(f"{path} leads out of its package, to {path.resolve()}; put the file itself there")
        parts = path.relative_to(folder).with_suffix("").parts
        name = ".".join([module, *(parts[:-1] if parts[-1] == "__init__" else parts)])
        yield (name if path.suffix == ".py" else f"/{path}"), (path, _bytes(path))


def _siblings(folder: Path, files: dict[str, tuple[Path, bytes]]) -> None:
    """Add the modules beside a file that it imports, and theirs."""
    waiting = [data for _, data in files.values()]
    while waiting:
        for name in sorted(_imports(waiting.pop()) - set(files) - set(sys.stdlib_module_names)):
            if (folder / name / "__init__.py").is_file():
                found = dict(_package(folder / name, name, folder))
            elif (folder / f"{name}.py").is_file():
                found = {name: (_within(folder / f"{name}.py", folder, name), _bytes(folder / f"{name}.py"))}
            else:
                continue
            files.update(found)
            waiting += [data for path, data in found.values() if path.suffix == ".py"]


def _imports(data: bytes) -> set[str]:
    """The top-level modules that source imports anywhere; none where it is no Python, which running it will say."""
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            given = [node.module] if node.module else [alias.name for alias in node.names]
            names |= {name.partition(".")[0] for name in given}
    return names

"""Names of what is plugged in: tables of ``"module:attribute"``, and the functions that open a name or read what it
takes.

A line may end in ``@2``, the version of what it names. A table imports nothing; what a name stands for is imported
when it is opened. A stranger's ``"module:attribute"`` or
``"file.py:attribute"`` is opened too, where the user trusts its code (see ``betavae.trust``).
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

from betavae import trust
from betavae.errors import choose
from betavae.trust import foreign as foreign
from betavae.trust import granted as trusted

__all__ = ["Argument", "foreign", "knobs", "opened", "trusted", "version"]


class Argument(NamedTuple):
    """What a factory takes by keyword: its default (``...`` where it must be given or is no literal), and which values
    it takes where its annotation is a Literal of them.
    """

    default: Any = ...
    choices: tuple[Any, ...] = ()


def opened(table: Mapping[str, str], name: str, kind: str) -> Any:
    """What a name stands for: by ``table``, or a stranger's by where it lies.

    Raises Misuse for an unknown name, with the near match, and for a stranger's that the user does not trust.
    """
    if trust.foreign(name) and name not in table:
        return trust.opened(name, kind)
    module, _, attribute = choose(table, name, kind).partition("@")[0].partition(":")
    return getattr(importlib.import_module(module), attribute)


def version(table: Mapping[str, str], name: str) -> int:
    """The version of what a name of a table stands for: it rises where the same name gives other numbers."""
    return int(table[name].partition("@")[2] or 1)


def knobs(table: Mapping[str, str], name: str, kind: str) -> dict[str, Argument]:
    """What the factory of a name takes by keyword alone. Of the house's own it is read from the source, and nothing is
    imported. Raises Misuse as ``opened`` does.
    """
    if trust.foreign(name) and name not in table:
        return dict(_inspected(opened(table, name, kind)))
    module, _, attribute = choose(table, name, kind).partition("@")[0].partition(":")
    return dict(_read(module, attribute))


def _inspected(factory: Any) -> Iterator[tuple[str, Argument]]:
    try:
        hints = get_type_hints(factory) if inspect.isroutine(factory) else {}
    except Exception:  # a stranger's annotations may name what is imported for a type checker alone
        hints = {}
    for name, each in inspect.signature(factory).parameters.items():
        if each.kind is each.KEYWORD_ONLY:
            hint = hints.get(name)
            choices = get_args(hint) if get_origin(hint) is Literal else ()
            yield name, Argument(... if each.default is each.empty else each.default, choices)


@lru_cache(maxsize=256)
def _read(module: str, attribute: str) -> tuple[tuple[str, Argument], ...]:
    """The keyword-only parameters of a function of this package, from its source."""
    path = Path(__file__).parent.joinpath(*module.split(".")[1:])
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    body = ast.parse(path.read_text(encoding="utf-8")).body
    constants = {
        target.id: node.value
        for node in body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name) and node.value is not None
    }
    made = next(node for node in body if isinstance(node, ast.FunctionDef) and node.name == attribute)
    given = zip(made.args.kwonlyargs, made.args.kw_defaults, strict=True)
    return tuple(
        (each.arg, Argument(_literal(default, constants), _choices(each.annotation))) for each, default in given
    )


def _literal(node: ast.expr | None, constants: Mapping[str, ast.expr]) -> Any:
    if isinstance(node, ast.Name):
        node = constants.get(node.id)
    try:
        return ... if node is None else ast.literal_eval(node)
    except ValueError:
        return ...


def _choices(node: ast.expr | None) -> tuple[Any, ...]:
    if not isinstance(node, ast.Subscript) or not isinstance(node.value, ast.Name) or node.value.id != "Literal":
        return ()
    values = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    return tuple(ast.literal_eval(value) for value in values)

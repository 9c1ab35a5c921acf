"""Writes the pages that are copies of tables: every command's help, and every quirk.

    python docs/generate.py

A test compares the pages with what this would write.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

from betavae.cli import parser
from betavae.study.quirks import QUIRKS

HERE = Path(__file__).parent


def parsers() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command with its parser, verbs before their actions."""
    queue: list[tuple[str, argparse.ArgumentParser]] = [("betavae", parser())]
    while queue:
        name, this = queue.pop(0)
        yield name, this
        inner = []
        for action in this._actions:
            if isinstance(action, argparse._SubParsersAction):
                inner += [(f"{name} {verb}", sub) for verb, sub in action.choices.items()]
        queue = inner + queue


def commands() -> str:
    """Every command's help, word for word."""
    os.environ["COLUMNS"] = "100"  # argparse breaks its lines there
    text = [
        "# Commands",
        "",
        "Every command's `--help`, word for word. Exit codes: 0 good, 1 something failed or a file",
    ]
    text += ["cannot be trusted, 2 misuse, 130 interrupted. Results go to standard output, talk to standard error.", ""]
    for name, this in parsers():
        text += [f"## {name}", "", "```text", this.format_help().rstrip(), "```", ""]
    return "\n".join(text)


def quirks() -> str:
    """Every quirk: what it is, where it was read, what it touches."""
    text = ["# Quirks of the published code", ""]
    text += [
        "Deviations of the published code (Mandelbrot99/BetaVAE, commit 2554f34) that can move a published number."
    ]
    text += [
        "All are off by default. The paper's study runs twins with one of them on, which report a difference each."
    ]
    text += ["In a study file, the names go into `quirks = [...]` of a question or a grid and the knobs beside them;"]
    text += ["`betavae run paper --print` shows every twin in that form.", ""]
    for quirk in QUIRKS.values():
        knobs = ", ".join(f"`{k} = {v!r}`" for k, v in (*quirk.cell, *quirk.question, *quirk.recipe))
        text += [f"## {quirk.name}", "", " ".join(quirk.what.split()), ""]
        text += [f"- source: {quirk.source}", f"- touches: {quirk.touches}", f"- knobs: {knobs}", ""]
    return "\n".join(text)


PAGES = {"commands.md": commands, "quirks.md": quirks}

if __name__ == "__main__":
    for page, write in PAGES.items():
        (HERE / page).write_text(write(), encoding="utf-8")

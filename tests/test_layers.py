"""The flow is one way: no file imports from a layer above its own, and some files stay free of heavy libraries."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "betavae"

LAYERS = (
    ("types", "synonyms", "errors", "rng", "disk", "locks", "precision", "processor", "trust", "names"),
    ("factors", "datasets"),
    ("models", "objectives"),
    ("training",),
    ("representation",),
    ("metrics",),
    ("study",),
    ("report",),
    ("paper",),
    ("export", "explorer"),
    ("api",),
    ("cli", "__main__"),
)
RANK = {name: k for k, layer in enumerate(LAYERS) for name in layer}


def modules() -> list[Path]:
    return sorted(p for p in SOURCE.rglob("*.py") if p != SOURCE / "__init__.py")


def imports(path: Path) -> set[str]:
    """The parts of this package that a file imports anywhere, functions included, type checking excluded."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "betavae":
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("betavae.")}
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(SOURCE)))
def test_layers_flow_down(path: Path) -> None:
    part = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    assert part in RANK, f"{part} has no layer; give it one in this test and in docs/design.md"
    for other in imports(path) - {"__version__"}:
        assert RANK[other] <= RANK[part], f"{path.name} ({part}) imports {other}, a layer above"


@pytest.mark.parametrize(
    "module",
    [
        "betavae",
        "betavae.cli.main",
        "betavae.datasets",
        "betavae.study.cells",
        "betavae.study.store",
        "betavae.paper.study",
        "betavae.study.quirks",
        "betavae.paper.published",
        "betavae.study.run",
        "betavae.report.evidence",
        "betavae.report.own.page",
        "betavae.report.checklist",
        "betavae.paper.report",
    ],
)
def test_torch_stays_out(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""The report's tables and figures as files for a paper: LaTeX, and PDF, SVG and PNG."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from betavae.disk import write_atomic
from betavae.export import latex
from betavae.paper.evidence import gathered
from betavae.paper.report import everything
from betavae.report.document import Folded, Part, Table, file_name, pictures, plain
from betavae.report.own.answers import Own, study_of
from betavae.report.own.page import sections
from betavae.study.store import Store

METADATA: dict[str, dict[str, None]] = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {"Software": None}}
"""No date in a file: equal figures are equal bytes."""


def tables(stores: Sequence[Store], out: Path) -> list[Path]:
    """Write every table of the report as ``NN-name.tex``; their paths."""
    paths = []
    for number, table in enumerate(_tables(_report(stores)), 1):
        name = re.sub(r"[^a-z0-9]+", "-", plain(table.caption).lower()).strip("-")[:60].rstrip("-")
        paths.append(out / f"{number:02d}-{name}.tex")
        write_atomic(paths[-1], latex.table(table, paths[-1].stem).encode("utf-8"))
    return paths


def _report(stores: Sequence[Store]) -> list[Part]:
    """The report that ``betavae report`` writes of these stores."""
    study = study_of(stores)
    return everything(gathered(stores, study), study) if study.name == "paper" else sections(Own(stores, study))


def _tables(page: Sequence[Part]) -> Iterator[Table]:
    for part in page:
        if isinstance(part, Table):
            yield part
        elif isinstance(part, Folded):
            yield from _tables(part.parts)


def figures(stores: Sequence[Store], out: Path) -> list[Path]:
    """Write every figure of the report as ``name.pdf``, ``.svg`` and ``.png``; their paths."""
    import matplotlib

    paths = []
    for picture in pictures(_report(stores)):
        for kind, metadata in METADATA.items():
            buffer = io.BytesIO()
            # TrueType, which publishers ask for; names inside an SVG that do not change from run to run.
            with matplotlib.rc_context({"pdf.fonttype": 42, "svg.hashsalt": "betavae"}):
                picture.figure.savefig(buffer, format=kind, metadata=metadata)
            paths.append(out / f"{file_name(picture.name)}.{kind}")
            write_atomic(paths[-1], buffer.getvalue())
    return paths

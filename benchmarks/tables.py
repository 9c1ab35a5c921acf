"""The numbers of ``make bench`` as Markdown, put into docs/performance.md between its marks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- make bench: begin -->", "<!-- make bench: end -->"

LOW = {
    "images per second, bf16": ",.0f",
    "bf16 / float32": ".2f",
    "bf16 / plain autocast, both holding memory": ".2f",
    "share of the matrix product, bf16": ".0%",
}
"""What a processor that multiplies bf16 adds to a row."""


def tables(device: str, found: Mapping[str, Any]) -> str:
    """The tables of one machine's results."""
    training = {k.removeprefix("train "): v for k, v in found.items() if k.startswith("train ")}
    lines = [
        f"Measured on one core of: {device}.",
        "",
        "| training | float32, images/s | / plain | / plain, held | / autograd | share of the product "
        "| bf16, images/s | / float32 | / plain autocast, held | share of its product | plain, images/s "
        "| Mop per image | kB per image |",
        "|---" * 13 + "|",
    ]
    for name, row in training.items():
        low = [f"{row[key]:{form}}" if key in row else "–" for key, form in LOW.items()]
        lines.append(
            f"| {name} | {row['images per second']:,.0f} | {row['ours / plain']:.2f} "
            f"| {row['ours / plain, both holding memory']:.2f} | {row['ours / the same by autograd']:.2f} "
            f"| {row['share of the matrix product']:.0%} | {' | '.join(low)} "
            f"| {row['plain images per second']:,.0f} "
            f"| {row['operations per image'] / 1e6:.1f} | {row['bytes per image'] / 1e3:,.0f} |"
        )
    lines += ["", "| what | measured |", "|---|---|"]
    for block, values in found.items():
        if isinstance(values, Mapping) and not block.startswith("train "):
            lines += [f"| {block}: {key} | {_told(value)} |" for key, value in values.items()]
    return "\n".join(lines)


def _told(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def refresh(page: Path, text: str) -> None:
    """Put the tables between the marks of a page, which keeps the rest. ValueError where it has no marks."""
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page.name} has no lines {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")

"""``python -m benchmarks`` (``make bench``): ratios first, then rates, of this machine's CPU.

They go into results/bench/ as JSON and into the tables of docs/performance.md.

About seven minutes on two cores. What is compared is measured in one process, the best of a few rounds; the
plain way is what ``plain.py`` says. A GPU is measured by ``python -m benchmarks.gpu`` (``make gpu-check``).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks import datasets, machines, metrics, tables, training
from betavae import processor
from betavae.study import machine

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results" / "bench"


def show(name: str, found: dict[str, Any]) -> None:
    """One block of results, for a person."""
    print(f"\n{name}")
    for key, value in found.items():
        print(f"  {key}: {value if isinstance(value, str) else format(value, ',.3g' if value < 1000 else ',.0f')}")
    sys.stdout.flush()


def keep(kind: str, device: str, found: dict[str, Any]) -> Path:
    """Write results beside those of other machines."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{machines.slug(device)}.json"
    told = {"kind": kind, "machine": machine.describe(machines.slug(device), 1, "float32"), "results": found}
    path.write_text(json.dumps(told, indent=1) + "\n")
    return path


def ceilings() -> dict[str, float]:
    """What products and copies reach on one core."""
    low = {"bf16 product, operations/s": machines.product(dtype=torch.bfloat16)} if processor.bf16() else {}
    return {"product, operations/s": machines.product(), **low, "copy, bytes/s": machines.copying()}


def main() -> int:
    torch.set_num_threads(1)
    machine.hold_memory()  # as every worker does
    print(f"one core of {machine.cpu()}")
    begun, found = time.perf_counter(), dict[str, Any]()
    blocks: list[tuple[str, Callable[[], dict[str, Any]]]] = [
        *((f"train {name}", lambda name=name: training.apart(name)) for name in machines.CASES),
        ("workers, images per second", training.workers),
        ("members in one program", training.populations),
        ("ways to step 16 members / one by one", training.ways),
        ("a step with nothing to compute", training.dispatch),
        *((f"encode {name}", lambda name=name: metrics.encoding(name)) for name in metrics.encoders()),
        ("score", metrics.scores),
        ("ceilings", ceilings),
        ("datasets", datasets.run),
    ]
    for name, block in blocks:
        found[name] = block()
        show(name, found[name])
    found["seconds"] = time.perf_counter() - begun
    tables.refresh(ROOT / "docs" / "performance.md", tables.tables(machine.cpu(), found))
    name = keep("cpu", "cpu", found).name
    print(f"\n{found['seconds']:.0f} s in all; kept as results/bench/{name} and in docs/performance.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())

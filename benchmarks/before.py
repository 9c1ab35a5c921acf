"""The laptop study by an earlier commit of this package and by this one, at equal budgets: wall time of both.

python -m benchmarks.before [COMMIT] [--only DATASET]...

The commit is unpacked into a temporary folder; both run the same cells and questions, those that the earlier code
knows, with a worker per core, one after the other, each on data that it drew beforehand. Where the earlier code makes
fewer steps of a classifier than this one, its constant is set to ours: budgets are equal.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from betavae.paper.study import paper
from betavae.study.cells import Job

ROOT = Path(__file__).parents[1]
FIRST = "eaf178b"
"""The last commit whose training and classifiers nobody had made quick."""
EQUAL = (("src/betavae/metrics/classifiers.py", "LINEAR_STEPS = 3000", "LINEAR_STEPS = 10_000"),)

KNOWN = """
import json, sys
from betavae import metrics, datasets
from betavae.models import MODELS
from betavae.objectives import OBJECTIVES
from betavae.representation import METHODS
known = []
for job in json.load(sys.stdin):
    cell = job["cell"]
    try:
        datasets.load(cell["dataset"])
        if cell["recipe"]:
            MODELS[cell["method"]], OBJECTIVES[cell["objective"]]
        else:
            METHODS[cell["method"]]
    except Exception:
        continue
    asked = []
    for q in job["questions"]:
        try:
            metrics.named(q["measure"], **q["knobs"])
            asked.append(q)
        except Exception:
            pass
    known.append({"cell": cell, "questions": asked})
print(json.dumps(known))
"""

RUN = """
import json, sys, time
from pathlib import Path
from betavae.study.cells import Cell, Job, Question, Study
from betavae.study.run import run
from betavae.study.store import Store
jobs = tuple(Job(Cell.from_plain(j["cell"]), tuple(Question.from_plain(q) for q in j["questions"]))
             for j in json.load(sys.stdin))
begun = time.perf_counter()
done = run(Study("before", "laptop", jobs), Store(Path(sys.argv[1])), quiet=True)
print(json.dumps({"wall": time.perf_counter() - begun, "failures": len(done.failures)}))
"""


def plain(jobs: tuple[Job, ...]) -> list[dict[str, Any]]:
    return [{"cell": j.cell.plain(), "questions": [q.plain() for q in j.questions]} for j in jobs]


def by(tree: Path, code: str, jobs: list[dict[str, Any]], *words: str) -> Any:
    """What a Python program says of these jobs, run with the package of a tree, data drawn once in a folder."""
    environment = {**os.environ, "PYTHONPATH": str(tree / "src"), "BETAVAE_DATA": str(tree / "data")}
    done = subprocess.run(
        [sys.executable, "-c", code, *words], input=json.dumps(jobs), capture_output=True, text=True,
        cwd=tree, env=environment, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{tree.name} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def spent(store: Path) -> dict[str, float]:
    """Core-seconds by kind of work that the records of a store tell."""
    found: dict[str, float] = {}
    for path in sorted((store / "records").glob("*.jsonl")):
        for line in path.read_text().splitlines():
            record = json.loads(line)
            if record["kind"] in ("fit", "answer"):
                question = record["question"]
                kind = f"fit {record['cell']['method']}" if question is None else question["measure"]
                if question and "classifier" in question["knobs"]:
                    kind += f" {question['knobs']['classifier']}"
                found[kind] = found.get(kind, 0.0) + record["seconds"]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit", nargs="?", default=FIRST)
    parser.add_argument("--only", nargs="*", default=[], metavar="DATASET")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        trees = {"before": Path(folder) / "before", "now": Path(folder) / "now"}
        for name, commit in (("before", given.commit), ("now", "HEAD")):
            trees[name].mkdir()
            archive = subprocess.run(["git", "-C", str(ROOT), "archive", commit], capture_output=True, check=True)
            subprocess.run(["tar", "-x", "-C", str(trees[name])], input=archive.stdout, check=True)
        for file, was, becomes in EQUAL:
            path = trees["before"] / file
            text = path.read_text()
            if was not in text and becomes not in text:
                raise SystemExit(
                    f"{file} of {given.commit} says neither {was!r} nor {becomes!r}: its budgets would not be ours"
                )
            path.write_text(text.replace(was, becomes))
        jobs = plain(paper("laptop").jobs)
        jobs = [j for j in jobs if not given.only or j["cell"]["dataset"] in given.only]
        known = by(trees["before"], KNOWN, jobs)
        by(trees["now"], KNOWN, known)  # draws its data
        asked = sum(len(j["questions"]) for j in known)
        print(f"{len(known)} cells and {asked} questions of {len(jobs)} cells are known to both", flush=True)
        walls, kinds = {}, {}
        for name, tree in trees.items():
            begun = time.perf_counter()
            told = by(tree, RUN, known, str(tree / "store"))
            walls[name], kinds[name] = told["wall"], spent(tree / "store")
            print(f"{name}: {told['wall']:.0f} s, {told['failures']} failures ({time.perf_counter() - begun:.0f} s)")
    print(f"\nbefore / now: {walls['before'] / walls['now']:.2f}\n")
    print("| core-seconds | before | now | ratio |\n|---|--:|--:|--:|")
    for kind in sorted(kinds["now"], key=lambda k: -kinds["now"][k]):
        then, now = kinds["before"].get(kind, 0.0), kinds["now"][kind]
        if now > 1.0:
            print(f"| {kind} | {then:.0f} | {now:.0f} | {then / now:.2f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Every command that is shown, in the README, in the docs and at the end of every help, runs: in a folder that was
empty, on a terminal of latin-1 letters, with a figure backend that is not installed.

Budgets, stores and ids are replaced by those of a study of two cells; what cannot run here is read to its last word.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from terminal import Here, terminal
from test_cli import every_parser

from betavae.cli import train
from betavae.cli.main import main, parser
from betavae.explorer import shown
from betavae.study import run
from betavae.study.executors import local
from betavae.study.store import Store
from betavae.study.study_file import read

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
ELSEWHERE = {"tutorial.md", "own.md"}
"""Pages whose commands are run in their order by test_tutorial and test_docs."""
PARSED = {
    r"data fetch ": "a network",
    r"--serve": "serves until it is stopped",
    r"--executor ray": "a cluster, in tests/study/executors/test_ray.py",
    r"--track (trackio|wandb)": "their packages",
    r"--measure": "half a minute of measuring",
    r"doctor$": "a training, in tests/cli/test_steps.py",
}
"""Commands that are read and not run, and what they want."""
ABSENT = r"data (add|compare) "
"""Commands about an official file: another under its name is refused in a line, with exit code 1."""
VOTES = ["--knob", "votes=40", "--knob", "test_votes=40", "--knob", "pool=400"]
FEW = ["--alone", "--seeds", "2"]
LESS = {
    r"\$SLURM_ARRAY_TASK_ID": "3",
    r"\.venv/bin/|~/betavae/bin/": "",
    r"\bshard-0 shard-1( shard-2)?|runs/paper-\w+": "runs/mine-own",
    r"(report runs/mine-own) --out \S+$": r"\1",
    r"(explore runs/mine-own) --out explorer.html$": r"\1",
    r"(--encoder [0-9a-f]{4,16})( --dataset dsprites| --metric higgins)?$": r"\1 --rotated",
    r"--out paper$": "--out paper --what records,tables,figures",
    r"--shard \d/3": "--shard 0/3",
    r"--store \S+": "--store other --dry-run",
    r"--scale \w+": "--scale smoke",
    r"(--scale smoke)( --hours 2.5| --only \S+)?$": r"\1\2 --dry-run",
    r"[25]0_000": "64",
    r"--images 64 --batch 64": "--images 64",
    r"(data (?:add|compare) \S+ )\S+$": r"\1file.npz",
}
"""Less of everything, and the stores that are here."""
MINE = """
encode = lambda images: images[:, 0, ::16, ::16].flatten(1)
decode = lambda codes: codes.reshape(-1, 1, 4, 4).clamp(0, 1).repeat_interleave(16, 2).repeat_interleave(16, 3)
"""


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def commands() -> Iterator[str]:
    """Those of betavae, one by one, as they are shown."""
    texts = [text for page in PAGES if page.name not in ELSEWHERE for text in blocks(page, "(?:sh|bash|console)")]
    texts += [str(this.epilog).partition("\n")[2] for _, this in every_parser()]
    for text in texts:
        for line in re.sub(r"\\\n\s*", " ", text).splitlines():
            for part in line.partition(" #")[0].split("&&"):
                if re.match(r"\s*(\S+/bin/)?betavae\s", part):
                    yield part.partition(">")[0].strip()


def lesser(command: str, ids: list[str]) -> str:
    """The same on this folder's stores and ids, and on a budget of seconds."""
    for old, new in LESS.items():
        command = re.sub(old, new, command)
    digits = re.findall(r"\b(?=[0-9a-f]*\d)[0-9a-f]{4,16}\b", command)
    for given, mine in zip(digits, ids, strict=False):
        command = command.replace(given, mine[:8])
    if "score" in command and "--images" not in command:
        metric = re.search(r"--metric (\S+)", command)
        votes = VOTES if not metric or metric[1] == "higgins" else []
        command = " ".join([command, *votes, *(FEW if "--codes" not in command else ["--seeds", "1"])])
        command = command.replace("--metric mig,dci,sap", "--metric mig,dci,sap --knob images=300")
    if re.match(r"betavae (run|train)", command) and "--quiet" not in command:
        command += " --quiet"
    return command


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """A folder in which the README's study has been run by the README's commands; the ids of its cells."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("commands")
        patch.chdir(folder)
        patch.setattr(sys, "path", list(sys.path))
        patch.setenv("MPLBACKEND", "module://of.another.environment")
        patch.setattr(local, "Local", Here)
        patch.setattr(run, "Local", Here)
        patch.setattr(shown, "LOOKED", 50)
        Path("mine.py").write_text(MINE, encoding="utf-8")
        study, claim = blocks(ROOT / "README.md", "toml")
        text = f"{study}\n{claim}"
        for long, short in (("50_000", "128"), ("= 500", "= 40"), ("= 4000", "= 400"), ("[1, 2, 3]", "[1]")):
            assert long in text
            text = text.replace(long, short)
        Path("mine.toml").write_text(f"looks = [1]\n{text}", encoding="utf-8")
        with terminal("latin-1") as screen:
            assert main(["run", "mine.toml", "--quiet"]) == 0
        assert ", 0 failed" in screen.read()[1]
        yield [record["cell_id"] for record in Store(Path("runs/mine-own")).records() if record["kind"] == "fit"]


def test_the_study_of_the_readme_is_read_as_it_stands(tmp_path: Path) -> None:
    study, claim = blocks(ROOT / "README.md", "toml")
    assert blocks(ROOT / "docs" / "studies.md", "toml")[0] == study
    (tmp_path / "mine.toml").write_text(f"{study}\n{claim}", encoding="utf-8")
    whole = read(tmp_path / "mine.toml")
    assert (len(whole.cells), len(whole.claims)) == (6, 1)


def test_a_cell_of_the_docs_is_the_one_that_its_command_trains() -> None:
    (block,) = [text for text in blocks(ROOT / "docs" / "metrics" / "higgins.md", "sh") if "betavae train" in text]
    first, second = (line.partition("#")[0].split()[1:] for line in block.splitlines()[:2])
    options: argparse.Namespace = parser().parse_args(first)
    assert train.cell(options).id == second[second.index("--encoder") + 1]


def test_every_command_that_is_shown_runs(here: list[str]) -> None:
    """Each once; it says what it says in the letters that there are, and ends as it should."""
    Path("file.npz").write_bytes(b"another file")
    images = np.random.default_rng(0).integers(0, 256, (2, 6, 32, 32, 3), dtype=np.uint8)
    np.savez("samples.npz", images=images[0])
    np.savez("test.npz", images=images[1])
    values = np.stack(np.unravel_index(np.arange(120), (3, 4, 10)), 1)
    np.save("z.npy", (values + np.random.default_rng(0).normal(0, 0.1, values.shape)).astype("f4"))
    np.savetxt("v.csv", values, "%d", ",", header="a,b,c", comments="")
    seen: dict[str, str] = {}
    for command in commands():
        wanted = next((why for pattern, why in PARSED.items() if re.search(pattern, command)), None)
        if wanted:
            assert parser().parse_args(shlex.split(command)[1:]).verb
            continue
        seen.setdefault(lesser(command, here), command)
    assert len(seen) > 25
    for command in sorted(seen, key=lambda text: "train" not in text):  # what draws a model wants it trained
        code = 1 if re.search(ABSENT, command) else 0
        with terminal("latin-1") as screen:
            ended = main(shlex.split(command)[1:])
        out, err = screen.read()
        assert ended == code, f"{seen[command]}, as {command}: {out[-500:]}{err[-500:]}"
        assert "Traceback" not in err
        assert out or err, command
        if code:
            assert err.startswith("betavae: "), err
    assert os.environ["MPLBACKEND"] == "agg"  # what the command draws with, whatever was here
    assert {path.name for path in Path().iterdir()} >= {"traversals.png", "explorer.html", "two.html", "paper", "all"}

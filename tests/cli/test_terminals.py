"""Terminals and environments that are not ours: alphabets without β, a figure backend that is not installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from betavae.cli.main import parser

STUDY = """
[[grid]]
dataset = ["dsprites"]
method = ["conv"]
seed = [1]
beta = [4]
recipe = { optimiser = "adam", learning_rate = 5e-4, batch = 16, images = 32 }
"""
EVERY_HELP = """
import contextlib, sys
from betavae.cli.main import main
for words in sys.argv[1].split(";"):
    with contextlib.suppress(SystemExit):
        main([*words.split(), "--help"])
sys.exit(main(["run", "one.toml", "--dry-run"]))
"""


def said(code: str, *words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    given = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    return subprocess.run([sys.executable, "-c", code, *words], cwd=folder, capture_output=True, check=False, env=given)


@pytest.mark.parametrize(
    "terminal",
    [
        {"PYTHONIOENCODING": "latin-1"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""},
    ],
    ids=["latin-1", "ascii"],
)
def test_every_help_and_a_plan_are_told_in_any_alphabet(terminal: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text(STUDY, encoding="utf-8")
    (verbs,) = (action.choices for action in parser()._actions if action.dest == "verb")
    done = said(EVERY_HELP, ";".join(["", *verbs]), folder=tmp_path, **terminal)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.count(b"usage: betavae") == 1 + len(verbs)
    assert rb"a whole \u03b2-VAE study" in done.stdout
    assert rb"dsprites conv \u03b2=4 seed 1" in done.stdout


def test_the_command_draws_whatever_the_backend_of_its_terminal(tmp_path: Path) -> None:
    words = ["figure", "samples", "dsprites", "--knob", "images=2", "--out", "s.png"]
    code = "import sys; from betavae.cli.main import main; sys.exit(main(sys.argv[1:]))"
    done = said(code, *words, folder=tmp_path, MPLBACKEND="module://matplotlib_inline.of.another.environment")
    assert (done.returncode, done.stdout) == (0, b"s.png\n"), done.stderr
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("backend", ["no such backend", "svg"])
def test_figures_are_drawn_and_the_backend_stays_the_users(backend: str, tmp_path: Path) -> None:
    code = "import os, betavae.report.style as style; style.canvas(1, 1).savefig('c.png')\n"
    code += "from matplotlib import rcParams; print(os.environ['MPLBACKEND'], dict.get(rcParams, 'backend') == 'svg')"
    done = said(code, folder=tmp_path, MPLBACKEND=backend)
    assert done.stdout.decode().strip() == f"{backend} {backend == 'svg'}", done.stderr
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")

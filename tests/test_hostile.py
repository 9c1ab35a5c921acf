"""Files made to harm, offered to their real readers in another process: all refused, nothing run, little used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hostile.corpus import CORPUS
from hostile.payloads import CANARY

from betavae.errors import BetavaeError, shown, unknown

TESTS = Path(__file__).parent / "helpers"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What came of each file, in the corpus's order, and last what the process used."""
    folder = tmp_path_factory.mktemp("corpus")
    command = [sys.executable, "-m", "hostile.corpus", str(folder)]
    paths = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    environment = os.environ | {"PYTHONPATH": paths, "BETAVAE_DATA": str(folder / "data")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return [*map(json.loads, done.stdout.splitlines()), {"canary": (folder / CANARY).exists()}]


def test_every_hostile_file_is_refused_with_one_clear_message(told, record_property) -> None:
    files = told[:-2]
    assert [row["name"] for row in files] == list(CORPUS)
    assert [row for row in files if not row["refused"]] == []
    assert len(files) >= 50
    kinds = ", ".join(f"{count} {kind}" for kind, count in Counter(row[0] for row in CORPUS.values()).items())
    record_property("counted", f"{len(files)} hostile files: {len(files)} refused ({kinds})")


def test_nothing_was_run_nothing_hung_and_memory_stayed_small(told) -> None:
    *files, used, after = told
    assert after == {"canary": False}
    assert max(row["seconds"] for row in files) < 20
    assert used["megabytes"] < 1000


def test_the_canary_sings_where_a_pickle_is_opened(tmp_path: Path, monkeypatch) -> None:
    """The alarm works: opened as pickles are, the payload does run."""
    import pickle

    from hostile.payloads import pickled

    monkeypatch.chdir(tmp_path)
    pickle.loads(pickled())
    assert (tmp_path / CANARY).exists()


LARGE = {"long": "a" * 100_000, "two lines": "a\nb", "huge": 10**5_000, "many": [[]] * 1000, "none": None}


@pytest.mark.parametrize("given", LARGE.values(), ids=LARGE)
def test_what_was_given_is_shown_on_one_short_line(given: object) -> None:
    assert len(shown(given)) <= 61
    assert "\n" not in shown(given)
    error = unknown("study", given, ["paper"])
    assert isinstance(error, BetavaeError)
    assert len(str(error)) < 120

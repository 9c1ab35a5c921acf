"""Code from outside: found where its name says, imported only where the user named it, and as the bytes that were
hashed.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from betavae import metrics, models, names, objectives, trust
from betavae.errors import BetavaeError, Fault, Misuse

MINE = "from beside import two\n\ndef four():\n    return two() * 2\n"
BESIDE = "def two():\n    return 2\n"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a file and its sibling, a package, and a user who trusts nothing."""
    monkeypatch.setenv("BETAVAE_CONFIG", str(tmp_path / "config"))
    monkeypatch.setattr(trust, "_named", {})
    monkeypatch.setattr(trust, "_here", set())
    work = tmp_path / "work"
    (work / "sub").mkdir(parents=True)
    (work / "mine.py").write_text(MINE)
    (work / "beside.py").write_text(BESIDE)
    (work / "sub" / "one.py").write_text("def one():\n    return 1\n")
    package = work / "ours"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "deep.py").write_text(
        "import ours.numbers\nfrom . import numbers as again\n"
        "def six():\n    from ours.numbers import THREE\n"
        "    return THREE + ours.numbers.THREE * (again is ours.numbers)\n"
    )
    (package / "numbers.py").write_text("THREE = 3\n")
    (package / "table.csv").write_text("1,2\n")
    monkeypatch.chdir(work)
    return work


def called(name: str) -> object:
    return names.opened({}, name, "metric")()


@pytest.mark.parametrize(
    ("name", "gives"),
    [("mine.py:four", 4), ("mine:four", 4), ("sub/one.py:one", 1), ("ours.deep:six", 6)],
)
def test_a_stranger_is_imported_only_where_it_is_named(name: str, gives: int) -> None:
    with pytest.raises(Misuse, match=f"say --trust {trust.part(name)}"):
        called(name)
    with names.trusted(trust.part(name)):
        assert called(name) == gives
    with pytest.raises(Misuse, match="nobody has trusted it here"):
        called(name)
    trust.remember(trust.look(name))
    assert called(name) == gives


def test_a_permission_is_of_a_path_and_of_all_its_bytes(home: Path) -> None:
    before = trust.look("mine.py:four")
    trust.remember(before)
    (home / "beside.py").write_text("def two():\n    return 3\n")
    after = trust.look("mine.py:four")
    assert after.path == before.path
    with pytest.raises(Misuse) as caught:
        called("mine.py:four")
    assert after.sha256[:12] in str(caught.value)
    assert before.sha256[:12] in str(caught.value)
    trust.remember(after)
    assert called("mine.py:four") == 6


def test_the_sha256_is_what_sha256sum_says(home: Path) -> None:
    assert trust.look("sub/one.py").sha256 == hashlib.sha256((home / "sub" / "one.py").read_bytes()).hexdigest()
    listed = subprocess.run(["sha256sum", "beside.py", "mine.py"], capture_output=True, check=True).stdout
    assert trust.look("mine.py").sha256 == hashlib.sha256(listed).hexdigest()


@pytest.mark.parametrize("file", ["numbers.py", "table.csv"])
def test_a_package_is_hashed_whole(file: str, home: Path) -> None:
    before = trust.look("ours")
    (home / "ours" / "__pycache__").mkdir()
    (home / "ours" / "__pycache__" / "deep.pyc").write_bytes(b"never read")
    assert trust.look("ours") == before
    (home / "ours" / file).write_text("THREE = 4\n")
    assert trust.look("ours").sha256 != before.sha256


def test_the_bytes_that_were_hashed_are_those_that_run(home: Path) -> None:
    """A worker is told path and sha256; what lies there by then is refused with both digests, or is the same bytes."""
    told = trust.look("mine.py")
    trust.permit([told])
    trust.use([told])
    (home / "mine.py").write_text("def four():\n    return 5\n")
    with pytest.raises(Fault) as caught:
        called("mine.py:four")
    assert told.sha256 in str(caught.value)
    assert trust.look("mine.py").sha256 in str(caught.value)
    (home / "mine.py").write_text(MINE)
    assert called("mine.py:four") == 4


def test_compiled_leftovers_are_not_read(home: Path) -> None:
    import py_compile

    (home / "mine.py").write_text("def four():\n    return 'old'\n")
    py_compile.compile("mine.py", invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    (home / "mine.py").write_text(MINE)
    with names.trusted("mine.py"):
        assert called("mine.py:four") == 4


def test_modules_of_strangers_hide_nobodys(home: Path) -> None:
    (home / "json.py").write_text("raise ImportError('not this one')\n")
    (home / "numpy.py").write_text("own = 7\n")
    (home / "two.py").write_text("import json, numpy\ndef seven():\n    return numpy.own if json.dumps(1) else 0\n")
    with names.trusted("two.py"):
        assert called("two.py:seven") == 7
    import numpy

    assert not hasattr(numpy, "own")
    assert "beside" not in sys.modules


HOSTILE = {
    "os:system": "os is Python's own",
    "subprocess:run": "subprocess is Python's own",
    "betavae.cli.main:main": "betavae is betavae's own",
    "../mine.py:four": "leads out of",
    "sub/../mine.py:four": "leads out of",
    "out.py:x": "leads out of",
    "absent.py:x": "is not in",
    "mine.py:fourr": "did you mean 'four'",
    "mine.py:__builtins__": "is no name of a metric",
    "mine.py:four.__globals__": "is no name of a metric",
    "raises.py:x": "raises.py cannot be imported: ValueError: two lines (raises.py:1)",
    "exits.py:x": "exits.py cannot be imported: SystemExit",
    "torn.py:x": "torn.py cannot be imported: SyntaxError",
    "huge.py:x": "larger than",
    "pipe.py:x": "not an ordinary file",
    "steals.py:system": "comes from posix",
    "steals.py:os": "comes from os",
    ":x": "no file of Python",
    "mine.py\0:x": "unknown module",
    "a" * 5000 + ":x": "no file of Python",
}


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: name[:30].replace("\0", "NUL"))
def test_what_is_no_honest_code_is_refused_in_one_line(name: str, home: Path, capfd) -> None:
    (home / "out.py").symlink_to("/etc/hostname")
    (home / "raises.py").write_text("raise ValueError('two\\nlines')\n")
    (home / "exits.py").write_text("import sys\nsys.exit(0)\n")
    (home / "torn.py").write_text("def (:\n")
    (home / "huge.py").write_bytes(b"#" * 5_000_000)
    (home / "steals.py").write_text("import os\nfrom os import system\n")
    os.mkfifo(home / "pipe.py")
    with pytest.raises(BetavaeError) as caught, names.trusted(*([trust.part(name)] if ":" in name else [])):
        called(name)
    said = str(caught.value)
    assert re.search(HOSTILE[name], said) or HOSTILE[name] in said, said
    assert "\n" not in said
    assert len(said) < 600
    assert capfd.readouterr().out == ""


def test_what_a_module_prints_is_no_result(home: Path, capsys) -> None:
    (home / "loud.py").write_text("print('hello')\ndef one():\n    return 1\n")
    with names.trusted("loud.py"):
        assert called("loud.py:one") == 1
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "hello\n")


def test_a_folder_that_moved_leaves_the_same_bytes_trusted_and_no_others(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store remembers where its code lay; the same file of the same name stands for it elsewhere."""
    told = trust.look("mine.py")
    moved = home.with_name("moved")
    home.rename(moved)
    monkeypatch.chdir(moved)
    trust.permit([trust.look("mine.py")])
    trust.use([told])
    assert called("mine.py:four") == 4
    trust._named.clear()
    trust.use([told])
    (moved / "mine.py").write_text("def four():\n    return 5\n")
    with pytest.raises(Fault, match="has changed since it was trusted"):
        called("mine.py:four")


WRONG = """
from __future__ import annotations
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from betavae import Dataset
thing = 3
def fails():
    raise ValueError("no luck")
def layers(shape, codes):
    return []
def bare(generator, subject):
    return {"a": 1.0}
def number():
    return 3
def hinted(dataset: Dataset, *, codes: int, seed: int, fit: int | None, depth: int = 2): ...
"""


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: objectives.named("wrong.py:fails"), Misuse, "is a function; wanted an Objective"),
        (lambda: models.named("wrong.py:layers", (1, 16, 16), 4), Misuse, "gives a list; wanted an Architecture"),
        (lambda: models.named("wrong.py:fails", (1, 16, 16), 4), Fault, "cannot be made"),
        (lambda: metrics.named("wrong.py:thing"), Misuse, "is a int; wanted a function"),
        (lambda: metrics.named("wrong.py:fails"), Fault, "cannot be made: ValueError: no luck"),
        (lambda: metrics.named("wrong.py:bare"), Misuse, "wanted a function of knobs that gives such a function"),
        (lambda: metrics.named("wrong.py:number"), Misuse, "gives a int; wanted a Metric or a function"),
    ],
)
def test_a_stranger_of_the_wrong_kind_is_told_in_a_sentence(
    make: Callable[[], object], error: type[BetavaeError], said: str, home: Path
) -> None:
    (home / "wrong.py").write_text(WRONG)
    with names.trusted("wrong.py"), pytest.raises(error, match=said):
        make()


LITERALS = """
from typing import Literal, Optional
from enum import Enum
class E(Enum):
    A = 1
def measures(*, a: Literal["x", "y"] = "x", b: Literal[1, 2] = 1, c: Optional[Literal["p"]] = None,
             d: Literal["x"] | Literal["y"] = "x", e: Literal[E.A] = E.A):
    return lambda generator, subject: None
"""


@pytest.mark.parametrize("future", ["", "from __future__ import annotations\n"])
def test_words_that_a_strangers_knob_takes_are_checked_and_nothing_else_is(future: str, home: Path) -> None:
    (home / f"words{len(future)}.py").write_text(future + LITERALS)
    with names.trusted(f"words{len(future)}.py"):
        name = f"words{len(future)}.py:measures"
        metrics.named(name, a="y", b=3, c=None, d="y", e=1)
        with pytest.raises(Misuse, match="unknown a 'z'"):
            metrics.named(name, a="z")


def test_annotations_that_only_a_type_checker_sees_are_no_error(home: Path) -> None:
    (home / "wrong.py").write_text(WRONG)
    with names.trusted("wrong.py"):
        assert names.knobs({}, "wrong.py:hinted", "method")["depth"].default == 2

"""Hostile files of every kind, each offered to its real reader: run as ``python -m hostile.corpus FOLDER``.

Prints one JSON object per file: its name, what it was refused with (or why it was not), and the seconds it took; and
last the most memory the process ever had, in MB.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from betavae.errors import BetavaeError
from hostile import COPIES, H5, NPZ, TAR, npy, npy_says, npy_text
from hostile.payloads import (
    CELL,
    DEEP,
    SPEC,
    checkpoint,
    jobs,
    line,
    object_array,
    pickled,
    ready,
    safetensors,
    spliced,
    store,
    study,
    tensors,
    torch_saved,
    torch_zip,
)

PATIENCE = 20  # seconds for one file; none should take one

Row = tuple[str, Callable[[Path], object], str]
"""The reader's name, what makes the file at a path, and words of the message that refuses it."""


def _wrote(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


def _made(make: Callable[[], bytes]) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(make())


def _records(content: bytes) -> Callable[[Path], object]:
    return lambda path: store(path, content)


def _recalled(content: bytes) -> Callable[[Path], object]:
    return lambda path: store(path, study=content)


def _instead(path: Path, make: Callable[[Path], object]) -> None:
    """A store whose one record file is something else."""
    store(path, b"").unlink()
    make(path / "records" / "one.jsonl")


def _altered(**changes: object) -> bytes:
    return jobs(CELL | changes)


def _studied(old: str, new: str) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(study(old, new))  # type: ignore[return-value]


def _brought(code: bytes) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        (path.parent / "brought.py").write_bytes(code)
        path.write_bytes(study('["dsprites"]', '["brought.py:discs"]'))

    return make


def _linked(path: Path) -> None:
    (path.parent / "linked.py").symlink_to("/etc/hostname")
    path.write_bytes(study('["dsprites"]', '["linked.py:discs"]'))


_NUMBER = "expected `int | float`, got `str`"
CORPUS: dict[str, Row] = {
    # study files
    "brackets a million deep": ("study", _wrote(study('"mine"', "[" * DEEP)), "nested too deeply"),
    "a dotted key a million deep": ("study", _wrote(study("votes", "a." * DEEP + "a")), "nested too deeply"),
    "a quoted dotted key, deep": ("study", _wrote(study("votes", '"\\" ".' * 400_000 + "a")), "nested too deeply"),
    "tables within tables": ("study", _wrote(study("1000", "{a=" * 5_000 + "1" + "}" * 5_000)), "nested too deeply"),
    "a key twice": ("study", _wrote(study(front='name = "yours"')), "not TOML"),
    "a key of a million dots": ("study", _wrote(study(front=f'"{"." * DEEP}" = 1\n')), "unknown key of a study"),
    "Latin-1": ("study", _wrote(study("mine", "café").decode().encode("latin-1")), "not UTF-8"),
    "UTF-16": ("study", _wrote(study().decode().encode("utf-16")), "not UTF-8"),
    "a pickle for a study": ("study", _made(pickled), "not UTF-8"),
    "a learning rate of nan": ("study", _wrote(study("5e-4", "nan")), "learning_rate is nan"),
    "a seed of a million digits": ("study", _wrote(study("1, 2, 3", "9" * DEEP)), "thousands of digits"),
    "a seed of a million hexadecimal digits": (
        "study",
        _wrote(study("1, 2, 3", "0x" + "f" * DEEP)),
        "seed is something too large to show",
    ),
    "a trillion cells": (
        "study",
        _wrote(study("[1, 2, 3]", str([1] * 10_000)).replace(b"[1, 4]", str([1] * 10_000).encode())),
        "more than 100,000 cells",
    ),
    "a name that climbs": ("study", _wrote(study('"mine"', '"../../mine"')), "name is '../../mine'"),
    "a folder for a study": ("study", lambda path: path.mkdir(), "Is a directory"),
    # record files
    "a record a million deep": ("records", _records(spliced("{}", "[" * DEEP)), "nested too deeply"),
    "a score of nan": ("records", _records(spliced('"loss": 1.0', '"loss": NaN')), "NaN is no JSON number"),
    "a score beyond all numbers": ("records", _records(spliced('"loss": 1.0', '"loss": 1e999')), "1e999"),
    "a time of 400 digits": ("records", _records(spliced('"at": 1.0', f'"at": 1{"0" * 400}')), "10000"),
    "a key twice in a record": ("records", _records(spliced('"notes"', '"at": 0, "notes"')), "a key stands twice"),
    "a record in UTF-16": ("records", lambda path: store(path, line().decode().encode("utf-16-be")), "not a record"),
    "a line of 20 MB": ("records", _records(b'{"a": "' + b"x" * 20_000_000), "longer than 16,000,000 bytes"),
    "a pickle for records": ("records", lambda path: store(path, pickled().replace(b"\n", b" ")), "not a record"),
    "scores that are a list": ("records", _records(line(scores=[1])), "scores is [1]"),
    "a score that is text": ("records", _records(line(scores={"loss": "1"})), _NUMBER),
    "a record file without end": (
        "records",
        lambda path: _instead(path, lambda file: file.symlink_to("/dev/zero")),
        "not an ordinary file",
    ),
    "a record file that never answers": ("records", lambda path: _instead(path, os.mkfifo), "not an ordinary file"),
    "a folder for a record file": ("records", lambda path: _instead(path, Path.mkdir), "not an ordinary file"),
    # code that a study file names
    "a function of Python's own for a dataset": ("study", _studied('["dsprites"]', '["os:system"]'), "Python's own"),
    "a function of Python's own for a measure": ("study", _studied('"higgins"', '"subprocess:run"'), "Python's own"),
    "the command itself for a method": ("study", _studied('["conv"]', '["betavae.cli.main:main"]'), "betavae's own"),
    "code up a folder": ("study", _studied('["dsprites"]', '["../mine.py:discs"]'), "leads out of its folder"),
    "code by a link out of its folder": ("study", _linked, "leads out of"),
    "code that nobody trusts": ("study", _brought(b"open('canary', 'w')"), "say --trust brought.py"),
    "code without end": ("study", _brought(b"#" * 5_000_000), "larger than"),
    # study.json
    "a remembered study a million deep": ("recalled", _recalled(b"[" * DEEP), "is not a study"),
    "a remembered study that is a list": ("recalled", _recalled(b"[]"), "is not a study"),
    "a cell that is text": ("recalled", _recalled(jobs("dsprites")), "is not a study"),
    "a cell of another type": ("recalled", _recalled(_altered(codes="ten")), "codes is 'ten'"),
    "a recipe of lists": ("recalled", _recalled(_altered(recipe=CELL["recipe"] | {"batch": [8]})), "batch is [8]"),
    "knobs within knobs": ("recalled", _recalled(_altered(knobs={"beta": {"a": 1}})), "knobs is {'beta': {'a': 1}}"),
    # checkpoints
    "a pickle for a checkpoint": ("checkpoint", lambda path: checkpoint(path, pickled()), "cannot be believed"),
    "a header of 2^60 bytes": (
        "checkpoint",
        lambda path: checkpoint(path, (2**60).to_bytes(8, "little") + b"{}"),
        "cannot be believed",
    ),
    "a header a million deep": (
        "checkpoint",
        lambda path: checkpoint(path, safetensors(b'{"a":' + b"[" * DEEP)),
        "cannot be believed",
    ),
    "a tensor larger than its file": (
        "checkpoint",
        lambda path: checkpoint(path, tensors(shape=(10**12,), end=4 * 10**12)),
        "cannot be believed",
    ),
    "notes that are no table": ("checkpoint", lambda path: checkpoint(path, tensors(meta=[1])), "cannot be believed"),
    "a step of another file": ("checkpoint", lambda path: checkpoint(path, tensors(step="7")), "it holds step 7"),
    "an altered checkpoint": ("checkpoint", lambda path: checkpoint(path, tensors(), honest=False), "its trailer says"),
    # weight files
    "weights that run code": ("weights", _made(pickled), "cannot read the weights"),
    "zipped weights that run code": ("weights", _made(lambda: torch_zip(pickled())), "cannot read the weights"),
    "weights that are a list": ("weights", _made(lambda: torch_saved([1, 2])), "wanted tensors by name"),
    "weights that are words": ("weights", _made(lambda: torch_saved({"a": "b"})), "wanted tensors by name"),
    "weights cut short": ("weights", _made(lambda: torch_saved({"a": SPEC.version})[:200]), "cannot read the weights"),
    "a folder for weights": ("weights", lambda path: path.mkdir(), "cannot read the weights"),
    # datasets
    "objects for images": ("npz", NPZ["pickled objects of the right size"][0], "pickles are never opened"),
    "a bomb": ("npz", NPZ["unpacks to far more"][0], "wanted 73,728"),
    "a shape of 400 digits": (
        "npz",
        lambda path: __import__("hostile").npz(
            path, {"images.npy": npy_says((10**400, 64, 64, 3), body=bytes(73_728))}
        ),
        "images.npy",
    ),
    "a link out of a file": ("h5", H5["a link to another file"][0], "ExternalLink"),
    "storage in the passwords": ("h5", H5["storage elsewhere"][0], "other files"),
    "a member that climbs": ("tar", TAR["a path up from within"][0], "outside its folder"),
    "a link in an archive": ("tar", TAR["a link for a batch"][0], "a link"),
    "a picture of 3.6 billion pixels": ("copies", COPIES["vast when decoded"][0], "image 5"),
    # codes
    "objects for codes": ("codes", _wrote(object_array()), "pickles are never opened"),
    "codes of 10^30 rows": ("codes", _wrote(npy_says((10**30, 2), "<f4", body=bytes(8))), "not a sound .npy file"),
    "codes whose header is brackets": ("codes", _wrote(npy_text("(" * 3_000)), "a header that is not one of .npy"),
    # ready arrays
    "objects in a ready array": ("ready", lambda path: ready(path, object_array()), "images.npy"),
    "a ready array of another shape": ("ready", lambda path: ready(path, npy([[1]])), "shape (1, 1)"),
    "a manifest a million deep": ("ready", lambda path: ready(path, manifest=b"[" * DEEP), "not a manifest"),
    "a manifest of no blocks": ("ready", lambda path: ready(path, blocks=[]), "not a manifest"),
    # command lines
    "a study of 100,000 letters": ("command", _wrote(b"run\n" + b"a" * 100_000), "File name too long"),
    "a study that is a device": ("command", _wrote(b"run\n/dev/zero"), "/dev/zero"),
    "workers of 5,000 digits": ("command", _wrote(b"run\npaper\n--workers\n" + b"9" * 5_000), "a whole number"),
    "a shard of other digits": ("command", _wrote("run\npaper\n--shard\n²/³".encode()), "not a shard"),
    "a device for a dataset": ("command", _wrote(b"data\nadd\nshapes3d\n/dev/zero"), "not an ordinary file"),
}


def _study(path: Path) -> str:
    from betavae.study.study_file import read

    return f"read as {read(path)!r:.80}"


def _of_store(path: Path) -> str:
    from betavae.study.store import Store

    kept = Store(path, create=False)
    found = kept.records()
    if kept.problems and not found:
        raise BetavaeError(kept.problems[0])
    return f"read as {found!r:.80}"


def _recall(path: Path) -> str:
    from betavae.study.store import Store

    return f"read as {Store(path, create=False).recalled()!r:.80}"


def _checkpoint(path: Path) -> str:
    from betavae.training.checkpoint import latest

    said: list[str] = []
    found = latest(path, said.append)
    if found is None and said:
        raise BetavaeError(said[0])
    return f"read as {found!r:.80}"


def _weights(path: Path) -> str:
    from betavae.metrics.fidelity.weights import read

    sha256 = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    return f"read as {read(path, sha256)!r:.80}"


def _dataset(name: str) -> Callable[[Path], str]:
    def offer(path: Path) -> str:
        from small_official import grid, photographs

        root = path.with_suffix(".data")
        return f"read as {(photographs if name.startswith('cifar') else grid)(name, path, root)!r:.80}"

    return offer


def _codes(path: Path) -> str:
    from tiny import squares

    from betavae.representation.encoder_files import opened

    return f"read as {opened(str(path), squares())!r:.80}"


def _ready(path: Path) -> str:
    from betavae.datasets.files import cache

    def never(out: object) -> None:
        raise AssertionError("the array is there")

    return f"read as {cache.ready('six', SPEC, never, path)!r:.80}"


def _command(path: Path) -> str:
    from betavae.cli.main import main

    err = io.StringIO()
    with contextlib.redirect_stderr(err), contextlib.redirect_stdout(io.StringIO()):
        code = main([*path.read_text("utf-8").split("\n")])
    if code in (1, 2) and err.getvalue().startswith("betavae: "):
        raise BetavaeError(err.getvalue().rstrip("\n"))
    return f"exit code {code}, {err.getvalue()[:80]!r}"


READERS: dict[str, Callable[[Path], str]] = {
    "study": _study,
    "records": _of_store,
    "recalled": _recall,
    "checkpoint": _checkpoint,
    "weights": _weights,
    "npz": _dataset("mpi3d-toy"),
    "h5": _dataset("shapes3d"),
    "tar": _dataset("cifar10"),
    "copies": _dataset("cifar10-jpeg"),
    "codes": _codes,
    "ready": _ready,
    "command": _command,
}


def _overdue(*_: object) -> None:
    raise TimeoutError(f"not refused within {PATIENCE} s")


def offered(name: str, path: Path) -> dict[str, object]:
    """Make one file, offer it, and tell what came of it."""
    reader, make, words = CORPUS[name]
    make(path)
    begun = time.perf_counter()
    signal.alarm(PATIENCE)
    try:
        accepted, message = True, READERS[reader](path)
    except BetavaeError as error:
        accepted, message = False, str(error)
    except BaseException as error:
        accepted, message = True, f"traceback: {type(error).__name__}: {str(error)[:200]}"
    finally:
        signal.alarm(0)
    good = not accepted and words in message and "\n" not in message and len(message) < 2_000
    named = reader == "command" or str(path) in message
    return {"name": name, "refused": good and named, "message": message[:300], "seconds": time.perf_counter() - begun}


def main() -> None:
    folder = Path(sys.argv[1])
    os.chdir(folder)
    signal.signal(signal.SIGALRM, _overdue)
    for number, name in enumerate(CORPUS):
        suffix = {"study": ".toml", "codes": ".npy"}.get(CORPUS[name][0], "")
        with contextlib.redirect_stderr(io.StringIO()):
            told = offered(name, folder / f"file{number}{suffix}")
        print(json.dumps(told), flush=True)
    # Not getrusage: its maximum holds what the process that started this one had in memory.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    print(json.dumps({"megabytes": int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024}))


if __name__ == "__main__":
    main()

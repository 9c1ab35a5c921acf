"""What is generated: good inputs with pieces changed, so that most get past the first check of their reader."""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path

from hostile import npy_text, sound_members, tar
from hostile.payloads import CELL, jobs, record, study
from hypothesis import strategies as st


def edited(content: bytes, pieces: list[bytes], most: int = 3, within: int | None = None) -> st.SearchStrategy[bytes]:
    """The content with up to ``most`` pieces put in, in place of as many bytes or of others, ``within`` its first."""
    place = st.integers(0, len(content) if within is None else within)
    one = st.tuples(place, st.none() | st.integers(0, 9), st.sampled_from(pieces))

    def apply(edits: list[tuple[int, int | None, bytes]]) -> bytes:
        changed = content
        for start, length, piece in edits:
            changed = changed[:start] + piece + changed[start + (len(piece) if length is None else length) :]
        return changed

    return st.lists(one, max_size=most).map(apply)


_KEYS = r"""
name scale questions grid measure votes seed at quirks dataset method codes objective recipe fit beta sigma layout
whiten optimiser learning_rate batch images drop_at drop_to five a a.b questions.five.seed grid.name
"""
KEYS = [*_KEYS.split(), '"a b"', "''", '"\\u0000"', "é"]
HUGE = ["9" * 4_301, "[" * 600 + "]" * 600, "0x" + "f" * 4_000, '"' + "x" * 5_000 + '"', "@", ""]
_VALUES = r"""
0 1 -1 1.5 nan -inf 1e400 true false [] {} [1,2] [[1]] [nan] {a=1} 1979-05-27 07:32:00 'x' "" 'dsprites' 'conv'
'pca' 'higgins' 'frechet' ['five'] ['six'] 'all' 0x7fffffffffffffffffffffff -9223372036854775809 'adam' 'gaussian'
['batch-norm'] {optimiser='adam',learning_rate=1e-3,batch=8,images=80} {batch=true} [{}] '\u0000' "\u0000" '''a'''
"""
VALUES = [*_VALUES.split(), *HUGE]
HEADS = [
    "",
    "[questions.five]",
    "[questions.six]",
    "[[grid]]",
    "[grid]",
    "[questions]",
    "[recipe]",
    "[[questions]]",
    "]",
]
LINES = st.tuples(st.sampled_from(HEADS), st.sampled_from(KEYS), st.sampled_from(VALUES)).map(
    lambda line: f"{line[0]}\n{line[1]} = {line[2]}\n".encode()
)
PIECES = [
    b"",
    b"[",
    b"]]",
    b"nan",
    b'"',
    b"'''",
    b"\xff",
    b"\x00",
    b"=",
    b"{",
    b"\n",
    b"#",
    b"1e999",
    b"true",
    b",",
    b"-",
]
SOUND = st.fixed_dictionaries(
    {
        "dataset": st.sampled_from(["'dsprites'", "['shapes3d', 'mpi3d-drawn']"]),
        "method": st.sampled_from(["'pca'", "['ica', 'pca']", "'pixels'", "'mlp'"]),
        "seed": st.sampled_from(["1", "[0, 4611686018427387904]", "1_000", "0x10"]),
        "codes": st.sampled_from(["1", "[10, 4096]", "0o17", "4097"]),
        "questions": st.sampled_from(["[]", "['five']", "['five', 'five']"]),
    },
    optional={"fit": st.sampled_from(["'all'", "[2, 1_000]", "1"]), "quirks": st.sampled_from(["[]", "['none']"])},
).map(
    lambda keys: (
        study().split(b"[[grid]]")[0] + b"[[grid]]\n" + "\n".join(f"{k} = {v}" for k, v in keys.items()).encode()
    )
)
STUDIES = st.one_of(
    SOUND,
    edited(study(), PIECES),
    LINES.map(lambda line: study() + line),
    st.lists(LINES, max_size=4).map(b"".join),
    st.tuples(st.sampled_from(KEYS), st.sampled_from(VALUES)).map(
        lambda pair: study().replace(b"seed = [1, 2, 3]", f"{pair[0]} = {pair[1]}".encode())
    ),
    st.binary(max_size=40),
)


JSON = st.sampled_from(
    [
        *(
            None,
            True,
            0,
            1,
            -1,
            1.5,
            10**18,
            10**30,
            float("nan"),
            float("inf"),
            1e308,
            "",
            "ok",
            "fit",
            "run",
            "é",
            "a\0",
        ),
        *([], {}, [1], [[]], {"a": 1}, {"a": {}}, {"loss": None}, {"loss": True}, {"loss": 10**25}, "x" * 3_000),
        *({"name": 1}, {"measure": "higgins", "at": "x"}, CELL, CELL | {"codes": []}, CELL | {"recipe": {"batch": 0}}),
    ]
)
CHANGES = st.dictionaries(st.sampled_from([*record(), "more", "", "__class__"]), JSON, min_size=1, max_size=3)
RECORDS = st.one_of(
    CHANGES.map(lambda changes: json.dumps(record(**changes)).encode()),
    st.sampled_from(list(record())).map(
        lambda key: json.dumps({k: v for k, v in record().items() if k != key}).encode()
    ),
    edited(json.dumps(record()).encode(), [*PIECES, b"\\u", b"}{", b"1e999", b"null", b"\\ud800", b"NaN"]),
)


CELLS = st.dictionaries(st.sampled_from([*CELL, "more"]), JSON, max_size=3).map(lambda changes: CELL | changes)
QUESTIONS = st.dictionaries(st.sampled_from(["measure", "knobs", "seed", "at", "quirks", "x"]), JSON, max_size=3)
REMEMBERED = st.one_of(
    st.tuples(CELLS | JSON, st.lists(QUESTIONS, max_size=2) | JSON).map(lambda pair: jobs(*pair)),
    edited(jobs(CELL, [{"measure": "higgins"}]), PIECES),
)


DESCR = [
    "'|u1'",
    "'|O'",
    "'<f8'",
    "'V4'",
    "'|S0'",
    "'u1,u1'",
    "[('a','u1')]",
    "('u1',3)",
    "1",
    "'<M8[s]'",
    "''",
    "'|u9'",
]
SHAPES = [
    "(2, 3)",
    "(2,)",
    "()",
    "(-1, 3)",
    f"({10**30}, 3)",
    "(2.0, 3)",
    "[2, 3]",
    "2",
    "(True, 6)",
    "('a',)",
    "((2,), 3)",
]
ORDER = ["False", "True", "1", "None", "'no'"]
HEADERS = st.tuples(st.sampled_from(DESCR), st.sampled_from(ORDER), st.sampled_from(SHAPES)).map(
    lambda h: f"{{'descr': {h[0]}, 'fortran_order': {h[1]}, 'shape': {h[2]}}}"
)
GOOD = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)}"
ARRAYS = st.one_of(
    st.tuples(HEADERS, st.sampled_from([1, 2, 3, 9])).map(lambda h: npy_text(h[0], bytes(6), h[1])),
    edited(npy_text(GOOD, bytes(6)), [*PIECES, b"(" * 200, b"__import__", b"lambda:0", b"\xf0"]),
)


def sound_tar() -> bytes:
    """A tar of one folder and one batch, before it is packed."""
    with tempfile.TemporaryDirectory() as folder:
        tar(Path(folder) / "file", sound_members()[:2])
        return gzip.decompress((Path(folder) / "file").read_bytes())


STRANGE = ["", " ", "a\nb", "é", "\udcff", "9" * 5_000, "x" * 5_000, "²", "--shard=1/²", "--only=", "--root="]
_WORDS = r"""
data list card fetch add verify compare run paper status report train score figure doctor --help --version --scale
smoke laptop --root --offline --sha256 --store --workers --only --shard --dry-run --print --data drawn official 0/3
3/0 -1 0 1 1e999 nan dsprites shapes3d inception own.toml .. / /dev/null /dev/zero --checklist --out -- - = --x=y
--dataset --method conv --beta --images --encoder --metric higgins --knob a=1 a=[ --seeds --json --device cuda
"""
WORDS = [*_WORDS.split(), *STRANGE]
COMMANDS = (
    """
data list|data card dsprites|data card cifar10-64|data verify|data fetch shapes3d|run paper --scale smoke --shard 0/3
run own.toml|status|report --checklist|train --dataset dsprites --method conv --beta 4|score --encoder a:b
""".strip()
    .replace("\n", "|")
    .split("|")
)
_NUMBER = st.one_of(st.integers(), st.floats(), st.integers(0, 9)).map(str)
_WORD = st.sampled_from(WORDS) | st.text(max_size=3)
ARGUMENTS = st.one_of(
    st.lists(_WORD, max_size=6),
    st.lists(st.tuples(st.sampled_from(["--seed", "--beta", "--codes", "--images"]), _NUMBER), max_size=4).map(
        lambda pairs: ["train", "--dataset", "dsprites", *(f"{name}={value}" for name, value in pairs)]
    ),
    st.sampled_from(COMMANDS).map(str.split),
    st.tuples(st.sampled_from(COMMANDS), st.integers(0, 5), _WORD).map(
        lambda made: [*made[0].split()[: made[1]], made[2], *made[0].split()[made[1] :]]
    ),
)

"""What is generated: good inputs with pieces changed, so that most get past the first check of their reader."""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path

from hostile import npy_text, sound_members, tar
from hostile.payloads import CELL, jobs, record, study
from hypothesis import strategies as st


def edited(content: bytes, pieces: list[bytes], most: int = 4) -> st.SearchStrategy[bytes]:
    """The content with up to ``most`` stretches replaced by other pieces."""
    one = st.tuples(st.integers(0, len(content)), st.integers(0, 12), st.sampled_from(pieces))

    def apply(edits: list[tuple[int, int, bytes]]) -> bytes:
        changed = content
        for start, length, piece in edits:
            changed = changed[:start] + piece + changed[start + length :]
        return changed

    return st.lists(one, min_size=1, max_size=most).map(apply)


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
STUDIES = st.one_of(
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
    """A small .tar.gz, plainly stored so that changes reach the tar."""
    with tempfile.TemporaryDirectory() as folder:
        tar(Path(folder) / "file", sound_members()[:2])
        return gzip.decompress((Path(folder) / "file").read_bytes())[:10_240]


STRANGE = ["", " ", "a\nb", "é", "\udcff", "9" * 5_000, "x" * 5_000, "²", "--shard=1/²", "--only=", "--root="]
_WORDS = r"""
data list card fetch add verify compare run paper status report train score figure doctor --help --version --scale
smoke laptop --root --offline --sha256 --store --workers --only --shard --dry-run --print --data drawn official 0/3
3/0 -1 0 1 1e999 nan dsprites shapes3d inception own.toml .. / /dev/null /dev/zero --checklist --out -- - = --x=y
--dataset --method conv --beta --images --encoder --metric higgins --knob a=1 a=[ --seeds --json --device cuda
"""
WORDS = [*_WORDS.split(), *STRANGE]
ARGUMENTS = st.lists(st.sampled_from(WORDS) | st.text(max_size=3), max_size=6)

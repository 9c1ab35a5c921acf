"""Drawn worlds on other processors: the same bytes under every kernel of the matrix library and set of instructions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from betavae import Notice, datasets
from betavae.datasets import dsprites, mpi3d, shapes3d
from betavae.datasets.drawn.exact import cross, times
from betavae.datasets.files import cache
from betavae.datasets.files.manifests import Spec, images

SAMPLE = """
import hashlib, json, itertools
import numpy as np
from betavae.datasets.drawn import arm, arm_planes, room_planes, sprites
from betavae.datasets.drawn.room import ANGLES, SCALES, Camera, Room, Solid

def scenes():
    for height, vertical in itertools.product(range(3), (0, 13, 39)):
        camera = arm.Camera.of(height)
        standing = arm_planes.Fine.bare(camera).behind(arm.standing(vertical), camera.eye)
        planes = arm_planes.reduced(np.stack([standing.grey, standing.ring]))
        for horizontal in (0, 7, 19, 33):
            scene = arm_planes._scene(camera, arm.Pose.of(horizontal, vertical), standing, planes)
            yield from (scene.whole, scene.patches, np.array(scene.corner))

def rooms():
    for angle in ANGLES[::6]:
        room = Room.seen(Camera.at(angle))
        fine = room_planes._bare(room)
        for scale, shape in itertools.product(SCALES[::7], range(4)):
            yield np.rint(255 * 64 * room_planes._object(room, fine, Solid.of(shape, scale))).astype("i2")

def outlines():
    for shape, scale, orientation in itertools.product(range(3), (0, 5), (0, 7, 19, 39)):
        yield sprites.fill(*sprites.corners(shape, scale, orientation))

def told(parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()

print(json.dumps({each.__name__: told(each()) for each in (scenes, rooms, outlines)}))
"""
OTHERS: list[dict[str, str]] = [
    {"OPENBLAS_CORETYPE": "Haswell"},
    {"OPENBLAS_CORETYPE": "SkylakeX"},
    {"OPENBLAS_CORETYPE": "Prescott"},
    {"NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR"},
    {"NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"},
    {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4,-AVX512F"},
]


def drawn(environment: dict[str, str]) -> dict[str, str]:
    given = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    words = [sys.executable, "-W", "ignore", "-c", SAMPLE]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=given, timeout=60)
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def here() -> dict[str, str]:
    return drawn({})


@pytest.mark.parametrize("environment", OTHERS, ids=lambda e: " ".join(f"{k}={v}"[-40:] for k, v in e.items()))
def test_every_processor_draws_the_same_bytes(here: dict[str, str], environment: dict[str, str]) -> None:
    """MPI3D's images differed in 3 % of images between two kernels, by up to 12 grey levels."""
    assert drawn(environment) == here


@pytest.mark.parametrize(
    ("name", "module"), [("dsprites", dsprites), ("shapes3d-drawn", shapes3d), ("mpi3d-drawn", mpi3d)]
)
def test_what_is_drawn_is_what_everybody_draws(name: str, module: Any) -> None:
    datasets.load(name)
    assert cache.verify(name) == module.DRAWN


def test_products_are_those_of_the_matrix_library_to_rounding() -> None:
    random = np.random.default_rng(0)
    a, b, c = random.normal(size=(5, 3)), random.normal(size=(3, 7)), random.normal(size=(3, 4, 6))
    np.testing.assert_allclose(times(a, b), a @ b, rtol=1e-12)
    np.testing.assert_allclose(times(a, c), np.einsum("mk,khw->mhw", a, c), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(times(a[0], b[:, 0]), a[0] @ b[:, 0], rtol=1e-12)
    np.testing.assert_allclose(cross(a[0], a[1]), np.cross(a[0], a[1]), rtol=1e-12)


def test_a_cache_of_other_pixels_is_drawn_again(tmp_path: Path) -> None:
    """As one from a processor that drew otherwise, under the same recipe and version."""

    def build(value: int, calls: list[int]) -> Any:
        def fill(out: np.ndarray) -> None:
            calls.append(value)
            out[:] = value

        return fill

    calls: list[int] = []
    plain = Spec((4, 3), "u1", "recipe", 1, {})
    cache.ready("d", plain, build(7, calls), tmp_path)
    right = cache.verify("d", tmp_path)
    digest = cache.content("d", plain, tmp_path)
    images(tmp_path / "ready" / "d").unlink()
    (tmp_path / "ready" / "d" / "manifest.json").unlink()
    cache.ready("d", plain, build(8, calls), tmp_path)  # another processor's pixels
    assert cache.content("d", plain, tmp_path) != digest
    wanted = plain._replace(drawn=right)
    assert int(cache.ready("d", wanted, build(7, calls), tmp_path)[0, 0]) == 7
    assert cache.content("d", wanted, tmp_path) == digest
    cache.ready("d", wanted, build(7, calls), tmp_path)
    assert calls == [7, 8, 7]
    with pytest.warns(Notice, match="this machine draws other pixels than others do"):
        cache.ready("d", wanted._replace(version=2), build(9, calls), tmp_path)
    cache.ready("d", wanted._replace(version=2), build(9, calls), tmp_path)  # said once, and not drawn at every opening
    assert calls == [7, 8, 7, 9]

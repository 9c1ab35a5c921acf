"""The drawn MPI3D: near the official animations, composed as if drawn directly, and every factor to be seen."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch

from benchmarks import frames
from betavae import datasets
from betavae.datasets import mpi3d
from betavae.datasets.drawn import arm, arm_planes
from betavae.datasets.drawn.arm import SPHERE, Camera, Pose
from betavae.datasets.drawn.arm_planes import Fine, reduced
from betavae.datasets.mpi3d import COLOURS, FACTORS, RINGS
from betavae.errors import Misuse
from betavae.rng import generator


@pytest.fixture(scope="module")
def drawn():
    return datasets.load("mpi3d-drawn")


def shown(dataset, *values: int) -> torch.Tensor:
    return dataset.render(FACTORS.index(torch.tensor(values)))


def some(*name: str, count: int) -> torch.Tensor:
    return torch.randint(FACTORS.size, (count,), generator=generator("mpi3d", *name))


def directly(values: list[int]) -> np.ndarray:
    """One image in its own colours, every ray of the picture against everything: ``[3, 64, 64]`` grey levels."""
    colour, shape, size, height, ring, horizontal, vertical = values
    camera, pose = Camera.of(height), Pose.of(horizontal, vertical)
    fine = Fine.bare(camera).behind([*arm.standing(vertical), *arm.moving(pose)], camera.eye)
    planes = fine.with_object(shape, size, pose, camera.eye)
    tints = np.stack([np.ones(3), RINGS[ring], COLOURS[colour]], -1)
    return np.clip(np.einsum("cp,phw->chw", tints, reduced(planes)), 0, 255)


def test_a_patch_over_a_scene_is_the_image_drawn_directly(drawn):
    """What is kept is rounded to whole grey levels and 1/255 of a colour: within 2 levels."""
    for index in some("directly", count=24):
        direct = directly(FACTORS.values(index).tolist())
        assert np.abs(255 * drawn.render(index).numpy() - direct).max() <= 2


def test_objects_lie_inside_their_patches(drawn):
    """An object at a patch's border would be cut, unless the border is the picture's."""
    for height in range(3):
        camera = Camera.of(height)
        bare = Fine.bare(camera)
        for horizontal, vertical in ((0, 20), (12, 0), (22, 21), (39, 39)):
            pose = Pose.of(horizontal, vertical)
            row, column = arm_planes.corner(camera.pixel(pose.tip[None])[0])
            for shape in range(6):
                whole = reduced(bare.with_object(shape, 1, pose, camera.eye))[2]
                outside = whole.copy()
                outside[row : row + arm_planes.PATCH, column : column + arm_planes.PATCH] = 0
                assert whole.any()
                assert not outside.any()


def test_pixels_are_whole_grey_levels(drawn):
    levels = 255 * drawn.render(some("levels", count=32))
    assert float((levels - levels.round()).abs().max()) < 1e-4


@pytest.mark.parametrize(("factor", "size"), list(zip(*FACTORS, strict=True)))
def test_every_value_of_a_factor_has_its_own_picture(drawn, factor, size):
    """Along each sweep no two images are equal: here with the arm aslant and the pyramid in its hand."""
    k = FACTORS.names.index(factor)
    images = drawn.render(FACTORS.walk(torch.tensor([3, 4, 1, 1, 1, 12, 9]), k))
    assert len(torch.unique(images.flatten(1), dim=0)) == size


def changed(drawn, factor: str, values: tuple[int, ...]) -> torch.Tensor:
    """Which pixels any value of the factor changes, ``[64, 64]``."""
    path = drawn.render(FACTORS.walk(torch.tensor(values), FACTORS.names.index(factor)))
    return (path != path[:1]).any(0).any(0)


def test_a_factor_changes_its_own_thing_only(drawn):
    """Arm and object lie in front of the ring; the ring of the middle camera keeps above row 32 and spans the width."""
    values = (2, SPHERE, 1, 1, 0, 34, 30)
    here = [changed(drawn, factor, values) for factor in ("object_color", "object_size", "background_color")]
    colour, size, ring = here
    assert not (colour & ring).sum() > 20  # only where the object's border shares a pixel with the ring
    assert colour.sum() < 200
    assert ring[:, 2].any()
    assert ring[:, 61].any()
    assert not ring[34:].any()
    assert not size[45:].any()  # the foot stays
    for axis in ("horizontal_axis", "vertical_axis"):
        moved = changed(drawn, axis, values)
        assert moved.sum() > 200
        assert not moved[56:].any()  # the ground before the foot stays
    assert changed(drawn, "camera_height", values)[56:].sum() == 0


def test_the_camera_sinks_from_value_to_value(drawn):
    """The far edge of the ring comes down the picture, and the ring gets thinner."""
    purple = drawn.render(FACTORS.walk(torch.tensor([1, 0, 0, 0, 0, 0, 20]), 3))[:, 2, :, 52] > 80 / 255
    first = purple.float().argmax(1)
    assert first.tolist() == sorted(set(first.tolist()))
    assert purple.sum(1).tolist() == sorted(purple.sum(1).tolist(), reverse=True)


def test_the_object_stays_at_the_end_of_the_link(drawn):
    """Its middle in the picture is where the scene's camera sees the tip, within two pixels."""
    index = some("tip", count=200)
    values = FACTORS.values(index)
    values[:, :3] = torch.tensor([2, SPHERE, 0])
    images = 255 * drawn.render(FACTORS.index(values))
    red = (images[:, 0] - images[:, 1]).clamp(min=0) * ((images[:, 0] - images[:, 1]) > 60)
    rows = torch.arange(64.0) + 0.5
    met = []
    for picture, (*_, height, _, horizontal, vertical) in zip(red, values.tolist(), strict=True):
        if picture.sum() < 2000:  # behind the pillar, or turned from the light
            continue
        middle = torch.stack([(picture.sum(1) * rows).sum(), (picture.sum(0) * rows).sum()]) / picture.sum()
        seen = Camera.of(height).pixel(Pose.of(horizontal, vertical).tip[None])[0]
        met.append(float(np.abs(middle.numpy() - seen).max()))
    assert len(met) > 150
    assert max(met) < 2


@pytest.mark.parametrize("animation", list(frames.STARTS))
def test_official_animations_are_met(shared_data, drawn, animation):
    """Mean absolute error of each of the seven tiles, in grey levels; the animation is quantised to a palette."""
    tiles = frames.mpi3d(shared_data / f"mpi3d_toy{animation}_gif.npz", animation, dict(zip(*FACTORS, strict=True)))
    errors = {tile.kind: float(tile.error(drawn).mean()) for tile in tiles}
    assert len(errors) == 7
    assert max(errors.values()) <= 2


def test_sweeps_go_forth_and_back():
    assert frames.swept(3, 6).tolist() == [3, 4, 5, 5, 5, 5, 4, 3, 3, 2, 2, 1, 0, 0, 0, 0, 1, 2, 2, 3]
    assert frames.swept(39, 40).tolist() == [39, *range(36, -1, -4), *range(3, 36, 4)]


def test_another_source_is_refused():
    with pytest.raises(Misuse, match="the official images are the dataset 'mpi3d-toy'"):
        datasets.load("mpi3d-drawn", source="official")


@pytest.mark.slow
def test_no_object_is_hidden_and_no_two_geometries_are_alike(drawn):
    """In one colouring, ring purple and object red: all 57,600 images differ, and each has some red."""
    index = torch.arange(57_600)
    shape, size, height, pose = index // 9_600, index // 4_800 % 2, index // 1_600 % 3, index % 1_600
    index = FACTORS.index(
        torch.stack([0 * shape + 2, shape, size, height, 0 * shape, pose // 40, pose % 40], -1),
    )
    pictures = set()
    for part in index.split(1_600):
        images = (255 * drawn.render(part)).round().byte()
        assert ((images[:, 0] > 100) & (images[:, 1] < 60)).flatten(1).any(1).all()
        pictures.update(hashlib.blake2b(image.tobytes()).digest() for image in images.numpy())
    assert len(pictures) == 57_600


def test_what_is_kept_is_small():
    assert arm_planes.SCENES * mpi3d.ROW < 125_000_000


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_gpu_shows_the_same_pixels(drawn):
    there = datasets.load("mpi3d-drawn", device="cuda")
    index = torch.arange(0, drawn.size, 997)
    assert float((there.render(index).cpu() - drawn.render(index)).abs().max()) < 1.01 / 255

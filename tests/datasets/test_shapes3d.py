"""The drawn 3D Shapes: near the official frames, and composed as if drawn directly."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
import torch
from PIL import Image

from betavae import datasets
from betavae.datasets.drawn.room import AMBIENT, ANGLES, CUBE, FINE, SCALES, SKY, SPOT, Camera, Room, Solid
from betavae.datasets.shapes3d import FACTORS, HUES
from betavae.errors import Misuse
from betavae.rng import generator


@pytest.fixture(scope="module")
def drawn():
    return datasets.load("shapes3d-drawn")


def shown(dataset, *values: int) -> torch.Tensor:
    return dataset.render(FACTORS.index(torch.tensor(values)))


@pytest.mark.parametrize(("source", "wanted"), [("notebook", 1), ("gif", 2)])
def test_official_frames_are_met(shared_data, drawn, source, wanted):
    """Mean absolute error in grey levels; the gif's frames are quantised to a palette."""
    with np.load(shared_data / "shapes3d_frames.npz") as file:
        known = file["source"] == source
        frames, values = file["frames"][known], torch.from_numpy(file["factors"][known])
    images = 255 * drawn.render(FACTORS.index(values)).permute(0, 2, 3, 1).numpy()
    assert np.abs(images - frames).mean() <= wanted


def directly(values: list[int]) -> np.ndarray:
    """One image in its own colours, ray by ray at the fine size, reduced by Pillow: ``[3, 64, 64]`` grey levels."""
    floor, wall, front = (np.array(colorsys.hsv_to_rgb(hue / 10, 1, 1)) for hue in values[:3])
    room = Room.seen(Camera.at(ANGLES[values[5]]))
    solid = Solid.of(values[4], SCALES[values[3]])
    eye, forward, _ = room.camera
    gain = room.gain.copy()
    points = (eye + room.distance[..., None] * room.directions)[room.floor]
    gain[room.floor] = np.where(np.isfinite(solid.first(points, SPOT - points)), AMBIENT, gain[room.floor])
    albedo = np.where(room.floor[..., None], floor, wall)
    fine = np.minimum(1, albedo * gain[..., None]) * room.texture[..., None]
    fine[~(room.floor | room.wall)] = SKY
    directions = room.directions.reshape(-1, 3)
    distance = solid.first(eye, directions)
    hit = np.isfinite(distance)
    light = solid.light(eye + distance[hit, None] * directions[hit], forward)
    fine[hit.reshape(FINE, FINE)] = np.minimum(1, front * light.gain[:, None] + light.white[:, None])
    channels = [Image.fromarray((255 * fine[..., c]).astype(np.float32)) for c in range(3)]
    reduced = np.stack([np.asarray(channel.resize((64, 64), Image.Resampling.LANCZOS)) for channel in channels])
    return np.clip(np.rint(reduced), 0, 255)


def test_a_sum_of_planes_is_the_image_drawn_directly(drawn):
    values = FACTORS.sample(generator("shapes3d", "directly"), (12,))
    values[:, 4] = torch.arange(12) % 4
    for one in values.tolist():
        assert np.abs(255 * shown(drawn, *one).numpy() - directly(one)).max() <= 1.001


def test_pixels_are_whole_grey_levels(drawn):
    levels = 255 * drawn.render(torch.randint(drawn.size, (32,), generator=generator("shapes3d", "levels")))
    assert float((levels - levels.round()).abs().max()) < 1e-4


def test_hues_are_the_wheel():
    wheel = [[round(5 * channel) for channel in colorsys.hsv_to_rgb(hue / 10, 1, 1)] for hue in range(10)]
    assert wheel == HUES.tolist()


def test_a_hue_colours_its_own_surface_only(drawn):
    """The middle camera sees sky above row 15, wall, and floor below row 44; the object keeps to the middle."""
    middle = (5, 3, 8, 0, 3, 7)
    still = shown(drawn, *middle)
    sky, floor = np.s_[:, :12, :], np.s_[:, 48:, :16]
    wall, front = np.s_[:, 22:36, :16], np.s_[:, 30:46, 30:34]
    for factor, own in enumerate((floor, wall, front)):
        values = list(middle)
        values[factor] = 0
        changed = (shown(drawn, *values) != still).any(0)
        for surface in (sky, floor, wall, front):
            assert bool(changed[surface[1:]].all()) == (surface is own)
            assert bool(changed[surface[1:]].any()) == (surface is own)


def test_scale_grows_the_object(drawn):
    red_on_green = [(shown(drawn, 4, 4, 0, scale, CUBE, 7)[0] > 0.65).sum().item() for scale in range(8)]
    assert red_on_green == sorted(set(red_on_green))


def test_another_source_is_refused():
    with pytest.raises(Misuse, match="the official images are the dataset 'shapes3d'"):
        datasets.load("shapes3d-drawn", source="official")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_gpu_shows_the_same_pixels(drawn):
    there = datasets.load("shapes3d-drawn", device="cuda")
    index = torch.arange(0, drawn.size, 997)
    assert torch.equal(there.render(index).cpu(), drawn.render(index))

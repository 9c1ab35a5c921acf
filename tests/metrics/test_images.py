"""Distances between images of one's own: the same whatever form they come in, and those of the moments by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from betavae import Fault, Misuse, rng
from betavae.cli.main import main
from betavae.metrics.fidelity import images
from betavae.metrics.fidelity.features import FEATURES, Features, Network

WIDTH = 12
ONE, TWO = (np.random.default_rng(k).integers(0, 200 + 50 * k, (40, 8, 8, 3), dtype=np.uint8) for k in range(2))


@pytest.fixture(autouse=True)
def projected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Features "random": twelve fixed filters of the image."""
    filters = torch.randn(3 * 64, WIDTH, generator=rng.generator("filters"))
    network = Network(lambda state: {}, lambda x: x, lambda net, x: x, WIDTH, "none", lambda root: Path("none"))
    monkeypatch.setitem(FEATURES, "random", Features(network, 8, "fd_random", "kid_random"))
    monkeypatch.setattr(images, "extractor", lambda name: lambda x: x.flatten(1) @ filters)


def features(given: np.ndarray) -> np.ndarray:
    filters = torch.randn(3 * 64, WIDTH, generator=rng.generator("filters"))
    found: Tensor = torch.from_numpy(given).permute(0, 3, 1, 2).float().div(255).flatten(1) @ filters
    return found.double().numpy()


def test_every_form_of_the_same_images_has_the_same_distance(tmp_path: Path) -> None:
    np.savez(tmp_path / "one.npz", ONE)
    np.savez_compressed(tmp_path / "named.npz", images=ONE, labels=np.zeros(40))
    np.save(tmp_path / "one.npy", ONE.transpose(0, 3, 1, 2) / 255)
    (tmp_path / "folder").mkdir()
    for k, image in enumerate(ONE):
        Image.fromarray(image).save(tmp_path / "folder" / f"{k:02}.png")
    np.savez(tmp_path / "two.npz", TWO)
    found = [
        images.between(tmp_path / name, tmp_path / "two.npz", "random")
        for name in ("one.npz", "named.npz", "one.npy", "folder")
    ]
    assert all(scores == pytest.approx(found[0], rel=1e-6) for scores in found)
    assert list(found[0]) == ["fd_random", "kid_random"]
    assert found[0]["fd_random"] > 0.1
    assert images.between(tmp_path / "folder", tmp_path / "one.npz", "random")["fd_random"] == pytest.approx(
        0, abs=1e-6
    )
    kept = features(TWO)
    np.savez(tmp_path / "moments.npz", mu=kept.mean(0), sigma=np.cov(kept.T))
    again = images.between(tmp_path / "one.npz", tmp_path / "moments.npz", "random")
    assert again == pytest.approx({"fd_random": found[0]["fd_random"]}, rel=1e-5)


def test_the_command_prints_the_distances(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez(tmp_path / "one.npz", ONE)
    np.savez(tmp_path / "two.npz", TWO)
    words = ["score", "--images", str(tmp_path / "one.npz"), "--reference", str(tmp_path / "two.npz")]
    assert main([*words, "--features", "random", "--json"]) == 0
    wanted = images.between(tmp_path / "one.npz", tmp_path / "two.npz", "random")
    assert json.loads(capsys.readouterr().out)["scores"] == wanted
    assert main([*words, "--features", "random"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == f"fd_random  {wanted['fd_random']:.4f}"
    alien = [[*words, "--knob", "features=random"], [*words, "--dataset", "dsprites"]]
    alien += [["score", "--encoder", "pca", "--dataset", "dsprites", "--metric", "frechet", "--features", "random"]]
    for wrong in (words[:3], [*words, "--encoder", "pca"], ["score"], *alien):
        assert main(wrong) == 2
        assert "--images" in capsys.readouterr().err


def test_what_is_no_set_of_images_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "two.npz", a=ONE, b=ONE)
    np.savez(tmp_path / "short.npz", mu=np.zeros(3), sigma=np.zeros((3, 3)))
    np.save(tmp_path / "single.npy", ONE[:1])
    (tmp_path / "no.npz").write_bytes(b"no")
    (tmp_path / "sizes").mkdir()
    Image.fromarray(ONE[0]).save(tmp_path / "sizes" / "a.png")
    Image.fromarray(ONE[0, :4]).save(tmp_path / "sizes" / "b.png")
    (tmp_path / "empty").mkdir()
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "a.png").write_bytes(b"\x89PNG no more")
    for name, said in {
        "two.npz": r"holds a, b; wanted one array, or one named images",
        "short.npz": r"shape \(3,\), wanted \(12,\)|bytes",
        "single.npy": "has 1 images; wanted at least 2",
        "no.npz": "is not a sound npz file",
        "sizes": "wanted one size",
        "empty": "has 0 images",
        "torn": "is no sound picture",
        "absent": "is no set of images; wanted an .npz or .npy of images, a folder",
    }.items():
        with pytest.raises((Misuse, Fault), match=said):
            images.between(tmp_path / name, tmp_path / "two.npz", "random")

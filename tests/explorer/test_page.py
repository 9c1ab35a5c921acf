"""What goes into a page, and that nobody's name can get out of it."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
import torch
from tiny import squares

from betavae import models, rng
from betavae.errors import Misuse
from betavae.explorer import Explored, document, page, shown
from betavae.explorer.scene import SHOWN, scene
from betavae.explorer.shown import Score, information
from betavae.metrics.base import Codes
from betavae.representation import vae
from betavae.representation.linear import pca


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a code carries and knows, told from 50 images."""
    monkeypatch.setattr(shown, "LOOKED", 50)


HOSTILE = "</script><script>alert(1)</script><!-- & \u2028 'x' \"y\" ]]> {{ 7 * 7 }}"


def drawn(name: str = "a model", seed: int = 1, codes: int = 4, **more: Any) -> Explored:
    """An untrained convolutional VAE of the squares, loud enough that its pixels use the whole range."""
    data = squares()
    model = models.named("conv", data.shape, codes)
    params = {k: v * 2.5 for k, v in model.init(rng.generator(seed, "init", "test")).items()}
    return Explored(name, data, vae.codec(model, params), **more)


def inside(html: str) -> dict[str, Any]:
    """The data that a page carries."""
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    parsed: dict[str, Any] = json.loads(found)
    return parsed


class Tags(HTMLParser):
    """Every start tag and its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_hostile_names_stay_text() -> None:
    scores = [Score(HOSTILE, HOSTILE, 0.5, [(HOSTILE, 0.1)])]
    html = page([drawn(HOSTILE, facts={HOSTILE: HOSTILE}, scores=scores)], title=HOSTILE)
    tags = Tags()
    tags.feed(html)
    assert [tag for tag, _ in tags.found].count("script") == 2  # the data and the page's own
    assert "alert(1)</script>" not in html
    assert "\u2028" not in html.partition('id="data">')[2]  # in a script it would end a line
    (model,) = inside(html)["models"]
    assert model["name"] == HOSTILE
    assert model["facts"] == [[HOSTILE, HOSTILE]]
    assert model["scores"] == [[HOSTILE, HOSTILE, 0.5, [[HOSTILE, 0.1]]]]


def test_a_page_names_nothing_outside_itself_and_lets_only_its_own_script_run() -> None:
    html = page([drawn()])
    tags = Tags()
    tags.feed(html)
    for tag, given in tags.found:
        assert not {"src", "href", "action", "style", "onclick"} & set(given), tag
    (policy,) = [given["content"] for tag, given in tags.found if given.get("http-equiv")]
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy
    script = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)[0]
    assert f"script-src '{document._digest(script)}'" in policy


def test_an_image_is_where_its_sweeps_pass_and_only_one_factor_changes() -> None:
    data = squares()
    made = scene(data)
    assert data.factors is not None
    at = data.factors.values(made.images)
    for k, (values, sweep) in enumerate(zip(made.values, made.sweeps, strict=True)):
        assert len(values) == min(SHOWN, data.factors.sizes[k])
        met = data.factors.values(sweep)
        assert torch.equal(met[..., k], values.expand(len(at), -1))
        others = [j for j in range(4) if j != k]
        assert torch.equal(met[..., others], at[:, None, others].expand(-1, len(values), -1))
    assert torch.equal(scene(data, 6).images, made.images[:6])  # a small page starts from the same images


def test_a_page_carries_the_codes_of_every_image_and_sweep() -> None:
    model = drawn()
    (plain,) = inside(page([model]))["models"]
    made, codes = scene(model.dataset), Codes(model.dataset, model.codec)
    assert np.allclose(plain["means"], codes(made.images), atol=1e-4)
    walks = np.frombuffer(base64.b64decode(plain["walks"]), "<f2").reshape(*made.every.shape, 4)
    assert np.allclose(walks, codes(made.every), atol=2e-3)


def test_information_is_all_of_a_factor_told_and_almost_nothing_of_noise() -> None:
    data = squares()
    assert data.factors is not None
    index = torch.arange(data.size)
    values = data.factors.values(index).float()
    noise = torch.randn(data.size, 1, generator=rng.generator(0, "noise"))
    found = information(torch.cat([values, noise, torch.zeros(data.size, 1)], 1), data.factors, index)
    assert torch.allclose(found[:4], torch.eye(4), atol=1e-6)
    floor = (shown.BINS - 1) * (8 - 1) / (2 * data.size) / np.log(8)
    assert float(found[4, 2]) == pytest.approx(floor, rel=0.5)  # the plug-in estimate's own, as its docstring says
    assert found[5].tolist() == [0, 0, 0, 0]
    mixed = information(values @ torch.full((4, 4), 0.5), data.factors, index)
    assert float(mixed.max()) < 0.8


def test_a_small_page_is_one_models_sliders_and_traversals() -> None:
    whole, small = page([drawn()]), page([drawn()], small=True)
    assert len(small) < len(whole)
    (model,) = inside(small)["models"]
    assert (model["matrix"], model["scores"], model["curve"]) == (None, [], None)
    assert inside(small)["scenes"]["squares"]["strips"] is None
    assert inside(whole)["scenes"]["squares"]["strips"] is not None


def test_what_cannot_be_decoded_in_a_page_is_refused() -> None:
    data = squares()
    with pytest.raises(Misuse, match="is no VAE of betavae's own"):
        page([Explored("pca", data, pca(data, codes=3, seed=0, fit=50))])
    with pytest.raises(Misuse, match="no model to explore"):
        page([])


def test_too_many_weights_are_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "LARGEST", 1_000_000)
    page([drawn()])
    with pytest.raises(Misuse, match=r"weights of these 3 models are 2 MB of page, at most 1 .* name fewer"):
        page([drawn()] * 3)

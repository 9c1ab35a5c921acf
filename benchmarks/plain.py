"""The plain way to train the convolutional VAE, as it is usually written: our yardstick, not used by the package.

A module, a dataset that hands out one image at a time, a loader that stacks them, eager NCHW steps of whole batches.
"""

from __future__ import annotations

import itertools
import time

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as OneByOne


class Images(OneByOne[Tensor]):
    """Bytes ``[n, C, H, W]`` in memory, one image in [0, 1] at a time."""

    def __init__(self, images: Tensor) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, k: int) -> Tensor:
        return self.images[k].float() / 255


class Conv(nn.Module):
    """The convolutional VAE of Table 4."""

    def __init__(self, shape: tuple[int, int, int], codes: int) -> None:
        super().__init__()
        depth = {64: 4, 32: 3}[shape[1]]
        ins = [shape[0]] + [32] * (depth - 1)
        down = [layer for into in ins for layer in (nn.Conv2d(into, 32, 4, 2, 1), nn.ReLU())]
        up = [layer for out in ins[::-1] for layer in (nn.ConvTranspose2d(32, out, 4, 2, 1), nn.ReLU())]
        self.encoder = nn.Sequential(
            *down,
            nn.Flatten(),
            nn.Linear(512, 256),
            nn.ReLU(),
            nn.Linear(256, 256),
            nn.ReLU(),
            nn.Linear(256, 2 * codes),
        )
        self.dense = nn.Sequential(
            nn.Linear(codes, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 512), nn.ReLU()
        )
        self.decoder = nn.Sequential(nn.Unflatten(1, (32, 4, 4)), *up[:-1])

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return _through(self.encoder(x), lambda z: self.decoder(self.dense(z)))


class Mlp(nn.Module):
    """The MLP VAE of Table 4."""

    def __init__(self, shape: tuple[int, int, int], codes: int) -> None:
        super().__init__()
        pixels = shape[0] * shape[1] * shape[2]
        self.encoder = nn.Sequential(
            nn.Flatten(),
            nn.Linear(pixels, 1200),
            nn.ReLU(),
            nn.Linear(1200, 1200),
            nn.ReLU(),
            nn.Linear(1200, 2 * codes),
        )
        middle = [nn.Linear(codes, 1200), nn.Tanh(), nn.Linear(1200, 1200), nn.Tanh(), nn.Linear(1200, 1200), nn.Tanh()]
        self.decoder = nn.Sequential(*middle, nn.Linear(1200, pixels), nn.Unflatten(1, shape))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return _through(self.encoder(x), self.decoder)


def _through(both: Tensor, decode: object) -> tuple[Tensor, Tensor, Tensor]:
    mean, logvar = both.chunk(2, 1)
    z = mean + torch.randn_like(mean) * torch.exp(0.5 * logvar)
    return decode(z), mean, logvar  # type: ignore[operator]


class Plain:
    """A training in the plain way; ``rate(steps)`` goes on with it and says images per second. ``autocast`` has its
    products in bf16.
    """

    def __init__(
        self, method: str, images: Tensor, codes: int, batch: int, device: str = "cpu", autocast: bool = False
    ) -> None:
        shape = (images.shape[1], images.shape[2], images.shape[3])
        self.net = {"conv": Conv, "mlp": Mlp}[method](shape, codes).to(device)
        make = {"conv": torch.optim.Adam, "mlp": torch.optim.Adagrad}[method]
        self.optimiser = make(self.net.parameters(), lr=5e-4)
        self.batch, self.device, self.autocast = batch, device, autocast
        loader = DataLoader(Images(images), batch, shuffle=True, drop_last=True)
        self.batches = itertools.chain.from_iterable(itertools.repeat(loader))

    def rate(self, steps: int) -> float:
        begun = time.perf_counter()
        for x in itertools.islice(self.batches, steps):
            x = x.to(self.device)
            # Entered at every step: around a whole training it keeps the first weights that it cast.
            with torch.autocast(self.device, torch.bfloat16, enabled=self.autocast):
                logits, mean, logvar = (part.float() for part in self.net(x))
            nats = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
            kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).sum()
            self.optimiser.zero_grad()
            ((nats + 4 * kl) / len(x)).backward()
            self.optimiser.step()
        if self.device != "cpu":
            torch.cuda.synchronize()
        return steps * self.batch / (time.perf_counter() - begun)

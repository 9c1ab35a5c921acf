"""Your own encoder, scored: a function, an array of codes, a scikit-learn transformer.

Run it: `python examples/own_encoder.py`. It takes a few seconds and prints three scores; chance is 0.2. The same
function from the command line, with floors beside it, from this folder:

    betavae score --encoder own_encoder:encode --dataset dsprites --metric higgins
"""

import torch
from sklearn.decomposition import PCA
from torch import Tensor

import betavae


def encode(images: Tensor) -> Tensor:
    """Images [n, C, H, W] in [0, 1] to codes [n, Z]: how bright, where the middle is, how far it spreads."""
    mass = images.sum((1, 2, 3)).clamp(min=1e-6)
    place = torch.linspace(-1, 1, images.shape[-1])
    x, y = (images.sum((1, axis)) / mass[:, None] for axis in (2, 3))
    middle = torch.stack([(x * place).sum(1), (y * place).sum(1)], 1)
    spread = torch.stack([(x * place**2).sum(1), (y * place**2).sum(1)], 1) - middle**2
    return torch.cat([mass[:, None], middle, spread], 1)


if __name__ == "__main__":
    dataset = betavae.load("dsprites")
    metric = betavae.metrics.higgins(votes=500, test_votes=500, pool=2000)
    print("a function:   ", betavae.evaluate(metric, dataset, encode, seed=0))

    codes = dataset.factors.values(torch.arange(dataset.size)).float()  # row i for image i: here, the true factors
    print("an array:     ", betavae.evaluate(metric, dataset, codes, seed=0))

    some = dataset.render(torch.randint(dataset.size, (1000,), generator=torch.Generator().manual_seed(0)))
    fitted = PCA(10, random_state=0).fit(some.flatten(1).numpy())  # rows of C * H * W pixels, as transform is given
    print("a transformer:", betavae.evaluate(metric, dataset, fitted, seed=0))

"""What the paper's pages say of each deviation of its published code: what the code does, where, what it touches.

Places are in the paper's published code (Mandelbrot99/BetaVAE, commit 2554f34).
"""

from __future__ import annotations

from typing import NamedTuple


class Deviation(NamedTuple):
    """What the published code does, where it was read, and which published number it touches."""

    what: str
    source: str
    touches: str


DEVIATIONS: dict[str, Deviation] = {
    "rgb-layout": Deviation(
        "PCA and ICA are fitted on bytes 0-255 laid out row, column, channel, and then score pixels in [0, 1] laid out "
        "channel, row, column: permuted and 255 times smaller, as the classifiers then see them.",
        "evaluate.py:152-154, 174-176, 360-381",
        "Figure 3, PCA and ICA on 3Dshapes and MPI3DToy",
    ),
    "ica-scale": Deviation(
        "scikit-learn 0.24 gives ICA codes of variance 1/n, which classifiers see as they are; ICA's linear PyTorch "
        "classifier gets Adam with learning rate 1 to make up for it, scikit-learn's gets nothing.",
        "evaluate.py:147-188, 240",
        "Tables 1 and 2, Figures 3 and 6, ICA",
    ),
    "dropout-on": Deviation(
        "The MLP classifier's dropout is not told that training is over: half its units are off while it is scored.",
        "models/classifier.py:28, 30",
        "Table 2, MLP",
    ),
    "adagrad-leak": Deviation(
        "One Adagrad and one schedule (ReduceLROnPlateau) serve the VAE's classifier and then PCA's: the weights are "
        "drawn anew, the accumulators, the fallen rate and the best loss are not. So PCA's score depends on the VAE "
        "beside it. Off is the same PCA on the same votes with an optimiser of its own, as many steps.",
        "evaluate.py:235, 292",
        "Tables 1 and 2, Figures 3 and 6, PCA with the two PyTorch classifiers",
    ),
    "votes-501": Deviation(
        "501 votes test the classifier: of B = 1,000 to train it, the loop runs to 0.5 B inclusive.",
        "evaluate.py:215",
        "Tables 1 and 2, Figures 3 and 6: vote noise of about 2 points",
    ),
    "mlp-no-drop": Deviation(
        "The MLP's Adagrad run has no learning-rate schedule, though the paper divides by 5 in all experiments.",
        "main.py:175-182",
        "Table 1 and Figure 6, the MLP rows",
    ),
    "traversal-range": Deviation(
        "The posterior traversal runs over (-v, v) with v = μ - 1.96σ: symmetric about 0, not about μ, and of no "
        "width where μ = 1.96σ.",
        "utils/visualize.py:89-94",
        "Figure 4",
    ),
    "last-batch": Deviation(
        "Evaluation losses are divided by the size of the last training batch: 50,000 mod 64 = 16 instead of 64, "
        "four times too large.",
        "training.py:61, 101; evaluate.py:75",
        "Figure 8",
    ),
    "sampled-codes": Deviation(
        "Codes are sampled in evaluation too, so reconstructions, losses, FID and the points of Figure 5 are noisy.",
        "models/betaVAEBurgess.py (reparameterize); viz_new_plots.py:71-157",
        "Table 3, Figures 5 and 7 to 10",
    ),
    "no-held-out": Deviation(
        "There is no held-out split: losses and FID are of training images.",
        "utils/datasets.py:58-86; utils/fid.py:206-225",
        "Table 3, Figures 7 and 8",
    ),
}
"""Every quirk of ``study.quirks`` by name."""

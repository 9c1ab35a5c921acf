"""Your own images as a dataset with known factors.

Run it: `python examples/own_dataset.py`. It takes a second and prints the dataset, one image's factors, and the
sweep of one factor through that image.
"""

import numpy as np
import torch

import betavae

# A grid of three factors, the last one fastest: a disc at 8 rows x 8 columns, in 3 sizes.
rows, columns, sizes = 8, 8, 3
images = []
for row in range(rows):
    for column in range(columns):
        for size in range(sizes):
            y, x = np.mgrid[:32, :32]
            away = np.hypot(y - 6 - 2.5 * row, x - 6 - 2.5 * column)
            images.append(away < 2 + size)  # True is white

discs = betavae.from_array("discs", np.array(images), ["row", "column", "size"], [rows, columns, sizes])
print(discs)

index = torch.tensor(100)
print("factors of image 100:", discs.factors.values(index).tolist())
sweep = discs.factors.walk(discs.factors.values(index), factor=2)
print("white pixels as its size grows:", discs.render(sweep).sum((1, 2, 3)).int().tolist())

# The same images from a table of labels, in any order: a complete table becomes a grid.
labels = discs.factors.values(torch.arange(discs.size)).numpy()
shuffled = np.random.default_rng(0).permutation(discs.size)
again = betavae.from_table("discs", np.array(images)[shuffled], labels[shuffled], ["row", "column", "size"])
print("the table gives the same dataset:", again.digest == discs.digest)

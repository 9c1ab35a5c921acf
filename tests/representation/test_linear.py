"""PCA, ICA and the floors: they equal scikit-learn's, and see the layout they were fitted on."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from tiny import squares

from betavae.errors import Misuse
from betavae.representation import fitted
from betavae.representation.linear import ica, pca, principal


def pixels(dataset: object, count: int = 768) -> torch.Tensor:
    return dataset.render(torch.arange(count)).flatten(1)  # type: ignore[attr-defined]


def test_pca_of_a_known_ellipse() -> None:
    """Axes (3, 4)/5 and (-4, 3)/5 with variances 9 and 1, mean (10, -2)."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(20_000, 2, generator=generator)
    rows = (rows - rows.mean(0)) / rows.std(0) * torch.tensor([3.0, 1.0])
    rows = rows @ torch.tensor([[0.6, 0.8], [-0.8, 0.6]]) + torch.tensor([10.0, -2.0])
    found = principal(lambda: iter(rows.split(999)), len(rows), 2, 2, generator, 8)
    assert found.mean.tolist() == pytest.approx([10, -2], abs=1e-3)
    assert found.variance.tolist() == pytest.approx([9, 1], rel=0.03)
    assert found.axes[:, 0].abs().tolist() == pytest.approx([0.6, 0.8], abs=0.01)
    assert found.explained == pytest.approx(1.0, abs=1e-4)


def test_pca_equals_scikit_learn() -> None:
    from sklearn.decomposition import PCA

    dataset = squares(32)
    codec = pca(dataset, codes=4, seed=0, fit=768)
    theirs = PCA(4, whiten=True, svd_solver="full").fit(pixels(dataset).double().numpy())
    expected = torch.from_numpy(theirs.transform(pixels(dataset).double().numpy())).float()
    ours = codec.encode(dataset.render(torch.arange(768)))
    assert float(codec.notes["explained"]) == pytest.approx(theirs.explained_variance_ratio_.sum(), rel=1e-3)  # type: ignore[arg-type]
    # Equal variances leave the axes of their plane open: the spanned space is what must agree.
    q, r = torch.linalg.qr(ours)[0], torch.linalg.qr(expected)[0]
    assert torch.linalg.svdvals(q.T @ r).min() > 0.999


def test_full_data_equals_a_subset_of_everything() -> None:
    dataset = squares(32)
    one, all_ = pca(dataset, codes=4, seed=0, fit=768), pca(dataset, codes=4, seed=0, fit=None)
    assert float(one.notes["explained"]) == pytest.approx(float(all_.notes["explained"]), rel=1e-3)  # type: ignore[arg-type]
    images = dataset.render(torch.arange(768))
    q, r = (torch.linalg.qr(c.encode(images))[0] for c in (one, all_))
    assert torch.linalg.svdvals(q.T @ r).min() > 0.999


def test_codes_are_white() -> None:
    dataset = squares(32)
    for codec in (pca(dataset, codes=4, seed=0, fit=768), ica(dataset, codes=4, seed=0, fit=768)):
        codes = codec.encode(dataset.render(torch.arange(768)))
        assert torch.allclose(torch.cov(codes.T), torch.eye(4), atol=0.03)


def test_ica_unmixes_independent_sources() -> None:
    """Two uniform sources drawn on orthogonal patches of pixels, mixed: ICA finds each, PCA cannot."""
    from betavae.datasets.base import Dataset

    source = torch.rand(3000, 2, generator=torch.Generator().manual_seed(0))
    mixed = source @ torch.tensor([[1.0, 0.5], [0.5, 1.0]]) / 2
    basis = torch.zeros(2, 64)
    basis[0, :32], basis[1, 32:] = 1, 1
    images = (mixed @ basis).reshape(-1, 1, 8, 8)
    dataset = Dataset("sources", (1, 8, 8), 3000, None, "drawn", "sources", lambda i: images[i])
    found = ica(dataset, codes=2, seed=0, fit=3000).encode(images)
    matched = torch.corrcoef(torch.cat([found, source], 1).T)[:2, 2:].abs()
    assert float(matched.max(0).values.min()) > 0.98
    plain = pca(dataset, codes=2, seed=0, fit=3000).encode(images)
    assert float(torch.corrcoef(torch.cat([plain, source], 1).T)[:2, 2:].abs().max()) < 0.9


@pytest.mark.parametrize("method", ["pca", "ica"])
def test_decoding_loses_what_is_not_explained(method: str) -> None:
    dataset = squares(32)
    codec = fitted(method, dataset, codes=40, seed=0, fit=768)
    images = dataset.render(torch.arange(768))
    assert codec.decode is not None
    back = codec.decode(codec.encode(images))
    lost = (back - images).square().sum() / 767
    unexplained = (1 - float(codec.notes["explained"])) * float(images.flatten(1).var(0).sum())  # type: ignore[arg-type]
    assert float(lost) <= unexplained * 1.001  # clipping to pixels can only help
    assert float(lost) > unexplained * 0.5


@pytest.mark.parametrize("method", ["pca", "ica"])
def test_codec_sees_the_layout_it_was_fitted_on(method: str) -> None:
    """On RGB images the published code fits one layout and scores another; the quirk does so, the protocol does not."""
    dataset = squares(32, channels=3)
    colours = torch.linspace(0.2, 1, 3)[:, None, None]
    painted = dataset.__class__(
        "painted", dataset.shape, dataset.size, dataset.factors, "drawn", "p", lambda i: dataset.renderer(i) * colours
    )
    images = painted.render(torch.arange(768))
    plain = fitted(method, painted, codes=4, seed=0, fit=768)
    quirk = fitted(method, painted, codes=4, seed=0, fit=768, layout="hwc255")
    assert torch.allclose(plain.encode(images).std(0), torch.ones(4), atol=0.05)
    assert float(quirk.encode(images).std(0).max()) < 0.05
    with pytest.raises(Misuse, match="layout is 'whc'"):
        fitted(method, painted, codes=4, seed=0, fit=768, layout="whc")


def test_the_old_scale_of_ica_is_smaller_by_the_root_of_n() -> None:
    dataset = squares(32)
    images = dataset.render(torch.arange(768))
    new, old = (
        ica(dataset, codes=3, seed=0, fit=768, whiten=w).encode(images) for w in ("unit-variance", "arbitrary-variance")
    )
    assert torch.allclose(new / 768**0.5, old, atol=1e-6)


def test_seeds_choose_the_subset() -> None:
    dataset = squares(32)
    images = dataset.render(torch.arange(100))
    one, again, other = (pca(dataset, codes=3, seed=s, fit=100).encode(images) for s in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.allclose(one.abs(), other.abs(), atol=1e-3)


def test_too_many_components_are_refused() -> None:
    with pytest.raises(Misuse, match="wanted from 1 to"):
        pca(squares(32), codes=200, seed=0, fit=100)


@pytest.mark.parametrize("method", ["pixels", "projection", "untrained", "factors", "noise"])
def test_floors_are_codecs(method: str) -> None:
    import betavae

    dataset = squares(32)
    codec = fitted(method, dataset, codes=6, seed=0, fit=None)
    metric = betavae.metrics.higgins(votes=80, test_votes=80, pairs=8)
    got = betavae.evaluate(metric, dataset, codec, seed=0)["higgins"]
    assert got == 1.0 if method == "factors" else 0 <= got <= 1


def test_noise_codes_go_by_index_and_say_nothing() -> None:
    """The same code for an image wherever it is asked for, another for another seed; independent and standard."""
    dataset = squares(32)
    one, other = (fitted("noise", dataset, codes=4, seed=s, fit=None).told for s in (1, 2))
    assert one is not None
    assert other is not None
    index = torch.arange(dataset.size)
    table = one(index)
    assert torch.equal(one(index.flip(0)), table.flip(0))
    assert not torch.equal(other(index), table)
    bound = 5 / dataset.size**0.5
    assert table.mean(0).abs().max() < bound
    assert (torch.corrcoef(table.T) - torch.eye(4)).abs().max() < bound
    with pytest.raises(Misuse, match="index"):
        fitted("noise", dataset, codes=4, seed=1, fit=None).encode(dataset.render(index[:2]))


STREAMED = """
import resource, torch
from betavae.representation.linear import principal
from betavae.study import machine

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # MiB

assert machine.hold_memory() or print("skip")
base, before = torch.rand(1024, 1024, generator=torch.Generator().manual_seed(0)), peak()
principal(lambda: (base * k for k in range(1, 201)), 200 * 1024, 1024, 10, torch.Generator().manual_seed(0), 1)
print(peak() - before)
"""


def test_rows_are_streamed_in_a_process_that_holds_on_to_memory() -> None:
    """Else "all images" takes as many gigabytes as there are images: once 20, and the system killed the worker."""
    said = subprocess.run([sys.executable, "-c", STREAMED], capture_output=True, text=True, check=False)
    if "skip" in said.stdout:
        pytest.skip("this C library gives memory back in its own way")
    assert said.returncode == 0, said.stderr
    assert float(said.stdout) < 200, "of the 800 MiB that went through"

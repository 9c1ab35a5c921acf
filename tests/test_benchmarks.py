"""The benchmarks' own claims: rivals do the same work, ways of writing agree, no GPU is said."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
import torch
from test_training import ADAM, member, task

from benchmarks import convolutions, gpu, machines, metrics, plain, precision, tables, training
from betavae import models
from betavae.training import autotune, population, single
from betavae.training.population import How
from betavae.training.recipe import Recipe


def test_the_ways_to_write_a_convolution_agree() -> None:
    assert convolutions.agree() < 1e-12


@pytest.mark.parametrize("way", convolutions.RIVALS)
def test_a_population_is_the_same_in_every_way(way: str) -> None:
    given, pair = task(recipe=ADAM), [member(1), member(2, 1.0)]
    usual = population.advance(given, pair, [single.start(given, m) for m in pair], 3, together=True)
    with convolutions.written(way):
        other = population.advance(given, pair, [single.start(given, m) for m in pair], 3, together=True)
    for a, b in zip(usual, other, strict=True):
        assert torch.allclose(a.trace, b.trace, rtol=1e-4)


@pytest.mark.parametrize("case", machines.CASES)
def test_the_plain_way_trains_as_many_parameters(case: str) -> None:
    method, shape, codes, _ = machines.CASES[case]
    ours = models.named(method, shape, codes).init(torch.Generator().manual_seed(0))
    theirs = {"conv": plain.Conv, "mlp": plain.Mlp}[method](shape, codes)
    assert sum(v.numel() for v in ours.values()) == sum(p.numel() for p in theirs.parameters())


def test_rates_are_ratios_of_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "ROUNDS", 1)
    monkeypatch.setitem(machines.CASES, "tiny", ("conv", (1, 32, 32), 4, 256))
    monkeypatch.setattr(machines, "IMAGES", 1024)
    found = training.case("tiny")
    assert found["ours / plain"] == pytest.approx(found["images per second"] / found["plain images per second"])
    reached = found["images per second"] * found["operations per image"]
    assert (
        0
        < found["share of the matrix product"]
        == pytest.approx(reached / found["matrix product, operations per second"])
    )


def test_a_population_is_timed() -> None:
    """What `make gpu-check` runs, as far as a CPU goes."""
    given = task(recipe=Recipe("adam", 5e-4, 2, 2 * 1000))
    assert gpu.rate(given, 2, "unfold and batched product", How(), lasting=0.01) > 0


@pytest.mark.slow
def test_what_a_gpu_will_be_asked_is_rehearsed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every block of `make gpu-check` on a CPU, in tiny sizes; a way that fails would be told as a line of words."""
    monkeypatch.setattr("betavae.models.mlp.HIDDEN", 48)
    monkeypatch.setattr(autotune, "WARM", 1)
    monkeypatch.setattr(autotune, "TRIED", 1)
    monkeypatch.setattr(gpu, "WARM", 1)
    monkeypatch.setattr(machines, "IMAGES", 256)
    assert gpu.main(["--rehearse"]) == 0
    told = capsys.readouterr().out
    assert "Error" not in told
    assert re.search(r"records that went wrong\W+0\b", told)
    for part in ("agreement with the CPU", "frechet", "largest difference of a seed from float32", "best / plain",
                 "as the package runs it with --precision tf32", "minutes of the paper's own scale"):  # fmt: skip
        assert part in told
    assert "kept as" not in told


def test_every_way_and_precision_is_measured_once() -> None:
    names = [gpu.named(*way) for way in gpu.tried()]
    assert len(set(names)) == len(names)
    for mode in ("float32", "tf32", "bf16"):
        for way in ("kernels", "products", "unfold and batched product", "kernels, channels last",
                    "kernels, as a graph", "products, as a graph"):  # fmt: skip
            assert f"{way}, {mode}" in names
    assert "products, compiled, as a graph, tf32" in names


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_it_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert gpu.main([]) == 2
    assert "no GPU here" in capsys.readouterr().out


def test_tables_go_between_their_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"above\n{tables.BEGIN}\nold\n{tables.END}\nbelow\n")
    found = {"ceilings": {"product": 9.5e10, "name": "x"}, "seconds": 3.0}
    tables.refresh(page, tables.tables("a core", found))
    text = page.read_text()
    assert text.startswith("above\n")
    assert text.endswith("below\n")
    assert "| ceilings: product | 95,000,000,000 |" in text
    assert "\nold\n" not in text
    page.write_text("no marks")
    with pytest.raises(ValueError, match="no lines"):
        tables.refresh(page, "x")


def test_two_precisions_are_compared_seed_by_seed() -> None:
    """By hand: differences .1, .3 have mean .2 and sd √.02; t(.95, 1) = 6.3138."""
    found = precision.compared({"a": 0.5, "b": 0.6, "only here": 1.0}, {"b": 0.9, "a": 0.6, "only there": 0.0})
    assert (found.seeds, found.apart) == (2, pytest.approx(0.2))
    assert found.half == pytest.approx(6.313752 * math.sqrt(0.02 / 2), rel=1e-6)
    assert found.one == pytest.approx((0.55, math.sqrt(0.005)))
    with pytest.raises(ValueError, match="1 cells are in both"):
        precision.compared({"a": 0.5}, {"a": 0.6})


def test_the_rate_of_an_encoder_is_held_against_the_product(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every case that `make bench` encodes is one; of the smallest, what is printed agrees with itself."""
    monkeypatch.setattr(machines, "product", lambda: 1e9)
    assert "conv 3x32x32" in metrics.encoders()
    found = metrics.encoding("conv 3x32x32")
    macs = models.size("conv", (3, 32, 32), 128).encoder
    assert found["share of the matrix product"] == pytest.approx(found["images per second"] * 2 * macs / 1e9)

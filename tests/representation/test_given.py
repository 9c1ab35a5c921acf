"""What an encoder may give: parts, distributions, any kind of number; what it must not is told, modules are kept."""

from __future__ import annotations

import functools
from collections import OrderedDict
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
import scipy.sparse
import torch
from tiny import squares
from torch import Tensor, nn
from torch.distributions import Categorical, Independent, Normal

import betavae
from betavae import Fault, Misuse, Notice
from betavae.metrics import higgins
from betavae.metrics.base import Codes
from betavae.representation.encoders import codec, modules_of
from betavae.representation.given import checked, chosen

DATASET = squares(32)
METRIC = higgins(votes=40, test_votes=40, pairs=4)
FEW = torch.arange(0, DATASET.size, 7)


def flat(images: Tensor) -> Tensor:
    return images.flatten(1)[:, ::16].contiguous()


def codes_of(encode: Any, batch: int = 256, **more: Any) -> Tensor:
    return Codes(DATASET, codec(encode, DATASET, **more), batch)(FEW)


WANTED = flat(DATASET.render(FEW))


class Pair(NamedTuple):
    logvar: Tensor
    mu: Tensor


class Output(OrderedDict):  # type: ignore[type-arg]
    """As model libraries give: a dictionary whose keys are attributes."""

    def __getattr__(self, name: str) -> Any:
        return self[name]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (lambda z: (z, z - 9), r"gave 0 \[\d+, 64\], 1 \[\d+, 64\]: '0' is taken as a mean, '1' as its log variance"),
        (lambda z: (torch.zeros(len(z), 784), z, z - 9), "'1' is taken as a mean, '2' as its log variance"),
        (lambda z: [torch.zeros(len(z), 1, 8, 8), z, z - 9], "'1' is taken as a mean, '2' as its log variance"),
        (lambda z: (torch.zeros(len(z), 1, 8, 8), z), r"'1' is taken, the only one \[n, Z\]"),
        (lambda z: Pair(z - 9, z), "logvar .*, mu .*: 'mu' is taken"),
        (lambda z: {"loss": torch.zeros(()), "mu": z, "z": z + 1}, "'mu' is taken"),
        (lambda z: Output(recon=torch.zeros(len(z), 784), z=z), "'z' is taken"),
        (lambda z: SimpleNamespace(latents=z, loss=0.5), "'latents' is taken, the only one"),
        (lambda z: Normal(z, torch.ones_like(z)), r"a distribution \(Normal\): its mean is taken"),
        (lambda z: Independent(Normal(z, torch.ones_like(z)), 1), r"a distribution \(Independent\): its mean"),
        (lambda z: SimpleNamespace(latent_dist=SimpleNamespace(mean=z, logvar=z - 9)), "the mean of 'latent_dist' is"),
        (lambda z: (torch.zeros(len(z), 1, 8, 8), Normal(z, torch.ones_like(z))), None),
    ],
)
def test_of_several_parts_the_mean_is_taken_and_said(given: Any, said: str | None) -> None:
    encode = lambda images: given(flat(images))  # noqa: E731
    if said is None:
        with pytest.raises(Misuse, match=r"1 Normal, and none is of shape \[\d+, Z\]; give the codes alone"):
            codes_of(encode)
        return
    with pytest.warns(Notice, match=said) as told:
        assert torch.equal(codes_of(encode, batch=50), WANTED)
    assert len(told) == 1  # once, and not for every batch


@pytest.mark.parametrize(
    "given",
    [
        lambda z: z.double(),
        lambda z: z.half(),
        lambda z: z.requires_grad_(),
        lambda z: (z,),
        lambda z: {"codes": z},
        lambda z: z.numpy().astype(">f4"),
        lambda z: z.numpy().astype(">f8"),
        lambda z: z.numpy().astype(np.longdouble),
        lambda z: z.numpy().tolist(),
        lambda z: list(z),
        lambda z: scipy.sparse.csr_matrix(z.numpy()),
        lambda z: z.to_sparse(),
        lambda z: (4 * z).to(torch.uint8).numpy().astype(np.uint64) / 4,
    ],
)
def test_codes_of_any_kind_are_the_same_codes(given: Any) -> None:
    assert torch.equal(codes_of(lambda images: given(flat(images))), WANTED)


def test_a_part_is_chosen_by_its_name() -> None:
    several = lambda images: {"mean": flat(images), "z": flat(images) + 1}  # noqa: E731
    assert torch.equal(codes_of(several, output="z"), WANTED + 1)
    assert torch.equal(codes_of(lambda images: (flat(images), flat(images) + 1), output="1"), WANTED + 1)
    assert betavae.evaluate(METRIC, DATASET, several, seed=0, output="z") == betavae.evaluate(
        METRIC, DATASET, lambda images: flat(images) + 1, seed=0
    )
    with pytest.raises(Misuse, match="unknown output 'zz'"):
        codes_of(several, output="zz")


@pytest.mark.parametrize(
    ("encode", "said"),
    [
        (lambda x: (flat(x), flat(x), flat(x)), "3 of them may be codes; give the codes alone, or name one"),
        (lambda x: {"a": flat(x), "b": flat(x)}, "2 of them may be codes"),
        (lambda x: {}, "the encoder gave nothing, and none is of shape"),
        (lambda x: None, "the encoder gave NoneType; wanted real codes"),
        (lambda x: flat(x)[:, :0], r"gave no code for \d+ images, shape \(\d+, 0\)"),
        (lambda x: flat(x)[:, :, None, None], r"shape \(\d+, 64, 1, 1\) .*; flatten\(1\) makes one row of each"),
        (lambda x: flat(x).to("meta"), "the encoder gave torch.float32; wanted real codes"),
        (lambda x: Categorical(flat(x) + 1), "of shape|cannot be read|not finite"),
        (lambda x: "codes", "the encoder gave str; wanted real codes"),
        (lambda x: np.array(["a"] * len(x)), "the encoder gave <U1; wanted real codes"),
        (nn.Linear, "the encoder is the class Linear; wanted an instance of it"),
    ],
)
def test_what_is_no_codes_is_misuse(encode: Any, said: str) -> None:
    with pytest.raises((Misuse, Fault), match=said):
        codes_of(encode)


def test_codes_beyond_single_precision_are_not_called_infinite() -> None:
    with pytest.raises(Fault, match=r"codes beyond float32 \(1e\+300; it ends at 3.4e\+38, scale them\) for 1 of 3"):
        checked(np.array([[1.0], [1e300], [0]]), 3)
    with pytest.raises(Fault, match="codes that are not finite for 1 of 2 images"):
        checked(torch.tensor([[1.0], [float("inf")]]), 2)
    assert checked(np.array([[3.4e38]]), 1).item() == pytest.approx(3.4e38)


def test_as_many_codes_for_every_image() -> None:
    seen = []

    def shrinking(images: Tensor) -> Tensor:
        seen.append(len(images))
        return flat(images)[:, : 6 if len(seen) == 1 else 1]

    with pytest.raises(Misuse, match="the encoder gave 6 codes for one image and 1 for another"):
        codes_of(shrinking, batch=48)


def test_all_of_a_table_is_checked_before_any_of_it_counts() -> None:
    table = np.zeros((DATASET.size, 3), np.float32)
    table[500, 1] = np.nan
    with pytest.raises(Fault, match=r"codes.npy: row 500 holds nan as code \d+, not finite; nothing can be scored"):
        codec(table, DATASET, "codes.npy")
    with pytest.raises(
        Fault, match=r"row 0 holds 1e\+300 as code 0, beyond float32, which ends at 3.4e\+38; scale them"
    ):
        codec(np.full((DATASET.size, 1), 1e300), DATASET)
    with pytest.raises(Misuse, match=r"shape \[768, 0\]; wanted .*, and a column for each code"):
        codec(table[:, :0], DATASET)
    with pytest.raises(Misuse, match="has masked codes"):
        codec(np.ma.masked_invalid(table), DATASET)
    big = codes_of(np.nan_to_num(table).astype(">f8"))
    assert big.dtype == torch.float32


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Flatten(), nn.Linear(1024, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 6)
    )


class Wrapped:
    """An encoder that holds a module and is none."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def encode(self, images: Tensor) -> Tensor:
        return self.module(images)  # type: ignore[no-any-return]


NET = net()


def through_a_global(images: Tensor) -> Tensor:
    return NET(images)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "form",
    [
        lambda m: m,
        lambda m: m.forward,
        lambda m: lambda images: m(images),
        lambda m: lambda images, each=m: each(images),
        lambda m: functools.partial(torch.nn.Module.__call__, m),
        lambda m: Wrapped(m).encode,
        lambda m: lambda images: {"z": Wrapped(m).encode(images)},
        lambda m: NET.load_state_dict(m.state_dict()) and through_a_global,
    ],
    ids=["module", "method", "closure", "default", "partial", "held", "held and closed over", "global"],
)
def test_a_module_is_scored_in_evaluation_mode_and_given_back_as_it_was(form: Any) -> None:
    """In training mode the score followed the batch size, and the module had learnt the images' statistics."""
    module = net()
    module[4].eval()  # one part is in another mode than the rest
    wanted = codes_of(net().eval())
    encode = form(module)
    used = modules_of(encode)
    assert used
    before = [(part.training, {k: v.clone() for k, v in part.state_dict().items()}) for each in used for part in each]
    for batch in (7, 256):
        with pytest.warns(Notice, match="is in training mode: it is run in evaluation mode, and given back in"):
            assert torch.allclose(codes_of(encode, batch=batch), wanted, atol=1e-5)
    after = [(part.training, part.state_dict()) for each in used for part in each]
    for (mode, state), (mode_after, state_after) in zip(before, after, strict=True):
        assert mode == mode_after
        assert all(torch.equal(state[key], state_after[key]) for key in state)


def test_a_module_in_evaluation_mode_is_left_alone() -> None:
    class Counted(nn.Linear):
        def train(self, mode: bool = True) -> nn.Linear:
            raise AssertionError("its mode was changed")

    module = Counted(1024, 3)
    module.training = False
    assert modules_of(lambda images: module(images.flatten(1))) == [module]
    codes_of(lambda images: module(images.flatten(1)))


def test_a_module_comes_back_in_its_mode_from_a_failure() -> None:
    module = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(3, 2))
    with pytest.raises(Fault, match="failed on images"):
        codes_of(module)
    assert all(part.training for part in module.modules())


def test_a_long_error_keeps_its_end() -> None:
    def broken(images: Tensor) -> Tensor:
        raise ValueError("begins " + "x" * 2000 + " and the cause stands last")

    with pytest.raises(Fault, match=r"ValueError: begins x+ … x+ and the cause stands last \(test_given.py:\d+\)"):
        codes_of(broken)


def test_seeds_are_whole_numbers_of_any_type() -> None:
    plain = betavae.evaluate(METRIC, DATASET, flat, seed=1)
    for seed in (np.int64(1), np.arange(3)[1], torch.tensor(1)):
        assert betavae.evaluate(METRIC, DATASET, flat, seed=seed) == plain  # type: ignore[arg-type]
    for wrong in (None, 1.5, -1, True, "1", [1], 2**63, float("nan")):
        with pytest.raises(Misuse, match=r"seed is .*; wanted a whole number from 0 on"):
            betavae.evaluate(METRIC, DATASET, flat, seed=wrong)  # type: ignore[arg-type]


def test_a_metric_may_be_named() -> None:
    knobs = {"votes": 1000, "test_votes": 1000, "pairs": 64}
    assert betavae.evaluate("higgins", DATASET, flat, seed=0) == betavae.evaluate(
        higgins(**knobs),  # type: ignore[arg-type]
        DATASET,
        flat,
        seed=0,
    )
    with pytest.raises(Misuse, match="unknown measure 'higgin'; did you mean 'higgins'"):
        betavae.evaluate("higgin", DATASET, flat, seed=0)
    with pytest.raises(Misuse, match="metric is 7; wanted a name, or what"):
        betavae.evaluate(7, DATASET, flat, seed=0)  # type: ignore[arg-type]
    with pytest.raises(Misuse, match="dataset is 'dsprites'; wanted one of"):
        betavae.evaluate(METRIC, "dsprites", flat, seed=0)  # type: ignore[arg-type]
    with pytest.raises(Misuse, match="batch is 0; wanted a whole number"):
        betavae.evaluate(METRIC, DATASET, flat, seed=0, batch=0)


def test_what_is_no_structure_is_not_taken_apart() -> None:
    rows = torch.zeros(3, 2)
    for plain in (rows, rows.numpy(), rows.tolist(), list(rows), None, "text"):
        assert chosen(plain, 3)[1] == ""

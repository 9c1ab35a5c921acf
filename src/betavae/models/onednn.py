"""The door to oneDNN's products, which PyTorch keeps private: one call, believed only where it is there and agrees.

On AMD's processors PyTorch's single-precision products go to MKL, which takes its AVX2 kernels there: half of what
oneDNN's AVX-512 ones do. On Intel's the two are alike, and MKL is called as everywhere else.
"""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from betavae import processor

NEAR = 1e-6
"""The largest error of a product of numbers about 1, as a share of the largest, that is single precision's own."""


def product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """x Wᵀ + b: ``[n, in]`` and ``[out, in]`` to ``[n, out]``."""
    if x.dtype == torch.float32 and pays():
        return _private(x, weight, bias)
    return x @ weight.t() if bias is None else F.linear(x, weight, bias)


@lru_cache(maxsize=1)
def pays() -> bool:
    """Whether the private call is taken: on AMD's processors with AVX-512, where it is there and agrees."""
    return processor.maker() == "AuthenticAMD" and "avx512f" in processor.instructions() and agrees()


def agrees() -> bool:
    """Whether the private call is there and multiplies in single precision, gradients' transposed operands too."""
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(96, 160, generator=generator) for _ in range(2))
    bias = torch.randn(96, generator=generator)
    try:
        pairs = [
            (_private(a, b, bias), a.double() @ b.double().t() + bias),
            (_private(a.t(), b.t(), None), a.double().t() @ b.double()),
        ]
        return all(float((x - y).abs().max() / y.abs().max()) < NEAR for x, y in pairs)
    except (AttributeError, RuntimeError, TypeError):
        return False


def _private(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")  # type: ignore[no-any-return]

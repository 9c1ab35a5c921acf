"""What the processor is: its maker and its instruction sets, where the system tells. No array library is imported."""

from __future__ import annotations

import platform
from functools import lru_cache
from pathlib import Path

FLAGS = ("amx_bf16", "avx512_bf16", "avx512f", "avx2", "fma", "avx", "sse4_2", "asimd", "sve")
"""Instruction sets of which kernels come in versions of their own: numbers of two of them differ by rounding."""
BF16 = ("amx_bf16", "avx512_bf16")
"""Those that multiply bf16. Emulated, it takes four times as long as single precision."""


@lru_cache(maxsize=1)
def _told() -> dict[str, str]:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.partition(":") for line in lines)
    found: dict[str, str] = {}
    for key, _, value in pairs:
        found.setdefault(key.strip(), value.strip())
    return found


def maker() -> str:
    """Who made it, as it says itself: "GenuineIntel", "AuthenticAMD"."""
    return _told().get("vendor_id", platform.processor())


def instructions() -> list[str]:
    """Which of FLAGS it has: records of other sets agree to rounding alone."""
    told = _told().get("flags") or _told().get("Features", "")
    return [flag for flag in FLAGS if flag in told.split()]


def bf16() -> str:
    """The quickest of its instruction sets that multiply bf16, or nothing."""
    return next((flag for flag in BF16 if flag in instructions()), "")

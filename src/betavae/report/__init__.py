"""Records in, pages out; nothing here trains, loads a dataset or imports PyTorch."""

from __future__ import annotations

import contextlib
import os
import sys

if "MPLBACKEND" in os.environ and "matplotlib" not in sys.modules:
    # A notebook's name for where it shows figures comes down to every process it starts, and matplotlib refuses to be
    # imported where it knows no such place. Figures here are drawn by Agg; what pyplot does stays the user's choice.
    chosen = os.environ.pop("MPLBACKEND")
    try:
        import matplotlib
    finally:
        os.environ["MPLBACKEND"] = chosen
    with contextlib.suppress(ValueError):
        matplotlib.rcParams["backend"] = chosen
    del chosen

"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of fixtures that lies beside the project, or a skip that says so."""
    if not SHARED.is_dir():
        pytest.skip("fixtures of ../shared/data are not here")
    return SHARED

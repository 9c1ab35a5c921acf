"""What tests of running share."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
import soak

from betavae import datasets
from betavae.study.executors import local


@pytest.fixture(scope="module")
def squares() -> Iterator[None]:
    """A dataset that is drawn in no time, here and in the workers of the command line."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(datasets.DATASETS, "squares", "soak:load")
        patch.setattr(local, "COMMAND", (sys.executable, str(soak.HERE), "worker"))
        yield

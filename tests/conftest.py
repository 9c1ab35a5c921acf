"""Fixtures that every test may use, and the stranger's machine on which all of them run."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

ISOLATED = "BETAVAE_TESTS"
"""Where in the environment the folder of this session is named: its worker processes share it."""


def isolate() -> None:
    """Give this session an empty home and an empty folder for temporary files, no configuration or cache of the
    user's, and a figure backend that is not installed: whatever a test needs beside the tree, it makes.
    """
    if ISOLATED in os.environ:
        return
    folder = tempfile.mkdtemp(prefix="bv")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ[ISOLATED] = folder
    for name in [name for name in os.environ if name.startswith("XDG_")]:
        del os.environ[name]
    for name, place in (("HOME", "home"), ("TMPDIR", "t")):
        os.environ[name] = os.path.join(folder, place)
        os.mkdir(os.environ[name])
    os.environ["MPLBACKEND"] = "module://of.another.environment"
    tempfile.tempdir = None  # what was found before is looked for again


isolate()

import pytest  # noqa: E402
import torch  # noqa: E402

torch.set_num_threads(1)

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"

# What is drawn stays between runs, and one of several workers draws it for all: the cache locks and checks it.
os.environ.setdefault("BETAVAE_DATA", str(Path(__file__).resolve().parents[1] / "build" / "test-data"))
# No test reads or writes what a person trusts.
os.environ["BETAVAE_CONFIG"] = tempfile.mkdtemp(prefix="betavae-config-")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of fixtures that lies beside the project, or a skip that says so."""
    if not SHARED.is_dir():
        pytest.skip("fixtures of ../shared/data are not here")
    return SHARED


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies would take loopback addresses elsewhere, and silence should not last."""
    from betavae.datasets.files import download

    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(download, "TIMEOUT", (5.0, 0.5))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print at the end what tests counted: each ``record_property("counted", text)``, from whichever process."""
    reports = [report for kind in terminalreporter.stats.values() for report in kind]
    for report in reports:
        if getattr(report, "when", None) == "teardown":
            for name, text in report.user_properties:
                if name == "counted":
                    terminalreporter.write_line(text)

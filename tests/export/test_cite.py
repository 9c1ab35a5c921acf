"""What to cite follows from what was used: the paper always, each work once, and nothing that was not used."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from factory import FakeStore, baseline, higgins, vae

from betavae import metrics, objectives
from betavae.cli.main import main
from betavae.datasets.cards import CARDS
from betavae.export.cite import FEATURES, MEASURES, METHODS, PAPER, WORKS, entries
from betavae.metrics import METRICS
from betavae.models import MODELS
from betavae.names import opened
from betavae.objectives import LIKELIHOODS, OBJECTIVES
from betavae.representation import METHODS as METHODS_BY_NAME
from betavae.study.cells import Question, pairs
from betavae.study.store import Store


def keys(text: str) -> list[str]:
    return re.findall(r"^@\w+\{([^,]+),$", text, re.MULTILINE)


def used(*asked: tuple[Any, Question | None]) -> list[str]:
    """The keys to cite for these cells and questions."""
    store = FakeStore()
    for cell, question in asked:
        store.add(cell, question)
    return keys("\n\n".join(entries(store.records())))


def test_nothing_used_is_the_paper_alone() -> None:
    assert entries() == [PAPER]


def test_what_was_used_is_cited_and_nothing_else() -> None:
    assert used((baseline("pca"), None)) == ["fil2021betavae", "dsprites17"]
    assert used((baseline("ica"), higgins())) == [
        "fil2021betavae", "dsprites17", "hyvarinen2000independent", "higgins2017betavae",
    ]  # fmt: skip
    frechet = Question("frechet", pairs({"features": "inception2015"}))
    mlp, conv = vae(method="mlp"), vae("cifar10")
    found = used((mlp, None), (conv, frechet), (conv, frechet))
    assert sorted(found) == sorted({*found})
    assert {"dsprites17", "krizhevsky2009learning", "heusel2017gans", "seitzer2020fid"} <= set(found)
    assert "tan2019efficientnet" not in found
    other = Question("frechet", pairs({"features": "efficientnet_lite0_96"}))
    assert {"tan2019efficientnet"} <= set(used((conv, other))) - {"seitzer2020fid"}


@pytest.mark.parametrize(
    "text", [PAPER, *WORKS.values(), *dict.fromkeys(card.bibtex for card in CARDS.values())], ids=lambda t: keys(t)[0]
)
def test_every_entry_is_whole(text: str) -> None:
    assert len(keys(text)) == 1
    assert text.count("{") == text.count("}")
    for field in ("author", "title", "year"):
        assert re.search(rf"^  {field} = {{.+", text, re.MULTILINE), field
    assert text.endswith("\n}")


def test_the_tables_name_what_there_is() -> None:
    """Each name is one of the package's own, each work is known, and each work has a use."""
    assert set(MEASURES) <= set(METRICS)
    assert set(METHODS) <= {*MODELS, *METHODS_BY_NAME}
    named = {work for table in (MEASURES, METHODS, FEATURES) for works in table.values() for work in works}
    named |= {work for name in METRICS for work in metrics.named(name).cites}
    named |= {work for name in OBJECTIVES for work in objectives.named(name).cites}
    named |= {work for name in LIKELIHOODS for work in opened(LIKELIHOODS, name, "likelihood").cites}
    assert named == set(WORKS)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cite"]) == 0
    assert capsys.readouterr().out == PAPER + "\n"
    fake = FakeStore()
    fake.add(vae(), higgins())
    store = Store(tmp_path)
    for record in fake.records():
        store.append(record)
    assert main(["cite", str(tmp_path)]) == 0
    assert keys(capsys.readouterr().out) == [
        "fil2021betavae", "dsprites17", "kingma2014autoencoding", "higgins2017betavae", "burgess2018understanding",
    ]  # fmt: skip

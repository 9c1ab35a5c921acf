"""Laws of the quirk page: every deviation is told, and each twin stands beside its own protocol."""

from __future__ import annotations

import pytest
from factory import FakeStore
from synthetic import answered

from betavae.paper.evidence import gathered
from betavae.paper.evidence import twins as with_quirk
from betavae.paper.quirks import DEVIATIONS
from betavae.paper.sections.quirks import moved, quirk_summary, quirks, twins
from betavae.paper.study import paper
from betavae.report.document import Heading, Link, Table
from betavae.study.quirks import QUIRKS

STUDY = paper("smoke", have=["cifar10"], features="efficientnet_lite0")
LISTED = {
    "rgb-layout": "PCA and ICA on RGB",
    "ica-scale": "ICA's scale and classifier",
    "dropout-on": "dropout left on in the MLP classifier",
    "adagrad-leak": "Adagrad's state leaking from VAE to PCA",
    "traversal-range": "traversals symmetric about 0",
    "last-batch": "CIFAR losses over the last batch",
    "sampled-codes": "stochastic codes at evaluation",
    "no-held-out": "no held-out split",
    "votes-501": "501 test votes",
    "mlp-no-drop": "no schedule for the MLP",
}


@pytest.fixture(scope="module")
def whole() -> FakeStore:
    """Everything that the smoke scale asks, answered."""
    return answered(STUDY)


def test_every_deviation_that_moves_a_published_number_is_told() -> None:
    assert set(QUIRKS) >= set(LISTED)
    assert list(DEVIATIONS) == list(QUIRKS)
    for told in DEVIATIONS.values():
        assert told.what.endswith(".")
        assert ".py" in told.source
        assert any(word in told.touches for word in ("Table", "Figure"))


@pytest.mark.parametrize("name", QUIRKS)
def test_the_page_pairs_each_twin_with_its_own_protocol(name: str, whole: FakeStore) -> None:
    """Off and on are the same seed, row and question, but for the quirk's own knobs."""
    evidence, quirk = gathered([whole]), QUIRKS[name]
    found = twins(evidence, quirk)
    assert len(found) == len(with_quirk(evidence, name)), "a twin without its protocol"
    for off, on in found:
        assert off["cell"]["seed"] == on["cell"]["seed"]
        assert off["question"]["measure"] == on["question"]["measure"]
        assert not off["question"]["quirks"]
        assert not off["cell"]["quirks"]


def test_the_layout_quirk_shows_the_collapse_it_explains(whole: FakeStore) -> None:
    lines = moved(gathered([whole]), QUIRKS["rgb-layout"])
    pca = [line for line in lines if "3Dshapes" in line.cells[0] and "PCA" in line.cells[0]]
    assert pca
    assert all(line.by < -10 for line in pca)


def test_the_page_has_every_quirk_and_the_published_number_where_there_is_one(whole: FakeStore) -> None:
    page, summary = quirks(gathered([whole])), quirk_summary(gathered([whole]))
    assert [b.text for b in page if isinstance(b, Heading) and b.level == 2] == list(QUIRKS)
    [first] = [b for b in summary if isinstance(b, Table)]
    assert [row[0] for row in first.rows] == [f"`{name}`" for name in QUIRKS]
    published = {row[0]: row[-1] for row in first.rows}
    assert "Table" in published["`votes-501`"]
    assert "Table" in published["`ica-scale`"]
    assert not any("not run" in cell for row in first.rows for cell in row)
    priors = [row for b in page if isinstance(b, Table) for row in b.rows if "priors" in row[0]]
    assert {row[-1] for row in priors} == {"–"}, "the paper's FIDs are of reconstructions"


def test_the_report_and_the_page_of_quirks_lead_to_each_other(whole: FakeStore) -> None:
    [there] = [b.page for b in quirk_summary(gathered([whole])) if isinstance(b, Link)]
    [back] = [b.page for b in quirks(gathered([whole])) if isinstance(b, Link)]
    assert (there, back) == ("quirks", "report")

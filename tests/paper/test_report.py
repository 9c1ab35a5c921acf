"""Laws of the report: a pure function of records, free of PyTorch, whole on a whole store, honest on a part."""

from __future__ import annotations

import inspect
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from factory import FakeStore, baseline, fitted, higgins, scored, vae
from synthetic import answered

from betavae import metrics
from betavae.paper.claims.sensitivity import classifiers_agree
from betavae.paper.claims.table import CONTRIBUTIONS
from betavae.paper.evidence import gathered
from betavae.paper.evidence import higgins as score_of
from betavae.paper.published import BETAS, CLASSIFIERS, TABLE_1, TABLE_1_HIGGINS, TABLE_2, TABLE_3
from betavae.paper.report import checked, sections, write
from betavae.paper.sections.common import active, learnt
from betavae.paper.sections.latents import best_and_median
from betavae.paper.study import paper
from betavae.report.document import Embedded, Heading, Picture, Table, pictures
from betavae.report.markdown import markdown
from betavae.report.reads import MARKS
from betavae.report.rows import Row, classifier_of
from betavae.study.cells import Cell, Question
from betavae.study.store import Store

STUDY = paper("smoke", have=["cifar10-jpeg"], features="efficientnet_lite0")
SECTIONS = (
    "The paper's primary claims",
    "The paper's other claims", "Table 1: disentanglement on 2Dshapes", "Figure 1: samples",
    "Figure 2: samples of natural images", "Figure 3: beyond 2D datasets", "Figure 4: latent traversals",
    "A high score does not mean disentangled", "Figure 5: the latent space", "Figure 6: sensitivity to L",
    "Table 2: the choice of classifier", "Where the spread comes from", "Table 3: Fréchet distances",
    "Figures 7 and 8: along training", "Figures 9 and 10: reconstructions at β = 0.1 and β = 10",
    "Section 4.1: beyond the Higgins metric",
    "Section 4.2: β is the variance of a Gaussian likelihood", "Table 4: architectures",
    "The published code's deviations, switched on by name", "Data cards", "What it ran on",
)  # fmt: skip
BESIDE = ("quirks", "claims", "metrics")
PICTURES = {
    "table-1", "figure-1", "figure-2", "figure-3", "figure-4", "figure-5-mlp", "figure-5-conv", "figure-6",
    "figure-7-cifar10-jpeg-fd-efficientnet-lite0", "figure-8-cifar10-jpeg", "figure-9-10-cifar10-jpeg", "section-4-2",
    "losses", "reconstructions", "quirk-traversal-range", "quirk-sampled-codes",
}  # fmt: skip


@pytest.fixture(autouse=True)
def undrawn(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are made but not rasterised, but where a test asks for ``drawn`` bytes: this saves a minute."""
    if "drawn" not in request.fixturenames:
        monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda self, file, **_: file.write(b"\x89PNG"))


@pytest.fixture
def drawn() -> None:
    """Asked for by tests of the pictures' own bytes."""


@pytest.fixture(scope="module")
def whole() -> FakeStore:
    """Everything that the smoke scale asks, answered."""
    return answered(STUDY)


@pytest.fixture(scope="module")
def pages(whole: FakeStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole report, written once."""
    out = tmp_path_factory.mktemp("report")
    write([whole], out, date="2026-01-02")
    return out


def text_of(store: FakeStore) -> str:
    """The report as Markdown."""
    return markdown(sections(gathered([store]), None))


def cells_of(text: str, caption: str) -> list[list[str]]:
    """The rows of the table under a caption."""
    part = text.split(f"**{caption}**", 1)[1].split("\n\n", 2)[1]
    return [[c.strip() for c in line.strip("|").split(" | ")] for line in part.splitlines()[2:]]


def test_the_report_is_whole_and_in_order(pages: Path) -> None:
    text = (pages / "report.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert len(set(headings)) == len(headings)
    places = [headings.index(s) for s in SECTIONS]
    assert places == sorted(places)
    assert {p.stem for p in (pages / "figures").glob("*.png")} == PICTURES


@pytest.mark.parametrize("name", ["report", *BESIDE])
def test_every_linked_picture_is_there_and_the_page_holds_them_all(pages: Path, name: str) -> None:
    text = (pages / f"{name}.md").read_text(encoding="utf-8")
    page = (pages / f"{name}.html").read_text(encoding="utf-8")
    linked = re.findall(r"\]\((figures/[^)]+)\)", text)
    held = {"report": lambda p: not p.startswith("quirk-"), "quirks": lambda p: p.startswith("quirk-")}
    assert len(linked) == sum(map(held.get(name, lambda p: False), PICTURES))
    assert all((pages / name).is_file() for name in linked)
    assert page.count("data:image/png;base64,") == len(linked)
    outward = set(re.findall(r'(?:src|href)="(?!data:|#)([^"]*)"', page))
    assert outward == ({f"{each}.html" for each in BESIDE} if name == "report" else {"report.html"})
    assert all((pages / there).is_file() for there in outward)
    assert "<script" not in page


def test_a_model_to_move_stands_where_figure_4_does(whole: FakeStore) -> None:
    """The best convolutional run of its panels; what there is no page of is left out without a word."""
    asked: list[str] = []

    def explore(key: str) -> Embedded:
        asked.append(key)
        return Embedded("a model", "<p>a page</p>", "said")

    evidence = gathered([whole])
    parts = sections(evidence, None, explore=explore)
    at = next(k for k, part in enumerate(parts) if isinstance(part, Embedded))
    assert isinstance(parts[at - 1], Picture)
    assert parts[at - 1].name == "figure-4"
    ((_, row, seed, _), *_) = best_and_median(evidence, "dsprites", "conv")
    (cell,) = {r["cell_id"] for r in evidence.answers_of(row, "traversals") if r["cell"]["seed"] == seed}
    assert asked == [cell]
    plain = markdown(sections(evidence, None))
    assert markdown(sections(evidence, None, explore=lambda key: None)) == plain
    assert markdown(parts) == plain, "what is said of a page that Markdown cannot show"


def test_an_undecided_claim_is_not_said_to_lean(pages: Path) -> None:
    """With few seeds which way a result leans is noise."""
    text = (pages / "report.md").read_text(encoding="utf-8")
    assert "are **undecided**" in text
    assert "lean the" not in text


def test_table_4_is_one_table_of_every_model(pages: Path) -> None:
    rows = cells_of((pages / "report.md").read_text(encoding="utf-8"), "Table 4. Architectures and recipes")
    assert [row[0] for row in rows] == [
        "2Dshapes (`dsprites`), MLP", "2Dshapes (`dsprites`), conv", "3Dshapes (`shapes3d-drawn`), conv",
        "MPI3DToy (`mpi3d-drawn`), conv", "CIFAR10 (`cifar10-jpeg`), conv",
    ]  # fmt: skip
    assert all(row[4] == "502,005" for row in rows)


def test_equal_records_give_equal_bytes_but_for_the_date(
    whole: FakeStore, pages: Path, tmp_path: Path, drawn: None
) -> None:
    again = write([whole], tmp_path, date="2027-08-09").parent
    for path in sorted(pages.rglob("*.*")):
        a, b = path.read_bytes(), (again / path.relative_to(pages)).read_bytes()
        if path.suffix in (".md", ".html"):
            a, b = (t.replace(d, b"") for t, d in ((a, b"2026-01-02"), (b, b"2027-08-09")))
        assert a == b, path.name


def test_every_published_number_stands_beside_ours(pages: Path) -> None:
    text = (pages / "report.md").read_text(encoding="utf-8")
    for printed in [*TABLE_1.values(), *TABLE_1_HIGGINS.values(), *TABLE_2.values()]:
        assert f"{printed.mean:g} ± {printed.sd:g}" in text
        assert printed.median is None or f"{printed.median:.2f}" in text
    for (dataset, _), value in TABLE_3.items():
        assert dataset == "CIFAR100" or f"{value:.1f}" in text
    assert "29.3" in text
    assert "**generated**" in text


def test_table_1_is_the_records_own_arithmetic() -> None:
    """Four seeds by hand: mean .65, sample sd .0258, median .65, min–max at 87.5 %; 8, 7, 10, 6 of 10 codes active."""
    store = FakeStore()
    for seed, score, moving in zip((123, 427, 235, 921), (0.62, 0.64, 0.66, 0.68), (8, 7, 10, 6), strict=True):
        fitted(store, vae(method="mlp", beta=1.0, seed=seed), np.random.default_rng(seed), scores={"active": moving})
        scored(store, vae(method="mlp", beta=1.0, seed=seed), higgins(), score)
    [row] = cells_of(text_of(store), "Table 1. 2Dshapes, all five factors")
    assert row[:7] == ["1-VAE, MLP", "4", "65.0 ± 2.6", "65.0", "62.0 to 68.0 (87.5 %)", "8, 10, 7, 6", "0"]
    assert row[7:9] == ["64.31 ± 6.56", "63.79"]
    assert row[9] == "undecided (needs at least 19 seeds)"


def test_what_stops_short_or_has_few_images_says_so_where_it_stands() -> None:
    """FastICA at its 400th iteration, a classifier at its last, a pool of 600: each a mark or a note of its table."""
    store, few = FakeStore(), "a pool of 600 images lowers Higgins scores"
    cells = [Cell("dsprites", "ica", 10, 1, fit=2_500), Cell("dsprites", "pca", 10, 1, fit=25_000)]
    for cell, met in zip(cells, (False, True), strict=True):
        fitted(store, cell, np.random.default_rng(0), notes={"converged": met, "iterations": 400})
        scored(store, cell, higgins(), 0.7)
    short = {"higgins": 0.6, "train": 0.7, "converged": 0.0}
    store.add(vae(method="mlp", beta=1.0, seed=1), higgins(), scores=short, notes={"warning": few})
    text = text_of(store)
    names = [row[0] for row in cells_of(text, "Table 1. 2Dshapes, all five factors")]
    assert names == ["1-VAE, MLP‡", "PCA, 25,000 images", "ICA, 2,500 images†"]
    for note in (*MARKS.values(), f"Mind: {few}."):
        assert note in text.split("## Figure 1")[0]


def test_the_report_opens_with_the_contributions_and_what_the_records_show(pages: Path) -> None:
    """Before any chapter: four lines, and what the published layout does to PCA and ICA."""
    front = (pages / "report.md").read_text(encoding="utf-8").split("\n## ")[0]
    assert [front.index(claim.says) for claim in CONTRIBUTIONS] == sorted(front.index(c.says) for c in CONTRIBUTIONS)
    assert "sees nothing in PCA's and ICA's codes" in front
    assert "on 3Dshapes" in front
    assert front.index("a linear classifier sees nothing") < front.index("Scale `smoke`")


def test_departures_from_the_papers_protocol_are_named(pages: Path) -> None:
    text = (pages / "report.md").read_text(encoding="utf-8").split("## Table 4")[1].split("\n## ")[0]
    for word in ("16 (convolutional) and 32 (MLP)", "among 600 seeded images", "are of 24 images a side", "400 Adam",
                 "100 votes test the classifier, not 501", "are drawn by this package", "are JPEG copies",
                 "2Dshapes 1 (paper 4)", "(median) of the paper's image passes", "another network"):  # fmt: skip
        assert word in text, word


def test_seeds_of_trainings_and_of_baselines_are_counted_apart() -> None:
    store = FakeStore()
    for seed in range(1, 9):
        for cell in (*[vae(seed=seed)] * (seed < 3), baseline(seed=seed)):
            fitted(store, cell, np.random.default_rng(0))
            scored(store, cell, higgins(), 0.5)
    text = text_of(store)
    assert "| 1, 2; with what is fitted without training: 1, 2, 3, 4 … (8) |" in text
    assert "Training seeds: 2Dshapes 2 (paper 4)." in text
    assert "Seeds of PCA and ICA: 2Dshapes 8 (paper 4)." in text


def test_a_question_that_names_no_classifier_is_in_the_tables() -> None:
    """A study of one's own may leave every knob at its default: reports take it for what the metric takes it for."""
    silent = Question("higgins")
    knobs = {name: value.default for name, value in inspect.signature(metrics.higgins).parameters.items()}
    store = FakeStore()
    scored(store, vae(method="mlp", beta=1.0, seed=1), silent, 0.5)
    assert classifier_of(store.records()[-1]) == knobs["classifier"]
    assert knobs["pairs"] == 64
    assert knobs["votes"] == knobs["test_votes"] == 1000
    text = text_of(store)
    [row] = cells_of(text, "Table 1. 2Dshapes, all five factors")
    assert row[:4] == ["1-VAE, MLP", "1", "50.0", "50.0"]
    assert "L = 64, 1,000 votes to train and 1,000 to test" in text


def test_four_classifiers_stand_on_the_same_votes() -> None:
    """Logistic regression was asked of a second draw too: their mean, .75, is in neither Table 2 nor its claim."""
    store = FakeStore()
    for beta in BETAS:
        for classifier in CLASSIFIERS:
            scored(store, vae(beta=beta, seed=123), higgins(classifier), 0.6)
        scored(store, vae(beta=beta, seed=123), higgins("logistic", seed=1), 0.9)
    [row] = cells_of(text_of(store), "Table 2. Four classifiers on the same votes")
    assert [cell.split("<br>")[0] for cell in row[1:5]] == ["60.0 ± 0.0"] * 4
    arm = classifiers_agree(0.05)(gathered([store]))[0]
    assert [block.values[1] for block in arm.blocks] == [pytest.approx(0.0)]  # type: ignore[union-attr]


def test_the_spread_of_figure_6_is_told_of_the_vaes_alone_too() -> None:
    """VAEs at .5 to .6, PCA at .9: 40 points among all, 10 among those that the claim is about."""
    store = FakeStore()
    for count in (16, 64):
        for beta, score in zip(BETAS, (0.5, 0.55, 0.58, 0.6), strict=True):
            scored(store, vae(method="mlp", beta=beta, seed=123), higgins(count=count), score)
        scored(store, baseline(seed=123), higgins(count=count), 0.9)
    *_, every, alone = cells_of(text_of(store), "Figure 6 in numbers: medians, %")
    assert every == ["spread of all models' medians", "", "40.0", "40.0", "40.0"]
    assert alone == ["spread of the VAEs' medians", "", "10.0", "10.0", "10.0"]


@pytest.mark.parametrize(
    ("moving", "said"), [((9, 0), "9, 0"), ((10, 10), "10"), ((10,) * 6 + (0,), "10 (6 seeds), 0"), ((), "–")]
)
def test_a_collapsed_seed_is_not_hidden_by_a_median(moving: tuple[int, ...], said: str) -> None:
    store, row = FakeStore(), Row("dsprites", "conv", 4.0)
    for seed, count in enumerate(moving):
        fitted(store, vae(beta=4.0, seed=seed), np.random.default_rng(0), scores={"active": count})
    evidence = gathered([store])
    assert active(evidence, row) == said
    assert bool(learnt(evidence, row, len(moving) - 1)) == (0 in moving)
    assert not learnt(evidence, row, 0)


@pytest.mark.parametrize(
    ("seeds", "score", "said"),
    [
        (18, 0.63, "undecided (needs at least 19 seeds)"),
        (19, 0.63, "published inside our 95.3 % prediction interval"),
        (19, 0.3, "published outside our 95.3 % prediction interval, 32.0 above it"),
    ],
)
def test_a_verdict_on_a_published_median_counts_both_sides_seeds(seeds: int, score: float, said: str) -> None:
    """The paper's median of four is 63.79: two of the two lowest of 23 ranks both theirs has a chance of 12 in 506."""
    store = FakeStore()
    for seed in range(seeds):
        scored(store, vae(method="mlp", beta=1.0, seed=seed), higgins(), score + 0.001 * seed)
    [row] = cells_of(text_of(store), "Table 1. 2Dshapes, all five factors")
    assert row[-1] == said


def test_a_diverged_run_enters_at_chance_and_is_counted() -> None:
    store = FakeStore()
    for seed, score in ((1, 0.8), (2, 0.8), (3, 0.8), (4, None)):
        scored(store, vae(method="mlp", beta=4.0, seed=seed), higgins(), score)
    [row] = cells_of(text_of(store), "Table 1. 2Dshapes, all five factors")
    assert row[1:7] == ["4", "65.0 ± 30.0", "80.0", "20.0 to 80.0 (87.5 %)", "–", "1"]


def test_an_error_is_never_a_score() -> None:
    store = FakeStore()
    scored(store, vae(method="mlp", beta=4.0, seed=1), higgins(), 0.8)
    store.add(vae(method="mlp", beta=4.0, seed=2), higgins(), status="error", message="ValueError: it broke")
    text = text_of(store)
    [row] = cells_of(text, "Table 1. 2Dshapes, all five factors")
    assert row[1] == "1"
    assert "1 × higgins: ValueError: it broke" in text


def test_an_empty_store_says_that_nothing_was_run(tmp_path: Path) -> None:
    text = write([FakeStore()], tmp_path).with_suffix(".md").read_text(encoding="utf-8")
    assert "nothing was run" in text
    assert not pictures(sections(gathered([FakeStore()]), None))
    for section in SECTIONS[1:]:
        part = text.split(f"## {section}", 1)[1].split("\n## ")[0]
        assert "not run" in part, section


GROUPS = (
    ("higgins", "rotation"),
    ("samples", "reconstructions", "traversals", "latent_space"),
    ("frechet", "reconstruction"),
    ("architecture", "equivalence", "calibration"),
)


@pytest.mark.parametrize("measures", GROUPS, ids=lambda m: m[0])
def test_a_store_without_some_answers_still_has_every_section(whole: FakeStore, measures: tuple[str, ...]) -> None:
    part = FakeStore()
    part.held = whole.held
    part.kept = [r for r in whole.kept if not r["question"] or r["question"]["measure"] not in measures]
    found = sections(gathered([part]), None)
    assert set(SECTIONS) <= {b.text for b in found if isinstance(b, Heading)}
    assert "not run at this scale" in markdown(found)


def test_stores_merged_are_one_store(whole: FakeStore) -> None:
    """Records split over three stores, some in two of them, give the same report as together."""
    parts = [FakeStore() for _ in range(3)]
    for k, record in enumerate(whole.kept):
        for part in (parts[k % 3], *([parts[(k + 1) % 3]] if k % 7 == 0 and record["kind"] != "run" else [])):
            part.held = whole.held
            part.kept.append(record)
    order = {"a": sections(gathered([whole]), None), "b": sections(gathered(parts), None)}
    tables = {k: {b.caption: sorted(map(tuple, b.rows)) for b in v if isinstance(b, Table)} for k, v in order.items()}
    assert tables["a"] == tables["b"]


def test_an_answer_beats_the_error_it_followed() -> None:
    first, second = FakeStore(), FakeStore()
    cell = vae(method="mlp", beta=1.0, seed=1)
    first.add(cell, higgins(), status="error", message="a worker was killed")
    scored(second, cell, higgins(), 0.7)
    for stores in ([first, second], [second, first]):
        assert score_of(gathered(stores), Row("dsprites", "mlp", 1.0)).values == {1: 0.7}


def test_the_largest_budget_is_the_one_shown_and_the_others_are_said() -> None:
    store = FakeStore()
    scored(store, vae(beta=1.0, images=1000, seed=1), higgins(), 0.3)
    scored(store, vae(beta=1.0, images=9000, seed=1), higgins(), 0.6)
    evidence = gathered([store])
    assert score_of(evidence, Row("dsprites", "conv", 1.0)).values == {1: 0.6}
    assert evidence.aside == 1


def test_every_beta_of_a_model_is_of_one_setting() -> None:
    """A longer training of one β from another store is not set against short ones of the others; nor are its seeds."""
    short, long = FakeStore(), FakeStore()
    for beta in BETAS:
        scored(short, vae(beta=beta, images=1000, seed=1), higgins(), 0.3)
    for seed in (1, 2, 3):
        scored(long, vae(beta=4.0, images=9000, seed=seed), higgins(), 0.6)
    for stores in ([short, long], [long, short]):
        evidence = gathered(stores)
        for beta in BETAS:
            assert score_of(evidence, Row("dsprites", "conv", beta)).values == {1: 0.3}
        assert evidence.aside == 3
    for beta in BETAS:
        scored(long, vae(beta=beta, images=9000, seed=4), higgins(), 0.5)
    assert score_of(gathered([short, long]), Row("dsprites", "conv", 1.0)).values == {4: 0.5}


def test_a_calibrated_vae_is_no_row_of_the_papers() -> None:
    """A σ-VAE has β = 1 and more images, yet the row of β = 1 stays the β-VAE's."""
    store = FakeStore()
    scored(store, vae(beta=1.0, images=1000, seed=1), higgins(), 0.3)
    calibrated = vae(beta=1.0, images=9000, seed=1)
    scored(store, type(calibrated)(**{**calibrated.__dict__, "objective": "sigma_vae"}), higgins(), 0.9)
    assert score_of(gathered([store]), Row("dsprites", "conv", 1.0)).values == {1: 0.3}


def test_official_data_is_not_called_drawn_and_drawn_is_never_official(pages: Path) -> None:
    text = (pages / "report.md").read_text(encoding="utf-8")
    assert "**Data, drawn by this package, not the published files:**" in text
    assert "**Data, JPEG copies of the published images, not the published files:** CIFAR10 (`cifar10-jpeg`)" in text
    official = text_of(answered(paper("smoke", have=["cifar10"], data="official", features="inception2015")))
    assert "3Dshapes (`shapes3d`)" in official.split("**Data, the published files:**")[1].splitlines()[0]
    assert "`fid`" not in text
    assert "`shapes3d-drawn`" not in official


def test_a_fid_is_only_what_inception_measured(pages: Path) -> None:
    """Another network's distance gets no verdict on the paper's FID and says that it is another score."""
    text = (pages / "report.md").read_text(encoding="utf-8")
    rows = cells_of(text, "Table 3. `fd_efficientnet_lite0` of reconstructions")
    assert len(rows) == len(BETAS)
    assert {row[-1] for row in rows} == {"another score"}
    assert "| paper's FID |" in text.split("of reconstructions**")[1].split("\n\n", 2)[1]
    assert "paper" not in text.split("of images decoded from the prior**")[1].split("\n\n", 2)[1]


def test_the_front_states_scale_share_data_and_time(pages: Path) -> None:
    front = (pages / "report.md").read_text(encoding="utf-8").split("## Table 1")[0]
    for word in ("Scale `smoke`", "of the paper's 1.35 billion", "Hardware:", "Wall time: 61 s", "+5 % off",
                 "undecided", "Date: 2026-01-02", "CelebA and Chairs"):  # fmt: skip
        assert word in front, word


def test_the_report_needs_records_alone_and_no_torch(tmp_path: Path, drawn: None) -> None:
    """Written from a store on disk without PyTorch; the same bytes once everything but records and arrays is gone."""
    store = Store(tmp_path / "store")
    whole = answered(STUDY)
    for record in whole.kept:
        if record["cell"] and record["cell"]["dataset"] != "dsprites":
            continue
        arrays = whole.held[record["arrays"]] if record["arrays"] else None
        store.append({**record, "arrays": store.put(arrays) if arrays else None})
    code = (
        "import sys; from pathlib import Path; from betavae.study.store import Store\n"
        "from betavae.paper.report import checked, write\n"
        f"s = [Store(Path({str(tmp_path / 'store')!r}), create=False)]\n"
        f"write(s, Path({str(tmp_path / 'out')!r})); checked(s)\n"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    before = {p.name: p.read_bytes() for p in (tmp_path / "out").rglob("*.*") if p.is_file()}
    for folder in ("checkpoints", "leases"):
        shutil.rmtree(tmp_path / "store" / folder, ignore_errors=True)
    (tmp_path / "store" / "study.json").unlink(missing_ok=True)
    write([Store(tmp_path / "store", create=False)], tmp_path / "again")
    after = {p.name: p.read_bytes() for p in (tmp_path / "again").rglob("*.*") if p.is_file()}
    assert len(before) > 10
    assert before == after


def test_table_cells_never_break_the_table() -> None:
    """A bar or a line break in a message stays inside its cell."""
    store = FakeStore()
    store.add(baseline("pca|x"), status="error", message="a|b\nc")
    text = text_of(store)
    for line in text.splitlines():
        if line.startswith("| pca"):
            assert line.count(" | ") == 8


def test_a_picture_without_a_caption_sentence_does_not_exist(whole: FakeStore) -> None:
    for picture in pictures(sections(gathered([whole]), None)):
        assert isinstance(picture, Picture)
        assert picture.caption.endswith(".")
        assert 500 < picture.width < 900


def test_the_checklist_fills_what_records_know_and_leaves_the_rest_blank(whole: FakeStore) -> None:
    text = checked([whole])
    known_of_records = (
        "dsprites, conv, beta_vae: adam, learning rate 0.0005",
        "β 0.1, 1, 4, 10",
        "sample standard deviation",
        "In all ",
        "Hardware: ",
        "torch 2.13.0",
        "betavae run paper --scale smoke",
        "Apache-2.0",
        "Wall time: 61 s",
        "Seeds per row",
        "Parameters, dsprites",
    )
    for known in known_of_records:
        assert known in text, known
    blank = [line for line in text.splitlines() if line.startswith("- [ ] ")]
    assert len(blank) >= 8
    assert all("(for a person to write)" in line for line in blank)
    assert all("(for a person to write)" not in line for line in text.splitlines() if line.startswith("- [x] "))


def test_the_checklist_counts_failed_compute_in() -> None:
    store = FakeStore()
    store.add(vae(seed=1), seconds=600.0)
    store.add(vae(seed=2), seconds=600.0, status="diverged", message="it fell")
    text = checked([store])
    assert "In all 20 min of worker time, of which 10 min in 1 diverged or failed records" in text
    assert "1 diverged, 1 ok" in text


def test_the_checklist_of_nothing_is_blank() -> None:
    text = checked([FakeStore()])
    assert "Hardware" in text
    assert "nothing: _" in text


def test_what_seeds_hardly_change_counts_once() -> None:
    """Four seeds of one and the same fit are one observation, and nothing is judged of it; which one that is depends
    on no other measure, setting or quirk.
    """
    store = FakeStore()
    scored(store, replace(baseline(seed=1), fit=None, quirks=("ica-scale",)), higgins(), 0.1)
    scored(store, replace(baseline(seed=2), fit=None, codes=5), higgins(), 0.2)
    store.add(replace(baseline(seed=3), fit=None), Question("reconstruction"), scores={"reconstruction": 40.0})
    for seed in (123, 427, 235, 921):
        scored(store, replace(baseline(seed=seed), fit=None), higgins(), 0.769)
        scored(store, baseline(seed=seed), higgins(), 0.7 + seed / 10_000)
    subset, whole = cells_of(text_of(store), "Table 1. 2Dshapes, all five factors")
    assert (subset[0], subset[1]) == ("PCA, 25,000 images", "4")
    assert whole[:3] == ["PCA, all images", "1", "76.9"]
    assert whole[-2:] == ["–", "–"]  # the paper fitted no such one


def test_records_of_different_processors_are_told() -> None:
    """The same machine with other cores is one kind; another processor, or another instruction set, is not."""
    store = FakeStore()
    for seed in (1, 2):
        scored(store, vae(method="mlp", beta=1.0, seed=seed), higgins(), 0.5)
    machine = store.kept[0]["machine"]
    assert "different processors" not in text_of(store)
    store.kept[1]["machine"] = {**machine, "cpu": machine["cpu"].replace("2 cores", "8 cores")}
    assert "different processors" not in text_of(store)
    store.kept[1]["machine"] = {**machine, "instructions": ["avx2"]}
    assert "different processors" in text_of(store)


def test_what_other_code_made_is_left_out_and_counted() -> None:
    """A corrected metric never stands under its old numbers without a word, also where nothing newer is there yet."""
    store, empty = FakeStore(), FakeStore()
    fitted(store, vae(), np.random.default_rng(0))
    assert "left out: other code" not in markdown(sections(gathered([store]), None))
    store.outdated = empty.outdated = [{"outdated": "made by version 1 of higgins, which is now 2"}] * 2  # type: ignore[attr-defined]
    text = markdown(sections(gathered([store]), None))
    assert "2 records are left out: other code made them than today's.** 2 made by version 1 of higgins" in text
    assert "There are no records of today's code" in markdown(sections(gathered([empty]), None))

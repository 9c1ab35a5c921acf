"""Laws of the report of any study: every answer is in it, nothing that is not the study's, and no text marks it up."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from factory import FakeStore
from synthetic import answered

from betavae.cli.main import main
from betavae.report.document import Heading, Items, Part, Picture, Table, Text, literal, plain
from betavae.report.markdown import markdown
from betavae.report.own.answers import Own, Setting, study_of
from betavae.report.own.page import checked, sections, write
from betavae.report.own.scores import decimals
from betavae.report.web import page
from betavae.study.cells import Cell, Question, Study
from betavae.study.claims import first
from betavae.study.store import Store
from betavae.study.study_file import read

SMALL = "votes = 200\ntest_votes = 200\npool = 2000\n"
OWN = f"""name = "ownreport"
[questions.five]
measure = "higgins"
{SMALL}
[questions.two]
measure = "higgins"
{SMALL}ask = ["posX", "posY"]
[questions.rec]
measure = "reconstruction"
images = 64
[[grid]]
dataset = "dsprites"
method = "conv"
seed = [1, 2]
beta = 1
codes = [4, 10]
recipe = [ {{ optimiser = "adam", learning_rate = 5e-4, batch = 16, images = 320 }},
           {{ optimiser = "adam", learning_rate = 2e-3, batch = 16, images = 320 }} ]
questions = ["five", "two", "rec"]
[[grid]]
dataset = "dsprites"
method = "conv"
objective = "gaussian"
sigma = [0.1, 0.3, 1]
seed = [1, 2]
recipe = {{ optimiser = "adam", learning_rate = 5e-4, batch = 16, images = 320 }}
questions = ["five"]
"""
"""A study of 14 cells and 30 answers, with other learning rates, codes and objectives than the paper's."""
BASE = f"""name = "mine"
[questions.five]
measure = "higgins"
{SMALL}
[[grid]]
dataset = ["dsprites"]
method = ["conv"]
seed = [1, 2]
beta = [1, 4]
recipe = {{ optimiser = "adam", learning_rate = 5e-4, batch = 16, images = 320 }}
questions = ["five"]
"""
RICH = """name = "rich"
[questions.rec]
measure = "reconstruction"
at = [0.5, 1.0]
[questions.travel]
measure = "traversals"
steps = 3
top = 2
[questions.back]
measure = "reconstructions"
images = 4
[questions.space]
measure = "latent_space"
[questions.some]
measure = "samples"
images = 5
[questions.layers]
measure = "architecture"
[questions.sigma]
measure = "calibration"
[[grid]]
dataset = ["dsprites", "shapes3d-drawn"]
method = "conv"
objective = "sigma_vae"
seed = [1, 2, 3]
beta = [1, 4]
recipe = { optimiser = "adam", learning_rate = 5e-4, batch = 16, images = 3200 }
questions = ["rec", "travel", "back", "space", "some", "layers", "sigma"]
[[grid]]
dataset = "dsprites"
method = ["pixels", "factors"]
seed = [1, 2]
questions = ["some"]
"""
READS: dict[str, dict[str, Any]] = {
    "higgins": {"unit": "", "chance": 0.2, "higher": True, "main": "higgins"},
    "reconstruction": {"unit": "nats per image", "chance": None, "higher": False, "main": "reconstruction"},
    "calibration": {"unit": "pixels", "chance": None, "higher": True, "main": "sigma"},
}


@pytest.fixture(autouse=True)
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are made but not rasterised."""
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda self, file, **_: file.write(b"\x89PNG"))


def study(folder: Path, text: str) -> Study:
    (folder / "mine.toml").write_text(text, encoding="utf-8")
    return read(folder / "mine.toml")


def store_of(asked: Study, **more: Any) -> FakeStore:
    """Everything that a study asks, answered; each answer says how it is read."""
    made = answered(asked, **more)
    for record in made.kept:
        if record["question"] and record["status"] == "ok":
            record["reads"] = READS.get(record["question"]["measure"])
            record["scores"] = dict(sorted(record["scores"].items()))  # as a file keeps them
    return made


def tables(parts: list[Part]) -> list[Table]:
    inner = [p for part in parts for p in getattr(part, "parts", [])]
    return [part for part in [*parts, *inner] if isinstance(part, Table)]


def under(parts: list[Part], heading: str) -> list[Part]:
    """The parts below a heading, to the next of its level or above."""
    start = next(k for k, part in enumerate(parts) if isinstance(part, Heading) and plain(part.text) == heading)
    level = parts[start].level  # type: ignore[union-attr]
    rest = parts[start + 1 :]
    end = next((k for k, part in enumerate(rest) if isinstance(part, Heading) and part.level <= level), len(rest))
    return rest[:end]


def test_every_answer_of_a_study_is_in_its_report(tmp_path: Path) -> None:
    """By seed in a table under the question and setting, and as a dot of its figure: 30 answers, none twice."""
    asked = study(tmp_path, OWN)
    store = store_of(asked)
    own = Own([store], asked)
    parts = sections(own)
    homes: dict[str, Setting] = {c.id: s for s in own.settings for c in s.cells.values()}
    answers = [r for r in store.kept if r["kind"] == "answer"]
    assert (len(asked.cells), len(answers)) == (14, 30)
    seen, dots = 0, 0
    for name in ("five", "two", "rec"):
        held = under(parts, f"{name} on dsprites")
        table = next(part for part in held if isinstance(part, Table))
        rows = {plain(row[0]): row for row in table.rows}
        assert len(rows) == len(table.rows)
        key = dict(asked.named)
        for record in (r for r in answers if key[r["question_id"]] == name):
            setting, measure = homes[record["cell_id"]], record["question"]["measure"]
            shown = dict(part.split(":\u00a0") for part in rows[setting.label][-1].split("; "))
            value = shown[str(record["cell"]["seed"])]
            assert float(value) == pytest.approx(
                record["scores"][measure], abs=0.5 * 10 ** -len(value.partition(".")[2])
            )
            seen += 1
        seen_rows = sum(len(row[-1].split("; ")) for row in table.rows)
        [figure] = [part for part in held if isinstance(part, Picture)]
        points = [len(line.get_xdata()) for line in figure.figure.axes[0].lines if line.get_marker() == "o"]
        assert sum(points) == seen_rows
        dots += sum(points)
    assert (seen, dots) == (30, 30)
    text = markdown(parts)
    for said in ("β = 1", "σ = 0.3", "4 codes", "learning rate 0.002", "gaussian", "nats per image", "chance 0.2"):
        assert said in text, said
    for strange in ("not run", "paper", "2Dshapes", "Table 1", "Higgins et al"):
        assert strange not in text, strange


def test_settings_that_do_not_vary_are_said_once(tmp_path: Path) -> None:
    asked = study(tmp_path, OWN)
    parts = sections(Own([store_of(asked)], asked))
    run = under(parts, "What was run")
    [same] = [part.text for part in run if isinstance(part, Text)]
    for said in ("conv", "β = 1", "batch 16", "320 image passes", "adam"):
        assert said in plain(same)
    rows = next(table for table in tables(run)).rows
    assert len(rows) == 7
    assert not any("batch" in row[0] or "conv" in row[0] or "320" in row[0] for row in rows)


def test_not_run_is_said_of_what_was_not_run_alone(tmp_path: Path) -> None:
    asked = study(tmp_path, OWN)
    store = store_of(asked)
    gone = [
        r for r in store.kept if r["kind"] == "answer" and r["cell"]["seed"] == 2 and r["question"]["knobs"].get("ask")
    ]
    gone += [r for r in store.kept if r["kind"] == "answer" and r["question"]["measure"] == "reconstruction"]
    store.kept = [r for r in store.kept if r not in gone]
    parts = sections(Own([store], asked))
    table = next(part for part in under(parts, "two on dsprites") if isinstance(part, Table))
    assert all(row[1] == "1" and row[-1].endswith("2:\u00a0not\u00a0run") for row in table.rows)
    five = next(part for part in under(parts, "five on dsprites") if isinstance(part, Table))
    assert "not\u00a0run" not in str(five)
    [items] = [part for part in under(parts, "Scores on dsprites") if isinstance(part, Items)]
    assert list(items.lines) == ["rec: no answer; 8 not run"]
    assert "12 are still to be run" in markdown(parts)


def test_a_report_is_of_the_study_as_last_run(tmp_path: Path) -> None:
    """The learning rate is edited under the same name: nothing of before is counted, shown or called a failure."""
    old = study(tmp_path, BASE.replace("five", "old"))
    new = study(tmp_path, BASE.replace("5e-4", "2e-3"))
    before = store_of(old, score=lambda cell, question, rng: 0.9)
    after = store_of(new, score=lambda cell, question, rng: 0.4)
    for record in before.kept[:2]:
        record |= {"status": "error", "message": "an error of before"}
    both = FakeStore()
    both.kept, both.held = before.kept + after.kept, {**before.held, **after.held}
    text = plain(markdown(sections(Own([both], new))))
    assert "0.400" in text
    assert not re.search(r"0\.90+\b", text)
    assert "an error of before" not in text
    assert "What diverged or failed" not in text
    [table] = tables(under(sections(Own([both], new)), "Left out"))
    left = sorted([plain(cell) for cell in row] for row in table.rows)
    assert left == [[f"β = {beta}, learning rate 0.0005", "not in the study", "2", "2"] for beta in (1, 4)]


def test_seeds_taken_out_of_the_study_are_told_beside_its_verdicts(tmp_path: Path) -> None:
    """Who drops the seeds that disagree cannot hide that the store has them."""
    claim = '[[claims]]\nsays = "more"\nscore = "five"\nmore = { beta = 4 }\nless = { beta = 1 }\n'
    whole = study(tmp_path, BASE + claim)
    fewer = first(whole, 1)
    compared = {key for claim in whole.claims for arm in claim.arms for key in arm}
    gone = [cell for cell in whole.cells if cell.id in compared and cell not in fewer.cells]
    texts = [markdown(sections(Own([store_of(whole)], each))) for each in (whole, fewer)]
    said = [re.findall(r"The store holds (\d+) runs? of these settings with seeds", text) for text in texts]
    assert (said, len(gone)) == ([[], ["2"]], 2)


def test_an_answer_that_is_no_longer_asked_is_left_out(tmp_path: Path) -> None:
    asked = study(tmp_path, OWN)
    fewer = replace(asked, jobs=tuple(replace(j, questions=j.questions[:1]) for j in asked.jobs))
    parts = sections(Own([store_of(asked)], fewer))
    [table] = tables(under(parts, "Left out"))
    assert sorted(table.rows) == [
        ["higgins", "no longer asked", "0", "8"],
        ["reconstruction", "no longer asked", "0", "8"],
    ]
    assert "two on dsprites" not in markdown(parts)


def test_what_other_code_made_is_told_and_left_out(tmp_path: Path) -> None:
    asked = study(tmp_path, BASE)
    store = store_of(asked)
    old = [r for r in store.kept if r["kind"] == "answer" and r["cell"]["seed"] == 2]
    store.kept = [r for r in store.kept if r not in old]
    store.outdated = [{**r, "outdated": "made by version 1 of higgins, which is now 2"} for r in old]  # type: ignore[attr-defined]
    parts = sections(Own([store], asked))
    [table] = tables(under(parts, "Left out"))
    assert table.rows == [["answers", "made by version 1 of higgins, which is now 2", "0", "2"]]
    assert "2 are still to be run" in markdown(parts)


def test_a_dataset_of_two_digests_is_told(tmp_path: Path) -> None:
    """What changed between runs has one name and two sets of images."""
    asked = study(tmp_path, BASE)
    store = store_of(asked)
    assert "several digests" not in markdown(sections(Own([store], asked)))
    next(r for r in store.kept if r["kind"] == "answer")["data"] = {"source": "own", "digest": "e" * 16}
    assert "is of several digests: its images or their labels" in markdown(sections(Own([store], asked)))


def test_diverged_and_failed_runs_are_named_with_their_reasons(tmp_path: Path) -> None:
    asked = study(tmp_path, OWN)
    store = store_of(asked, diverged=lambda cell: cell.codes == 4 and cell.seed == 2)
    failed = next(r for r in store.kept if r["kind"] == "answer" and r["cell"]["codes"] == 10)
    failed |= {"status": "error", "message": "no factor <b>colour</b>", "scores": {}}
    parts = sections(Own([store], asked))
    rows = {plain(row[0]): row[1] for row in tables(under(parts, "What diverged or failed"))[0].rows}
    assert sum("training diverged" in said and "the kl term left" in said for said in rows) == 2
    assert sum("five failed" in said and "no factor <b>colour</b>" in said for said in rows) == 1
    five = next(part for part in under(parts, "five on dsprites") if isinstance(part, Table))
    fell = [row for row in five.rows if "diverged" in row[-1]]
    assert all(row[1] == "2" for row in fell)  # counted in, at chance
    assert any("at chance" in note for note in five.notes)
    rec = next(part for part in under(parts, "rec on dsprites") if isinstance(part, Table))
    assert all(row[1] == "1" for row in rec.rows if "diverged" in row[-1])
    assert any("not in n" in note for note in rec.notes)


def test_a_study_that_only_diverged_says_so(tmp_path: Path) -> None:
    asked = study(tmp_path, BASE)
    text = markdown(sections(Own([store_of(asked, diverged=lambda cell: True)], asked)))
    assert "five: no answer; 4 diverged" in text
    assert "not run" not in text


def test_pictures_curves_and_layers_that_were_asked_for_are_there(tmp_path: Path) -> None:
    """Of a σ-VAE on two datasets, with floors and answers half-way through training."""
    asked = study(tmp_path, RICH)
    parts = sections(Own([store_of(asked)], asked))
    captions = [part.caption for part in parts if isinstance(part, Picture)]
    for dataset in ("dsprites", "shapes3d-drawn"):
        for name in ("travel", "back", "space", "some"):
            assert any(plain(c).startswith(f"{name} on {dataset}") for c in captions), (name, dataset)
        assert any(plain(c).startswith(f"rec on {dataset} along training") for c in captions)
        assert any(plain(c).startswith(f"sigma_vae on {dataset}: the terms of the loss") for c in captions)
        assert next(part for part in under(parts, f"sigma on {dataset}") if isinstance(part, Table)).rows
    assert len({part.name for part in parts if isinstance(part, Picture)}) == len(captions)
    moments = next(t for t in tables(under(parts, "Along training")) if "by moment" in t.caption)
    assert list(moments.header) == ["Setting", "50 % of training", "100 % of training"]
    assert "32 × 1 × 4 × 4" in markdown(under(parts, "Architectures"))
    curve = next(p for p in parts if isinstance(p, Picture) and "along training" in p.caption).figure.axes[0]
    assert {x for line in curve.lines if line.get_marker() == "o" for x in line.get_xdata()} == {1600, 3200}
    assert curve.get_xlabel() == "images seen in training"
    assert curve.get_ylabel().startswith("reconstruction, nats per image")


def test_a_page_of_two_claims_finds_the_planted_and_leaves_the_null(tmp_path: Path) -> None:
    text = BASE.replace("seed = [1, 2]", "seed = [1, 2, 3, 4, 5, 6, 7, 8]").replace("[1, 4]", "[1, 2, 4]")
    for says, more in (("four beats one", 4), ("two beats one", 2)):
        text += f'[[claims]]\nsays = "{says}"\nscore = "five"\nmore = {{ beta = {more} }}\nless = {{ beta = 1 }}\n'

    def planted(cell: Cell, question: Question, rng: np.random.Generator) -> float:
        return float(0.5 + 0.2 * (cell.beta == 4) + rng.normal(0, 0.02))

    asked = study(tmp_path, text)
    parts = sections(Own([store_of(asked, score=planted)], asked))
    table = next(part for part in under(parts, "The study's claims") if isinstance(part, Table))
    true, null = table.rows
    assert (true[0].startswith("four beats one."), true[-1]) == (True, "**supports**")
    assert (null[0].startswith("two beats one."), null[-1].startswith("**undecided**")) == (True, True)
    assert true[1] == "8"
    assert re.match(r"\+0\.(19|20|21)\d", true[2])
    assert "1 supports, 1 undecided" in markdown(parts[:2])


HOSTILE = (
    "<script>alert(1)</script>", "</style><img src=x onerror=alert(1)>", "{{ config }} {% raw %}", "a | b | c",
    "`code` **bold** _it_ [x](javascript:alert(1))", r"$\frac{1}{0}$ \input{/etc/passwd} $$", "# heading", "&lt;b&gt;",
    "\u202eright to left", "line\u2028break", "=cmd()", "日本語 🙂", "-" * 80,
)  # fmt: skip


class Seen(HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.told: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.told.append(data)


@pytest.mark.parametrize("name", HOSTILE)
def test_names_and_claims_are_shown_as_they_are_and_mark_nothing(name: str, tmp_path: Path) -> None:
    """As the name of a question, what a claim says, and the message of a failure."""
    quoted = json.dumps(name, ensure_ascii=False)
    text = BASE.replace("[questions.five]", f"[questions.{quoted}]").replace('["five"]', f"[{quoted}]")
    if name.isprintable():
        text += f"[[claims]]\nsays = {quoted}\nscore = {quoted}\nmore = {{ beta = 4 }}\nless = {{ beta = 1 }}\n"
    asked = study(tmp_path, text)
    store = store_of(asked)
    store.kept[1] |= {"status": "error", "message": name, "scores": {}}
    calm = study(tmp_path, BASE)
    parts, usual = (sections(Own([store], s)) for s in (asked, replace(asked, named=calm.named, claims=())))
    shown, plainly = Seen(page(name, parts)), Seen(page("x", usual))
    assert shown.tags <= plainly.tags | {"details", "summary"}
    visible = " ".join("".join(shown.told).split())
    assert " ".join("".join(c if c.isprintable() else " " for c in name).split()) in visible.replace("�", " ") or (
        "�" in visible
    )
    written = markdown(parts)
    assert not re.search(r"<(?!br>)[a-z/!]", written)
    lines = [line for line in written.splitlines() if line.startswith("|")]
    for table in tables(parts):
        for row in table.rows:
            assert any(len(re.split(r"(?<!\\)\|", line)) == len(row) + 2 for line in lines)
    for mark in ("{{", "{%", "$$", "[x](", "**bold**"):
        assert mark not in written
    for line in written.splitlines():
        assert not line.startswith("# heading")


def test_literal_text_comes_back_and_each_rendering_escapes_it() -> None:
    text = "a|b `c` *d* <e> & {f} $g$ #h [i] ~j !k \\l _m"
    assert plain(literal(text)) == text
    assert "a\\|b \\`c\\` \\*d\\* &lt;e&gt; &amp; \\{f\\} \\$g\\$" in markdown([Text(literal(text))])
    assert "a|b `c` *d* &lt;e&gt; &amp; {f} $g$" in page("t", [Text(literal(text))])
    assert literal("two\nlines\x00\ue041") == "two lines��"


def test_equal_records_give_equal_pages_and_the_command_finds_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = study(tmp_path, BASE)
    fake, store = store_of(asked), Store(tmp_path / "store")
    store.remember(asked)
    for record in fake.kept:
        held = fake.held.get(record["arrays"] or "")
        store.append({**record, "arrays": store.put(held) if held else None})
    assert main(["report", str(store.path)]) == 0
    html = Path(capsys.readouterr().out.strip())
    assert html == store.path / "report" / "report.html"
    assert '<h1 id="mine">mine</h1>' in html.read_text(encoding="utf-8")
    write([store], study_of([store]), tmp_path / "again")
    for path in sorted((store.path / "report").rglob("*.*")):
        assert (tmp_path / "again" / path.relative_to(store.path / "report")).read_bytes() == path.read_bytes()
    assert main(["report", str(store.path), "--checklist"]) == 0
    told = capsys.readouterr().out
    assert "betavae run mine.toml" in told
    assert told.strip() == checked([store], asked)
    (store.path / "study.json").unlink()
    assert study_of([store]) == replace(asked, jobs=study_of([store]).jobs)
    assert main(["report", str(store.path), "--out", str(tmp_path / "bare")]) == 0
    assert "higgins on dsprites" in (tmp_path / "bare" / "report.md").read_text(encoding="utf-8")


def test_digits_show_values_to_three_places_and_their_spread_to_one() -> None:
    wanted = (([0.61, 0.6], 3), ([1.0, 0.2], 3), ([1723.4, 1650.0], 0), ([1723.4, 1723.1], 1), ([12.0], 1), ([], 1),
              ([0.012], 4), ([0.0], 1), ([float("inf"), 3.0], 2), ([0.5, 0.50002], 5))  # fmt: skip
    for values, digits in wanted:
        assert decimals(values) == digits, values


def test_what_is_exported_is_the_studys_own_report(tmp_path: Path) -> None:
    """Its tables as LaTeX and its figures, not the paper's."""
    hostile = BASE.replace("[questions.five]", '[questions."50 % & $x$"]').replace('["five"]', '["50 % & $x$"]')
    asked, store = study(tmp_path, hostile), Store(tmp_path / "store")
    store.remember(asked)
    for record in store_of(asked).kept:
        store.append({**record, "arrays": None})
    assert main(["export", str(store.path), "--out", str(tmp_path / "out"), "--what", "tables,figures"]) == 0
    written = {path.name: path for path in (tmp_path / "out").rglob("*.*")}
    [table] = [path for name, path in written.items() if "higgins" in name and "other" not in name]
    text = table.read_text(encoding="utf-8")
    assert r"50 \% \& \$x\$ on dsprites: higgins" in text
    assert r"\ensuremath{\beta} = 4" in text
    assert "scores-1-1-1.pdf" in written


def test_what_noise_scores_and_how_many_codes_move_stand_beside_a_score(tmp_path: Path) -> None:
    asked = study(tmp_path, BASE)
    store = store_of(asked)
    for record in store.kept:
        if record["kind"] == "answer" and record["cell"]["knobs"]["beta"] == 4:
            record["notes"] = {"floor": 0.6 + 0.1 * record["cell"]["seed"], "active": 4 + record["cell"]["seed"]}
    table = next(t for t in tables(sections(Own([store], asked))) if "by seed" in t.header)
    assert [plain(name) for name in table.header[-2:]] == ["noise codes", "codes that move"]
    assert {plain(row[0]): row[-2:] for row in table.rows} == {"β = 1": ["–", "–"], "β = 4": ["0.750", "5 to 6"]}

"""Claims of a study file: which cells they set against each other, that no id knows of them, every mistake by line."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from tiny import squares

from betavae.errors import Fault, Misuse
from betavae.metrics import named
from betavae.metrics.base import Codes, Subject, ask
from betavae.metrics.fits.shared_adagrad import KINDS
from betavae.representation.floors import untrained
from betavae.study.cells import Study
from betavae.study.claim_file import SCORES
from betavae.study.claims import first
from betavae.study.store import Store
from betavae.study.study_file import _toml, read, write

PLAIN = """name = "mine"
[questions.five]
measure = "higgins"
[questions."pictures.of it"]
measure = "samples"
[questions.rec]
measure = "reconstruction"
at = [0.5, 1]
[[grid]]
dataset = "dsprites"
method = "conv"
seed = [1, 2, 3]
beta = [1, 4, 10]
codes = [4, 10]
recipe = { optimiser = "adam", learning_rate = 5e-4, batch = 16, images = 320 }
questions = ["five", "pictures.of it"]
[[grid]]
dataset = "dsprites"
method = "pca"
seed = [1, 2, 3]
questions = ["five", "rec"]
"""
CLAIM = """[[claims]]
says = "β = 4 scores higher than β = 1"
score = "five"
more = { beta = 4 }
less = { beta = 1 }
where = { codes = 10 }
"""
LINE = PLAIN.count("\n") + 1
"""Where the claim's header stands."""


def study_of(folder: Path, claims: str = CLAIM) -> Study:
    (folder / "mine.toml").write_text(PLAIN + claims, encoding="utf-8")
    return read(folder / "mine.toml")


def arms(study: Study, number: int = 0) -> list[set[tuple[int, float | None, int]]]:
    """The arms of a claim as (seed, β, codes)."""
    cells = {cell.id: cell for cell in study.cells}
    claim = study.claims[number]
    return [{(cells[key].seed, cells[key].beta, cells[key].codes) for key in arm} for arm in claim.arms]


def test_a_claim_sets_the_cells_it_names_against_each_other(tmp_path: Path) -> None:
    study = study_of(tmp_path)
    assert arms(study) == [{(s, 4.0, 10) for s in (1, 2, 3)}, {(s, 1.0, 10) for s in (1, 2, 3)}]
    [claim] = study.claims
    assert (claim.form, claim.bound, claim.key, claim.at) == ("more", None, None, 1.0)
    assert claim.question == next(q.id for q in study.jobs[0].questions if q.measure == "higgins")


def test_a_list_is_any_of_its_values_and_a_trend_has_all_levels(tmp_path: Path) -> None:
    more = CLAIM.replace("{ beta = 4 }", "{ beta = [4, 10] }")
    falls = '[[claims]]\nsays = "it falls"\nscore = "five.train"\ntrend = "-beta"\nwhere = { codes = 4 }\n'
    study = study_of(tmp_path, more + falls)
    assert arms(study)[0] == {(s, b, 10) for s in (1, 2, 3) for b in (4.0, 10.0)}
    assert arms(study, 1) == [{(s, b, 4) for s in (1, 2, 3)} for b in (1.0, 4.0, 10.0)]  # most first
    assert study.claims[1].key == "train"


def test_one_arm_may_lack_a_setting_that_the_other_has(tmp_path: Path) -> None:
    """PCA has neither β nor a learning rate: it can still be set against a VAE."""
    study = study_of(tmp_path, CLAIM.replace("{ beta = 1 }", '{ method = "pca" }'))
    assert arms(study)[1] == {(s, None, 10) for s in (1, 2, 3)}


def test_a_claim_of_a_question_asked_of_few_cells_speaks_of_those(tmp_path: Path) -> None:
    text = '[[claims]]\nsays = "PCA is good"\nscore = "rec.mse"\nat_most = 0.02\n'
    study = study_of(tmp_path, text)
    assert arms(study) == [{(s, None, 10) for s in (1, 2, 3)}]
    assert (study.claims[0].bound, study.claims[0].at) == (0.02, 1.0)


def test_claims_enter_no_id_and_survive_the_store_and_the_file(tmp_path: Path) -> None:
    study, without = study_of(tmp_path), study_of(tmp_path, "")
    assert [j.cell.id for j in study.jobs] == [j.cell.id for j in without.jobs]
    assert study.jobs == without.jobs
    store = Store(tmp_path / "store")
    store.remember(study)
    assert (store.recalled(), store.recalled().named) == (study, study.named)
    assert dict(study.named)[study.claims[0].question] == "five"
    (tmp_path / "again.toml").write_text(write(study), encoding="utf-8")
    again = read(tmp_path / "again.toml")
    assert again == study
    assert again.named == tuple(sorted(study.named)) or dict(again.named) == dict(study.named)


def test_a_store_of_before_has_no_claims_and_a_strange_one_is_refused(tmp_path: Path) -> None:
    study, store = study_of(tmp_path), Store(tmp_path / "store")
    store.remember(study)
    path = tmp_path / "store" / "study.json"
    plain = json.loads(path.read_text(encoding="utf-8"))
    old = {key: value for key, value in plain.items() if key not in ("claims", "questions")}
    path.write_text(json.dumps(old), encoding="utf-8")
    assert store.recalled() == study_of(tmp_path, "")
    for part in ({"arms": []}, {"arms": [["a"]]}, {"form": "less"}, {"bound": 3.0}, {"says": 3}, {"at": True}):
        strange = {**plain, "claims": [{**plain["claims"][0], **part}]}
        path.write_text(json.dumps(strange), encoding="utf-8")
        with pytest.raises(Fault, match="is not a study: "):
            store.recalled()


@pytest.mark.parametrize(
    ("old", "new", "line", "part"),
    [
        ("says =", "say =", 1, "unknown key of a claim 'say'; did you mean 'says'"),
        ('says = "β = 4 scores higher than β = 1"\n', "", 0, "a claim has no says"),
        ('"β = 4 scores higher than β = 1"', "3", 1, "says is 3; wanted a sentence"),
        ('"β = 4 scores higher than β = 1"', '"a\\nb"', 1, "wanted a sentence"),
        ('"five"', '"fiv"', 2, "unknown question 'fiv'; did you mean 'five'"),
        ('"five"', '"five.trian"', 2, "unknown score of 'five' 'trian'; did you mean 'train'"),
        ('"five"', '"pictures.of it"', 2, "has no score, a samples has pictures"),
        ('"five"', "5", 2, "score is 5; wanted the name"),
        ("{ beta = 4 }", "{ bta = 4 }", 3, "unknown setting in more 'bta'; did you mean 'beta'"),
        ("{ beta = 4 }", "{ seed = 4 }", 3, "seed is no setting"),
        ("{ beta = 4 }", "{ beta = 5 }", 3, "more matches no cell: beta is 5; the cells to choose from have 1, 4, 10"),
        ("{ beta = 4 }", "{ beta = [4, 5] }", 3, "more matches no cell"),
        ("{ beta = 4 }", "{ beta = true }", 3, "more matches no cell"),
        ("{ beta = 4 }", "4", 3, "more is 4; wanted a table of settings"),
        ("{ beta = 4 }", "{ }", 3, "more is {}; wanted a table of settings"),
        ("{ beta = 1 }", "{ beta = [1, 4] }", 4, "more and less overlap in 3 cells"),
        ("where = { codes = 10 }", "", 1, "codes varies among the cells of this claim (4, 10) and is not named"),
        ("{ codes = 10 }", "{ codes = [4, 10] }", 5, "where matches no cell"),
        ("less =", "fewer =", 4, "unknown key of a claim 'fewer'"),
        ("less = { beta = 1 }\n", "", 0, "a claim has more to be judged by; wanted more and less"),
        ("less =", "at_least = 0.8\nless =", 0, "a claim has more, at_least, less to be judged by"),
        ("less = { beta = 1 }", "at_least = inf", 4, "at_least is inf; wanted a number"),
        ("less =", "equal_within = 0\nless =", 4, "equal_within is 0; wanted a number above 0"),
        ("more = { beta = 4 }\nless = { beta = 1 }", 'trend = "dataset"', 3, "dataset is not a number in every cell"),
        ("more = { beta = 4 }\nless = { beta = 1 }", 'trend = "codes"', 3, "codes has 1 levels here"),
        ("more = { beta = 4 }\nless = { beta = 1 }", "trend = 1", 3, "trend is 1; wanted a setting in quotes"),
        ("more = { beta = 4 }\nless = { beta = 1 }", 'trend = "gamma"', 3, "unknown setting in trend 'gamma'"),
    ],
)
def test_every_mistake_is_named_with_its_line(tmp_path: Path, old: str, new: str, line: int, part: str) -> None:
    """The claim stands after another that mentions the same keys, and is not taken for it."""
    assert old in CLAIM
    with pytest.raises(Misuse) as caught:
        study_of(tmp_path, CLAIM + CLAIM.replace(old, new))
    assert part in str(caught.value)
    if not old.startswith("where"):
        assert f"mine.toml:{LINE + 6 + line}: " in str(caught.value)


def test_what_is_no_table_of_claims_is_refused(tmp_path: Path) -> None:
    for claims in ("claims = 3", 'claims = ["a"]', "claims = [[]]"):
        (tmp_path / "mine.toml").write_text(f"{claims}\n{PLAIN}", encoding="utf-8")
        with pytest.raises(Misuse, match=r"mine\.toml:1: claims is "):
            read(tmp_path / "mine.toml")
    with pytest.raises(Misuse, match="201 claims; wanted 200 at most"):
        study_of(tmp_path, 201 * CLAIM)


def test_the_scores_that_a_claim_may_name_are_those_that_measures_give(monkeypatch: pytest.MonkeyPatch) -> None:
    """One untrained VAE, asked everything of the table; a factor's own score stands there by its beginning."""
    monkeypatch.setitem(KINDS, "linear", KINDS["linear"]._replace(steps=2))
    data = squares()
    subject = untrained(data, codes=4, seed=0)
    codes = Codes(data, subject)
    small = {"votes": 20, "test_votes": 20, "pairs": 2, "pool": 60}
    knobs = {"higgins": small, "rotation": small, "leak": small, "traversals": {"steps": 2, "top": 1, "images": 4}}
    for name in set(SCORES) - {"calibration"}:  # a σ-VAE's, asked where one is trained
        given = knobs.get(name, {"images": 4} if name not in ("latent_space", "architecture") else {})
        answer = ask(named(name, **given), name, Subject(data, subject, codes), 0)
        found = tuple(dict.fromkeys(re.sub(r"^accuracy\..*", "accuracy.", key) for key in answer.scores))
        assert found == SCORES[name], name


def looked(folder: Path, looks: str, claims: str = CLAIM) -> Study:
    (folder / "mine.toml").write_text(f"looks = {looks}\n{PLAIN}{claims}", encoding="utf-8")
    return read(folder / "mine.toml")


def test_looks_are_fixed_before_the_first_seed_and_survive_the_store_and_the_file(tmp_path: Path) -> None:
    study, once = looked(tmp_path, "[2, 3]"), study_of(tmp_path)
    assert (study.looks, once.looks) == ((2, 3), ())
    assert [job.cell.id for job in study.jobs] == [job.cell.id for job in once.jobs]
    (tmp_path / "again.toml").write_text(write(study), encoding="utf-8")
    assert read(tmp_path / "again.toml").looks == (2, 3)
    store = Store(tmp_path / "store")
    store.remember(study)
    assert store.recalled().looks == (2, 3)
    store.expect(once)  # nothing was run
    store.append({"kind": "run"})
    store.expect(study)
    turned = replace(study, jobs=tuple(sorted(study.jobs, key=lambda job: -job.cell.seed)))  # other seeds come first
    for other in (once, looked(tmp_path, "[1, 3]"), looked(tmp_path, "[2, 3]", CLAIM + CLAIM), turned):
        with pytest.raises(Misuse, match="looks are fixed before the first seed is run"):
            store.expect(other)
    plain = json.loads((store.path / "study.json").read_text())
    for strange in ([3, 2], [0, 3], ["3"], 3):
        (store.path / "study.json").write_text(json.dumps({**plain, "looks": strange}))
        with pytest.raises(Fault, match="seeds that rise"):
            store.recalled()


@pytest.mark.parametrize(
    ("looks", "told"),
    [
        ("[3, 2]", "wanted numbers of seeds that rise"),
        ("[]", "wanted numbers of seeds that rise"),
        ("2", "wanted numbers of seeds that rise"),
        ("[true, 3]", "wanted numbers of seeds that rise"),
        ("[1, 2]", "wanted all seeds at the last look, here 3"),
        ("[2, 4]", "wanted all seeds at the last look, here 3"),
    ],
)
def test_looks_that_cannot_be_are_refused_with_their_line(looks: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(Misuse, match=f"mine.toml:1: looks is .*{told}"):
        looked(tmp_path, looks)


def test_a_side_whose_settings_share_no_seed_is_refused(tmp_path: Path) -> None:
    """β = 4 of seeds 1 to 3 and β = 10 of 4 to 6 are no "β = 4 or 10": it could only be judged on one of them."""
    grid = "[[grid]]" + PLAIN.split("[[grid]]")[1]
    apart = PLAIN.replace("beta = [1, 4, 10]", "beta = [1, 4]") + grid.replace("[1, 4, 10]", "10").replace(
        "[1, 2, 3]", "[4, 5, 6]"
    )
    (tmp_path / "mine.toml").write_text(apart + CLAIM.replace("{ beta = 4 }", "{ beta = [4, 10] }"), encoding="utf-8")
    line = apart.count("\n") + 1
    with pytest.raises(Misuse, match=rf"mine.toml:{line}: no seed has all settings of one side of a claim"):
        read(tmp_path / "mine.toml")


def test_any_letter_survives_a_file(tmp_path: Path) -> None:
    """TOML has no pairs of surrogates, which JSON writes for letters past the first 65,536."""
    study = study_of(tmp_path, CLAIM.replace("β = 4 scores", "β = 4 😀 scores"))
    assert "😀" in study.claims[0].says
    odd = {"a": "😀 \x7f é"}
    assert tomllib.loads("a = " + _toml(odd["a"])) == odd
    (tmp_path / "again.toml").write_text(write(study), encoding="utf-8")
    assert read(tmp_path / "again.toml").claims == study.claims


def test_a_study_that_grew_without_looks_is_known_by_its_store(tmp_path: Path) -> None:
    study, store = study_of(tmp_path), Store(tmp_path / "store")
    fewer = replace(first(study, 2), claims=())
    for each in (fewer, study):
        store.remember(each)
    assert store.recalled().grown == ()  # nothing was run before
    store.remember(fewer)
    store.append({"kind": "run"})
    for each in (study, study):
        store.expect(each)
        store.remember(each)
    assert store.recalled().grown == (2,)
    store.remember(fewer)
    assert store.recalled().grown == (2,)

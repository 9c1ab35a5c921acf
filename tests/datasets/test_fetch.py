"""Fetching from a server of this machine: continued, fallen over, refused and said; nothing wrong is ever used."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from arrivals import CONTENT, OTHER, fetched, made, published, raw, sha256
from hostile import COUNT, images, records, sound_h5, sound_members, sound_npz, tar
from loopback import Page, serving

from betavae import datasets
from betavae.cli.main import main
from betavae.datasets.files import cache, download, fetch
from betavae.datasets.files.catalogue import CATALOGUE
from betavae.errors import Fault, Misuse

pytestmark = pytest.mark.usefixtures("short_patience")

LOGIN = b"<!DOCTYPE html><html>please log in</html>"


FORMATS = {
    "shapes3d": sound_h5,
    "mpi3d-toy": sound_npz,
    "mpi3d-realistic": sound_npz,
    "mpi3d-real": sound_npz,
    "cifar10": lambda path: tar(path, sound_members()),
    "cifar100": lambda path: tar(path, sound_members()),
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_fetched_file_is_the_dataset(name, tmp_path: Path, monkeypatch, capsys) -> None:
    """From the command line to pixels: official name, official format, a small grid."""
    content = made(FORMATS[name], tmp_path)
    root = tmp_path / "data"
    file = CATALOGUE[name].file
    with serving(**{file: Page(content)}) as (server, url):
        entry = published(monkeypatch, name, content, url(file))
        assert main(["data", "fetch", name, "--root", str(root)]) == 0
        said = capsys.readouterr()
        assert main(["data", "fetch", name, "--root", str(root)]) == 0  # it is here: nothing is asked again
        assert server.pages[file].asked == [None]
    assert said.out.strip() == str(root / "raw" / file)
    for told in (entry.licence, entry.citation, url(file), f"{len(content):,} bytes", sha256(content)):
        assert told in said.err
    assert raw(root)[file] == content
    dataset = datasets.load(name, root=root)
    assert dataset.source == "official"
    assert dataset.digest == sha256(content)
    if dataset.factors:
        wanted = images().transpose(0, 3, 1, 2)
    else:
        table = np.frombuffer(records(4, seed=2) + records(2, seed=1), np.uint8).reshape(6, 3073)
        wanted = table[:, 1:].reshape(6, 3, 32, 32)
    assert torch.equal(dataset.render(torch.arange(COUNT)), torch.from_numpy(wanted.copy()) / 255)
    capsys.readouterr()
    assert main(["data", "verify", name, "--root", str(root)]) == 0
    assert capsys.readouterr().out.count("good") == 2


def test_a_cut_transfer_goes_on_where_it_was_cut(tmp_path: Path, monkeypatch) -> None:
    with serving(file=Page(CONTENT, cuts=(100_000, 50_000, None))) as (server, url):
        published(monkeypatch, "shapes3d", CONTENT, url("file"))
        assert fetched(tmp_path).read_bytes() == CONTENT
        assert server.pages["file"].asked == [None, "bytes=100000-", "bytes=150000-"]


def test_without_ranges_a_cut_transfer_begins_anew(tmp_path: Path, monkeypatch) -> None:
    with serving(file=Page(CONTENT, cuts=(100_000, None), ranges=False)) as (server, url):
        published(monkeypatch, "shapes3d", CONTENT, url("file"))
        assert fetched(tmp_path).read_bytes() == CONTENT
        assert server.pages["file"].asked == [None, "bytes=100000-"]


def test_what_came_is_kept_and_the_same_command_continues(tmp_path: Path, monkeypatch) -> None:
    with serving(file=Page(CONTENT, cuts=(1_000,))) as (server, url):
        published(monkeypatch, "shapes3d", CONTENT, url("file"))
        with pytest.raises(Fault, match=r"5,000 of 600,000 bytes|5,000 bytes are kept.*same command continues"):
            fetched(tmp_path)
        assert raw(tmp_path) == {"3dshapes.h5.part": CONTENT[:5_000]}
        server.pages["file"].cuts = (None,)
        assert fetched(tmp_path).read_bytes() == CONTENT
        assert server.pages["file"].asked[-1] == "bytes=5000-"


BAD = {
    "not there": (Page(status=404), "HTTP 404"),
    "a web page": (Page(LOGIN, kind="text/html; charset=utf-8"), "web page instead of the file"),
    "a web page in disguise": (Page(LOGIN + bytes(599_959)), "web page instead of the file"),
    "another size": (Page(CONTENT[:-1]), "announces 599,999 bytes, the published file has 600,000"),
    "far too long": (Page(CONTENT, says=10**15), "announces 1,000,000,000,000,000 bytes"),
    "no end": (Page(CONTENT + b"x", says=None), "more than 600,000 bytes"),
    "cut short, no length said": (Page(CONTENT[:-1], says=None), "nothing beyond the 599,999 bytes that came"),
    "always cut": (Page(CONTENT, cuts=(0,)), "connection"),
    "silence": (Page(CONTENT, cuts=(0,), hold=threading.Event()), "connection was cut (ReadTimeoutError)"),
    "another file": (Page(OTHER), sha256(OTHER)),
    "led to a file of this machine": (Page(status=302, place="file:///etc/passwd"), "not http or https"),
    "led round in circles": (Page(status=302, place="/bad"), "TooManyRedirects"),
    "a continuation from elsewhere": (Page(CONTENT, status=206), "continues from another place"),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_address_is_told_and_the_second_mirror_serves(bad: str, tmp_path: Path, monkeypatch, capsys) -> None:
    page, words = BAD[bad]
    monkeypatch.setattr(download, "TRIES", 2)
    page = replace(page, asked=[], hold=threading.Event() if page.hold else None)
    with serving(bad=page, good=Page(CONTENT)) as (server, url):
        published(monkeypatch, "shapes3d", CONTENT, url("bad"))
        with pytest.raises(Fault) as caught:
            fetched(tmp_path)
        message = str(caught.value)
        assert words in message
        assert "`betavae data add shapes3d FILE`" in message
        assert "\n" not in message
        assert "3dshapes.h5" not in raw(tmp_path)
        published(monkeypatch, "shapes3d", CONTENT, url("bad"), url("good"))
        assert fetched(tmp_path).read_bytes() == CONTENT
        assert len(server.pages["good"].asked) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_a_closed_port_is_a_mirror_like_any_other(tmp_path: Path, monkeypatch) -> None:
    with serving() as (_, gone):
        closed = gone("file")
    with serving(file=Page(CONTENT)) as (_, url):
        published(monkeypatch, "shapes3d", CONTENT, closed, url("file"))
        assert fetched(tmp_path).read_bytes() == CONTENT


def test_a_wrong_hash_names_both_and_the_file_is_kept_aside_unused(tmp_path: Path, monkeypatch, capsys) -> None:
    with serving(file=Page(OTHER)) as (_, url):
        published(monkeypatch, "shapes3d", CONTENT, url("file"))
        with pytest.raises(Fault) as caught:
            fetched(tmp_path)
    assert sha256(OTHER) in str(caught.value)
    assert sha256(CONTENT) in str(caught.value)
    assert raw(tmp_path) == {"3dshapes.h5.rejected": OTHER}
    assert "never used" in capsys.readouterr().err
    with pytest.raises(Fault, match="is not here"):
        datasets.load("shapes3d", root=tmp_path)


def test_a_file_spoiled_in_place_is_set_aside_and_fetched_anew(tmp_path: Path, monkeypatch) -> None:
    with serving(file=Page(CONTENT)) as (_, url):
        published(monkeypatch, "shapes3d", CONTENT, url("file"))
        path = fetched(tmp_path)
        path.write_bytes(OTHER)
        assert not all(check.good for check in fetch.verify("shapes3d", root=tmp_path))
        assert main(["data", "verify", "--root", str(tmp_path)]) == 1
        assert fetched(tmp_path).read_bytes() == CONTENT
    assert raw(tmp_path)["3dshapes.h5.rejected"] == OTHER


def test_a_half_of_one_file_and_a_half_of_another_are_not_mixed(tmp_path: Path, monkeypatch) -> None:
    """The first mirror ends in the middle of a wrong file; the second continues it, sees it wrong, and starts again."""
    with serving(bad=Page(OTHER, cuts=(100_000, 0)), good=Page(CONTENT)) as (server, url):
        published(monkeypatch, "shapes3d", CONTENT, url("bad"), url("good"))
        assert fetched(tmp_path).read_bytes() == CONTENT
        assert server.pages["good"].asked == ["bytes=100000-", None]


def test_an_md5_alone_pins_the_sha256_of_the_first_arrival(tmp_path: Path, monkeypatch, capsys) -> None:
    md5 = {"md5": hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()}
    with serving(file=Page(CONTENT)) as (_, url):
        published(monkeypatch, "mpi3d-toy", CONTENT, url("file"), size=None, published=md5)
        path = fetched(tmp_path, "mpi3d-toy")
    assert f"pinned sha256 {sha256(CONTENT)}" in capsys.readouterr().err
    assert f"{sha256(CONTENT)}  {path.name}" in raw(tmp_path)[f"{path.name}.sha256"].decode()
    path.write_bytes(OTHER)
    (check,) = fetch.verify("mpi3d-toy", root=tmp_path)
    assert not check.good
    assert "pinned when the file first arrived" in check.said


def test_a_newer_upload_is_taken_only_on_a_persons_word(tmp_path: Path, monkeypatch) -> None:
    md5 = {"md5": hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()}
    mine = tmp_path / "mine.npz"
    sound_npz(mine)
    content = mine.read_bytes()
    published(monkeypatch, "mpi3d-toy", CONTENT, size=None, published=md5, holds=(COUNT, 64, 64, 3))
    with pytest.raises(Fault, match=f"--sha256 {sha256(content)}"):
        fetch.add("mpi3d-toy", mine, root=tmp_path)
    assert not raw(tmp_path)
    path = fetch.add("mpi3d-toy", mine, root=tmp_path, sha256=sha256(content))
    assert path.read_bytes() == content
    assert "vouched" in raw(tmp_path)[f"{path.name}.sha256"].decode()
    assert all(check.good for check in fetch.verify("mpi3d-toy", root=tmp_path))
    with pytest.raises(Misuse, match="64 hexadecimal digits"):
        fetch.add("mpi3d-toy", mine, root=tmp_path, sha256="abc")


def test_a_persons_word_does_not_make_other_images_the_dataset(tmp_path: Path) -> None:
    """A digest says nothing of what is in a file: one of 460 images was taken, and verified as good."""
    mine = tmp_path / "mine.npz"
    np.savez(mine, images=np.zeros((460, 64, 64, 3), np.uint8))
    said = r"its images are uint8 of shape \[460, 64, 64, 3\], wanted uint8 of \[1036800, 64, 64, 3\]"
    with pytest.raises(Fault, match=said):
        fetch.add("mpi3d-toy", mine, root=tmp_path, sha256=sha256(mine.read_bytes()))
    assert not raw(tmp_path)
    there = tmp_path / "raw" / CATALOGUE["mpi3d-toy"].file  # as an earlier version took it
    there.write_bytes(mine.read_bytes())
    there.with_name(f"{there.name}.sha256").write_text(f"{sha256(mine.read_bytes())}  {there.name}\n")
    (check,) = fetch.verify("mpi3d-toy", root=tmp_path)
    assert not check.good
    assert "shape [460, 64, 64, 3]" in check.said


@pytest.mark.parametrize(
    ("name", "file", "size", "said"),
    [
        (
            "dsprites",
            "small.npz",
            1,
            "counts beside what is published, and in its place only for mpi3d-toy",
        ),
        (
            "dsprites",
            CATALOGUE["dsprites-hdf5"].file,
            1,
            "the content of another: `betavae data add dsprites-hdf5 ",
        ),
        (
            "cifar10",
            "cifar-10-python.tar.gz",
            1,
            "CIFAR's Python version, whose pickles are never opened",
        ),
        ("cifar10", "mine.tar.gz", 170_498_071, "CIFAR's Python version, .* gets the binary version"),
    ],
)
def test_another_file_says_which_is_wanted(name: str, file: str, size: int, said: str, tmp_path: Path) -> None:
    mine = tmp_path / file
    with open(mine, "wb") as out:
        out.truncate(size)
    with pytest.raises(Fault, match=said):
        fetch.add(name, mine, root=tmp_path, sha256=sha256(mine.read_bytes()))
    assert not raw(tmp_path)


def test_offline_asks_nobody(tmp_path: Path, monkeypatch) -> None:
    with serving(file=Page(CONTENT)) as (server, url):
        published(monkeypatch, "shapes3d", CONTENT, url("file"))
        assert main(["data", "fetch", "shapes3d", "--root", str(tmp_path), "--offline"]) == 1
        assert server.pages["file"].asked == []
        fetched(tmp_path)
        assert main(["data", "fetch", "shapes3d", "--root", str(tmp_path), "--offline"]) == 0


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/x", "/etc/passwd", "http:///x", "https://"])
def test_only_web_addresses_are_fetched_from(url: str, tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="not an http or https address"):
        fetch.fetch("shapes3d", root=tmp_path, mirrors=[url])


def test_what_is_drawn_is_verified_without_the_official_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The example of `betavae data verify --help`; where nothing of it is here at all, that is said."""
    monkeypatch.setattr(cache, "verify", lambda name, root=None: "0" * 64)
    assert main(["data", "verify", "dsprites", "--root", str(tmp_path)]) == 1
    assert "BAD   raw/dsprites_ndarray" in capsys.readouterr().out
    (tmp_path / "ready" / "dsprites").mkdir(parents=True)
    (tmp_path / "ready" / "dsprites" / "manifest.json").write_text("{}", encoding="utf-8")
    assert main(["data", "verify", "dsprites", "--root", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"good  ready/dsprites: sha256 {'0' * 64}, as written\n"


def test_of_one_name_no_other_is_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """3Dshapes as drawn says nothing of the official file; a larger side of CIFAR is made of the same array."""
    monkeypatch.setattr(cache, "verify", lambda name, root=None: "0" * 64)
    for name in ("shapes3d-drawn", "cifar10-jpeg"):
        (tmp_path / "ready" / name).mkdir(parents=True)
        (tmp_path / "ready" / name / "manifest.json").write_text("{}", encoding="utf-8")
    assert main(["data", "verify", "shapes3d", "--root", str(tmp_path)]) == 1
    assert "shapes3d-drawn" not in capsys.readouterr().out
    assert main(["data", "verify", "cifar10-64", "--root", str(tmp_path)]) == 1
    told = capsys.readouterr().out
    assert "jpeg" not in told
    assert "BAD" in told

"""Files from outside: fetched or taken in only by a person's command, and used only if they are the ones published.

They lie in the data folder's ``raw/``; ``shelf`` says what may lie beside them, ``catalogue`` which there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from betavae.datasets.files import cache
from betavae.datasets.files.catalogue import CATALOGUE, PICKLED, Entry
from betavae.datasets.files.checksums import of_file, pin_of, problem, vouched
from betavae.datasets.files.download import Unavailable, checked, download
from betavae.datasets.files.formats import looks_like_a_page, npz_declared
from betavae.datasets.files.official import by_hand, made_from, on_your_word, refetch
from betavae.datasets.files.raw import alone, bar, beside, copied, pin, put, say, set_aside
from betavae.errors import Fault, Misuse, choose


class Row(NamedTuple):
    """One line of the list of files: ``state`` is "absent", "raw" or "ready", ``size`` in bytes where known.

    ``source`` is "official", or what the file is instead.
    """

    name: str
    source: str
    state: str
    size: int | None
    licence: str


class Check(NamedTuple):
    """One thing that was verified, whether it held, and what was found."""

    what: str
    good: bool
    said: str


def fetch(
    name: str,
    *,
    root: str | Path | None = None,
    offline: bool = False,
    mirrors: Sequence[str] | None = None,
    progress: bool = True,
) -> Path:
    """Bring a file of the catalogue into ``raw/`` and give its path; nothing is done where it is there already.

    ``mirrors`` replaces the catalogue's addresses; ``offline`` never touches the network. Raises Misuse for an unknown
    name or address, Fault where no mirror gives the file: what came of it is kept and the same call continues.
    """
    return bring(choose(CATALOGUE, name, "file"), cache.folder(root), offline, mirrors, progress)


def add(name: str, path: str | Path, *, root: str | Path | None = None, sha256: str | None = None) -> Path:
    """Take in a copy of a file of the catalogue that came some other way, if it is the one published; gives its path.

    ``sha256`` is a digest you vouch for: the file must have it, and it is pinned. Where the published digest is of an
    older upload it replaces that one. Raises Misuse or Fault, and then leaves all as it was.
    """
    return take(choose(CATALOGUE, name, "file"), Path(path).expanduser(), cache.folder(root), sha256)


def verify(name: str, *, root: str | Path | None = None) -> list[Check]:
    """Check all of the raw file and of the array made from it against their digests. Raises Misuse for no such name."""
    return checks(choose(CATALOGUE, name, "file"), root)


def listing(root: str | Path | None = None) -> list[Row]:
    """Every file of the catalogue and what is here of it."""
    return [row(entry, root) for entry in CATALOGUE.values()]


def bring(entry: Entry, home: Path, offline: bool, mirrors: Sequence[str] | None, progress: bool) -> Path:
    """``fetch`` for any entry."""
    target = home / "raw" / entry.file
    addresses = [checked(url) for url in (entry.mirrors if mirrors is None else mirrors)]
    wrong = _wrong(entry, target)
    if wrong is None:
        return target
    if offline:
        raise Fault(f"{entry.name}: {wrong}, and nothing is fetched offline; {by_hand(entry)}")
    if not addresses:
        raise Misuse(f"{entry.name} has no public address; {by_hand(entry)}")
    with alone(target):
        wrong = _wrong(entry, target)  # another process may have brought it meanwhile
        if wrong is None:
            return target
        say(notice(entry, addresses))
        if target.exists():
            set_aside(target, target, wrong)
        return _from_mirrors(entry, target, addresses, progress)


def take(entry: Entry, path: Path, home: Path, sha256: str | None = None) -> Path:
    """``add`` for any entry."""
    given = None if sha256 is None else vouched(sha256)
    if not path.is_file():
        raise Misuse(f"{path} is not an ordinary file that is there")
    target = home / "raw" / entry.file
    with alone(target):
        copy = beside(target, ".copy")
        try:
            found = copied(path, copy)
            wrong = problem(entry, found, pin_of(target), given) or _unlike(entry, copy, found)
            if wrong:
                hint = "; it is a web page" if _is_page(copy) else _hint(entry, path, found, given)
                raise Fault(f"{path} is not {entry.file}: {wrong}{hint}. Nothing was changed")
            put(copy, target)
        finally:
            copy.unlink(missing_ok=True)
        pin(entry, target, found["sha256"], vouched=given is not None)
    return target


def checks(entry: Entry, root: str | Path | None) -> list[Check]:
    """``verify`` for any entry."""
    target = cache.folder(root) / "raw" / entry.file
    found = []
    made = made_from(entry, root) is not None
    if target.is_file() or not made:
        wrong = _wrong(entry, target) or _unlike(entry, target, of_file(target))
        said = f"{wrong}; {refetch(entry)}" if wrong else f"sha256 {of_file(target)['sha256']}, as it should be"
        found.append(Check(f"raw/{entry.file}", wrong is None, said))
    if made:
        name = entry.ready or entry.name
        try:
            found.append(Check(f"ready/{name}", True, f"sha256 {cache.verify(name, root)}, as written"))
        except Fault as fault:
            found.append(Check(f"ready/{name}", False, str(fault)))
    return found


def row(entry: Entry, root: str | Path | None) -> Row:
    """The line of one entry: an array made from another file (or drawn) under its name does not count as ready."""
    target = cache.folder(root) / "raw" / entry.file
    here = target.is_file()
    made = made_from(entry, root) in {pin_of(target) or "", *entry.published.values()}
    state = "ready" if made else "raw" if here else "absent"
    size = target.stat().st_size if here else entry.size
    return Row(entry.name, entry.kind, state, size, entry.licence)


def notice(entry: Entry, addresses: Sequence[str]) -> str:
    """What a person reads before anything is fetched: from where, how it is known, on what terms, whom to cite."""
    size = f"{entry.size:,} bytes" if entry.size else "not published"
    lines = [f"{entry.name}: {entry.file}"]
    lines += [f"  {'from' if k == 0 else 'else'}: {address}" for k, address in enumerate(addresses)]
    lines += [f"  size: {size}", *(f"  {kind}: {digest}" for kind, digest in entry.published.items())]
    lines += [f"  licence: {entry.licence}", f"  please cite: {entry.citation}"]
    return "\n".join([*lines, *([f"  note: {entry.note}"] if entry.note else [])])


def _wrong(entry: Entry, target: Path) -> str | None:
    """What is wrong with the file in place; None where it is the one wanted."""
    if not target.is_file():
        return f"{target} is not there"
    return problem(entry, of_file(target), pin_of(target))


def _unlike(entry: Entry, path: Path, found: dict[str, str]) -> str | None:
    """Why a file that a person vouches for holds other images than it should; None where it does not."""
    if not entry.holds or problem(entry, found, None) is None:
        return None
    try:
        declared = npz_declared(path, "images.npy")
    except Fault as fault:
        return str(fault)
    if declared.shape == entry.holds and declared.dtype == "uint8":
        return None
    return f"its images are {declared.dtype} of shape {list(declared.shape)}, wanted uint8 of {list(entry.holds)}"


def _hint(entry: Entry, path: Path, found: dict[str, str], given: str | None) -> str:
    """What to do with a file that is not the one wanted."""
    if path.name in PICKLED or int(found["size"]) in PICKLED.values():
        get = f"`betavae data fetch {entry.name}`"
        return f"; it is CIFAR's Python version, whose pickles are never opened: {get} gets the binary version"
    for other in CATALOGUE.values():
        if other is not entry and (other.file == path.name or problem(other, found, None) is None):
            return f"; it has the name or the content of another: `betavae data add {other.name} {path}`"
    if given is not None and not entry.vouchable:
        these = ", ".join(name for name, each in CATALOGUE.items() if each.vouchable)
        return f"; a sha256 of yours counts beside what is published, and in its place only for {these}"
    return on_your_word(entry, found) if given is None else ""


def _is_page(path: Path) -> bool:
    with open(path, "rb") as file:
        return looks_like_a_page(file.read(256))


def _from_mirrors(entry: Entry, target: Path, addresses: Sequence[str], progress: bool) -> Path:
    part = beside(target, ".part")
    failures = []
    for url in addresses:
        try:
            wrong, found = _from_one(entry, target, part, url, progress)
        except Unavailable as reason:
            failures.append(f"{url.split('/')[2]}: {reason}")
            continue
        if wrong is None:
            put(part, target)
            pin(entry, target, found["sha256"])
            return target
        kept = set_aside(part, target, wrong)
        failures.append(f"{url.split('/')[2]}: {wrong} (kept as {kept.name}){on_your_word(entry, found)}")
    rest = f"; {part.stat().st_size:,} bytes are kept and the same command continues" if part.exists() else ""
    raise Fault(f"{entry.name} could not be fetched. {'; '.join(failures)}{rest}. Or {by_hand(entry)}")


def _from_one(entry: Entry, target: Path, part: Path, url: str, progress: bool) -> tuple[str | None, dict[str, str]]:
    """What one address gave. A continued file that is wrong is brought once more whole: two may have been mixed."""
    while True:
        continued = part.exists()
        with bar(entry.name, progress) as tell:
            download(url, part, entry.size, tell)
        found = of_file(part)
        wrong = problem(entry, found, pin_of(target))
        if wrong is None or not continued:
            return wrong, found
        part.unlink()

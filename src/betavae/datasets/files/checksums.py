"""What a file is known by: its size and digests, and the verdict whether it is the one that was wanted."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from betavae.datasets.files.catalogue import Entry
from betavae.errors import Fault, Misuse

BLOCK = 1 << 20


def blocks(file: BinaryIO) -> Iterator[bytes]:
    """What is left of a file, a block at a time."""
    while content := file.read(BLOCK):
        yield content


def digests(contents: Iterable[bytes], size: int) -> dict[str, str]:
    """Size, sha256, md5 and git's blob sha1 of a stream that should have ``size`` bytes."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    blob = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    seen = 0
    for content in contents:
        seen += len(content)
        for digest in (sha256, md5, blob):
            digest.update(content)
    return {
        "size": str(seen),
        "sha256": sha256.hexdigest(),
        "md5": md5.hexdigest(),
        "git-blob-sha1": blob.hexdigest(),
    }


def of_file(path: Path) -> dict[str, str]:
    """Size and digests of a file. Raises Fault where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return digests(blocks(file), path.stat().st_size)
    except OSError as error:
        raise Fault(f"cannot read {path}: {error.strerror or error}") from error


def pin_of(path: Path) -> str | None:
    """The sha256 that was pinned for this raw file, or None. Raises Fault where the pin is not a sha256."""
    pin = path.with_name(path.name + ".sha256")
    try:
        lines = [line for line in pin.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Fault(f"cannot read {pin}: {error}") from error
    if len(lines) != 1 or not re.fullmatch(r"[0-9a-f]{64}", lines[0].split()[0]):
        raise Fault(f"{pin} should hold one line, a sha256 and {path.name}; delete it to pin the next verified arrival")
    return lines[0].split()[0]


def vouched(text: str) -> str:
    """The sha256 a person gave, in small letters. Raises Misuse where it is none."""
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise Misuse(f"--sha256 takes 64 hexadecimal digits (`sha256sum FILE` prints them); given {text!r}")
    return text.lower()


def problem(entry: Entry, found: dict[str, str], pin: str | None, given: str | None = None) -> str | None:
    """Why a file with these digests is not the one wanted, naming both sides; None where it is.

    ``given`` is the sha256 a person vouches for, ``pin`` that of the first verified arrival. For vouchable entries
    either replaces the published digest; elsewhere it comes on top.
    """
    reference = given or pin
    if entry.size is not None and found["size"] != str(entry.size) and not (reference and entry.vouchable):
        short = "; it was cut short, or is another file" if int(found["size"]) < entry.size else ""
        return f"it has {int(found['size']):,} bytes, the published file {entry.size:,}{short}"
    if reference and found["sha256"] != reference:
        whose = "the one you gave is" if given else "the one pinned when the file first arrived is"
        return f"its sha256 is {found['sha256']}, {whose} {reference}"
    if reference and entry.vouchable:
        return None
    for kind, wanted in entry.published.items():
        if found[kind] != wanted:
            return f"its {kind} is {found[kind]}, the published one is {wanted}" + (
                f" (its sha256 is {found['sha256']})" if kind != "sha256" else ""
            )
    return None

"""One file from one address: continued where it was cut, refused where it is not the file, and never half in place."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from betavae.datasets.files.formats import looks_like_a_page
from betavae.errors import Fault, Misuse

if TYPE_CHECKING:
    import requests

TRIES = 5  # connections to one address before the next is tried
LIMIT = 64 << 30  # bytes taken from a server that says no size
TIMEOUT = (15.0, 60.0)  # seconds to connect, seconds of silence
Tell = Callable[[int, "int | None"], None]  # bytes here, bytes in all


class Unavailable(Exception):
    """This address will not give the file; the text says why."""


class Interrupted(Exception):
    """The connection ended before the file did; asking again may help."""


def checked(url: str) -> str:
    """The address, if it is one that may be fetched from. Raises Misuse for anything but http and https."""
    if not re.match(r"https?://[^/]", url):
        raise Misuse(f"{url!r} is not an http or https address; `betavae data add` takes in a file of this machine")
    return url


def download(url: str, part: Path, size: int | None, tell: Tell) -> None:
    """Bring what lies at ``url`` into ``part``, continuing what is there already where the server allows it.

    Raises Unavailable (what came is kept in ``part``) or, where the disk is the trouble, Fault.
    """
    for _ in range(TRIES):
        here = part.stat().st_size if part.exists() else 0
        if size is not None and here == size:
            return
        if size is not None and here > size:
            part.unlink()
            here = 0
        try:
            _receive(url, part, here, size, tell)
            return
        except Interrupted as error:
            reason = str(error)
    raise Unavailable(f"{reason} ({TRIES} times)")


def _receive(url: str, part: Path, here: int, size: int | None, tell: Tell) -> None:
    import requests

    # "identity": a server must not gzip on the wire, since the digests are those of the file itself.
    headers = {"Accept-Encoding": "identity", "User-Agent": "betavae"} | ({"Range": f"bytes={here}-"} if here else {})
    try:
        response = requests.get(url, headers=headers, stream=True, timeout=TIMEOUT)
    except requests.exceptions.InvalidSchema as error:
        raise Unavailable("it leads on to an address that is not http or https") from error
    except requests.exceptions.RequestException as error:
        raise Unavailable(f"no connection ({type(error).__name__})") from error
    with response:
        here, total = _agreed(response, part, here)
        if size is not None and total is not None and total != size:
            raise Unavailable(f"it announces {total:,} bytes, the published file has {size:,}")
        _check_room(part, (total or size or 0) - here)
        _store(response, part, here, size or total, tell)


def _agreed(response: requests.Response, part: Path, here: int) -> tuple[int, int | None]:
    """Where the server starts, and how long the whole file is."""
    if response.status_code == 416:
        part.unlink(missing_ok=True)
        raise Interrupted(f"it has nothing beyond the {here:,} bytes that came")
    if response.status_code not in (200, 206):
        raise Unavailable(f"it answers HTTP {response.status_code} {response.reason}")
    if "html" in response.headers.get("Content-Type", "").lower():
        raise Unavailable("it gives a web page instead of the file")
    if response.status_code == 206:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if not match or int(match[1]) != here:
            part.unlink(missing_ok=True)
            raise Interrupted("it continues from another place than asked")
        return here, None if match[2] == "*" else int(match[2])
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else None


def _store(response: requests.Response, part: Path, here: int, total: int | None, tell: Tell) -> None:
    stream = _chunks(response)
    chunk = next(stream, b"")
    if here == 0 and looks_like_a_page(chunk):
        raise Unavailable("it gives a web page instead of the file")
    try:
        with open(part, "ab" if here else "wb") as out:
            while chunk:
                here += len(chunk)
                if here > (total or LIMIT):
                    raise Unavailable(f"it sends more than {total or LIMIT:,} bytes")
                out.write(chunk)
                tell(here, total)
                chunk = next(stream, b"")
    except OSError as error:
        raise disk_fault(part, error) from error
    except Unavailable:
        part.unlink(missing_ok=True)
        raise
    if total is not None and here < total:
        raise Interrupted(f"the connection ended after {here:,} of {total:,} bytes")


def _chunks(response: requests.Response) -> Iterator[bytes]:
    import urllib3

    try:
        yield from response.raw.stream(1 << 18, decode_content=False)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise Interrupted(f"the connection was cut ({type(error).__name__})") from error


def _check_room(part: Path, wanted: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if wanted > free:
        raise Fault(f"{part.parent} has room for {free:,} bytes, {wanted:,} are still to come; {_ELSEWHERE}")


_ELSEWHERE = "free some space, or name another data folder: set BETAVAE_DATA, or give root"


def disk_fault(path: Path, error: OSError) -> Fault:
    """The error for a file that could not be written."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    kept = f"; what came is kept as {path.name} and the same command continues it" if path.suffix == ".part" else ""
    return Fault(
        f"could not write {path}: {'the disk is full' if full else error.strerror or error}{kept}; {_ELSEWHERE}"
    )

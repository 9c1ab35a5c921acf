"""A web server of this machine that serves files well or badly, and remembers what it was asked."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Page:
    """What lies at one address, and how it is served.

    ``cuts`` gives for each request in turn after how many bytes the connection ends (None: not at all; the last counts
    on), ``says`` a length other than the true one (None: none is said), ``hold`` an event to wait for before the end.
    """

    content: bytes = b""
    status: int = 200
    kind: str = "application/octet-stream"
    ranges: bool = True
    cuts: tuple[int | None, ...] = (None,)
    says: int | None = -1
    place: str = ""
    hold: threading.Event | None = None
    asked: list[str | None] = field(default_factory=list)


class Server(http.server.ThreadingHTTPServer):
    """Pages by file name; ``url`` gives their addresses."""

    daemon_threads = True

    def __init__(self, pages: dict[str, Page]) -> None:
        self.pages = pages
        super().__init__(("127.0.0.1", 0), _Handler)

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{name}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is what some tests are about."""


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        page = self.server.pages.get(self.path.lstrip("/"))
        if page is None:
            self.send_error(404)
            return
        asked = self.headers.get("Range")
        cut = page.cuts[min(len(page.asked), len(page.cuts) - 1)]
        page.asked.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and page.ranges else 0
        if start and start >= len(page.content):
            self.send_error(416)
            return
        self.send_response(206 if start else page.status)
        self.send_header("Content-Type", page.kind)
        if page.place:
            self.send_header("Location", page.place)
        whole = len(page.content) if page.says == -1 else page.says
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(page.content) - 1}/{len(page.content)}")
        if whole is not None:
            self.send_header("Content-Length", str(whole - start))
        self.end_headers()
        self.wfile.write(page.content[start:] if cut is None else page.content[start : start + cut])
        if page.hold is not None:
            self.wfile.flush()
            page.hold.wait(60)

    def log_message(self, *_: Any) -> None:
        """Tests read what was asked in ``Page.asked``."""


@contextmanager
def serving(**pages: Page) -> Iterator[tuple[Server, Callable[[str], str]]]:
    """A server of pages by name, for the length of a block; gives it and its ``url``."""
    server = Server(pages)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server, server.url
    finally:
        for page in pages.values():
            if page.hold is not None:
                page.hold.set()
        server.shutdown()
        server.server_close()
        thread.join()

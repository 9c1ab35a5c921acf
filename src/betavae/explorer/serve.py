"""The page of models that no page can hold: served on this machine alone, decoded by PyTorch.

The address has a token that only its reader knows, and the Host header must name this machine: another page of the same
browser can neither guess the one nor, by a name that it leads here, pass the other.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

import numpy as np
import torch

from betavae.explorer.document import page
from betavae.explorer.shown import Explored

HOST = "127.0.0.1"
HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""What every answer says: nothing is kept, nothing is another page's, and the token goes to nobody."""


class Server(ThreadingHTTPServer):
    """Serves one page of ``models`` at ``address``: its text once, and an image for every vector of codes.

    Raises Misuse where there is nothing to show.
    """

    daemon_threads = True

    def __init__(self, models: Sequence[Explored], *, title: str = "") -> None:
        self.models, self.token, self.lock = list(models), secrets.token_urlsafe(18), Lock()
        self.page = page(models, title=title, served=True).encode("utf-8")
        super().__init__((HOST, 0), _Answer)  # any port that is free
        self.hosts = {f"{name}:{self.server_port}" for name in (HOST, "localhost")}

    @property
    def address(self) -> str:
        """Where the page is, its token inside."""
        return f"http://{HOST}:{self.server_port}/{self.token}/"

    def decoded(self, number: int, raw: bytes) -> bytes | None:
        """The image of codes given as float32, little-endian, as bytes ``[C, H, W]``; None where they are no codes."""
        codec = self.models[number].codec
        if len(raw) != 4 * codec.codes or codec.decode is None:
            return None
        codes = np.frombuffer(raw, "<f4").copy()
        if not np.isfinite(codes).all():
            return None
        with self.lock, torch.no_grad():
            image = codec.decode(torch.from_numpy(codes)[None].to(self.models[number].dataset.device))
        return (image[0].detach().cpu() * 255).round().clamp(0, 255).byte().numpy().tobytes()


class _Answer(BaseHTTPRequestHandler):
    """One request: the page, or an image; whatever else gets a status and no reason."""

    server: Server
    timeout = 30
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        known = self._known("")
        self._give(200 if known else 404, "text/html; charset=utf-8", self.server.page if known else b"")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        raw = self.rfile.read(int(length)) if length.isdecimal() and int(length) <= 4096 else None
        self.close_connection = raw is None
        numbers = range(len(self.server.models))
        number = next((k for k in numbers if self._known(f"decode/{k}")), None)
        image = None if number is None or raw is None else self.server.decoded(number, raw)
        status = 404 if number is None else 400 if image is None else 200
        self._give(status, "application/octet-stream", image or b"")

    def _known(self, rest: str) -> bool:
        """Whether the address is the token's with ``rest`` behind it, and asked of this machine by its own name."""
        right = hmac.compare_digest(self.path.encode(), f"/{self.server.token}/{rest}".encode())
        return right and self.headers.get_all("Host") is not None and self.headers["Host"] in self.server.hosts

    def _give(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        for name, value in {**HEADERS, "Content-Type": kind, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the address holds the token."""
